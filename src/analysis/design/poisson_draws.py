"""The Poisson headline of one drawn outcome after another: the library's regression on sums, without its tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from analysis.effects.estimate import Estimate
from analysis.inference.cluster_pieces import ClusterPieces, cluster_codes, one_effect
from analysis.inference.cluster_robust import cr2_error
from analysis.inference.cluster_sums import ClusterSums
from analysis.regression.regressors import regressors
from analysis.regression.sample import Sample
from analysis.study.panel_rows import first_rows

# Newton's steps double the digits that are right; one that has no finite answer never settles.
MOST_STEPS, SETTLED = 30, 1e-8


@dataclass(frozen=True)
class PoissonDesign:
    """A design reduced to villages alike in group, start and years seen, whose totals are all that the fit needs.

    Profiles are such villages of one group; profiles of one kind have the same regressors, so that coefficients come
    from the kinds' totals alone. With controls, or weights that change, every village is a kind of its own.

    Attributes
    ----------
    row : ndarray of int, shape (n,)
        Place of each row of the sample among the P x T sums by profile and year.
    weights : ndarray, shape (n,)
        Of the rows of the sample.
    kinds : csr_array, shape (kinds, P)
        Which profiles are of each kind.
    kind, groups : ndarray of int
        Kind of each profile, shape (P,), and where each group begins among the profiles.
    raw : ndarray, shape (kinds, T, K)
        Regressors without the constant; years come first.
    seen : ndarray, shape (kinds, T)
        Weight of the kind's years, zero where it is not seen.
    cell : ndarray of int, shape (kinds, T)
        Treatment cell, -1 for none.
    first_cell : int
        Column of the first cell.
    pieces : ClusterPieces
        Of the design's linear regression: which groups are treated, or alone behind a part of the effect.
    fewer : ndarray, shape (K, K0), or None
        Regressors around whose fit residuals are taken, where not all.
    """

    row: np.ndarray
    weights: np.ndarray
    kinds: sparse.csr_array
    kind: np.ndarray
    groups: np.ndarray
    raw: np.ndarray
    seen: np.ndarray
    cell: np.ndarray
    first_cell: int
    pieces: ClusterPieces
    fewer: np.ndarray | None

    @classmethod
    def of(cls, design: Estimate, pieces: ClusterPieces) -> PoissonDesign:
        """The sums of a linear design, whose regressors are the same."""
        regression, sample = design.fitted, design.fitted.sample
        starts = first_rows(sample.frame)
        lengths = np.diff(starts, append=len(sample.frame))
        year = np.unique(sample.frame["time"], return_inverse=True)[1]
        kind, weights = _kinds(sample, starts, year)
        group = cluster_codes(regression, "group")[starts]
        pairs, profile = np.unique(np.column_stack([group, kind]), axis=0, return_inverse=True)
        row = np.repeat(profile.ravel(), lengths) * (year.max() + 1) + year
        built = regressors(sample, regression.kind, regression.reference)
        places, shape = (np.repeat(kind, lengths), year), (kind.max() + 1, year.max() + 1)
        raw, seen, cell = np.zeros((*shape, built.raw.shape[1] - 1)), np.zeros(shape), np.full(shape, -1)
        raw[places], seen[places], cell[places] = built.raw[:, 1:], weights, built.cell_of_row
        of_kind = sparse.csr_array((np.ones(len(pairs)), (pairs[:, 1], np.arange(len(pairs)))))
        groups = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1))
        fewer = one_effect(regression, design.effect.gradient) if pieces.lone_share else None
        sums = row, sample.weights, of_kind, pairs[:, 1], groups
        return cls(*sums, raw, seen, cell, built.columns.index(built.names[0]) - 1, pieces, fewer)

    def headline(self, outcome: np.ndarray, effect: float = 0.0) -> np.ndarray:
        """Effect, CR2 error and degrees of freedom, as `did` and `cr2` give them; missing where no answer is finite.

        `effect`, in log points, is put into the treated cells first.
        """
        inside = self.cell >= 0
        total = np.bincount(self.row, self.weights * outcome, minlength=len(self.kind) * self.seen.shape[1])
        total = total.reshape(len(self.kind), -1) * np.where(inside, np.exp(effect), 1.0)[self.kind]
        by_kind = self.kinds @ total
        fitted = self._fit(by_kind)
        if fitted is None:
            return np.full(3, np.nan)
        coefficients, share, within = fitted
        products = np.swapaxes(share[..., None] * within, 1, 2) @ within
        lower = np.linalg.cholesky(np.tensordot(by_kind.sum(axis=1), products, 1))
        inverse = np.linalg.inv(lower)
        sums = self._sums(total, share, within @ inverse.T, inverse)
        cells = coefficients[self.first_cell : self.first_cell + self.cell.max() + 1]
        observed = np.bincount(self.cell[inside], by_kind[inside])
        counterfactual = observed * np.exp(-cells)
        gradient = np.zeros(len(lower))
        gradient[self.first_cell : self.first_cell + len(cells)] = counterfactual / counterfactual.sum()
        residual = sums if self.fewer is None else sums.with_residuals_of(self.fewer, coefficients)
        value = float(np.log(observed.sum() / counterfactual.sum()))
        changed: dict[str, Any] = {
            "direction": inverse @ gradient,
            "sums": sums,
            "residual_sums": residual,
            "estimate": value,
        }
        return np.array([value, *cr2_error(replace(self.pieces, **changed))])

    def _sums(self, total: np.ndarray, share: np.ndarray, basis: np.ndarray, inverse: np.ndarray) -> ClusterSums:
        """Sums over groups, in the orthonormal basis of the regressors by kind and year."""
        whole, kind = total.sum(axis=1), self.kind
        grams = (np.swapaxes(share[..., None] * basis, 1, 2) @ basis)[kind] * whole[:, None, None]
        scores = ((total - whole[:, None] * share[kind])[:, None] @ basis[kind])[:, 0]
        scores, grams = (np.add.reduceat(part, self.groups) for part in (scores, grams))
        return ClusterSums(np.linalg.inv(inverse).T, scores, grams, np.eye(len(inverse)))

    def _fit(self, total: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Coefficients, years' shares and regressors without their means by kind; None where it does not settle."""
        coefficients, whole = np.zeros(self.raw.shape[-1]), total.sum(axis=1, keepdims=True)
        for _ in range(MOST_STEPS):
            share = self.seen * np.exp(self.raw @ coefficients)
            share /= share.sum(axis=1, keepdims=True)
            within = self.raw - share[:, None] @ self.raw
            mean, flat = whole * share, within.reshape(-1, len(coefficients))
            try:
                step = np.linalg.solve(flat.T @ (mean.reshape(-1, 1) * flat), flat.T @ (total - mean).ravel())
            except np.linalg.LinAlgError:
                return None
            if not np.abs(step).max() < 1 / SETTLED:
                return None
            if np.abs(step).max() <= SETTLED:
                return coefficients, share, within
            coefficients = coefficients + step
        return None


def _kinds(sample: Sample, starts: np.ndarray, year: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kind of each unit, and the weights of rows that its shares of a total need."""
    per_unit = np.repeat(sample.weights[starts], np.diff(starts, append=len(year)))
    if len(sample.controls.columns) or (sample.weights != per_unit).any():
        return np.arange(len(starts)), sample.weights
    signature = np.random.default_rng(0).integers(2**62 // (year.max() + 1), size=year.max() + 1)[year]
    start = sample.frame["first_treated"].iloc[starts].fillna(0).to_numpy(dtype=np.int64)
    alike = np.column_stack([start, np.add.reduceat(signature, starts)])
    return np.unique(alike, axis=0, return_inverse=True)[1].ravel(), np.ones(len(year))
