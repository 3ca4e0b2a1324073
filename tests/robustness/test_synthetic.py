"""Synthetic difference-in-differences: cases by hand, a general optimiser, and placebos counted one by one."""

import re
import subprocess
import sys
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import loggamma

from analysis import Outcome, Study, StudyError, did, load_study
from analysis.robustness.synthetic import synthetic_did

# Nothing but rounding, of outcomes of some hundreds.
ROUNDING = 1e-9
# The solver stops when a step gains less than 1e-10 noise variances. Of eight random cases its weights were within
# 3e-4 of the exact ones and its effects within 2e-4 of the noise.
SOLVER_WEIGHTS, SOLVER_EFFECT = 1e-3, 1e-3
YEARS, START = np.arange(2000, 2008), 2005
pytestmark = pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")
LOGGED = Outcome("income", scale="log")
NAMES = {"unit": "village", "time": "year", "first_treated": "start", "group": "district"}


def make_frame(values: np.ndarray, treated: int, start: int = START, size: int = 2) -> pd.DataFrame:
    """Groups of `size` villages around the values (years x groups); the first `treated` groups are treated."""
    number = values.shape[1]
    villages = pd.DataFrame({"village": np.arange(number * size), "district": np.repeat(np.arange(number), size)})
    villages["start"] = pd.Series(start, villages.index).where(villages["district"] < treated).astype("Int64")
    frame = villages.merge(pd.DataFrame({"year": YEARS}), how="cross")
    spread = frame["village"] % size - (size - 1) / 2
    return frame.assign(income=values[frame["year"] - YEARS[0], frame["district"]] + 3 * spread)


def make_study(frame: pd.DataFrame, **options) -> Study:
    return Study.from_frame(frame, **NAMES, provenance="invented", **options)


def random_values(groups: int, seed: int = 4) -> np.ndarray:
    """Group levels, a year path, two factors that groups load on, and noise; shape (years, groups)."""
    generator = np.random.default_rng(seed)
    factors = np.cumsum(generator.normal(size=(len(YEARS), 2)), axis=0) @ generator.normal(size=(2, groups))
    levels, path = generator.normal(100, 20, groups), np.arange(len(YEARS))[:, None] ** 1.5
    return levels + path + factors + generator.normal(0, 0.5, (len(YEARS), groups))


def test_parallel_groups_give_the_difference_in_differences():
    # Levels and a year path add up, so any weights recover the effects built in: 7 and 2, over 3 and 2 years. Donors
    # alike before weigh alike, so that 6 more in one of them and 6 less in another from 2006 cancel.
    values = 10.0 * np.arange(9) + np.array([0, 4, 1, 3, 9, 8, 2, 6])[:, None]
    values[6:, 3:5] += [6, -6]
    frame = make_frame(values, treated=3).query("not (district == 2 and village == 5)")
    frame = frame.assign(start=frame["start"].where(frame["district"] != 1, 2006))
    effect = frame["district"].map({0: 7.0, 1: 2.0, 2: 7.0}).where(frame["year"] >= frame["start"].astype(float), 0)
    result = synthetic_did(make_study(frame.assign(income=frame["income"] + effect)), "income")
    assert result.effects["estimate"].tolist() == pytest.approx([7, 2, 7], abs=ROUNDING)
    assert result.effects["village_years"].tolist() == [6, 4, 3]
    assert result.value == pytest.approx((6 * 7 + 4 * 2 + 3 * 7) / 13, abs=ROUNDING)
    # As placebos these gain 6 + 6 / 5 over two years of two, or of three from 2005.
    expected = np.outer([7.2, -7.2, 0, 0, 0, 0], [2 / 3, 1])
    assert result.placebos.to_numpy() == pytest.approx(expected, abs=ROUNDING)
    assert result.placebos.columns.tolist() == [2005, 2006]
    assert result.year_weights.notna().sum(axis=1).tolist() == [5, 6, 5]


def test_a_shared_factor_by_hand():
    # The factor stands at 4 in the treated years as in 2003 and nowhere else before, so all weight falls on 2003 and
    # groups that load on it differently are compared where it is the same. Plain DiD takes loadings for an effect.
    factor = np.array([0.0, 1.0, 0.0, 4.0, 1.0, 4.0, 4.0, 4.0])
    loading = np.array([2.0, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2])
    values = 10 * np.arange(8) + np.outer(factor, loading)
    values[5:, 0] += 3
    values[5:, 4] += 1e-5  # Too little to matter, and enough for placebos that are not all zero.
    study = make_study(make_frame(values, treated=1))
    result = synthetic_did(study, "income")
    assert result.year_weights.loc["0"].tolist() == pytest.approx([0, 0, 0, 1, 0], abs=1e-4)
    assert result.value == pytest.approx(3, abs=1e-3), "the year weights' ridge leaves a millionth of the noise"
    # Plain: 3 + (2 - mean loading 0.6) times (4 - mean factor before 1.2).
    assert did(study, "income").value == pytest.approx(3 + 1.4 * 2.8)


