"""CR1, CR2 and CR3 against R, against explicit formulas with a dummy per village, and under invariances."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from dummy_regressions import dummy_contrast, dummy_design
from panels import DESIGNS, small_panel, small_study
from published_studies import known_answers, published_estimate
from scipy import stats

from analysis import Study, StudyError, did, event_study
from analysis.design.null_draws import null_draws
from analysis.design.shocks import Shocks
from analysis.inference.cluster_pieces import (
    ClusterPieces,
    cluster_codes,
    cluster_pieces,
    effective_treated_clusters,
    treated_clusters,
)
from analysis.inference.cluster_robust import cr1, cr2, cr3
from analysis.inference.hypothesis import HypothesisTest
from analysis.regression.regression import Effect, Regression

pytestmark = pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")

# R's answers are stored with 13 digits; agreement to 1e-6 is asked, and rounding leaves about 1e-12.
R_TOLERANCE = 1e-9
# Two exact routes to one number in double precision, on designs whose condition number is below a thousand.
EXACT = 1e-9

METHODS: dict[str, Callable[[ClusterPieces], HypothesisTest]] = {"cr1": cr1, "cr2": cr2, "cr3": cr3}


def cases() -> dict[str, tuple[Regression, Effect, str]]:
    """Regressions with a contrast each: the effect, event times, averages of saturated cells, designs."""
    built = []
    for number, (name, options) in enumerate(DESIGNS.items()):
        single = small_study(small_panel(number))
        estimate = did(single, "income", **options)
        built.append((f"did-{name}", estimate.fitted, estimate.effect))
        several = small_study(small_panel(10 + number, groups=8, treated=5, starts=(2017, 2018)))
        effects = event_study(several, "income", **options)
        for time in (-2, 1):
            contrast = effects.effects[effects.event_times.index(time)]
            built.append((f"event{time}-{name}", effects.fitted, contrast))
        saturated = did(several, "income", **options)
        built.append((f"saturated-{name}", saturated.fitted, saturated.effect))
        built.append((f"average-{name}", effects.fitted, effects.average().effect))
    lone = did(small_study(small_panel(30, groups=8, treated=3, starts=(2017, 2018, 2019))), "income")
    clusters = ("group", "stratum", "unit")
    lone_cases = {f"one-group-per-start-{name}": (lone.fitted, lone.effect, name) for name in clusters[:2]}
    return lone_cases | {
        f"{name}-{cluster}": (fitted, effect, cluster) for name, fitted, effect in built for cluster in clusters
    }


CASES = cases()
every_case = pytest.mark.parametrize(("fitted", "contrast", "cluster"), CASES.values(), ids=CASES)


def whitened(fitted: Regression) -> tuple[np.ndarray, np.ndarray]:
    design, outcome = dummy_design(fitted)
    root = np.sqrt(fitted.sample.weights)
    return design * root[:, None], outcome * root


def explicit_cr2(fitted: Regression, contrast: Effect, clusters: np.ndarray) -> tuple[float, float]:
    """Bell-McCaffrey with the full hat matrix, and Satterthwaite with the full matrix of all scores' covariances."""
    design, outcome = whitened(fitted)
    bread = np.linalg.inv(design.T @ design)
    annihilator = np.eye(len(design)) - design @ bread @ design.T
    vectors = []
    for cluster in np.unique(clusters):
        inside = clusters == cluster
        values, basis = np.linalg.eigh(annihilator[np.ix_(inside, inside)])
        root = np.where(values > 1e-9, np.abs(values) ** -0.5, 0)
        adjusted = basis @ (root * (basis.T @ design[inside] @ bread @ dummy_contrast(fitted, contrast)))
        vectors.append(annihilator[:, inside] @ adjusted)
    vectors = np.array(vectors)
    covariance = vectors @ vectors.T
    return np.linalg.norm(vectors @ outcome), np.trace(covariance) ** 2 / np.square(covariance).sum()


