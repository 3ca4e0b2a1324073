"""False positives of every method in simulated designs: what the headline was chosen by."""

import pandas as pd

from analysis.inference.cluster_robust import FEW_TREATED
from analysis.inference.methods import HEADLINE, METHODS
from analysis.language.labels import say
from analysis.messages import Said
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
    rates = (100 * grid.groupby("method")["rejection_rate"].agg(["min", "max"])).map("{:.0f}".format)
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
    >>> size_in_per_cent().frame["with three treated groups"].tolist()
    [41, 51, 1559, 1549, 0, 0]
    """
    caption = say(language, "False positives of 5 % tests of an effect in per cent (% of panels; simulated data)")
    return _sizes("simulated_rejection_rates_poisson", ["effective_districts", "treated_scale"], caption, language)


def size_under_dominance(language: str = "en") -> Table:
    """False positives of effects in per cent, where one village or district has much of its side's total.

    Examples
    --------
    >>> size_under_dominance().frame.loc[("one village 50 %", 2.6), "randomization test"]
    12.5
    """
    caption = say(
        language,
        "False positives of 5 % tests of an effect in per cent, five treated groups, where one village or district has "
        "much of its side's total (% of panels; simulated data)",
    )
    return _sizes("simulated_dominance", ["treated_total", "effective_districts"], caption, language)


def _sizes(table: str, by: list[str], caption: str, language: str) -> Table:
    """Panels and each method's false positives in per cent by design, from a stored table of rejection rates."""
    grid = read_table(table).round({"effective_districts": 1}).eval("panels = replications + missing")
    few = grid.get("treated_groups", pd.Series(0, grid.index)) == FEW_TREATED
    grid = grid.assign(rejected=100 * grid["rejection_rate"] * grid["panels"], few=grid["panels"].where(few, 0))
    sums = grid.groupby([*by, "method"], sort=False)[["rejected", "panels", "few"]].sum()
    rates = (sums["rejected"] / sums["panels"]).unstack()[[*METHODS]].round(1)
    rates.columns = [named(language, method) for method in METHODS]
    counts = sums.xs(HEADLINE, level="method")[["panels", "few"]].astype(int)
    counts = counts.rename(columns={"few": "with three treated groups"}).loc[:, lambda counts: counts.any()]
    return Table(counts.loc[rates.index].join(rates), caption, language)
