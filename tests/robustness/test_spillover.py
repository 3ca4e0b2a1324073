"""`neighbours`: by hand, as one regression with both effects, on panels with a known spillover, and its refusals."""

import warnings
from math import comb

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from analysis import Study, StudyError, did, load_study, read_table
from analysis.messages import FewTreatedGroupsWarning, amounts
from analysis.robustness.spillover import neighbours
from analysis.simulation.simulate import shock_groups, simulate_panel

# Two exact algorithms on some hundred rows differ by the rounding of their sums, about 1e-13; this leaves a margin.
EXACT = 1e-10
# Simulated money is in whole CNY: half a CNY of incomes of tens of thousands, averaged over villages.
WHOLE_CNY = 1e-4

DESIGN = {"unit": "village", "time": "year", "first_treated": "start", "group": "district", "stratum": "town"}

# Town A: village 1 is treated in 2023, village 2 its neighbour. Towns B (3, 4) and C (5) have no treatment.
#     2021 2022 2023
# 1     10   14   25    from 12 to 25: 13
# 2     20   20   26    from 20 to 26:  6
# 3      5    7   11    from  6 to 11:  5
# 4      5    5    7    from  5 to  7:  2
# 5      2    4    5    from  3 to  5:  2, so that 3, 4 and 5 gain 3 on average
# Effects: treated 13 - 3 = 10, neighbours 6 - 3 = 3; against all the treated would gain 13 - 15 / 4 only.
HAND = {"1": [10, 14, 25], "2": [20, 20, 26], "3": [5, 7, 11], "4": [5, 5, 7], "5": [2, 4, 5]}


def quiet(frame: pd.DataFrame) -> Study:
    with warnings.catch_warnings(action="ignore", category=FewTreatedGroupsWarning):
        return Study.from_frame(frame, **DESIGN)


def make_hand_panel() -> pd.DataFrame:
    wide = pd.DataFrame(HAND, index=pd.RangeIndex(2021, 2024, name="year"))
    panel = wide.melt(ignore_index=False, var_name="village", value_name="income").reset_index()
    panel["town"] = panel["village"].map(dict(zip("12345", "AABBC", strict=True)))
    return panel.assign(district="of " + panel["village"], start=panel["village"].map({"1": 2023}).astype("Int64"))


def make_panel(starts: tuple[int, ...] = (2019, 2019, 2019)) -> pd.DataFrame:
    """Eight towns of two districts with three villages each; in the first three towns the first district is treated."""
    draw = np.random.default_rng(410883)
    rows = [(f"t{t}d{d}v{v}", f"t{t}d{d}", f"t{t}", y) for t in range(8) for d in (0, 1) for v in range(3)
            for y in range(2015, 2022)]  # fmt: skip
    panel = pd.DataFrame(rows, columns=["village", "district", "town", "year"])
    given = {f"t{town}d0": start for town, start in enumerate(starts)}
    panel["start"] = panel["district"].map(given).astype("Int64")
    return panel.assign(income=draw.normal(10, 1, len(panel)))


@pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")
def test_by_hand():
    result = neighbours(quiet(make_hand_panel()), "income")
    assert result.treated.value == pytest.approx(10, rel=EXACT)
    assert result.spillover.value == pytest.approx(3, rel=EXACT)
    assert did(quiet(make_hand_panel()), "income").value == pytest.approx(13 - 15 / 4, rel=EXACT)
    # One treated town: no interval; it could have been any of three towns.
    frame = result.frame()
    assert frame.loc[("treated", "cr2"), ["std_error", "low"]].isna().all()
    assert frame.loc[("spillover", "cr2"), "note"].startswith("one treated group: not informative")
    assert frame["villages"].tolist() == [1, 1, 1, 1]
    assert frame["strata"].tolist() == [3, 3, 3, 3]
    assert "3 assignments of whole groups over all groups, all enumerated" in repr(result)
    assert "no interval, one treated stratum: not informative; p = " in repr(result)


