"""The statsmodels fit of averages over many village-years that share their regressors, counted as so many."""

from __future__ import annotations

from typing import NoReturn

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from statsmodels.regression.linear_model import WLS, RegressionResults, RegressionResultsWrapper

from analysis.messages import StudyError


class AveragesModel(WLS):
    """Least squares of averages, each weighing as many village-years as it is an average of.

    Parameters
    ----------
    weights : ndarray, shape (n,)
        Village-years in each average.
    scatter : float
        Sum of squares of village-years around their averages, once village means are removed.
    """

    def __init__(self, endog: pd.Series, exog: pd.DataFrame, weights: np.ndarray, scatter: float) -> None:
        super().__init__(endog, exog, weights=weights)
        self.scatter = scatter
        self.nobs = float(weights.sum())

    def loglike(self, params: np.ndarray) -> float:
        """Log-likelihood of the village-years, the variance concentrated out."""
        ssr = np.square(self.wendog - self.wexog @ params).sum() + self.scatter
        return -self.nobs / 2 * (np.log(2 * np.pi * ssr / self.nobs) + 1)


class AveragesResults(RegressionResults):
    """Results that count village-years; what only single village-years could tell raises."""

    @property
    def nobs(self) -> float:
        """Village-years."""
        return self.model.nobs

    @property
    def ssr(self) -> float:
        """Sum of squared residuals of the village-years."""
        return np.square(self.model.wendog - self.model.wexog @ self.params).sum() + self.model.scatter

    @property
    def scale(self) -> float:
        """Residual variance of the village-years."""
        return self.ssr / self.df_resid

    @scale.setter
    def scale(self, value: float) -> None:
        """Statsmodels sets a first value, which is not wanted."""

    @property
    def centered_tss(self) -> float:
        """Sum of squares of the demeaned village-years about their mean."""
        return super().centered_tss + self.model.scatter

    @property
    def uncentered_tss(self) -> float:
        """Sum of squares of the demeaned village-years."""
        return super().uncentered_tss + self.model.scatter

    @property
    def resid(self) -> NoReturn:
        """Not kept: rows are averages."""
        _refuse()

    wresid = fittedvalues = resid

    def get_robustcov_results(self, *args: object, **kwargs: object) -> NoReturn:
        """Not possible: rows are averages."""
        _refuse()


def _refuse() -> NoReturn:
    raise StudyError(
        "This regression was fitted to averages over villages alike, so it has coefficients and errors clustered by "
        "group, but no residuals of single village-years, no summary() of them, and no other errors. "
        "Estimate again with collapse=False, or use .inference() for other errors."
    )


def averages_fit(
    outcome: np.ndarray, design: pd.DataFrame, counts: np.ndarray, alike: np.ndarray, groups: np.ndarray, scatter: float
) -> RegressionResults:
    """Fit collapsed rows, once more averaged over those that share their regressors, with CR1 errors by group.

    Parameters
    ----------
    outcome : ndarray, shape (n,)
    design : DataFrame, shape (m, K)
        Regressors that the collapsed rows share.
    counts, alike, groups : ndarray, shape (n,)
        Village-years each row averages, its regressors' row in `design`, and its group.
    scatter : float
        Sum of squares that the collapsed rows have lost.

    Notes
    -----
    Scores add up within a group, so that the sums of the rows' residuals by regressors are all that CR1 needs.
    """
    weights = np.bincount(alike, counts)
    means = np.bincount(alike, counts * outcome) / weights
    scatter += counts @ np.square(outcome - means[alike])
    model = AveragesModel(pd.Series(means, name="mean_outcome"), design, weights, scatter)
    fitted = model.fit(method="qr")
    residuals = outcome - (model.exog @ fitted.params.to_numpy())[alike]
    scores = csr_array((counts * residuals, (groups, alike))) @ model.exog
    number, parameters = scores.shape
    factor = number / (number - 1) * (model.nobs - 1) / (model.nobs - parameters)
    root = scores @ fitted.normalized_cov_params.to_numpy()
    results = AveragesResults(model, fitted.params.to_numpy(), fitted.normalized_cov_params.to_numpy())
    results.cov_type, results.use_t, results.df_resid_inference = "cluster", True, number - 1
    results.cov_kwds = {"description": "Standard Errors are robust to cluster correlation (cluster)"}
    results.cov_params_default = factor * root.T @ root
    return RegressionResultsWrapper(results)
