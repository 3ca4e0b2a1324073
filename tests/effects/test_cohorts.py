"""Several start years: aggregates against R and by hand, Goodman-Bacon's weights, other start years."""

import numpy as np
import pandas as pd
import pytest
from panels import districts_panel
from published_studies import castle as make_castle
from published_studies import known_answers

from analysis import Study, StudyError, did, event_study, load_study
from analysis.effects.cohorts import with_starts
from analysis.effects.event_study import EventStudy
from analysis.messages import FewTreatedGroupsWarning
from analysis.robustness.other_estimators import bacon_weights, not_yet_treated, several_starts

# Two exact algorithms on some hundred rows differ by the rounding of their sums, about 1e-13; this leaves a margin.
EXACT = 1e-10
# The stored values have 13 significant digits, so no comparison can be closer than 5e-13; sums of some hundred
# logarithms in another order add as much again, and small averages of larger numbers ten times that.
STORED_DIGITS = 2e-11

DESIGN = {"unit": "village", "time": "year", "first_treated": "start"}
TREATED = {"d00": 2019, "d01": 2019, "d02": 2019, "d03": 2019}
TWO_STARTS = {"d00": 2018, "d01": 2020, "d02": 2018, "d03": 2020}


def make_study(starts: dict[str, int] = TREATED) -> Study:
    """Ten districts of two or four villages over seven years, a twentieth of the rows gone."""
    return Study.from_frame(make_panel(starts), **DESIGN, group="district")


def make_panel(starts: dict[str, int]) -> pd.DataFrame:
    return districts_panel(starts, sizes=(2, 4), gaps=0.05)


@pytest.fixture(scope="module")
def castle() -> Study:
    return make_castle()


@pytest.fixture(scope="module")
def castle_event_study(castle) -> EventStudy:
    return event_study(castle, "l_homicide")


@pytest.mark.parametrize(
    ("by", "quantity"), [("event_time", "dynamic"), ("cohort", "group"), ("calendar", "calendar"), ("simple", "simple")]
)
def test_never_treated_callaway_santanna_is_met(castle_event_study, by, quantity):
    average = castle_event_study.average() if by == "simple" else castle_event_study.aggregate(by).overall
    value = known_answers()["castle", "callaway_santanna_never", f"aggte_{quantity}_overall"]
    assert average.value == pytest.approx(value, rel=STORED_DIGITS)


def test_event_times_are_sun_and_abraham(castle_event_study):
    parts = castle_event_study.aggregate("event_time").parts
    values = known_answers()["castle", "sun_abraham"]
    assert list(parts) == [0, 1, 2, 3, 4, 5]
    for time, estimate in parts.items():
        assert estimate.value == pytest.approx(values[f"event_time {time}"], rel=STORED_DIGITS)


@pytest.mark.parametrize(("ours", "quantity"), [("simple", "simple"), ("event_time", "dynamic"), ("cohort", "group")])
def test_not_yet_treated_callaway_santanna_is_met_and_is_another_number(castle, castle_event_study, ours, quantity):
    value = known_answers()["castle", "callaway_santanna_notyet", f"aggte_{quantity}_overall"]
    assert not_yet_treated(castle, "l_homicide")[ours] == pytest.approx(value, rel=STORED_DIGITS)
    assert abs(castle_event_study.average().value / value - 1) > 0.005


