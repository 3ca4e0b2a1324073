"""False positives of every method in simulated designs: what the headline was chosen by."""

from functools import partial

import pandas as pd

from analysis.inference.cluster_robust import FEW_TREATED
from analysis.inference.methods import HEADLINE, METHODS
from analysis.language.labels import say
from analysis.messages import Said, fixed
from analysis.presentation.headings import named
from analysis.presentation.tables import Table
from analysis.reading.read_files import read_table

ENOUGH = 5


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
