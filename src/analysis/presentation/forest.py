"""One figure of anything that `compare` takes: effects beside one another with their intervals."""

from collections.abc import Mapping
from textwrap import shorten, wrap
from typing import Any, Protocol

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.effects.comparison import answered, compare
from analysis.effects.estimate import Estimate
from analysis.language.labels import bracketed, say, term
from analysis.messages import StudyError
from analysis.presentation.cells import spread
from analysis.presentation.descriptive import LIKE
from analysis.presentation.headings import named
from analysis.presentation.plots import HANZI_PER_LINE, drawn_label, finish, without_formulas
from analysis.presentation.style import INSIDE, OTHERS
from analysis.study.group_notes import in_own_words
from analysis.study.outcome import shown, shown_unit
from analysis.study.study import Study

MOST_ROWS = 30
LETTERS_PER_LINE = 36
REASON = 70
BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 1}
ROW, MARGINS = 0.34, 1.3
"""Inches."""


class Examined(Protocol):
    """What holds estimates by label, such as an `Examination`."""

    @property
    def estimates(self) -> Mapping[str, Estimate | StudyError]:
        """As `compare` takes them."""


def plot_forest(
    estimates: Mapping[str, Estimate | StudyError] | Examined,
    *,
    title: str = "effects side by side",
    ax: Axes | None = None,
) -> Axes:
    """Effects with their 95 % intervals (CR2) below one another, the first one marked and its line drawn through.

    What has no estimate, or one in another unit, keeps its row with the reason. Beyond 30 rows the others are counted.

    Parameters
    ----------
    estimates : mapping of str to Estimate or StudyError, or Examination
        By label; the first of them that is known gives the unit.
    title : str
        What is shown, behind the outcome's label.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Raises
    ------
    StudyError
        Where none is known: the first reason.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> study = load_study()
    >>> plot_forest({"as given": did(study, "households")}).get_xlabel()
    'Effect (%), 95 % intervals'
    """
    held = estimates if isinstance(estimates, Mapping) else estimates.estimates
    known = list(answered(held).values())
    study, unit, few = known[0].study, known[0].unit, dict(list(held.items())[:MOST_ROWS])
    language, frame = study.language, compare(few)
    other = frame["estimate"].notna() & (frame["unit"] != unit)
    in_other = [say(language, "in another unit: {unit}", unit=term(language, shown_unit(u))) for u in frame["unit"]]
    frame.loc[other, "note"] = np.array(in_other, dtype=object)[other]
    frame.loc[other, ["estimate", "low", "high"]] = np.nan
    frame[["estimate", "low", "high"]] = shown(unit, frame[["estimate", "low", "high"]])
    ax = ax or plt.subplots(figsize=(7.0, MARGINS + ROW * len(frame)))[1]
    _draw(ax, frame)
    per_line = HANZI_PER_LINE if language == "zh" else LETTERS_PER_LINE
    names = [named(language, str(name), study.noun) for name in frame.index]
    labels = ["\n".join(wrap(without_formulas(name), per_line)) for name in names]
    ax.set_yticks(range(len(frame)), labels, fontsize="small")
    ax.set_ylim(len(frame) - 0.4, -0.6)
    label = drawn_label(study, known[0].outcome)
    title = study.say("{label}: {title} ({data})", label=label, title=in_own_words(study, study.term(title)))
    if left := len(held) - len(frame):
        everything = compare(held).dropna(subset="estimate").query("unit == @unit")
        everything = everything.assign(estimate=shown(unit, everything["estimate"]))
        title += "\n" + say(language, "{number} more are not drawn", number=left) + "\n" + spread(everything, language)
    return finish(
        ax, language, title, say(language, "Effect{unit}, 95 % intervals", unit=bracketed(language, shown_unit(unit)))
    )


class ByDistrict(Protocol):
    """What `by_district` returns."""

    overall: Estimate
    level: float
    usual: Mapping[object, float]

    def frame(self) -> pd.DataFrame:
        """Effects by group."""