def explicit_cr3(fitted: Regression, contrast: Effect, clusters: np.ndarray) -> float:
    """Refits without each cluster; missing where the contrast is outside the row space of what is left."""
    design, outcome = whitened(fitted)
    weights = dummy_contrast(fitted, contrast)
    whole = weights @ np.linalg.lstsq(design, outcome, rcond=None)[0]
    changes = []
    for cluster in np.unique(clusters):
        left = clusters != cluster
        rank = np.linalg.matrix_rank(design[left])
        if np.linalg.matrix_rank(np.vstack([design[left], weights])) > rank:
            return np.nan
        changes.append(weights @ np.linalg.lstsq(design[left], outcome[left], rcond=None)[0] - whole)
    return np.sqrt((len(changes) - 1) / len(changes) * np.square(changes).sum())


@pytest.mark.parametrize("dataset", ["castle", "ezunem", "cai2016"])
def test_standard_errors_degrees_of_freedom_and_p_values_of_r(dataset: str) -> None:
    fitted, known = published_estimate(dataset).fitted, known_answers()[dataset, "two_way"]
    contrast, clusters = fitted.combination(np.ones(1)), cluster_codes(fitted, "group")
    value = fitted.results.params["treated"]
    met = set()
    for name, method in METHODS.items():
        answer = method(cluster_pieces(fitted, contrast, clusters))
        found = {
            f"{name}_se": answer.std_error,
            f"{name}_df": answer.df,
            f"{name}_p": 2 * stats.t.sf(abs(value) / answer.std_error, answer.df),
        }
        for quantity in found.keys() & set(known.index):
            assert found[quantity] == pytest.approx(known[quantity], rel=R_TOLERANCE), quantity
            met.add(quantity)
    assert met == {quantity for quantity in known.index if quantity.startswith("cr")}
    assert len(met) >= 5


@every_case
def test_cr1_is_the_dummy_variable_fit_with_nested_parameters_uncounted(
    fitted: Regression, contrast: Effect, cluster: str
) -> None:
    design, outcome = dummy_design(fitted)
    clusters = cluster_codes(fitted, cluster)
    weights = fitted.sample.weights
    robust = sm.WLS(outcome, design, weights=weights).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    weighed = dummy_contrast(fitted, contrast)
    rows, parameters = design.shape
    rescale = np.sqrt((rows - parameters) / (rows - fitted.design.shape[1]))
    expected = np.sqrt(weighed @ robust.cov_params() @ weighed) * rescale
    answer = cr1(cluster_pieces(fitted, contrast, clusters))
    assert answer.std_error == pytest.approx(expected, rel=EXACT)
    assert answer.df == clusters.max()


@every_case
def test_cr2_is_the_explicit_formula(fitted: Regression, contrast: Effect, cluster: str) -> None:
    clusters = cluster_codes(fitted, cluster)
    answer = cr2(cluster_pieces(fitted, contrast, clusters))
    assert (answer.std_error, answer.df) == pytest.approx(explicit_cr2(fitted, contrast, clusters), rel=EXACT)


@every_case
def test_cr3_is_the_refit_without_each_cluster(fitted: Regression, contrast: Effect, cluster: str) -> None:
    clusters = cluster_codes(fitted, cluster)
    answer = cr3(cluster_pieces(fitted, contrast, clusters))
    assert answer.std_error == pytest.approx(explicit_cr3(fitted, contrast, clusters), rel=EXACT, nan_ok=True)
    assert np.isnan(answer.std_error) == ("no estimate without" in answer.note)
    assert np.isnan(answer.df) if np.isnan(answer.std_error) else answer.df == clusters.max()


def test_the_cases_hold_both_estimable_and_inestimable_deletions() -> None:
    missing = [np.isnan(cr3(cluster_pieces(f, c, cluster_codes(f, k))).std_error) for f, c, k in CASES.values()]
    assert 0 < sum(missing) < len(missing)


