"""False positives of every method in simulated designs: what the headline was chosen by."""

from functools import partial
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import PercentFormatter

from analysis.inference.cluster_robust import FEW_TREATED
from analysis.inference.methods import HEADLINE, METHODS
from analysis.language.labels import say, term
from analysis.messages import Said, fixed
from analysis.presentation.headings import named
from analysis.presentation.plots import without_formulas
from analysis.presentation.style import INSIDE, PALETTE
from analysis.presentation.tables import Table
from analysis.reading.read_files import read_table

ENOUGH = 5


def plot_rejection_rates(rates: pd.DataFrame, *, data: str = "simulated data", language: str = "en") -> np.ndarray:
    """Rejection rates of a true null by correlation within groups, one panel per design, one line per method.

    Parameters
    ----------
    rates : DataFrame
        Columns treated_groups, treated_scale, correlation, method, rejection_rate; see `rejection_rates`.
    data : str
        Provenance, for the title.
    language : {"en", "zh"}
        Of titles, axes and legend.

    Returns
    -------
    ndarray of Axes, shape (treated scales, numbers of treated groups)

    Examples
    --------
    >>> from analysis import read_table
    >>> plot_rejection_rates(read_table("simulated_rejection_rates")).shape
    (2, 3)
    """
    facets = {"row": "treated_scale", "col": "treated_groups", "height": 2.3, "aspect": 1.0}
    rates = rates.assign(method=rates["method"].map(lambda method: named(language, method)))
    names, others = rates["method"].unique(), cycle(PALETTE[2:])
    colours = {name: INSIDE if name == named(language, HEADLINE) else next(others) for name in names}
    with plt.rc_context({"figure.constrained_layout.use": False}):
        grid = sns.relplot(
            rates, x="correlation", y="rejection_rate", hue="method", palette=colours, kind="line", marker="o", **facets
        )
    for (row, column), ax in np.ndenumerate(grid.axes):
        scale = grid.row_names[row]
        for line, name in zip(ax.lines, names, strict=False):  # The last panel holds the legend's lines too.
            line.set_label(name)
        ax.axhspan(0.03, 0.07, color="0.9", zorder=0)
        said = {"groups": grid.col_names[column], "scale": scale}
        alike = "{groups} treated groups, as variable\nas others"
        wider = "{groups} treated groups, {scale:g} ×\nas variable"
        title = say(language, alike if scale == 1 else wider, **said)
        ax.set_title(without_formulas(title), fontsize="small")
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    data = term(language, data)
    rate = say(language, "False positives\n({data})", data=data)
    grid.set_axis_labels(say(language, "Correlation within groups"), without_formulas(rate))
    title = say(language, "False positives by method, without an effect ({data})", data=data)
    grid.figure.suptitle(without_formulas(title), x=0.01, y=1.04, ha="left", fontsize="medium", weight="bold")
    sns.move_legend(grid, "lower center", ncols=rates["method"].nunique(), title=None, bbox_to_anchor=(0.5, -0.08))
    return grid.axes


def size_in_words(language: str = "en") -> Said:
    """How often the headline and the usual method reject a true null, with five treated groups or more.

    Examples
    --------
    >>> repr(size_in_words()).partition(", 5 %")[0]
    "Simulated data, effects in the outcome's unit: with 5 treated groups or more"
    """
    grid = read_table("simulated_rejection_rates").query("treated_groups >= @ENOUGH")
    rates = (100 * grid.groupby("method")["rejection_rate"].agg(["min", "max"])).map(partial(fixed, decimals=0))
    return Said(
        say(
            language,
            "Simulated data, effects in the outcome's unit: with {groups} treated groups or more, 5 % tests with CR2 "
            "find an effect where there is none in {low} to {high} % of panels, with CR1 in {usual_low} to "
            "{usual_high} %.",
            **{"groups": ENOUGH, "low": rates.loc[HEADLINE, "min"], "high": rates.loc[HEADLINE, "max"]},
            **{"usual_low": rates.loc["cr1", "min"], "usual_high": rates.loc["cr1", "max"]},
        )
    )


def size_in_per_cent(language: str = "en") -> Table:
    """False positives of effects in per cent, by how many equally rich districts the treated ones are worth.

    Examples
    --------
    >>> size_in_per_cent().note
    'Of 3,255 panels below three effective districts 3,200 have three treated groups; of 6,345 others none has.'
    """
    grid = _panels("simulated_rejection_rates_poisson").query("method == @HEADLINE")
    below, three = grid["effective_districts"] != "3 or more", grid["treated_groups"] == FEW_TREATED
    numbers = {"below": below, "few": below & three, "others": ~below}
    note = say(
        language,
        "Of {below} panels below three effective districts {few} have three treated groups; of {others} others none "
        "has.",
        **{name: fixed(grid.loc[rows, "panels"].sum(), 0) for name, rows in numbers.items()},
    )
    caption = say(language, "False positives of 5 % tests of an effect in per cent (% of panels; simulated data)")
    rates = _rates("simulated_rejection_rates_poisson", ["effective_districts", "treated_scale"], language)
    return Table(rates, caption, language, note=note)


def size_under_dominance(language: str = "en") -> Table:
    """False positives of effects in per cent, where one village or district has much of its side's total.

    Examples
    --------
    >>> float(size_under_dominance().frame.loc[("one village 50 %", 2.6), "randomization test"])
    12.5
    """
    caption = say(
        language,
        "False positives of 5 % tests of an effect in per cent, five treated groups, where one village or district has "
        "much of its side's total (% of {panels} panels each; simulated data)",
        panels=fixed(_panels("simulated_dominance")["panels"].min(), 0),
    )
    return Table(_rates("simulated_dominance", ["treated_total", "effective_districts"], language), caption, language)


def _panels(table: str) -> pd.DataFrame:
    """A stored table of rejection rates, with the panels behind each."""
    return read_table(table).round({"effective_districts": 1}).eval("panels = replications + missing")


def _rates(table: str, by: list[str], language: str) -> pd.DataFrame:
    """Each method's false positives in per cent by design."""
    grid = _panels(table).eval("rejected = 100 * rejection_rate * panels")
    sums = grid.groupby([*by, "method"], sort=False)[["rejected", "panels"]].sum()
    rates = (sums["rejected"] / sums["panels"]).unstack()[[*METHODS]].round(1)
    return rates.rename(columns={method: named(language, method) for method in METHODS})
