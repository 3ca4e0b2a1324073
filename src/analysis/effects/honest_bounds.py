"""Honest bounds of an event study: how far its effect bears departures from parallel trends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.effects.estimate import Estimate
from analysis.effects.sentence import caution_of_few, signed
from analysis.inference.assignments import group_starts
from analysis.inference.honest_bounds.bounds import KINDS, breakdown_value, honest_bounds
from analysis.inference.pretrends import pooled_covariance
from analysis.language.labels import joined
from analysis.messages import Listed, Sentence, StudyError, amount, amounts, count, in_sentence, refuse
from analysis.regression.regression import Effect, Regression
from analysis.study.outcome import effect_in_words, shown, shown_unit

METHODS = {"relative_magnitudes": "conditional least-favourable test", "smoothness": "shortest fixed-length interval"}
AT_ZERO = {
    "relative_magnitudes": "With exactly parallel trends the interval is {interval}",
    "smoothness": "If the linear trend before goes on, that moves the effect by {moved} and the interval is {interval}",
}
EXCLUDES = {
    "relative_magnitudes": "{at_zero}. It excludes zero as long as departures after the start, from one {year} to the "
    "next, are at most {times} times the largest one before.",
    "smoothness": "{at_zero}. It excludes zero as long as that trend bends by at most {size} from one {year} to the "
    "next; before it bent by up to {seen}.",
}
LESS = "{excludes} That is less than it bent before, so this interval alone shows no effect."
REACHED = " (at event times {times}, which every start year reaches; over all treated years {whole})"
WEIGHED = " (at event times {times}, weighted {weights}; over all treated years {whole})"
# Values of `EventStudy.honest_bounds`, in multiples of the largest departure seen before.
MULTIPLES = {"relative_magnitudes": (0, 0.5, 1, 1.5, 2), "smoothness": (0, 0.25, 0.5, 0.75, 1)}
# With U untreated groups and d effects the factor of the pooled covariance is about (U - 1) / (U - d - 2) times too
# large, because it rests on the inverse of an estimate: 1.2 with six groups per effect, 1.6 with three.
UNTREATED_PER_EFFECT = 3


@dataclass(frozen=True)
class HonestBounds(Sentence):
    """How far an effect bears departures from parallel trends of one kind; its repr is sentences.

    Attributes
    ----------
    estimate : Estimate
        The effect itself.
    which : str
        In words which effect it is, and the average over all treated village-years beside it; empty where it is that.
    kind : str
        "relative_magnitudes" or "smoothness".
    frame : DataFrame
        As `honest_bounds` returns it.
    breakdown : float
        Largest value at which the interval excludes zero; missing where it contains zero even at value zero.
    seen : float
        For smoothness, the largest change of slope estimated before, to hold the values against; else 1.
    step : int
        Years from one event time to the next.
    at_zero : tuple of float
        The interval at value zero: trends parallel, or the linear trend before going on.
    """

    estimate: Estimate
    which: str
    kind: str
    level: float
    df: float
    frame: pd.DataFrame
    breakdown: float
    seen: float
    step: int
    at_zero: tuple[float, float]

    def __repr__(self) -> str:
        return bounds_in_words(self)

    @property
    def answer(self) -> str:
        """The interval at value zero, and up to which departure it excludes zero, in words."""
        study, unit = self.estimate.study, self.estimate.unit
        low, high = map(signed, amounts(*shown(unit, np.array(self.at_zero))))
        high = study.say("{number} {unit}", number=high, unit=study.term(shown_unit(unit))).rstrip()
        moved = effect_in_words(unit, self.estimate.value - float(np.mean(self.at_zero)), study.language)
        interval = study.say("{low} to {high}", low=low, high=high)
        at_zero = study.say(AT_ZERO[self.kind], interval=interval, moved=moved)
        if np.isnan(self.breakdown):
            return study.say("{at_zero} and contains zero.", at_zero=at_zero)
        size, seen = (effect_in_words(unit, one, study.language) for one in (self.breakdown, self.seen))
        year, times = study.term("year" if self.step == 1 else "observed year"), amount(self.breakdown)
        said = study.say(EXCLUDES[self.kind], at_zero=at_zero, year=year, times=times, size=size, seen=seen)
        less = self.kind == "smoothness" and self.breakdown < self.seen
        return study.say(LESS, excludes=said) if less else said


@dataclass(frozen=True)
class BothBounds(Sentence):
    """Honest bounds of both kinds; its repr is sentences."""

    relative: HonestBounds
    smooth: HonestBounds

    @property
    def answer(self) -> str:
        """What both kinds answer, in words."""
        return joined(self.relative.estimate.study.language, [self.relative.answer, self.smooth.answer])

    def __repr__(self) -> str:
        return bounds_in_words(self.relative, self.smooth)


def bounds_in_words(*bounds: HonestBounds) -> str:
    """The effect, what each kind of bounds says of it, and how its intervals were made."""
    effect, study = bounds[0].estimate, bounds[0].estimate.study
    return study.say(
        "{data}: effect on {label} {value}{which}, against {baseline}{specified}: {answer} Intervals of {level} %: "
        "{method}; covariance pooled over treated groups, t with {df} degrees of freedom.{few}",
        label=in_sentence(study.label_of(effect.outcome)),
        value=effect_in_words(effect.unit, effect.value, study.language),
        which=bounds[0].which,
        baseline=study.term(effect.baseline),
        specified=effect.specified,
        answer=in_sentence(joined(study.language, [one.answer for one in bounds])),
        level=f"{100 * bounds[0].level:g}",
        method=Listed(study.term(METHODS[one.kind]) for one in bounds),
        df=f"{bounds[0].df:g}",
        few=caution_of_few(None, effect.effective_treated_districts),
    )


def check_lags(times: Sequence[int], weights: Sequence[float] | None) -> None:
    """There are event times under treatment to bound, and a weight for each where weights are given."""
    if not len(times):
        raise StudyError(
            "No event time under treatment is reached by every start year, so no effect can be bounded with the same "
            "groups all along. Leave out the start year that is seen least with study.subset."
        )
    if weights is not None and (len(weights) != len(times) or not np.any(weights)):
        fault = "weights must be {many}, not all zero: one for each event time under treatment ({times}), not {given}."
        raise StudyError(fault, many=count(len(times), "number"), times=Listed(times), given=list(weights))


def of_which(estimate: Estimate, whole: Estimate, times: Iterable[int], weights: Iterable[float] | None) -> str:
    """Which effect an estimate is, with the average over all treated years beside it; "" where it is that average."""
    if np.array_equal(estimate.effect.gradient, whole.effect.gradient):
        return ""
    study, average = estimate.study, effect_in_words(whole.unit, whole.value, estimate.study.language)
    if weights is None:
        return study.say(REACHED, times=Listed(times), whole=average)
    return study.say(WEIGHED, times=Listed(times), weights=Listed(f"{one:g}" for one in weights), whole=average)


def path_bounds(
    estimate: Estimate,
    which: str,
    path: Mapping[int, Effect],
    reference: int,
    weights: np.ndarray,
    kind: str,
    values: Sequence[float] | None,
    level: float,
) -> HonestBounds:
    """Honest bounds of effects by event time, weights on the lags; see `EventStudy.honest_bounds`.

    Notes
    -----
    A ratio of totals is no weighted sum of the lags' coefficients, but moves with them as the one by shares of the
    counterfactual total does. So the bounds are that sum's, moved to the ratio.

    Simulated with five treated groups of 54, six leads, two lags, errors with persistence 0 or 0.6 and treated groups
    as variable as others or twice as much, 95 % intervals cover the effect 93 to 97 % of the time where the departure
    is the largest one allowed; with the clustered (CR1) covariance and the normal distribution 29 to 92 %. With
    parallel trends and treated groups of 1, 1, 1, 3 and 19 villages they cover it 95 to 100 % of the time.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}.")
    pre, post, step = _leads_and_lags(list(path), reference)
    try:
        covariance, df = pooled_covariance(estimate.fitted, list(path.values()))
    except StudyError as error:
        fault = "No honest bounds, because leads and lags have no covariance to trust: {reason}"
        raise StudyError(fault, reason=error.args[0]) from None
    _check_untreated(estimate.fitted, pre + post)
    coefficients = np.array([effect.value for effect in path.values()])
    coefficients[pre:] += (estimate.value - weights @ coefficients[pre:]) * weights / (weights @ weights)
    changes = np.diff(np.append(coefficients[:pre], 0), min(pre, 2))
    seen = 1.0 if kind == "relative_magnitudes" else float(np.abs(changes).max())
    shape: dict[str, Any] = {"pre": pre, "post": post, "weights": weights, "kind": kind, "level": level, "df": df}
    tried = np.multiply(MULTIPLES[kind], seen) if values is None else values
    frame = honest_bounds(coefficients, covariance, values=tried, **shape)
    unit = 1.0 if kind == "relative_magnitudes" else float(np.sqrt(weights @ covariance[pre:, pre:] @ weights))
    interval = KINDS[kind]
    breakdown = breakdown_value(lambda value: interval(coefficients, covariance, pre, weights, value, level, df), unit)
    at_zero = interval(coefficients, covariance, pre, weights, 0.0, level, df)
    return HonestBounds(estimate, which, kind, level, df, frame, breakdown, seen, step, at_zero)


