"""Honest bounds: R's values, cases by hand, an independent linear program, coverage, and what they say of a study."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from analysis import Study, StudyError, event_study, honest_bounds
from analysis.effects.event_study import EventStudy
from analysis.inference.honest_bounds.bounds import BREAKDOWN_TOLERANCE
from analysis.inference.honest_bounds.relative_magnitudes import conditional_test, critical_value
from analysis.inference.honest_bounds.smoothness import smooth_interval
from analysis.inference.pretrends import pooled_covariance
from analysis.messages import amount

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "honest_did.json").read_text(encoding="utf-8"))
# R tests 1,000 values within 20 standard errors of zero and reports the outermost it accepts.
R_GRID_STEP = 40 / 999
# R takes the quantile of the folded normal from a million draws: three of its standard errors, in standard errors.
R_QUANTILE = 0.006
# Two ways of adding the same numbers, of size one.
SAME_NUMBER = 1e-9
# Bounds of relative magnitudes are refined to 1/299**3 (4e-8) of what the first stage leaves: here up to 610.
REFINED = 5e-5
# scipy's cumulated multivariate normal and t are themselves quasi-Monte Carlo integrals.
CUMULATED = 5e-4
# Draws of the first stage's critical value, and how near the interval's ends it then decides: a hundredth of an error.
FIRST_STAGE_DRAWS = 400_000
NEAR = 0.01
KINDS = ["relative_magnitudes", "smoothness"]


def bounds(coefficients, covariance, pre: int, weights, kind: str, values, **options: float) -> np.ndarray:
    """Low and high, one row per value."""
    shape = {"pre": pre, "post": len(weights), "weights": weights}
    return honest_bounds(coefficients, covariance, **shape, kind=kind, values=values, **options)[
        ["low", "high"]
    ].to_numpy()


def example(pre: int, post: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and a covariance with strong correlations, of size one."""
    generator = np.random.default_rng(seed)
    root = generator.normal(size=(pre + post, pre + post)) + 0.5
    return generator.normal(size=pre + post), root @ root.T + 0.5 * np.eye(pre + post)


def reference() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    coefficients = np.array([row["beta"] for row in REFERENCE["coefficients"]])
    return coefficients, np.array(REFERENCE["covariance"]), np.array(REFERENCE["weights"], dtype=float)


def test_relative_magnitudes_meet_r_within_one_grid_step() -> None:
    coefficients, covariance, weights = reference()
    rows = pd.DataFrame(REFERENCE["relative_magnitudes_c_lf"])
    ours = bounds(coefficients, covariance, 5, weights, "relative_magnitudes", rows["Mbar"])
    step = R_GRID_STEP * np.sqrt(weights @ covariance[5:, 5:] @ weights)
    assert ours == pytest.approx(rows[["lb", "ub"]].to_numpy(), abs=step)


def test_smoothness_meets_r() -> None:
    coefficients, covariance, weights = reference()
    rows = pd.DataFrame(REFERENCE["smoothness_flci"])
    ours = bounds(coefficients, covariance, 5, weights, "smoothness", rows["M"])
    tolerance = R_QUANTILE * np.sqrt(weights @ covariance[5:, 5:] @ weights)
    assert ours == pytest.approx(rows[["lb", "ub"]].to_numpy(), abs=tolerance)


@pytest.mark.parametrize(("df", "level"), [(np.inf, 0.95), (5, 0.95), (20, 0.9)])
def test_parallel_trends_after_the_reference_give_the_plain_interval(df: float, level: float) -> None:
    coefficients, covariance = example(3, 3)
    weights = np.array([0.5, 0.3, 0.2])
    error = np.sqrt(weights @ covariance[3:, 3:] @ weights)
    margin = stats.t.ppf((1 + level) / 2, df) * error
    expected = weights @ coefficients[3:] + np.array([[-margin, margin]])
    ours = bounds(coefficients, covariance, 3, weights, "relative_magnitudes", [0], df=df, level=level)
    assert ours == pytest.approx(expected, abs=REFINED * error)