def test_goodman_bacon_is_met_and_adds_up_to_the_two_way_estimate(castle):
    pairs = bacon_weights(castle, "l_homicide")
    values = known_answers()["castle", "goodman_bacon"]
    names = {
        "earlier against later treated": "earlier_vs_later_treated",
        "later against already treated": "later_vs_earlier_treated",
        "treated against untreated": "treated_vs_untreated",
    }
    assert set(pairs["comparison"]) == set(names)
    for kind, name in names.items():
        chosen = pairs[pairs["comparison"] == kind]
        assert chosen["weight"].sum() == pytest.approx(values[f"weight_{name}"], rel=STORED_DIGITS)
        average = np.average(chosen["estimate"], weights=chosen["weight"])
        assert average == pytest.approx(values[f"avg_est_{name}"], rel=STORED_DIGITS)
    assert pairs["weight"].sum() == pytest.approx(1, rel=EXACT)
    two_way = did(castle, "l_homicide", estimator="two_way").value
    assert (pairs["weight"] * pairs["estimate"]).sum() == pytest.approx(two_way, rel=EXACT)
    assert two_way == pytest.approx(values["bacon_sum_weight_x_estimate"], rel=STORED_DIGITS)
    assert len(pairs) == 5 * 4 + 5
    assert (pairs["control"].isna() == (pairs["comparison"] == "treated against untreated")).all()
    late = pairs[pairs["comparison"] == "later against already treated"]
    assert (late["treated"] > late["control"]).all()


def test_what_several_start_years_do_is_said_in_a_sentence_and_two_tables(castle):
    found, values = several_starts(castle, "l_homicide"), known_answers()["castle"]
    averages, kinds = (table.frame for table in found.tables)
    in_per_cent = 100 * np.expm1(values["callaway_santanna_notyet", "aggte_simple_overall"])
    assert averages["not yet treated"].iloc[0] == pytest.approx(in_per_cent, rel=STORED_DIGITS)
    weight = 100 * values["goodman_bacon", "weight_later_vs_earlier_treated"]
    assert kinds.loc["later against already treated", "weight (%)"] == pytest.approx(weight, rel=STORED_DIGITS)
    plain = 100 * np.expm1(values["two_way", "estimate"])
    low, high = did(castle, "l_homicide", estimator="two_way").headline()[["low", "high"]]
    ends = f"(−{-100 * np.expm1(low):.0f} to +{100 * np.expm1(high):.0f})"
    said = f"Published data: The plain two-way estimate is +{plain:.0f} % {ends}; {weight:.1f} % of it rests"
    assert repr(found).startswith(said)


# One village from 2021 (A), two from 2022 (B), two never (U); changes since the year before the start, U in brackets.
#      2019 2020 2021 2022   start 2021: 2021      2022        start 2022: 2022
# A1     1    2    7   12              5 [2] = 3   10 [5] = 5
# B1     1    2    5   12                                                  7
# B2     3    2    5   14                                                  9
# B                                                                        8 [3] = 5
# U1     0    1    2    4
# U2     2    1    4    8
# U      1    1    3    6
HAND = {"A1": [1, 2, 7, 12], "B1": [1, 2, 5, 12], "B2": [3, 2, 5, 14], "U1": [0, 1, 2, 4], "U2": [2, 1, 4, 8]}
STARTS = {"A1": 2021, "B1": 2022, "B2": 2022}


def make_hand_study() -> Study:
    wide = pd.DataFrame(HAND, index=pd.RangeIndex(2019, 2023, name="year"))
    panel = wide.melt(ignore_index=False, var_name="village", value_name="income").reset_index()
    return Study.from_frame(panel.assign(start=panel["village"].map(STARTS).astype("Int64")), **DESIGN)


@pytest.mark.parametrize(
    ("by", "parts", "overall", "village_years"),
    [
        # At event time 0 one village with 3 and two with 5.
        ("event_time", {0: (3 + 2 * 5) / 3, 1: 5}, ((3 + 2 * 5) / 3 + 5) / 2, [3, 1, 4]),
        ("cohort", {2021: 4, 2022: 5}, (4 + 2 * 5) / 3, [2, 2, 4]),
        ("calendar", {2021: 3, 2022: 5}, 4, [1, 3, 4]),
    ],
)
def test_aggregates_by_hand(by, parts, overall, village_years):
    aggregate = event_study(make_hand_study(), "income").aggregate(by)
    values = {name: estimate.value for name, estimate in aggregate.parts.items()}
    assert values == pytest.approx(parts, rel=EXACT)
    assert aggregate.overall.value == pytest.approx(overall, rel=EXACT)
    frame = aggregate.frame()
    assert frame.index.tolist() == [*parts, "overall"]
    assert frame.index.name == by
    assert frame["village_years"].tolist() == village_years


