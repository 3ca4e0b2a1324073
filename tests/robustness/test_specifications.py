"""Every specification is there, each is the estimate it says it is, and the study's own is marked."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis import Study, did, load_study
from analysis.presentation.curves import plot_specifications
from analysis.robustness.specifications import every_specification, specification_curve

ROUNDING = 1e-12


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study()


@pytest.fixture(scope="module")
def choices(study) -> dict:
    frame = study.frame
    treated_strata = frame["stratum"].isin(frame.loc[frame["first_treated"].notna(), "stratum"])
    everything = pd.Series(True, index=frame.index)
    return {
        "samples": {"all years": everything, "from 2019": frame["time"] >= 2019},
        "comparisons": {"all untreated villages": everything, "other strata": ~treated_strata},
        "weights": ["households"],
        "controls": ["rural_income_per_head_cny"],
    }


@pytest.fixture(scope="module")
def curve(study, choices) -> pd.DataFrame:
    return specification_curve(study, study.primary_outcome, **choices)


def test_every_combination_is_there_once_in_ascending_order(curve):
    assert len(curve) == 3 * 2**4
    assert not curve.duplicated(["scale", "sample", "comparison", "weights", "controls"]).any()
    assert curve["per_cent"].is_monotonic_increasing
    assert (curve["low"] < curve["per_cent"]).all()
    assert (curve["per_cent"] < curve["high"]).all()


def test_the_marked_one_is_the_headline(study, curve):
    own = curve[curve["own"]]
    assert len(own) == 1
    assert own.iloc[0][["scale", "weights", "controls"]].tolist() == [
        study.scale_of(study.primary_outcome),
        "none",
        "none",
    ]
    assert own.iloc[0]["estimate"] == did(study, study.primary_outcome).value


def test_money_declared_in_levels_is_tried_in_per_cent_too_unless_it_falls_below_zero(study):
    outcome, few = study.primary_outcome, study.subset(study.frame["time"] >= 2021)
    described, values = few.outcomes[outcome], few.frame[outcome]
    lower = values.where(values.index > 0, -1.0)
    for declared, column, tried in (({}, values, 3), ({}, lower, 2), ({"unit": "mu"}, values, 2)):
        described_so = {outcome: dataclasses.replace(described, scale="level", **declared)}
        frame = few.frame.assign(**{outcome: column})
        curve = specification_curve(dataclasses.replace(few, outcomes=described_so, frame=frame), outcome)
        assert set(curve["scale"]) == {"level", "log", *["poisson"][: tried - 2]}
        assert curve.loc[curve["own"], "scale"].tolist() == ["level"]


def test_a_studys_own_controls_and_weights_are_marked_beside_none_and_more(study):
    outcome = study.primary_outcome
    logs = {outcome: dataclasses.replace(study.outcomes[outcome], scale="log")}
    own = dataclasses.replace(study, outcomes=logs, controls=("rural_income_per_head_cny",), weights="households")
    own = own.subset(own.column(outcome) > 0)
    curve = specification_curve(own, outcome, controls=["tourist_visits"])
    assert sorted(curve["weights"].unique()) == ["households", "none"]
    both = "rural_income_per_head_cny, tourist_visits"
    assert sorted(curve["controls"].unique()) == ["none", "rural_income_per_head_cny", both]
    assert len(curve) == 3 * 2 * 3
    marked = curve[curve["own"]]
    assert marked[["scale", "weights", "controls"]].to_numpy().tolist() == [
        ["log", "households", "rural_income_per_head_cny"]
    ]
    assert marked["estimate"].item() == did(own, outcome).value
    plain = curve.query("scale == 'log' and weights == 'none' and controls == 'none'")
    assert plain["estimate"].item() == did(own, outcome, controls=(), weights="none").value


def test_a_row_is_the_estimate_of_its_choices(study, choices, curve):
    row = curve.query(
        "scale == 'log' and sample == 'from 2019' and comparison == 'other strata' and weights == 'households' "
        "and controls == 'rural_income_per_head_cny'"
    ).iloc[0]
    outcome, frame = study.primary_outcome, study.frame
    kept = choices["samples"]["from 2019"] & (choices["comparisons"]["other strata"] | frame["first_treated"].notna())
    positive = ~study.column(outcome).le(0)
    options = {"scale": "log", "weights": "households", "controls": ["rural_income_per_head_cny"]}
    estimate = did(study.subset(kept & positive), outcome, **options)
    test = estimate.headline()
    assert row["estimate"] == pytest.approx(estimate.value, rel=ROUNDING)
    assert row["high"] == pytest.approx(100 * (np.exp(test["high"]) - 1), rel=ROUNDING)
    assert row["left_out"] == (kept & ~positive).sum() > 0
    assert row["p_value"] == pytest.approx(test["p_value"], rel=ROUNDING)


def test_intervals_in_per_cent_are_those_of_the_level(study, curve):
    # Each end is a share of the counterfactual mean it implies: the treated villages' mean less that end.
    chosen = (
        "scale == 'level' and sample == 'all years' and weights == controls == 'none' and comparison.str[:3] == 'all'"
    )
    row = curve.query(chosen).iloc[0]
    estimate = did(study, study.primary_outcome, scale="level")
    treated = estimate.value + 100 * estimate.value / estimate.percent
    rows = study.frame[study.frame["time"] >= study.frame["first_treated"]]
    assert treated == pytest.approx(study.column(study.primary_outcome)[rows.index].mean(), rel=ROUNDING)
    low, high = estimate.headline()[["low", "high"]]
    assert row["low"] == pytest.approx(100 * low / (treated - low), rel=ROUNDING)
    assert row["high"] == pytest.approx(100 * high / (treated - high), rel=ROUNDING)


def test_an_interval_that_reaches_the_whole_mean_has_no_upper_end_in_per_cent():
    # Four treated villages gain 0 to 300 on a mean of about 250: the interval's upper end is beyond what they have.
    index = pd.MultiIndex.from_product([range(16), range(2019, 2024)], names=["village", "year"])
    frame = index.to_frame(index=False)
    frame["start"] = np.where(frame["village"] < 4, 2022, np.nan)
    frame["income"] = 50.0 + np.random.default_rng(3).uniform(0, 9, len(frame))
    frame["income"] += (frame["year"] >= 2022) * (frame["village"] < 4) * 250 * frame["village"]
    wide = Study.from_frame(frame, unit="village", time="year", first_treated="start", outcomes=["income"])
    curve = specification_curve(wide, "income")
    level = curve[curve["scale"] == "level"].iloc[0]
    assert np.isinf(level["high"])
    assert np.isfinite(level[["low", "per_cent"]].to_numpy(dtype=float)).all()
    axes = plot_specifications(curve, wide, "income")
    assert np.isfinite(axes[0].get_ylim()).all()


def test_effects_without_a_share_are_drawn_in_their_own_unit(study):
    outcome, level = study.primary_outcome, dataclasses.replace(study.outcomes[study.primary_outcome], scale="level")
    loss = dataclasses.replace(
        study, frame=study.frame.assign(**{outcome: study.frame[outcome] - 400_000}), outcomes={outcome: level}
    )
    curve = specification_curve(loss, outcome, weights=["households"])
    levels, logs = curve[curve["scale"] == "level"], curve[curve["scale"] == "log"]
    assert levels["per_cent"].isna().all()
    assert levels.index.min() > logs.index.max() or logs["estimate"].isna().all()
    own = curve[curve["own"]].iloc[0]
    test = did(loss, outcome).frame().iloc[0]
    assert own[["estimate", "estimate_low", "estimate_high"]].tolist() == test[["estimate", "low", "high"]].tolist()
    *effects, _ = plot_specifications(curve, loss, outcome)
    assert effects[-1].get_ylabel() == "Effect (CNY)"
    marked = [line.get_ydata().tolist() for line in effects[-1].lines if line.get_markersize() == 7]
    assert marked == [[own["estimate"]]]
    title = effects[0].get_title(loc="left") + effects[0].get_title()
    assert "2 without a share" in title


def test_intervals_that_all_include_zero_are_said_to(study):
    assert " All 108 intervals include zero. " in every_specification(study, study.primary_outcome).found
    treated = (study.frame["time"] >= study.frame["first_treated"]).fillna(False)
    income = study.frame[study.primary_outcome] * np.where(treated, 9.0, 1.0)
    gained = dataclasses.replace(study, frame=study.frame.assign(**{study.primary_outcome: income}))
    assert " intervals exclude zero. " in every_specification(gained, study.primary_outcome).found


def test_what_cannot_be_estimated_stays_in_the_curve(study):
    empty = pd.Series(False, index=study.frame.index)
    samples = {"all years": ~empty, "no village": empty}
    curve = specification_curve(study, study.primary_outcome, samples=samples)
    lost = curve[curve["per_cent"].isna()]
    assert len(lost) == 3
    assert lost["note"].str.len().min() > 0
    axes = plot_specifications(curve, study, study.primary_outcome)
    assert (
        axes[0].get_title(loc="left") + axes[0].get_title()
        == "Village collective income: 6 specifications, 3 without an estimate (simulated data)"
    )


def test_the_figure_draws_every_interval_and_marks_the_studys_own(study, curve):
    effects, choices = plot_specifications(curve, study, study.primary_outcome)
    drawn = np.concatenate([line.get_xdata() for line in effects.lines if line.get_marker() == "o"])
    assert sorted(drawn) == list(range(48))
    marked = [line.get_xdata().tolist() for line in effects.lines if line.get_markersize() == 7]
    assert marked == [[curve.index[curve["own"]].item()]]
    labels = [label.get_text() for label in choices.get_yticklabels()]
    assert labels[-1] == "scale: Poisson"
    assert "weights: households" in labels
