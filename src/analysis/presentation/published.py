"""What is published about the districts, in sentences and tables, and the published claim beside a study."""

import numpy as np
import pandas as pd

from analysis.effects.verbs import did
from analysis.language.labels import say, term
from analysis.language.units import MONEY, convert_unit
from analysis.messages import Said, StudyError, fixed
from analysis.presentation.tables import Table
from analysis.reading.published import Claim, is_about_mengzhou, published_claim
from analysis.reading.read_files import read_table
from analysis.study.study import Study

FACTS = "published_facts"
LEVELS = ["national", "provincial", "prefecture", "county", "district", "town", "village"]
INCOMES = {
    "share_villages_income_over_50k": "villages with collective income above 50,000 yuan",
    "share_villages_income_over_100k": "villages with collective income above 100,000 yuan",
    "share_villages_income_under_50k": "villages with collective income below 50,000 yuan",
    "village_collective_income_total": "collective income, all villages",
    "village_operating_income_total": "operating income, all villages",
    "operating_share_of_collective_income": "operating income in collective income",
    "share_villages_no_or_under_50k_yield": "villages with a net yield below 50,000 yuan, or none",
    "share_villages_yield_over_500k": "villages with a net yield of 500,000 yuan or more",
    "mean_village_collective_income_sample": "mean of a sample, kind of income not said",
}
NEEDED = {"collective income": "collective_income", "income per head": "income_pc"}
START = 2023


def published_answer(language: str = "en") -> Said:
    """How much of what a comparison needs is published: the answer of notebook 01.

    Examples
    --------
    >>> repr(published_answer()).partition(".")[0]
    'Published facts: 2 of the 25 villages in the districts are named (源沟村, 上口村)'
    """
    named = _members().index
    incomes = needed_village_years().frame.loc["collective income"].to_numpy().sum()
    said = say(
        language,
        "Published facts: {number} of the {villages} villages in the districts are named ({names}). Inside and "
        "outside, {found} village-years of collective income are published. Nobody can compare from public facts.",
        villages=published_claim().villages,
        number=len(named),
        names=say(language, ", ").join(named),
        found=int(incomes),
    )
    return Said(said)


def facts_by_level(language: str = "en") -> Table:
    """How many facts are published at each level, how sure they are, and from how many sources.

    Examples
    --------
    >>> facts_by_level().frame.columns.tolist()
    ['high confidence', 'medium confidence', 'sources']
    """
    facts = read_table(FACTS)
    frame = facts.groupby(["level", "confidence"]).size().unstack(fill_value=0).loc[LEVELS].rename_axis("about")
    frame = frame.rename(columns="{} confidence".format).rename_axis(columns=None)
    frame["sources"] = facts.groupby("level")["source"].nunique()
    return Table(frame, say(language, "Published facts by level and confidence"), language)


def claim_in_words(language: str = "en") -> Said:
    """What the prefecture's paper reported about the districts together."""
    claim = published_claim()
    said = say(
        language,
        "Published facts (焦作日报, {reported}): {gaining} of {districts} districts gained {gain} CNY together in "
        "{year}. The districts cover {villages} villages and over {households} farm households. The gain is "
        "presumably a change from the year before; the report does not say. No level, no earlier year and no "
        "village outside stand beside it.",
        reported=claim.reported,
        gaining=claim.gaining,
        districts=claim.districts,
        gain=f"{claim.gain:,.0f}",
        year=START,
        villages=claim.villages,
        households=fixed(claim.households, 0),
    )
    return Said(said)


def claim_divided(language: str = "en") -> Table:
    """The claimed gain for each district, village and household, if the gaining districts are of average size.

    Examples
    --------
    >>> claim_divided().frame["gain (CNY)"].round().tolist()
    [343333.0, 68667.0, 381.0]
    """
    claim = published_claim()
    share = claim.gaining / claim.districts
    number = {"district": claim.gaining, "village": share * claim.villages, "farm household": share * claim.households}
    frame = pd.DataFrame({"number": number, "gain (CNY)": {name: claim.gain / n for name, n in number.items()}})
    caption = say(language, "The claimed gain, each (published facts; districts of average size assumed)")
    return Table(frame.astype({"number": int}), caption, language)


def documented_villages(language: str = "en") -> Table:
    """The ten villages with most published facts, and the districts they are published to belong to.

    Examples
    --------
    >>> documented_villages().frame.index[0]
    '源沟村'
    """
    facts = read_table(FACTS).query("level == 'village'")
    frame = facts.groupby("entity_zh").agg(facts=("fact_id", "size"), first=("year", "min"), last=("year", "max"))
    frame["published district"] = _members().reindex(frame.index).fillna("")
    most = frame.sort_values("facts", ascending=False, kind="stable").head(10).rename_axis(None)
    caption = say(
        language,
        "The ten best documented of {number} villages with a fact, {inside} of them known to be in a district "
        "(published facts)",
        number=len(frame),
        inside=int(frame["published district"].ne("").sum()),
    )
    return Table(most, caption, language)