def test_pieces_add_up_to_the_fit() -> None:
    fitted, contrast, cluster = CASES["did-plain-group"]
    pieces = cluster_pieces(fitted, contrast, cluster_codes(fitted, cluster))
    np.testing.assert_allclose(pieces.sums.grams.sum(axis=0), np.eye(len(pieces.direction)), atol=1e-12)
    np.testing.assert_allclose(pieces.sums.scores.sum(axis=0), 0, atol=1e-10)
    weights = fitted.parameter_weights(contrast.gradient)
    variance = weights @ fitted.results.normalized_cov_params @ weights
    assert pieces.direction @ pieces.direction == pytest.approx(variance, rel=EXACT)


def test_a_year_that_one_cluster_alone_observes_does_not_stop_cr3() -> None:
    panel = small_panel(3)
    panel = panel[(panel["year"] != 2015) | (panel["district"] == "g6")]
    fitted = did(small_study(panel), "income").fitted
    clusters = cluster_codes(fitted, "group")
    contrast = fitted.combination(np.ones(1))
    without_each = cr3(cluster_pieces(fitted, contrast, clusters)).std_error
    assert explicit_cr3(fitted, contrast, clusters) == pytest.approx(without_each)
    answer = cr2(cluster_pieces(fitted, contrast, clusters))
    assert (answer.std_error, answer.df) == pytest.approx(explicit_cr2(fitted, contrast, clusters), rel=EXACT)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_row_order_names_and_units_of_measurement_change_nothing(method: Callable) -> None:
    panel = small_panel(5)

    def answer(changed: pd.DataFrame) -> np.ndarray:
        fitted = did(small_study(changed), "income", controls=["rain"], weights="people").fitted
        found = method(cluster_pieces(fitted, fitted.combination(np.ones(1)), cluster_codes(fitted, "group")))
        return np.array([found.std_error, found.df])

    plain = answer(panel)
    assert np.isfinite(plain).all()
    np.testing.assert_allclose(answer(panel.sample(frac=1, random_state=1)), plain, rtol=EXACT)
    renamed = panel.assign(
        village=panel["village"].map(lambda code: f"x{100 - int(code[1:])}"),
        district=panel["district"].map(lambda code: f"d{9 - int(code[1:])}"),
    )
    np.testing.assert_allclose(answer(renamed), plain, rtol=EXACT)
    np.testing.assert_allclose(answer(panel.assign(people=panel["people"] * 1e4)), plain, rtol=EXACT)
    scaled = panel.assign(income=panel["income"] * 1e6, rain=panel["rain"] * 1e-5)
    np.testing.assert_allclose(answer(scaled), plain * [1e6, 1], rtol=1e-7)


def test_one_treated_group_is_called_uninformative_and_cr3_is_missing() -> None:
    fitted = published_estimate("cai2016").fitted
    pieces = cluster_pieces(fitted, fitted.combination(np.ones(1)), cluster_codes(fitted, "group"))
    answers = {name: method(pieces) for name, method in METHODS.items()}
    for answer in answers.values():
        assert "one treated group: not informative" in answer.note
    assert np.isnan(answers["cr3"].std_error)
    assert answers["cr2"].std_error > 0


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_an_outcome_without_residuals_has_no_standard_error(method: Callable) -> None:
    panel = small_panel(5)
    panel["income"] = np.where(panel["start"].notna() & (panel["year"] >= panel["start"]), 3e4, 1e4)
    fitted = did(small_study(panel), "income", weights="people").fitted
    answer = method(cluster_pieces(fitted, fitted.combination(np.ones(1)), cluster_codes(fitted, "group")))
    assert np.isnan(answer.std_error)
    assert answer.note.startswith("no residual variation")


@pytest.mark.parametrize("method", [cr1, cr2])
def test_one_treated_and_one_untreated_cluster_leave_no_standard_error(method: Callable) -> None:
    """In a balanced panel both scores are zero: rounding must not pass for a tiny standard error."""
    fitted = did(small_study(small_panel(5, groups=2, treated=1, missing=0)), "income").fitted
    answer = method(cluster_pieces(fitted, fitted.combination(np.ones(1)), cluster_codes(fitted, "group")))
    assert np.isnan(answer.std_error)
    assert "one treated group: not informative" in answer.note


