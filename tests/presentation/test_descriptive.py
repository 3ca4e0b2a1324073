"""Sentences of page 02: whether inside and outside were alike before."""

import pandas as pd
import pytest

from analysis import Outcome, Study
from analysis.presentation.descriptive import alike_before, nearby

YEARS, START = range(2018, 2023), 2021


def study(growth_inside: float, **described: object) -> Study:
    """Three villages inside, 300 before, that grow by so much a year, and six outside, 100 before, that grow by 10."""
    rows = []
    for number in range(9):
        inside = number < 3
        start, growth = (300, growth_inside) if inside else (100, 10)
        for year in YEARS:
            value = start + number + (growth + number % 3) * (year - YEARS[0])
            rows.append((f"v{number}", f"g{number}", START if inside else None, year, value))
    panel = pd.DataFrame(rows, columns=["village", "place", "start", "year", "income"])
    outcomes = {"income": Outcome("income", **{"unit": "CNY", "scale": "level"} | described)}
    return Study.from_frame(panel, unit="village", time="year", first_treated="start", group="place", outcomes=outcomes)


@pytest.mark.parametrize(
    ("growth", "verdict"),
    [
        (10, "Yearly changes were alike (11 CNY inside, 11 CNY outside); a gap in level does no harm."),
        (20, "The gap in yearly change (21 CNY inside, 11 CNY outside) is large, and a difference-in-differences does"),
    ],
)
def test_the_yearly_changes_are_said_and_whether_they_were_alike(growth, verdict):
    assert verdict in repr(alike_before(study(growth), "income"))


def test_changes_of_money_are_in_per_cent():
    said = repr(alike_before(study(20, scale="poisson"), "income"))
    assert "% inside, " in said
    assert "CNY" not in said


def test_a_stratum_is_explained_where_it_is_first_said():
    panel = (
        study(10)
        .frame.drop(columns="stratum")
        .rename(columns={"unit": "village", "time": "year", "first_treated": "start"})
    )
    panel["town"] = panel["village"].isin(["v0", "v3"]).map({True: "a", False: "b"})
    panel.loc[panel["village"] == "v8", "town"] = "c"
    own = Study.from_frame(
        panel, unit="village", time="year", first_treated="start", group="group", stratum="town", outcomes=["income"]
    )
    assert "5 of 6 outside share a stratum with them (an area within which groups were chosen" in repr(nearby(own))
