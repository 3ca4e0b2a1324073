"""An effect in per cent without the village that carries it, and for a typical one: two years, by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import Outcome, Study, StudyError, event_study
from analysis.robustness.check import in_short
from analysis.robustness.dominance import dominance, rich_village
from analysis.robustness.placebo_starts import placebo_starts
from analysis.study.outcome import effect_in_words

START = 2022
TREATED = {"t1": (50.0, 70.0), "t2": (12.0, 16.0), "t3": (10.0, 14.0), "t4": (13.0, 15.0)}
"""Before and after; of 200 in both years t1 has 120."""
UNTREATED = {f"u{number}": (usual, 1.2 * usual) for number, usual in enumerate((20.0, 22.0, 24.0, 26.0, 28.0, 30.0))}
"""All grow by a fifth, and none has a quarter of the total."""
# A Poisson fit stops at relative changes of about 1e-10.
BY_HAND = 1e-7


def make_study(villages: dict[str, tuple[float, float]], scale: str | None = None) -> Study:
    rows = [(name, START - 1 + at, value) for name, both in villages.items() for at, value in enumerate(both)]
    panel = pd.DataFrame(rows, columns=["village", "year", "income"])
    panel["start"] = panel["village"].str.startswith("t").map({True: START, False: np.nan})
    outcomes = {"income": Outcome("income", unit="CNY", scale=scale)}
    return Study.from_frame(
        panel, unit="village", time="year", first_treated="start", group="village", outcomes=outcomes
    )


def percents(study: Study) -> dict[str, float]:
    return {name: one.percent for name, one in dominance(study, "income").items()}


def test_a_village_with_sixty_per_cent_is_named_and_left_out():
    found = percents(make_study(TREATED | UNTREATED))
    assert found == {
        "all villages": pytest.approx(100 * (115 / 85 / 1.2 - 1), abs=BY_HAND),
        "without t1, 60 % of the treated total": pytest.approx(100 * (45 / 35 / 1.2 - 1), abs=BY_HAND),
        # Each village's own growth counts alike: +40, +33, +40 and +15 %.
        "a typical village": pytest.approx(100 * ((70 / 50 + 16 / 12 + 14 / 10 + 15 / 13) / 4 / 1.2 - 1), abs=BY_HAND),
    }


def test_an_untreated_village_is_left_out_too():
    found = percents(make_study(TREATED | UNTREATED | {"u9": (150.0, 150.0)}))
    assert list(found) == [
        "all villages",
        "without t1, 60 % of the treated total",
        "without u9, 48 % of the untreated total",
        "a typical village",
    ]
    assert found["without u9, 48 % of the untreated total"] == pytest.approx(100 * (115 / 85 / 1.2 - 1), abs=BY_HAND)


@pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")
def test_a_part_without_an_answer_is_a_row_with_its_reason():
    study = make_study({"t1": (50.0, 70.0)} | UNTREATED)
    found = dominance(study, "income")
    alone, typical = found["without t1, 100 % of the treated total"], found["a typical village"]
    assert isinstance(alone, StudyError)
    assert str(alone).startswith("No unit is treated: ")
    assert typical.percent == pytest.approx(100 * (70 / 50 / 1.2 - 1), abs=BY_HAND)
    check = rich_village(study, "income")
    assert not check.refused
    assert check.tables[0].frame.loc["without t1, 100 % of the treated total", "note"] == str(alone)


def test_where_no_village_has_a_quarter_none_is_left_out():
    alike = {f"t{number}": (20.0, 25.0) for number in range(5)}
    found = percents(make_study(alike | UNTREATED))
    assert list(found) == ["all villages", "a typical village"]
    assert found["a typical village"] == pytest.approx(found["all villages"], abs=BY_HAND)


def test_villages_at_zero_before_are_left_out_of_the_typical_one_and_counted():
    plain, entered = (dominance(make_study(more | UNTREATED), "income") for more in (TREATED, TREATED | {"t5": (0, 9)}))
    assert entered["all villages"].percent == pytest.approx(100 * (124 / 85 / 1.2 - 1), abs=BY_HAND)
    assert entered["a typical village"].percent == pytest.approx(plain["a typical village"].percent, abs=BY_HAND)
    assert (plain["a typical village"].dropped, entered["a typical village"].dropped) == (0, 2)
    assert entered["all villages"].dropped == 0


def test_the_typical_village_is_weighted_by_its_own_mean_whatever_the_study_weighs_by():
    plain = make_study(TREATED | UNTREATED)
    people = plain.frame["unit"].map({"t1": 40.0}).fillna(1.0)
    weighted = replace(plain, frame=plain.frame.assign(people=people), weights="people")
    found, want = (dominance(study, "income") for study in (weighted, plain))
    assert found["all villages"].value != pytest.approx(want["all villages"].value, abs=0.01)
    assert found["a typical village"].value == want["a typical village"].value


@pytest.mark.parametrize("scale", ["level", "log"])
def test_other_scales_are_refused(scale):
    with pytest.raises(StudyError) as refusal:
        dominance(make_study(TREATED | UNTREATED, scale), "income")
    assert str(refusal.value) == (
        f"'income' is analysed with scale = \"{scale}\"; how much of the effect one village carries is told for "
        'scale = "poisson" alone. Leave out the largest villages with study.subset.'
    )


def test_the_trend_before_is_said_without_the_village_that_makes_it():
    # Villages move by one per mille at random; the largest alone loses a tenth a year before the start.
    random, years = np.random.default_rng(6), range(START - 4, START + 2)
    sizes = {"t1": 60.0} | {f"t{k}": 10.0 for k in range(2, 6)} | {f"u{k}": 20.0 for k in range(12)}
    rows = [
        (name, year, size * random.lognormal(0, 0.001) * (0.9 ** (year - START) if name == "t1" else 1))
        for name, size in sizes.items()
        for year in years
    ]
    panel = pd.DataFrame(rows, columns=["village", "year", "income"])
    panel["start"] = panel["village"].str.startswith("t").map({True: START, False: np.nan})
    names = {"unit": "village", "time": "year", "first_treated": "start", "group": "village"}
    study = Study.from_frame(panel, **names, outcomes={"income": Outcome("income", unit="CNY")})
    rest = study.subset(study.frame["unit"] != "t1")
    slope, whole = (in_short(event_study(one, "income").pretrend().slope) for one in (rest, study))
    ends = placebo_starts(rest, "income")["estimate"].agg(["min", "max"])
    false = " to ".join(effect_in_words("log points", end) for end in ends)
    found = rich_village(study, "income").found
    said = f"Without t1 the gap moved by {slope} a year before the start, with it by {whole}; false starts give "
    assert said in found
    assert abs(event_study(rest, "income").pretrend().slope.percent) < 0.1
    assert f"false starts give {false}, with it −13.2 % to −13.1 %." in found
