"""One two-way fixed-effects regression, fitted by statsmodels; every estimand is a contrast of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import qr
from statsmodels.regression.linear_model import WLS, RegressionResults, RegressionResultsWrapper

from analysis.messages import StudyError
from analysis.regression.poisson import fitted_means, working_regression
from analysis.regression.regressors import Regressors, check_rank, regressors
from analysis.regression.sample import Sample, demean
from analysis.regression.treatment_cells import Cell

# Rows of a large panel's average that are decomposed at once.
ROWS_AT_ONCE = 20_000
# Columns that LAPACK reflects at once; asked how many, it would copy the columns to answer.
BLOCK = 32


@dataclass(frozen=True)
class Effect:
    """A number that a regression estimates, and how it moves with the coefficients of the treatment cells.

    Attributes
    ----------
    value : float
    gradient : ndarray, shape (cells,)
        Its derivative by each cell's coefficient; where it is linear, the weights that give it.
    always_zero : float, optional
        Village-years behind it of villages that are zero in every year, where the cells do not tell.
    """

    value: float
    gradient: np.ndarray
    always_zero: float | None = None


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
    mean : ndarray, shape (n,), or None
        Fitted means of a Poisson regression; `results` holds its last round, with working outcome and weights.
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
    mean: np.ndarray | None = None
    sums: dict[bytes, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def design(self) -> np.ndarray:
        """Demeaned regressors, shape (n, K)."""
        return self.results.model.exog

    @property
    def weights(self) -> np.ndarray:
        """Weights of the rows in the fit, shape (n,): the sample's, times the fitted means of a Poisson regression."""
        return self.results.model.weights

    def orthonormal(self) -> tuple[np.ndarray, np.ndarray]:
        """Q and R of the weighted regressors freed from the constant, shapes (n, K) and (K, K)."""
        basis, triangle = self._decomposed
        return basis[:, 1:], triangle[1:, 1:]

    @cached_property
    def _decomposed(self) -> tuple[np.ndarray, np.ndarray]:
        """QR decomposition of the weighted regressors, without the further copies that others make."""
        weighted = self.results.model.wexog
        return qr(weighted, mode="economic", check_finite=False, lwork=BLOCK * weighted.shape[1])

    @property
    def coefficients(self) -> np.ndarray:
        """Coefficients of the treatment cells, shape (cells,)."""
        return self.results._results.params[self._places]

    @cached_property
    def event_times(self) -> np.ndarray:
        """Event time of each treatment cell, NaN where event times are pooled; shape (cells,)."""
        return np.array([np.nan if time is None else time for _, time in self.labels])

    @cached_property
    def _places(self) -> np.ndarray:
        """Where the treatment cells stand among the parameters, shape (cells,)."""
        return pd.Index(self.results.model.exog_names).get_indexer(self.cells)

    def cell_sizes(self) -> np.ndarray:
        """Village-years (or their total weight) in each treatment cell."""
        return self._sums(self.sample.weights)

    def observed_totals(self) -> np.ndarray:
        """Observed total of each cell, shape (cells,)."""
        return self._sums(self.sample.outcome * self.sample.weights)

    def cell_totals(self) -> tuple[np.ndarray, np.ndarray]:
        """Observed and counterfactual total of each cell in a Poisson regression, shape (cells,) each.

        Fitted and observed totals of a cell are the same, so that it would have been exp(-coefficient) of the observed.
        """
        observed = self.observed_totals()
        return observed, observed * np.exp(-self.coefficients)

    def cell_weights(self) -> np.ndarray:
        """Total weight of each cell's rows in the fit, shape (cells,)."""
        return self._sums(self.weights)

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """Sums over each cell's rows."""
        inside = self.cell_of_row >= 0
        return np.bincount(self.cell_of_row[inside], values[inside], minlength=len(self.cells))

    def average(self, inside: np.ndarray) -> Effect:
        """The effect over some of the cells; `inside` is a mask, shape (cells,).

        The average by village-years; in a Poisson regression log(observed total / counterfactual total), whose gradient
        is the cells' shares of the counterfactual total.
        """
        if self.mean is None:
            size = self.cell_sizes() * inside
            return self.combination(size / size.sum())
        observed, counterfactual = (total * inside for total in self.cell_totals())
        value = np.log(observed.sum() / counterfactual.sum())
        return Effect(float(value), counterfactual / counterfactual.sum())

    def combination(self, weights: np.ndarray) -> Effect:
        """A weighted sum of the cells' coefficients, weights of shape (cells,)."""
        return Effect(float(weights @ self.coefficients), weights)

    def parameter_weights(self, cell_weights: np.ndarray) -> np.ndarray:
        """Weights on the cells, shape (cells,), as weights on all K parameters."""
        vector = np.zeros(self.design.shape[1])
        vector[self._places] = cell_weights
        return vector


