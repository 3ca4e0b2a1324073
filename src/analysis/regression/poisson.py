"""Poisson regression as the same weighted regression, again and again: effects in per cent that keep zeros."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.linalg import cho_solve
from scipy.linalg.lapack import dpotrf

from analysis.messages import StudyError
from analysis.regression.regressors import Regressors, regressors
from analysis.regression.sample import Sample, demean
from analysis.regression.separation import check_separation

# Rounds converge quadratically: where no fitted mean moves by more than this share, the next moves by its square.
SETTLED = 1e-6
# A fit with a finite answer takes four to six rounds; one without never settles.
ROUNDS_BEFORE_DOUBT = 15
MOST_ROUNDS = 200
# Where every column has this share of its length to itself, a solution of the normal equations leaves about 1e-6 of
# what was there.
LEAST_OWN, SOLUTIONS = 1e-5, 3


def fitted_means(
    built: Regressors, sample: Sample, kind: str, reference: int, start: np.ndarray | None = None
) -> np.ndarray:
    """Fitted means of the Poisson two-way fixed-effects regression, shape (n,).

    Poisson quasi-maximum likelihood needs the mean alone to be right: the outcome need be no count, and its variance
    may be any. Every round regresses the working outcome log(mean) + (y - mean)/mean with the means as weights; unit
    effects are demeaned away; `start` gives means to begin with. Rounds end when the fitted means stay, never by the
    deviance, which also settles where no finite answer exists.

    Raises
    ------
    StudyError
        Where zeros leave no finite answer (see `check_separation`).

    References
    ----------
    Wooldridge (1999), "Distribution-free estimation of some nonlinear panel data models", Journal of Econometrics
    90(1), 77-97; Correia, Guimarães & Zylkin (2020), doi:10.1177/1536867X20909691.
    """
    mean = (sample.outcome + _without_treatment(sample)) / 2 if start is None else start
    for number in range(1, MOST_ROUNDS + 1):
        outcome, weights = working_regression(mean, sample)
        log_mean = outcome - _residuals(outcome, built.raw[:, 1:], weights, sample)
        change = np.abs(log_mean - np.log(mean)).max()
        mean = np.exp(log_mean)
        if change <= SETTLED:
            return mean
        if number == ROUNDS_BEFORE_DOUBT:
            check_separation(built, sample, kind, reference)
    fault = (
        "The Poisson regression does not settle in {rounds} rounds. A control of very large values is the usual "
        'reason: take its logarithm or its deviation from the mean; or use scale="level".'
    )
    raise StudyError(fault, rounds=MOST_ROUNDS)


def working_regression(mean: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Outcome and weights of the weighted regression at given fitted means, shape (n,) each."""
    return np.log(mean) + sample.outcome / mean - 1, mean * sample.weights


def linearised(sample: Sample) -> Sample:
    """The sample as the last round of its fit without treatment: what a linear test of no effect runs on.

    Outcome and weights are the working ones, so that the sample is in levels; treatment and controls stay.
    """
    untreated = replace(sample, frame=sample.frame.assign(first_treated=pd.NA))
    mean = fitted_means(regressors(untreated, "treated"), untreated, "treated", -1)
    outcome, weights = working_regression(mean, sample)
    return replace(sample, outcome=outcome, weights=weights, scale="level")


def _without_treatment(sample: Sample) -> np.ndarray:
    """Each village's mean times each year's, over the mean of all: the fit of a complete panel without treatment."""
    totals = sample.outcome * sample.weights
    unit, year = (np.unique(sample.frame[key], return_inverse=True)[1] for key in ("unit", "time"))
    by_unit, by_year = (np.bincount(code, totals) / np.bincount(code, sample.weights) for code in (unit, year))
    return by_unit[unit] * by_year[year] * (sample.weights.sum() / totals.sum())


def _residuals(outcome: np.ndarray, design: np.ndarray, weights: np.ndarray, sample: Sample) -> np.ndarray:
    """Residuals of the weighted regression on a design and unit effects.

    Normal equations of columns of length one, solved again for what the last solution left, are as exact as QR and many
    times as fast, unless columns are nearly collinear.
    """
    within = demean(np.column_stack([design, outcome]), sample.frame, weights)
    root = np.sqrt(weights)
    within *= root[:, None]
    columns, rest = within[:, :-1], within[:, -1]
    columns /= np.maximum(np.linalg.norm(columns, axis=0), np.finfo(float).tiny)
    factor, collinear = dpotrf(columns.T @ columns)
    if collinear or np.diag(factor).min() < LEAST_OWN:
        basis = np.linalg.qr(columns)[0]
        return (rest - basis @ (basis.T @ rest)) / root
    for _ in range(SOLUTIONS):
        rest = rest - columns @ cho_solve((factor, False), columns.T @ rest, check_finite=False)
    return rest / root
