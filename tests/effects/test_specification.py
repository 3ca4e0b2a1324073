"""What a study chose beforehand is every estimate's: its controls and weights, an override, and how they are said."""

import dataclasses

import pandas as pd
import pytest
from panels import districts_panel

from analysis import Outcome, Study, StudyError, by_district, did, event_study, neighbours, synthetic_did
from analysis.presentation.tables import estimates_table, event_study_table, inference_table
from analysis.robustness.estimands import estimands
from analysis.robustness.leave_one_out import leave_one_out
from analysis.robustness.placebo_starts import placebo_starts

DESIGN = {"unit": "village", "time": "year", "first_treated": "start", "group": "district", "stratum": "town"}
OWN = {"controls": ["land", "rain"], "weights": "size"}
SAID = "controls land area (times year: 6 coefficients), rain, weights size"


def panel() -> pd.DataFrame:
    frame = districts_panel(dict.fromkeys(("d00", "d01", "d02", "d03"), 2019), groups=26)
    number = frame["village"].str[1:3].astype(int)
    frame["land"] = (7 * number + frame["village"].str[-1].astype(int) ** 2) % 11 + 1.0
    frame["income"] += frame["land"] * (frame["year"] - 2015) / 20
    return frame.assign(town="t" + (number % 13).astype(str))


@pytest.fixture(scope="module")
def own() -> Study:
    outcomes = {"income": Outcome("income"), "land": Outcome("land", label_en="Land area")}
    return Study.from_frame(panel(), **DESIGN, outcomes=outcomes, **OWN)


@pytest.fixture(scope="module")
def bare(own) -> Study:
    return dataclasses.replace(own, controls=(), weights="")


VERBS = {
    "did": did,
    "event study": event_study,
    "districts": by_district,
    "neighbours": neighbours,
    "leave one out": leave_one_out,
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_every_verb_takes_the_studys_own_and_can_be_told_otherwise(own, bare, verb):
    def frame(study: Study, **options: object) -> pd.DataFrame:
        result = verb(study, "income", **options)
        return result if isinstance(result, pd.DataFrame) else result.frame()

    pd.testing.assert_frame_equal(frame(own), frame(bare, **OWN))
    pd.testing.assert_frame_equal(frame(own, controls=(), weights="none"), frame(bare))
    assert not frame(own).equals(frame(bare))


@pytest.mark.parametrize("nothing", [(), [], "none"], ids=str)
def test_nothing_is_said_in_several_ways(own, nothing):
    assert own.specification("income", nothing, nothing) == ((), "")
    assert own.specification("income") == (("land", "rain"), "size")


def test_either_can_be_overridden_alone(own, bare):
    assert did(own, "income", controls=["rain"]).value == did(bare, "income", controls=["rain"], weights="size").value
    assert did(own, "income", weights="none").value == did(bare, "income", controls=["land", "rain"]).value


def test_verbs_without_the_option_take_the_studys_own_too(own):
    year = dataclasses.replace(own, frame=own.frame.assign(first_treated=own.frame["first_treated"] - 1))
    before = year.subset(own.frame["time"] < 2019)
    assert placebo_starts(own, "income").loc[2018, "estimate"] == did(before, "income").value


def test_estimands_are_weighted_by_what_their_rows_say(own, bare):
    rows = estimands(own, "income", "size")
    pd.testing.assert_frame_equal(rows, estimands(bare, "income", "size", controls=["land", "rain"]))


def test_a_studys_control_is_estimated_with_the_other_controls(own):
    moving = dataclasses.replace(own, frame=own.frame.assign(land=own.frame["land"] + own.frame["income"] / 9))
    assert did(moving, "land").frame()["controls"].item() == "rain"
    with pytest.raises(StudyError, match="^The outcome 'land' is also a control"):
        did(moving, "land", controls=["land"])


def test_sentences_name_controls_weights_and_coefficients_spent(own, bare):
    effect = did(own, "income")
    assert f"Linear regression, two-way fixed effects, {SAID}, against all years before" in effect.small_print()
    events, districts = event_study(own, "income"), by_district(own, "income")
    results = [events, events.pretrend(), events.honest_bounds(), districts, neighbours(own, "income")]
    assert [SAID in f"{result} {getattr(result, 'small_print', str)()}" for result in results] == [True] * 5
    positive = dataclasses.replace(own, frame=own.frame.assign(income=own.frame["income"] ** 2))
    small = did(positive, "income", scale="poisson")._repr_markdown_()
    assert f"Poisson regression, two-way fixed effects, {SAID}, against all years before" in small
    assert "controls" not in did(bare, "income").small_print()


def test_a_method_without_controls_says_so(own, bare):
    assert ", without the study's controls and weights." in repr(synthetic_did(own, "income", draws=9))
    assert "controls" not in repr(synthetic_did(bare, "income", draws=9))


def test_the_frame_names_them(own, bare):
    named = did(own, "income").frame().iloc[0]
    assert named["controls":"weights"].tolist() == ["land (times year: 6 coefficients), rain", "size"]
    assert did(bare, "income").frame().iloc[0]["controls":"weights"].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "; controls: Land area (times year: 6 coefficients), rain; weights: size"),
        ("zh", "；控制变量：Land area（与年份交互：6个系数）、rain；权重：size"),
    ],
)
def test_tables_name_them_where_there_are_any(own, bare, language, said):
    study, without = (dataclasses.replace(one, language=language) for one in (own, bare))
    effect, plain = did(study, "income"), did(without, "income")
    for table in (
        estimates_table({"a": effect}),
        inference_table(effect),
        event_study_table(event_study(study, "income")),
    ):
        assert said in table.caption
    both = estimates_table({"own": effect, "none": plain})
    assert both.frame["weights"].tolist() == ["size", ""]
    assert both.frame["controls"].tolist()[1] == ""
    assert not {"controls", "weights"} & set(estimates_table({"none": plain}).frame)


WRONG = {
    "missing": (
        {"controls": ["lnad"]},
        "The panel has no column 'lnad' to use as control. It has: rain, size, income, ",
    ),
    "text": ({"controls": ["name"]}, "The control 'name' is not a number in 728 rows: d00v0 in 2015 ('d00v0'), "),
    "design": ({"controls": "group"}, "'group' is part of the design and cannot be the control."),
    "weight missing": ({"weights": "people"}, "The panel has no column 'people' to use as weight. It has: rain, "),
    "weight of zero": ({"weights": "zero"}, "The weight 'zero' is zero or negative in 728 rows: d00v0 in 2015, "),
    "weight alike": ({"weights": "one"}, "The weight 'one' is the same in every row, so it weighs nothing. Name an"),
    "weighed by itself": ({"weights": "income"}, "The outcome 'income' is also the weight. Name another, or weights="),
    "itself": (
        {"controls": ["rain", "income"]},
        "The outcome 'income' is also a control. Leave it out of the controls.",
    ),
}


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_column_is_refused_when_the_study_is_made(options, message):
    frame = panel().assign(name=lambda one: one["village"], zero=0, one=1)
    with pytest.raises(StudyError) as refusal:
        Study.from_frame(frame, **DESIGN, outcomes=["income"], **options)
    assert str(refusal.value).startswith(message)
