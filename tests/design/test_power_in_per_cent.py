"""Power of effects in per cent: draws against `did`, villages' own money, and what is stated against refits."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from panels import noise_panel, study_of
from scipy import stats

from analysis import Outcome, Study, StudyError, did, minimum_detectable_effect, power_curve
from analysis.design.null_draws import NullDraws, null_draws, planned_design
from analysis.design.own_estimate import beside_own_error
from analysis.design.poisson_draws import PoissonDesign
from analysis.design.shocks import DrawnOutcomes
from analysis.design.untreated_shocks import untreated_shocks
from analysis.inference.cluster_pieces import cluster_codes, cluster_pieces
from analysis.messages import floored
from analysis.presentation.curves import plot_power

# Simulated answers lie within this many of their Monte Carlo errors of the exact one, but for one seed in 400.
MONTE_CARLO_ERRORS = 3
# Scaled outcomes and given shocks change nothing but rounding.
ROUNDING = 1e-9
# Both fits stop where fitted means move by less than a millionth.
SETTLED = 1e-6


def money(seed: int = 1, **options: int) -> pd.DataFrame:
    """Incomes around means of villages that differ ten times, growing by a tenth a year, with shocks in per cent."""
    frame = noise_panel(seed=seed, **options)
    generator = np.random.default_rng(seed)
    unit, group = (pd.factorize(frame[name])[0] for name in ("village", "group"))
    level = np.exp(generator.uniform(0, 2.3, unit.max() + 1))[unit] * 1.1 ** (frame["year"] - 2017)
    shared = generator.standard_normal((group.max() + 1, 30))[group, frame["year"] - 2017]
    frame["income"] = 1000 * level * np.exp(0.15 * shared + 0.2 * generator.standard_normal(len(frame)))
    return frame


@pytest.fixture(scope="module")
def study() -> Study:
    return study_of(money(groups=16, treated=5, villages=3, years=8, start=2022))


def solver_of(study: Study) -> tuple[PoissonDesign, pd.DataFrame]:
    design = planned_design(study, "income")
    pieces = cluster_pieces(design.fitted, design.effect, cluster_codes(design.fitted, "group"))
    return PoissonDesign.of(design, pieces), design.fitted.sample.frame


KINDS = ["one start", "two starts with gaps and zeros", "a start of one group's own", "controls and weights"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_draw_is_answered_as_did_answers_it(kind):
    frame = money(groups=14, treated=5, villages=3, years=8, start=2021)
    if kind == "two starts with gaps and zeros":
        frame["start"] += (frame["group"] < 2) * 1.0
        frame = frame.sample(frac=0.9, random_state=3)
        frame["income"] *= np.random.default_rng(4).random(len(frame)) > 0.05
        frame.loc[frame["village"] == "9-1", "income"] = 0.0
    if kind == "a start of one group's own":
        frame["start"] += (frame["group"] < 1) * 1.0
    study = study_of(frame)
    if kind == "controls and weights":
        frame = frame.assign(rain=np.sin(frame.index), people=1 + frame["year"] % 3 + frame["group"])
        study = dataclasses.replace(study_of(frame), controls=("rain",), weights="people")
    solver, rows = solver_of(study)
    known = frame.set_index(["village", "year"])["income"]
    outcome = known.loc[list(zip(rows["unit"].str[:-2], rows["time"], strict=True))].to_numpy()
    treated = (rows["time"] >= rows["first_treated"]).fillna(False).to_numpy(dtype=bool)
    for effect in (0.0, 0.3):
        changed = outcome * np.where(treated, np.exp(effect), 1.0)
        design = planned_design(study, "income").study
        design = dataclasses.replace(design, frame=design.frame.assign(value=changed))
        estimate = did(design, "value", scale="poisson")
        test = estimate.inference(["cr2"]).loc["cr2"]
        expected = [estimate.value, test["std_error"], test["df"]]
        assert solver.headline(outcome, effect) == pytest.approx(expected, rel=SETTLED)


def test_a_draw_without_a_finite_answer_is_missing(study):
    solver, rows = solver_of(study)
    after = (rows["time"] >= rows["first_treated"]).fillna(False).to_numpy(dtype=bool)
    assert np.isnan(solver.headline(np.where(after, 0.0, 1.0))).all()


def test_villages_keep_their_money_and_their_zeros():
    frame = money(groups=16, treated=5, villages=3, years=8, start=2022)
    frame.loc[(frame["village"] == "9-1") & (frame["year"] % 4 == 1), "income"] = 0.0
    frame.loc[frame["village"] == "8-0", "income"] = 0.0
    study = study_of(frame)
    shocks, rows = untreated_shocks(study, "income", "poisson"), planned_design(study, "income").fitted.sample.frame
    drawn = DrawnOutcomes.of(rows, shocks)
    mean = np.mean([drawn.draw(np.random.default_rng(seed)) for seed in range(200)], axis=0)
    own, many = (pd.Series(values).groupby(rows["unit"].str[:-2].to_numpy()).mean() for values in (drawn.path, mean))
    known = shocks.money.mean[own.index] * own
    # Eight years of shocks of a quarter, 200 times, leave less than one per cent; zeros of one year in four more.
    assert many.to_numpy() == pytest.approx(known.to_numpy(), rel=0.05)
    untreated = frame[frame["start"].isna()].groupby("village")["income"].mean()
    assert many[untreated.index].to_numpy() == pytest.approx(untreated.to_numpy(), rel=0.2)
    one = drawn.draw(np.random.default_rng(1))
    zero = pd.Series(one == 0).groupby(rows["unit"].str[:-2].to_numpy()).mean()
    assert (zero["8-0"], zero.drop(["8-0", "9-1"]).max()) == (1.0, 0.0)
    assert 0 < np.mean([drawn.draw(np.random.default_rng(seed)) == 0 for seed in range(50)]) * 48 - 1 < 0.5


def test_stated_gain_and_loss_are_found_as_often_as_said_when_fitted_anew(study):
    found = minimum_detectable_effect(study, "income", scale="poisson", replications=1000)
    solver, rows = solver_of(study)
    drawn = DrawnOutcomes.of(rows, found.shocks)
    outcomes = [drawn.draw(np.random.default_rng([5, number])) for number in range(500)]
    for effect in (found.value, -found.loss):
        value, error, df = np.array([solver.headline(outcome, effect) for outcome in outcomes]).T
        share = np.mean(np.abs(value) >= stats.t.ppf(0.975, df) * error)
        # One point more for degrees of freedom, which are moved by their average growth with the effect.
        assert share == pytest.approx(0.8, abs=0.01 + MONTE_CARLO_ERRORS * np.sqrt(0.16 * (1 / 500 + 1 / 1000)))


def test_gain_and_loss_in_per_cent(study):
    found = minimum_detectable_effect(study, "income", scale="poisson", replications=200)
    assert found.percent == pytest.approx(100 * np.expm1(found.value), rel=ROUNDING)
    assert found.loss_percent == pytest.approx(-100 * np.expm1(-found.loss), rel=ROUNDING)
    assert found.unit == "log points"
    gain, loss = f"{found.percent:.0f}", f"{found.loss_percent:.0f}"
    said = f"a gain in income of at least {gain} %, or a loss of at least {loss} %, is found 80 % of the time"
    assert said in repr(found)
    thousand = dataclasses.replace(study, frame=study.frame.assign(income=1000 * study.frame["income"]))
    other = minimum_detectable_effect(thousand, "income", scale="poisson", replications=200)
    assert (other.value, other.loss) == pytest.approx((found.value, found.loss), rel=1e-6)


def test_a_curve_of_gains_and_losses(study):
    curve = power_curve(study, "income", scale="poisson", replications=300)
    assert curve["percent"].to_numpy() == pytest.approx(100 * np.expm1(curve.index.to_numpy()), rel=ROUNDING)
    assert curve.index.is_monotonic_increasing
    assert (len(curve), curve.index[20]) == (41, 0)
    assert curve.loc[0, "power"] < 0.1
    assert curve["power"].iloc[[10, 30]].to_numpy() == pytest.approx(0.8, abs=5e-3)
    level = power_curve(study, "income", [1.0], scale="level", replications=20)
    assert np.isnan(level["percent"]).all()
    drawn, amounts = plot_power(curve, study, "income"), plot_power(level, study, "income", unit="CNY")
    assert drawn.lines[0].get_xdata() == pytest.approx(curve["percent"].to_numpy())
    assert (drawn.get_xlabel(), amounts.get_xlabel()) == ("True effect (%)", "True effect (CNY)")
    plt.close("all")


def test_money_in_levels_varies_in_per_cent_too():
    frame = money(groups=16, treated=5, villages=3, years=8, start=2022)
    study = study_of(frame)
    described = dataclasses.replace(study, outcomes={"income": Outcome("income", unit="CNY")})
    assert untreated_shocks(study, "income", "level").money is None
    assert untreated_shocks(described, "income", "level").money is not None
    below = dataclasses.replace(described, frame=study.frame.assign(income=study.frame["income"] - 5000))
    assert untreated_shocks(below, "income", "level").money is None
    found = minimum_detectable_effect(described, "income", scale="level", replications=200)
    assert (found.unit, found.value) == ("CNY", found.loss)


def test_planned_designs_in_per_cent(study):
    options = {"outcome": "income", "scale": "poisson", "replications": 300}
    as_is = minimum_detectable_effect(study, **options)
    shocks = untreated_shocks(study, "income", "poisson")
    districts = minimum_detectable_effect(study, treated_copies=3, **options)
    assert (districts.treated_groups, districts.villages) == (15, 78)
    assert districts.value < as_is.value
    assert minimum_detectable_effect(study, years_after=3, **options).last_year == 2027
    roster = dataclasses.replace(study, frame=study.frame.assign(income=np.nan))
    same = minimum_detectable_effect(roster, shocks=shocks, **options)
    assert (same.value, same.loss) == pytest.approx((as_is.value, as_is.loss), rel=ROUNDING)
    renamed = dataclasses.replace(roster, frame=roster.frame.assign(unit="x" + roster.frame["unit"].astype(str)))
    other = minimum_detectable_effect(renamed, shocks=shocks, **options)
    # Sizes are drawn from villages of the same kind.
    assert other.value == pytest.approx(as_is.value, rel=0.3)


def test_shocks_of_another_scale_are_refused_or_taken_in_logs(study):
    logs = untreated_shocks(study, "income", "log")
    with pytest.raises(StudyError, match=r"^Shocks in an outcome's unit or in logs alone give no effect in per cent"):
        minimum_detectable_effect(study, "income", scale="poisson", shocks=logs)
    shocks = untreated_shocks(study, "income", "poisson")
    one, other = (
        minimum_detectable_effect(study, "income", scale="log", shocks=given, replications=100).value
        for given in (logs, shocks)
    )
    assert one == pytest.approx(other, rel=ROUNDING)


def test_zeros_that_leave_no_answer_are_refused():
    frame = money(groups=16, treated=5, villages=1, years=6, start=2022)
    frame["income"] *= (frame["start"].isna()) | (frame["village"] == "0-0")
    frame.loc[(frame["village"] == "0-0") & (frame["year"] < 2021), "income"] = 0.0
    with pytest.raises(StudyError, match=r"^In \d+% of simulated panels zeros leave no effect in per cent"):
        minimum_detectable_effect(study_of(frame), "income", scale="poisson", replications=50)


@pytest.mark.parametrize("scale", ["poisson", "level"])
def test_an_error_unlike_the_draws_is_said_with_its_reason(scale):
    frame = money(groups=30, treated=10, villages=2, years=8, start=2022)
    calm = minimum_detectable_effect(study_of(frame), "income", scale=scale, replications=300)
    assert calm.caution == ""
    after = frame["year"] >= frame["start"]
    apart = study_of(frame.assign(income=frame["income"] * np.where(after, 2.0 ** (frame["group"] % 5), 1.0)))
    found = minimum_detectable_effect(apart, "income", scale=scale, replications=300)
    error = did(apart, "income", scale=scale).headline()["std_error"]
    said = f"The effect is {found.value / error:.1f} standard errors of the estimate on this panel ("
    if scale == "poisson":
        said = f"In logs the gain is {np.log1p(found.percent / 100):.2f}: {found.value / error:.1f} standard errors of "
        said += f"this panel's estimate ({error:.3f}), usually 2.8. "
    assert said in found.small_print()
    assert "log points" not in found.small_print()
    assert found.small_print().endswith(
        "This panel's error is larger than in 100 % of draws. Treated groups moved apart after the start, as they do "
        "where effects differ between them."
    )


def with_a_rich_village(times: float) -> Study:
    frame = money(groups=16, treated=5, villages=3, years=8, start=2022)
    frame["income"] *= np.where(frame["village"] == "0-0", times, 1.0)
    return study_of(frame)


@pytest.mark.parametrize("power_of", [minimum_detectable_effect, power_curve])
def test_a_design_dominated_by_one_group_has_no_power(power_of):
    rich = with_a_rich_village(200)
    reason = did(rich, "income", scale="poisson").dominance
    assert reason.startswith("one group has most of the treated total, which is worth 1.")
    with pytest.raises(StudyError) as refusal:
        power_of(rich, "income", scale="poisson", replications=10)
    assert str(refusal.value) == (
        f"A design that bears no standard error, so it has no power: {reason}. "
        'Use scale="log" or "level", or the outcome without the village that has most of it.'
    )
    shocks = untreated_shocks(rich, "income", "poisson")
    planned = dataclasses.replace(rich, frame=rich.frame.assign(income=np.nan))
    with pytest.raises(StudyError, match="^A design that bears no standard error, so it has no power: one group has"):
        power_of(planned, "income", scale="poisson", shocks=shocks, replications=10)


def test_below_three_effective_districts_power_carries_the_estimates_caution(study):
    rich = with_a_rich_village(20)
    worth = did(rich, "income", scale="poisson").effective_treated_districts
    assert 2 < worth < 3
    equal = f"the treated groups count like {floored(worth)} equal ones"
    said = f"Caution: by their totals {equal}: too few for a reliable interval."
    found = minimum_detectable_effect(rich, "income", scale="poisson", replications=50)
    assert f". {said}" in repr(found)
    curve = power_curve(rich, "income", [0.5], scale="poisson", replications=10)
    assert curve.attrs["caution"] == said
    assert plot_power(curve, rich, "income").get_xlabel().replace("\n", " ") == f"True effect (%)  {said}"
    chinese = power_curve(dataclasses.replace(rich, language="zh"), "income", [0.5], scale="poisson", replications=10)
    assert chinese.attrs["caution"].startswith("注意：")
    plt.close("all")
    assert "Caution" not in repr(minimum_detectable_effect(rich, "income", scale="log", replications=50))
    more = minimum_detectable_effect(rich, "income", scale="poisson", treated_copies=2, replications=50)
    assert more.caution == ""


def test_few_degrees_of_freedom_and_luck_are_reasons(study):
    null = NullDraws(np.zeros(100), np.linspace(0.5, 1.5, 100), np.full(100, 4.0), ratios=True)
    error = did(study, "income", scale="poisson").headline()["std_error"]
    scaled = dataclasses.replace(null, errors=null.errors * error / 0.6)
    said = beside_own_error(study, "income", "poisson", scaled, 6 * error, 0.8, 0.95)
    assert said.startswith(f"In logs the gain is {6 * error:.2f}: 6.0 standard errors of this panel's estimate (")
    assert said.endswith(
        ", usually 2.8. With 4.0 degrees of freedom the test alone needs 2.8, and 80 % power 3.7. This panel's "
        "error is smaller than in 90 % of draws."
    )
    assert beside_own_error(study, "income", "poisson", scaled, 3 * error, 0.8, 0.95) == ""


def test_the_same_draws_for_the_same_seed(study):
    shocks, design = untreated_shocks(study, "income", "poisson"), planned_design(study, "income")
    first, again, other = (null_draws(design, shocks, 20, seed, "poisson").estimates for seed in (1, 1, 2))
    assert (first == again).all()
    assert not (first == other).any()
