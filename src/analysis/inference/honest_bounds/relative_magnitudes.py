"""Relative magnitudes: departures after treatment at most so many times the largest one seen before."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy import optimize, special

# The share of the error rate spent on the least-favourable test, as Rambachan & Roth recommend.
FIRST_STAGE = 0.1
# Directions over which the least-favourable probability is averaged.
DIRECTIONS = 2000
# Values scanned between the outermost that the first stage lets through, and then within the outermost cell, and again.
SCANNED = 300
SCANS = 3
# Moments whose regression on the largest one is this close to one-to-one never overtake it.
PARALLEL_TOLERANCE = 1e-10


def relative_interval(
    coefficients: np.ndarray,
    covariance: np.ndarray,
    pre: int,
    weights: np.ndarray,
    bound: float,
    level: float = 0.95,
    df: float = np.inf,
) -> tuple[float, float]:
    """Interval for the weighted lags if no yearly departure after exceeds `bound` times the largest one before.

    Conditional least-favourable (C-LF) hybrid test of Andrews, Roth & Pakes, inverted: one test for each year before
    whose departure, up or down, may be the largest; the interval is the hull of all values that one of them accepts.

    Notes
    -----
    Eliminating the unknown effects (the vertices of the dual of the test's linear program) leaves few moments: with v
    the largest departure before, k the sum of |weights cumulated from the last lag|, and theta the hypothesis,
    (estimate - theta - bound k v), (theta - estimate - bound k v) and -2 bound v for each lag, scaled. All are linear
    in the two numbers (estimate - theta, v), so the test needs no linear program, and the least-favourable critical
    value no simulation. (R's HonestDiD 0.2.6 draws it a thousand times, which moves its bounds by up to two steps
    of its grid, 0.04 standard errors each; with its draws this test accepts the same values of that grid.)

    With finite `df` the moments over their standard errors are multivariate t: the first stage is exact if one unknown
    factor scales the covariance. The second stage truncates a t distribution at the observed bounds, which is
    exact where they are far away or at zero, and an approximation between.
    """
    hypotheses = _hypotheses(coefficients, covariance, pre, weights, bound)
    lows, highs = np.array([_accepted(*hypothesis, level, df) for hypothesis in hypotheses]).T
    return float(np.nanmin(lows)), float(np.nanmax(highs))


def _hypotheses(
    coefficients: np.ndarray, covariance: np.ndarray, pre: int, weights: np.ndarray, bound: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """One for each change before that may be the largest, up or down: observed, root, moments.

    Shapes (2,): the estimate and that change; (2, 2): a root of their covariance; (post + 2, 2): the scaled moments'
    weights on both.
    """
    steps = np.diff(np.insert(np.eye(len(coefficients)), pre, 0, axis=0), axis=0)
    estimate = np.append(np.zeros(pre), weights)
    cumulated = np.cumsum(weights[::-1])[::-1]
    reach = np.abs(cumulated)
    for change in np.vstack([steps[:pre], -steps[:pre]]):
        up, down = (
            np.sqrt(np.einsum("ij,jk,ik->i", rows, covariance, rows))
            for rows in (steps[pre:] - bound * change, -steps[pre:] - bound * change)
        )
        above, below = reach @ np.where(cumulated > 0, up, down), reach @ np.where(cumulated > 0, down, up)
        moments = [[1 / above, -bound * reach.sum() / above], [-1 / below, -bound * reach.sum() / below]]
        moments += [[0, -2 * bound / scale] for scale in up + down]
        both = np.vstack([estimate, change])
        values, vectors = np.linalg.eigh(both @ covariance @ both.T)
        yield both @ coefficients, vectors * np.sqrt(values.clip(0)), np.array(moments)


def _accepted(
    observed: np.ndarray, root: np.ndarray, moments: np.ndarray, level: float, df: float
) -> tuple[float, float]:
    """Lowest and highest value of the estimand that the hybrid test accepts; NaN where there is none."""
    first = FIRST_STAGE * (1 - level)
    second = (1 - level - first) / (1 - first)
    loadings = moments @ root
    critical = critical_value(loadings, first, df)

    def accepts(values: np.ndarray) -> np.ndarray:
        statistics = moments @ observed - np.multiply.outer(values, moments[:, 0])
        return conditional_test(statistics, loadings @ loadings.T, critical, second, df)

    if (moments[2:, 1] * observed[1] > critical).any():
        return np.nan, np.nan
    # The first two moments alone, at the first stage's critical value, bound what can be accepted.
    ends = observed[0] + (moments[:2, 1] * observed[1] - critical) / moments[:2, 0]
    return _outermost(accepts, ends[0], ends[1]), _outermost(accepts, ends[1], ends[0])


def _outermost(accepts: Callable[[np.ndarray], np.ndarray], start: float, end: float) -> float:
    """First accepted value on the way from start to end."""
    for _ in range(SCANS):
        values = np.linspace(start, end, SCANNED)
        accepted = np.flatnonzero(accepts(values))
        if not len(accepted):
            return np.nan
        start, end = values[max(accepted[0] - 1, 0)], values[accepted[0]]
    return float(end)


def critical_value(loadings: np.ndarray, size: float, df: float) -> float:
    """Value that the largest moment exceeds with probability `size` when all have mean zero.

    Parameters
    ----------
    loadings : ndarray, shape (m, 2)
        Of the moments on two independent standard normal variables (t with `df` degrees of freedom: divided by one
        common root of chi-squared over df).

    Examples
    --------
    >>> round(critical_value(np.array([[1.0, 0.0], [-1.0, 0.0]]), 0.05, np.inf), 4)
    1.96
    """
    angles = 2 * np.pi * (np.arange(DIRECTIONS) + 0.5) / DIRECTIONS
    largest = (loadings @ np.vstack([np.cos(angles), np.sin(angles)])).max(axis=0)
    largest = largest[largest > 0]

    def exceeded(value: float) -> float:
        radius = np.square(value / largest)
        beyond = np.exp(-radius / 2) if np.isinf(df) else (1 + radius / df) ** (-df / 2)
        return beyond.sum() / DIRECTIONS - size

    # The radius that is exceeded with this probability, in the direction where it takes the largest moment farthest.
    radius = -2 * np.log(size) if np.isinf(df) else df * (size ** (-2 / df) - 1)
    return float(optimize.brentq(exceeded, 0, largest.max() * np.sqrt(radius)))


def conditional_test(
    statistics: np.ndarray, covariance: np.ndarray, critical: float, size: float, df: float
) -> np.ndarray:
    """Which rows of moments, all at most zero under the hypothesis, the hybrid test accepts, shape (n,).

    Rejected where the largest moment exceeds `critical`, or where, given which one is the largest and all that is
    independent of it, it lies in the upper `size` of its distribution truncated there.

    Parameters
    ----------
    statistics : ndarray, shape (n, m)
    covariance : ndarray, shape (m, m)
    """
    largest = statistics.argmax(axis=1)
    statistic = statistics.max(axis=1)
    deviation = np.sqrt(covariance.diagonal())[largest]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = covariance[largest] / deviation[:, None] ** 2
        crossing = (statistics - slope * statistic[:, None]) / (1 - slope)
        low = np.where(slope < 1 - PARALLEL_TOLERANCE, crossing, -np.inf).max(axis=1) / deviation
        high = np.where(slope > 1 + PARALLEL_TOLERANCE, crossing, np.inf).min(axis=1).clip(max=critical) / deviation
        beyond, room = (_tail(point, df) - _tail(high, df) for point in (statistic / deviation, low))
    return (statistic <= 0) | ((statistic <= critical) & (beyond >= size * room))


def _tail(value: np.ndarray, df: float) -> np.ndarray:
    return special.ndtr(-value) if np.isinf(df) else special.stdtr(df, -value)