def plot_districts(districts: ByDistrict, *, ax: Axes | None = None) -> Axes:
    """The effect in each treated group, and in grey the range in which 95 % of untreated groups would lie.

    Beside each stands its p-value, adjusted for the number of districts. One beyond the grey range differs from chance
    taken alone; a single group has no standard error. Beyond 30 districts the largest effects are drawn.

    Examples
    --------
    >>> from analysis import by_district, load_study
    >>> plot_districts(by_district(load_study(), "rural_income_per_head_cny")).get_xlabel()
    'Effect (%)'
    """
    overall, frame = districts.overall, districts.frame()
    study, unit, language = overall.study, overall.unit, overall.study.language
    few = frame.loc[frame["effect"].abs().nlargest(MOST_ROWS).index].sort_index()
    ax = ax or plt.subplots(figsize=(7.0, MARGINS + ROW * len(few)))[1]
    usual = np.array([districts.usual.get(group, np.nan) for group in few.index])
    places = np.arange(len(few))
    grey: dict[str, Any] = {"color": "0.85", "linewidth": 9, "label": say(language, "untreated groups")}
    ax.hlines(places, shown(unit, -usual), shown(unit, usual), **grey)
    ax.axvline(0, color="0.4", linewidth=1)
    ax.axvline(shown(unit, overall.value), color=INSIDE, linestyle=":", linewidth=1)
    ax.plot(shown(unit, few["effect"]), places, "o", color=INSIDE)
    for at, p_value in enumerate(few["p_adjusted"]):
        said = f"p = {p_value:.3f}" if p_value >= 0 else ""
        ax.annotate(said, (1.01, at), xycoords=ax.get_yaxis_transform(), va="center", fontsize="small", color="0.3")
    ax.set_yticks(places, [without_formulas(str(name)) for name in few.index], fontsize="small")
    ax.set_ylim(len(few) - 0.4, -0.6)
    title = study.say(
        "{label}: effect in each district ({data}; grey: {share:g} % of untreated groups' effects; p adjusted)",
        label=drawn_label(study, overall.outcome),
        share=100 * districts.level,
    )
    if len(few) < len(frame):
        title += "\n" + spread(frame.assign(effect=shown(unit, frame["effect"])), language)
    return finish(ax, language, title, say(language, "Effect{unit}", unit=bracketed(language, shown_unit(unit))))


def plot_balance(frame: pd.DataFrame, study: Study, *, ax: Axes | None = None) -> Axes:
    """How unlike inside and outside were before: normalised differences as dots, and after reweighting as hollow ones.

    Beyond the dotted lines at 0.25 regression adjustment leans on its form (see `balance`).

    Parameters
    ----------
    frame : DataFrame
        Of `balance` or of `reweight`.
    study : Study
        Whose it is.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Examples
    --------
    >>> from analysis import balance, load_study
    >>> study = load_study()
    >>> plot_balance(balance(study, ["households"]).frame, study).get_xlabel()
    'Inside less outside, in standard deviations over villages'
    """
    language, places = study.language, np.arange(len(frame))
    ax = ax or plt.subplots(figsize=(7.0, MARGINS + ROW * len(frame)))[1]
    ax.axvline(0, color="0.4", linewidth=1)
    for limit in (-LIKE, LIKE):
        ax.axvline(limit, color="0.6", linestyle=":", linewidth=1)
    ax.plot(frame["normalised difference"], places, "o", color=INSIDE, label=say(language, "as they are"))
    if "reweighted difference" in frame:
        hollow: dict[str, Any] = {"color": INSIDE, "markerfacecolor": "white", "label": say(language, "reweighted")}
        ax.plot(frame["reweighted difference"], places, "o", **hollow)
        ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    labels = ["\n".join(wrap(without_formulas(str(name)), LETTERS_PER_LINE)) for name in frame.index]
    ax.set_yticks(places, labels, fontsize="small")
    ax.set_ylim(len(frame) - 0.4, -0.6)
    title = study.say(
        "Inside and outside before {start}, as they are and reweighted ({data})"
        if "reweighted difference" in frame
        else "Inside and outside before {start} ({data})",
        start=study.starts[0],
    )
    return finish(ax, language, title, study.say("Inside less outside, in standard deviations over villages"))


def _draw(ax: Axes, frame: pd.DataFrame) -> None:
    """Points, intervals (an arrow's length where one has no end), and reasons in the place of what is missing."""
    places = np.arange(len(frame))
    ends = frame[["estimate", "low", "high"]].replace([np.inf, -np.inf], np.nan)
    low, high = float(ends.min(axis=None)), float(ends.max(axis=None))
    spare = 0.1 * ((high - low) or 1.0)
    first = places == np.flatnonzero(frame["estimate"].notna())[0]
    ax.axvline(0, color="0.4", linewidth=1)
    ax.axvline(frame["estimate"].to_numpy()[first][0], color=INSIDE, linestyle=":", linewidth=1)
    for chosen, colour, size in ((~first, OTHERS, 5), (first, INSIDE, 7)):
        rows = frame[chosen]
        margins = np.abs(
            rows[["low", "high"]].clip(low - spare, high + spare).T.to_numpy() - rows["estimate"].to_numpy()
        )
        ax.errorbar(rows["estimate"], places[chosen], xerr=margins, fmt="o", color=colour, markersize=size, capsize=2)
    ax.set_xlim(min(low, 0) - spare, max(high, 0) + spare)
    for place, (_, row) in zip(places, frame.iterrows(), strict=True):
        if np.isnan(row["estimate"]):
            said = without_formulas(shorten(row["note"], REASON, placeholder=" …"))
            ax.text(
                0.02,
                float(place),
                said,
                transform=ax.get_yaxis_transform(),
                va="center",
                fontsize="x-small",
                color="0.3",
                bbox=BEHIND,
            )
