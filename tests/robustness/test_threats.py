"""Starts that never were, exposure by year, and reports moved over a threshold, each on data with a known answer."""

import dataclasses
from math import comb

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from analysis import Study, StudyError, did, event_study
from analysis.robustness.bunching import bunching
from analysis.robustness.exposure import exposure_by_year
from analysis.robustness.other_starts import MOST_SPLITS, other_starts
from analysis.robustness.placebo_starts import false_starts, placebo_starts

# Sums of the same numbers in another order.
ROUNDING = 1e-9


def panel(years: range = range(2017, 2024), start: int = 2022) -> pd.DataFrame:
    """Eight groups of two villages, three treated; a trend of three a year inside, nothing else."""
    index = pd.MultiIndex.from_product([range(8), range(2), years], names=["group", "village", "year"])
    frame = index.to_frame(index=False)
    frame["village"] += 2 * frame["group"]
    frame["start"] = np.where(frame["group"] < 3, start, np.nan)
    frame["income"] = 100.0 + 10 * frame["village"] + 3 * (frame["year"] - 2017) * (frame["group"] < 3)
    frame["income"] += np.random.default_rng(1).normal(scale=1e-6, size=len(frame))
    return frame


def study_of(frame: pd.DataFrame) -> Study:
    return Study.from_frame(frame, unit="village", time="year", first_treated="start", group="group")


def test_a_trend_shows_as_an_effect_of_every_false_start():
    # Before 2022 there are five years; a start in year k splits them into k and 5 - k, whose midpoints always lie
    # two and a half years apart, so that a trend of three a year looks like 7.5.
    false = placebo_starts(study_of(panel()), "income")
    assert false.index.tolist() == [2018, 2019, 2020, 2021]
    assert false["estimate"].to_numpy() == pytest.approx(7.5, abs=1e-5)
    assert (false["villages"] == 16).all()


@pytest.mark.parametrize(("sign", "said"), [(1, "high"), (-1, "low")])
def test_false_starts_of_one_sign_say_which_way_a_trend_moves_the_effect(sign, said):
    # Against the last year before, a start in 2018 has four years of the trend behind it, on average 2.5 years away.
    frame = panel()
    found = false_starts(study_of(frame.assign(income=1000 + sign * frame["income"])), "income").found
    size = "7.500 to 7.500" if sign > 0 else "−7.500 to −7.500"
    last = "3.000 to 7.500" if sign > 0 else "−7.500 to −3.000"
    assert f"They are {size} against all years before each, and not independent" in found
    assert f"Against the last year before each they are {last}. A trend that goes on" in found
    assert found.endswith(f"too {said}.")


def test_a_gap_that_fell_and_rose_again_shows_no_trend():
    # Inside 30 more in 2017 than in 2018 and 2019, then 10 and 12: below all years before, above the last one.
    frame = panel()
    path = frame["year"].map({2017: 60, 2018: 0, 2019: 0, 2020: 10, 2021: 12, 2022: 0, 2023: 0})
    trend = 3 * (frame["year"] - 2017)
    found = false_starts(
        study_of(frame.assign(income=frame["income"] + (path - trend) * (frame["group"] < 3))), "income"
    )
    false = placebo_starts(
        study_of(frame.assign(income=frame["income"] + (path - trend) * (frame["group"] < 3))), "income"
    )
    assert (false["estimate"] < 0).all()
    assert false["against_last_year"].to_numpy() == pytest.approx([-54.5, 22 / 3, 11, 2], abs=1e-4)
    assert "Their signs differ, so they show no single trend; as given" in found.found


def test_a_trend_that_goes_on_is_carried_to_both_baselines():
    # The only thing that moves is a trend of three a year inside, so that both effects are that trend.
    study = study_of(panel())
    together = event_study(study, "income").pretrend()
    last, whole = (together.slope.value * years for years in together.reach)
    assert last == pytest.approx(event_study(study, "income").average().value, abs=1e-5)
    assert whole == pytest.approx(did(study, "income").value, abs=1e-5)
    said = "Carried on as a straight line, that trend alone would move the effect by about 4.500 against the reference "
    assert f"{said}year, and by 10.5 against all years before." in repr(together)
    falling = event_study(study_of(panel().assign(income=lambda p: -p["income"])), "income").pretrend()
    assert "move the effect by about −4.500 against the reference year, and by −10.5 against" in repr(falling)


