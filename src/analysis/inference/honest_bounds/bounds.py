"""Honest bounds: intervals for an effect that hold when parallel trends fail by so much."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from analysis.inference.honest_bounds.relative_magnitudes import relative_interval
from analysis.inference.honest_bounds.smoothness import smooth_interval
from analysis.inference.inversion import first_reached
from analysis.messages import count

KINDS = {"relative_magnitudes": relative_interval, "smoothness": smooth_interval}
# An eigenvalue of the correlation matrix this small is zero; rounding leaves about 1e-15.
SINGULAR_TOLERANCE = 1e-10
# Covariances of packages that print some 13 digits are symmetric to this share of the standard deviations.
SYMMETRY_TOLERANCE = 1e-8
# The breakdown value is bisected to this share of the largest departure before, or of the standard error (smoothness).
BREAKDOWN_TOLERANCE = 1e-3


def honest_bounds(
    coefficients: Sequence[float] | np.ndarray,
    covariance: np.ndarray | pd.DataFrame,
    *,
    pre: int,
    post: int,
    weights: Sequence[float] | np.ndarray,
    kind: str,
    values: Sequence[float] | np.ndarray,
    level: float = 0.95,
    df: float = np.inf,
) -> pd.DataFrame:
    """Intervals for a combination of an event study's lags that hold when parallel trends fail by so much.

    Use it on any event study's coefficients, from this library or another. For a study of few treated groups use
    `EventStudy.honest_bounds`, which chooses the covariance: with clustered errors from five treated groups these
    intervals miss far more often than they say.

    Parameters
    ----------
    coefficients : array, shape (pre + post,)
        Leads, then lags, ascending in time, every year, without the reference year between them.
    covariance : array, shape (pre + post, pre + post)
        Theirs, of full rank.
    pre, post : int
        How many leads and lags, at least one each.
    weights : array, shape (post,)
        The effect asked for, weights @ lags.
    kind : {"relative_magnitudes", "smoothness"}
        What is assumed of the departure from parallel trends: that from one year to the next it changes, after the
        reference, by at most `value` times the largest such change before; or that its slope changes by at most
        `value`, in the coefficients' unit, from one year to the next.
    values : array
        Each at least zero, one row of the result. Zero: parallel trends after the reference; a straight line.
    level : float
        Confidence level.
    df : float
        Degrees of freedom of the covariance, if one common factor of it is estimated; default: none, the normal.

    Returns
    -------
    DataFrame
        One row per value: `value`, `low`, `high`.

    Raises
    ------
    ValueError
        Shapes that do not fit, numbers missing or negative, a covariance that is not positive definite.

    References
    ----------
    Rambachan & Roth (2023), "A more credible approach to parallel trends", Review of Economic Studies,
    doi:10.1093/restud/rdad018: the conditional least-favourable hybrid for relative magnitudes (of Andrews, Roth &
    Pakes 2023, doi:10.1093/restud/rdad004), the shortest fixed-length interval (of Armstrong & Kolesar 2018,
    doi:10.3982/ECTA14434) for smoothness.

    Examples
    --------
    >>> bounds = honest_bounds([0.1, 2.0], [[0.25, 0], [0, 0.25]], pre=1, post=1, weights=[1],
    ...                        kind="relative_magnitudes", values=[0, 1])
    >>> bounds.round(2).values.tolist()
    [[0.0, 1.02, 2.98], [1.0, 0.71, 3.29]]
    """
    arrays = [np.asarray(array, dtype=float) for array in (coefficients, covariance, weights, values)]
    coefficients, covariance, weights, values = arrays
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}.")
    _check_shapes(coefficients, covariance, weights, pre, post)
    _check_covariance(covariance)
    _check_numbers(values, level, df)
    rows = [(value, *KINDS[kind](coefficients, covariance, pre, weights, value, level, df)) for value in values]
    return pd.DataFrame(rows, columns=["value", "low", "high"], dtype=float)


def breakdown_value(interval: Callable[[float], tuple[float, float]], unit: float) -> float:
    """Largest value whose interval excludes zero, to BREAKDOWN_TOLERANCE units; NaN where none does.

    The interval must widen with the value, without limit.

    Examples
    --------
    >>> round(breakdown_value(lambda value: (2 - value, 2 + value), unit=1.0), 2)
    2.0
    """

    def holds_zero(value: float) -> bool:
        low, high = interval(value)
        return low <= 0 <= high

    if holds_zero(0.0):
        return np.nan
    return first_reached(holds_zero, unit, absolute=BREAKDOWN_TOLERANCE * unit)[0]


def _check_shapes(coefficients: np.ndarray, covariance: np.ndarray, weights: np.ndarray, pre: int, post: int) -> None:
    if pre < 1 or post < 1:
        raise ValueError(f"At least one lead and one lag are needed, not pre={pre} and post={post}.")
    shapes = {"coefficients": (pre + post,), "covariance": (pre + post, pre + post), "weights": (post,)}
    for (name, shape), array in zip(shapes.items(), (coefficients, covariance, weights), strict=True):
        if array.shape != shape:
            raise ValueError(f"{name} must have shape {shape} with pre={pre} and post={post}, not {array.shape}.")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite; {count(int((~np.isfinite(array)).sum()), 'number')} not.")
    if not weights.any():
        raise ValueError("weights are all zero, so that no effect is asked for.")


def _check_covariance(covariance: np.ndarray) -> None:
    deviations = np.sqrt(covariance.diagonal().clip(min=0))
    if not deviations.all():
        raise ValueError(
            "covariance has a variance that is not above zero. Leave out coefficients set by construction."
        )
    correlation = covariance / np.outer(deviations, deviations)
    if np.abs(correlation - correlation.T).max() > SYMMETRY_TOLERANCE:
        raise ValueError("covariance is not symmetric.")
    smallest = np.linalg.eigvalsh(correlation).min()
    if smallest < -SINGULAR_TOLERANCE:
        raise ValueError(f"covariance gives some combination negative variance (eigenvalue {smallest:.2g}).")
    if smallest < SINGULAR_TOLERANCE:
        raise ValueError(
            "covariance lacks full rank, as where fewer groups than coefficients stand behind it: some combination "
            "would be known without error. Use fewer coefficients, or EventStudy.honest_bounds."
        )


def _check_numbers(values: np.ndarray, level: float, df: float) -> None:
    if values.ndim != 1 or not (values >= 0).all() or not np.isfinite(values).all():
        raise ValueError(f"values must be a list of finite numbers, none below zero, not {values.tolist()}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, such as 0.95, not {level}.")
    if not df > 0:
        raise ValueError(f"df must be above zero, not {df}.")
