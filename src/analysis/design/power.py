"""What effect a design could detect, before anybody looks at its answer."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.design.detectable_effect import DetectableEffect
from analysis.design.null_draws import NullDraws, null_draws, planned_design
from analysis.design.own_error import beside_own_error
from analysis.design.shocks import Shocks, untreated_shocks
from analysis.design.treated_totals import caution_of_totals
from analysis.effects.estimate import Estimate
from analysis.inference.inversion import first_reached
from analysis.language.labels import say
from analysis.messages import StudyError, check_shares, former_options
from analysis.study.outcome import FORMER_LOG
from analysis.study.study import Study

# The detectable effect is found to this share of itself, far finer than its Monte Carlo error.
BISECTION_TOLERANCE = 1e-4
# Its Monte Carlo error uses the slope of power between these multiples of it.
SLOPE_BETWEEN = (0.95, 1.05)


@former_options(**FORMER_LOG)
def minimum_detectable_effect(
    study: Study,
    outcome: str,
    *,
    controls: Sequence[str] | None = None,
    weights: str | None = None,
    scale: str | None = None,
    power: float = 0.8,
    level: float = 0.95,
    years_before: int = 0,
    years_after: int = 0,
    treated_copies: int = 1,
    untreated_copies: int = 1,
    shocks: Shocks | None = None,
    replications: int = 2000,
    seed: int = 2023,
) -> DetectableEffect:
    """The smallest effect that the study's design would find, by simulation with the headline inference.

    Use it before collecting data, or to judge an insignificant answer. Villages, groups, years and gaps are the
    study's; years after the last one in which anybody has the outcome count as planned, with all their rows. Shocks are
    normal, in log points around each village's own mean where the outcome varies in per cent, with the size,
    persistence, correlation within groups and differences in growth that they have where no treatment touched
    (`untreated_shocks`). The effect is constant over treated village-years, in the outcome's unit or in per cent.

    Parameters
    ----------
    study, outcome, controls, weights, scale
        As in `did`. What controls explain is no shock. In planned years weights and controls that never change are as
        before; the design is without a control that varies and is unknown in one of them, and the result says so.
    power, level : float
        How often the effect is to be found, and one minus the level of the two-sided test.
    years_before, years_after : int
        Further years at the panel's beginning and end, with every village seen in one of the two years next to them.
    treated_copies, untreated_copies : int
        How often every treated and every untreated group is there: 2 doubles them.
    shocks : Shocks, optional
        Other shocks than the study's own: another study's, where this one has no outcome yet (villages then vary by
        their kind, treated or not), or with one part changed, as by ``dataclasses.replace(shocks, passing=0.0)``.
    replications, seed : int

    Returns
    -------
    DetectableEffect

    Raises
    ------
    StudyError
        Fewer than three years without treatment (and no `shocks`), no treated village in the last two years for
        `years_after`, or a design that bears no standard error, such as one treated group, or under
        "poisson" one with most of the treated total.

    References
    ----------
    Burlig, Preonas & Woerman (2020), "Panel data and experimental design", Journal of Development Economics,
    doi:10.1016/j.jdeveco.2020.102458.

    Examples
    --------
    >>> from analysis import load_study
    >>> detectable = minimum_detectable_effect(load_study(), "rural_income_per_head_cny", replications=100)
    >>> detectable.value > 0, detectable.treated_groups
    (True, 5)
    """
    check_shares(power=power, level=level)
    scale = study.scale_of(outcome, scale)
    seen = 0 if shocks else _years_seen(study, outcome)
    more = years_before, years_after, treated_copies, untreated_copies
    study, design, left_out = _planned(study, outcome, (controls, weights), study.language, *more)
    shocks = _shocks(study, outcome, scale, shocks)
    caution = left_out + caution_of_totals(study, outcome, scale, design, shocks, treated_copies, study.language)
    null = null_draws(design, shocks, replications, seed, scale)
    gain, loss = (_smallest(null, power, level, sign) for sign in (1, -1))
    low, high = (null.power(share * gain, level) for share in SLOPE_BETWEEN)
    slope = (high - low) / (gain * (SLOPE_BETWEEN[1] - SLOPE_BETWEEN[0]))
    error = null.monte_carlo_error(gain, level) / slope if slope > 0 else np.nan
    unit = study.describe(outcome).unit if scale == "level" else "log points"
    mean = _treated_mean_before(study, outcome)
    shares = _percent(gain, unit, mean), abs(_percent(-loss, unit, mean))
    first_year, last_year = design.fitted.sample.frame["time"].agg(["min", "max"])
    size = design.villages, int(first_year), int(last_year), design.groups, design.treated_groups
    as_it_is = more == (0, 0, 1, 1) and seen
    beside = beside_own_error(study, outcome, scale, null, gain, power, level) if as_it_is else ""
    found = gain, loss, float(error), *shares, power, level, *size, float(np.nanmedian(null.df))
    return DetectableEffect(study, outcome, scale, unit, *found, shocks, seen, caution, beside, design.specified)


@former_options(**FORMER_LOG)
def power_curve(
    study: Study,
    outcome: str,
    effects: Sequence[float] | None = None,
    *,
    controls: Sequence[str] | None = None,
    weights: str | None = None,
    scale: str | None = None,
    level: float = 0.95,
    shocks: Shocks | None = None,
    replications: int = 2000,
    seed: int = 2023,
) -> pd.DataFrame:
    """How often the study's design would find effects of several sizes; see `minimum_detectable_effect`.

    Parameters
    ----------
    effects : sequence of float, optional
        In the outcome's unit, or log points under "poisson" and "log"; losses are below zero. Default: from nothing to
        twice the detectable effect; under "poisson" losses too.

    Returns
    -------
    DataFrame
        Index `effect`; columns `percent` (of what would have been; missing in levels), power, monte_carlo_error. At an
        effect of zero, power is the size of the test. `attrs` hold the detectable effect's "caution" of few.

    Examples
    --------
    >>> from analysis import load_study
    >>> curve = power_curve(load_study(), "rural_income_per_head_cny", [0, 0.5], replications=100)
    >>> bool(curve.loc[0, "power"] < 0.2), float(curve.loc[0.5, "power"])
    (True, 1.0)
    """
    check_shares(level=level)
    scale = study.scale_of(outcome, scale)
    study, design, left_out = _planned(study, outcome, (controls, weights), study.language)
    shocks = _shocks(study, outcome, scale, shocks)
    caution = left_out + caution_of_totals(study, outcome, scale, design, shocks, language=study.language)
    null = null_draws(design, shocks, replications, seed, scale)
    tried = np.asarray(_tried(null, level) if effects is None else effects, dtype=float)
    rows = {"power": [null.power(effect, level) for effect in tried]}
    rows["monte_carlo_error"] = [null.monte_carlo_error(effect, level) for effect in tried]
    unit = study.describe(outcome).unit if scale == "level" else "log points"
    shares = {"percent": [_percent(effect, unit, np.nan) for effect in tried]}
    curve = pd.DataFrame(shares | rows, pd.Index(tried, name="effect"))
    curve.attrs["caution"] = caution.strip()
    return curve


def _planned(
    study: Study, outcome: str, specified: tuple[Sequence[str] | None, str | None], language: str, *asked: int
) -> tuple[Study, Estimate, str]:
    """The study with the planned design's controls and weights, the design, and which controls it is without."""
    controls, weights = study.specification(outcome, *specified)
    study = replace(study, controls=controls, weights=weights)
    design = planned_design(study, outcome, *asked)
    lost = [study.describe(name).label_in(language) for name in controls if name not in design.study.controls]
    phrase, names = " The design is without {names}, unknown in a planned year.", say(language, ", ").join(lost)
    said = say(language, phrase, names=names) if lost else ""
    return replace(study, controls=design.study.controls), design, said


