"""Other programmes: the effect without villages with published projects or funds, and without subdistricts."""

import pandas as pd

from analysis.effects.comparison import estimate_or_refusal
from analysis.effects.verbs import did
from analysis.language.labels import counted, joined, say
from analysis.language.texts import singular
from analysis.messages import StudyError
from analysis.presentation.tables import estimates_table
from analysis.reading.read_files import read_table
from analysis.robustness.check import Check, beside, threat
from analysis.study.study import Study

PROGRAMMES = {
    "high_standard_farmland": "without farmland projects ({villages}, {treated} of them treated)",
    "poverty_fund": "without relief funds ({villages}, {treated} of them treated)",
}
SUBDISTRICT = "街道"
SUBDISTRICTS = "without subdistricts ({villages}, {treated} of them treated)"


@threat("Other programmes", "Left out villages with published projects or funds, and then villages in subdistricts.")
def other_programmes(study: Study, outcome: str) -> Check:
    """Whether farmland projects, relief funds or the nearby town are the answer."""
    frame, language = study.frame, study.language
    facts, others = read_table("published_facts").query("level == 'village'"), {}
    rows = {phrase: facts[facts["quantity"].str.contains(name)] for name, phrase in PROGRAMMES.items()}
    left_out = {phrase: frame["unit"].isin(found["division_code"]) for phrase, found in rows.items()}
    for phrase, there in (left_out | {SUBDISTRICTS: _in_subdistricts(frame["stratum"].astype(str))}).items():
        units = study.units.loc[frame.loc[there, "unit"].unique(), "first_treated"]
        villages, treated = counted(language, len(units), study.noun), int(units.notna().sum())
        if len(units):
            name = say(language, phrase, villages=villages, treated=treated)
            others[name] = estimate_or_refusal(did, study.subset(~there), outcome)
    if not others:
        raise StudyError("No {unit} has a published project or lies in a subdistrict.", unit=singular(study.noun))
    given = did(study, outcome)
    latest = say(
        language,
        "The latest of these projects is of {year}; what ran beside the districts is not published.",
        year=pd.concat(rows.values())["year"].max(),
    )
    known = any(there.any() for there in left_out.values())
    found = joined(language, [beside(given, others), latest][: 1 + known])
    return Check(study, found, others, (estimates_table({"all villages": given} | others),))


def _in_subdistricts(strata: pd.Series) -> pd.Series:
    """Which rows lie in a subdistrict, where villages live from the town, by its name or its code."""
    roster = read_table("villages")
    codes = roster.loc[roster["town_zh"].str.endswith(SUBDISTRICT), "town_code"]
    return strata.isin(codes) | strata.str.endswith(SUBDISTRICT)
