"""Figures of event studies: effects by event time, several estimators side by side, and honest bounds."""

from collections.abc import Mapping
from textwrap import shorten
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.effects.comparison import answered
from analysis.effects.event_study import EventStudy
from analysis.effects.honest_bounds import HonestBounds
from analysis.language.labels import bracketed, say, term
from analysis.messages import StudyError
from analysis.presentation.plots import drawn_label, finish, small_print
from analysis.presentation.style import INSIDE, PALETTE
from analysis.study.outcome import effect_in_words, shown, shown_unit

COLOURS = (INSIDE, *PALETTE[2:])
MARKERS = ("o", "^", "D", "v", "P")
APART = 0.16
"""Years between two estimators at one event time."""
REASON = 90
ASSUMED = {
    "relative_magnitudes": "Departure allowed, as a multiple\nof the largest one before",
    "smoothness": "Bend of the trend allowed, as a multiple\nof the largest one before ({size})",
}


def plot_event_study(
    event_study: EventStudy | Mapping[str, EventStudy | StudyError], *, level: float = 0.95, ax: Axes | None = None
) -> Axes:
    """Effects by years since the start, with intervals; the reference is the hollow point at zero.

    Squares stand where fewer treated groups are behind an effect than elsewhere: a jump there is no effect. Of several,
    such as `alternatives`, those in the first one's unit are drawn beside one another; why others are not stands below.

    Parameters
    ----------
    event_study : EventStudy, or mapping of str to EventStudy or StudyError
    level : float
        Coverage of the intervals.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Raises
    ------
    StudyError
        Where none is known: the first reason.

    Examples
    --------
    >>> from analysis import event_study, load_study
    >>> plot_event_study(event_study(load_study(), "households")).get_xlabel()
    'Years since the start of treatment'
    """
    held = event_study if isinstance(event_study, Mapping) else {"": event_study}
    known = answered(held)
    first = next(iter(known.values()))
    study, unit, language = first.study, _unit(first), first.study.language
    drawn = {name: one for name, one in known.items() if _unit(one) == unit}
    ax = ax or plt.subplots()[1]
    ax.axhline(0, color="0.4", linewidth=1)
    ax.axvline(-0.5, color="0.4", linestyle="--", linewidth=1)
    intervals = False
    for place, (name, one) in enumerate(drawn.items()):
        intervals |= _draw_path(ax, one, level, place, APART * (place - (len(drawn) - 1) / 2), term(language, name))
    if len(drawn) > 1 or ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize="small", frameon=True, framealpha=0.8, edgecolor="none")
    title = study.say(
        "{label}: {number} estimates by event time ({data})"
        if len(drawn) > 1
        else "{label}: effect by event time ({data})",
        label=drawn_label(study, first.outcome),
        number=len(drawn),
    )
    effect = "Effect{unit}, {level:g} % intervals" if intervals else "Effect{unit}, no intervals"
    effect = say(language, effect, unit=bracketed(language, shown_unit(unit)), level=100 * level)
    below = [say(language, "Years since the start of treatment"), *_not_drawn(held, drawn, language)]
    why = dict.fromkeys(one.no_interval for one in drawn.values() if one.no_interval)
    below += [small_print(language, reason) for reason in why]
    return finish(ax, language, title, "\n".join(below), effect, years=True)


def _unit(event_study: EventStudy) -> str:
    return event_study.study.effect_unit(event_study.outcome, event_study.scale)


def _not_drawn(
    held: Mapping[str, EventStudy | StudyError], drawn: Mapping[str, EventStudy], language: str
) -> list[str]:
    """Why some are not drawn, a line each."""
    lines = []
    for name, one in held.items():
        if name not in drawn:
            other = "its unit is {unit}"
            why = (
                str(one)
                if isinstance(one, StudyError)
                else say(language, other, unit=term(language, shown_unit(_unit(one))))
            )
            lines.append(
                shorten(
                    say(language, "Not drawn: {name}, {reason}", name=term(language, name), reason=why),
                    REASON,
                    placeholder=" …",
                )
            )
    return lines


