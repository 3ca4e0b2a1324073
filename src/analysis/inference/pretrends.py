"""Were treated and untreated groups moving together before? Tests that few treated groups can bear."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from analysis.inference.assignments import group_starts
from analysis.inference.cluster_robust import ROUNDING_TOLERANCE
from analysis.messages import StudyError, amount, count

if TYPE_CHECKING:
    from analysis.effects.estimates import Estimate, EventStudy

FEWEST_TREATED_GROUPS = 3


@dataclass(frozen=True)
class JointPretrend:
    """An F test that all leads are zero."""

    statistic: float
    df1: int
    df2: float
    p_value: float
    note: str


@dataclass(frozen=True)
class Pretrend:
    """Two tests that groups moved together before treatment; its repr is a sentence.

    Attributes
    ----------
    slope : Estimate
        Yearly change of the leads (`linear_pretrend`); any inference applies, the headline is CR2.
    joint : JointPretrend
        Test that all leads are zero; missing numbers, and a note, where the design cannot bear it.
    """

    slope: Estimate
    joint: JointPretrend

    def frame(self) -> pd.DataFrame:
        """Both tests, one row each: estimate, std_error, statistic, df1, df2, p_value, low, high, note."""
        test = self.slope.headline()
        slope = {"estimate": self.slope.value, **test, "df1": 1, "df2": test["df"]}
        columns = ["estimate", "std_error", "statistic", "df1", "df2", "p_value", "low", "high", "note"]
        rows = {"linear slope (CR2, t)": slope, "all leads zero (pooled, F)": asdict(self.joint)}
        return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns)

    def __repr__(self) -> str:
        slope, joint = self.frame()[["estimate", "p_value", "low", "high", "note"]].to_dict("index").values()
        unit = f"{self.slope.unit} per year".lstrip()
        test = f"95 % interval {amount(slope['low'])} to {amount(slope['high'])}, CR2, p = {slope['p_value']:.3f}"
        if np.isnan(slope["p_value"]):
            test = f"no interval, {slope['note'].split(';')[0]}"
        jointly = f"p = {joint['p_value']:.3f} ({joint['note']})" if joint["p_value"] >= 0 else joint["note"]
        rejected = np.fmin(slope["p_value"], joint["p_value"]) < 0.05
        meaning = (
            "That speaks against parallel trends." if rejected else "Not rejecting is no proof of parallel trends."
        )
        return (
            f"{self.slope.study.label.capitalize()}: before, the gap moved by {amount(slope['estimate'])} {unit} "
            f"({test}); all leads together: {jointly}. {meaning}"
        )

    _repr_markdown_ = __repr__


def pretrend(event_study: EventStudy) -> Pretrend:
    """Test for pre-trends with few treated groups: the slope of the leads, and all leads jointly.

    A joint test that the design cannot bear (fewer than three treated groups, say) is refused in its note.
    """
    slope = event_study.contrast(linear_pretrend(event_study))
    try:
        joint = joint_pretrend(event_study)
    except StudyError as error:
        joint = JointPretrend(np.nan, len(_leads(event_study)), np.nan, np.nan, f"refused: {str(error).rstrip('.')}")
    return Pretrend(slope, joint)


def linear_pretrend(event_study: EventStudy) -> np.ndarray:
    """Weights on the regression's cells that give the slope of the leads, per year.

    Use it as the headline test of pre-trends with few treated groups: one number, to which any inference applies,
    where a joint test of all leads has more restrictions than treated groups. The slope is that of the
    least-squares line through the estimated years before treatment, the reference (zero) included.

    Returns
    -------
    ndarray, shape (cells,)

    Raises
    ------
    StudyError
        When no year before treatment is estimated.

    Examples
    --------
    >>> from analysis import event_study, load_study
    >>> study = event_study(load_study(), "rural_income_per_head_cny")
    >>> study.fitted.contrast(linear_pretrend(study)).shape == study.regression.params.shape
    True
    """
    leads = _leads(event_study)
    times = np.append(np.array(event_study.event_times)[leads], event_study.reference)
    slope = (times - times.mean()) / ((times - times.mean()) ** 2).sum()
    return slope[:-1] @ event_study.contrasts[leads]


def joint_pretrend(event_study: EventStudy) -> JointPretrend:
    """F test that all leads are zero, with a covariance that few treated groups can bear.

    Use it beside the slope (`linear_pretrend`). The usual joint F with CR1 or CR2 errors rejects a true null most
    of the time when about as many leads as treated groups are tested, because the treated groups' own covariance
    is nearly singular. Here its shape comes from the untreated groups and only its size from the treated ones: see
    `pooled_covariance`, for the leads alone. F has d and d(G1 - C) degrees of freedom: d leads, G1 treated groups,
    C start years (a start year with fewer leads counts with as many as it has).

    Raises
    ------
    StudyError
        As `pooled_covariance`, and when no year before treatment is estimated.

    Examples
    --------
    >>> from analysis import event_study, load_study
    >>> test = joint_pretrend(event_study(load_study(), "rural_income_per_head_cny"))
    >>> test.df1, test.df2
    (6, 24)
    """
    leads = _leads(event_study)
    covariance, df = pooled(event_study, leads)
    effects = event_study.contrasts[leads] @ event_study.regression.params[event_study.fitted.cells].to_numpy()
    statistic = float(effects @ np.linalg.solve(covariance, effects) / len(leads))
    note = (
        "assumes that treated groups' paths vary as untreated groups' do, up to one factor in variance, "
        "estimated from the treated groups"
    )
    return JointPretrend(statistic, len(leads), df, float(stats.f.sf(statistic, len(leads), df)), note)


def pooled_covariance(event_study: EventStudy) -> pd.DataFrame:
    """Covariance of all estimated event times, its shape taken from the untreated groups.

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
    DataFrame, shape (event times, event times)

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
    covariance, _ = pooled(event_study, np.arange(len(event_study.event_times)))
    times = pd.Index(event_study.event_times, name="event_time")
    return pd.DataFrame(covariance, index=times, columns=times)