def needed_village_years(language: str = "en") -> Table:
    """Published village-years with an outcome that a comparison could use, inside and outside, before and after.

    Examples
    --------
    >>> int(needed_village_years().frame.loc["collective income"].to_numpy().sum())
    0
    """
    facts = read_table(FACTS).query("level == 'village'")
    place = np.where(facts["entity_zh"].isin(_members().index), "inside", "outside")
    year, periods = facts["year"].astype(float), [f"before {START}", f"from {START}"]
    period = np.select([year < START, year >= START], periods, "")
    rows = {}
    for outcome, name in NEEDED.items():
        found = facts["quantity"].str.contains(name)
        counts = pd.crosstab(place[found], period[found])
        counts = counts.reindex(index=["inside", "outside"], columns=periods, fill_value=0)
        rows[outcome] = counts.rename_axis(index=None, columns=None)
    caption = "Published village-years with the outcome that a comparison needs (published facts; start {year} assumed)"
    return Table(pd.concat(rows), say(language, caption, year=START), language)


def incomes_elsewhere(language: str = "en") -> Table:
    """What is published on incomes of village collectives elsewhere: they set the scale, and are not the districts'.

    Examples
    --------
    >>> incomes_elsewhere().frame.columns.tolist()
    ['what', 'place', 'value', 'unit']
    """
    facts = read_table(FACTS)
    facts = facts[facts["quantity"].isin(INCOMES)].sort_values(["quantity", "year"])
    names = {"entity_zh": "place", "year": "year"}
    frame = facts.assign(what=facts["quantity"].map(INCOMES)).rename(columns=names).set_index("year")
    caption = say(language, "Incomes of village collectives elsewhere (published facts)")
    return Table(frame[["what", "place", "value", "unit"]], caption, language)


def _members() -> pd.Series:
    """The published district of each village that is published to belong to one."""
    facts = read_table(FACTS).query("level == 'village' and quantity == 'district_membership'")
    return facts.set_index("entity_zh")["value_text"]


def claimed_percent(study: Study, outcome: str) -> float:
    """The claimed gain in per cent of what would have been, were it shared by the villages of all districts.

    Missing where the study is not about Mengzhou, or its outcome is not in money.

    Examples
    --------
    >>> from analysis import load_study
    >>> round(claimed_percent(load_study(), "collective_income_cny"))
    12
    """
    unit, factor, _ = convert_unit(study.describe(outcome).unit)
    if unit != MONEY or not is_about_mengzhou(study):
        return np.nan
    estimate, claim = did(study, outcome), published_claim()
    if not np.isfinite(estimate.percent) or estimate.percent == 0:
        return np.nan
    return float(100 * claim.gain / claim.villages * estimate.percent / (100 * estimate.amount * factor))


def claimed_gain(study: Study, outcome: str) -> Table:
    """The claimed gain for each village and in per cent, by how many villages share it.

    Examples
    --------
    >>> from analysis import load_study
    >>> claimed_gain(load_study(), "collective_income_cny").frame.index.name
    'villages that share it'
    """
    percent = claimed_percent(study, outcome)
    if not np.isfinite(percent):
        raise StudyError(
            "The claim is about incomes in CNY of villages of Mengzhou, and this study's outcome is not. "
            "Leave the claim aside."
        )
    claim = published_claim()
    number = pd.Index(_sharing(claim), name="villages that share it")
    gain = {"gain per village (CNY)": claim.gain / number, "gain (%)": percent * claim.villages / number}
    caption = say(
        study.language,
        "The claimed gain by how many villages share it; {all} are those of all districts (published facts; {data})",
        data=term(study.language, study.label),
        all=claim.villages,
    )
    return Table(pd.DataFrame(gain, number), caption, study.language)


def claim_found(study: Study, outcome: str, curve: pd.DataFrame) -> Said:
    """How often the claimed gain would be found, were it shared by the villages of all districts.

    Examples
    --------
    >>> from analysis import load_study
    >>> curve = pd.DataFrame({"percent": [0, 100], "power": [0.05, 0.95]})
    >>> repr(claim_found(load_study(), "collective_income_cny", curve)).rpartition("found ")[2]
    'in 16 % of cases.'
    """
    percent, claim = claimed_percent(study, outcome), published_claim()
    power = 100 * np.interp(percent, curve["percent"], curve["power"])
    told = "{data}: the claimed gain, shared by all {villages} villages ({percent} %), is found in {power} % of cases."
    return Said(study.say(told, villages=claim.villages, percent=fixed(percent, 0), power=fixed(power, 0)))


def _sharing(claim: Claim) -> list[int]:
    """From one village a district up to all but two of each other district, in steps; and all villages."""
    most = claim.villages - 2 * (claim.districts - claim.gaining)
    return [*range(claim.gaining, most + 1, claim.gaining), claim.villages]
