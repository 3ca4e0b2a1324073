"""When treatment begins, as researchers code it: first years, 0 and 1 by row or unit, values for never treated."""

import numpy as np
import pandas as pd
import pytest

from analysis import Study, StudyError, did

YEARS = range(2015, 2022)
STARTS = {"a": 2018, "b": 2018, "c": 2019, "d": 2020}


def make_panel(starts: dict[str, int] | None = None) -> pd.DataFrame:
    """Eight villages in seven years, four of them treated, with the same treatment coded in several columns."""
    panel = pd.DataFrame([(unit, year) for unit in "abcdefgh" for year in YEARS], columns=["v", "year"])
    panel["start"] = panel["v"].map(starts or STARTS)
    panel["did"] = (panel["start"] <= panel["year"]).astype(int)
    panel["treat"] = panel["start"].notna().astype(int)
    panel["y"] = np.random.default_rng(7).normal(10, 1, len(panel)) + 3 * panel["did"]
    return panel


def study(panel: pd.DataFrame, **options: object) -> Study:
    return Study.from_frame(panel, unit="v", time="year", outcomes=["y"], **options)


@pytest.mark.parametrize(
    "rewrite",
    [
        int,
        float,
        bool,
        lambda one: "是" if one else "否",
        lambda one: str(bool(one)).upper(),
        str,
        lambda one: f"{one}.0",
    ],
)
def test_an_indicator_by_row_gives_the_first_treated_years(rewrite):
    panel = make_panel()
    by_row = study(panel.assign(did=panel["did"].map(rewrite)).sample(frac=1, random_state=2), treated="did")
    by_year = study(panel, first_treated="start")
    assert by_row.units["first_treated"].to_dict() == by_year.units["first_treated"].to_dict()
    assert did(by_row, "y").value == did(by_year, "y").value


def test_an_indicator_by_unit_takes_its_year_from_start():
    panel = make_panel(dict.fromkeys("abcd", 2018))
    by_unit = study(panel, treated="treat", start=2018)
    assert did(by_unit, "y").value == did(study(panel, first_treated="start"), "y").value


def test_values_can_stand_for_never_treated():
    panel = make_panel()
    coded = panel.assign(start=panel["start"].fillna(9999).mask(panel["v"] == "h", 0))
    found = study(coded, first_treated="start", never=[0, 9999])
    assert did(found, "y").value == did(study(panel, first_treated="start"), "y").value
    assert found.reading == ("'start': 28 rows with 9999, 0 read as never treated.",)


@pytest.mark.parametrize("mark", [np.inf, 10_000, -1, "never", "9999"])
def test_a_mark_of_any_kind_can_stand_for_never_treated(mark):
    panel = make_panel()
    coded = panel.assign(start=panel["start"].astype(object).fillna(mark))
    found = study(coded, first_treated="start", never=[mark])
    assert found.units["first_treated"].isna().sum() == 4


def test_units_treated_in_all_their_years_are_left_out_and_named():
    panel = make_panel(STARTS | {"d": 1995})
    for options in ({"first_treated": "start"}, {"treated": "did"}):
        found = study(panel, **options)
        assert found.reading == (
            "1 unit left out, treated in all years seen (d; 7 rows): nothing shows what they were like before.",
        )
        without = panel[panel["v"] != "d"]
        assert did(found, "y").value == did(study(without, **options), "y").value


def test_a_part_of_the_years_can_be_taken():
    panel = make_panel()
    found = study(panel, first_treated="start", years=(2016, 2019))
    part = panel[panel["year"].between(2016, 2019)]
    assert (
        did(found, "y").value
        == did(study(part.assign(start=part["start"].where(part["v"] != "d")), first_treated="start"), "y").value
    )
    assert found.reading == (
        "Years 2016 to 2019 taken; 24 rows of other years left out.",
        "1 unit treated after 2019 taken as untreated: d.",
    )
    assert did(study(panel, treated="did", years=(2016, 2019)), "y").value == did(found, "y").value


def test_a_start_in_a_gap_is_pointed_out():
    panel = make_panel()
    panel = panel[(panel["v"] != "a") | (panel["year"] != 2017)]
    assert study(panel, treated="did").reading == (
        "LOOK: 1 unit without a row in the year before treatment is first seen: a. That year counts as the first; if "
        "treatment began before, name a column of first treated years.",
    )


def switched_off(panel: pd.DataFrame) -> pd.DataFrame:
    return panel.assign(did=panel["did"].mask((panel["v"] == "a") & (panel["year"] >= 2020), 0))


