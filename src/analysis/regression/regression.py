"""One two-way fixed-effects regression, fitted by statsmodels; every estimand is a contrast of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import WLS, RegressionResults

from analysis.messages import StudyError, count, first, reasons
from analysis.regression.sample import Sample, demean
from analysis.regression.treatment_cells import Cell, cell_name, cell_of_each_row

# A column whose part not explained by the columns before it is below this share of its own length is collinear.
COLLINEARITY_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Effect:
    """A number that a regression estimates, and how it moves with the coefficients of the treatment cells.

    Attributes
    ----------
    value : float
    gradient : ndarray, shape (cells,)
        Its derivative by each cell's coefficient; where it is linear, the weights that give it.
    """

    value: float
    gradient: np.ndarray


def weighted_sum(effects: Sequence[Effect], weights: np.ndarray) -> Effect:
    """A weighted sum of effects of one regression, weights of shape (effects,)."""
    values, gradients = zip(*((effect.value, effect.gradient) for effect in effects), strict=True)
    return Effect(float(weights @ np.array(values)), weights @ np.array(gradients))


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
    cell_of_row : ndarray, shape (n,)
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
    cell_of_row: np.ndarray
    labels: tuple[Cell, ...]
    kind: str
    reference: int
    sums: dict[bytes, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def design(self) -> np.ndarray:
        """Demeaned regressors, shape (n, K)."""
        return self.results.model.exog

    @property
    def outcome(self) -> np.ndarray:
        """Demeaned outcome, shape (n,)."""
        return self.results.model.endog

    @property
    def weights(self) -> np.ndarray:
        """Weights of the rows, shape (n,)."""
        return self.results.model.weights

    @property
    def residuals(self) -> np.ndarray:
        """Residuals, shape (n,)."""
        return self.results.resid.to_numpy()

    @property
    def coefficients(self) -> np.ndarray:
        """Coefficients of the treatment cells, shape (cells,)."""
        return self.results.params[self.cells].to_numpy()

    def cell_sizes(self) -> np.ndarray:
        """Village-years (or their total weight) in each treatment cell."""
        inside = self.cell_of_row >= 0
        return np.bincount(self.cell_of_row[inside], self.weights[inside], minlength=len(self.cells))

    def average(self, inside: np.ndarray) -> Effect:
        """The average effect over some of the cells, by village-years; `inside` is a mask, shape (cells,)."""
        size = self.cell_sizes() * inside
        return self.combination(size / size.sum())

    def combination(self, weights: np.ndarray) -> Effect:
        """A weighted sum of the cells' coefficients, weights of shape (cells,)."""
        return Effect(float(weights @ self.coefficients), weights)

    def parameter_weights(self, cell_weights: np.ndarray) -> np.ndarray:
        """Weights on the cells, shape (cells,), as weights on all K parameters."""
        vector = np.zeros(len(self.results.params))
        vector[self.results.params.index.get_indexer(self.cells)] = cell_weights
        return vector


def fit(sample: Sample, kind: str, reference: int = -1) -> Regression:
    """Fit outcome on unit effects (absorbed exactly), year dummies, treatment cells and controls.

    Exact for unbalanced panels too: years are explicit dummies, and only the unit effects are demeaned away
    (Frisch-Waugh-Lovell). Errors are clustered by group with the CR1 factor G/(G-1) (N-1)/(N-K), where N counts
    village-years and K the constant, years, cells and controls, not the unit effects, which are nested in the groups.
    `kind` and `reference` say which treatment cells there are, as in `treatment_cells`.
    """
    labels, cell_of_row = cell_of_each_row(sample.frame, kind, reference)
    names = pd.Index([cell_name(label) for label in labels])
    years = np.unique(sample.frame["time"])
    raw = np.column_stack(
        [
            np.ones(len(cell_of_row)),
            sample.frame["time"].to_numpy()[:, None] == years[1:],
            cell_of_row[:, None] == np.arange(len(labels)),
            sample.controls.to_numpy(dtype=float),
        ]
    ).astype(float)
    columns = ["constant", *(f"year_{year}" for year in years[1:]), *names, *sample.controls.columns]
    _check_names(columns)
    design = _within(raw, sample)
    _check_rank(raw, design, columns, sample)
    outcome = _within(sample.outcome[:, None], sample)[:, 0]
    results = _fit_statsmodels(outcome, pd.DataFrame(design, columns=columns), sample)
    return Regression(results, sample, names, cell_of_row, tuple(labels), kind, reference)


def _within(values: np.ndarray, sample: Sample) -> np.ndarray:
    """Without weighted unit means, the grand mean added back; shape (n, k)."""
    return demean(values, sample.frame, sample.weights) + np.average(values, axis=0, weights=sample.weights)


def _fit_statsmodels(outcome: np.ndarray, design: pd.DataFrame, sample: Sample) -> RegressionResults:
    groups, names = pd.factorize(sample.frame["group"])
    if len(names) < 2:
        raise StudyError(
            f"All {sample.rows:,} village-years used are in one group ({names[0]}). "
            "Errors are clustered by group: give the groups that were treated and those that were not."
        )
    model = WLS(pd.Series(outcome, name="outcome"), design, weights=sample.weights)
    # QR keeps its precision when a control is of another scale than the dummies; the default loses it.
    results = model.fit(method="qr", cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    (rows, parameters), village_years = design.shape, sample.rows
    if village_years > rows:
        factor = (village_years - 1) / (village_years - parameters) / ((rows - 1) / (rows - parameters))
        results._results.cov_params_default = factor * results._results.cov_params_default
    return results


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