def fit(sample: Sample, kind: str, reference: int = -1) -> Regression:
    """Fit outcome on unit effects (absorbed exactly), year dummies, treatment cells and controls.

    Exact for unbalanced panels too: years are explicit dummies, and only the unit effects are demeaned away
    (Frisch-Waugh-Lovell). Errors are clustered by group with the CR1 factor G/(G-1) (N-1)/(N-K), where N counts
    village-years and K the constant, years, cells and controls, not the unit effects, which are nested in the groups.
    `kind` and `reference` say which treatment cells there are, as in `treatment_cells`. On the Poisson scale it is the
    last of several such regressions, of the working outcome with the fitted means as weights.
    """
    built = regressors(sample, kind, reference)
    if sample.scale != "poisson":
        return _least_squares(built, sample, kind, reference, None)
    root = np.sqrt(sample.weights)[:, None]
    check_rank(built, _triangle(_within(built.raw, sample, sample.weights) * root), sample)
    return _least_squares(built, sample, kind, reference, fitted_means(built, sample, kind, reference))


def under_null(
    regression: Regression, inside: np.ndarray, effect: float, others: bool, start: np.ndarray | None = None
) -> Regression:
    """The weighted regression at the fitted means of a null: one effect, in log points, in some cells of a Poisson fit.

    Outcomes in these cells (`inside`, a mask) are divided by the effect's ratio, and fitted without the cells; the
    other cells are fitted freely (`others`) or have no effect. The working outcome is then regressed once on all cells,
    so that the effect's average over `inside` tells how far the data are from the null: the score, which is zero at
    the estimate itself. `start` gives fitted means to begin with.
    """
    affected = np.append(inside, False)[regression.cell_of_row]
    outcome = np.where(affected, regression.sample.outcome * np.exp(-effect), regression.sample.outcome)
    sample = replace(regression.sample, outcome=outcome)
    built = regressors(sample, regression.kind, regression.reference)
    imposed = built.names[inside] if others else built.names
    kept = ~np.isin(built.columns, imposed)
    restricted = replace(built, raw=built.raw[:, kept], columns=list(np.array(built.columns)[kept]))
    mean = fitted_means(restricted, sample, regression.kind, regression.reference, start)
    return _least_squares(built, sample, regression.kind, regression.reference, mean)


def _least_squares(built: Regressors, sample: Sample, kind: str, reference: int, mean: np.ndarray | None) -> Regression:
    """The (weighted) least-squares fit; at given fitted means, of a Poisson regression's working outcome."""
    outcome, weights = (sample.outcome, sample.weights) if mean is None else working_regression(mean, sample)
    design = pd.DataFrame(_within(built.raw, sample, weights), columns=built.columns, copy=False)
    model = WLS(pd.Series(_within(outcome[:, None], sample, weights)[:, 0], name="outcome"), design, weights=weights)
    triangle = _triangle(model.wexog, model.wendog[:, None])
    if mean is None:
        check_rank(built, triangle[:, :-1], sample)
    results = _fit_statsmodels(model, triangle, sample)
    return Regression(results, sample, built.names, built.cell_of_row, built.labels, kind, reference, mean)


def _triangle(*columns: np.ndarray) -> np.ndarray:
    """R of the columns' QR decomposition, from the R of parts of the rows: a copy of a part at a time."""
    parts = [
        np.linalg.qr(np.hstack([part[at : at + ROWS_AT_ONCE] for part in columns]), mode="r")
        for at in range(0, len(columns[0]), ROWS_AT_ONCE)
    ]
    return np.asarray(parts[0] if len(parts) == 1 else np.linalg.qr(np.vstack(parts), mode="r"))


def _within(values: np.ndarray, sample: Sample, weights: np.ndarray) -> np.ndarray:
    """Without weighted unit means, the grand mean added back; shape (n, k)."""
    within = demean(values, sample.frame, weights)
    within += weights @ values / weights.sum()
    return within


def _fit_statsmodels(model: WLS, whole: np.ndarray, sample: Sample) -> RegressionResults:
    """The fit with errors clustered by group, from R of design and outcome: their QR decomposition without Q.

    QR keeps its precision when a control is of another scale than the dummies; the default loses it. The model's own
    `fit` would decompose the design twice more.
    """
    groups, names = pd.factorize(sample.frame["group"])
    if len(names) < 2:
        fault = (
            "All {rows:,} village-years used are in one group ({group}). Errors are clustered by group: give the "
            "groups that were treated and those that were not."
        )
        raise StudyError(fault, rows=sample.rows, group=names[0])
    parameters = model.exog.shape[1]
    triangle, projected = whole[:parameters, :parameters], whole[:parameters, -1]
    model.rank = len(triangle)
    model.normalized_cov_params = np.linalg.inv(triangle.T @ triangle)
    model.wexog_singular_values = np.linalg.svd(triangle, compute_uv=False)
    if sample.rows == len(sample.frame):  # averages have no errors that single rows' variances make
        model.pinv_wexog = np.linalg.solve(triangle, np.linalg.solve(triangle.T, model.wexog.T))
    estimates = np.linalg.solve(triangle, projected)
    clustered: dict[str, Any] = {"cov_type": "cluster", "cov_kwds": {"groups": groups}, "use_t": True}
    fitted = RegressionResults(model, estimates, normalized_cov_params=model.normalized_cov_params, **clustered)
    results = RegressionResultsWrapper(fitted)
    rows, village_years = len(model.exog), sample.rows
    if village_years > rows:
        factor = (village_years - 1) / (village_years - parameters) / ((rows - 1) / (rows - parameters))
        results._results.cov_params_default = factor * results._results.cov_params_default
    return results