def test_years_under_treatment_do_not_reach_false_starts():
    frame = panel()
    changed = frame.assign(income=frame["income"] + 1000 * (frame["year"] >= 2022) * (frame["group"] < 3))
    pd.testing.assert_frame_equal(
        placebo_starts(study_of(frame), "income"), placebo_starts(study_of(changed), "income")
    )


def test_a_false_start_is_a_did_on_the_years_before():
    frame = panel().query("year < 2022")
    by_hand = did(study_of(frame.assign(start=np.where(frame["group"] < 3, 2020, np.nan))), "income")
    false = placebo_starts(study_of(panel()), "income").loc[2020]
    assert false["estimate"] == pytest.approx(by_hand.value, rel=ROUNDING)
    assert false["p_value"] == pytest.approx(by_hand.headline()["p_value"], rel=ROUNDING)


def test_years_before_without_the_outcome_leave_the_other_false_starts():
    unknown = panel().assign(income=lambda p: p["income"].where(p["year"] != 2021))
    false = placebo_starts(study_of(unknown), "income")
    short = placebo_starts(study_of(panel().query("year != 2021")), "income")
    pd.testing.assert_frame_equal(false, short)
    assert false.index.tolist() == [2018, 2019, 2020]


def test_one_year_before_leaves_no_false_start():
    with pytest.raises(
        StudyError, match=r"^'income' is known in 1 year before the first start \(2018\), so no earlier start"
    ):
        placebo_starts(study_of(panel(start=2018)), "income")


def test_exposure_takes_up_a_shock_of_the_exposed():
    # Visits are half as high inside; in 2023 every visit adds one to income, which is no effect of treatment.
    frame = panel()
    frame["income"] -= 3 * (frame["year"] - 2017) * (frame["group"] < 3)
    frame["visits"] = np.random.default_rng(2).uniform(1, 100, 16)[frame["village"]] / (1 + (frame["group"] < 3))
    frame["income"] += frame["visits"] * (frame["year"] == 2023)
    study = study_of(frame)
    assert abs(did(study, "income").value) > 1
    exposed, controls = exposure_by_year(study, "visits")
    assert controls == ["visits before 2022"]
    assert did(exposed, "income", controls=controls).value == pytest.approx(0, abs=1e-5)


def test_exposure_joins_the_studys_own_controls():
    frame = panel()
    frame["visits"], frame["height"] = frame["village"] % 5, frame["village"] ** 2
    own = dataclasses.replace(study_of(frame), controls=("height",))
    assert exposure_by_year(own, "visits")[1] == ["height", "visits before 2022"]


def test_villages_without_exposure_are_counted():
    frame = panel()
    frame["visits"] = np.where(frame["village"] == 15, np.nan, frame["village"] % 5)
    exposed, controls = exposure_by_year(study_of(frame), "visits")
    assert did(exposed, "income", controls=controls).dropped == 7


def test_reports_about_a_threshold_are_counted_on_their_side():
    # Inside: six villages of 2017 to 2023, start 2022, at 101, but one report of 99 in the first year.
    frame = panel()
    inside = frame["group"] < 3
    frame["income"] = np.where(inside, 101.0, 94.0)
    frame.loc[inside.idxmax(), "income"] = 99.0
    found = bunching(study_of(frame), "income", [100, 1000])
    assert found.loc[(100, "inside", "before"), ["below", "above"]].tolist() == [1, 29]
    assert found.loc[(100, "inside", "before"), "p_value"] == pytest.approx(binom.sf(28, 30, 0.5), rel=ROUNDING)
    assert found.loc[(100, "inside", "after"), ["below", "above"]].tolist() == [0, 12]
    assert np.isnan(found.loc[(100, "inside", "after"), "p_value"]), "12 reports are too few for a test"
    assert found.loc[(100, "outside"), ["below", "above"]].to_numpy().sum() == 0
    assert found.loc[1000, ["share_above", "p_value"]].isna().all(axis=None)


def test_a_report_on_the_threshold_is_above_it():
    frame = panel().assign(income=100.0)
    assert bunching(study_of(frame), "income", [100]).loc[(100, "outside"), "above"].sum() == 70


