"""Zeros that leave an effect in per cent without a finite answer are named, with what can be answered."""

import re

import numpy as np
import pandas as pd
import pytest

from analysis import Study, StudyError, did, event_study
from analysis.regression.regressors import regressors
from analysis.regression.sample import select_sample
from analysis.regression.separation import separated_rows

YEARS = range(2018, 2025)
START = 2022


def make_panel(seed: int = 5) -> pd.DataFrame:
    """Four treated and six untreated districts of three villages, incomes above zero throughout."""
    draw = np.random.default_rng(seed)
    panel = pd.DataFrame([(v, year) for v in range(30) for year in YEARS], columns=["unit", "year"])
    panel["group"] = "d" + (panel["unit"] // 3).astype(str)
    panel["first_treated"] = np.where(panel["unit"] < 12, START, np.nan)
    panel["y"] = draw.lognormal(2, 1, 30)[panel["unit"]] * draw.lognormal(0, 0.3, len(panel))
    return panel


def zeroed(where: str) -> Study:
    panel = make_panel()
    panel.loc[panel.eval(where), "y"] = 0
    return Study.from_frame(panel, unit="unit", time="year", first_treated="first_treated", group="group")


def answer(study: Study, estimator: str) -> float:
    if estimator == "event_study":
        return event_study(study, "y", scale="poisson").average().value
    return did(study, "y", scale="poisson", estimator=estimator).value


ESTIMATORS = ("two_way", "saturated", "by_group", "event_study")
TREATED, UNTREATED = "first_treated == 2022", "first_treated != 2022"
# Where zeros stand, which estimators have no finite answer, and what the message says of the place.
PATTERNS = {
    "a district before": ("group == 'd1' and year < 2022", "by_group", "1 group (d1) has no value above"),
    "a district in a treated year": ("group == 'd1' and year == 2023", "by_group", "1 group (d1) has no value above"),
    "all treated in the reference year": (
        f"{TREATED} and year == 2021",
        "event_study",
        "no treated village has a value above zero in 2021",
    ),
    "all treated in an earlier year": (
        f"{TREATED} and year == 2019",
        "event_study",
        "no treated village has a value above zero in 2019",
    ),
    "all treated in a treated year": (
        f"{TREATED} and year == 2023",
        "saturated by_group event_study",
        "no treated village has a value above zero in 2023",
    ),
    "all untreated in the reference year": (
        f"{UNTREATED} and year == 2021",
        "event_study",
        "no untreated village has a value above zero in 2021",
    ),
    "all untreated before": (
        f"{UNTREATED} and year < 2022",
        "two_way saturated by_group event_study",
        "no untreated village has a value above zero in 2018 to 2021",
    ),
    "all untreated after": (
        f"{UNTREATED} and year >= 2022",
        "two_way saturated by_group event_study",
        "no untreated village has a value above zero in 2022 to 2024",
    ),
    "all treated before": (
        f"{TREATED} and year < 2022",
        "two_way saturated by_group event_study",
        "no treated village has a value above zero in 2018 to 2021",
    ),
}


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_zeros_without_a_finite_answer_are_named_and_others_are_answered(pattern, estimator):
    where, lost, place = PATTERNS[pattern]
    study = zeroed(where)
    if estimator in lost.split():
        with pytest.raises(StudyError, match=re.escape(f"No effect in per cent exists here: {place}")):
            answer(study, estimator)
    else:
        assert np.isfinite(answer(study, estimator))


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("where", ["unit in (0, 15) and year < 2022", "unit in (0, 15) and year >= 2022"])
def test_villages_that_begin_or_end_with_zeros_are_in_the_effect(where, estimator):
    assert np.isfinite(answer(zeroed(where), estimator))


@pytest.mark.parametrize("starts", [{}, {"d2": 2023, "d3": 2023}])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_year_in_which_no_untreated_village_is_above_zero_is_left_out_as_one_that_is_missing(estimator, starts):
    panel = make_panel().assign(first_treated=lambda p: p["group"].map(starts).fillna(p["first_treated"]))
    where = panel["first_treated"].isna() & panel["year"].isin([2023, *[2019] * (estimator == "event_study")])
    gone, zero = (
        Study.from_frame(
            panel.assign(y=panel["y"].mask(where, value)),
            unit="unit",
            time="year",
            first_treated="first_treated",
            group="group",
        )
        for value in (np.nan, 0.0)
    )
    assert answer(zero, estimator) == pytest.approx(answer(gone, estimator), abs=1e-9)
    verb, options = (event_study, {}) if estimator == "event_study" else (did, {"estimator": estimator})
    result = verb(zero, "y", scale="poisson", **options)
    assert "2023 has no untreated village above zero" in repr(result) + result._repr_markdown_()
    assert result.fitted.sample.dropped == {
        f"{year} has no untreated village above zero": 30 for year in sorted({*panel["year"][where]})
    }


REMEDIES = {
    "a district before": ("by_group", "the other groups, without d1; one effect for all by did"),
    "all treated in the reference year": ("event_study", "the other years, without 2021, against reference=-2"),
    "all untreated in the reference year": ("event_study", "the other years, without 2021, against reference=-2"),
    "all untreated after": ("by_group", 'effects in the outcome\'s own unit, scale="level".'),
}


@pytest.mark.parametrize("pattern", REMEDIES)
def test_the_message_names_what_can_be_answered(pattern):
    estimator, remedies = REMEDIES[pattern]
    with pytest.raises(StudyError, match=re.escape(f"What can be answered: {remedies}")):
        answer(zeroed(PATTERNS[pattern][0]), estimator)


def test_a_reference_year_that_is_zero_for_everyone_is_named_with_another_reference():
    study = zeroed("year == 2021")
    with pytest.raises(StudyError) as refusal:
        event_study(study, "y", scale="poisson")
    assert str(refusal.value) == (
        "No village is observed at the reference event time -1 in 1 start-year cohort: 2022 (2021 left out: 30 (year "
        "zero for every village)). Choose another reference, such as reference=-2, or remove these villages."
    )
    assert np.isfinite(event_study(study, "y", scale="poisson", reference=-2).average().value)


def test_each_named_remedy_answers():
    study = zeroed(PATTERNS["a district before"][0])
    assert np.isfinite(answer(study.subset(study.frame["group"] != "d1"), "by_group"))
    assert np.isfinite(answer(study, "two_way"))
    study = zeroed(PATTERNS["all treated in the reference year"][0])
    others = study.subset(study.frame["time"] != 2021)
    assert np.isfinite(event_study(others, "y", scale="poisson", reference=-2).average().value)


def test_the_programme_marks_exactly_the_zeros_whose_means_vanish():
    sample = select_sample(zeroed("(group == 'd1' and year < 2022) or unit in (20, 21)"), "y", scale="poisson")
    lost = separated_rows(regressors(sample, "group_year"), sample)
    frame = sample.frame
    assert (lost == ((frame["group"] == "d1") & (frame["time"] < START)).to_numpy()).all()
    assert not separated_rows(regressors(sample, "cohort_year"), sample).any()


def test_a_control_that_tells_zeros_apart_is_named_by_their_rows():
    panel = make_panel()
    panel["closed"] = (panel["unit"].isin([13, 17]) & (panel["year"] == 2020)).astype(float)
    panel.loc[panel["closed"] == 1, "y"] = 0
    study = Study.from_frame(panel, unit="unit", time="year", first_treated="first_treated", group="group")
    with pytest.raises(StudyError, match="the controls or cells tell 2 zeros apart from all other values: 13 in 2020"):
        did(study, "y", scale="poisson", controls=["closed"])