REFUSED = {
    "an indicator as a year": (
        lambda p: p,
        {"first_treated": "did"},
        "'did' (first_treated) holds only 0 and 1: it is an indicator of treatment, not a first year. Write "
        'treated = "did" in the place of first_treated, and, if it is 1 in all years of treated units, also '
        "start = 2018 (the first treated year).",
    ),
    "treatment that ends": (
        switched_off,
        {"treated": "did"},
        "'did' (treated) goes back to 0 in 1 place: a in 2020. Treatment that ends is not covered: effects may last. "
        "Leave out the years from then on, or these units (leave_out = [...]), or name as first_treated a column with "
        "the year in which treatment first began.",
    ),
    "who without when": (
        lambda p: p,
        {"treated": "treat"},
        "'treat' (treated) is 1 in all years of 4 units and 0 in all years of the others: it says who is treated, not "
        "when. Write start = 2018 (the first treated year), or name a column of first treated years as first_treated.",
    ),
    "when said twice": (
        lambda p: p,
        {"treated": "did", "start": 2018},
        "start = 2018 is given, but 'did' (treated) changes by itself in 4 units: a, b, c, .... Leave start out: the "
        "column says when treatment begins.",
    ),
    "doses": (
        lambda p: p.assign(did=p["did"] * 0.3),
        {"treated": "did"},
        "'did' (treated) is neither 0 nor 1 in 13 rows: a in 2018 (0.3), a in 2019 (0.3), a in 2020 (0.3), .... Write "
        "0 or 1 in every row; how strong a treatment was cannot be used.",
    ),
    "nobody treated": (
        lambda p: p.assign(did=0),
        {"treated": "did"},
        "No unit is treated: the first treated year is empty everywhere. Fill it in where treated.",
    ),
    "no column": (
        lambda p: p,
        {},
        "Name one column that says when treatment begins: first_treated (the first treated year of each unit), or "
        "treated (0 and 1). None is named.",
    ),
    "two columns": (
        lambda p: p,
        {"treated": "did", "first_treated": "start"},
        "Name one column that says when treatment begins: first_treated (the first treated year of each unit), or "
        "treated (0 and 1). Both are named.",
    ),
    "start beside first years": (
        lambda p: p,
        {"first_treated": "start", "start": 2018},
        "start goes with treated (0 and 1); first_treated says when by itself. Leave start out.",
    ),
    "a bare value for never": (
        lambda p: p,
        {"first_treated": "start", "never": 0},
        "never lists what stands for never treated in first_treated, such as never = [0, 9999].",
    ),
    "years that are no span": (
        lambda p: p,
        {"first_treated": "start", "years": [2019]},
        "years must be the first and the last year to take, such as [2010, 2019], not [2019].",
    ),
    "years without rows": (
        lambda p: p,
        {"first_treated": "start", "years": [1954, 1961]},
        "The panel has no row from 1954 to 1961. It runs from 2015 to 2021.",
    ),
    "left out, but not there": (
        lambda p: p,
        {"first_treated": "start", "leave_out": ["a", "z"]},
        "leave_out names 1 unit not in the panel: z. Correct it.",
    ),
    "left out without a list": (
        lambda p: p,
        {"first_treated": "start", "leave_out": "a"},
        'leave_out must be a list of units. Write leave_out = ["a"].',
    ),
}


@pytest.mark.parametrize(("spoil", "options", "message"), REFUSED.values(), ids=REFUSED)
def test_refusal_says_what_where_and_what_to_do(spoil, options, message):
    with pytest.raises(StudyError) as refusal:
        study(spoil(make_panel()), **options)
    assert str(refusal.value) == message


def test_units_can_be_left_out_by_name():
    panel = make_panel()
    found = study(panel, first_treated="start", leave_out=["h"])
    assert found.reading == ("1 unit left out as asked: h (7 rows).",)
    assert did(found, "y").value == did(study(panel[panel["v"] != "h"], first_treated="start"), "y").value


def test_codes_that_change_when_treatment_begins_are_pointed_out():
    panel = make_panel()
    new = panel["v"].isin(["a", "b"]) & (panel["year"] >= 2018)
    found = study(panel.assign(v=panel["v"].mask(new, panel["v"] + "区")), first_treated="start")
    assert found.reading[-1] == (
        "LOOK: 2 units end in 2017 (a, b) as 2 others begin in 2018 (a区, b区). If a code or name changed (as when a "
        "county becomes a district, 撤县设区), give the unit one code in all its years: as it stands, it is two units, "
        "neither seen before and after."
    )
