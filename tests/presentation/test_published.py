"""Published facts in sentences and tables, and the claim beside studies that it is not about."""

import dataclasses
import re

import numpy as np
import pytest

from analysis import StudyError, load_study, read_table
from analysis.presentation.published import (
    claim_divided,
    claim_in_words,
    claimed_gain,
    claimed_percent,
    documented_villages,
    facts_by_level,
    incomes_elsewhere,
    needed_village_years,
    published_answer,
)
from analysis.reading.published import is_about_mengzhou, published_claim

SAID = (published_answer, claim_in_words)
TABLES = (claim_divided, documented_villages, facts_by_level, incomes_elsewhere, needed_village_years)


@pytest.mark.parametrize("said", SAID)
def test_sentences_speak_both_languages_and_say_that_they_are_published(said) -> None:
    assert repr(said("en")).startswith("Published facts")
    chinese = repr(said("zh"))
    assert chinese.startswith("公开事实")
    assert re.findall(r"[a-z]{3,}", chinese) == []


@pytest.mark.parametrize("table", TABLES)
def test_tables_speak_both_languages(table) -> None:
    assert re.search("[Pp]ublished facts", table("en").caption)
    assert re.findall(r"[A-Za-z]{3,}", repr(table("zh"))) == []


def test_villages_with_facts_are_said_to_be_others_than_those_inside() -> None:
    facts = read_table("published_facts").query("level == 'village'")
    inside = facts.loc[facts["quantity"] == "district_membership", "entity_zh"].nunique()
    said = f"{facts['entity_zh'].nunique()} villages with a fact, {inside} of them known to be in a district"
    assert said in documented_villages().caption


def test_claim_names_its_source_and_what_the_source_does_not_say() -> None:
    assert repr(claim_in_words()).startswith("Published facts (焦作日报, 2024-07): 3 of 5 districts gained")
    assert "presumably a change from the year before" in repr(claim_in_words())
    assert "2023 assumed" in needed_village_years().caption


def test_claim_is_shared_by_all_villages_in_the_end() -> None:
    study, claim = load_study(), published_claim()
    table = claimed_gain(study, study.primary_outcome).frame
    assert table.index.tolist() == [3, 6, 9, 12, 15, 18, 21, 25]
    assert table["gain per village (CNY)"].iloc[-1] == claim.gain / 25
    assert table["gain (%)"].iloc[-1] == pytest.approx(claimed_percent(study, study.primary_outcome))
    shares = table["gain (%)"] * table.index
    assert shares.to_numpy() == pytest.approx(shares.iloc[0])


def test_claim_is_the_same_per_cent_of_an_outcome_in_a_larger_unit() -> None:
    study = load_study()
    name = study.primary_outcome
    described = study.outcomes | {name: dataclasses.replace(study.describe(name), unit="万元")}
    frame = study.frame.assign(**{name: study.column(name) / 10_000})
    larger = dataclasses.replace(study, outcomes=described, frame=frame)
    assert claimed_percent(larger, name) == pytest.approx(claimed_percent(study, name))


def test_claim_is_about_villages_of_mengzhou_and_income_alone() -> None:
    study = load_study()
    assert np.isnan(claimed_percent(study, "households"))
    elsewhere = dataclasses.replace(study, frame=study.frame.assign(unit="x" + study.frame["unit"].astype(str)))
    assert is_about_mengzhou(study)
    assert not is_about_mengzhou(elsewhere)
    with pytest.raises(StudyError, match=r"^The claim is about incomes in CNY of villages of Mengzhou, and this "):
        claimed_gain(elsewhere, study.primary_outcome)