def test_a_large_departure_known_without_error_adds_itself() -> None:
    # The gap moved by 300 before, known almost exactly, so by at most 150 a year after: up to 300 at the second lag.
    # Each end is a one-sided test: rejected at first where it exceeds the two-sided 0.5 % value, then 4.5 / 99.5.
    coefficients, covariance = [300.0, 10.0, 20.0], np.diag([1e-8, 1.0, 4.0])
    margin = 300 + 2 * stats.norm.isf(0.0025 + 0.045 / 0.995 * (1 - 0.0025))
    ours = bounds(coefficients, covariance, 1, [0, 1], "relative_magnitudes", [0.5])
    assert ours == pytest.approx(np.array([[20 - margin, 20 + margin]]), abs=REFINED)


def test_one_lead_and_one_lag_by_hand() -> None:
    # A straight line through lead -2 (0.3) and the reference (0) is -0.3 at the lag: the effect is 2 + 0.3, variance
    # 0.25 + 1 + 2 * 0.1; a kink at the reference moves it by as much.
    coefficients, covariance = [0.3, 2.0], [[0.25, 0.1], [0.1, 1.0]]
    error = np.sqrt(1.45)
    kinks = np.array([0, 0.7, 3])
    lengths = error * stats.foldnorm.ppf(0.95, kinks / error)
    expected = np.column_stack([2.3 - lengths, 2.3 + lengths])
    assert bounds(coefficients, covariance, 1, [1], "smoothness", kinks) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("df", [np.inf, 7])
def test_no_kink_is_generalised_least_squares_with_a_straight_line(df: float) -> None:
    coefficients, covariance = example(4, 2)
    design = np.zeros((6, 3))
    design[:, 0] = [-4, -3, -2, -1, 1, 2]
    design[4:, 1:] = np.eye(2)
    inverse = np.linalg.inv(covariance)
    spread = np.linalg.inv(design.T @ inverse @ design)
    weights = np.array([0, 0.25, 0.75])
    middle = weights @ spread @ design.T @ inverse @ coefficients
    margin = stats.t.ppf(0.975, df) * np.sqrt(weights @ spread @ weights)
    ours = bounds(coefficients, covariance, 4, weights[1:], "smoothness", [0], df=df)
    assert ours == pytest.approx(np.array([[middle - margin, middle + margin]]), rel=1e-7)


@pytest.mark.parametrize(("weights", "kink"), [([0.5, 0.5], 0.2), ([0.5, 0.5], 1.0), ([2.0, -1.0], 0.4), ([1, 0], 9)])
def test_no_other_linear_estimator_has_a_shorter_interval(weights: list[float], kink: float) -> None:
    coefficients, covariance = example(3, 2)
    covariance = covariance / 20
    times = np.array([-3, -2, -1, 0, 1, 2])
    # All corners of the set of departures: a kink up or down in each of the four years that have two neighbours.
    corners = []
    for signs in product([-kink, kink], repeat=4):
        path = sum(sign * np.maximum(times - at, 0) for sign, at in zip(signs, (-2, -1, 0, 1), strict=True))
        straight = path - path[3] - times * (path[4] - path[3])
        corners.append(np.delete(straight, 3))

    def half_length(leads: np.ndarray) -> float:
        # The third lead's weight frees the estimator of bias under straight lines.
        estimator = np.array([*leads, np.array([1, 2]) @ weights - np.array([3, 2]) @ leads, *weights])
        error = np.sqrt(estimator @ covariance @ estimator)
        return error * stats.foldnorm.ppf(0.95, np.abs(np.array(corners) @ estimator).max() / error)

    starts = [np.array(start, dtype=float) for start in ((0, 0), (1, -1), (-1, 2))]
    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
    found = [optimize.minimize(half_length, start, method="Nelder-Mead", options=options).fun for start in starts]
    low, high = smooth_interval(coefficients, covariance, 3, np.array(weights), kink)
    assert (high - low) / 2 == pytest.approx(min(found), rel=1e-6)


