"""Tables of outcomes in per cent: effects row by row in the unit that readers see, means compared by division."""

import numpy as np
import pandas as pd
import pytest
from panels import districts_panel

from analysis import Outcome, Study, balance, did, four_means
from analysis.presentation.tables import effects_table

# The Poisson fit stops at relative changes of about 1e-10; ratios of means are exact.
SAME = 1e-9
ROLES = {"unit": "village", "time": "year", "first_treated": "start", "group": "district"}


def make_study(panel: pd.DataFrame, **described: object) -> Study:
    return Study.from_frame(panel, **ROLES, outcomes={"income": Outcome("income", **{"unit": "CNY"} | described)})


def incomes(**options: object) -> pd.DataFrame:
    return districts_panel(**options).assign(income=lambda panel: np.exp(panel["income"] / 4))


# effects_table

EFFECTS = pd.DataFrame(
    {
        "estimate": [np.log(1.1), 7.0, 2.0],
        "std_error": [0.03, 1.0, 0.5],
        "low": [np.log(0.9), 5.0, 1.0],
        "high": [np.log(1.25), 9.0, 3.0],
        "p_value": [0.04, 0.01, 0.2],
        "per_cent": [10.0, 3.5, np.nan],
        "unit": ["log points", "CNY", "%"],
    },
    index=["a", "b", "c"],
)


def test_effects_are_shown_row_by_row_in_their_own_unit():
    frame = effects_table(EFFECTS, make_study(incomes()), "Title").frame
    assert frame["unit"].tolist() == ["%", "CNY", "percentage points"]
    assert frame["estimate"].tolist() == pytest.approx([10, 7, 2])
    assert frame["low"].tolist() == pytest.approx([-10, 5, 1])
    assert frame["high"].tolist() == pytest.approx([25, 9, 3])
    assert frame["p_value"].tolist() == [0.04, 0.01, 0.2]
    assert frame["std_error"].isna().tolist() == [True, False, False], "an error in log points is none in per cent"
    assert frame["per_cent"].isna().tolist() == [True, False, True], "an effect in per cent is said once"


def test_effects_on_one_outcome_lose_their_unit_to_the_caption():
    study, plain = make_study(incomes(), label_en="Income"), EFFECTS.loc[["a"]].drop(columns="unit")
    table = effects_table(plain, study, "each start", "income")
    assert table.caption == "Income (%): each start (your data)"
    assert table.frame.columns.tolist() == ["estimate", "low", "high", "p_value"]
    assert table.frame.loc["a", "estimate"] == pytest.approx(10)
    levels = effects_table(plain, study, "each start", "income", scale="level")
    assert levels.caption == "Income (CNY): each start (your data)"
    assert levels.frame.equals(plain)


# four_means


def test_the_ratio_of_ratios_is_the_effect_on_a_complete_panel():
    gaps = make_study(incomes(gaps=0.02))
    study = gaps.complete("income")
    assert len(study.frame) < len(gaps.frame)
    means, estimate = four_means(study, "income").frame, did(study, "income")
    assert estimate.scale == "poisson"
    assert means.loc["inside / outside", "change"] == pytest.approx(estimate.percent, rel=SAME)


def test_each_start_year_has_its_ratio_of_ratios():
    study = make_study(incomes(starts={"d00": 2019, "d01": 2019, "d02": 2020, "d03": 2020}))
    means = four_means(study, "income").frame
    for start in study.starts:
        block = study.subset(study.frame["first_treated"].isna() | (study.frame["first_treated"] == start))
        assert means.loc[(start, "inside / outside"), "change"] == pytest.approx(did(block, "income").percent, rel=SAME)


BY_HAND = pd.DataFrame(
    {
        "village": np.repeat(["a", "b", "c", "d"], 3),
        "district": np.repeat(["a", "b", "c", "d"], 3),
        "year": [2020, 2021, 2022] * 4,
        "start": [2022.0] * 6 + [np.nan] * 6,
        "income": [90, 110, 150, 40, 60, 50, 25, 35, 33, 0, 0, 7],
    }
)
"""Inside: changes of 20 on 100 and 20 on 50. Outside: 10 on 30, and a village at zero before."""


def test_four_means_by_hand_are_compared_by_division():
    table = four_means(make_study(BY_HAND), "income")
    frame = table.frame
    assert frame["before"].tolist() == pytest.approx([75, 15, 5])
    assert frame["after"].tolist() == pytest.approx([100, 20, 5])
    assert frame["change"].tolist() == pytest.approx([100 / 3, 100 / 3, 0])
    assert "changes in per cent" in table.caption
    levels = four_means(make_study(BY_HAND, scale="level"), "income").frame
    assert levels["change"].tolist() == pytest.approx([25, 5, 20])
    assert levels.index.tolist() == ["inside", "outside", "difference"]


# balance


def test_balance_is_in_per_cent_of_the_villages_own_mean():
    frame = balance(make_study(BY_HAND, label_en="Income")).frame
    assert frame.index.tolist() == ["Income (CNY): level", "Income (CNY): change per year, % of its mean"]
    level, change = (row for _, row in frame.iterrows())
    assert level[["inside", "outside"]].tolist() == pytest.approx([75, 15])
    # The village at zero has no mean to divide by and is left out.
    assert change[["inside", "outside"]].tolist() == pytest.approx([30, 100 / 3])
    levels = balance(make_study(BY_HAND, scale="level", label_en="Income")).frame
    assert levels.loc["Income (CNY): change per year", ["inside", "outside"]].tolist() == pytest.approx([20, 5])
