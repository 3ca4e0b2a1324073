"""Effects in per cent: Poisson regression against R, against other software, by hand, and what cannot change it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyfixest
import pytest
import statsmodels.api as sm

from analysis import Outcome, Study, StudyError, did, event_study
from analysis.regression import poisson
from analysis.regression.sample import select_sample

# pyfixest uses a pandas keyword that is on its way out.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore::FutureWarning:pyfixest")

REFERENCE = Path(__file__).parents[1] / "reference"
# R's own iterations stop at 1e-8 of the deviance; its values agree to about 1e-11.
R = 1e-6
# pyfixest demeans iteratively in both directions, and stops at 1e-8.
COEFFICIENT, STD_ERROR = 1e-8, 1e-6
# Sums taken in another order differ by rounding alone, about 1e-13 here; this leaves a margin.
SAME = 1e-10
# Controls that differ by 1e-8 of themselves are known to as much of their difference.
NEARLY_ONE = 1e-6
DESIGN = {"unit": "unit", "time": "year", "first_treated": "first_treated", "group": "group"}
KEYS = {"two_way": "pooled", "saturated": "cells_after"}


def make_study(name: str = "poisson_panel", **options: object) -> Study:
    return Study.from_frame(pd.read_csv(REFERENCE / f"{name}.csv"), **DESIGN, **options)


def known(name: str, key: str) -> dict:
    return json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))[key]["CR2"]


def differing(panel: pd.DataFrame, seed: int = 7) -> pd.DataFrame:
    """The panel with a control, a weight of whole numbers, and an income in place of the count."""
    draw = np.random.default_rng(seed)
    panel["rain"], panel["people"] = draw.normal(50, 10, len(panel)), draw.integers(1, 4, len(panel))
    return panel


@pytest.fixture(scope="module")
def panel():
    return differing(pd.read_csv(REFERENCE / "poisson_staggered.csv"))


@pytest.mark.parametrize(
    ("name", "estimator"),
    [("poisson_panel", "two_way"), ("poisson_panel", "saturated"), ("poisson_staggered", "saturated")],
)
def test_ratio_of_totals_its_cr2_error_and_degrees_of_freedom_are_those_of_r(name, estimator):
    wanted = known(name, KEYS[estimator])["ratio_of_totals"]
    estimate = did(make_study(name), "y", scale="poisson", estimator=estimator)
    test = estimate.inference("cr2").loc["cr2"]
    observed, counterfactual = estimate.fitted.cell_totals()
    found = [estimate.value, test["std_error"], test["df"], observed.sum(), counterfactual.sum()]
    keys = ["log_ratio", "std_error", "df", "observed_total", "counterfactual_total"]
    assert found == pytest.approx([wanted[key] for key in keys], rel=R)
    assert estimate.effect.gradient == pytest.approx(list(wanted["weights"].values()), rel=R)


@pytest.mark.parametrize("name", ["poisson_panel", "poisson_staggered"])
def test_every_event_time_is_its_own_ratio_of_totals_as_in_r(name):
    study, wanted = make_study(name), known(name, "saturated")
    result = event_study(study, "y", scale="poisson", estimator="saturated")
    for time in (-2, 0, 1):
        estimate, of_r = result.estimate(time), wanted[f"ratio_event_{time}"]
        test = estimate.inference("cr2").loc["cr2"]
        assert [estimate.value, test["std_error"], test["df"]] == pytest.approx(
            [of_r["log_ratio"], of_r["std_error"], of_r["df"]], rel=R
        )
    assert result.average().value == pytest.approx(wanted["ratio_of_totals"]["log_ratio"], rel=R)


@pytest.mark.parametrize("options", [{}, {"controls": ["rain"]}, {"weights": "people"}], ids=str)
def test_coefficient_and_cr1_error_are_those_of_pyfixest(panel, options):
    study = Study.from_frame(panel, **DESIGN)
    estimate = did(study, "y", scale="poisson", estimator="two_way", **options)
    panel = panel.assign(treated=(panel["year"] >= panel["first_treated"]).astype(float))
    formula = "y ~ " + " + ".join(["treated", *options.get("controls", [])]) + " | unit + year"
    if "weights" in options:
        # Integer weights are as many rows alike.
        panel = panel.loc[panel.index.repeat(panel["people"])]
        panel["unit"] += "_" + panel.groupby(["unit", "year"]).cumcount().astype(str)
        formula = formula.replace("unit +", "village +")
        panel["village"] = panel["unit"].str.split("_").str[0]
    fit = pyfixest.fepois(formula, panel, vcov={"CRV1": "group"}, iwls_tol=1e-12)
    assert estimate.value == pytest.approx(fit.coef()["treated"], abs=COEFFICIENT)
    if not options.get("weights"):
        assert estimate.inference("cr1").loc["cr1", "std_error"] == pytest.approx(fit.se()["treated"], rel=STD_ERROR)


def test_controls_that_are_nearly_one_answer_as_two_that_are_not(panel):
    """Their span is the same; normal equations alone would lose it, as rounding times the condition's square is one."""
    wind = np.random.default_rng(8).normal(50, 10, len(panel))
    study = Study.from_frame(panel.assign(wind=wind, nearly=panel["rain"] + 1e-8 * wind), **DESIGN)
    plain, near = (did(study, "y", scale="poisson", controls=["rain", name]) for name in ("wind", "nearly"))
    assert near.value == pytest.approx(plain.value, rel=NEARLY_ONE)
    assert near.fitted.mean == pytest.approx(plain.fitted.mean, rel=NEARLY_ONE)