def linear_program(rows: np.ndarray, nuisance: np.ndarray, deviation: np.ndarray) -> tuple[float, np.ndarray]:
    """Least eta with rows - nuisance x <= eta deviation, and the multipliers."""
    cost = np.eye(nuisance.shape[1] + 1)[0]
    sides = -np.column_stack([deviation, nuisance])
    answer = optimize.linprog(cost, A_ub=sides, b_ub=-rows, bounds=(None, None), method="highs")
    return answer.fun, -answer.ineqlin.marginals


def textbook_test(rows: np.ndarray, nuisance: np.ndarray, covariance: np.ndarray, critical: float) -> bool:
    """Whether the hybrid test accepts, as Andrews, Roth & Pakes write it: linear programs and bisection."""
    deviation = np.sqrt(np.diag(covariance))
    eta, multipliers = linear_program(rows, nuisance, deviation)
    if eta > critical:
        return False
    error = np.sqrt(multipliers @ covariance @ multipliers)
    along = covariance @ multipliers / error**2
    rest = rows - along * eta

    def binds(value: float) -> bool:
        return abs(linear_program(rest + along * value, nuisance, deviation)[0] - value) < 1e-7

    ends = []
    for end in (-50.0, 50.0):
        inside, outside = eta, end
        while not binds(outside) and abs(outside - inside) > 1e-5:
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if binds(middle) else (inside, middle)
        ends.append(outside if binds(outside) else inside)
    low, high = ends[0] / error, min(ends[1], critical) / error
    return eta <= 0 or stats.truncnorm.cdf(eta / error, low, high) <= 1 - 0.045 / 0.995


@pytest.mark.parametrize(("weights", "allowed"), [([0.2, 0.5, 0.3], 0.7), ([1, 0, 0], 1.5), ([1.0, -0.5, 0.25], 1.0)])
def test_the_reduced_test_is_the_textbook_one(weights: list[float], allowed: float) -> None:
    """One change before taken as the largest; three lags, two unknown: eliminated by hand, or by the program."""
    coefficients, covariance = example(2, 3, seed=8)
    coefficients[:2], critical = [-1.5, -1], 2.9
    steps = np.diff(np.insert(np.eye(5), 2, 0, axis=0), axis=0)
    sides = np.vstack([steps[2:] - allowed * steps[1], -steps[2:] - allowed * steps[1]])
    spread = sides @ covariance @ sides.T
    unknown = sides[:, 2:] @ np.linalg.svd(np.array([weights]))[2][1:].T
    cumulated = np.cumsum(weights[::-1])[::-1]
    above, below = cumulated.clip(0), (-cumulated).clip(0)
    rays = np.vstack([np.append(above, below), np.append(below, above), np.tile(np.eye(3), 2)])
    rays = rays / (rays @ np.sqrt(np.diag(spread)))[:, None]
    answers = []
    for theta in weights @ coefficients[2:] + np.linspace(-14, 14, 11):
        rows = sides @ coefficients - sides[:, 2] * theta / weights[0]
        ours = conditional_test((rays @ rows)[None], rays @ spread @ rays.T, critical, 0.045 / 0.995, np.inf)
        answers.append([ours[0], textbook_test(rows, unknown, spread, critical)])
    ours, textbook = np.array(answers).T
    assert 0 < ours.sum() < len(ours)
    assert ours.tolist() == textbook.tolist()


