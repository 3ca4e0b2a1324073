"""The breakdown value: how far parallel trends may fail before the sign of an effect is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.inference.assignments import group_starts
from analysis.inference.honest_bounds.bounds import KINDS, honest_bounds
from analysis.inference.pretrends import pooled
from analysis.messages import StudyError, amount, count, first, in_sentence

if TYPE_CHECKING:
    from analysis.effects.estimates import Estimate, EventStudy

METHODS = {"relative_magnitudes": "conditional least-favourable test", "smoothness": "shortest fixed-length interval"}
# Values of `EventStudy.honest_bounds`, in multiples of the largest departure seen before.
MULTIPLES = {"relative_magnitudes": (0, 0.5, 1, 1.5, 2), "smoothness": (0, 0.25, 0.5, 0.75, 1)}
# With U untreated groups and d effects the factor of the pooled covariance is about (U - 1) / (U - d - 2) times too
# large, because it rests on the inverse of an estimate: 1.2 with six groups per effect, 1.6 with three.
UNTREATED_PER_EFFECT = 3
# The breakdown value is bisected to this share of the largest departure before, or of the standard error (smoothness).
BREAKDOWN_TOLERANCE = 1e-3


@dataclass(frozen=True)
class HonestBounds:
    """How far an effect bears departures from parallel trends; its repr is a sentence.

    Attributes
    ----------
    estimate : Estimate
        The effect itself.
    kind : str
        "relative_magnitudes" or "smoothness".
    frame : DataFrame
        As `honest_bounds` returns it.
    breakdown : float
        Largest value at which the interval excludes zero; missing where it holds zero even at value zero.
    seen : float
        For smoothness, the largest change of slope estimated before, to hold the values against; else 1.
    step : int
        Years from one event time to the next.
    """

    estimate: Estimate
    kind: str
    level: float
    df: float
    frame: pd.DataFrame
    breakdown: float
    seen: float
    step: int

    def __repr__(self) -> str:
        study, effect = self.estimate.study, self.estimate
        label = in_sentence(study.describe(effect.outcome).label)
        value = f"{amount(effect.value)} {effect.unit}".rstrip()
        return (
            f"{study.label.capitalize()}: effect on {label} {value}, against {effect.baseline}: {self.answer} "
            f"({100 * self.level:g} % intervals, {METHODS[self.kind]}, covariance pooled over treated groups, "
            f"t with {self.df:g} degrees of freedom)."
        )

    _repr_markdown_ = __repr__

    @property
    def answer(self) -> str:
        """How far parallel trends may fail before the sign is lost, in words."""
        relative, year = self.kind == "relative_magnitudes", "year" if self.step == 1 else "observed year"
        if np.isnan(self.breakdown):
            case = "with exactly parallel trends" if relative else "if the trend before goes on in a straight line"
            return f"even {case} the interval holds zero"
        if relative:
            return (
                "the sign survives unless departures from parallel trends after the start are more than "
                f"{amount(self.breakdown)} times the largest one seen before, from one {year} to the next"
            )
        size = f"{amount(self.breakdown)} {self.estimate.unit}".rstrip()
        times = f", {amount(self.breakdown / self.seen)} times the largest change estimated before" if self.seen else ""
        return (
            f"the sign survives unless the slope of the departure from parallel trends changes from one {year} "
            f"to the next by more than {size}{times}"
        )


def event_study_bounds(
    events: EventStudy,
    kind: str = "relative_magnitudes",
    values: Sequence[float] | None = None,
    level: float = 0.95,
    weights: Sequence[float] | None = None,
) -> HonestBounds:
    """Honest bounds for an event study with few treated groups, and its breakdown value.

    Use it (as `EventStudy.honest_bounds`) to say how far the answer rests on parallel trends. It takes
    `pooled_covariance` and t quantiles with d(G1 - C) degrees of freedom: d leads and lags, G1 treated groups,
    C start years.

    Parameters
    ----------
    events : EventStudy
        With the last year before as the reference, and every year estimated from the first lead to the last lag; or the
        same in other equal steps, such as every second year.
    kind, level
        As in `honest_bounds`.
    values : sequence of float, optional
        As in `honest_bounds`; default: 0, 0.5, 1, 1.5, 2 for relative magnitudes; for smoothness 0, 0.25, 0.5, 0.75
        and 1 times the largest change of slope estimated before (with one lead: times the slope itself).
    weights : sequence of float, shape (lags,), optional
        The effect asked for; default: the average over treated village-years, as `EventStudy.average`.

    Raises
    ------
    StudyError
        Unequal steps, missing years, no lead, or a design that `pooled_covariance` refuses.

    Notes
    -----
    Simulated with five treated groups of 54, six leads, two lags, errors with persistence 0 or 0.6 and treated groups
    as variable as others or twice as much, 95 % intervals cover the effect 93 to 97 % of the time where the departure
    is the largest one allowed; with the clustered (CR1) covariance and the normal distribution 29 to 92 %. With
    parallel trends and treated groups of 1, 1, 1, 3 and 19 villages they cover it 95 to 100 % of the time.

    Examples
    --------
    >>> from analysis import event_study, load_study
    >>> bounds = event_study(load_study(), "households").honest_bounds(values=[0, 1])
    >>> bounds.frame["value"].tolist(), bounds.df
    ([0.0, 1.0], 32)
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}.")
    pre, post, step = _leads_and_lags(events)
    try:
        covariance, df = pooled(events, np.arange(pre + post))
    except StudyError as error:
        raise StudyError(f"No honest bounds, because leads and lags have no covariance to trust: {error}") from None
    _check_untreated(events, pre + post)
    coefficients = events.contrasts @ events.regression.params[events.fitted.cells].to_numpy()
    lags = _average_weights(events)[pre:] if weights is None else np.asarray(weights, dtype=float)
    changes = np.diff(np.append(coefficients[:pre], 0), min(pre, 2))
    seen = 1.0 if kind == "relative_magnitudes" else float(np.abs(changes).max())
    values = np.multiply(MULTIPLES[kind], seen) if values is None else values
    shape = {"pre": pre, "post": post, "weights": lags, "kind": kind, "level": level, "df": df}
    frame = honest_bounds(coefficients, covariance, values=values, **shape)
    unit = 1.0 if kind == "relative_magnitudes" else float(np.sqrt(lags @ covariance[pre:, pre:] @ lags))
    breakdown = breakdown_value(lambda value: KINDS[kind](coefficients, covariance, pre, lags, value, level, df), unit)
    estimate = events.contrast(lags @ events.contrasts[pre:])
    return HonestBounds(estimate, kind, level, df, frame, breakdown, seen, step)


