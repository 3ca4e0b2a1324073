"""Were treated and untreated groups moving together before? Tests that few treated groups can bear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from analysis.inference.assignments import group_starts
from analysis.inference.cluster_pieces import ROUNDING_TOLERANCE, cluster_codes, informative_clusters
from analysis.inference.cluster_sums import cluster_sums
from analysis.inference.hypothesis import HypothesisTest
from analysis.messages import StudyError, Text, count
from analysis.regression.regression import Effect, Regression

FEWEST_TREATED_GROUPS = 3


def slope_weights(times: Sequence[float]) -> np.ndarray:
    """Weights on the years before treatment, the reference among them, that give the slope of their straight line.

    Use the slope as the headline test of pre-trends with few treated groups: one number, to which any inference
    applies, where a joint test of all leads has more restrictions than treated groups.

    Examples
    --------
    >>> (slope_weights([-3, -2, -1]) @ [4.0, 2.0, 0.0]).round(9)
    np.float64(-2.0)
    """
    centred = np.asarray(times, dtype=float) - np.mean(times)
    return centred / (centred @ centred)


def joint_pretrend(regression: Regression, leads: Sequence[Effect]) -> HypothesisTest:
    """F test that all leads are zero, with a covariance that few treated groups can bear.

    Use it beside the slope (`slope_weights`). The usual joint F with CR1 or CR2 errors rejects a true null most
    of the time when about as many leads as treated groups are tested, because the treated groups' own covariance
    is nearly singular. Here its shape comes from the untreated groups and only its size from the treated ones: see
    `pooled_covariance`, for the leads alone. F has d and d(G1 - C) degrees of freedom (`df` is the second): d leads,
    G1 treated groups, C start years (a start year with fewer leads counts with as many as it has).

    Raises
    ------
    StudyError
        As `pooled_covariance`.

    Examples
    --------
    >>> from analysis import event_study, load_study
    >>> events = event_study(load_study(), "rural_income_per_head_cny")
    >>> joint_pretrend(events.fitted, events.effects[:6]).df
    24
    """
    covariance, df = pooled_covariance(regression, leads)
    effects = np.array([lead.value for lead in leads])
    statistic = float(effects @ np.linalg.solve(covariance, effects) / len(leads))
    note = (
        "assumes that treated groups' paths vary as untreated groups' do, up to one factor in variance, "
        "estimated from the treated groups"
    )
    p_value = float(stats.f.sf(statistic, len(leads), df))
    return HypothesisTest(statistic=statistic, df=df, p_value=p_value, note=note)


def pooled_covariance(regression: Regression, effects: Sequence[Effect]) -> tuple[np.ndarray, int]:
    """Covariance of an event study's effects, its shape taken from the untreated groups, and its degrees of freedom.

    Use it where a method needs the whole covariance and few groups are treated: CR1's has at most as many
    independent directions as groups are treated. Each group's influence on the d effects is its score in the
    regression; over its share w of its kind's village-years, on a balanced panel, its path's distance from the mean of
    its kind. With C the untreated groups' covariance of paths and S the cross-product of the treated groups' paths
    about their plain mean, the covariance is C (kappa sum w^2 + 1 / G0), kappa = tr(C^-1 S) / (d (G1 - 1)); with
    treated groups of like size, sum w^2 is 1 / G1. With several start years each has its own C (what the untreated
    paths contribute in its years, its share in the effects), their treated parts add up with one common kappa, and the
    untreated part is that of the effects themselves.

    Returns
    -------
    covariance : ndarray, shape (effects, effects)
    df : int

    Raises
    ------
    StudyError
        Fewer than three treated groups (or fewer than two beyond one for each start year), as many effects as
        untreated groups or more, groups not treated as a whole, or pooled cohorts ("two_way" with several start years).

    Notes
    -----
    Assumed: the treated groups' paths have the untreated groups' covariance up to the factor kappa. The F test
    then is Hotelling's with a known shape. Simulated with five treated groups of 54 and six leads, it rejects a true
    null 4 to 6 % of the time with groups of like size, and 1 to 5 % where one group holds most villages (which vary
    less together, but are taken to vary as the others do); the joint F with CR1 errors does so 73 to 96 % of the time.
    """
    weights = np.array([effect.gradient for effect in effects])
    starts, telling = group_starts(regression.sample.frame).to_numpy(), _telling(regression, weights)
    _check_groups(regression, starts[telling], len(effects))
    untreated = np.isnan(starts) & telling
    treated_part = np.zeros((len(effects), len(effects)))
    trace, df = 0.0, 0
    for cohort in np.unique(starts[~np.isnan(starts) & telling]):
        same = (starts == cohort) & telling
        own = weights * _cells_of(regression, cohort)
        held = np.flatnonzero((own != 0).any(axis=1))
        block = np.ix_(held, held)
        influence = _influence(regression, own)
        _check_variation(regression, influence[untreated])
        shape, share = _untreated_covariance(influence[untreated]), _shares(regression, same)
        paths = influence[same] / share[:, None]
        paths = paths - paths.mean(axis=0)
        _check_rank(shape[block])
        trace += np.trace(np.linalg.solve(shape[block], (paths.T @ paths)[block]))
        df += len(held) * (len(paths) - 1)
        treated_part += shape * (share @ share)
    whole = _untreated_covariance(_influence(regression, weights)[untreated])
    return treated_part * trace / df + whole / untreated.sum(), df


def _influence(regression: Regression, weights: np.ndarray) -> np.ndarray:
    """Each group's part of the estimation errors, shape (groups, effects), in order of appearance."""
    return cluster_sums(regression, cluster_codes(regression, "group")).scores @ _directions(regression, weights)


