"""Figures for notebooks and papers: results in, Axes out, with units, provenance and the start of treatment."""

from textwrap import wrap
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogFormatter, MaxNLocator, ScalarFormatter

from analysis.language.labels import bracketed, say
from analysis.messages import MOST_DECIMALS, plural
from analysis.presentation.descriptive import place
from analysis.presentation.style import INSIDE, OUTSIDE
from analysis.study.group_notes import has_districts
from analysis.study.study import Study

INSIDE_DISTRICTS = {"inside": "inside the districts", "outside": "outside the districts"}
TREATED = {"inside": "treated {units}", "outside": "untreated {units}"}
HANZI_PER_LINE = 18
# Letters in a line below a figure; Chinese characters are twice as wide.
LETTERS_BELOW = 76


def plot_trends(study: Study, outcome: str, *, log: bool | None = None, ax: Axes | None = None) -> Axes:
    """Mean outcome by year, inside and outside, with a line where treatment starts.

    Parameters
    ----------
    study : Study
    outcome : str
    log : bool, optional
        Draw a logarithmic axis, on which equal growth is parallel. Default: unless the outcome is analysed in levels.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Examples
    --------
    >>> from analysis import load_study
    >>> plot_trends(load_study(), "households").get_xlabel()
    'Year'
    """
    ax, language = ax or plt.subplots()[1], study.language
    values = study.column(outcome)
    means = values.groupby([place(study.frame), study.frame["time"]]).mean()
    names = INSIDE_DISTRICTS if has_districts(study) else TREATED
    for where, colour, marker in (("inside", INSIDE, "o"), ("outside", OUTSIDE, "s")):
        line = means.loc[where].dropna()
        ax.plot(line.index, line, color=colour, marker=marker)
        for year, last in line.iloc[-1:].items():
            above = last >= means.xs(year, level=1).max()
            beside(ax, year, last, study.say(names[where], units=plural(study.noun)), colour, above)
    for start in study.starts:
        ax.axvline(start - 0.5, color="0.4", linestyle="--", linewidth=1)
    if study.scale_of(outcome) != "level" if log is None else log:
        ax.set_yscale("log")
    starts = say(language, ", ").join(map(str, study.starts))
    described, label = study.describe(outcome), drawn_label(study, outcome)
    detail = bracketed(language, described.unit, described.prices).lstrip()
    title = study.say("{label}, means by year ({data}; dashed: start {starts})", label=label, starts=starts)
    return finish(ax, language, title, say(language, "Year"), f"{label}\n{detail}".rstrip(), years=True)


def small_print(language: str, text: str) -> str:
    """A sentence in lines that fit below a figure."""
    return "\n".join(wrap(text, LETTERS_BELOW if language == "en" else LETTERS_BELOW // 2))


def finish(ax: Axes, language: str, title: str, x: str, y: str = "", *, years: bool = False) -> Axes:
    """Title and labels, wrapped where they are long, and numbers in full."""
    ax.set_title(without_formulas(title), wrap=True)
    ax.set_xlabel(without_formulas(x))
    # Chinese characters fill a line, so theirs stand further apart.
    ax.set_ylabel(without_formulas(y), wrap=True, linespacing=1.5 if language == "zh" else 1.2)
    if years:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        _in_full(ax.xaxis)
    _in_full(ax.yaxis)
    return ax


def beside(ax: Axes, x: float, y: float, text: str, colour: str, above: bool = True) -> None:
    """A line's label at its last point, above or below its height."""
    place: dict[str, Any] = {"xytext": (7, 0), "textcoords": "offset points", "va": "bottom" if above else "top"}
    ax.annotate(without_formulas(text), (x, y), color=colour, fontsize="small", **place)


def without_formulas(text: str) -> str:
    """A text as matplotlib draws it as typed: where it wraps, formulas are read even with `parse_math` off."""
    return text.replace("$", r"\$")


class PlainLog(LogFormatter):
    """Labels of a logarithmic axis as plain numbers: 50,000 and 0.0002."""

    def __call__(self, value: float, position: int | None = None) -> str:
        """The number, where matplotlib would label its tick."""
        shown = f"{value:,.0f}" if value >= 1 else f"{value:.{MOST_DECIMALS}f}".rstrip("0")
        return shown if super().__call__(value, position) else ""


def _in_full(axis: Axis) -> None:
    """Numbers without exponents or offsets, and with thousands set off."""
    formatter = axis.get_major_formatter()
    if isinstance(formatter, LogFormatter):
        axis.set_major_formatter(PlainLog())
        axis.set_minor_formatter(PlainLog())
    elif isinstance(formatter, ScalarFormatter) and np.abs(axis.get_view_interval()).max() >= 1000:
        axis.set_major_formatter("{x:,.0f}")
    elif isinstance(formatter, ScalarFormatter):
        formatter.set_scientific(False)
        formatter.set_useOffset(False)


def drawn_label(study: Study, outcome: str) -> str:
    """Label of an outcome, in Chinese on lines of its own making: matplotlib breaks lines at spaces only."""
    label = study.label_of(outcome)
    return "\n".join(wrap(label, HANZI_PER_LINE)) if study.language == "zh" else label
