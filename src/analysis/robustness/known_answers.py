"""Answers of this library on published studies, beside those that R gives."""

import numpy as np
import pandas as pd

from analysis.effects.verbs import did, event_study
from analysis.language.labels import say
from analysis.messages import fixed
from analysis.presentation.tables import captioned
from analysis.reading.published_studies import castle_doctrine, crop_insurance, enterprise_zones, famine
from analysis.reading.read_files import read_table
from analysis.robustness.check import Finding

KEYS = ["dataset", "specification", "quantity"]
TESTED = {"std_error": "se", "df": "df", "p_value": "p"}
"""Columns of `Estimate.inference`, and how `data/known_answers.csv` calls them behind a method."""
MOST_DIGITS = 10
"""Digits further on depend on the order in which a machine adds."""
STUDIES = {
    "castle": "Castle doctrine laws, 50 states",
    "ezunem": "Enterprise zones, 22 cities",
    "cai2016": "Crop insurance, 12 counties",
    "famine": "Famine and clans, 921 counties",
}
SPECIFICATIONS = {
    "two_way": "two-way fixed effects",
    "two_way_by_province": "the same, errors by province",
    "event_study": "event study",
    "sun_abraham": "Sun & Abraham",
    "callaway_santanna_never": "Callaway & Sant'Anna",
}


def ours_beside_r() -> pd.DataFrame:
    """Every value of `data/known_answers.csv` that `did` and `event_study` answer: ours, R's, and digits that agree.

    Use it to look one value up; `known_answers` sums them up. Wild bootstrap p-values with draws are left out, since
    draws differ.

    Examples
    --------
    >>> int(ours_beside_r()["digits"].min())
    10
    """
    castle, famine_by_province = castle_doctrine(), famine()
    pooled = {"castle": castle, "ezunem": enterprise_zones(), "cai2016": crop_insurance(), "famine": famine("county")}
    two_way = {(name, "two_way"): study for name, study in pooled.items()}
    ours: dict[tuple, float] = {}
    for key, study in (two_way | {("famine", "two_way_by_province"): famine_by_province}).items():
        estimate = did(study, study.primary_outcome, estimator="two_way")
        tests = estimate.inference(["cr1", "cr2", "cr3"])
        ours[*key, "estimate"] = estimate.value
        ours |= {(*key, f"{how}_{TESTED[what]}"): tests.loc[how, what] for how in tests.index for what in TESTED}
    by_year = {("castle", "event_study"): castle, ("cai2016", "event_study"): pooled["cai2016"]}
    by_year |= {("castle", "sun_abraham"): castle, ("famine", "event_study"): famine_by_province}
    for key, study in by_year.items():
        estimator = "two_way" if key[1] == "event_study" else "saturated"
        events = event_study(study, study.primary_outcome, estimator=estimator)
        ours |= {(*key, f"event_time {time}"): effect for time, effect in events.frame()["estimate"].items()}
        ours[*key, "estimate"] = events.average().value
    ours["castle", "callaway_santanna_never", "aggte_simple_overall"] = ours["castle", "sun_abraham", "estimate"]
    theirs = read_table("known_answers").set_index(KEYS)["value"]
    frame = pd.DataFrame({"ours": pd.Series(ours), "R": theirs}).rename_axis(KEYS).dropna()
    difference = (frame["ours"] / frame["R"] - 1).abs().clip(lower=10.0**-MOST_DIGITS)
    return frame.assign(digits=np.floor(-np.log10(difference) + 1e-9).astype(int)).reindex(theirs.index).dropna()


def known_answers() -> Finding:
    """Does this library give the numbers that R gives on published studies? A sentence, and a row per regression.

    Examples
    --------
    >>> known_answers().tables[0].frame.columns.tolist()
    ['values compared', 'effect, ours', 'effect, R', 'digits that agree']
    """
    frame, study = ours_beside_r(), famine()
    language = study.language
    rows = frame.groupby(level=KEYS[:2], sort=False)
    effect = frame[frame.index.get_level_values("quantity").isin(["estimate", "aggte_simple_overall"])]
    effect = effect.droplevel("quantity").map(lambda value: fixed(value, 6))
    columns = {"values compared": rows.size(), "effect, ours": effect["ours"], "effect, R": effect["R"]}
    shown = pd.DataFrame(columns | {"digits that agree": rows["digits"].min()}).reindex(rows.size().index).fillna("")
    shown.index = pd.MultiIndex.from_tuples([(STUDIES[a], SPECIFICATIONS[b]) for a, b in shown.index])
    shown = shown.rename_axis(["study", "regression"])
    digits = int(frame["digits"].min())
    found = say(
        language,
        "We computed {number} of the {all} values that R gives on four published studies. All agree to {digits} "
        "significant digits or more: the largest relative difference is below {difference}. The other {left} are "
        "p-values by draws, or answers of other estimators.",
        number=len(frame),
        all=(known := len(read_table("known_answers"))),
        left=known - len(frame),
        digits=digits,
        difference=f"1e-{digits}",
    )
    title = "Our values and R's: what was compared, and how far it agrees ({data})"
    return Finding(study, found, results=(captioned(shown, study, title),))