def _directions(regression: Regression, weights: np.ndarray) -> np.ndarray:
    """The effects in the orthonormal basis of the regressors, shape (K, effects)."""
    sums = cluster_sums(regression, cluster_codes(regression, "group"))
    contrasts = np.array([regression.parameter_weights(row)[1:] for row in weights])
    return np.linalg.solve(sums.triangle.T, contrasts.T)


def _telling(regression: Regression, weights: np.ndarray) -> np.ndarray:
    """Which groups tell of any of the effects, shape (groups,), in order of appearance."""
    sums = cluster_sums(regression, cluster_codes(regression, "group"))
    return np.any([informative_clusters(sums, one) for one in _directions(regression, weights).T], axis=0)


def _shares(regression: Regression, groups: np.ndarray) -> np.ndarray:
    """Each group's share of the (weighted) village-years of some, a mask, in order of appearance."""
    total = np.bincount(pd.factorize(regression.sample.frame["group"])[0], regression.weights)[groups]
    return total / total.sum()


def _untreated_covariance(influence: np.ndarray) -> np.ndarray:
    """Covariance between groups of what is averaged, from their influences (deviations over their number)."""
    number = len(influence)
    return number**2 / (number - 1) * influence.T @ influence


def _check_variation(regression: Regression, influence: np.ndarray) -> None:
    """Untreated groups differ by more than rounding, else their paths have no covariance."""
    if np.abs(influence).max() <= ROUNDING_TOLERANCE * np.abs(regression.results.model.wendog).max():
        raise StudyError(
            "The untreated groups' paths do not differ, so they show no covariance. Check that the outcome varies."
        )


def _check_rank(covariance: np.ndarray) -> None:
    """Every event time moves in its own way among the untreated groups, else their covariance has no inverse."""
    if (rank := np.linalg.matrix_rank(covariance, hermitian=True)) < len(covariance):
        fault = (
            "The untreated groups' paths move in {ways} only at {times} event times, so they show no covariance. Leave "
            "out years that repeat others, or bring more untreated groups."
        )
        raise StudyError(fault, ways=count(int(rank), "way"), times=len(covariance))


def _cells_of(regression: Regression, cohort: float) -> np.ndarray:
    """Which cells hold only villages of one start year (all of them, where there is one), shape (cells,)."""
    own = (regression.sample.frame["first_treated"] == cohort).fillna(False).to_numpy(dtype=bool)
    return np.isin(np.arange(len(regression.cells)), regression.cell_of_row[own])


def _check_groups(regression: Regression, starts: np.ndarray, effects: int) -> None:
    treated, untreated = int((~np.isnan(starts)).sum()), int(np.isnan(starts).sum())
    cohorts = len(np.unique(starts[~np.isnan(starts)]))
    remedy = Text("Use the slope of EventStudy.pretrend, a single number, with randomization inference.")
    if cohorts > 1 and regression.kind != "cohort_event_time":
        fault = "The event study pools {starts} start years, so no group's path stands for an event time. {remedy}"
        raise StudyError(fault, starts=cohorts, remedy=Text('Use estimator="saturated".'))
    if treated - cohorts < FEWEST_TREATED_GROUPS - 1:
        fault = (
            "{treated} with {starts} cannot show how treated groups vary: {needed} are needed, and one more for each "
            "further start year. {remedy}"
        )
        seen = {"treated": count(treated, "treated group"), "starts": count(cohorts, "start year")}
        raise StudyError(fault, **seen, needed=FEWEST_TREATED_GROUPS, remedy=remedy)
    if effects > untreated - 1:
        fault = (
            "{times} need at least {needed} untreated groups for their covariance, but there are {untreated}. {remedy}"
        )
        times = count(effects, "event time")
        raise StudyError(fault, times=times, needed=effects + 1, untreated=untreated, remedy=remedy)
