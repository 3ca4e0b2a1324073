"""Real published data: `did` and `event_study` meet the values other software computed (`data/known_answers.csv`)."""

import numpy as np
import pandas as pd
import pytest
from published_studies import STUDIES, cai2016, castle, ezunem, known_answers, published_estimate

from analysis import did, event_study

# The stored values have 13 significant digits, so no comparison can be closer than 5e-13; sums of some hundred
# logarithms in another order add as much again.
STORED_DIGITS = 2e-12
# fixest demeans iteratively in both directions; it stops below 1e-8 of the outcome's size.
COEFFICIENT = 1e-8
STD_ERROR = 1e-6

# What these tests do not compare, and why.
OTHERS = {
    "goodman_bacon": "a decomposition of the two-way estimate: test_cohorts.py",
    "callaway_santanna_notyet": "controls that are not yet treated, another estimand: test_cohorts.py",
    "triple_difference": "needs the tobacco and the other households; the table here has tobacco households only",
}
# Aggregates of Callaway & Sant'Anna with weights other than treated observations: test_cohorts.py.
OTHER_AGGREGATES = {"aggte_group_overall", "aggte_dynamic_overall", "aggte_calendar_overall"}


def wanted() -> pd.Series:
    """The known values that this library's `did` and `event_study` answer."""
    table = known_answers()
    specification, quantity = (table.index.get_level_values(level) for level in ("specification", "quantity"))
    comparable = quantity.isin(["estimate", "cr1_se", "cr1_p"]) | quantity.str.match("event_time|aggte_")
    return table[comparable & ~specification.isin(list(OTHERS)) & ~quantity.isin(list(OTHER_AGGREGATES))]


def two_way(dataset: str) -> dict[str, float]:
    estimate = published_estimate(dataset)
    test = estimate.inference("cr1").loc["cr1"]
    return {"estimate": estimate.value, "cr1_se": test["std_error"], "cr1_p": test["p_value"]}


def by_event_time(dataset: str, estimator: str) -> dict[str, float]:
    make, outcome = STUDIES[dataset]
    result = event_study(make(), outcome, estimator=estimator)
    estimates = result.frame()["estimate"].drop(index=-1)
    return {f"event_time {time}": value for time, value in estimates.items()} | {"estimate": result.average().value}


@pytest.fixture(scope="module")
def ours() -> pd.Series:
    """Our values under the names of the known ones; cai's event study has one cohort, so it has no average there."""
    castle_saturated = by_event_time("castle", "saturated")
    found = {(dataset, "two_way"): two_way(dataset) for dataset in STUDIES}
    for dataset in ("castle", "cai2016"):
        found[dataset, "event_study"] = {k: v for k, v in by_event_time(dataset, "two_way").items() if k != "estimate"}
    found["castle", "sun_abraham"] = castle_saturated
    found["castle", "callaway_santanna_never"] = {"aggte_simple_overall": castle_saturated["estimate"]}
    return pd.Series({(*key, quantity): value for key, values in found.items() for quantity, value in values.items()})


@pytest.mark.parametrize("key", wanted().index.tolist(), ids=" ".join)
def test_value_is_met(ours, key):
    tolerance = STD_ERROR if key[2] in ("cr1_se", "cr1_p") else COEFFICIENT
    assert ours[key] == pytest.approx(known_answers()[key], rel=tolerance)


def test_no_known_value_is_forgotten(ours):
    table = known_answers()
    assert table.index.is_unique
    assert set(wanted().index) == set(ours.index)
    assert set(OTHERS) <= set(table.index.get_level_values("specification")), "an exception without values can go"
    counts = wanted().groupby(level=["dataset", "specification"]).size().to_dict()
    assert counts == {
        ("castle", "callaway_santanna_never"): 1,
        ("castle", "event_study"): 14,
        ("castle", "sun_abraham"): 15,
        ("castle", "two_way"): 3,
        ("ezunem", "two_way"): 3,
        ("cai2016", "event_study"): 8,
        ("cai2016", "two_way"): 3,
    }


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
        "Published data: 50 villages (21 treated in 21 groups, 29 untreated in 29 groups), 2000-2010."
    )
    assert castle().starts == [2005, 2006, 2007, 2008, 2009]
    assert ezunem().starts == [1984, 1985]
    assert len(ezunem().units) == 22
    assert (len(cai2016().units), cai2016().starts) == (12, [2003])


def test_one_treated_county_is_said_beside_its_result():
    sentence = repr(did(cai2016(), "y"))
    assert sentence.startswith("Published data: effect on y 0.109 ")
    assert "Only 1 treated group (3): with one, its own luck cannot be told from the effect" in sentence
