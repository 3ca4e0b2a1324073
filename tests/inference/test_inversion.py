"""Intervals by test inversion: exact bounds, infinite ends, gaps, and refusals."""

import numpy as np
import pytest
from scipy import stats

from analysis.inference.inversion import BISECTION_TOLERANCE, REACH, connected_interval, rejects

# Bisection stops at BISECTION_TOLERANCE of the scale or of the distance; ten times that leaves room for rounding.
BOUND = 10 * BISECTION_TOLERANCE


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize(("estimate", "scale"), [(0.0, 1.0), (-3.0, 1e-6), (1e6, 4e5)])
def test_inverted_t_test_is_the_t_interval(level: float, estimate: float, scale: float) -> None:
    interval = connected_interval(lambda r: 2 * stats.t.sf(abs(r - estimate) / scale, 4), estimate, scale, level)
    expected = estimate + np.array([-1, 1]) * stats.t.ppf((1 + level) / 2, 4) * scale
    np.testing.assert_allclose(interval, expected, atol=10 * BOUND * scale + 1e-15 * abs(estimate), rtol=0)


def test_a_wrong_scale_changes_the_bounds_by_no_more_than_its_own_precision() -> None:
    for scale in (1e-3, 1.0, 50.0):
        low, high = connected_interval(lambda r: 2 * stats.norm.sf(abs(r)), 0.0, scale)
        assert abs(high - stats.norm.ppf(0.975)) < BOUND * max(scale, 1)
        assert low == pytest.approx(-high, abs=BOUND * max(scale, 1))


def test_a_step_function_gives_its_jump_from_inside() -> None:
    low, high = connected_interval(lambda r: 0.2 if -1 <= r <= 2.5 else 0.01, 0.0, 1.0)
    assert (low, high) == pytest.approx((-1, 2.5), abs=BOUND)
    assert low >= -1
    assert high <= 2.5


def test_one_side_never_rejected_is_infinite() -> None:
    low, high = connected_interval(lambda r: 1.0 if r < 1 else 0.0, 0.0, 1.0)
    assert low == -np.inf
    assert high == pytest.approx(1, abs=BOUND)


def test_limits_let_the_search_pass_its_reach() -> None:
    far = 100 * REACH

    def p_value(r: float) -> float:
        return float(abs(r) < far)

    assert connected_interval(p_value, 0.0, 1.0) == (-np.inf, np.inf)
    low, high = connected_interval(p_value, 0.0, 1.0, limits=(1.0, 0.0))
    assert low == -np.inf
    assert high == pytest.approx(far, rel=BOUND)


def test_an_island_behind_a_rejected_stretch_is_left_out() -> None:
    low, high = connected_interval(lambda r: 0.0 if 2 < r < 4 else 1.0 if r < 6 else 0.0, 0.0, 1.0)
    assert (low, high) == (-np.inf, pytest.approx(2, abs=BOUND))


def test_a_p_value_equal_to_one_minus_level_is_rejected() -> None:
    # An exact test at 5 % rejects at p = 0.05, with 1 of 20 assignments say; else its size would be below 5 %.
    assert rejects(0.05, 0.95)
    assert rejects(500 / 10_000, 0.95)
    assert not rejects(0.0501, 0.95)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_scale_must_be_positive_and_finite(scale: float) -> None:
    with pytest.raises(ValueError, match="scale positive and finite"):
        connected_interval(lambda r: 1.0, 0.0, scale)


def test_a_test_that_rejects_the_estimate_has_no_interval() -> None:
    with pytest.raises(ValueError, match="rejects the estimate itself"):
        connected_interval(lambda r: 0.01, 0.0, 1.0)