def quadratic(before: np.ndarray, target: np.ndarray, ridge: float) -> np.ndarray:
    """Weights on the columns of `before`, by a general optimiser on the published objective (with intercept)."""
    rows, number = before.shape
    matrix, goal = before - before.mean(axis=0), target - target.mean()

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        gap = matrix @ weights - goal
        return gap @ gap + ridge**2 * rows * weights @ weights, 2 * (gap @ matrix + ridge**2 * rows * weights)

    found = minimize(
        objective,
        np.full(number, 1 / number),
        jac=True,
        bounds=[(0, 1)] * number,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 1000},
    )
    assert found.success
    return found.x


def _in_order(weights: pd.Series) -> np.ndarray:
    """Weights of groups named by numbers, by number."""
    return weights.iloc[weights.index.astype(int).argsort()].to_numpy()


@pytest.mark.parametrize("seed", [1, 5, 7])
def test_weights_and_effects_equal_those_of_a_general_optimiser(seed):
    values = random_values(14, seed)
    result = synthetic_did(make_study(make_frame(values, treated=2)), "income", draws=1)
    outside = values[:, 2:]
    noise = np.diff(outside[:5], axis=0).std(ddof=1)
    years = quadratic(outside[:5].T / noise, outside[5:].mean(axis=0) / noise, 1e-6)
    for group in (0, 1):
        weights = quadratic(outside[:5] / noise, values[:5, group] / noise, 3**0.25)
        change = values[5:].mean(axis=0) - years @ values[:5]
        assert _in_order(result.group_weights.loc[str(group)]) == pytest.approx(weights, abs=SOLVER_WEIGHTS)
        assert result.year_weights.loc[str(group)].to_numpy() == pytest.approx(years, abs=SOLVER_WEIGHTS)
        effect = change[group] - weights @ change[2:]
        assert result.effects.loc[str(group), "estimate"] == pytest.approx(effect, abs=SOLVER_EFFECT * noise)
    assert abs(result.value - did(result.study, "income").value) > 100 * SOLVER_EFFECT * noise, "weights matter here"


def test_same_numbers_as_the_solver_packages_own_estimator():
    from diff_diff import SyntheticDiD

    values = random_values(14)
    result = synthetic_did(make_study(make_frame(values, treated=2)), "income", draws=1)
    for group in (0, 1):
        kept = np.delete(np.arange(14), 1 - group)
        year, place = np.indices((8, 13)).reshape(2, -1)
        table = pd.DataFrame({"year": YEARS[year], "group": place, "treated": 1 * (place == 0)})
        table["income"] = values[:, kept].ravel()
        package = SyntheticDiD(n_bootstrap=2, seed=1).fit(
            table, "income", "treated", "group", "year", post_periods=[2005, 2006, 2007]
        )
        assert result.effects.loc[str(group), "estimate"] == pytest.approx(package.att, abs=1e-7)
        assert [package.time_weights[year] for year in range(2000, 2005)] == pytest.approx(
            result.year_weights.loc[str(group)].tolist(), abs=1e-7
        )


@pytest.mark.parametrize(
    ("change", "scale"),
    [
        (lambda frame: frame.assign(income=frame["income"] + 1000 * frame["village"]), 1),
        (lambda frame: frame.assign(income=frame["income"] + 50 * frame["year"]), 1),
        (lambda frame: frame.assign(income=1000 * frame["income"]), 1000),
        (lambda frame: frame.sample(frac=1, random_state=1), 1),
        (lambda frame: frame.assign(village=900 - frame["village"], district="x" + frame["district"].astype(str)), 1),
    ],
    ids=["village constants", "common trend", "scale", "row order", "new codes"],
)
def test_what_does_not_matter(change, scale):
    frame = make_frame(random_values(14), treated=2)
    first, second = (synthetic_did(make_study(table), "income", draws=20) for table in (frame, change(frame)))
    columns = ["estimate", "low", "high", "p_value"]
    expected = first.frame()[columns].replace([np.inf, -np.inf], np.nan) * [scale, scale, scale, 1]
    found = second.frame()[columns].replace([np.inf, -np.inf], np.nan)
    assert found.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-6, abs=1e-6, nan_ok=True)
    assert second.group_weights.to_numpy() == pytest.approx(first.group_weights.to_numpy(), abs=1e-6)


