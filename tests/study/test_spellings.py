"""Names that may be one under two spellings are said with the panel, whichever door it came in by."""

import pandas as pd

from analysis import Study
from analysis.study.unit_names import alike_names


def panel(units, groups, strata="t"):
    return pd.DataFrame({"unit": units, "group": groups, "stratum": strata})


def test_a_frame_with_a_code_that_lost_its_zeros_says_so_before_its_rows_are_left_out():
    codes = [f"{number:03}" for number in range(12)]
    frame = pd.DataFrame([(code, year) for code in codes for year in range(2015, 2021)], columns=["v", "year"])
    frame["start"] = frame["v"].where(frame["v"] < "005").notna().map({True: 2018.0})
    frame["y"] = range(len(frame))
    late = (frame["v"] == "002") & frame["year"].isin([2018, 2020])
    frame["v"] = frame["v"].mask(late, "2")
    study = Study.from_frame(frame, unit="v", time="year", first_treated="start")
    assert "2" not in study.units.index
    assert [said for said in study.reading if said.startswith("LOOK")] == [
        "LOOK: 1 unit may stand under several names: 002 / 2. Each spelling makes a unit of its own: keep one of them."
    ]


def test_units_that_are_their_own_groups_are_named_once():
    frame = panel(["2", "002"], ["2", "002"])
    assert len(alike_names(frame)) == 1


def test_groups_are_compared_though_their_names_are_also_units():
    frame = panel(["1", "2", "3"], ["1", "01", "01"])
    assert [said.split(". ")[0] for said in alike_names(frame)] == [
        "LOOK: 1 group may stand under several names: 1 / 01"
    ]


def test_the_same_name_with_another_ending_in_another_town_is_another_village():
    assert alike_names(panel(["甲村", "甲"], "g", ["东镇", "西镇"])) == []
    assert len(alike_names(panel(["甲村", "甲"], "g", ["东镇", "东"]))) == 2


def test_numbers_and_digits_of_one_length_are_not_compared():
    assert alike_names(panel([1, 10, 100], ["01", "10", "11"])) == []