def test_balanced_panel_gives_the_two_coefficients_of_one_regression():
    panel = make_panel()
    result = neighbours(quiet(panel), "income")
    after = (panel["year"] >= 2019) & panel["town"].isin(["t0", "t1", "t2"])
    inside = panel["start"].notna()
    panel = panel.assign(treated=(after & inside).astype(float), beside=(after & ~inside).astype(float))
    fit = smf.ols("income ~ treated + beside + C(village) + C(year)", panel).fit()
    assert result.treated.value == pytest.approx(fit.params["treated"], rel=EXACT)
    assert result.spillover.value == pytest.approx(fit.params["beside"], rel=EXACT)


def test_frame_holds_the_tests_by_stratum_of_studies_made_by_hand():
    panel = make_panel()
    frame = neighbours(quiet(panel), "income").frame()
    reached = panel["town"].isin(["t0", "t1", "t2"])
    beside = panel[panel["start"].isna()].assign(
        start=pd.Series(2019, index=panel.index).where(reached).astype("Int64"), district=panel["town"], town="all"
    )
    inside = panel[panel["start"].notna() | ~reached].assign(district=panel["town"], town="all")
    for name, part in (("spillover", beside), ("treated", inside)):
        tests = did(quiet(part), "income").inference(["cr2", "randomization"])
        columns = ["std_error", "statistic", "p_value", "low", "high"]
        np.testing.assert_allclose(frame.loc[name][columns].astype(float), tests[columns], rtol=EXACT)
        assert f"{comb(8, 3)} assignments of whole groups over all groups" in frame.loc[(name, "randomization"), "note"]
    assert frame["villages"].tolist() == [9, 9, 9, 9]
    assert frame["strata_treated"].tolist() == [3, 3, 3, 3]


def test_several_start_years_reach_neighbours_with_the_first_of_their_town():
    panel = make_panel((2018, 2020, 2018, 2020))
    panel.loc[panel["district"] == "t0d1", "start"] = 2020
    panel.loc[panel["village"] == "t0d1v2", "district"] = "t0d2"
    panel.loc[panel["village"] == "t0d1v2", "start"] = pd.NA
    result = neighbours(quiet(panel), "income")
    starts = result.spillover.study.units.dropna(subset="first_treated").groupby("group")["first_treated"]
    assert starts.unique().map(list).to_dict() == {"t0": [2018], "t1": [2020], "t2": [2018], "t3": [2020]}
    own = result.treated.study.units
    assert own.loc[["t0d0v0", "t0d1v0"], "first_treated"].tolist() == [2018, 2020]
    # Town t0 has two start years, so that it cannot trade places; its neighbours can.
    frame = result.frame()
    assert frame["p_value"].isna().tolist() == [False, False, False, True]
    assert "several start years, meet in 1 group: t0" in frame.loc[("treated", "randomization"), "note"]
    assert "no p-value from randomization of strata" in repr(result)


# The demonstration roster, with the effects one knows.


@pytest.fixture(scope="module")
def roster() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    villages = read_table("villages").query("committee == 'village_committee'")
    membership = read_table("membership")
    return villages, membership, shock_groups(villages, membership)


def simulated(roster: tuple, **options: object) -> Study:
    villages, membership, groups = roster
    drawn = simulate_panel(villages, membership, groups, dirt=False, **options)
    panel = drawn.panel.merge(membership[["village_code", "district_id", "first_treated"]], how="left")
    return Study.from_frame(
        panel,
        unit="village_code",
        time="year",
        first_treated="first_treated",
        group="district_id",
        stratum="town_code",
        provenance="simulated",
    )


def test_spillover_built_in_is_what_is_added_and_the_treated_are_compared_without_it(roster):
    """Every component has its own stream, so panels with and without the spillover differ by it alone."""
    with_it, without = (
        neighbours(simulated(roster, seed=1, spillover=size), "collective_income_cny", scale="log")
        for size in (0.03, 0.0)
    )
    assert with_it.spillover.value - without.spillover.value == pytest.approx(0.03, abs=WHOLE_CNY)
    assert with_it.treated.value == pytest.approx(without.treated.value, abs=WHOLE_CNY)
    # The headline compares with all: 108 of the 249 untreated villages gained 0.03, which hides as much of the effect.
    with_it, without = (
        did(simulated(roster, seed=1, spillover=size), "collective_income_cny", scale="log") for size in (0.03, 0.0)
    )
    assert with_it.value - without.value == pytest.approx(-0.03 * 108 / 249, abs=WHOLE_CNY)