def test_not_yet_treated_by_hand():
    # In 2021 the controls of A are B and U, whose changes are 3, 3, 1, 3: 5 - 2.5 = 2.5, and 3 against U alone.
    found = not_yet_treated(make_hand_study(), "income")
    expected = {"simple": (2.5 + 5 + 2 * 5) / 4, "event_time": (12.5 / 3 + 5) / 2, "cohort": (3.75 + 2 * 5) / 3}
    assert found.to_dict() == pytest.approx(expected, rel=EXACT)


def test_not_yet_treated_is_the_average_of_differences_of_means():
    draw = np.random.default_rng(5)
    rows = [(f"v{v:02}", year, 2018 + v % 3 if v < 16 else None) for v in range(30) for year in range(2015, 2022)]
    panel = pd.DataFrame(rows, columns=["village", "year", "start"]).astype({"start": "Int64"})
    panel["income"] = draw.normal(size=len(panel)).cumsum()
    wide, starts = (
        panel.pivot(index="village", columns="year", values="income"),
        panel.groupby("village")["start"].first(),
    )
    effects = {}
    for start in (2018, 2019, 2020):
        for year in range(start, 2022):
            change, own = wide[year] - wide[start - 1], (starts == start).fillna(False)
            effects[start, year] = change[own].mean() - change[starts.isna() | (starts > year).fillna(False)].mean()
    sizes = {2018: 6, 2019: 5, 2020: 5}
    weights = [sizes[start] for start, _ in effects]
    found = not_yet_treated(Study.from_frame(panel, **DESIGN), "income")
    assert found["simple"] == pytest.approx(np.average(list(effects.values()), weights=weights), rel=EXACT)
    own = [np.mean([effects[start, year] for year in range(start, 2022)]) for start in sizes]
    assert found["cohort"] == pytest.approx(np.average(own, weights=list(sizes.values())), rel=EXACT)


@pytest.mark.parametrize("function", [bacon_weights, not_yet_treated])
def test_gaps_are_refused_with_the_remedy(function):
    study = make_hand_study()
    gap = study.frame["income"].where(study.frame["unit"] != "U2")
    study = study.subset((study.frame["unit"] != "U1") | (study.frame["time"] > 2019))
    with pytest.raises(StudyError, match=r"missing in some year in 1 village: U1\. .* study\.complete\(outcome\)"):
        function(study, "income")
    study = make_hand_study()
    study.frame["income"] = gap
    with pytest.raises(StudyError, match=r"^'income' is missing in some year in 1 village: U2\."):
        function(study, "income")


def test_aggregates_weigh_village_years_on_an_unbalanced_panel():
    study = make_study(TWO_STARTS)
    result = event_study(study, "income")
    labels, size = result.fitted.labels, result.fitted.cell_sizes()
    effects = result.regression.params[result.fitted.cells].to_numpy()
    by_year = result.aggregate("calendar")
    for year, estimate in by_year.parts.items():
        chosen = [start + event == year and event >= 0 for start, event in labels]
        assert estimate.value == pytest.approx(np.average(effects[chosen], weights=size[chosen]), rel=EXACT)
    villages = study.units["first_treated"].value_counts()
    by_start = result.aggregate("cohort")
    values = [by_start.parts[start].value for start in (2018, 2020)]
    assert by_start.overall.value == pytest.approx(np.average(values, weights=villages[[2018, 2020]]), rel=EXACT)
    assert by_start.weights == "start-year cohorts, by their size"
    assert repr(by_start).startswith("By cohort, overall the average of 2 start-year cohorts, by their size: Your data")