def test_coefficients_and_fitted_means_are_those_of_a_poisson_glm_with_dummies(panel):
    study = Study.from_frame(panel, **DESIGN)
    fitted = event_study(study, "y", scale="poisson", estimator="saturated", controls=["rain"]).fitted
    frame = fitted.sample.frame
    cells = fitted.cell_of_row[:, None] == np.arange(len(fitted.cells))
    dummies = [pd.get_dummies(frame["unit"]), pd.get_dummies(frame["time"]).iloc[:, 1:], pd.DataFrame(cells)]
    design = np.column_stack([*dummies, fitted.sample.controls]).astype(float)
    glm = sm.GLM(fitted.sample.outcome, design, family=sm.families.Poisson()).fit(tol=1e-12, tol_criterion="params")
    wanted = glm.params[-len(fitted.cells) - 1 :]
    assert [*fitted.coefficients, fitted.results.params["rain"]] == pytest.approx(wanted, abs=COEFFICIENT)
    assert fitted.mean == pytest.approx(glm.mu, rel=COEFFICIENT)


# Two treated villages (from 2023) and two others, one of them without income in one year: totals by side and year.
#            2021 2022 2023
# treated      10   20   45
# untreated    20   20   30
# ratio of ratios of sums: (45 / (10 + 20)) / (30 / (20 + 20)) = 1.5 / 0.75 = 2
# by village: T1 would have had 12 * 0.75 = 9, T2 18 * 0.75 = 13.5, and 45 / (9 + 13.5) = 2
HAND = {"T1": [4, 8, 40], "T2": [6, 12, 5], "U1": [20, 10, 15], "U2": [0, 10, 15]}


def make_hand_study(**extra: list) -> Study:
    panel = pd.DataFrame(HAND | extra, index=pd.RangeIndex(2021, 2024, name="year")).melt(
        ignore_index=False, var_name="village", value_name="income"
    )
    panel = panel.reset_index().assign(start=lambda p: p["village"].str[0].map({"T": 2023}))
    return Study.from_frame(panel, unit="village", time="year", first_treated="start")


@pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")
def test_on_a_complete_panel_with_one_start_it_is_the_ratio_of_ratios_of_sums():
    for estimator in ("two_way", "saturated", "by_group"):
        estimate = did(make_hand_study(), "income", scale="poisson", estimator=estimator)
        assert np.exp(estimate.value) == pytest.approx(2, rel=SAME)


@pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")
def test_villages_zero_in_every_year_and_years_zero_for_all_leave_first_and_are_counted():
    study = make_hand_study(T3=[0, 0, 0], U3=[0, 0, 0])
    estimate = did(study, "income", scale="poisson")
    assert estimate.fitted.sample.dropped == {"village zero in every year": 6}
    assert (estimate.rows, estimate.villages) == (12, 4)
    assert np.exp(estimate.value) == pytest.approx(2, rel=SAME)
    assert estimate.fitted.sample.always_zero["unit"].unique().tolist() == ["T3", "U3"]
    frame = study.frame.assign(income=study.frame["income"].where(study.frame["time"] != 2021, 0))
    sample = select_sample(replace(study, frame=frame), "income", scale="poisson")
    assert sample.dropped == {"village zero in every year": 6, "year zero for every village": 4}
    assert sorted(sample.frame["time"].unique()) == [2022, 2023]
    assert set(sample.always_zero["time"]) == {2022, 2023}


@pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")
def test_negative_values_are_refused_with_their_rows_and_both_ways_out():
    study = make_hand_study(U3=[1, -2, 3])
    message = (
        "scale=\"poisson\" needs values of zero or more, but 'income' is negative in 1 row: U3 in 2022. Correct these "
        'values or leave the rows out, or analyse levels (scale="level"), where losses count.'
    )
    with pytest.raises(StudyError) as error:
        did(study, "income", scale="poisson")
    assert str(error.value) == message


def test_an_unknown_scale_is_refused_with_the_known_ones(panel):
    with pytest.raises(StudyError, match="scale must be one of level, log, poisson here, not 'percent'"):
        did(Study.from_frame(panel, **DESIGN), "y", scale="percent")


def numbers(study: Study, **options: object) -> list[float]:
    """The effect, each event time, and what every cluster-robust method says of it."""
    estimate = did(study, "y", scale="poisson", **options)
    tests = estimate.inference(["cr1", "cr2", "cr3"])[["std_error", "df", "low", "high"]].to_numpy()
    events = event_study(study, "y", scale="poisson", **options)
    return [estimate.value, *tests.ravel(), *(effect.value for effect in events.effects)]


def test_the_unit_of_money_the_order_of_rows_and_names_cannot_change_it(panel):
    wanted = numbers(Study.from_frame(panel, **DESIGN))
    renamed = panel.assign(unit=panel["unit"].map(lambda name: f"x{hash(name) % 97}-{name}"))
    for other in (panel.assign(y=panel["y"] / 10_000), panel.sample(frac=1, random_state=1), renamed):
        assert numbers(Study.from_frame(other, **DESIGN)) == pytest.approx(wanted, rel=SAME, abs=SAME)


def test_whole_weights_are_villages_that_stand_as_often(panel):
    heavy = panel.assign(people=panel["unit"].str[-1].astype(int) % 3 + 1)
    twice = heavy.loc[heavy.index.repeat(heavy["people"])]
    twice["unit"] += "_" + twice.groupby(["unit", "year"]).cumcount().astype(str)
    weighted = did(Study.from_frame(heavy, **DESIGN), "y", scale="poisson", weights="people")
    repeated = did(Study.from_frame(twice, **DESIGN), "y", scale="poisson")
    assert weighted.value == pytest.approx(repeated.value, abs=SAME)
    errors = [estimate.inference("cr2").loc["cr2", ["std_error", "df"]] for estimate in (weighted, repeated)]
    assert errors[0].tolist() == pytest.approx(errors[1].tolist(), rel=SAME)


def make_large_panel(villages: int = 1000, seed: int = 11) -> pd.DataFrame:
    """Villages of forty groups in skewed incomes, 5 % of rows and 3 % of incomes gone, two start years."""
    draw = np.random.default_rng(seed)
    panel = pd.DataFrame([(v, year) for v in range(villages) for year in range(2015, 2024)], columns=["unit", "year"])
    group = np.sort(draw.integers(0, 40, villages))
    panel["group"] = group[panel["unit"]]
    panel["first_treated"] = panel["group"].map({g: 2020 + g % 2 for g in range(0, 40, 5)})
    level, shock = draw.lognormal(3, 1, villages), draw.normal(0, 0.2, (40, 9))
    panel["y"] = level[panel["unit"]] * np.exp(shock[panel["group"], panel["year"] - 2015])
    panel["y"] *= np.exp(0.2 * (panel["year"] >= panel["first_treated"])) * draw.lognormal(0, 0.4, len(panel))
    panel.loc[draw.random(len(panel)) < 0.03, "y"] = 0
    panel.loc[panel["unit"] % 97 == 0, "y"] = 0
    return panel[draw.random(len(panel)) > 0.05].reset_index(drop=True)