def test_other_starts_are_those_that_were_set():
    # A trend of three a year inside; a start in year k splits 2017 to 2023 so that midpoints lie 3.5 years apart.
    frame = panel()
    starts = other_starts(study_of(frame), "income")
    assert starts["kind"].value_counts().to_dict() == {"some later": 3, "all moved": 2, "as given": 1}
    assert starts["estimate"].drop(starts.query("kind == 'some later'").index).to_numpy() == pytest.approx(
        10.5, abs=1e-5
    )
    earlier = study_of(frame.assign(start=frame["start"] - 1))
    assert starts.loc["1 year earlier", "against_last_year"] == pytest.approx(
        event_study(earlier, "income").average().value, rel=ROUNDING
    )
    one_later = frame.assign(start=frame["start"] + (frame["group"] == 2))
    assert starts.loc["2 1 year later", "estimate"] == pytest.approx(
        did(study_of(one_later), "income").value, rel=ROUNDING
    )


def test_a_start_between_two_years_of_the_panel_is_that_of_the_later_one():
    frame = panel(years=range(2012, 2026, 2), start=2021)
    starts = other_starts(study_of(frame), "income")
    assert starts["against_last_year"].notna().all()
    moved = starts.loc[["as given", "2 years earlier", "2 years later"]]
    on_a_year = other_starts(study_of(frame.assign(start=frame["start"] + 1)), "income").loc[moved.index]
    pd.testing.assert_frame_equal(moved, on_a_year)


def test_unequal_steps_are_steps_of_the_panel():
    frame = panel(years=range(2015, 2024)).query("year not in (2016, 2018)")
    starts = other_starts(study_of(frame.assign(start=frame["start"] - 3)), "income")
    earlier = did(study_of(frame.assign(start=frame["start"] - 5)), "income")
    assert starts.loc["1 panel year earlier", "estimate"] == pytest.approx(earlier.value, rel=ROUNDING)


def test_a_group_alone_in_its_start_year_costs_no_interval_where_it_carries_less_than_half():
    starts = other_starts(study_of(panel()), "income")
    alone = starts.loc["2 1 year later"]
    assert alone["low"] < alone["estimate"] < alone["high"]
    assert alone["note"] == ""


def test_an_exposure_that_nobody_differs_in_is_refused():
    same = panel().assign(visits=7.0)
    with pytest.raises(StudyError, match=r"^'visits' is the same in all villages before 2022, so nobody is more"):
        exposure_by_year(study_of(same), "visits")
    late = same.assign(visits=same["visits"].where(same["year"] >= 2022))
    with pytest.raises(StudyError, match=r"^'visits' is not known in any village before 2022"):
        exposure_by_year(study_of(late), "visits")


def test_starts_that_leave_no_year_say_so():
    starts = other_starts(study_of(panel(start=2018)), "income")
    assert np.isnan(starts.loc["1 year earlier", "estimate"])
    assert starts.loc["1 year earlier", "note"].startswith("No year before treatment for 6 units")
    assert starts.drop(index="1 year earlier")["estimate"].notna().all()


def test_very_many_ways_to_start_later_are_drawn_the_same_each_time(monkeypatch):
    assert comb(10, 5) == MOST_SPLITS, "as many as ten districts have"
    monkeypatch.setitem(other_starts.__wrapped__.__globals__, "MOST_SPLITS", 12)
    index = pd.MultiIndex.from_product([range(30), range(2019, 2024)], names=["village", "year"])
    frame = index.to_frame(index=False)
    frame["start"] = np.where(frame["village"] < 12, 2021, np.nan)
    frame["income"] = np.random.default_rng(4).normal(size=len(frame))
    many = Study.from_frame(frame, unit="village", time="year", first_treated="start")
    starts = other_starts(many, "income")
    assert 9 < (starts["kind"] == "some later").sum() <= 12
    monkeypatch.setitem(other_starts.__wrapped__.__globals__, "MANY_GROUPS", 11)
    monkeypatch.setitem(other_starts.__wrapped__.__globals__, "FEW_SPLITS", 2)
    few = other_starts(many, "income")
    assert few.index[few["kind"] == "some later"].tolist() == [f"draw {n}: 6 groups 1 year later" for n in (1, 2)]
    with pytest.warns(FutureWarning, match=r"^other_starts\(\) takes seed= until version 0\.3 only\. It no longer"):
        pd.testing.assert_frame_equal(few, other_starts(many, "income", seed=7))