def group_influence(event_study: EventStudy, contrasts: np.ndarray) -> np.ndarray:
    """Each group's part of the contrasts' estimation errors, shape (groups, contrasts), in order of appearance."""
    fitted = event_study.fitted
    weights = np.ones(len(fitted.design)) if fitted.sample.weights is None else fitted.sample.weights
    weighted = fitted.design * weights[:, None]
    rows = np.array([fitted.contrast(contrast) for contrast in contrasts])
    directions = np.linalg.solve(weighted.T @ fitted.design, rows.T)
    scores = (weighted @ directions) * fitted.residuals[:, None]
    groups = pd.factorize(fitted.sample.frame["group"])[0]
    return np.column_stack([np.bincount(groups, column) for column in scores.T])


def pooled(event_study: EventStudy, chosen: np.ndarray) -> tuple[np.ndarray, int]:
    """Pooled covariance of the chosen event times, and its degrees of freedom."""
    starts = group_starts(event_study.fitted.sample.frame).to_numpy()
    _check_groups(event_study, starts, len(chosen))
    contrasts = event_study.contrasts[chosen]
    untreated = np.isnan(starts)
    treated_part = np.zeros((len(chosen), len(chosen)))
    trace, df = 0.0, 0
    for cohort in np.unique(starts[~untreated]):
        own = contrasts * _cells_of(event_study, cohort)
        held = np.flatnonzero((own != 0).any(axis=1))
        block = np.ix_(held, held)
        influence = group_influence(event_study, own)
        _check_variation(event_study, influence[untreated])
        shape, share = _untreated_covariance(influence[untreated]), _shares(event_study)[starts == cohort]
        paths = influence[starts == cohort] / share[:, None]
        paths = paths - paths.mean(axis=0)
        trace += np.trace(np.linalg.solve(shape[block], (paths.T @ paths)[block]))
        df += len(held) * (len(paths) - 1)
        treated_part += shape * (share @ share)
    whole = _untreated_covariance(group_influence(event_study, contrasts)[untreated])
    return treated_part * trace / df + whole / untreated.sum(), df


def _shares(event_study: EventStudy) -> np.ndarray:
    """Each group's share of the (weighted) village-years of its start year, in order of appearance."""
    sample = event_study.fitted.sample
    weights = np.ones(len(sample.frame)) if sample.weights is None else sample.weights
    group = pd.factorize(sample.frame["group"])[0]
    total = pd.Series(np.bincount(group, weights))
    return (total / total.groupby(group_starts(sample.frame).to_numpy(), dropna=False).transform("sum")).to_numpy()


def _untreated_covariance(influence: np.ndarray) -> np.ndarray:
    """Covariance between groups of what is averaged, from their influences (deviations over their number)."""
    number = len(influence)
    return number**2 / (number - 1) * influence.T @ influence


def _check_variation(event_study: EventStudy, influence: np.ndarray) -> None:
    """Untreated groups differ by more than rounding, else their paths have no covariance."""
    outcome = event_study.regression.model.wendog
    if np.abs(influence).max() <= ROUNDING_TOLERANCE * np.abs(outcome).max():
        raise StudyError(
            "The untreated groups' paths do not differ, so they show no covariance. Check that the outcome varies."
        )


def _cells_of(event_study: EventStudy, cohort: float) -> np.ndarray:
    """Which cells hold only villages of one start year (all of them, where there is one), shape (cells,)."""
    fitted = event_study.fitted
    own = (fitted.sample.frame["first_treated"] == cohort).fillna(False).to_numpy(dtype=bool)
    return np.isin(np.arange(len(fitted.cells)), fitted.membership[own])


def _check_groups(event_study: EventStudy, starts: np.ndarray, effects: int) -> None:
    treated, untreated = int((~np.isnan(starts)).sum()), int(np.isnan(starts).sum())
    cohorts = len(np.unique(starts[~np.isnan(starts)]))
    remedy = "Use linear_pretrend, a single number, with randomization inference."
    if cohorts > 1 and event_study.estimator != "saturated":
        raise StudyError(
            f"The event study pools {cohorts} start years, so no group's path stands for an event time. "
            'Use estimator="saturated".'
        )
    if treated - cohorts < FEWEST_TREATED_GROUPS - 1:
        raise StudyError(
            f"{count(treated, 'treated group')} with {count(cohorts, 'start year')} cannot show how treated groups "
            f"vary: {FEWEST_TREATED_GROUPS} are needed, and one more for each further start year. {remedy}"
        )
    if effects > untreated - 1:
        raise StudyError(
            f"{count(effects, 'event time')} need at least {effects + 1} untreated groups for their covariance, "
            f"but there are {untreated}. {remedy}"
        )


def _leads(event_study: EventStudy) -> np.ndarray:
    """Positions of the estimated event times before treatment."""
    leads = np.flatnonzero(np.array(event_study.event_times) < 0)
    if not len(leads):
        raise StudyError(
            "No year before treatment is estimated beside the reference, so there is no pre-trend to test. "
            "Add earlier years."
        )
    return leads
