"""Real published data: `did` and `event_study` meet the values other software computed (`data/known_answers.csv`)."""

import numpy as np
import pandas as pd
import pytest
from published_studies import cai2016, castle, ezunem, famine, known_answers

from analysis import did, event_study, read_table
from analysis.robustness.known_answers import known_answers as summed_up
from analysis.robustness.known_answers import ours_beside_r

# The stored values have 13 significant digits, so no comparison can be closer than 5e-13; sums of some hundred
# logarithms in another order add as much again.
STORED_DIGITS = 2e-12
# Some coefficients are a tenth of the numbers that they are sums of, and lose a digit or two more.
R_TOLERANCE = 1e-10
# Rates have two decimals, as stored; a mean of thousands of them loses nothing that this tolerance would show.
BY_HAND = 1e-12

# What `did` and `event_study` do not answer, and where it is tested.
OTHERS = {
    "goodman_bacon": "a decomposition of the two-way estimate: test_cohorts.py",
    "callaway_santanna_notyet": "controls that are not yet treated, another estimand: test_cohorts.py",
    "triple_difference": "needs the tobacco and the other households; the table here has tobacco households only",
}
# Aggregates of Callaway & Sant'Anna with weights other than treated observations: test_cohorts.py.
OTHER_AGGREGATES = {"aggte_group_overall", "aggte_dynamic_overall", "aggte_calendar_overall"}


@pytest.fixture(scope="module")
def ours() -> pd.DataFrame:
    return ours_beside_r()


def test_every_value_is_met_and_none_is_forgotten(ours):
    known = known_answers()
    assert known.index.is_unique
    specification, quantity = (known.index.get_level_values(level) for level in ("specification", "quantity"))
    # Draws of the wild bootstrap differ; where it or randomization enumerates: inference/test_methods.py.
    drawn = quantity.str.contains("wild|randomization")
    wanted = known[~drawn & ~specification.isin(list(OTHERS)) & ~quantity.isin(list(OTHER_AGGREGATES))]
    assert set(OTHERS) <= set(specification), "an exception without values can go"
    assert len(wanted) == 73
    pd.testing.assert_series_equal(ours["ours"].sort_index(), wanted, rtol=R_TOLERANCE, atol=0, check_names=False)
    assert set(ours["digits"]) == {10}


def test_the_sum_of_known_answers_says_how_far_they_agree(ours):
    summed = summed_up()
    assert repr(summed) == (
        "Published data: We computed 73 of the 112 values that R gives on four published studies. All agree to 10 "
        "significant digits or more: the largest relative difference is below 1e-10. The other 39 are p-values by "
        "draws, or answers of other estimators."
    )
    assert summed.tables[0].frame["values compared"].sum() == len(ours)


def test_famine_by_hand_is_the_difference_of_differences_that_r_gives():
    deaths = read_table("famine_counties")
    dense, famine_came = deaths["first_treated"].notna(), deaths["year"] >= 1958
    means = deaths.groupby([dense, famine_came])["mortality_per_1000"].mean()
    by_hand = (means[True, True] - means[True, False]) - (means[False, True] - means[False, False])
    assert by_hand == pytest.approx(known_answers()["famine", "two_way", "estimate"], rel=BY_HAND)
    assert did(famine(), "mortality_per_1000").value == pytest.approx(by_hand, rel=BY_HAND)


@pytest.mark.parametrize("specification", ["sun_abraham", "callaway_santanna_never"])
def test_saturated_average_is_the_simple_aggregate_to_the_last_stored_digit(specification):
    quantity = "estimate" if specification == "sun_abraham" else "aggte_simple_overall"
    value = known_answers()["castle", specification, quantity]
    assert value == 0.1103830354576
    assert event_study(castle(), "l_homicide").average().value == pytest.approx(value, rel=STORED_DIGITS)


def test_saturated_event_study_is_sun_and_abraham_to_the_last_stored_digit():
    expected = known_answers()["castle", "sun_abraham"].drop("estimate")
    times = expected.index.str.removeprefix("event_time ").astype(int)
    estimates = event_study(castle(), "l_homicide").frame()["estimate"]
    np.testing.assert_allclose(estimates[times], expected, rtol=STORED_DIGITS)


def test_designs_are_the_published_ones():
    assert repr(castle()) == (
        "Published data: 50 states (21 treated in 21 groups, 29 untreated in 29 groups), 2000-2010."
    )
    assert castle().starts == [2005, 2006, 2007, 2008, 2009]
    assert ezunem().starts == [1984, 1985]
    assert len(ezunem().units) == 22
    assert (len(cai2016().units), cai2016().starts) == (12, [2003])
    assert (len(famine().units), famine().units["group"].nunique(), famine().starts) == (921, 13, [1958])


def test_one_treated_county_is_said_beside_its_result():
    sentence = repr(did(cai2016(), "y"))
    assert sentence.startswith("Published data: effect on share of savings in checking accounts 0.109 ")
    assert "Only 1 treated group (3): with one, its own luck cannot be told from the effect" in sentence