def test_any_inference_applies_to_an_aggregate():
    overall = event_study(make_study(TWO_STARTS), "income").aggregate("calendar").overall
    tests = overall.inference(["cr2", "wild_bootstrap", "randomization"], draws=199)
    assert tests["p_value"].between(0, 1).all()
    assert (tests["low"] < overall.value).all()
    assert (tests["high"] > overall.value).all()


def test_one_start_year_needs_no_saturation():
    result = event_study(load_study(), "rural_income_per_head_cny")
    assert result.estimator == "two_way"
    calendar, event = result.aggregate("calendar"), result.aggregate("event_time")
    assert list(calendar.parts) == [2023, 2024]
    assert [e.value for e in calendar.parts.values()] == [e.value for e in event.parts.values()]
    cohort = result.aggregate("cohort")
    assert list(cohort.parts) == [2023]
    assert cohort.overall.value == pytest.approx(result.average().value, rel=EXACT)


def test_pooled_start_years_and_unknown_aggregates_are_refused():
    pooled = event_study(make_hand_study(), "income", estimator="two_way")
    with pytest.raises(StudyError, match=r'^The event study pools 2 start years.* Use estimator="saturated"\.$'):
        pooled.aggregate("cohort")
    with pytest.raises(StudyError, match=r"^by must be one of event_time, cohort, calendar, not 'year'\.$"):
        pooled.aggregate("year")


# Other start years.


def test_with_starts_is_the_study_with_other_start_years():
    study = with_starts(make_study(), {"d01": 2018, "d03": 2018})
    panel = make_panel(TREATED)
    moved = panel.assign(start=panel["start"].mask(panel["district"].isin(["d01", "d03"]), 2018))
    expected = Study.from_frame(moved, **DESIGN, group="district")
    pd.testing.assert_frame_equal(study.frame, expected.frame, check_dtype=False)
    assert study.starts == [2018, 2019]
    assert did(study, "income").value == did(expected, "income").value
    assert did(study, "income").estimator == "saturated"


def test_one_year_for_all_leaves_the_untreated_untreated():
    study = load_study()
    earlier = with_starts(study, 2022)
    assert earlier.starts == [2022]
    assert (earlier.units["first_treated"].notna() == study.units["first_treated"].notna()).all()
    assert study.starts == [2023], "the study itself is not changed"
    assert earlier.data_statement.endswith("as is the start year 2023. Start years set here: 2022 for 5 groups.")
    mixed = with_starts(study, {"zhaohe-millet": 2024, "huaishu-herbs": 2024})
    assert mixed.data_statement.endswith("Start years set here: 2024 for 2 groups.")
    assert mixed.units.groupby("group")["first_treated"].first().value_counts().to_dict() == {2023: 3, 2024: 2}


def test_untreated_villages_of_a_treated_group_stay_untreated():
    panel = make_panel(TREATED)
    panel.loc[panel["village"] == "d01v0", "start"] = pd.NA
    study = with_starts(Study.from_frame(panel, **DESIGN, group="district"), {"d01": 2018})
    starts = study.units["first_treated"]
    assert pd.isna(starts["d01v0"])
    assert starts["d01v1"] == 2018
    assert study.notes[0].startswith("1 group holds both treated and untreated units (d01)")


@pytest.mark.parametrize(
    ("starts", "message"),
    [
        ({"d09": 2018}, r"^1 group not treated in this study: d09\. Its treated groups are d00, d01, d02, d03\.$"),
        ({"d01": 2015}, r"^No year before treatment for 4 units"),
        ({"d01": 2030}, r"^No year after treatment for 4 units"),
        ({"d01": 2018.5}, r"^Start years must be whole years, not 2018\.5\.$"),
    ],
)
def test_impossible_start_years_are_refused(starts, message):
    study = make_study()
    with pytest.raises(StudyError, match=message):
        with_starts(study, starts)


def test_few_treated_groups_are_said_again():
    with pytest.warns(FewTreatedGroupsWarning):
        study = make_study({"d00": 2019, "d01": 2019})
    with pytest.warns(FewTreatedGroupsWarning):
        assert with_starts(study, 2018).notes == study.notes
