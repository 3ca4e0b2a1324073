"""Starts that never were: effects on the years before anything had happened."""

import dataclasses

import numpy as np
import pandas as pd

from analysis.effects.comparison import compare
from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did
from analysis.language.labels import counted, joined, say
from analysis.messages import StudyError, count, former_options
from analysis.presentation.tables import effects_table
from analysis.robustness.check import Check, in_short, threat
from analysis.robustness.other_starts import against_last_year
from analysis.study.outcome import FORMER_LOG, effect_in_words
from analysis.study.study import Study

SIGNIFICANT = 0.05
SPANS = "They are {effects} against all years before each, and not independent, because they share years."
LAST = "Against the last year before each they are {last}."
RISING = "A trend that goes on like that makes the effect as given, {given}, too high."
FALLING = "A trend that goes on like that makes the effect as given, {given}, too low."
MIXED = "Their signs differ, so they show no single trend; as given {given}."


@former_options(**FORMER_LOG)
def placebo_starts(study: Study, outcome: str, *, scale: str | None = None) -> pd.DataFrame:
    """Effects of starts that never were, on the years before the first real one.

    Use it beside an event study: were treated villages already gaining when nothing had happened? Every treated
    village is given the same false start, one after the other; each has at least one year on either side.

    Returns
    -------
    DataFrame
        Index `start`; estimate, std_error, df, low, high, p_value (CR2), villages, against_last_year (the event study's
        average, against the last year before the false start, where it can be had); starts that can be tried.

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
    estimates, last = {}, []
    for start in years[1:]:
        false = study.frame["first_treated"].where(study.frame["first_treated"].isna(), start)
        tried = dataclasses.replace(study, frame=study.frame.assign(first_treated=false)).subset(before)
        estimates[start] = did(tried, outcome, scale=scale)
        last.append(against_last_year(tried, outcome, scale))
    columns = ["estimate", "std_error", "df", "low", "high", "p_value", "villages"]
    return compare(estimates, about=["villages"])[columns].assign(against_last_year=last).rename_axis("start")


@threat("Gaining before the start", "Gave the districts false starts, on the years before the real one only.")
def false_starts(study: Study, outcome: str) -> Check:
    """Whether districts were gaining before anything had happened."""
    given, false, language = did(study, outcome), placebo_starts(study, outcome), study.language
    tested, last = false["p_value"].dropna(), false["against_last_year"].dropna()
    found = say(
        language,
        "{number} of {effects} of false starts differ from zero at 5 %, tested one by one; with few districts such "
        "tests miss much."
        if len(tested)
        else "None of {effects} of false starts can be tested.",
        number=int((tested < SIGNIFICANT).sum()),
        effects=counted(language, len(tested) or len(false), "effect"),
    )
    signs = set(np.sign([*false["estimate"], *last]))
    where = FALLING if signs == {-1} else RISING if signs == {1} else MIXED
    spans = say(language, SPANS, effects=effects_span(false["estimate"], given))
    against = say(language, LAST, last=effects_span(last, given)) if len(last) else ""
    said = filter(None, [found, spans, against, say(language, where, given=in_short(given))])
    table = effects_table(false.drop(columns=["std_error", "df"]), study, "effects of starts that never were", outcome)
    return Check(study, joined(language, said), {}, (table,))


def effects_span(effects: pd.Series, given: Estimate) -> str:
    """From the smallest to the largest of effects, in words."""
    ends = [effect_in_words(given.unit, one, given.study.language) for one in effects.agg(["min", "max"])]
    return say(given.study.language, "{low} to {high}", low=ends[0], high=ends[1])
