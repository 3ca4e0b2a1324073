"""Tests of a Poisson regression at any null: full enumeration by statsmodels, exact shifts, and size."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from analysis import Study, did, event_study
from analysis.effects.estimate import Estimate
from analysis.inference.cluster_pieces import cluster_codes, cluster_pieces
from analysis.inference.score_tests import BOUND_TOLERANCE, NullFits
from analysis.inference.wild_bootstrap import bootstrap_draws, random_weights

pytestmark = pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")

# Fitted means settle to 1e-12 (a round beyond 1e-6); statistics by two routes lose some digits more.
TWO_ROUTES = 1e-6
YEARS = range(2018, 2024)


def panel(seed: int, groups: int = 8, treated: int = 3, effect: float = 0.0, zeros: float = 0.05) -> pd.DataFrame:
    """Villages of unlike size in groups with common shocks, growth in per cent, some zeros, gaps, treated from 2021."""
    draw = np.random.default_rng(seed)
    rows = []
    for group in range(groups):
        shock = 0.2 * draw.normal(size=len(YEARS))
        for village in range(3):
            size = np.exp(1.0 + draw.normal())
            for number, year in enumerate(YEARS):
                inside = group < treated and year >= 2021
                mean = size * np.exp(0.1 * number + shock[number] + 0.3 * draw.normal() + effect * inside)
                value = 0.0 if draw.random() < zeros else mean
                rows.append((f"g{group}v{village}", year, 2021 if group < treated else None, f"g{group}", value))
    frame = pd.DataFrame(rows, columns=["village", "year", "start", "group", "income"])
    return frame[draw.random(len(frame)) > 0.05]


def study_of(frame: pd.DataFrame) -> Study:
    return Study.from_frame(frame, unit="village", time="year", first_treated="start", group="group")


def effect_of(frame: pd.DataFrame) -> Estimate:
    return did(study_of(frame), "income", scale="poisson")


def test_the_p_value_of_randomization_is_full_enumeration_on_statsmodels_null_fit() -> None:
    estimate = effect_of(panel(3))
    sample = estimate.fitted.sample
    frame = sample.frame.assign(income=sample.outcome, after=sample.frame["time"] >= 2021)
    units, years = (pd.get_dummies(frame[name], dtype=float) for name in ("unit", "time"))
    base = np.column_stack([units, years.iloc[:, 1:]])
    mean = sm.GLM(frame["income"], base, family=sm.families.Poisson()).fit(tol=1e-14, maxiter=200).fittedvalues
    working = np.log(mean) + (frame["income"] - mean) / mean
    groups = frame["group"].astype(str)
    names, statistics = sorted(groups.unique()), {}
    for chosen in combinations(names, 3):
        treated = (groups.isin(chosen) & frame["after"]).to_numpy(dtype=float)
        fitted = sm.WLS(working, np.column_stack([base, treated]), weights=mean).fit(
            cov_type="cluster", cov_kwds={"groups": pd.factorize(groups)[0]}
        )
        statistics[chosen] = abs(fitted.tvalues.iloc[-1])
    reached = sum(value >= statistics["g0", "g1", "g2"] * (1 - TWO_ROUTES) for value in statistics.values())
    test = estimate.inference("randomization").iloc[0]
    assert test["p_value"] == pytest.approx(reached / len(statistics), abs=1e-12)
    assert "56 assignments" in test["note"]


@pytest.mark.parametrize("method", ["wild_bootstrap", "randomization"])
def test_an_effect_multiplied_into_treated_cells_moves_the_interval_by_exactly_that(method: str) -> None:
    frame, shift = panel(5, groups=10), 0.7
    inside = frame["start"].notna() & (frame["year"] >= 2021)
    moved = frame.assign(income=frame["income"].where(~inside, frame["income"] * np.exp(shift)))
    plain, more = (effect_of(f).inference(method, draws=199).iloc[0] for f in (frame, moved))
    bisected = BOUND_TOLERANCE * (plain["std_error"] + more["std_error"]) * 5
    ends = ["low", "high"]
    assert np.isfinite(plain[ends].astype(float)).all()
    assert more[ends].to_numpy(dtype=float) == pytest.approx(plain[ends].to_numpy(dtype=float) + shift, abs=bisected)


def test_the_score_is_zero_at_the_estimate() -> None:
    estimate = effect_of(panel(7))
    _, distance = NullFits(estimate.fitted, estimate.effect, others=True).at(estimate.value)
    assert distance.value == pytest.approx(0, abs=0.002), "zero to the second order: the null's weights are its own"
    _, distance = NullFits(estimate.fitted, estimate.effect, others=True).at(0.0)
    assert distance.value == pytest.approx(estimate.value, abs=0.1), "and near the effect itself at the null of none"


def test_an_interval_holds_the_estimate_and_agrees_with_its_own_test() -> None:
    estimate = effect_of(panel(11, groups=12, treated=4, effect=0.8))
    for method in ("wild_bootstrap", "randomization"):
        test = estimate.inference(method, draws=499).iloc[0]
        assert test["low"] < estimate.value < test["high"]
        assert (test["p_value"] <= 0.05) == (not test["low"] <= 0 <= test["high"])


def test_event_times_have_a_null_of_their_own_and_slopes_no_interval() -> None:
    events = event_study(study_of(panel(13, groups=9, treated=4)), "income", scale="poisson")
    tests = events.estimate(0).inference(["wild_bootstrap", "randomization"], draws=199)
    assert np.isfinite(tests[["low", "high"]].to_numpy(dtype=float)).all()
    slope = events.pretrend().slope.inference(["wild_bootstrap", "randomization"], draws=199)
    assert np.isfinite(slope["p_value"].to_numpy(dtype=float)).all()
    assert slope[["low", "high"]].isna().to_numpy().all()
    assert "sets years against each other" in slope["note"].iloc[1]


def test_many_clusters_have_fewer_draws_and_the_note_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.inference.methods.MOST_NUMBERS", 12 * 150)
    monkeypatch.setattr("analysis.inference.methods.FEWEST_DRAWS", 99)
    frame = panel(11, groups=12, treated=4)
    test = effect_of(frame).inference("wild_bootstrap", draws=499).iloc[0]
    assert test["note"].startswith("150 ")
    level = did(study_of(frame), "income", scale="level").inference("wild_bootstrap", draws=499).iloc[0]
    assert level["note"].startswith("499 ")


def redrawn(study: Study, seed: int) -> Study:
    """The design of a panel with outcomes of the same kind drawn anew."""
    draw, rows = np.random.default_rng(seed), study.frame
    group, village, year = (pd.factorize(rows[name])[0] for name in ("group", "unit", "time"))
    size, shock = draw.normal(1, 1, village.max() + 1), 0.2 * draw.normal(size=(group.max() + 1, len(YEARS)))
    logs = size[village] + shock[group, year] + 0.1 * year + 0.3 * draw.normal(size=len(rows))
    return replace(study, frame=rows.assign(income=np.where(draw.random(len(rows)) < 0.05, 0.0, np.exp(logs))))


def test_size_of_the_score_bootstrap_with_five_treated_groups() -> None:
    """No effect in 120 panels of 24 groups: a 5 % test rejects about 5 % of the time."""
    panels, rejected, study = 120, 0, study_of(panel(1000, groups=24, treated=5))
    for seed in range(panels):
        estimate = did(redrawn(study, seed), "income", scale="poisson")
        fitted, distance = NullFits(estimate.fitted, estimate.effect, others=True).at(0.0)
        pieces = cluster_pieces(fitted, distance, cluster_codes(fitted, "group"))
        drawn = bootstrap_draws(pieces, random_weights("webb", len(pieces.treated), 199, seed), enumerated=False)
        rejected += drawn.p_value(distance.value) <= 0.05
    assert rejected / panels == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / panels))
