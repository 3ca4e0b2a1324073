"""What effect a design could detect, before anybody looks at its answer."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.design.detectable_effect import DetectableEffect
from analysis.design.null_draws import NullDraws, null_draws, planned_design
from analysis.design.own_estimate import beside_own_error, caution_of_totals
from analysis.design.shocks import Shocks
from analysis.design.untreated_shocks import untreated_shocks
from analysis.effects.estimate import Estimate
from analysis.inference.inversion import first_reached
from analysis.language.texts import Text, said
from analysis.messages import Listed, StudyError, check_shares, former_options
from analysis.study.outcome import FORMER_LOG, LOG_POINTS
from analysis.study.panel_rows import under_treatment
from analysis.study.study import Study

# The detectable effect is found to this share of itself, far finer than its Monte Carlo error.
BISECTION_TOLERANCE = 1e-4
# Its Monte Carlo error uses the slope of power between these multiples of it.
SLOPE_BETWEEN = (0.95, 1.05)
# No further years before and after, and every treated and untreated group once.
AS_IT_IS = (0, 0, 1, 1)


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
    untreated = study.column(outcome).notna() & ~under_treatment(study.frame)
    seen = 0 if shocks else int(study.frame.loc[untreated, "time"].nunique())
    more = years_before, years_after, treated_copies, untreated_copies
    study, design, shocks, caution = _planned(study, outcome, (controls, weights), scale, shocks, more)
    null = null_draws(design, shocks, replications, seed, scale)
    gain, loss = (_smallest(null, power, level, sign) for sign in (1, -1))
    low, high = (null.power(share * gain, level) for share in SLOPE_BETWEEN)
    slope = (high - low) / (gain * (SLOPE_BETWEEN[1] - SLOPE_BETWEEN[0]))
    error = null.monte_carlo_error(gain, level) / slope if slope > 0 else np.nan
    unit, mean = study.effect_unit(outcome, scale), _treated_mean_before(study, outcome)
    shares = _percent(gain, unit, mean), abs(_percent(-loss, unit, mean))
    time = design.fitted.sample.frame["time"]
    size = design.villages, int(time.min()), int(time.max()), design.groups, design.treated_groups
    known = more == AS_IT_IS and seen
    beside = beside_own_error(study, outcome, scale, null, gain, power, level) if known else ""
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
    study, design, shocks, caution = _planned(study, outcome, (controls, weights), scale, shocks)
    null = null_draws(design, shocks, replications, seed, scale)
    tried = pd.Index(_tried(null, level) if effects is None else effects, dtype=float, name="effect")
    unit = study.effect_unit(outcome, scale)
    curve = {
        "percent": [_percent(effect, unit, np.nan) for effect in tried],
        "power": [null.power(effect, level) for effect in tried],
        "monte_carlo_error": [null.monte_carlo_error(effect, level) for effect in tried],
    }
    frame = pd.DataFrame(curve, tried)
    frame.attrs["caution"] = said(study.language, caution).strip()
    return frame


def share_of_larger_errors(estimate: Estimate, replications: int = 400, seed: int = 2023) -> float:
    """Share of simulated panels of an estimate's design whose CR2 error is larger than the estimate's own."""
    study, scale = estimate.study, estimate.scale
    study, design, shocks, _ = _planned(study, estimate.outcome, (None, None), scale, None)
    errors = null_draws(design, shocks, replications, seed, scale).errors
    return float(np.nanmean(errors > estimate.headline()["std_error"]))


def _planned(
    study: Study,
    outcome: str,
    specified: tuple[Sequence[str] | None, str | None],
    scale: str,
    shocks: Shocks | None,
    more: tuple[int, int, int, int] = AS_IT_IS,
) -> tuple[Study, Estimate, Shocks, str]:
    """The study with the planned design's controls and weights, the design, its shocks, and what readers must know."""
    controls, weights = study.specification(outcome, *specified)
    study = replace(study, controls=controls, weights=weights)
    design = planned_design(study, outcome, *more)
    lost = [study.describe(name).label_in(study.language) for name in controls if name not in design.study.controls]
    study = replace(study, controls=design.study.controls)
    shocks = shocks or untreated_shocks(study, outcome, scale)
    if scale == "poisson" and shocks.money is None:
        raise StudyError(
            "Shocks in an outcome's unit or in logs alone give no effect in per cent of a total. Take them from "
            'untreated_shocks(study, outcome, "poisson").'
        )
    shocks = replace(shocks, money=None) if scale == "log" else shocks
    without = " The design is without {names}, unknown in a planned year."
    left = Text(without, names=Listed(lost)) if lost else ""
    few = caution_of_totals(study, outcome, scale, design, shocks, more[2])
    return study, design, shocks, Text("{left}{few}", left=left, few=few)


def _tried(null: NullDraws, level: float) -> np.ndarray:
    """Effects from nothing to twice the detectable one; of ratios, from twice the loss on."""
    gains = np.linspace(0, 2 * _smallest(null, 0.8, level), 21)
    if not null.ratios:
        return gains
    return np.concatenate([np.linspace(-2 * _smallest(null, 0.8, level, -1), 0, 21)[:-1], gains])


def _percent(effect: float, unit: str, mean: float) -> float:
    """An effect in per cent: of what would have been in log points, else of a mean."""
    return float(100 * (np.expm1(effect) if unit == LOG_POINTS else effect / mean))


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
