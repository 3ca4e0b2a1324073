"""Rows of totals and means are refused by name; units that merely resemble them are not."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis import Study, StudyError, did
from analysis.study import rows_of_totals
from analysis.study.rows_of_totals import refuse_totals

YEARS = range(2012, 2022)


def make_panel(towns: int = 5, per: int = 8, decimals: int = 2, seed: int = 3) -> pd.DataFrame:
    """Villages in towns over ten years, two of each town treated from 2017, but for the last town."""
    random = np.random.default_rng(seed)
    panel = pd.DataFrame(
        [(f"t{town}", f"t{town}v{one}", year) for town in range(towns) for one in range(per) for year in YEARS],
        columns=["town", "v", "year"],
    )
    treated = panel["v"].str[-1].isin(["0", "1"]) & (panel["town"] != f"t{towns - 1}")
    panel["start"] = pd.Series(2017.0, panel.index).where(treated)
    level = panel["v"].map({name: random.uniform(40, 80) for name in panel["v"].unique()})
    panel["y"] = (
        level + 2 * (panel["year"] - 2012) + random.normal(0, 2, len(panel)) + 5 * (panel["start"] <= panel["year"])
    )
    return panel.round({"y": decimals})


def row(panel: pd.DataFrame, name: str, how: str, town: str = "region", **options: object) -> pd.DataFrame:
    """One more unit: the sum or mean of a panel's rows in each year."""
    made = panel.groupby("year", as_index=False)["y"].agg(how)
    return made.assign(v=name, town=town, start=np.nan, **options)


def study(panel: pd.DataFrame, stratum: str | None = "town", **options: object) -> Study:
    names = {"unit": "v", "time": "year", "first_treated": "start", "stratum": stratum, "outcomes": ["y"]}
    return Study.from_frame(panel, **names, **options)


ADDED: dict[str, tuple[Callable[[pd.DataFrame], list[pd.DataFrame]], list[str]]] = {
    "a total": (lambda p: [row(p, "清河市", "sum")], ["清河市"]),
    "a mean": (lambda p: [row(p, "Qinghe", "mean")], ["Qinghe"]),
    "a mean of fewer digits": (lambda p: [row(p, "Qinghe", "mean").round({"y": 1})], ["Qinghe"]),
    "a total of fewer digits": (lambda p: [row(p, "Qinghe", "sum").round({"y": 0})], ["Qinghe"]),
    "a total known in most years": (lambda p: [row(p, "Qinghe", "sum").iloc[:6]], ["Qinghe"]),
    "a total and a mean": (lambda p: [row(p, "all", "sum"), row(p, "each", "mean")], ["all", "each"]),
    "towns' totals": (
        lambda p: [row(some, town, "sum", town) for town, some in p.groupby("town")],
        ["t0", "t1", "t2", "t3", "t4"],
    ),
    "towns' totals and the region's": (
        lambda p: [row(p, "all", "sum"), *(row(some, town, "sum", town) for town, some in p.groupby("town"))],
        ["t0", "t1", "t2", "t3", "t4", "all"],
    ),
}


@pytest.mark.parametrize(("add", "names"), ADDED.values(), ids=ADDED)
def test_rows_of_totals_and_means_are_refused_with_the_line_to_write(add, names):
    panel = make_panel()
    more = pd.concat([panel, *add(panel)], ignore_index=True)
    with pytest.raises(StudyError) as refusal:
        study(more)
    line = ", ".join(f'"{name}"' for name in names)
    assert set(str(refusal.value).split("write leave_out = [")[1].removesuffix("].").split(", ")) == set(
        line.split(", ")
    )
    kept = study(more, leave_out=names)
    assert did(kept, "y").value == did(study(panel), "y").value
    assert kept.reading[0].startswith(f"{len(names)} unit{'s' * (len(names) > 1)} left out as asked: ")


def test_totals_of_groups_are_refused_as_those_of_strata_are():
    panel = make_panel()
    totals = [row(some, f"{town} in all", "sum", town) for town, some in panel.groupby("town")]
    frame = pd.concat([panel.assign(start=panel["town"].map({"t0": 2017.0, "t1": 2017.0})), *totals])
    with pytest.raises(StudyError, match=r"^5 units .*: t0 in all is the sum of the others of its group, "):
        study(frame, stratum=None, group="town")


@pytest.mark.parametrize("add", [ADDED["a total"], ADDED["a mean"]], ids=["total", "mean"])
def test_no_stratum_is_needed(add):
    panel = make_panel()
    with pytest.raises(StudyError, match=r"is the (sum|mean) of all others"):
        study(pd.concat([panel, *add[0](panel)], ignore_index=True), stratum=None)


def innocent(make: Callable[[pd.DataFrame], object]) -> pd.DataFrame:
    panel = make_panel()
    return panel.assign(y=make(panel))


def two_alike(panel: pd.DataFrame) -> pd.Series:
    """In a town of two, one village equals the other; in another all but two have nothing."""
    values = panel.set_index(["v", "year"])["y"].copy()
    values.loc["t0v1"] = values.loc["t0v0"].to_numpy()
    values.loc[[f"t1v{one}" for one in range(2, 8)]] = 0.0
    values.loc["t1v1"] = values.loc["t1v0"].to_numpy()
    return values.to_numpy()


