"""The design in pictures: a dot for each village, and a row for each village's reports."""

from math import ceil

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from analysis.language.labels import counted, say, term
from analysis.messages import fixed, plural
from analysis.presentation.plots import drawn_label, finish, without_formulas
from analysis.presentation.style import INSIDE, OUTSIDE
from analysis.reading.read_files import read_table
from analysis.study.study import Study

MOST_DOTS, MOST_ROWS = 60, 30
NOTHING, OUT, BEFORE, UNDER, UNKNOWN = range(5)
COLOURS = ("#FFFFFF", "#F2D3B0", "#9DBBD8", INSIDE, "#4A4A4A")
SAID = {
    UNDER: "inside, from the start",
    BEFORE: "inside, before the start",
    OUT: "outside",
    UNKNOWN: "without the outcome",
    NOTHING: "no report",
}


def place_names(study: Study, labels: pd.Index) -> list[str]:
    """Readers' names of towns and districts: those of Mengzhou by their codes, all others as they are written."""
    towns, known = read_table("villages"), {}
    known = dict(zip(towns["town_code"], towns["town_zh" if study.language == "zh" else "town_py"], strict=True))
    if study.language == "zh":
        districts = read_table("districts")
        known |= dict(zip(districts["district_id"], districts["district_zh"], strict=True))
    return [without_formulas(str(known.get(label, label))) for label in labels]


def plot_design(study: Study, *, ax: Axes | None = None) -> Axes:
    """One dot for each village, a line for each stratum (such as a town): who is inside, and among how many.

    The villages of a treated group stand together. Where a stratum is large a dot stands for several, as the title
    says; beyond 30 strata those with most villages inside are drawn and the others are counted.

    Parameters
    ----------
    study : Study
    ax : Axes, optional
        Draw here instead of in a new figure.

    Examples
    --------
    >>> from analysis import load_study
    >>> len(plot_design(load_study()).get_yticks())
    11
    """
    units, language = study.units, study.language
    inside = units["first_treated"].notna()
    strata = inside.groupby(units["stratum"]).agg(["sum", "size"])
    drawn = strata.loc[strata["sum"].sort_values(ascending=False, kind="stable").index[:MOST_ROWS].sort_values()]
    each = ceil(drawn["size"].max() / MOST_DOTS)
    ax = ax or plt.subplots(figsize=(7.0, 1.0 + 0.26 * len(drawn)))[1]
    for line, (name, (treated, size)) in enumerate(drawn.iterrows()):
        groups = units.loc[inside & (units["stratum"] == name), "group"].value_counts(sort=False)
        at = 0
        for villages, colour in [*((one, INSIDE) for one in groups), (size - treated, OUTSIDE)]:
            dots = ceil(villages / each)
            ax.scatter(at + np.arange(dots), np.full(dots, line), s=22, color=colour, linewidths=0)
            at += dots + (dots > 0)
        ax.text(at, line, say(language, "{inside} of {all}", inside=treated, all=size), va="center", fontsize="small")
    ax.set_yticks(range(len(drawn)), place_names(study, drawn.index), fontsize="small")
    ax.set(ylim=(len(drawn) - 0.5, -0.5), xticks=[], xlim=(-1, ax.get_xlim()[1] + 5))
    ax.grid(visible=False)
    ax.spines[["bottom", "left"]].set_visible(False)
    ax.tick_params(left=False)
    return finish(ax, language, _design_title(study, inside, each, len(strata) - len(drawn)), "")


def _design_title(study: Study, inside: pd.Series, each: int, left: int) -> str:
    language = study.language
    title = study.say(
        "One dot for each {noun}: {inside} inside (blue), {outside} outside (orange) ({data})"
        if each == 1
        else "One dot for {each} {noun}: {inside} inside (blue), {outside} outside (orange) ({data})",
        noun=term(language, study.noun if each == 1 else plural(study.noun)),
        each=each,
        inside=fixed(inside.sum(), 0),
        outside=fixed((~inside).sum(), 0),
    )
    return title + ("\n" + say(language, "{number} more are not drawn", number=left) if left else "")


def plot_coverage(study: Study, outcome: str | None = None) -> Axes:
    """Who reports in which year, one row for each village: inside by start and group, outside by stratum.

    After panelView (Mou, Liu & Xu 2023, doi:10.18637/jss.v107.i07). Names of treated groups stand beside their rows
    where there are at most 30.

    Parameters
    ----------
    study : Study
    outcome : str, optional
        Default: the primary outcome.

    Returns
    -------
    Axes
        Of the villages inside; those outside stand below.

    Examples
    --------
    >>> from analysis import load_study
    >>> plot_coverage(load_study()).get_ylabel()
    '25 villages inside'
    """
    language, outcome = study.language, outcome or study.primary_outcome
    frame, state = study.frame, np.where(study.frame["first_treated"].isna(), OUT, BEFORE)
    state = np.where((frame["time"] >= frame["first_treated"]).fillna(False), UNDER, state)
    state = np.where(study.column(outcome).isna(), UNKNOWN, state)
    wide = pd.Series(state).groupby([frame["unit"], frame["time"]]).first().unstack(fill_value=NOTHING)
    units = study.units.sort_values(["first_treated", "group", "stratum"], kind="stable")
    treated = units["first_treated"].notna()
    groups = units.loc[treated, "group"].value_counts(sort=False)
    named = len(groups) <= MOST_ROWS
    height = max(1.2, 0.24 * len(groups)) if named else 2.0
    figure, axes = plt.subplots(2, 1, sharex=True, figsize=(7.0, height + 3.2), height_ratios=[height, 2.0])
    for ax, rows in zip(axes, (treated, ~treated), strict=True):
        _draw_rows(ax, wide.loc[units.index[rows]])
    ends = groups.cumsum().to_numpy()
    if named:
        axes[0].set_yticks(ends - groups.to_numpy() / 2, place_names(study, groups.index), fontsize="small")
        for end in ends[:-1]:
            axes[0].axhline(end, color="white", linewidth=2)
    inside, outside = (counted(language, int(rows.sum()), study.noun) for rows in (treated, ~treated))
    labels = [study.say("{units} inside", units=inside), study.say("{units} outside", units=outside)]
    for ax, label in zip(axes, labels, strict=True):
        ax.set_ylabel(label)
    seen = [state for state in SAID if (wide.to_numpy() == state).any()]
    patches = [Patch(facecolor=COLOURS[one], edgecolor="0.6", label=study.say(SAID[one])) for one in seen]
    figure.legend(handles=patches, loc="outside lower center", ncols=min(len(patches), 3), fontsize="small")
    title = study.say(
        "{label}: who reports in which year, a row for each {noun} ({data})",
        label=drawn_label(study, outcome),
        noun=term(language, study.noun),
    )
    finish(axes[1], language, "", say(language, "Year"), labels[1], years=True)
    axes[0].set_title(without_formulas(title), wrap=True)
    return axes[0]


def _draw_rows(ax: Axes, wide: pd.DataFrame) -> None:
    """A row for each unit and a column for each year seen, years without a report of anybody left white."""
    years = range(wide.columns.min(), wide.columns.max() + 1)
    image = wide.reindex(columns=years, fill_value=NOTHING).to_numpy()
    extent = (years[0] - 0.5, years[-1] + 0.5, len(wide), 0)
    ax.imshow(image, ListedColormap(COLOURS), vmin=0, vmax=4, aspect="auto", interpolation="nearest", extent=extent)
    for year in years[1:]:
        ax.axvline(year - 0.5, color="white", linewidth=1)
    ax.set_yticks([])
    ax.grid(visible=False)