def variability_by_hand(values: np.ndarray, treated: int) -> np.ndarray:
    """Standard deviation of yearly changes beside the other untreated groups, logarithms shrunk to their mean."""
    changes = np.diff(values[: START - YEARS[0]], axis=0)
    groups = range(values.shape[1])
    others = [[other for other in groups if other >= treated and other != group] for group in groups]
    beside = np.column_stack([changes[:, group] - changes[:, others[group]].mean(axis=1) for group in groups])
    logs = np.log((beside**2).mean(axis=0))
    chance = loggamma(len(changes) / 2).var()
    return np.exp((logs - logs.mean()) * max(0, 1 - chance / logs.var(ddof=1)) / 2)


def test_placebo_averages_are_estimates_on_studies_without_the_treated():
    # Two districts and one treated are far more variable, so that dividing by variability changes ranks.
    values = random_values(8)
    values[:, [0, 3, 5]] += np.random.default_rng(12).normal(0, 60, (8, 3))
    values[5:, 1] += 30
    frame = make_frame(values, treated=2)
    result = synthetic_did(make_study(frame), "income")
    untreated = frame[frame["district"] >= 2]
    expected = []
    for pair in combinations(range(2, 8), 2):
        on_paper = untreated.assign(start=pd.Series(START, untreated.index).where(untreated["district"].isin(pair)))
        expected.append(synthetic_did(make_study(on_paper), "income").value)
    assert result.placebo_averages == pytest.approx(expected)
    table = result.frame()
    scale = variability_by_hand(values, treated=2)
    assert result.effects["variability"].tolist() == pytest.approx(scale[:2])
    pairs = [
        abs(value) / np.hypot(*scale[list(p)]) for value, p in zip(expected, combinations(range(2, 8), 2), strict=True)
    ]
    own = abs(result.value) / np.hypot(*scale[:2])
    assert table.loc["average", "p_value"] == (1 + sum(value >= own for value in pairs)) / (1 + len(expected))
    for group in (0, 1):
        size = abs(table.loc[str(group), "estimate"])
        singles = result.placebos[START].abs()
        assert table.loc[str(group), "p_value"] == (1 + (singles / scale[2:] >= size / scale[group]).sum()) / 7
        assert table.loc[str(group), "p_value"] != (1 + (singles >= size).sum()) / 7, "undivided, ranks would differ"
    assert table["smallest_p_value"].tolist() == [1 / 7, 1 / 7, 1 / 16]
    assert table["placebos"].tolist() == [6, 6, 15]


def test_placebo_averages_share_out_start_years_and_weights():
    # Group 0: two villages over three years; group 1: one village over two years.
    frame = make_frame(random_values(7), treated=2).query("village != 3")
    frame = frame.assign(start=frame["start"].where(frame["district"] != 1, 2006))
    result = synthetic_did(make_study(frame), "income")
    untreated = frame[frame["district"] >= 2]
    swapped = []
    for pair, found in zip(combinations(range(2, 7), 2), result.placebo_averages, strict=True):
        both = []
        for first, second in (pair, pair[::-1]):
            starts = untreated["district"].map({first: 2005, second: 2006}).astype("Int64")
            effects = synthetic_did(make_study(untreated.assign(start=starts)), "income").effects["estimate"]
            both.append(np.average([effects[str(first)], effects[str(second)]], weights=[6, 2]))
        assert min(abs(found - value) for value in both) < ROUNDING
        swapped.append(abs(found - both[1]) < abs(found - both[0]))
    assert 0 < sum(swapped) < len(swapped), "places are taken in random order"


def test_single_placebos_leave_themselves_out_of_the_donors():
    frame = make_frame(random_values(8), treated=2)
    result = synthetic_did(make_study(frame), "income")
    untreated = frame[frame["district"] >= 2]
    on_paper = untreated.assign(start=pd.Series(START, untreated.index).where(untreated["district"] == 4))
    assert result.placebos.loc["4", START] == pytest.approx(synthetic_did(make_study(on_paper), "income").value)