def number(panel: pd.DataFrame) -> pd.Series:
    return panel.groupby("v").ngroup()


INNOCENT = {
    "as drawn": lambda p: p["y"],
    "constant": lambda p: 5.0,
    "constant in each village": lambda p: number(p) % 8 * 10.0,
    "parallel and whole": lambda p: number(p) % 9 * 50 + p["year"],
    "small whole numbers": lambda p: np.random.default_rng(1).integers(0, 4, len(p)),
    "nearly all zero": lambda p: (np.random.default_rng(1).random(len(p)) < 0.05) * 7,
    "alike": two_alike,
    "losses and gains": lambda p: np.random.default_rng(1).normal(0, 1, len(p)),
    "one with half of everything": lambda p: p["y"].where(p["v"] != "t0v0", p["y"] * 39 + p["year"] % 3 * 30),
    "in logs": lambda p: np.log(p["y"]),
}


@pytest.mark.parametrize("make", INNOCENT.values(), ids=INNOCENT)
def test_units_that_are_no_totals_are_kept(make):
    assert len(study(innocent(make)).units) == 40


def test_a_town_of_two_that_are_alike_is_kept():
    panel = make_panel(per=2)
    panel["y"] = panel.groupby(["town", "year"])["y"].transform("first")
    panel["start"] = panel["start"].where(panel["town"] < "t3")
    assert len(study(panel).units) == 10


def test_no_drawn_panel_is_refused():
    random = np.random.default_rng(11)
    for draw in range(200):
        panel = make_panel(towns=3, per=int(random.integers(3, 12)), decimals=int(random.integers(0, 3)), seed=draw)
        frame = panel.rename(columns={"v": "unit", "year": "time", "town": "stratum"})
        refuse_totals(frame.sort_values(["unit", "time"], ignore_index=True), ["y"])


def test_a_register_of_many_units_is_not_searched_for_totals(monkeypatch):
    panel = make_panel()
    more = pd.concat([panel, row(panel, "Qinghe", "sum")], ignore_index=True)
    monkeypatch.setattr(rows_of_totals, "MOST_UNITS", 40)
    assert len(study(more).units) == 41
    monkeypatch.setattr(rows_of_totals, "MOST_UNITS", 41)
    with pytest.raises(StudyError, match=r"^1 unit in which most years' values are those of others together: Qinghe"):
        study(more)


def test_a_total_of_more_than_the_panel_holds_is_pointed_out():
    """The total counts all villages; a fifth of the cells are missing, so that it is no sum of what is there."""
    panel = make_panel()
    total = row(panel, "region", "sum")
    gaps = panel[np.random.default_rng(4).random(len(panel)) > 0.2]
    looks = [said for said in study(pd.concat([gaps, total])).reading if "above all others together" in said]
    assert looks == ["LOOK: 1 unit above all others together in most years: region. A total? Then write leave_out."]


def test_a_rich_village_is_not_pointed_out_where_the_others_hold_more():
    panel = make_panel()
    panel.loc[panel["v"] == "t0v0", "y"] *= 30
    assert not [said for said in study(panel).reading if "above all others" in said]


def test_a_village_that_stays_near_the_mean_of_skewed_incomes_is_no_mean():
    # One rich village makes the deviation large: within a hundredth of it of the mean, but not at the mean.
    frame = pd.DataFrame(
        [(f"v{n:02}", year) for n in range(30) for year in range(2016, 2022)], columns=["unit", "time"]
    )
    number, year = frame["unit"].str[1:].astype(int), frame["time"]
    frame["income"] = np.where(number == 0, 4_000_000, 40_000 + 3_000 * number) * 1.05 ** (year - 2016) + 7 * number
    others = frame[frame["unit"] != "v29"].groupby("time")["income"].mean()
    near = year.map(others) * (1 + 0.01 * (-1.0) ** year)
    frame["income"] = frame["income"].where(number != 29, near)
    refuse_totals(frame, ["income"])
    frame["income"] = frame["income"].where(number != 29, year.map(others))
    with pytest.raises(StudyError, match="v29 is the mean of all others"):
        refuse_totals(frame, ["income"])


def test_whole_numbers_that_hardly_change_tell_no_mean() -> None:
    # Households: one village keeps within half of one of the mean of its town's others, whose spread is about ninety.
    random = np.random.default_rng(5)
    panel = make_panel(towns=1, per=30)
    level = panel["v"].map({name: random.uniform(100, 400) for name in panel["v"].unique()})
    panel["y"] = (level + random.normal(0, 8, len(panel))).round()
    others = panel[panel["v"] != "t0v9"].groupby("year")["y"].mean()
    near = panel["v"] == "t0v9"
    panel.loc[near, "y"] = panel.loc[near, "year"].map(others).round()
    refuse_totals(
        panel.rename(columns={"v": "unit", "year": "time", "town": "stratum"}).sort_values(["unit", "time"]), ["y"]
    )
