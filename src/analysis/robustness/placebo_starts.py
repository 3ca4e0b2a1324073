"""Starts that never were: effects on the years before anything had happened."""

import dataclasses

import pandas as pd

from analysis.effects.comparison import compare
from analysis.effects.verbs import did
from analysis.language.labels import counted, say
from analysis.messages import StudyError, count, former_options
from analysis.presentation.tables import effects_table
from analysis.robustness.check import Check, in_short, threat, with_interval
from analysis.study.outcome import FORMER_LOG
from analysis.study.study import Study

SIGNIFICANT = 0.05


@former_options(**FORMER_LOG)
def placebo_starts(study: Study, outcome: str, *, scale: str | None = None) -> pd.DataFrame:
    """Effects of starts that never were, on the years before the first real one.

    Use it beside an event study: were treated villages already gaining when nothing had happened? Every treated
    village is given the same false start, one after the other; each has at least one year on either side.

    Returns
    -------
    DataFrame
        Index `start`; estimate, std_error, df, low, high, p_value (CR2), villages; starts that can be tried.

    Raises
    ------
    StudyError
        With fewer than two years before the first start in which some treated village has the outcome.

    Examples
    --------
    >>> from analysis import load_study
    >>> placebo_starts(load_study(), "households").index.tolist()
    [2017, 2018, 2019, 2020, 2021, 2022]
    """
    known = study.column(outcome).notna() & study.frame["first_treated"].notna()
    before = study.frame["time"] < study.starts[0]
    years = sorted(study.frame.loc[before & known, "time"].unique())
    if len(years) < 2:
        raise StudyError(
            "{outcome!r} is known in {years} before the first start ({start}), so no earlier start can be tried. Bring "
            "at least two years.",
            outcome=outcome,
            years=count(len(years), "year"),
            start=study.starts[0],
        )
    before &= study.frame["time"] <= years[-1]
    estimates = {}
    for start in years[1:]:
        false = study.frame["first_treated"].where(study.frame["first_treated"].isna(), start)
        tried = dataclasses.replace(study, frame=study.frame.assign(first_treated=false)).subset(before)
        estimates[start] = did(tried, outcome, scale=scale)
    columns = ["estimate", "std_error", "df", "low", "high", "p_value", "villages"]
    return compare(estimates, about=["villages"])[columns].rename_axis("start")


@threat("Gaining before the start", "Gave the districts false starts, on the years before the real one only.")
def false_starts(study: Study, outcome: str) -> Check:
    """Whether districts were gaining before anything had happened."""
    given, false, language = did(study, outcome), placebo_starts(study, outcome), study.language
    tested, largest = false["p_value"].dropna(), false.loc[false["estimate"].abs().idxmax()]
    found = say(
        language,
        "{number} of {effects} of false starts differ from zero at 5 %, tested one by one. The largest is {largest}; "
        "as given {given}. With few districts such tests miss much."
        if len(tested)
        else "The largest of {effects} of false starts is {largest}, and none can be tested; as given {given}.",
        number=int((tested < SIGNIFICANT).sum()),
        effects=counted(language, len(tested) or len(false), "effect"),
        largest=with_interval(language, given.unit, *largest[["estimate", "low", "high"]]),
        given=in_short(given),
    )
    return Check(study, found, {}, (effects_table(false, study, "effects of starts that never were", outcome),))
