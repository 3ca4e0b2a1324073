"""Smoothness: the slope of the departure from parallel trends changes by at most so much from year to year."""

import numpy as np
from scipy import optimize, special

# The penalty that gives the shortest interval is found to this share of its range; the length moves by its square.
PENALTY_TOLERANCE = 1e-7


def smooth_interval(
    coefficients: np.ndarray,
    covariance: np.ndarray,
    pre: int,
    weights: np.ndarray,
    bound: float,
    level: float = 0.95,
    df: float = np.inf,
) -> tuple[float, float]:
    """Interval for the weighted lags if the slope of the departure changes by at most `bound` a year.

    The shortest interval of fixed length: weighted lags plus weighted leads, give or take a length that allows for
    the largest bias and for chance. `bound` zero extrapolates the straight line of the leads.

    Notes
    -----
    With z_j the sum of the leads' weights times their distances beyond j, the largest bias is `bound` times the sum
    of |z| and of what the lags add. The shortest interval lies on the path of least variance given that sum, a lasso
    in z; at each penalty its dual is a least-squares problem in a box, and one search over the penalty does the rest.
    With finite `df` the length is the quantile of |t + bias / standard error|: exact without bias, and in the limit
    where the bias is large.
    """
    start, turns, lag_bias = _estimators(pre, weights)

    def interval(leads: np.ndarray) -> tuple[float, float]:
        estimator = start + turns @ leads
        error = np.sqrt(estimator @ covariance @ estimator)
        bias = bound * (lag_bias + np.abs(leads).sum())
        return float(estimator @ coefficients), float(error * folded_quantile(bias / error, level, df))

    if pre == 1:
        middle, length = interval(np.zeros(0))
        return middle - length, middle + length
    linear = turns.T @ covariance @ start
    root = np.linalg.inv(np.linalg.cholesky(turns.T @ covariance @ turns))
    most = np.abs(linear).max()
    best = optimize.minimize_scalar(
        lambda penalty: interval(_least_variance(root, linear, penalty))[1],
        bounds=(0, most),
        method="bounded",
        options={"xatol": PENALTY_TOLERANCE * most},
    ).x
    candidates = (interval(_least_variance(root, linear, penalty)) for penalty in (0.0, best, most))
    middle, length = min(candidates, key=lambda candidate: candidate[1])
    return middle - length, middle + length


def _estimators(pre: int, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """All linear estimators free of bias under a straight line, start + turns @ z, and the bias that z cannot move.

    Shapes (pre + post,) and (pre + post, pre - 1). A lead at distance d from the reference has weight
    z_(d-1) - 2 z_d + z_(d+1), where z_0 is the sum of the lags' weights times their distances.
    """
    distance = np.arange(1, len(weights) + 1)
    beyond = (distance - np.arange(len(weights))[:, None]).clip(0) @ weights
    leads = np.diff(np.eye(pre + 2, pre), 2, axis=0)[::-1]
    leads = np.vstack([leads, np.zeros((len(weights), pre))])
    start = beyond[0] * leads[:, 0] + np.append(np.zeros(pre), weights)
    return start, leads[:, 1:], float(np.abs(beyond).sum())


def _least_variance(root: np.ndarray, linear: np.ndarray, penalty: float) -> np.ndarray:
    """The z that minimises variance / 2 + penalty * sum |z|, by the dual: its slope lies within the penalty.

    `root`'root is the inverse of the variance's quadratic form in z, `linear` its slope at zero.
    """
    slope = np.zeros(len(linear))
    if penalty > 0:
        slope = optimize.lsq_linear(root, root @ linear, (-penalty, penalty), method="bvls").x
    return root.T @ root @ (slope - linear)


def folded_quantile(bias: float, level: float, df: float = np.inf) -> float:
    """Quantile of |bias + t|, in standard errors (df infinite: of |bias + standard normal|).

    Examples
    --------
    >>> round(folded_quantile(0, 0.95), 3), round(folded_quantile(10, 0.95), 3)
    (1.96, 11.645)
    """
    normal = np.isinf(df)
    below = special.ndtr if normal else lambda value: special.stdtr(df, value)
    unbiased = special.ndtri((1 + level) / 2) if normal else special.stdtrit(df, (1 + level) / 2)

    def excess(value: float) -> float:
        return below(value - bias) - below(-value - bias) - level

    return float(optimize.brentq(excess, 0, bias + unbiased + 1))
