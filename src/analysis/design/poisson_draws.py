"""The Poisson headline of one drawn outcome after another: the library's regression on sums, without its tables."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.effects.estimate import Estimate
from analysis.inference.cluster_pieces import ClusterPieces, cluster_codes, one_effect
from analysis.inference.cluster_robust import cr2
from analysis.inference.cluster_sums import ClusterSums
from analysis.regression.regressors import regressors
from analysis.study.panel_rows import first_rows

# Newton's steps double the digits that are right; one that has no finite answer never settles.
MOST_STEPS, SETTLED = 30, 1e-8


@dataclass(frozen=True)
class PoissonDesign:
    """A design reduced to villages alike in group, start and years seen, whose totals are all that the fit needs.

    Attributes
    ----------
    row : ndarray of int, shape (n,)
        Which of the m sums each row of the sample belongs to.
    raw : ndarray, shape (m, K)
        Regressors without the constant; years come first.
    profiles, groups : ndarray of int
        Where each profile begins among the sums, and each group.
    cell : ndarray of int, shape (m,)
        Treatment cell of each sum, -1 for none.
    first_cell : int
        Column of the first cell.
    pieces : ClusterPieces
        Of the design's linear regression: which groups are treated, or alone behind a part of the effect.
    fewer : ndarray, shape (K, K0), or None
        Regressors around whose fit residuals are taken, where not all.
    """

    row: np.ndarray
    raw: np.ndarray
    profiles: np.ndarray
    groups: np.ndarray
    cell: np.ndarray
    first_cell: int
    pieces: ClusterPieces
    fewer: np.ndarray | None

    @classmethod
    def of(cls, design: Estimate, pieces: ClusterPieces) -> PoissonDesign:
        """The sums of a linear design, whose regressors are the same."""
        regression = design.fitted
        sample, starts = regression.sample, first_rows(regression.sample.frame)
        lengths = np.diff(starts, append=len(sample.frame))
        year = np.unique(sample.frame["time"], return_inverse=True)[1]
        signature = np.add.reduceat(
            np.random.default_rng(0).integers(2**62 // (year.max() + 1), size=year.max() + 1)[year], starts
        )
        group = cluster_codes(regression, "group")[starts]
        start = sample.frame["first_treated"].iloc[starts].fillna(0).to_numpy(dtype=np.int64)
        alike = np.unique(np.column_stack([group, start, signature]), axis=0, return_inverse=True)[1].ravel()
        of_row = np.repeat(alike, lengths) * (year.max() + 1) + year
        _, chosen, row = np.unique(of_row, return_index=True, return_inverse=True)
        built = regressors(sample, regression.kind, regression.reference)
        first_cell = built.columns.index(built.names[0]) - 1
        profile, of_group = np.repeat(alike, lengths)[chosen], np.repeat(group, lengths)[chosen]
        profiles, groups = (np.flatnonzero(np.diff(codes, prepend=-1)) for codes in (profile, of_group))
        fewer = one_effect(regression, design.effect.gradient) if pieces.lone_share else None
        raw = built.raw[chosen, 1:].astype(float)
        return cls(row, raw, profiles, groups, built.cell_of_row[chosen], first_cell, pieces, fewer)

    def headline(self, outcome: np.ndarray, effect: float = 0.0) -> np.ndarray:
        """Effect, CR2 error and degrees of freedom, as `did` and `cr2` give them; missing where no answer is finite.

        `effect`, in log points, is put into the treated cells first.
        """
        total = np.bincount(self.row, outcome, minlength=len(self.raw)) * np.where(self.cell >= 0, np.exp(effect), 1.0)
        fitted = self._fit(total)
        if fitted is None:
            return np.full(3, np.nan)
        coefficients, mean, within = fitted
        products = np.add.reduceat(within[:, :, None] * (mean[:, None] * within)[:, None, :], self.groups)
        lower = np.linalg.cholesky(products.sum(axis=0))
        inverse = np.linalg.inv(lower)
        scores = np.add.reduceat(within * (total - mean)[:, None], self.groups) @ inverse.T
        sums = ClusterSums(lower.T, scores, inverse @ products @ inverse.T, np.eye(len(lower)))
        inside, cells = self.cell >= 0, coefficients[self.first_cell : self.first_cell + self.cell.max() + 1]
        observed = np.bincount(self.cell[inside], total[inside])
        counterfactual = observed * np.exp(-cells)
        gradient = np.zeros(len(lower))
        gradient[self.first_cell : self.first_cell + len(cells)] = counterfactual / counterfactual.sum()
        residual = sums if self.fewer is None else sums.with_residuals_of(self.fewer, coefficients)
        value = float(np.log(observed.sum() / counterfactual.sum()))
        test = cr2(
            replace(
                self.pieces,
                direction=inverse @ gradient,
                sums=sums,
                residual_sums=residual,
                rounding=0.0,
                estimate=value,
            )
        )
        return np.array([value, test.std_error, test.df])

    def _fit(self, total: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Coefficients, fitted means and regressors without weighted unit means; None where it does not settle."""
        lengths = np.diff(self.profiles, append=len(total))
        whole = np.repeat(np.add.reduceat(total, self.profiles), lengths)
        coefficients = np.zeros(self.raw.shape[1])
        for _ in range(MOST_STEPS):
            share = np.exp(self.raw @ coefficients)
            share /= np.repeat(np.add.reduceat(share, self.profiles), lengths)
            within = self.raw - np.repeat(np.add.reduceat(share[:, None] * self.raw, self.profiles), lengths, axis=0)
            mean = whole * share
            try:
                step = np.linalg.solve(within.T @ (mean[:, None] * within), within.T @ (total - mean))
            except np.linalg.LinAlgError:
                return None
            if not np.abs(step).max() < 1 / SETTLED:
                return None
            if np.abs(step).max() <= SETTLED:
                return coefficients, mean, within
            coefficients = coefficients + step
        return None