@pytest.mark.parametrize(("treated", "few"), [(2, True), (3, True), (4, False)])
def test_two_or_three_treated_groups_are_called_few(treated: int, few: bool) -> None:
    fitted = did(small_study(small_panel(8, groups=9, treated=treated)), "income").fitted
    for method in METHODS.values():
        note = method(cluster_pieces(fitted, fitted.combination(np.ones(1)), cluster_codes(fitted, "group"))).note
        assert (f"{treated} treated groups: too few for a reliable interval" in note) == few
        assert f"9 clusters, {treated} treated" in note


def test_treated_clusters_are_those_behind_the_contrast() -> None:
    study = small_study(small_panel(12, groups=8, treated=3, starts=(2017, 2018, 2019)))
    effects = event_study(study, "income")
    fitted, clusters = effects.fitted, cluster_codes(effects.fitted, "group")
    late = effects.effects[effects.event_times.index(3)]
    assert treated_clusters(fitted, clusters).sum() == 3
    assert treated_clusters(fitted, clusters, late.gradient).sum() == 1
    assert "one treated group: not informative" in cr2(cluster_pieces(fitted, late, clusters)).note
    average = effects.average().effect
    assert treated_clusters(fitted, clusters, average.gradient).sum() == 3
    assert "3 clusters alone behind a part of the effect" in cr2(cluster_pieces(fitted, average, clusters)).note


def test_effective_treated_clusters_counts_equal_ones_and_discounts_a_dominant_one() -> None:
    rows = [
        (f"{g}-{v}", t, 2 if g < 4 else None, g, 1.0 * t * (g + v))
        for g in range(9)
        for v in range(3)
        for t in range(4)
    ]
    panel = pd.DataFrame(rows, columns=["village", "year", "start", "district", "income"])

    def effective(weighted: pd.DataFrame) -> float:
        study = Study.from_frame(weighted, unit="village", time="year", first_treated="start", group="district")
        fitted = did(study, "income", weights="people").fitted
        return effective_treated_clusters(
            cluster_pieces(fitted, fitted.combination(np.ones(1)), cluster_codes(fitted, "group"))
        )

    assert effective(panel.assign(people=1.0)) == pytest.approx(4)
    assert effective(panel.assign(people=np.where(panel["district"] == 0, 1000.0, 1.0))) == pytest.approx(1, abs=0.02)


def test_clusters_are_named_and_more_than_one() -> None:
    panel = small_panel(1)
    study = Study.from_frame(panel, unit="village", time="year", first_treated="start", group="district")
    fitted = did(study, "income").fitted
    with pytest.raises(ValueError, match="'group', 'stratum' or 'unit', not 'town'"):
        cluster_codes(fitted, "town")
    with pytest.raises(StudyError, match=r"rows are in one stratum, so errors cannot be clustered by stratum"):
        cluster_codes(fitted, "stratum")


def with_common_effect(fitted: Regression, clusters: np.ndarray, effect: Effect) -> tuple[float, float]:
    """Bell-McCaffrey by full matrices: weights of the saturated fit, residuals of the fit with one common effect."""
    design, outcome = whitened(fitted)
    weights = design @ np.linalg.inv(design.T @ design) @ dummy_contrast(fitted, effect)
    cells = fitted.results.params.index.get_indexer(fitted.cells) - 1 + design.shape[1] - len(fitted.results.params) + 1
    fewer = np.column_stack([np.delete(design, cells, axis=1), design[:, cells].sum(axis=1)])
    annihilator = np.eye(len(design)) - fewer @ np.linalg.pinv(fewer)
    vectors = []
    for cluster in np.unique(clusters):
        inside = clusters == cluster
        values, basis = np.linalg.eigh(annihilator[np.ix_(inside, inside)])
        root = np.where(values > 1e-9, np.abs(values) ** -0.5, 0)
        vectors.append(annihilator[:, inside] @ (basis @ (root * (basis.T @ weights[inside]))))
    covariance = np.array(vectors) @ np.array(vectors).T
    return np.linalg.norm(np.array(vectors) @ outcome), np.trace(covariance) ** 2 / np.square(covariance).sum()