def _check_untreated(regression: Regression, effects: int) -> None:
    """Untreated groups enough for a covariance whose inverse can be trusted: with few it makes bounds far too wide."""
    starts = group_starts(regression.sample.frame)
    if (untreated := int(starts.isna().sum())) <= UNTREATED_PER_EFFECT * effects:
        fault = (
            "No honest bounds: {groups} cannot show how {times} vary together; more than {number} are needed. Use "
            "fewer years."
        )
        seen = {"groups": count(untreated, "untreated group"), "times": count(effects, "event time")}
        raise StudyError(fault, **seen, number=UNTREATED_PER_EFFECT * effects)


def _leads_and_lags(estimated: Sequence[int], reference: int) -> tuple[int, int, int]:
    """How many leads and lags, and years between them, having checked that with the reference they leave out none."""
    times = sorted({*estimated, reference})
    pre, step = sum(time < 0 for time in estimated), int(np.diff(times).min())
    if not pre:
        raise StudyError(
            "No year before treatment is estimated beside the reference, so nothing shows how large departures "
            "from parallel trends can be. Add earlier years."
        )
    if reference != times[pre]:
        fault = (
            "Honest bounds set departures after the last year before treatment against those up to it. "
            "Estimate the event study with reference={last}, not {reference}."
        )
        raise StudyError(fault, last=times[pre], reference=reference)
    missing = sorted(set(range(times[0], times[-1], step)) - set(times))
    remedy = (
        "Honest bounds compare changes from year to year, here in steps of {steps}. Fill in these years, or use only "
        "the years on one side of the gap."
    )
    refuse(missing, "event time", "{} missing between others", remedy, steps=count(step, "year"))
    return pre, len(times) - 1 - pre, step