def test_interval_holds_exactly_the_effects_not_rejected():
    frame = make_frame(random_values(24), treated=1)
    row = synthetic_did(make_study(frame), "income").frame(level=0.9).iloc[0]
    assert np.isfinite(row["low"])
    treated = frame["start"].notna() & (frame["year"] >= START)
    width = row["high"] - row["low"]
    for end, outward in ((row["low"], -1), (row["high"], 1)):
        for step, rejected in ((-0.001, False), (0.001, True)):
            hypothesis = end + outward * step * width
            shifted = frame.assign(income=frame["income"] - hypothesis * treated)
            p_value = synthetic_did(make_study(shifted), "income").frame().iloc[0]["p_value"]
            assert (p_value <= 0.1) == rejected


def test_too_few_placebos_for_an_interval():
    result = synthetic_did(make_study(make_frame(random_values(8), treated=1)), "income")
    assert result.frame()[["low", "high"]].abs().eq(np.inf).all(axis=None)
    assert "no 95 % interval from so few placebos" in repr(result)
    assert np.isfinite(result.frame(level=0.5)["low"]).all()
    with pytest.raises(ValueError, match=r"level must lie between 0 and 1, not 95"):
        result.frame(level=95)


def test_a_common_year_path_matters_only_through_the_ridge():
    # The published noise counts common year-to-year changes, so weights even out; with them fixed nothing would change.
    values = random_values(14)
    path = 50 * np.sin(YEARS)[:, None]
    first, second = (
        synthetic_did(make_study(make_frame(table, treated=2)), "income", draws=1) for table in (values, values + path)
    )
    spreads = [result.group_weights.std(axis=1).to_numpy() for result in (first, second)]
    assert (spreads[1] < spreads[0] / 2).all()
    assert second.year_weights.to_numpy() == pytest.approx(first.year_weights.to_numpy(), abs=SOLVER_WEIGHTS)


def test_placebo_averages_need_donors_besides():
    result = synthetic_did(make_study(make_frame(random_values(8), treated=3)), "income")
    assert len(result.placebo_averages) == 10
    result = synthetic_did(make_study(make_frame(random_values(8), treated=4)), "income")
    assert result.frame().loc["average", ["p_value", "placebos", "high"]].tolist() == [1, 0, np.inf]


def test_draws_are_reproducible_and_as_many_as_asked_for():
    study = make_study(make_frame(random_values(14), treated=3))
    first, again, other = (synthetic_did(study, "income", draws=30, seed=seed).placebo_averages for seed in (1, 1, 2))
    assert len(first) == 30
    assert first.tolist() == again.tolist() != other.tolist()


def test_villages_with_a_missing_year_are_left_out_and_counted():
    frame = make_frame(random_values(10), treated=1, size=3)
    gaps = frame["village"].isin([1, 9]) & (frame["year"] == 2003)
    result = synthetic_did(make_study(frame.assign(income=frame["income"].mask(gaps))), "income")
    without = synthetic_did(make_study(frame[~frame["village"].isin([1, 9])]), "income")
    assert result.left_out == 2
    assert without.left_out == 0
    assert result.effects["villages"].tolist() == [2]
    pd.testing.assert_frame_equal(result.frame(), without.frame())
    assert re.search(r"2 treated villages seen in all years, 2 villages left out for a missing year\.", repr(result))


def test_logs():
    values = random_values(10)
    first = synthetic_did(make_study(make_frame(np.exp(values / 50), treated=1, size=1)), "income", scale="log")
    second = synthetic_did(make_study(make_frame(values / 50, treated=1, size=1)), "income")
    assert first.value == pytest.approx(second.value)
    assert first.unit == "log points"
    described = make_study(make_frame(np.exp(values / 50), treated=1, size=1), outcomes={"income": LOGGED})
    assert synthetic_did(described, "income").value == first.value
    assert synthetic_did(described, "income", scale="level").value != first.value


def test_groups_that_move_alike_leave_nothing_to_judge_by():
    values = 10.0 * np.arange(8) + np.array([0, 4, 1, 3, 9, 8, 2, 6])[:, None]
    with pytest.raises(
        StudyError, match=r"^In every untreated group 'income' moves exactly like a mix .* nothing to judge"
    ):
        synthetic_did(make_study(make_frame(values, treated=2)), "income")


def test_groups_that_moved_alike_before_are_not_divided():
    values = 10.0 * np.arange(8) + np.array([0, 4, 1, 3, 9, 8, 2, 6])[:, None]
    values[5:] += np.random.default_rng(2).normal(size=(3, 8))
    result = synthetic_did(make_study(make_frame(values, treated=1)), "income")
    assert result.effects["variability"].tolist() == [1]
    assert (result.placebo_variability == 1).all(axis=None)


