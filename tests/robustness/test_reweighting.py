"""Entropy balancing: a case by hand, another optimiser, what must not matter, and what it does to selection."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from analysis import Outcome, Study, StudyError, did, read_table
from analysis.robustness.reweighting import WEIGHT, reweight, same_promise
from analysis.simulation.simulate import shock_groups, simulate_panel

# Weights sum to some dozens and balance holds to 1e-8 of a standard deviation; what is left is rounding.
ROUNDING = 1e-7
# SLSQP stops when its objective, of order 1, changes by less than 1e-14: weights then agree to about the root of it.
OPTIMISER = 1e-5
NAMES = {"unit": "village", "time": "year", "first_treated": "start", "group": "district"}
YEARS, START = np.arange(2000, 2008), 2005


def make_frame(levels, slopes, treated: int, size: int = 2) -> pd.DataFrame:
    """Villages on straight lines, in groups of `size`; the first `treated` of them are treated."""
    villages = pd.DataFrame({"village": np.arange(len(levels)), "level": levels, "slope": slopes})
    villages["district"] = villages["village"] // size
    villages["start"] = pd.Series(START, villages.index).where(villages["village"] < treated).astype("Int64")
    frame = villages.merge(pd.DataFrame({"year": YEARS}), how="cross")
    frame["income"] = frame["level"] + frame["slope"] * (frame["year"] - YEARS[0])
    return frame


def make_study(frame: pd.DataFrame, **options) -> Study:
    return Study.from_frame(frame, **NAMES, provenance="invented", **options)


@pytest.fixture
def hand() -> pd.DataFrame:
    """Six treated villages at 17.5; six untreated at 10 and six at 20; later changes are +10, +1 and +5."""
    frame = make_frame([17.5] * 6 + [10.0] * 6 + [20.0] * 6, [0.0] * 18, treated=6)
    later = frame["year"] >= START
    frame.loc[later, "income"] += frame["level"].map({17.5: 10.0, 10.0: 1.0, 20.0: 5.0})
    return frame


@pytest.fixture
def random_frame() -> pd.DataFrame:
    generator = np.random.default_rng(5)
    frame = make_frame(generator.normal(50, 10, 46), generator.normal(2, 1, 46), treated=6)
    frame["income"] += generator.normal(0, 1, len(frame)) + 4 * (frame["start"].notna() & (frame["year"] >= START))
    frame["people"] = generator.normal(200, 20, 46)[frame["village"]] + generator.normal(0, 2, len(frame))
    return frame


def test_two_kinds_of_villages_by_hand(hand):
    # 17.5 = 1/4 * 10 + 3/4 * 20; twelve untreated villages with weights of mean 1: 0.5 and 1.5.
    result = reweight(make_study(hand), "income")
    assert result.weights.tolist() == pytest.approx([1.0] * 6 + [0.5] * 6 + [1.5] * 6, abs=ROUNDING)
    # 12^2 / (6 * 0.25 + 6 * 2.25) = 9.6 villages, and half as many pairs.
    assert (result.effective_villages, result.effective_groups) == pytest.approx((9.6, 4.8))
    assert repr(result) == (
        "Invented data: 12 untreated villages weighted to the means of 6 treated before 2005 (income: level; "
        "income: change per year); they count like 9.600 equally weighted, in 4.800 of 6 groups."
    )
    # 10 - (1 + 5) / 2 = 7 without weights; 10 - (1/4 * 1 + 3/4 * 5) = 6 with them.
    assert did(make_study(hand), "income").value == pytest.approx(7)
    assert did(result.study, "income", weights=WEIGHT).value == pytest.approx(6, abs=ROUNDING)
    level = result.frame().iloc[0]
    assert level[["inside", "outside", "outside reweighted"]].tolist() == pytest.approx([17.5, 15, 17.5])
    # Variances 0 and 12 * 25 / 11: normalised difference 2.5 / sqrt(150 / 11).
    assert level["normalised difference"] == pytest.approx(2.5 / np.sqrt(150 / 11))
    assert level["reweighted difference"] == pytest.approx(0, abs=ROUNDING)


def test_trends_that_differ_are_removed_exactly():
    generator = np.random.default_rng(1)
    slopes = np.r_[np.full(6, 2.8), generator.normal(2, 1, 60)]
    frame = make_frame(np.r_[np.full(6, 55.0), generator.normal(50, 10, 60)], slopes, treated=6)
    frame["income"] += 5.0 * (frame["start"].notna() & (frame["year"] >= START))
    study = make_study(frame)
    assert abs(did(study, "income").value - 5) > 1
    assert did(reweight(study, "income").study, "income", weights=WEIGHT).value == pytest.approx(5, abs=ROUNDING)


def test_weights_equal_those_of_another_optimiser(random_frame):
    result = reweight(make_study(random_frame), "income", others=["people"])
    before = random_frame[random_frame["year"] < START]
    moments = []
    for name in ("income", "people"):
        wide = before.pivot(index="village", columns="year", values=name)
        moments += [wide.mean(axis=1), [np.polyfit(wide.columns, row, 1)[0] for row in wide.to_numpy()]]
    moments = np.column_stack(moments)
    outside, target = moments[6:], moments[:6].mean(axis=0)
    conditions = [
        {"type": "eq", "fun": lambda w: (outside.T @ w - target) / outside.std(axis=0)},
        {"type": "eq", "fun": lambda w: w.sum() - 1},
    ]
    primal = minimize(
        lambda w: w @ np.log(w),
        np.full(40, 1 / 40),
        bounds=[(1e-12, 1)] * 40,
        constraints=conditions,
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert primal.success
    assert result.moments.to_numpy() == pytest.approx(moments)
    assert result.weights[6:].to_numpy() / 40 == pytest.approx(primal.x, abs=OPTIMISER)
    assert result.weights[6:].max() > 2, "the case is not a trivial one"


def test_weighted_effect_equals_weighted_means(random_frame):
    result = reweight(make_study(random_frame), "income")
    wide = random_frame.pivot(index="village", columns="year", values="income")
    change = wide.loc[:, START:].mean(axis=1) - wide.loc[:, : START - 1].mean(axis=1)
    expected = change[:6].mean() - np.average(change[6:], weights=result.weights[6:])
    estimate = did(result.study, "income", weights=WEIGHT)
    assert estimate.value == pytest.approx(expected)
    assert estimate.headline()["std_error"] > 0


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.assign(income=1000 * frame["income"] + 7),
        lambda frame: frame.assign(income=frame["income"] + (frame["year"] - 2003) ** 2),
        lambda frame: frame.assign(income=frame["income"] + 99 * (frame["year"] >= START) * frame["village"]),
        lambda frame: frame.sample(frac=1, random_state=2),
    ],
    ids=["scale and shift", "common year path", "values after the start", "row order"],
)
def test_what_does_not_matter(random_frame, change):
    first, second = (reweight(make_study(frame), "income").weights for frame in (random_frame, change(random_frame)))
    pd.testing.assert_series_equal(first, second, rtol=ROUNDING, atol=ROUNDING)


def test_new_codes_change_nothing_but_the_codes(random_frame):
    renamed = random_frame.assign(village=random_frame["village"].map("v{:02}".format).str[::-1])
    first, second = (reweight(make_study(frame), "income").weights for frame in (random_frame, renamed))
    assert second["90v"] == pytest.approx(first[9], abs=ROUNDING)
    assert sorted(second) == pytest.approx(sorted(first), abs=ROUNDING)


def test_logs_and_other_outcomes(random_frame):
    study = make_study(random_frame)
    result = reweight(study, "income", others="people", scale="log")
    logs = reweight(make_study(random_frame.assign(income=np.log(random_frame["income"]))), "income", others=["people"])
    assert result.weights.to_numpy() == pytest.approx(logs.weights.to_numpy(), abs=ROUNDING)
    assert result.moments.columns.tolist() == [
        "income (log points): level",
        "income (log points): change per year",
        "people: level",
        "people: change per year",
    ]
    assert reweight(study, "income", others=["income"]).moments.shape[1] == 2
    described = make_study(random_frame, outcomes={"income": Outcome("income", scale="log")})
    pd.testing.assert_series_equal(reweight(described, "income", others=["people"]).weights, result.weights)
    other = reweight(described, "people", others=["income"], scale="level").moments
    assert other.columns.tolist()[2] == "income (log points): level"
    assert did(result.study, "income", weights=WEIGHT, scale="log").unit == "log points"


def test_several_start_years_are_balanced_before_the_first(random_frame):
    staggered = random_frame.assign(start=random_frame["start"].where(random_frame["village"] >= 2, 2003))
    result = reweight(make_study(staggered), "income")
    early = reweight(make_study(random_frame.assign(start=random_frame["start"].clip(upper=2003))), "income")
    pd.testing.assert_series_equal(result.weights, early.weights)
    assert "before 2003" in repr(result)


def test_villages_without_the_moments_are_left_out_and_counted(random_frame):
    gaps = (random_frame["village"].isin([0, 20]) & (random_frame["year"] == 2002)) | (
        (random_frame["village"] == 30) & (random_frame["year"] == 2006)
    )
    frame = random_frame.assign(income=random_frame["income"].mask(gaps))
    result = reweight(make_study(frame), "income")
    without = reweight(make_study(random_frame[~random_frame["village"].isin([0, 20])]), "income")
    pd.testing.assert_series_equal(result.weights, without.weights)
    assert repr(result).endswith("; 2 villages left out (1 treated) for missing years.")
    # Both villages have eight years, one of each missing anyway, and village 30 lacks one.
    assert did(result.study, "income", weights=WEIGHT).fitted.sample.dropped == {
        "income missing": 3,
        f"{WEIGHT} missing": 14,
    }


def test_a_village_far_away_keeps_a_weight_that_can_be_used(random_frame):
    far = random_frame.assign(income=random_frame["income"] - 1e6 * (random_frame["village"] == 20))
    result = reweight(make_study(far), "income")
    assert 0 < result.weights[20] < ROUNDING
    without = reweight(make_study(random_frame[random_frame["village"] != 20]), "income").weights
    assert result.weights[without.index[6:]].to_numpy() / 40 == pytest.approx(without[6:] / 39, abs=ROUNDING)
    assert np.isfinite(did(result.study, "income", weights=WEIGHT).headline()["std_error"])


def test_out_of_reach_says_which_moment_and_how_far(hand):
    frame = hand.assign(income=hand["income"] + 12.5 * (hand["village"] < 6))
    message = (
        "No weights on the untreated villages meet the treated means; the nearest miss income: level (20, not 30). "
        "Inside and outside are too unlike: balance fewer outcomes, or compare in logs."
    )
    with pytest.raises(StudyError, match=f"^{re.escape(message)}$"):
        reweight(make_study(frame), "income")


def test_jointly_out_of_reach():
    # Levels (mean of 2000-04) 16, 22 and 11 with changes 3, 1 and 0.5: 20 and 2.5 lie within both ranges but above the
    # line from (16, 3) to (22, 1), which has 17.5 at 2.5 and 5/3 at 20.
    frame = make_frame(
        [15.0] * 6 + [10.0] * 6 + [20.0] * 6 + [10.0] * 6, [2.5] * 6 + [3.0] * 6 + [1.0] * 6 + [0.5] * 6, 6
    )
    either = r"(level \(17\.5, not 20\)|change per year \(1\.667, not 2\.500\))"
    with pytest.raises(StudyError, match=f"the nearest miss income: {either}"):
        reweight(make_study(frame), "income")


def test_edge_of_reach_leaves_the_others_next_to_nothing(hand):
    result = reweight(make_study(hand.assign(income=hand["income"] + 2.5 * (hand["village"] < 6))), "income")
    assert result.weights[6:].tolist() == pytest.approx([0.0] * 6 + [2.0] * 6, abs=ROUNDING)
    assert result.weights.min() > 0


def test_extreme_weights_are_refused_with_the_effective_numbers():
    frame = make_frame([19.9] * 6 + [10.0] * 6 + [20.0] * 2, [0.0] * 14, treated=6)
    # Shares .01 and .99 of 8 villages: pairs .01/3 thrice and .99, 1 / (.99^2 + .01^2 / 3) = 1.020 groups,
    # and 1 / (.99^2 / 2 + .01^2 / 6) = 2.041 villages.
    with pytest.raises(StudyError, match=r"on 1\.020 groups' worth of villages \(2\.041 of 8 villages\): too few"):
        reweight(make_study(frame), "income")


def test_other_errors(random_frame):
    study = make_study(random_frame)
    with pytest.raises(StudyError, match="has a column 'balancing_weight' already"):
        reweight(reweight(study, "income").study, "income")
    with pytest.raises(StudyError, match="'income' is known in 1 year before 2005; a yearly change needs two"):
        reweight(make_study(random_frame[random_frame["year"] >= 2004]), "income")
    treated_gap = random_frame["start"].notna() & (random_frame["year"] == 2001)
    with pytest.raises(StudyError, match="No treated village has income in every year before 2005"):
        reweight(make_study(random_frame.assign(income=random_frame["income"].mask(treated_gap))), "income")
    with pytest.raises(StudyError, match=r"then estimate by did\(reweighting.study, 'income', weights='balancing_w"):
        reweight(study, "income", scale="poisson")
    with pytest.raises(StudyError, match='scale="log" needs values above zero'):
        reweight(make_study(random_frame.assign(income=-random_frame["income"])), "income", scale="log")


def simulated(seed: int, **selection: float) -> Study:
    """The simulated study without effects and dirt, with the selection asked for."""
    villages = read_table("villages").query("committee == 'village_committee'")
    membership = read_table("membership")
    switches = {"effect": False, "spillover": 0.0, "dirt": False} | selection
    drawn = simulate_panel(villages, membership, shock_groups(villages, membership), seed=seed, **switches)
    panel = drawn.panel.merge(membership[["village_code", "first_treated", "district_id"]], "left", "village_code")
    names = {"unit": "village_code", "time": "year", "group": "district_id", "stratum": "town_code"}
    return Study.from_frame(panel, **names, first_treated="first_treated", placebo_group_size=5, provenance="simulated")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_selection_on_trend_is_reduced_but_not_removed(seed):
    # Districts grow 0.1 log points a year faster: 0.45 between the middles of 2016-22 and 2023-24. Other villages' own
    # growth is passing shocks only, so that those like the districts before fall back after (regression to the mean).
    study = simulated(seed, selection_trend=0.1)
    plain = did(study, "collective_income_cny", scale="log").value
    weighted = did(
        reweight(study, "collective_income_cny", scale="log").study,
        "collective_income_cny",
        scale="log",
        weights=WEIGHT,
    ).value
    assert 0 < weighted < 0.9 * plain


def test_for_an_effect_in_per_cent_totals_grow_alike_after_weighting():
    generator = np.random.default_rng(8)
    levels = np.r_[generator.lognormal(4.5, 1, 8), generator.lognormal(4, 1, 80)]
    rates = np.r_[np.full(8, 0.02), generator.normal(0.05, 0.03, 80)]
    frame = make_frame(levels, levels * rates, treated=8)
    # Some villages have nothing in some years, and one in none: money has no share of it to grow by.
    frame.loc[frame["village"].isin([20, 21]) & (frame["year"] < 2003), "income"] = 0.0
    frame.loc[frame["village"] == 22, "income"] = 0.0
    study = make_study(frame, outcomes={"income": Outcome("income", unit="CNY")})
    result = reweight(study, "income")
    before = result.study.frame.query("time < @START")
    totals = before["income"].mul(before[WEIGHT]).groupby([before["first_treated"].notna(), before["time"]]).sum()
    inside, outside = (np.polyfit(YEARS[:5], totals[there], 1)[0] / totals[there].mean() for there in (True, False))
    assert outside == pytest.approx(inside, abs=ROUNDING)
    plain = before.groupby([before["first_treated"].notna(), "time"])["income"].sum()[False]
    assert abs(np.polyfit(YEARS[:5], plain, 1)[0] / plain.mean() - inside) > 0.01
    said = f"Before, totals grew by {100 * inside:.1f} % a year inside and "
    assert said in same_promise(study, "income").found
    assert f"reweighted by {100 * inside:.1f} %." in same_promise(study, "income").found