def _check_untreated(events: EventStudy, effects: int) -> None:
    """Untreated groups enough for a covariance whose inverse can be trusted: with few it makes bounds far too wide."""
    starts = group_starts(events.fitted.sample.frame)
    if (untreated := int(starts.isna().sum())) <= UNTREATED_PER_EFFECT * effects:
        raise StudyError(
            f"No honest bounds: {count(untreated, 'untreated group')} cannot show how {count(effects, 'event time')} "
            f"vary together; more than {UNTREATED_PER_EFFECT * effects} are needed. Use fewer years."
        )


def breakdown_value(interval: Callable[[float], tuple[float, float]], unit: float) -> float:
    """Largest value whose interval excludes zero, to BREAKDOWN_TOLERANCE units; NaN where none does.

    The interval must widen with the value, without limit.

    Examples
    --------
    >>> round(breakdown_value(lambda value: (2 - value, 2 + value), unit=1.0), 2)
    2.0
    """

    def holds_zero(value: float) -> bool:
        low, high = interval(value)
        return low <= 0 <= high

    if holds_zero(0.0):
        return np.nan
    inside, outside = 0.0, unit
    while not holds_zero(outside):
        inside, outside = outside, 2 * outside
    while outside - inside > BREAKDOWN_TOLERANCE * unit:
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if holds_zero(middle) else (middle, outside)
    return inside


def _average_weights(events: EventStudy) -> np.ndarray:
    """Weights on the event times that give the average over treated village-years, as `EventStudy.average` does."""
    treated = np.array(events.event_times) >= 0
    weights = ((events.contrasts != 0) @ events.fitted.cell_weights()) * treated
    return weights / weights.sum()


def _leads_and_lags(events: EventStudy) -> tuple[int, int, int]:
    """How many leads and lags, and years between them, having checked that with the reference they leave out none."""
    times = sorted({*events.event_times, events.reference})
    pre, step = sum(time < 0 for time in events.event_times), int(np.diff(times).min())
    if not pre:
        raise StudyError(
            "No year before treatment is estimated beside the reference, so nothing shows how large departures "
            "from parallel trends can be. Add earlier years."
        )
    if events.reference != times[pre]:
        raise StudyError(
            "Honest bounds set departures after the last year before treatment against those up to it. "
            f"Estimate the event study with reference={times[pre]}, not {events.reference}."
        )
    if missing := sorted(set(range(times[0], times[-1], step)) - set(times)):
        raise StudyError(
            f"{count(len(missing), 'event time')} missing between others: {first(missing)}. Honest bounds compare "
            f"changes from year to year, here in steps of {count(step, 'year')}. Fill in these years, or use only the "
            "years on one side of the gap."
        )
    return pre, len(times) - 1 - pre, step