def test_the_interval_is_where_the_textbook_test_begins_to_accept() -> None:
    """The same by linear program on both sides of each end of the interval, one lead, so two tests."""
    coefficients, covariance = np.array([0.8, 3.0, 5.0]), np.array([[1, 0.3, 0.2], [0.3, 1.5, 0.9], [0.2, 0.9, 2]]) / 4
    weights, allowed = np.array([0.5, 0.5]), 0.8
    ends = bounds(coefficients, covariance, 1, weights, "relative_magnitudes", [allowed])[0]
    steps = np.diff(np.insert(np.eye(3), 1, 0, axis=0), axis=0)

    def accepts(theta: float) -> bool:
        answers = []
        for change in (steps[0], -steps[0]):
            sides = np.vstack([steps[1:] - allowed * change, -steps[1:] - allowed * change])
            spread = sides @ covariance @ sides.T
            draws = np.random.default_rng(2).multivariate_normal(np.zeros(4), spread, size=FIRST_STAGE_DRAWS)
            deviation = np.sqrt(np.diag(spread))
            # Both lags' rows added up leave no unknown; a row and its opposite neither.
            pairs = [draws[:, 0] + draws[:, 1], draws[:, 2] + draws[:, 3], *(draws[:, :2] + draws[:, 2:]).T]
            scales = [deviation[0] + deviation[1], deviation[2] + deviation[3], *(deviation[:2] + deviation[2:])]
            # w = (1, 1/2): the first year's departure counts in both lags.
            pairs[0], scales[0] = draws[:, 0] + draws[:, 1] / 2, deviation[0] + deviation[1] / 2
            pairs[1], scales[1] = draws[:, 2] + draws[:, 3] / 2, deviation[2] + deviation[3] / 2
            critical = np.quantile(np.max(np.array(pairs) / np.array(scales)[:, None], axis=0), 0.995)
            rows = sides @ coefficients - sides[:, 1] * theta / weights[0]
            answers.append(textbook_test(rows, sides[:, 1:] @ np.array([[1.0], [-1.0]]), spread, critical))
        return any(answers)

    assert [accepts(theta) for theta in (ends[0] - NEAR, ends[0] + NEAR)] == [False, True]
    assert [accepts(theta) for theta in (ends[1] - NEAR, ends[1] + NEAR)] == [True, False]


def test_first_stage_has_its_size() -> None:
    correlated = np.array([[1.0, 0.0], [0.6, 0.8]])
    spread = correlated @ correlated.T
    for df, law in ((np.inf, stats.multivariate_normal(cov=spread)), (4, stats.multivariate_t(shape=spread, df=4))):
        critical = critical_value(correlated, 0.005, df)
        assert law.cdf([critical, critical]) == pytest.approx(0.995, abs=CUMULATED)


@pytest.mark.parametrize(("kind", "departure"), [("relative_magnitudes", 10), ("smoothness", 1)])
@pytest.mark.parametrize("df", [np.inf, 6])
def test_intervals_cover_the_largest_departure_allowed(kind: str, departure: float, df: float) -> None:
    """True effect zero, gap moving by as much after as allowed; with df, one estimated factor in the covariance."""
    replications, generator = 200, np.random.default_rng(4)
    covariance = np.array([[1, 0.5, 0.1], [0.5, 1, 0.3], [0.1, 0.3, 1.0]])
    root = np.linalg.cholesky(covariance)
    # The gap falls by ten, rises by ten, and by ten to the lag; or its slope rises by one a year: -2, -1, 0 to the lag.
    path = [0, -departure, departure] if kind == "relative_magnitudes" else [3, 1, 0]
    covered = 0
    for _ in range(replications):
        factor = 1.0 if np.isinf(df) else generator.chisquare(df) / df
        coefficients = path + root @ generator.standard_normal(3)
        low, high = bounds(coefficients, factor * covariance, 2, [1], kind, [1], df=df)[0]
        covered += low <= 0 <= high
    assert covered / replications == pytest.approx(0.95, abs=3 * np.sqrt(0.05 * 0.95 / replications))