def _draw_path(ax: Axes, event_study: EventStudy, level: float, place: int, shift: float, label: str) -> bool:
    """One event study's points and intervals; whether it has any interval."""
    frame, effects = event_study.frame(level=level), ["estimate", "low", "high"]
    frame[effects] = shown(_unit(event_study), frame[effects])
    drawn = frame.drop(index=event_study.reference)
    colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
    margins = np.abs(drawn[["low", "high"]].T.to_numpy() - drawn["estimate"].to_numpy())
    points: dict[str, Any] = {"fmt": marker, "color": colour, "capsize": 3, "label": label or None}
    ax.errorbar(drawn.index + shift, drawn["estimate"], yerr=margins, **points)
    ax.plot(event_study.reference + shift, 0, marker, color=colour, markerfacecolor="white")
    behind = event_study.groups_behind()[drawn.index]
    if len(fewer := drawn[(behind < behind.max()).to_numpy()]):
        said = say(event_study.study.language, "fewer treated groups") if place == 0 else None
        ax.plot(fewer.index + shift, fewer["estimate"], "s", color=colour, label=said)
    return bool(drawn["low"].notna().any())


def plot_honest_bounds(event_study: EventStudy) -> np.ndarray:
    """How the average effect's interval widens with the departure from parallel trends that is allowed.

    On the left departures after the start are at most so many times the largest one before; on the right the trend may
    bend by so many times the largest bend before. The grey interval is the usual one. A blue one that contains zero
    leaves the sign open.

    Raises
    ------
    StudyError
        As `EventStudy.honest_bounds`.

    Returns
    -------
    ndarray of Axes, shape (2,)

    Examples
    --------
    >>> from analysis import event_study, load_study
    >>> plot_honest_bounds(event_study(load_study(), "households")).shape
    (2,)
    """
    study, unit, language = event_study.study, _unit(event_study), event_study.study.language
    both = event_study.both_bounds()
    bounds = [both.relative, both.smooth]
    axes = plt.subplots(1, 2, sharey=True, figsize=(7.0, 3.6))[1]
    for ax, one in zip(axes, bounds, strict=True):
        _draw_bounds(ax, one, unit)
        assumed = say(language, ASSUMED[one.kind], size=effect_in_words(unit, one.seen, language))
        finish(ax, language, "", assumed)
    label, data = drawn_label(study, event_study.outcome), term(language, study.label)
    title = "{label}: honest 95 % intervals ({data}; grey: usual)"
    axes[0].set_title(say(language, title, label=label, data=data))
    axes[0].set_ylim(_shown_range(bounds, unit))
    axes[0].set_ylabel(say(language, "Average effect{unit}", unit=bracketed(language, shown_unit(unit))))
    return axes


def _draw_bounds(ax: Axes, bounds: HonestBounds, unit: str) -> None:
    """The usual interval at the left, and one for each size of departure that is allowed."""
    rows, usual = bounds.frame, bounds.estimate.headline()
    where = rows["value"] / bounds.seen
    step = float(np.diff(where).min())
    ends = shown(unit, pd.concat([rows[["low", "high"]], usual[["low", "high"]].to_frame().T.astype(float)]))
    places = [*where, where.iloc[0] - step]
    colours = [INSIDE] * len(rows) + ["0.6"]
    ax.axhline(0, color="0.4", linewidth=1)
    ax.vlines(places, ends["low"], ends["high"], colors=colours, linewidth=4)
    ax.plot(places[-1], shown(unit, bounds.estimate.value), "o", color="0.6")
    ax.set_xticks(where, [f"{one:.3g}" for one in where])


def _shown_range(bounds: list[HonestBounds], unit: str) -> tuple[float, float]:
    """Zero and all intervals but those of departures larger than before, which may run out of the figure."""
    relative, smooth = (one.frame for one in bounds)
    rows = pd.concat([relative[relative["value"] <= 1], smooth])[["low", "high"]].replace([np.inf, -np.inf], np.nan)
    low, high = (shown(unit, end) for end in (min(rows["low"].min(), 0), max(rows["high"].max(), 0)))
    return low - 0.1 * (high - low), high + 0.1 * (high - low)