def test_collapsed_villages_give_the_numbers_of_all_of_them():
    study = Study.from_frame(make_large_panel(), **DESIGN)
    whole, collapsed = (numbers(study, collapse=collapse) for collapse in (False, True))
    assert collapsed == pytest.approx(whole, rel=SAME, abs=SAME)
    whole, collapsed = (did(study, "y", scale="poisson", collapse=collapse) for collapse in (False, True))
    assert (whole.rows, whole.villages, whole.fitted.sample.dropped) == (
        collapsed.rows,
        collapsed.villages,
        collapsed.fitted.sample.dropped,
    )
    assert len(collapsed.fitted.sample.frame) < whole.rows


def rounds(monkeypatch: pytest.MonkeyPatch, study: Study, **options: object) -> int:
    calls = []
    counted = poisson.working_regression
    monkeypatch.setattr(poisson, "working_regression", lambda mean, sample: calls.append(1) or counted(mean, sample))
    did(study, "y", scale="poisson", **options)
    monkeypatch.undo()
    return len(calls)


def test_a_finite_answer_takes_few_rounds_however_large_the_effect(monkeypatch):
    panel = make_large_panel()
    for factor in (0.01, 1, 100):
        treated = panel["year"] >= panel["first_treated"]
        study = Study.from_frame(panel.assign(y=panel["y"].where(~treated, factor * panel["y"])), **DESIGN)
        assert rounds(monkeypatch, study) <= 8 < poisson.ROUNDS_BEFORE_DOUBT


def test_known_effects_without_noise_are_found_exactly():
    panel = make_large_panel(200)
    villages = np.random.default_rng(3).lognormal(8, 1, 200)
    mean = villages[panel["unit"]] * (1 + (panel["year"] - 2015) / 10)
    path = {(2020, 0): 0.1, (2020, 1): 0.3, (2020, 2): 0.4, (2020, 3): 0.5, (2021, 0): -0.2, (2021, 1): 0, (2021, 2): 1}
    events = list(zip(panel["first_treated"], panel["year"] - panel["first_treated"], strict=True))
    effect = np.array([path.get(event, 0.0) for event in events])
    study = Study.from_frame(panel.assign(y=mean * np.exp(effect)), **DESIGN)
    under_treatment = panel["year"] >= panel["first_treated"]
    estimate = did(study, "y", scale="poisson")
    observed, without = (total[under_treatment].sum() for total in (mean * np.exp(effect), mean))
    assert estimate.value == pytest.approx(np.log(observed / without), abs=SAME)
    # Not the average of the cells' coefficients.
    assert abs(estimate.effect.gradient @ estimate.fitted.coefficients - estimate.value) > 0.02


@pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")
def test_a_treated_year_without_a_positive_untreated_value_is_left_out_and_counted():
    panel = {"T1": [4, 8, 45, 20], "T2": [6, 12, 0, 10], "U1": [20, 10, 15, 0], "U2": [0, 10, 15, 0]}
    frame = pd.DataFrame(panel, index=pd.RangeIndex(2021, 2025, name="year")).melt(
        ignore_index=False, var_name="village", value_name="income"
    )
    frame = frame.reset_index().assign(start=lambda p: p["village"].str[0].map({"T": 2023}))
    study = Study.from_frame(frame, unit="village", time="year", first_treated="start")
    estimate = did(study, "income", scale="poisson")
    assert np.exp(estimate.value) == pytest.approx(2, rel=SAME)
    assert estimate.fitted.sample.dropped == {"2024 has no untreated village above zero": 4}


def test_log_of_an_outcome_is_the_log_scale(panel):
    study = Study.from_frame(panel[panel["y"] > 0], **DESIGN, outcomes={"y": Outcome("y", scale="log")})
    assert did(study, "y").value == did(study, "y", scale="log").value
