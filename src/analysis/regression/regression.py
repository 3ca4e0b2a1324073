"""One two-way fixed-effects regression, fitted by statsmodels; every estimand is a contrast of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import WLS, RegressionResults

from analysis.messages import StudyError
from analysis.regression.poisson import fitted_means, working_regression
from analysis.regression.regressors import Regressors, check_rank, regressors
from analysis.regression.sample import Sample, demean
from analysis.regression.separation import compared
from analysis.regression.treatment_cells import Cell


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
        model = self.results.model
        return model.exog_Q[:, 1:], model.exog_R[1:, 1:]

    @property
    def coefficients(self) -> np.ndarray:
        """Coefficients of the treatment cells, shape (cells,)."""
        return self.results._results.params[self._places]

    @cached_property
    def _places(self) -> np.ndarray:
        """Where the treatment cells stand among the parameters, shape (cells,)."""
        return pd.Index(self.results.model.exog_names).get_indexer(self.cells)

    def cell_sizes(self) -> np.ndarray:
        """Village-years (or their total weight) in each treatment cell."""
        return self._sums(np.ones(len(self.cell_of_row)))

    def cell_totals(self) -> tuple[np.ndarray, np.ndarray]:
        """Observed and counterfactual total of each cell in a Poisson regression, shape (cells,) each.

        Fitted and observed totals of a cell are the same, so that it would have been exp(-coefficient) of the observed.
        """
        observed = self._sums(self.sample.outcome)
        return observed, observed * np.exp(-self.coefficients)

    def cell_weights(self) -> np.ndarray:
        """Total weight of each cell's rows in the fit, shape (cells,)."""
        inside = self.cell_of_row >= 0
        return np.bincount(self.cell_of_row[inside], self.weights[inside], minlength=len(self.cells))

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """Weighted sums over each cell's rows."""
        inside, values = self.cell_of_row >= 0, values * self.sample.weights
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
    if sample.scale == "poisson" and kind == "treated":
        sample = compared(sample)
    built = regressors(sample, kind, reference)
    if sample.scale != "poisson":
        return _least_squares(built, sample, kind, reference, None)
    design = _within(built.raw, sample, sample.weights) * np.sqrt(sample.weights)[:, None]
    check_rank(built, np.asarray(np.linalg.qr(design, mode="r")), sample)
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
    design = pd.DataFrame(_within(built.raw, sample, weights), columns=built.columns)
    model = WLS(pd.Series(_within(outcome[:, None], sample, weights)[:, 0], name="outcome"), design, weights=weights)
    basis, triangle = np.linalg.qr(model.wexog)
    if mean is None:
        check_rank(built, triangle, sample)
    results = _fit_statsmodels(model, basis, triangle, sample)
    return Regression(results, sample, built.names, built.cell_of_row, built.labels, kind, reference, mean)


def _within(values: np.ndarray, sample: Sample, weights: np.ndarray) -> np.ndarray:
    """Without weighted unit means, the grand mean added back; shape (n, k)."""
    return demean(values, sample.frame, weights) + np.average(values, axis=0, weights=weights)


def _fit_statsmodels(model: WLS, basis: np.ndarray, triangle: np.ndarray, sample: Sample) -> RegressionResults:
    """The fit with errors clustered by group, from the design's QR decomposition.

    QR keeps its precision when a control is of another scale than the dummies; the default loses it.
    """
    groups, names = pd.factorize(sample.frame["group"])
    if len(names) < 2:
        raise StudyError(
            f"All {sample.rows:,} village-years used are in one group ({names[0]}). "
            "Errors are clustered by group: give the groups that were treated and those that were not."
        )
    model.exog_Q, model.exog_R, model.rank = basis, triangle, len(triangle)
    model.normalized_cov_params = np.linalg.inv(triangle.T @ triangle)
    model.wexog_singular_values = np.linalg.svd(triangle, compute_uv=False)
    model.pinv_wexog = np.linalg.solve(triangle, basis.T)
    results = model.fit(method="qr", cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    (rows, parameters), village_years = model.exog.shape, sample.rows
    if village_years > rows:
        factor = (village_years - 1) / (village_years - parameters) / ((rows - 1) / (rows - parameters))
        results._results.cov_params_default = factor * results._results.cov_params_default
    return results