def test_strong_spillover_is_found_as_surely_as_eleven_towns_allow(roster):
    result = neighbours(simulated(roster, seed=1, spillover=0.5), "collective_income_cny", scale="log")
    frame = result.frame()
    assert frame.loc[("spillover", "randomization"), "p_value"] == pytest.approx(1 / comb(11, 4), rel=EXACT)
    assert frame.loc[("spillover", "cr2"), "p_value"] < 0.001
    assert frame.loc[("spillover", "cr2"), "low"] < 0.5 < frame.loc[("spillover", "cr2"), "high"]


def test_mengzhou_rests_on_eleven_towns():
    result = neighbours(load_study(), "collective_income_cny")
    frame = result.frame()
    assert frame.index.tolist() == [(c, m) for c in ("spillover", "treated") for m in ("cr2", "randomization")]
    assert frame["villages"].tolist() == [108, 108, 25, 25]
    assert (frame[["strata", "strata_treated"]] == [11, 4]).all().all()
    assert repr(result).startswith(
        "Simulated data: effects on village collective income against 7 strata without treatment: on treated villages "
    )
    assert "330 assignments of whole groups over all groups, all enumerated; smallest attainable p 0.00303" in repr(
        result
    )


@pytest.mark.parametrize(
    ("town", "message"),
    [
        (lambda panel: "all", r"^The study has one stratum, so nobody is a neighbour and nobody far away\. Name"),
        (lambda panel: panel["district"].str[-1], None),
        (lambda panel: panel["district"], r"^No stratum has treated and untreated villages, so nobody is a neighbour"),
    ],
)
def test_designs_without_neighbours_or_others_are_refused(town, message):
    panel = make_panel()
    panel = panel.assign(town=town(panel))
    if message is None:
        panel.loc[panel["district"] == "t0d1", "start"] = 2019
        message = r"^All 2 strata have treated villages, so none is left to compare with\. Bring villages of strata"
    with pytest.raises(StudyError, match=message):
        neighbours(quiet(panel), "income")


def test_effects_in_per_cent_are_said_in_per_cent():
    result = neighbours(load_study(), "collective_income_cny", scale="poisson")
    row = result.frame().loc[("spillover", "cr2")]
    shown = amounts(*(100 * np.expm1(float(row[name])) for name in ("effect", "low", "high")))
    assert f"beside them {shown[0]} % (" in repr(result)
    assert f"95 % interval {shown[1]} to {shown[2]}, CR2 by stratum" in repr(result)
    assert result.treated.effective_treated_districts < 3 < result.spillover.effective_treated_districts
    assert (
        "25 villages in 4 strata, by their totals worth 2.7 equal strata: too few for a reliable interval; 95 %"
        in repr(result)
    )
    assert "108 villages in 4 strata; 95 %" in repr(result)


def test_where_one_stratum_has_most_of_the_money_there_is_no_interval_and_no_p_value():
    panel = make_panel()
    rich = panel["income"].abs() * np.where(panel["village"] == "t0d1v0", 500, 1)
    result = neighbours(quiet(panel.assign(income=rich)), "income", scale="poisson")
    assert result.frame().loc["spillover", ["std_error", "p_value", "low", "high"]].isna().all(axis=None)
    assert "no interval, one stratum has most of the treated total, which is worth 1.0 strata: not" in repr(result)
    assert "3 strata, by their totals worth 2.9 equal strata: too few for a reliable interval; 95 %" in repr(result)
    level = neighbours(quiet(panel), "income")
    assert repr(level).count("9 villages in 3 strata, 3 treated strata: too few for a reliable interval; 95 %") == 2
