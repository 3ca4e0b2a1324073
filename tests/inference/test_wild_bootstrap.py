"""The wild cluster bootstrap against R, against refits draw by draw, and its interval against its own test."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from dummy_regressions import dummy_contrast, dummy_design
from panels import DESIGNS, small_panel, small_study
from published_studies import known_answers, published_estimate

from analysis import Study, did, event_study
from analysis.inference.cluster_pieces import cluster_codes, cluster_pieces
from analysis.inference.cluster_robust import cr1
from analysis.inference.hypothesis import HypothesisTest
from analysis.inference.wild_bootstrap import (
    RADEMACHER,
    WEBB,
    bootstrap_draws,
    random_weights,
    sign_vectors,
    wild_bootstrap,
)
from analysis.regression.regression import Effect, Regression

pytestmark = pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")

# Bootstrap t statistics by two exact routes in double precision; the worst of a few hundred loses some digits more.
STATISTIC = 1e-8
# R's answers are stored with 13 digits.
R_TOLERANCE = 1e-9
# How far from a bound, in standard errors, the test is asked on either side: bisection stops at 1e-9.
BESIDE_BOUND = 1e-7


def run(fitted: Regression, weights_on_cells: np.ndarray, cluster: str = "group", **options: object) -> HypothesisTest:
    pieces = cluster_pieces(fitted, fitted.combination(weights_on_cells), cluster_codes(fitted, cluster))
    return wild_bootstrap(pieces, **options)


def refitted_statistics(
    fitted: Regression, contrast: Effect, clusters: np.ndarray, null: float, vectors: np.ndarray
) -> np.ndarray:
    """Impose the null on the dummy-variable fit, then refit statsmodels for every weight vector; t* with CR1."""
    design, outcome = dummy_design(fitted)
    weights = fitted.sample.weights
    weighed = dummy_contrast(fitted, contrast)
    bread = np.linalg.inv(design.T @ (design * weights[:, None]))
    free = bread @ design.T @ (weights * outcome)
    restricted = free - bread @ weighed * (weighed @ free - null) / (weighed @ bread @ weighed)
    rows, parameters = design.shape
    nested = np.sqrt((rows - parameters) / (rows - fitted.design.shape[1]))
    statistics = []
    for signs in vectors:
        drawn = design @ restricted + signs[clusters] * (outcome - design @ restricted)
        refit = sm.WLS(drawn, design, weights=weights).fit(cov_type="cluster", cov_kwds={"groups": clusters})
        error = nested * np.sqrt(weighed @ refit.cov_params() @ weighed)
        statistics.append((weighed @ refit.params - null) / error)
    return np.array(statistics)


def brute_force_cases() -> dict[str, tuple[Regression, np.ndarray, str, float]]:
    """Regressions, contrasts and null values with six to eight clusters, so that all sign vectors can be refitted."""
    built = {}
    for number, (name, options) in enumerate(DESIGNS.items()):
        single = did(small_study(small_panel(40 + number, groups=6)), "income", **options)
        built[f"did-{name}"] = (single.fitted, single.effect.gradient, "group", 0.0)
        panel = small_panel(50 + number, groups=7, treated=4, starts=(2017, 2018))
        effects = event_study(small_study(panel), "income", **options)
        built[f"event-{name}"] = (effects.fitted, effects.effects[effects.event_times.index(0)].gradient, "group", 0.3)
    saturated = did(small_study(panel), "income", controls=["rain"], weights="people")
    built["saturated"] = (saturated.fitted, saturated.effect.gradient, "group", -0.5)
    wide = did(small_study(small_panel(60, groups=12, treated=5)), "income", weights="people")
    built["towns"] = (wide.fitted, wide.effect.gradient, "stratum", 0.0)
    return built


BRUTE_FORCE = brute_force_cases()
every_case = pytest.mark.parametrize(("fitted", "on_cells", "cluster", "null"), BRUTE_FORCE.values(), ids=BRUTE_FORCE)


@every_case
def test_every_sign_vector_gives_the_refitted_statistic(
    fitted: Regression, on_cells: np.ndarray, cluster: str, null: float
) -> None:
    contrast, clusters = fitted.combination(on_cells), cluster_codes(fitted, cluster)
    number = clusters.max() + 1
    vectors = np.vstack(list(sign_vectors(number)))
    assert vectors.shape == (2**number, number)
    assert len({tuple(signs) for signs in vectors}) == 2**number
    expected = refitted_statistics(fitted, contrast, clusters, null, vectors)
    pieces = cluster_pieces(fitted, contrast, clusters)
    draws = bootstrap_draws(pieces, sign_vectors(number), enumerated=True)
    distance = contrast.value - null
    numerator = draws.numerator[0] + distance * draws.numerator[1]
    variance = draws.variance[0] + 2 * distance * draws.variance[1] + distance**2 * draws.variance[2]
    found = numerator / np.sqrt(pieces.cr1_factor * variance)
    np.testing.assert_allclose(found, expected, rtol=STATISTIC, atol=STATISTIC)
    statistic = distance / cr1(cluster_pieces(fitted, contrast, clusters)).std_error
    larger = np.abs(expected) >= abs(statistic) * (1 - STATISTIC)
    assert draws.p_value(distance) == larger.mean()


@pytest.mark.parametrize("name", ["webb", "rademacher"])
def test_drawn_weights_give_the_refitted_statistics(name: str) -> None:
    fitted, on_cells, cluster, _ = BRUTE_FORCE["did-controls_and_weights"]
    contrast, clusters = fitted.combination(on_cells), cluster_codes(fitted, cluster)
    draws, seed = 60, 5
    vectors = np.vstack(list(random_weights(name, clusters.max() + 1, draws, seed)))
    expected = refitted_statistics(fitted, contrast, clusters, 0.0, vectors)
    statistic = contrast.value / cr1(cluster_pieces(fitted, contrast, clusters)).std_error
    larger = (np.abs(expected) >= abs(statistic) * (1 - STATISTIC)).sum()
    if name == "webb":
        answer = wild_bootstrap(cluster_pieces(fitted, contrast, clusters), draws=draws, seed=seed, weights=name)
        assert answer.p_value == (1 + larger) / (1 + draws)
        assert answer.statistic == pytest.approx(statistic)
    else:
        # 2^6 sign vectors exceed 61, so they are drawn here too.
        answer = wild_bootstrap(cluster_pieces(fitted, contrast, clusters), draws=draws, seed=seed, weights=name)
        assert "60 Rademacher draws" in answer.note
        assert answer.p_value == (1 + larger) / (1 + draws)


def test_enumerated_p_value_of_r_with_ties_counted() -> None:
    """R's own count is 1486 of 4096; fwildclusterboot's is 1484, for it asks |t*| > |t| of the two exact ties."""
    fitted, known = published_estimate("cai2016").fitted, known_answers()["cai2016", "two_way"]
    answer = run(fitted, np.ones(1))
    assert answer.p_value == known["wild_rademacher_p"] == 1486 / 4096
    assert answer.p_value - 2 / 4096 == known["wild_rademacher_p_fwildclusterboot"]
    assert "all 4,096 sign vectors" in answer.note
    assert "one treated group: not informative" in answer.note


@pytest.mark.parametrize("dataset", ["castle", "ezunem", "cai2016"])
@pytest.mark.parametrize("weights", ["rademacher", "webb"])
def test_drawn_p_values_of_r(dataset: str, weights: str) -> None:
    known, draws = known_answers()[dataset, "two_way"], 99_999
    answer = run(published_estimate(dataset).fitted, np.ones(1), draws=draws, weights=weights)
    for quantity in (f"wild_{weights}_p", f"wild_{weights}_p_fwildclusterboot"):
        expected = known[quantity]
        # R drew 9,999 times (or enumerated), we 99,999 (or enumerated): three standard errors of the difference.
        error = np.sqrt(expected * (1 - expected) * (1 / 9_999 + 1 / draws))
        assert abs(answer.p_value - expected) < 3 * error, quantity
    assert answer.std_error == pytest.approx(known["cr1_se"], rel=R_TOLERANCE)


@every_case
def test_the_test_of_a_null_is_the_test_of_no_effect_on_the_shifted_outcome(
    fitted: Regression, on_cells: np.ndarray, cluster: str, null: float
) -> None:
    """Inverting costs no new draw; here the outcome less a constant effect is fitted again instead."""
    contrast, clusters = fitted.combination(on_cells), cluster_codes(fitted, cluster)
    draws = bootstrap_draws(cluster_pieces(fitted, contrast, clusters), sign_vectors(clusters.max() + 1), True)
    # Any coefficients with contrast `null` will do, as those of the cells the contrast weighs.
    weights = fitted.parameter_weights(contrast.gradient)
    effect = fitted.design @ weights * null / (weights @ weights)
    outcome = fitted.results.model.endog - effect
    weights = fitted.sample.weights
    model = sm.WLS(outcome, fitted.results.model.data.orig_exog, weights=weights)
    shifted = replace(fitted, results=model.fit())
    expected = wild_bootstrap(cluster_pieces(shifted, shifted.combination(on_cells), clusters)).p_value
    assert draws.p_value(contrast.value - null) == expected


def panels_for_intervals() -> list[Regression]:
    return [did(small_study(small_panel(seed, groups=9, treated=4)), "income").fitted for seed in range(70, 82)]


@pytest.mark.parametrize("weights", [None, "webb"])
def test_p_below_five_per_cent_is_zero_outside_the_interval(weights: str | None) -> None:
    rejections = []
    for fitted in panels_for_intervals():
        for level in (0.8, 0.95):
            answer = run(fitted, np.ones(1), draws=999, weights=weights, level=level)
            assert (answer.p_value < 1 - level) == (not answer.low <= 0 <= answer.high)
            assert answer.low < fitted.results.params["treated"] < answer.high
            rejections.append(answer.p_value < 1 - level)
    assert 0 < sum(rejections) < len(rejections)


def test_bounds_are_where_the_test_turns() -> None:
    for fitted in panels_for_intervals()[:6]:
        contrast, clusters = fitted.combination(np.ones(1)), cluster_codes(fitted, "group")
        answer = wild_bootstrap(cluster_pieces(fitted, contrast, clusters), level=0.9)
        draws = bootstrap_draws(cluster_pieces(fitted, contrast, clusters), sign_vectors(9), enumerated=True)
        value = fitted.results.params["treated"]
        for bound, outward in ((answer.low, -1), (answer.high, 1)):
            beside = outward * BESIDE_BOUND * answer.std_error
            assert draws.p_value(value - (bound - beside)) >= 0.1
            assert draws.p_value(value - (bound + beside)) < 0.1


def test_too_few_sign_vectors_never_reject_and_the_interval_is_infinite() -> None:
    fitted = did(small_study(small_panel(90, groups=5, treated=2)), "income").fitted
    answer = run(fitted, np.ones(1))
    # Both exact ties of 32 vectors: the smallest p-value is 1/16.
    assert answer.p_value >= 2 / 32
    assert (answer.low, answer.high) == (-np.inf, np.inf)
    assert "all 32 sign vectors, smallest p 0.062" in answer.note
    ninety = run(fitted, np.ones(1), level=0.8)
    assert np.isfinite([ninety.low, ninety.high]).all()


def test_the_limit_is_the_p_value_of_a_far_null() -> None:
    limits = []
    for groups in (5, 6, 8):
        fitted = did(small_study(small_panel(90, groups=groups, treated=2)), "income").fitted
        contrast, clusters = fitted.combination(np.ones(1)), cluster_codes(fitted, "group")
        draws = bootstrap_draws(cluster_pieces(fitted, contrast, clusters), sign_vectors(groups), enumerated=True)
        far = 1e5 * cr1(cluster_pieces(fitted, contrast, clusters)).std_error
        assert draws.limit() == draws.p_value(far) == draws.p_value(-far)
        assert draws.limit() >= 2 / 2**groups
        limits.append(draws.limit())
    assert limits == sorted(limits, reverse=True)


@pytest.mark.parametrize(
    ("groups", "treated", "options", "expected"),
    [
        (9, 4, {}, "all 512 sign vectors"),
        (9, 4, {"weights": "webb"}, "9,999 Webb draws"),
        (9, 4, {"draws": 510}, "510 Webb draws"),
        (9, 4, {"draws": 511}, "all 512 sign vectors"),
        (22, 4, {}, "9,999 Webb draws"),
        (22, 9, {}, "9,999 Webb draws"),
        (22, 10, {}, "9,999 Rademacher draws"),
        (22, 12, {}, "9,999 Rademacher draws"),
        (22, 13, {}, "9,999 Webb draws"),
        (22, 4, {"weights": "rademacher"}, "9,999 Rademacher draws"),
    ],
)
def test_weights_follow_the_number_of_treated_and_untreated_groups(
    groups: int, treated: int, options: dict, expected: str
) -> None:
    fitted = did(small_study(small_panel(7, groups=groups, treated=treated)), "income").fitted
    assert run(fitted, np.ones(1), **options).note.startswith(expected)


@pytest.mark.parametrize(
    ("treated", "caution"), [(1, "one treated group: not informative"), (2, ""), (3, ""), (4, None)]
)
def test_few_treated_groups_are_said(treated: int, caution: str | None) -> None:
    fitted = did(small_study(small_panel(8, groups=9, treated=treated)), "income").fitted
    note = run(fitted, np.ones(1), draws=99).note
    expected = caution or f"{treated} treated groups: may not be the headline"
    assert (expected in note) == (caution is not None)


def test_weights_have_mean_zero_and_variance_one() -> None:
    for points in (WEBB, RADEMACHER):
        assert points.sum() == pytest.approx(0)
        assert np.square(points).mean() == pytest.approx(1)
    drawn = np.vstack(list(random_weights("webb", 3, 30_000, seed=1)))
    shares = np.array([(drawn == point).mean() for point in WEBB])
    # Five standard errors of a share of one sixth in 90,000 draws.
    np.testing.assert_allclose(shares, 1 / 6, atol=5 * np.sqrt(5 / 36 / 90_000))


def test_more_draws_begin_with_the_same_ones() -> None:
    few, many = (np.vstack(list(random_weights("webb", 7, draws, seed=3))) for draws in (100, 9_999))
    np.testing.assert_array_equal(few, many[:100])
    assert not np.array_equal(few, np.vstack(list(random_weights("webb", 7, 100, seed=4))))


def test_row_order_names_and_units_of_measurement_change_nothing() -> None:
    panel = small_panel(5)

    def answer(changed: object) -> HypothesisTest:
        return run(did(small_study(changed), "income", controls=["rain"], weights="people").fitted, np.ones(1))

    plain = answer(panel)
    renamed = panel.assign(
        village=panel["village"].map(lambda code: f"x{100 - int(code[1:])}"),
        district=panel["district"].map(lambda code: f"d{9 - int(code[1:])}"),
    )
    for changed, scale in (
        (panel.sample(frac=1, random_state=1), 1),
        (renamed, 1),
        (panel.assign(people=panel["people"] * 1e4), 1),
        (panel.assign(income=panel["income"] * 1e6, rain=panel["rain"] * 1e-5), 1e6),
    ):
        found = answer(changed)
        assert found.p_value == plain.p_value
        expected = np.array([plain.std_error, plain.low, plain.high]) * scale
        np.testing.assert_allclose([found.std_error, found.low, found.high], expected, rtol=1e-7)


def test_an_outcome_without_residuals_has_no_test() -> None:
    panel = small_panel(5)
    panel["income"] = np.where(panel["start"].notna() & (panel["year"] >= panel["start"]), 3.0, 1.0)
    answer = run(did(small_study(panel), "income").fitted, np.ones(1))
    assert np.isnan([answer.p_value, answer.low, answer.high, answer.statistic]).all()
    assert "no residual variation" in answer.note


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "mammen"}, "weights must be 'rademacher', 'webb' or None"),
        ({"draws": 0}, "draws must be at least 1"),
    ],
)
def test_wrong_options_are_refused(options: dict, message: str) -> None:
    fitted = did(small_study(small_panel(1)), "income").fitted
    with pytest.raises(ValueError, match=message):
        run(fitted, np.ones(1), **options)


def test_clusters_of_any_kind() -> None:
    study: Study = small_study(small_panel(4, groups=12, treated=5))
    fitted = did(study, "income").fitted
    for cluster in ("group", "stratum", "unit"):
        answer = run(fitted, np.ones(1), cluster, draws=999)
        assert 0 < answer.p_value <= 1
        clusters = cluster_codes(fitted, cluster)
        assert answer.std_error == cr1(cluster_pieces(fitted, fitted.combination(np.ones(1)), clusters)).std_error
