"""Effects in per cent: what they come to in money, whose money they rest on, and how they are said."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Outcome, Study, StudyError, did, event_study, load_study
from analysis.effects.randomization import randomization
from analysis.effects.ratio_of_totals import dominance
from analysis.language.labels import term
from analysis.messages import FewTreatedGroupsWarning, fixed, floored

REFERENCE = Path(__file__).parents[1] / "reference"
DESIGN = {"unit": "unit", "time": "year", "first_treated": "first_treated", "group": "group"}
# R's own iterations stop at 1e-8 of the deviance; its values agree to about 1e-11.
R = 1e-6
# Rounding of sums alone, about 1e-15 here.
EXACT = 1e-12
DOMINATED = "one group has most of the treated total, which is worth 1.2 groups: not informative"
REMEDY = 'Use scale="log" or "level", or the outcome without the village that has most of it.'
METHODS = ["cr1", "cr2", "cr3", "wild_bootstrap", "randomization"]

# Two treated villages (from 2023), two others, and one of each kind that never has any income.
#            2021 2022 2023
# treated      10   20   45    without treatment (10 + 20) * 30 / (20 + 20) = 22.5 in 2023
# untreated    20   20   30
# The effect is 45 / 22.5 = +100 %, and (45 - 22.5) / 3 = 7.5 for each of three treated villages.
HAND = {"T1": [4, 8, 40], "T2": [6, 12, 5], "T3": [0, 0, 0], "U1": [20, 10, 15], "U2": [0, 10, 15], "U3": [0, 0, 0]}


def make_hand_study() -> Study:
    panel = pd.DataFrame(HAND, index=pd.RangeIndex(2021, 2024, name="year")).melt(
        ignore_index=False, var_name="unit", value_name="income"
    )
    panel = panel.reset_index().assign(start=lambda p: p["unit"].str[0].map({"T": 2023}))
    return Study.from_frame(panel, unit="unit", time="year", first_treated="start")


def make_panel(rich: float = 1.0, others: float = 1.0, seed: int = 20) -> pd.DataFrame:
    """Five treated districts of two villages, the first village `rich` times as rich, among twenty districts."""
    draw = np.random.default_rng(seed)
    panel = pd.DataFrame([(v, year) for v in range(40) for year in range(2018, 2025)], columns=["village", "year"])
    panel["district"] = panel["village"] // 2
    panel["start"] = np.where(panel["village"] < 10, 2022, np.nan)
    panel["income"] = 1000 * draw.lognormal(0, 0.1, len(panel))
    panel["income"] *= np.select([panel["village"] == 0, panel["village"] == 39], [rich, others], 1.0)
    return panel


def make_study(outcome: Outcome | None = None, **rich: float) -> Study:
    names = {"unit": "village", "time": "year", "first_treated": "start", "group": "district"}
    outcome = outcome or Outcome("income", unit="yuan", label_en="Village income")
    return Study.from_frame(make_panel(**rich), **names, outcomes={"income": outcome})


@pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")
@pytest.mark.parametrize("estimator", ["two_way", "saturated", "by_group"])
def test_per_cent_and_amount_by_hand_count_villages_that_are_always_zero(estimator):
    estimate = did(make_hand_study(), "income", scale="poisson", estimator=estimator)
    assert estimate.percent == pytest.approx(100, rel=EXACT)
    assert estimate.amount == pytest.approx(7.5, rel=EXACT)
    after = event_study(make_hand_study(), "income", scale="poisson").estimate(0)
    # Against 2022 alone: 20 * 30 / 20 = 30 without treatment, (45 - 30) / 3 = 5.
    assert (after.percent, after.amount) == (pytest.approx(50, rel=EXACT), pytest.approx(5, rel=EXACT))


@pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")
def test_a_year_that_is_left_out_counts_in_no_amount():
    study = make_hand_study()
    after = study.frame[study.frame["time"] == 2023].assign(time=2024)
    after["income"] = [10, 20, 0, 0, 0, 0]
    longer = replace(study, frame=pd.concat([study.frame, after]).sort_values(["unit", "time"], ignore_index=True))
    estimate = did(longer, "income", scale="poisson", estimator="two_way")
    assert estimate.amount == pytest.approx(7.5, rel=EXACT)


def test_a_start_year_that_is_zero_throughout_counts_at_every_event_time():
    panel = make_panel().assign(start=lambda p: p["start"] + (p["village"] < 4))
    panel["income"] = panel["income"].where(panel["village"].between(4, 40) | (panel["village"] < 2), 0.0)
    panel.loc[panel["start"] == 2022, "income"] = 0.0
    study = Study.from_frame(panel, unit="village", time="year", first_treated="start", group="district")
    events = event_study(study, "income", scale="poisson")
    assert {cohort for cohort, _ in events.fitted.labels} == {2023}
    assert repr(events.aggregate("cohort")).startswith("By cohort, overall the average of one start-year cohort, with")
    event_time = panel["year"] - panel["start"]
    for time in events.event_times:
        one, observed = events.estimate(time), panel["income"][event_time == time]
        assert one.amount == pytest.approx(observed.mean() * (1 - np.exp(-one.value)), rel=EXACT)
        assert 100 * one.amount / (observed.mean() - one.amount) == pytest.approx(one.percent, rel=R)
    after = panel["income"][event_time >= 0]
    assert events.average().amount == pytest.approx(after.mean() * (1 - np.exp(-events.average().value)), rel=EXACT)
    for by, key in {"cohort": panel["start"], "calendar": panel["year"]}.items():
        for name, one in (aggregate := events.aggregate(by)).parts.items():
            mean = panel["income"][(event_time >= 0) & (key == name)].mean()
            assert one.amount == pytest.approx(mean * (1 - np.exp(-one.value)), rel=EXACT)
        assert ", without start year 2022, zero for every village in every year: Your data" in repr(aggregate)


def test_collapsed_villages_leave_amounts_and_effective_districts_as_they_are():
    panel = make_panel(rich=3).assign(income=lambda p: p["income"].where(p["village"] % 7 != 2, 0))
    study = Study.from_frame(panel, unit="village", time="year", first_treated="start", group="district")
    whole, collapsed = (did(study, "income", scale="poisson", collapse=collapse) for collapse in (False, True))
    assert collapsed.amount == pytest.approx(whole.amount, rel=EXACT)
    assert collapsed.effective_treated_districts == pytest.approx(whole.effective_treated_districts, rel=EXACT)


@pytest.mark.parametrize("name", ["poisson_panel", "poisson_staggered"])
def test_amounts_are_those_of_r(name):
    study = Study.from_frame(pd.read_csv(REFERENCE / f"{name}.csv"), **DESIGN)
    known = json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))
    effect = did(study, "y", scale="poisson", estimator="saturated")
    assert effect.amount == pytest.approx(known["cells_after"]["CR2"]["ratio_of_totals"]["amount"], rel=R)
    events = event_study(study, "y", scale="poisson", estimator="saturated")
    amounts = {time: events.estimate(time).amount for time in (-2, 0, 1)}
    wanted = {time: known["saturated"]["CR2"][f"ratio_event_{time}"]["amount"] for time in amounts}
    assert amounts == pytest.approx(wanted, rel=R)
    assert events.average().amount == pytest.approx(known["saturated"]["CR2"]["ratio_of_totals"]["amount"], rel=R)


def test_amount_over_the_counterfactual_mean_is_the_per_cent_to_the_last_digit():
    study = load_study()
    for estimate in (
        did(study, "collective_income_cny", scale="poisson"),
        event_study(study, "collective_income_cny", scale="poisson").average(),
    ):
        observed, counterfactual = (
            total[estimate.effect.gradient != 0].sum() for total in estimate.fitted.cell_totals()
        )
        treated_years = (observed - counterfactual) / estimate.amount
        assert 100 * estimate.amount / (counterfactual / treated_years) == pytest.approx(estimate.percent, rel=EXACT)
        row = estimate.frame().iloc[0]
        for end in ("low", "high"):
            assert row[f"amount_{end}"] == pytest.approx(observed / treated_years * (1 - np.exp(-row[end])), rel=EXACT)
            assert row[f"percent_{end}"] == pytest.approx(100 * (np.exp(row[end]) - 1), rel=EXACT)
        assert row[["percent", "amount"]].tolist() == [estimate.percent, estimate.amount]


def test_districts_amounts_add_up_to_the_overall_one():
    study = load_study()
    together = did(study, "collective_income_cny", scale="poisson", estimator="by_group")
    fitted, groups = together.fitted, np.array([label[0] for label in together.fitted.labels])
    parts = [fitted.average(groups == group) for group in np.unique(groups)]
    of = [type(together)(study, together.outcome, "by_group", together.baseline, fitted, part) for part in parts]
    years = [fitted.cell_sizes()[groups == group].sum() for group in np.unique(groups)]
    assert sum(np.multiply(years, [one.amount for one in of])) == pytest.approx(sum(years) * together.amount, rel=EXACT)


def test_the_sentence_says_per_cent_interval_and_money():
    estimate = did(make_study(), "income", scale="poisson")
    test = estimate.headline()
    percents = [100 * np.expm1(number) for number in (estimate.value, test["low"], test["high"])]
    effect, low, high = (fixed(number, 1) if number < 0 else f"+{number:.1f}" for number in percents)
    assert 0.1 <= np.ptp(percents[1:]) / 2 < 10
    assert repr(estimate) == (
        f"Your data: effect on village income {effect} % (95 % interval {low} to {high} %), about "
        f"{fixed(float(f'{estimate.amount:.2g}'), 0)} yuan per village and year."
    )
    assert estimate._repr_markdown_() == (
        f"{estimate!r}\n\n*Poisson regression, two-way fixed effects, against all years before; CR2 errors with "
        f"Satterthwaite degrees of freedom ({test['df']:.1f}), 20 groups, 5 treated; 40 villages, 280 village-years."
        "*"
    )


def test_an_outcome_per_head_stays_per_head():
    estimate = did(make_study(Outcome("income", unit="yuan per person")), "income", scale="poisson")
    assert repr(estimate).endswith(f"{abs(float(f'{estimate.amount:.2g}')):.0f} yuan per person.")


def test_a_rate_in_per_cent_moves_by_percentage_points():
    study = make_study(Outcome("income", unit="%"))
    assert re.search(r"effect on income \S+ percentage points \(95 %", repr(did(study, "income")))
    relative = did(study, "income", scale="poisson")
    assert re.search(r" %\), about \S+ percentage points per village and year\.$", repr(relative))
    assert repr(replace(relative, study=replace(study, language="zh"))).endswith("个百分点。")


def test_effective_districts_are_their_number_where_they_are_alike():
    panel = make_panel().assign(income=lambda p: 1000.0 * (1 + (p["year"] - 2018) / 10))
    names = {"unit": "village", "time": "year", "first_treated": "start", "group": "district"}
    estimate = did(Study.from_frame(panel, **names), "income", scale="poisson")
    assert estimate.effective_treated_districts == pytest.approx(5, rel=1e-9)
    assert np.isnan(did(Study.from_frame(panel, **names), "income").effective_treated_districts)


def test_where_one_district_has_most_of_the_money_no_method_gives_an_interval():
    estimate = did(make_study(rich=30), "income", scale="poisson")
    assert estimate.treated_groups == 5
    assert 1 < estimate.effective_treated_districts < 2
    table = estimate.inference(METHODS, draws=99)
    assert table.drop(columns="note").isna().all(axis=None)
    assert table["note"].str.startswith("one group has most of the treated total, which is worth 1.").all()
    assert table["note"].str.endswith("; 0 has 78 % of the treated total").all()
    assert "(no interval: one group has most of the treated total, which is worth 1." in repr(estimate)
    assert estimate.headline().drop("note").isna().all()


def test_where_one_district_has_most_of_the_money_randomization_and_honest_bounds_are_refused():
    study = make_study(rich=60)
    with pytest.raises(StudyError) as refusal:
        randomization(did(study, "income", scale="poisson"), draws=9)
    assert str(refusal.value) == f"No randomization test: {DOMINATED}. {REMEDY}"
    for what in ("honest_bounds", "covariance"):
        with pytest.raises(StudyError) as refusal:
            getattr(event_study(study, "income", scale="poisson"), what)()
        assert str(refusal.value) == f"No {what.replace('_', ' ')}: {DOMINATED}. {REMEDY}"
    assert randomization(did(study, "income", scale="log"), draws=9).p_value > 0


def test_where_one_district_has_most_of_the_money_no_test_speaks_of_trends_before():
    found = event_study(make_study(rich=60), "income", scale="poisson").pretrend()
    table = found.frame()
    assert table.loc["linear slope (CR2, t)", ["std_error", "statistic", "p_value", "low", "high"]].isna().all()
    assert np.isnan(table.loc["all leads zero (pooled, F)", "p_value"])
    assert table["note"].str.startswith(DOMINATED).all()
    assert found.slope.inference(METHODS, draws=9)["p_value"].isna().all()
    assert repr(found).endswith(f" per year (no interval, {DOMINATED}); all leads together: no test either.")
    assert f"(no interval: {DOMINATED})" in repr(found.slope)
    assert 0 <= event_study(make_study(), "income", scale="poisson").pretrend().joint.p_value <= 1


def test_two_treated_districts_nearly_alike_are_said_to_be_less_than_two():
    alike = [np.array([0.56, 0.44]), np.array([0.5, 0.5]), np.array([0.9, 0.1]), np.array([1.0])]
    assert [dominance(len(totals), totals) for totals in alike] == [
        "2 treated groups are worth 1.9 equal ones by their totals: not informative",
        "",
        "one group has most of the treated total, which is worth 1.2 groups: not informative",
        "",
    ]
    panel = make_panel().assign(start=lambda p: p["start"].where(p["village"] < 4))
    names = {"unit": "village", "time": "year", "first_treated": "start", "group": "district"}
    with pytest.warns(FewTreatedGroupsWarning):
        estimate = did(Study.from_frame(panel, **names), "income", scale="poisson")
    assert 1.99 < estimate.effective_treated_districts < 2
    assert estimate.no_interval == "2 treated groups are worth 1.9 equal ones by their totals: not informative"
    assert repr(estimate).endswith("randomization inference, in levels or logs alone, is the most that can be said.")
    with pytest.raises(StudyError, match='Use scale="log" or "level", in which every village counts alike.$'):
        randomization(estimate)
    assert term("zh", estimate.no_interval) == "2个处理组按总额只相当于1.9个同等规模的组，无法据此推断"


def test_effective_numbers_are_never_rounded_up():
    assert [floored(number) for number in (2.978, 3.0, 3 - 1e-12, 1.97)] == ["2.9", "3.0", "3.0", "1.9"]


def test_below_three_effective_districts_the_sentence_cautions():
    estimate = did(make_study(rich=8), "income", scale="poisson")
    assert 2 < estimate.effective_treated_districts < 3
    assert np.isfinite(estimate.headline()["low"])
    assert " Caution: by their totals the treated groups count like 2." in repr(estimate)
    assert repr(estimate).endswith(" equal ones: too few for a reliable interval.")
    assert repr(event_study(make_study(rich=8), "income").pretrend()).endswith(
        " equal ones: too few for a reliable interval."
    )


def test_a_village_with_over_a_quarter_of_either_sides_money_is_named():
    estimate = did(make_study(others=40), "income", scale="poisson")
    assert "39 has 58 % of the untreated total" in estimate._repr_markdown_()
    assert estimate.headline()["note"].endswith("; 39 has 58 % of the untreated total")
    assert "total" not in did(make_study(), "income", scale="poisson").headline()["note"]


def proportional_panel(seed: int, effect: float = 0.0) -> pd.DataFrame:
    """56 districts of five villages, five treated from 2023: skewed incomes, lasting shocks, 3 % zeros."""
    draw, years = np.random.default_rng(seed), np.arange(2016, 2025)
    group = np.repeat(np.arange(56), 5)
    income = draw.lognormal(12, 0.7, len(group))
    shocks = np.zeros((len(years), len(group)))
    for t in range(len(years)):
        new = draw.normal(0, 0.15, 56)[group] + draw.normal(0, 0.3, len(group))
        shocks[t] = (0.5 * shocks[t - 1] if t else 0) + new
    panel = pd.DataFrame(income * np.exp(shocks + 0.05 * (years[:, None] - 2016)), index=pd.Index(years, name="year"))
    panel = panel.melt(ignore_index=False, var_name="unit", value_name="y").reset_index()
    panel["group"] = group[panel["unit"].astype(int)]
    panel["first_treated"] = np.where(panel["group"] < 5, 2023, np.nan)
    panel["y"] *= np.exp(effect * (panel["year"] >= panel["first_treated"])) * (draw.random(len(panel)) > 0.03)
    return panel


def test_intervals_hold_the_truth_where_incomes_are_skewed_and_some_are_zero():
    effect = 0.5
    studies = [Study.from_frame(proportional_panel(seed, effect), **DESIGN) for seed in range(60)]
    rows = [did(study, "y", scale="poisson").frame().iloc[0] for study in studies]
    # 96 % of 300 panels like these; of 60, 90 % or more but for one time in fifty.
    assert np.mean([row["low"] <= effect <= row["high"] for row in rows]) >= 0.9
    # One estimate has a standard deviation of 0.13: the mean of 60 is within 0.04 but for one time in fifty.
    assert np.mean([row["estimate"] for row in rows]) == pytest.approx(effect, abs=0.04)
