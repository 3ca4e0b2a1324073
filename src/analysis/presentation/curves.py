"""Figures of what would change an answer: specifications side by side, and power by size of effect."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from analysis.language.labels import bracketed, say, term
from analysis.messages import amount, fixed
from analysis.presentation.headings import named
from analysis.presentation.plots import drawn_label, finish, small_print, without_formulas
from analysis.presentation.style import INSIDE, OTHERS, OUTSIDE
from analysis.study.outcome import shown_unit
from analysis.study.specification import CHOICES
from analysis.study.study import Study

POWER_ASKED_FOR = 0.8
# Columns of a specification curve: the effect and the ends of its interval.
PER_CENT = ("per_cent", "low", "high")
OWN_UNIT = ("estimate", "estimate_low", "estimate_high")


def plot_specifications(curve: pd.DataFrame, study: Study, outcome: str) -> np.ndarray:
    """Every specification's effect with its interval, ascending, above the choices behind it; the study's own marked.

    Effects that are no share of a counterfactual mean follow the others, in their own unit and axes.

    Parameters
    ----------
    curve : DataFrame
        From `specification_curve`; rows without an estimate are left out and counted in the title.
    study, outcome
        Whose curve it is.

    Returns
    -------
    ndarray of Axes, shape (2,) or (3,)
        Effects in per cent, effects in their own unit (where there are any), and choices.

    Examples
    --------
    >>> from analysis import load_study, specification_curve
    >>> study = load_study()
    >>> plot_specifications(specification_curve(study, "households"), study, "households").shape
    (2,)
    """
    drawn = curve.dropna(subset="estimate").reset_index(drop=True)
    shared = drawn["per_cent"].notna()
    parts = [(drawn[shared], PER_CENT), (drawn[~shared], OWN_UNIT)]
    parts = [(rows, columns) for rows, columns in parts if len(rows)]
    # Stable sorting puts the study's own value of each choice first.
    ordered = curve.sort_values("own", ascending=False, kind="stable")
    values = {name: ordered[name].unique() for name in CHOICES}
    choices = [(name, value) for name in CHOICES for value in values[name] if len(values[name]) > 1]
    heights = [2.0] * len(parts) + [max(1.0, 0.2 * len(choices))]
    size = (7.5, 1.4 + 2 * len(parts) + 0.22 * len(choices))
    _, axes = plt.subplots(len(heights), 1, sharex=True, figsize=size, gridspec_kw={"height_ratios": heights})
    language, unit = study.language, bracketed(study.language, shown_unit(str(drawn["unit"].iloc[-1])))
    for ax, (rows, columns) in zip(axes[:-1], parts, strict=True):
        _draw_specifications(ax, rows, columns)
        label = "Effect (% of counterfactual)" if columns == PER_CENT else "Effect{unit}"
        finish(ax, language, "", "", say(language, label, unit=unit))
    _draw_choices(axes[-1], drawn, choices, study)
    finish(axes[-1], language, "", say(language, "Specifications, by size of effect (large: the study's own)"))
    title = "{label}: {number} specifications{lost} ({data})"
    without, shareless = len(curve) - len(drawn), int((~shared).sum())
    lost = say(language, ", {number} without an estimate", number=without) if without else ""
    lost += say(language, ", {number} without a share", number=shareless) if shareless else ""
    label, data = drawn_label(study, outcome), term(language, study.label)
    title = say(language, title, label=label, number=len(curve), lost=lost, data=data)
    axes[0].set_title(without_formulas(title), wrap=True)
    return axes


def _draw_specifications(ax: Axes, rows: pd.DataFrame, columns: tuple[str, str, str]) -> None:
    """Effects with their intervals at their places in the curve; an interval without an upper end runs out."""
    effect, low, high = columns
    top = 2 * float(rows[[effect, high]].replace(np.inf, np.nan).abs().max(axis=None))
    ax.axhline(0, color="0.4", linewidth=1)
    for colour, size in ((OTHERS, 4), (INSIDE, 7)):
        own = rows[rows["own"] == (colour == INSIDE)]
        margins = np.abs(own[[low, high]].clip(upper=top).T.to_numpy() - own[effect].to_numpy())
        ax.errorbar(own.index, own[effect], yerr=margins, fmt="o", color=colour, markersize=size, linewidth=1)
    if np.isinf(rows[high]).any():
        ax.set_ylim(top=0.55 * top)


def _draw_choices(ax: Axes, rows: pd.DataFrame, choices: list[tuple[str, str]], study: Study) -> None:
    """Which choices stand behind each specification, one line for each choice."""
    colours = np.where(rows["own"], INSIDE, OTHERS)
    for height, (name, value) in enumerate(reversed(choices)):
        chosen = rows.index[rows[name] == value]
        ax.scatter(chosen, np.full(len(chosen), height), marker="s", s=14, c=list(colours[chosen]))
    language = study.language
    said = {column: study.label_of(column) for column in study.outcomes} if language == "zh" else {}
    names = [
        without_formulas(f"{term(language, name)}: {said.get(value) or named(language, value, study.noun)}")
        for name, value in reversed(choices)
    ]
    ax.set_yticks(range(len(choices)), names, fontsize="small")
    ax.set(ylim=(-0.7, len(choices) - 0.3), xticks=[])


def plot_power(
    curve: pd.DataFrame,
    study: Study,
    outcome: str,
    *,
    unit: str | None = None,
    claim: float = np.nan,
    ax: Axes | None = None,
) -> Axes:
    """How often effects of each size are found: the smallest found with the power asked for, and a claim.

    The curve's caution stands below.

    Parameters
    ----------
    curve : DataFrame
        From `power_curve`.
    study, outcome
        Whose curve it is.
    unit : str, optional
        Unit of the effects, by default the outcome's; those known in per cent are drawn so.
    claim : float
        The least that a claimed effect comes to, as drawn; missing where there is none.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Examples
    --------
    >>> from analysis import load_study
    >>> curve = pd.DataFrame({"power": [0.05, 0.9]}, index=pd.Index([0, 100], name="effect"))
    >>> plot_power(curve, load_study(), "households").get_ylabel()
    'Found at 5 % two-sided'
    """
    ax, language = ax or plt.subplots()[1], study.language
    shares = curve["percent"] if "percent" in curve and curve["percent"].notna().all() else None
    unit = "%" if shares is not None else study.describe(outcome).unit if unit is None else unit
    drawn = pd.Series(curve["power"].to_numpy(), curve.index if shares is None else shares)
    ax.plot(drawn.index, drawn, color=INSIDE, marker="o", markersize=3)
    ax.axhline(POWER_ASKED_FOR, color="0.4", linestyle="--", linewidth=1)
    title = "{label}: power by size of the effect ({data}; dashed: {power} %)"
    label, data = drawn_label(study, outcome), term(language, study.label)
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    title = say(language, title, label=label, data=data, power=fixed(100 * POWER_ASKED_FOR, 0))
    effect = say(language, "True effect{unit}", unit=bracketed(language, unit))
    below = [effect, *filter(None, [small_print(language, curve.attrs.get("caution", ""))])]
    _mark_sizes(ax, drawn, claim, unit, language)
    return finish(ax, language, title, "\n\n".join(below), say(language, "Found at 5 % two-sided"))


def _mark_sizes(ax: Axes, drawn: pd.Series, claim: float, unit: str, language: str) -> None:
    """The smallest gain found with the power asked for, and a claim, each with its size beside it."""
    reached = drawn.index[(drawn.index > 0) & (drawn >= POWER_ASKED_FOR)]
    marks = [(reached.min(), "detectable: {size}", INSIDE)] if len(reached) else []
    if np.isfinite(claim):
        marks = [*marks, (claim, "claimed: at least {size}, found {power} % of the time", OUTSIDE)]
    for at, phrase, colour in marks:
        power = float(np.interp(at, drawn.index, drawn))
        size = f"{at:,.0f} {term(language, unit)}" if abs(at) >= 10 else f"{amount(at)} {term(language, unit)}"
        said = without_formulas(say(language, phrase, size=size.strip(), power=fixed(100 * power, 0)))
        ax.plot(at, power, "o", color=colour, markersize=8, label=said)
        ax.annotate(said, (at, power), xytext=(10, -4), textcoords="offset points", va="top", color=colour)