@pytest.mark.parametrize("kind", KINDS)
def test_scale_and_sign(kind: str) -> None:
    coefficients, covariance = example(3, 2)
    values, weights = np.array([0, 0.4, 1.3]), [0.4, 0.6]
    ours = bounds(coefficients, covariance, 3, weights, kind, values)
    unit = 1e4 if kind == "smoothness" else 1.0
    scaled = bounds(1e4 * coefficients, 1e8 * covariance, 3, weights, kind, unit * values)
    assert scaled == pytest.approx(1e4 * ours, rel=1e-6)
    flipped = bounds(-coefficients, covariance, 3, weights, kind, values)
    assert flipped == pytest.approx(-ours[:, ::-1], rel=1e-6)
    doubled = bounds(coefficients, covariance, 3, 2 * np.array(weights), kind, values)
    assert doubled == pytest.approx(2 * ours, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_widen_with_value_level_and_fewer_degrees_of_freedom(kind: str) -> None:
    coefficients, covariance = example(3, 2)
    ours = bounds(coefficients, covariance, 3, [0.5, 0.5], kind, [0, 0.5, 1, 2, 4])
    length = np.diff(ours)[:, 0]
    assert (np.diff(length) > 0).all()
    for options in ({"level": 0.99}, {"df": 8}):
        wider = np.diff(bounds(coefficients, covariance, 3, [0.5, 0.5], kind, [0, 0.5, 1, 2, 4], **options))[:, 0]
        assert (wider > length).all()


SOUND = {"coefficients": [0.1, 1.0], "covariance": np.eye(2), "pre": 1, "post": 1, "weights": [1], "values": [0]}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "levels"}, "kind must be one of relative_magnitudes, smoothness, not 'levels'"),
        ({"pre": 0}, "At least one lead and one lag are needed, not pre=0 and post=1"),
        ({"pre": 2}, r"coefficients must have shape \(3,\) with pre=2 and post=1, not \(2,\)"),
        ({"covariance": np.eye(3)}, r"covariance must have shape \(2, 2\)"),
        ({"weights": [1, 0]}, r"weights must have shape \(1,\)"),
        ({"weights": [0]}, "weights are all zero"),
        ({"coefficients": [np.nan, 1]}, "coefficients must be finite; 1 number not"),
        ({"covariance": np.diag([1, -1])}, "a variance that is not above zero"),
        ({"covariance": [[1, 0.5], [0.2, 1]]}, "covariance is not symmetric"),
        ({"covariance": [[1, 2], [2, 1]]}, "some combination negative variance"),
        ({"covariance": np.ones((2, 2))}, "covariance lacks full rank.*EventStudy.honest_bounds"),
        ({"values": [0, -1]}, "values must be a list of finite numbers, none below zero"),
        ({"level": 95}, "level must lie between 0 and 1, such as 0.95, not 95"),
        ({"df": 0}, "df must be above zero"),
    ],
)
def test_errors_say_what_is_wrong(wrong: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        honest_bounds(**{"kind": "smoothness", **SOUND, **wrong})


YEARS = np.arange(2015, 2024)


def events_of(
    starts: list[int | None], effect: float = 0.0, years: np.ndarray = YEARS, **options: object
) -> EventStudy:
    """Two villages for each start year given (None: untreated), a group of their own, with shocks of size one."""
    generator = np.random.default_rng(6)
    frame = pd.DataFrame({"village": np.arange(2 * len(starts))})
    frame["district"] = frame["village"] // 2
    frame["start"] = pd.array([pd.NA if start is None else start for start in np.repeat(starts, 2)], dtype="Int64")
    frame = frame.merge(pd.DataFrame({"year": years}), how="cross")
    treated = (frame["year"] >= frame["start"]).fillna(False)
    frame["income"] = generator.normal(size=len(frame)) + effect * treated
    names = {"unit": "village", "time": "year", "first_treated": "start", "group": "district"}
    return event_study(Study.from_frame(frame, **names, provenance="simulated"), "income", **options)


ONE_START = [2021] * 5 + [None] * 32
SEVERAL = [2020] * 3 + [2022] * 3 + [None] * 32


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("starts", [ONE_START, SEVERAL])
def test_event_study_takes_the_pooled_covariance_and_the_average(kind: str, starts: list[int | None]) -> None:
    events = events_of(starts, effect=2.0)
    ours = events.honest_bounds(kind, values=[0, 0.5])
    path = events.path()
    pre = sum(time < 0 for time in path.event_times)
    lags = np.array([events.fitted.cell_sizes()[effect.gradient != 0].sum() for effect in path.effects[pre:]])
    coefficients = np.array([effect.value for effect in path.effects])
    assert ours.estimate.value == pytest.approx(coefficients[pre:] @ lags / lags.sum(), abs=SAME_NUMBER)
    if starts is ONE_START:
        assert ours.estimate.value == pytest.approx(events.average().value, abs=SAME_NUMBER)
    covariance, df = pooled_covariance(events.fitted, path.effects)
    # Each event time is seen by all groups of each start year.
    assert ours.df == df == len(path.effects) * {len(ONE_START): 4, len(SEVERAL): 2 * 2}[len(starts)]
    expected = bounds(coefficients, covariance, pre, lags / lags.sum(), kind, [0, 0.5], df=df)
    assert ours.frame[["low", "high"]].to_numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("starts", [ONE_START, SEVERAL])
def test_effects_in_per_cent_are_bounded_as_ratios_of_totals(starts: list[int | None]) -> None:
    study = events_of(starts, years=YEARS[3:]).study
    last = study.frame["time"].eq(YEARS[-1]) & study.frame["first_treated"].notna()
    income = np.exp(0.1 * study.frame["income"]) * np.where(last, 3, 1)
    events = event_study(replace(study, frame=study.frame.assign(income=income)), "income", scale="poisson")
    bounds, (observed, counterfactual) = events.honest_bounds(values=[0]), events.fitted.cell_totals()
    times = np.array([time for _, time in events.fitted.labels])
    reached = (times >= 0) & np.isin(times, events.path().event_times)
    ratio = np.log(observed[reached].sum() / counterfactual[reached].sum())
    # Where trends are parallel the interval is the estimate's, give and take the same.
    assert [bounds.estimate.value, bounds.frame[["low", "high"]].mean(axis=1)[0]] == pytest.approx(
        [ratio] * 2, abs=1e-6
    )
    whole = f"; over all treated years {events.average().percent:.1f} %)"
    which = "" if starts is ONE_START else f" (at event times 0, 1, which every start year reaches{whole}"
    assert bounds.which == which


@pytest.mark.parametrize("kind", KINDS)
def test_breakdown_is_where_the_interval_meets_zero(kind: str) -> None:
    events = events_of(ONE_START, effect=6.0)
    ours = events.honest_bounds(kind)
    step = 2 * BREAKDOWN_TOLERANCE
    around = events.honest_bounds(kind, values=[max(ours.breakdown - step, 0), ours.breakdown + step]).frame
    assert around["low"].iloc[0] > 0 >= around["low"].iloc[1]
    assert events_of(ONE_START, effect=-6.0).honest_bounds(kind).frame["high"].iloc[0] < 0


def test_sentences() -> None:
    strong, weak = events_of(ONE_START, effect=6.0), events_of(ONE_START)
    relative, smooth = strong.honest_bounds(), strong.honest_bounds("smoothness")
    assert repr(relative).startswith("Simulated data: effect on income 5.")
    # At zero and at the breakdown the sentence holds the numbers of the frame.
    (low, high), times = relative.frame.loc[0, ["low", "high"]], relative.breakdown
    assert (
        f"with exactly parallel trends the interval is +{low:.2f} to +{high:.2f}. It excludes zero as long as "
        f"departures after the start, from one year to the next, are at most {times:.3f} times the largest one before."
        " Intervals of 95 %: conditional least-favourable test; covariance pooled over treated groups, t with 32 "
        "degrees of freedom."
    ) in repr(relative)
    (low, high), (bend, seen) = smooth.frame.loc[0, ["low", "high"]], map(amount, (smooth.breakdown, smooth.seen))
    moved = amount(smooth.estimate.value - (low + high) / 2)
    assert (
        f"if the linear trend before goes on, that moves the effect by {moved} and the interval is +{low:.1f} to "
        f"+{high:.1f}. It excludes zero as long as that trend bends by at most {bend} from one year to the next; "
        f"before it bent by up to {seen}. That is less than it bent before, so this interval alone shows no effect. "
        "Intervals of 95 %: shortest"
    ) in repr(smooth)
    assert smooth.breakdown < smooth.seen
    assert replace(smooth, breakdown=2.0).answer.endswith("before it bent by up to 1.046.")
    assert weak.honest_bounds().answer.endswith(" and contains zero.")
    assert weak.honest_bounds("smoothness").answer.startswith("If the linear trend before goes on, that moves")
    assert np.isnan(weak.honest_bounds().breakdown)
    both = strong.both_bounds()
    assert both.answer == f"{relative.answer} {smooth.answer}"
    assert both.smooth.answer in repr(both)


def test_natural_values_are_multiples_of_what_was_seen_before() -> None:
    events = events_of(ONE_START)
    assert events.honest_bounds().frame["value"].tolist() == [0, 0.5, 1, 1.5, 2]
    leads = events.frame()["estimate"].loc[:-1]
    largest = np.abs(np.diff(leads, 2)).max()
    assert events.honest_bounds("smoothness").frame["value"].to_numpy() == pytest.approx(largest * np.arange(5) / 4)
    one_lead = events_of([2017] * 5 + [None] * 32)
    assert one_lead.honest_bounds("smoothness").seen == pytest.approx(abs(one_lead.frame()["estimate"].loc[-2]))


def test_one_lag_alone() -> None:
    events = events_of(ONE_START)
    first_lag = events.honest_bounds(values=[0], weights=[1, 0, 0])
    assert first_lag.estimate.value == pytest.approx(events.estimate(0).value, abs=SAME_NUMBER)
    assert first_lag.which.startswith(" (at event times 0, 1, 2, weighted 1, 0, 0; over all treated years ")
    pd.testing.assert_frame_equal(events.honest_bounds(values=[0], weights=[1, 0, 0]).frame, first_lag.frame)


def test_every_second_year_is_bounded_in_steps_of_two() -> None:
    years = YEARS[::2]
    events = events_of([years[4]] * 5 + [None] * 32, years=years, reference=-2)
    assert events.event_times == (-8, -6, -4, 0)
    bounds = events.honest_bounds(values=[0, 1])
    covariance = events.covariance().to_numpy()
    estimates = [events.estimate(time).value for time in events.event_times]
    shape = {"pre": 3, "post": 1, "weights": [1], "kind": "relative_magnitudes", "values": [0, 1], "df": bounds.df}
    pd.testing.assert_frame_equal(bounds.frame, honest_bounds(estimates, covariance, **shape))
    assert "observed year to the next" in bounds.answer or np.isnan(bounds.breakdown)
    between = events_of([years[4] - 1] * 5 + [None] * 32, years=years, reference=-1)
    assert between.event_times == (-7, -5, -3, 1)
    assert between.honest_bounds().step == 2
    pd.testing.assert_frame_equal(between.honest_bounds(values=[0, 1]).frame, bounds.frame)


def test_designs_that_cannot_bear_it_are_refused() -> None:
    with pytest.raises(StudyError, match="reference=-1, not -2"):
        events_of(ONE_START, reference=-2).honest_bounds()
    with pytest.raises(StudyError, match="No year before treatment is estimated beside the reference"):
        events_of([2016] * 5 + [None] * 20).honest_bounds()
    with pytest.raises(StudyError, match="1 event time missing between others: -3"):
        events_of(ONE_START, years=np.delete(YEARS, 3)).honest_bounds()
    with pytest.raises(StudyError, match="No honest bounds.*8 event times need at least 9 untreated groups"):
        events_of([2021] * 5 + [None] * 6).honest_bounds()
    with pytest.raises(StudyError, match="No honest bounds: 24 untreated groups cannot .*; more than 24 are needed"):
        events_of([2021] * 5 + [None] * 24).honest_bounds()
    with pytest.raises(StudyError, match=r"weights must be 2 numbers, not all zero: .* \(0, 1\), not \[1, 0, 0\]"):
        events_of(SEVERAL).honest_bounds(weights=[1, 0, 0])
    late = events_of([2021] * 3 + [2023] * 3 + [None] * 32, years=np.delete(YEARS, 6))
    with pytest.raises(StudyError, match="No event time under treatment is reached by every start year"):
        late.honest_bounds()
    with pytest.raises(ValueError, match="kind must be one of"):
        events_of(ONE_START).honest_bounds("level")


@pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")
def test_two_treated_groups_are_refused() -> None:
    with pytest.raises(StudyError, match="No honest bounds.*2 treated groups with 1 start year cannot show"):
        events_of([2021] * 2 + [None] * 20).honest_bounds()