def test_an_effect_is_judged_by_how_variable_its_own_group_was():
    """The same effect in the same place, in a group that moved ten times as much before: a wider interval."""
    values = random_values(24)
    wild = values.copy()
    wild[:5, 0] += 50 * np.array([1, -1, 1, -1, 0])
    calm, moved = (
        synthetic_did(make_study(make_frame(table, treated=1)), "income").frame(0.9) for table in (values, wild)
    )
    width = calm["high"] - calm["low"], moved["high"] - moved["low"]
    assert width[1].iloc[0] > 2 * width[0].iloc[0]


def test_errors():
    frame = make_frame(random_values(8), treated=1)
    lost = frame.assign(income=frame["income"].mask((frame["district"] == 0) & (frame["year"] == 2001)))
    with pytest.raises(StudyError, match="No village has 'income' in all years in 1 treated group: 0"):
        synthetic_did(make_study(lost), "income")
    with pytest.raises(StudyError, match=r"Only 2 untreated groups .* placebos and their donors need 3"):
        synthetic_did(make_study(frame[frame["district"] < 3]), "income")
    with pytest.raises(StudyError, match="'income' is known in 1 year before 2005 and 3 from then on"):
        synthetic_did(make_study(frame[frame["year"] >= 2004]), "income")
    with pytest.raises(StudyError, match='scale="log" needs values above zero'):
        synthetic_did(make_study(frame.assign(income=0.0)), "income", scale="log")
    with pytest.raises(ValueError, match="draws must be a whole number and at least 1, not 0"):
        synthetic_did(make_study(frame), "income", draws=0)
    mixed = frame.assign(start=frame["start"].where(frame["village"] > 0))
    with pytest.raises(StudyError, match="Treated and untreated units"):
        synthetic_did(make_study(mixed), "income")


def test_sentence_and_table_of_the_demonstration_study():
    result = synthetic_did(load_study(), "households", draws=19)
    assert repr(result).startswith("Simulated data: effect on households −")
    assert "the average of 5 treated groups" in repr(result)
    assert repr(result).endswith(
        "24 treated villages seen in all years, 23 villages left out for a missing year. "
        "In per cent of each group's mean, by its logarithm: this comparison has no Poisson form."
    )
    table = result.frame()
    assert table.index[-1] == "average"
    assert table["data"].eq("simulated data").all()
    assert table["villages"].tolist() == [*result.effects["villages"], 24]
    assert result.group_weights.sum(axis=1).tolist() == pytest.approx([1] * 5)
    assert result.year_weights.sum(axis=1).tolist() == pytest.approx([1] * 5)
    assert (result.group_weights >= 0).all(axis=None)


def test_the_solver_is_imported_only_when_used():
    script = "import sys, analysis.robustness.synthetic; print('diff_diff' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert run.stdout.strip() == "False"


def test_p_holm_is_holms_over_the_groups_alone():
    table = synthetic_did(load_study(), "households", draws=19).frame()
    alone = table["p_value"].drop("average").sort_values()
    by_hand = np.minimum(np.maximum.accumulate(alone * [5, 4, 3, 2, 1]), 1)
    assert table.loc[alone.index, "p_holm"].tolist() == pytest.approx(by_hand.tolist())
    assert np.isnan(table.loc["average", "p_holm"])


def test_in_per_cent_it_is_the_logarithm_of_group_means():
    study = load_study()
    ratio = synthetic_did(study, "households", draws=9)
    complete = study.complete("households").frame
    means = complete.groupby(["group", "time"])["households"].mean().rename("mean").reset_index()
    design = study.units.drop_duplicates("group").set_index("group")
    panel = means.assign(start=means["group"].map(design["first_treated"]), log_mean=np.log(means["mean"]))
    alone = Study.from_frame(panel, unit="group", time="time", first_treated="start", outcomes=["log_mean"])
    expected = synthetic_did(alone, "log_mean", draws=9).frame()["estimate"]
    np.testing.assert_allclose(ratio.frame().loc[expected.index[:-1], "estimate"], expected.iloc[:-1], atol=1e-6)


def test_a_group_at_zero_is_refused_in_per_cent():
    with pytest.raises(StudyError, match="The mean is zero in some year in"):
        synthetic_did(load_study(), "tourist_visits", draws=9)
