"""One two-way fixed-effects regression, fitted by statsmodels; every estimand is a contrast of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import OLS, WLS, RegressionResults

from analysis.messages import StudyError, count, first, reasons
from analysis.regression.averages import averages_fit
from analysis.regression.sample import Sample
from analysis.regression.treatment_cells import Cell, cell_name, cell_of_each_row

# A column whose part not explained by the columns before it is below this share of its own length is collinear.
COLLINEARITY_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Regression:
    """A fitted two-way fixed-effects regression.

    Attributes
    ----------
    results : RegressionResults
        The statsmodels fit, with errors clustered by group (CR1). Unit effects are absorbed by demeaning within
        units (grand mean added back), so it holds a constant, year dummies, treatment cells and controls.
    sample : Sample
    cells : Index
        Names of the treatment cells, a subset of the results' parameters.
    membership : ndarray, shape (n,)
        Position in `cells` of the cell each row belongs to, -1 for none.
    labels : tuple of tuple
        Cohort (or group) and event time of each cell, None for what is pooled.
    kind, reference
        Which cells `treatment_cells` made.
    sums : dict
        Sums over clusters already worked out; see `cluster_sums`.
    """

    results: RegressionResults
    sample: Sample
    cells: pd.Index
    membership: np.ndarray
    labels: tuple[Cell, ...]
    kind: str
    reference: int
    sums: dict[bytes, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def design(self) -> np.ndarray:
        """Demeaned regressors, shape (n, K)."""
        exog = self.results.model.exog
        return exog if self.sample.alike is None else exog[self.sample.alike]

    @property
    def outcome(self) -> np.ndarray:
        """Demeaned outcome, shape (n,)."""
        if self.sample.alike is None:
            return self.results.model.endog
        return self.sample.demeaned(self.sample.outcome[:, None])[:, 0]

    @property
    def residuals(self) -> np.ndarray:
        """Residuals, shape (n,)."""
        if self.sample.alike is None:
            return self.results.resid.to_numpy()
        fitted = self.results.model.exog @ self.results.params.to_numpy()
        return self.outcome - fitted[self.sample.alike]

    def cell_weights(self) -> np.ndarray:
        """Village-years (or their total weight) in each treatment cell."""
        weights = self.sample.weights if self.sample.weights is not None else np.ones(len(self.membership))
        inside = self.membership >= 0
        return np.bincount(self.membership[inside], weights[inside], minlength=len(self.cells))

    def contrast(self, weights: np.ndarray) -> np.ndarray:
        """Weights on the cells, shape (cells,), as weights on all K parameters."""
        vector = np.zeros(len(self.results.params))
        vector[self.results.params.index.get_indexer(self.cells)] = weights
        return vector


def fit(sample: Sample, kind: str, reference: int = -1) -> Regression:
    """Fit outcome on unit effects (absorbed exactly), year dummies, treatment cells and controls.

    Exact for unbalanced panels too: years are explicit dummies, and only the unit effects are demeaned away
    (Frisch-Waugh-Lovell). Errors are clustered by group with the CR1 factor G/(G-1) (N-1)/(N-K), where N counts
    village-years and K the constant, years, cells and controls, not the unit effects, which are nested in the groups.
    `kind` and `reference` say which treatment cells there are, as in `treatment_cells`.
    """
    distinct = sample.distinct()
    labels, membership = cell_of_each_row(distinct.frame, kind, reference)
    names = pd.Index([cell_name(label) for label in labels])
    years = np.unique(distinct.frame["time"])
    raw = np.column_stack(
        [
            np.ones(len(membership)),
            distinct.frame["time"].to_numpy()[:, None] == years[1:],
            membership[:, None] == np.arange(len(labels)),
            distinct.controls.to_numpy(dtype=float),
        ]
    ).astype(float)
    columns = ["constant", *(f"year_{year}" for year in years[1:]), *names, *sample.controls.columns]
    design = distinct.demeaned(raw)
    _check_names(columns)
    _check_rank(raw, design, columns, distinct)
    outcome = sample.demeaned(sample.outcome[:, None])[:, 0]
    results = _fit_statsmodels(outcome, pd.DataFrame(design, columns=columns), sample)
    membership = membership if sample.alike is None else membership[sample.alike]
    return Regression(results, sample, names, membership, tuple(labels), kind, reference)


def _fit_statsmodels(outcome: np.ndarray, design: pd.DataFrame, sample: Sample) -> RegressionResults:
    groups, names = pd.factorize(sample.frame["group"])
    if len(names) < 2:
        raise StudyError(
            f"All {sample.rows:,} village-years used are in one group ({names[0]}). "
            "Errors are clustered by group: give the groups that were treated and those that were not."
        )
    if sample.alike is not None:
        return averages_fit(outcome, design, sample.weights, sample.alike, groups, sample.scatter)
    outcome = pd.Series(outcome, name="outcome")
    model = OLS(outcome, design) if sample.weights is None else WLS(outcome, design, weights=sample.weights)
    # QR keeps its precision when a control is of another scale than the dummies; the default loses it.
    return model.fit(method="qr", cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)


def _check_names(columns: list[str]) -> None:
    if clash := sorted({name for name in columns if columns.count(name) > 1}):
        raise StudyError(
            f"{count(len(clash), 'control')} named like a column of the regression itself: {first(clash)}. "
            "Rename it in the panel."
        )


def _check_rank(raw: np.ndarray, design: np.ndarray, columns: list[str], sample: Sample) -> None:
    """Every column adds something to those before it, else name the ones that do not."""
    if sample.rows < len(columns):
        raise StudyError(
            f"{count(sample.rows, 'row')} cannot support {len(columns)} coefficients. "
            f"Rows left out: {reasons(sample.dropped)}."
        )
    if sample.alike is not None:
        root = np.sqrt(sample.weights)[:, None]
        raw, design = raw * root, design * root
    length = np.linalg.norm(raw, axis=0)
    left = np.zeros(len(columns))
    found = np.abs(np.diag(np.linalg.qr(design, mode="r")))
    left[: len(found)] = found
    lost = [
        name for name, size, whole in zip(columns, left, length, strict=True) if size <= COLLINEARITY_TOLERANCE * whole
    ]
    if lost:
        raise StudyError(
            f"{count(len(lost), 'column')} cannot be estimated beside the village and year effects: {first(lost)}. "
            "A control that never changes within a village, or a treated cell with no comparison left "
            f"(rows left out: {reasons(sample.dropped)}), must be removed or its data filled in."
        )
