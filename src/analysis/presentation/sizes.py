"""False positives of every method in simulated designs: what the headline was chosen by."""

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
    >>> repr(size_in_words()).partition(",")[0]
    'Simulated data: with 5 treated groups or more'
    """
    grid = read_table("simulated_rejection_rates").query("treated_groups >= @ENOUGH")
    rates = (100 * grid.groupby("method")["rejection_rate"].agg(["min", "max"])).map("{:.0f}".format)
    return Said(
        say(
            language,
            "Simulated data: with {groups} treated groups or more, 5 % tests with CR2 find an effect where there is "
            "none in {low} to {high} % of panels, with CR1 in {usual_low} to {usual_high} %.",
            groups=ENOUGH,
            low=rates.loc[HEADLINE, "min"],
            high=rates.loc[HEADLINE, "max"],
            usual_low=rates.loc["cr1", "min"],
            usual_high=rates.loc["cr1", "max"],
        )
    )


def size_in_per_cent(language: str = "en") -> Table:
    """False positives of effects in per cent, by how many equally rich districts the treated ones are worth.

    Examples
    --------
    >>> size_in_per_cent().frame.columns.tolist()
    ['CR1', 'CR2', 'CR3', 'wild cluster bootstrap', 'randomization test']
    """
    grid = read_table("simulated_rejection_rates_poisson").eval("panels = replications + missing")
    grid["rejected"] = 100 * grid["rejection_rate"] * grid["panels"]
    by = ["effective_districts", "treated_scale", "method"]
    sums = grid.groupby(by, sort=False)[["rejected", "panels"]].sum()
    rates = (sums["rejected"] / sums["panels"]).unstack()[[*METHODS]].round(1)
    rates.columns = [named(language, method) for method in METHODS]
    caption = say(language, "False positives of 5 % tests of an effect in per cent (% of panels; simulated data)")
    return Table(rates, caption, language)
