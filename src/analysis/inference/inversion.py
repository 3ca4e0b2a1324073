"""Intervals by test inversion: the values that a test does not reject, around the estimate."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

# The search walks outward from the estimate: first step, growth of the distance, farthest look, in units of `scale`.
FIRST_STEP = 0.25
GROWTH = 1.1
REACH = 1e6
# How far it walks where the test is known to reject in the limit, so that a bound is there to be found.
FAR_REACH = 1e12
# Bounds are bisected to this width, relative to the larger of `scale` and the bound's distance from the estimate.
BISECTION_TOLERANCE = 1e-9
# A p-value this little above 1 - level is at it: 1 - 0.95 is not exactly 0.05 in floating point.
LEVEL_TOLERANCE = 1e-12


def rejects(p_value: Any, level: float) -> Any:
    """Whether a test at this confidence level rejects: the p-value is 1 - level or less, as exact tests have it."""
    return p_value <= 1 - level + LEVEL_TOLERANCE


def connected_interval(
    p_value: Callable[[float], float],
    estimate: float,
    scale: float,
    level: float = 0.95,
    limits: tuple[float, float] | None = None,
    tolerance: float = BISECTION_TOLERANCE,
    reach: float = REACH,
) -> tuple[float, float]:
    """Connected region of values around the estimate that a test does not reject: p(r) > 1 - level.

    Use it where a test has a p-value for any hypothesised effect but no formula for its interval. The walk outward
    takes steps of a quarter of `scale`, then a tenth of the distance, so a rejected stretch narrower than
    that can be stepped over. A non-rejected stretch behind a rejected one is no part of the interval.

    Parameters
    ----------
    p_value : callable
        The p-value of the hypothesis that the effect is r.
    estimate : float
    scale : float
        The size of a natural step, such as the standard error.
    level : float
        Confidence level; at one the interval is everything, without a look at any value.
    limits : pair of float, optional
        The p-values as r goes to minus and to plus infinity, where theory gives them.
    tolerance, reach : float
        How closely a bound is bisected, and how far it is looked for, in units of `scale`.

    Returns
    -------
    tuple of float
        Low and high, in the estimate's units: the outermost values found not rejected. Infinite where nothing is
        rejected within `reach` (a million million times `scale` where `limits` says that the test rejects at last).

    Raises
    ------
    ValueError
        When scale is not positive and finite, or the test rejects the estimate itself.

    Examples
    --------
    >>> from scipy.stats import norm
    >>> low, high = connected_interval(lambda r: 2 * norm.sf(abs(r - 1)), estimate=1.0, scale=1.0)
    >>> round(low, 4), round(high, 4)
    (-0.96, 2.96)
    >>> connected_interval(lambda r: 1.0, estimate=1.0, scale=1.0)
    (-inf, inf)
    """
    if not (np.isfinite(estimate) and np.isfinite(scale) and scale > 0):
        raise ValueError(f"The estimate must be finite and scale positive and finite, not {estimate} and {scale}.")
    if level == 1:
        return -np.inf, np.inf
    if rejects(p_value(estimate), level):
        raise ValueError("The test rejects the estimate itself, so no interval around it can be found by inversion.")
    ends = limits or (np.nan, np.nan)
    bounds = []
    for end, step in zip(ends, (-scale, scale), strict=True):
        farthest = FAR_REACH if rejects(end, level) else reach
        bounds.append(_bound(partial(_along, p_value, estimate, step), level, tolerance, farthest))
    return float(estimate - scale * bounds[0]), float(estimate + scale * bounds[1])


def _along(p_value: Callable[[float], float], estimate: float, step: float, distance: float) -> float:
    return p_value(estimate + distance * step)


def _bound(p_value: Callable[[float], float], level: float, tolerance: float, reach: float) -> float:
    """The last distance from the estimate before the first rejection."""
    reached = first_reached(
        lambda distance: rejects(p_value(distance), level),
        FIRST_STEP,
        growth=GROWTH,
        reach=reach,
        absolute=tolerance,
        relative=tolerance,
    )
    return reached[0]


def first_reached(
    reached: Callable[[float], bool],
    step: float,
    *,
    growth: float = 2.0,
    reach: float = np.inf,
    absolute: float = 0.0,
    relative: float = 0.0,
) -> tuple[float, float]:
    """Where a condition first holds on the way from zero: the last value seen without it, the first with it.

    The walk takes at least `step` at a time, and grows by `growth`; the last stretch is then halved until it is no
    wider than `absolute` or than `relative` of its end. Both are infinite where nothing is found up to `reach`.

    Examples
    --------
    >>> first_reached(lambda value: value >= 5, 1.0, absolute=0.25)
    (4.75, 5.0)
    """
    inside, outside = 0.0, step
    while not reached(outside):
        inside, outside = outside, max(outside + step, growth * outside)
        if outside > reach:
            return np.inf, np.inf
    while outside - inside > max(absolute, relative * outside):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if reached(middle) else (middle, outside)
    return inside, outside