def _tried(null: NullDraws, level: float) -> np.ndarray:
    """Effects from nothing to twice the detectable one; of ratios, from twice the loss on."""
    gains = np.linspace(0, 2 * _smallest(null, 0.8, level), 21)
    if not null.ratios:
        return gains
    return np.concatenate([np.linspace(-2 * _smallest(null, 0.8, level, -1), 0, 21)[:-1], gains])


def _shocks(study: Study, outcome: str, scale: str, given: Shocks | None) -> Shocks:
    """The shocks given, or the study's own, as the scale takes them."""
    shocks = given or untreated_shocks(study, outcome, scale)
    if scale == "poisson" and shocks.money is None:
        raise StudyError(
            "Shocks in an outcome's unit or in logs alone give no effect in per cent of a total. Take them from "
            'untreated_shocks(study, outcome, "poisson").'
        )
    return replace(shocks, money=None) if scale == "log" else shocks


def _years_seen(study: Study, outcome: str) -> int:
    """Years in which some village without treatment has the outcome."""
    under_treatment = (study.frame["time"] >= study.frame["first_treated"]).fillna(False)
    return int(study.frame.loc[study.column(outcome).notna() & ~under_treatment, "time"].nunique())


def _percent(effect: float, unit: str, mean: float) -> float:
    """An effect in per cent: of what would have been in log points, else of a mean."""
    return float(100 * (np.expm1(effect) if unit == "log points" else effect / mean))


def _treated_mean_before(study: Study, outcome: str) -> float:
    """Mean of the treated villages, each in its last known year before its start; NaN where it is not above zero."""
    values, weights = study.column(outcome), study.specification(outcome)[1]
    before = (study.frame["time"] < study.frame["first_treated"]).fillna(False) & values.notna()
    last = values[before].index[~study.frame.loc[before, "unit"].duplicated(keep="last")]
    mean = np.average(values[last], weights=study.column(weights)[last] if weights else None) if len(last) else np.nan
    return float(mean) if mean > 0 else np.nan


def _smallest(null: NullDraws, power: float, level: float, sign: int = 1) -> float:
    """The gain (or loss, with sign -1) found with this power, which must be above the size of the test."""
    if null.power(0.0, level) >= power:
        raise ValueError(f"power must be above the size of the test, {null.power(0.0, level):.3f} here, not {power}.")
    if null.ratios and np.isfinite(null.errors).mean() <= power:
        fault = (
            "In {share:.0%} of simulated panels zeros leave no effect in per cent, so none is found {power:.0%} of the "
            'time. Use scale="level".'
        )
        raise StudyError(fault, share=np.isnan(null.errors).mean(), power=power)
    return first_reached(
        lambda effect: null.power(sign * effect, level) >= power,
        float(np.nanmedian(null.errors)),
        relative=BISECTION_TOLERANCE,
    )[1]
