"""Prices: the index of consumer prices, and amounts in constant or in nominal ones."""

import numpy as np
import pandas as pd
import pytest

from analysis import Outcome, Study, StudyError, did
from analysis.reading.prices import other_prices, price_index

# Sums of the same numbers in another order.
ROUNDING = 1e-9


def priced(prices: str, years: range = range(2017, 2024)) -> Study:
    """Eight groups of one village, three treated from 2022, incomes that grow and differ."""
    frame = pd.MultiIndex.from_product([range(8), years], names=["village", "year"]).to_frame(index=False)
    frame["start"] = np.where(frame["village"] < 3, 2022, np.nan)
    growth = np.random.default_rng(1).normal(1.05, 0.02, size=len(frame))
    frame["income"] = 100.0 * (1 + frame["village"]) * growth ** (frame["year"] - 2016)
    income = {"income": Outcome("income", unit="CNY", prices=prices)}
    names = {"unit": "village", "time": "year", "first_treated": "start"}
    return Study.from_frame(frame, **names, outcomes=income)


def test_the_index_is_one_in_its_base_and_chains_the_rises():
    index = price_index(2016)
    assert index[2016] == 1
    assert index[2018] == pytest.approx(1.016 * 1.021, rel=ROUNDING)
    assert index[2015] == pytest.approx(1 / 1.02, rel=ROUNDING)
    assert index.index.min() == 2012
    assert index[2012] == pytest.approx(1 / (1.026 * 1.02 * 1.014 * 1.02), rel=ROUNDING)


def test_prices_by_hand():
    # Consumer prices rose by 0.9 % in 2021 and by 2.0 % in 2022: what costs 100 in 2021, the year before the first
    # start, costs 102 in 2022, and 100 / 1.009 in 2020.
    nominal = priced("nominal")
    constant = other_prices(nominal, "income")
    assert constant.describe("income").prices == "constant 2021"
    ratio = (nominal.column("income") / constant.column("income")).groupby(nominal.frame["time"]).first()
    assert ratio[[2020, 2021, 2022]].to_numpy() == pytest.approx([1 / 1.009, 1, 1.02], rel=ROUNDING)


def test_there_and_back_is_where_one_was():
    nominal = priced("nominal")
    again = other_prices(other_prices(nominal, "income"), "income")
    assert again.describe("income").prices == "nominal"
    assert again.column("income").to_numpy() == pytest.approx(nominal.column("income").to_numpy(), rel=ROUNDING)


def test_prices_change_levels_but_not_logs():
    nominal = priced("nominal")
    constant = other_prices(nominal, "income")
    log, level = ([did(one, "income", scale=scale).value for one in (nominal, constant)] for scale in ("log", "level"))
    assert log[0] == pytest.approx(log[1], rel=ROUNDING)
    assert abs(level[0] / level[1] - 1) > 0.01


def test_years_without_a_price_are_refused():
    with pytest.raises(StudyError, match=r"^Consumer prices are at hand for 2012 to 2025, not for 2010, 2011\. Add"):
        other_prices(priced("nominal", range(2010, 2024)), "income")
    with pytest.raises(StudyError, match=r"not for 2009\."):
        other_prices(priced("constant 2009"), "income")


def test_prices_that_nobody_named_are_refused():
    with pytest.raises(StudyError, match=r"^The study does not say in which prices 'income' is\."):
        other_prices(priced(""), "income")