def test_a_start_year_with_one_group_has_its_noise_counted_around_one_common_effect() -> None:
    panel = small_panel(30, groups=12, treated=6)
    panel.loc[panel["district"] == "g0", "start"] = 2017
    estimate = did(small_study(panel), "income")
    clusters = cluster_codes(estimate.fitted, "group")
    pieces = cluster_pieces(estimate.fitted, estimate.effect, clusters)
    assert pieces.alone == 1
    assert 0 < pieces.lone_share < 0.5
    answer = cr2(pieces)
    expected = with_common_effect(estimate.fitted, clusters, estimate.effect)
    assert (answer.std_error, answer.df) == pytest.approx(expected, rel=EXACT)
    assert "from a start year with one group, noise counted around one common effect" in answer.note
    assert "no interval" not in repr(estimate)


@pytest.mark.parametrize("alone", [1, 5])
def test_size_with_start_years_of_one_group_each(alone: int) -> None:
    """Twenty treated groups of 50, some alone in their start year, no effect: a 5 % test rejects 3 to 7 %.

    What each draw gives is what `did` gives on it: `test_a_draw_is_what_a_refit_would_give` in tests/design.
    """
    years, groups, panels = np.arange(2000, 2011), 50, 2000
    start = np.where(np.arange(groups) < 20, 2006.0, np.nan)
    start[:alone] = 2003 + np.arange(alone) + (np.arange(alone) >= 3)
    frame = pd.DataFrame({"village": np.repeat(np.arange(groups), len(years)), "year": np.tile(years, groups)})
    frame["start"] = start[frame["village"]]
    frame["income"] = np.random.default_rng(7).normal(size=len(frame))
    frame["village"] = frame["village"].map("v{:02}".format)
    study = Study.from_frame(frame, unit="village", time="year", first_treated="start")
    treated = study.units["first_treated"].notna()
    shocks = Shocks(0.0, 0.0, 1.6, 0.95, 1.0, pd.Series(1.0, treated.index), treated)
    rejected = null_draws(did(study, "income"), shocks, panels, 7).power(0.0, 0.95)
    error = 3 * np.sqrt(0.05 * 0.95 / panels)
    assert 0.03 - error < rejected < 0.07 + error


def test_groups_that_tell_nothing_of_an_effect_are_no_clusters_of_it() -> None:
    panel = small_panel(5, groups=9, treated=4)
    once = [(f"s{n}", 2015 + n % 6, None, f"s{n}", "s0", 50.0 + n, 0.0, 1.0) for n in range(30)]
    more = pd.concat([panel, pd.DataFrame(once, columns=panel.columns)], ignore_index=True)
    few, many = (did(small_study(frame), "income") for frame in (panel, more))
    assert many.fitted.sample.dropped == {"seen in one year only": 30}
    assert (many.groups, many.villages, many.rows) == (few.groups, few.villages, few.rows)
    pd.testing.assert_frame_equal(many.inference(draws=199), few.inference(draws=199))


def test_a_group_seen_only_before_is_no_cluster_of_a_complete_panel() -> None:
    panel = small_panel(6, groups=8, treated=3, missing=0)
    before = panel[(panel["district"] == "g7") & (panel["year"] < 2018)]
    rest = panel[panel["district"] != "g7"]
    with_it, without = (did(small_study(frame), "income") for frame in (pd.concat([rest, before]), rest))
    assert with_it.value == pytest.approx(without.value, rel=EXACT)
    assert with_it.groups == without.groups == 7
    assert with_it.inference("cr1")["df"].item() == 6
    assert with_it.inference("cr3")["df"].item() == 6


@pytest.mark.parametrize("untreated", [2, 3])
def test_few_untreated_groups_are_as_bad_as_few_treated_ones(untreated: int) -> None:
    estimate = did(small_study(small_panel(8, groups=9, treated=9 - untreated)), "income")
    for note in estimate.inference(["cr1", "cr2", "wild_bootstrap"], draws=99)["note"]:
        assert f"{untreated} untreated groups: " in note
    assert f"{untreated} groups untreated: too few for a reliable interval." in repr(estimate)
