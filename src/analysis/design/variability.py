"""How much groups moved before treatment, and placebo tests of effects divided by it."""

import numpy as np
import pandas as pd
from scipy.special import digamma, polygamma

from analysis.inference.cluster_pieces import ROUNDING_TOLERANCE
from analysis.inference.inversion import LEVEL_TOLERANCE

# Two statistics this close, relatively, are a tie, and ties count against the estimate. A group that moved less than
# this, relative to the largest value, did not move.
TIE_TOLERANCE = 1e-9


def variability(changes: np.ndarray, villages: np.ndarray) -> np.ndarray:
    """Standard deviation of each group's yearly changes, shrunk towards that of groups of its size.

    Use it to compare effects in groups that vary more and less, such as rich and poor ones in money. Logarithms of
    mean squares are shrunk towards their line in the logarithm of size, the more so the fewer years there are and the
    less groups differ beyond what so few years would show (empirical Bayes, after Smyth 2004,
    doi:10.2202/1544-6115.1027). One if no two years are known, or where some group did not move at all.

    Parameters
    ----------
    changes : ndarray, shape (years - 1, groups)
        Changes of each group's mean beyond those of the others; NaN where not known.
    villages : ndarray, shape (groups,)

    Returns
    -------
    ndarray, shape (groups,)
        Relative to their geometric mean.

    Examples
    --------
    >>> variability(np.array([[1.0, -9.0, 1.0], [-1.0, 9.0, -1.0]]), np.array([5, 5, 5])).round(2)
    array([0.58, 2.98, 0.58])
    """
    years = (~np.isnan(changes)).sum(axis=0)
    known = years > 0
    squares = np.nansum(changes**2, axis=0)[known] / years[known]
    if known.sum() <= 2 or squares.min() <= TIE_TOLERANCE**2 * squares.max():
        return np.ones(len(years))
    noise = polygamma(1, years[known] / 2)
    logs = np.log(squares) - digamma(years[known] / 2) + np.log(years[known] / 2)
    size = np.log(villages)
    # Between villages that move together and villages that move apart.
    slope = np.clip(np.polyfit(size[known], logs, 1)[0], -1, 0) if np.ptp(size[known]) > 0 else 0.0
    line = slope * (size - size[known].mean())
    beyond = logs - logs.mean() - line[known]
    spread = max(0.0, beyond.var(ddof=1) - noise.mean())
    line[known] += spread / (spread + noise) * beyond
    return np.exp((line - line.mean()) / 2)


def variability_beside(series: pd.DataFrame, outside: pd.Index, villages: pd.Series) -> pd.Series:
    """Variability of series (years x groups) beside the mean of the untreated groups (`outside`), without their own."""
    beside = series.sub(series[outside].mean(axis=1), axis=0)
    beside[outside] *= len(outside) / (len(outside) - 1)
    changes = beside.diff().iloc[1:]
    changes = changes.where(changes.abs() > TIE_TOLERANCE * series.abs().max(axis=None), 0.0)
    return pd.Series(variability(changes.to_numpy(), villages[series.columns].to_numpy()), series.columns)


def of_average(scales: np.ndarray, weights: np.ndarray) -> float:
    """Variability of a weighted average of groups that vary independently.

    Examples
    --------
    >>> of_average(np.array([3.0, 4.0]), np.array([1, 1]))
    2.5
    """
    return float(np.linalg.norm(scales * weights) / np.sum(weights))


def placebo_test(
    estimate: float, scale: float, placebos: np.ndarray, scales: np.ndarray, level: float
) -> dict[str, float]:
    """Two-sided test of no effect, ties counted, and the effects not rejected; infinity stands for the effect.

    The estimate and every placebo are divided by their own scales.

    Examples
    --------
    >>> test = placebo_test(6.0, 2.0, np.array([1.0, -2.0, 5.0]), np.array([1.0, 1.0, 1.0]), level=0.5)
    >>> test["p_value"], test["low"], test["high"]
    (0.5, 2.0, 10.0)
    """
    size = np.r_[np.inf, np.sort(np.abs(placebos / scales))[::-1]]
    reach = float(scale * size[int((1 - level + LEVEL_TOLERANCE) * len(size))])
    return {
        "estimate": estimate,
        "low": estimate - reach,
        "high": estimate + reach,
        "p_value": float((size >= abs(estimate) / scale * (1 - TIE_TOLERANCE)).mean()),
        "smallest_p_value": 1 / len(size),
        "placebos": len(size) - 1,
    }


def level_and_change(series: pd.DataFrame) -> pd.DataFrame:
    """Mean level of each village and its change per year: a least-squares slope, zero where it is only rounding.

    Parameters
    ----------
    series : DataFrame
        Villages x years; a missing value is left out, and with a single year there is no change.

    Returns
    -------
    DataFrame
        Columns level and change.

    Examples
    --------
    >>> level_and_change(pd.DataFrame({2020: [1.0, 7.0], 2021: [3.0, float("nan")], 2022: [5.0, 7.0]})).to_numpy()
    array([[3., 2.],
           [7., 0.]])
    """
    known, level = series.notna(), series.mean(axis="columns")
    years = known.mul(series.columns.to_numpy(dtype=float), axis="columns").where(known)
    away = years.sub(years.mean(axis="columns"), axis="index")
    change = (away * series.sub(level, axis="index")).sum(axis="columns") / (away**2).sum(axis="columns")
    span = years.max(axis="columns") - years.min(axis="columns")
    rounding = (change * span).abs() <= ROUNDING_TOLERANCE * series.abs().max(axis="columns")
    return pd.DataFrame({"level": level, "change": change.mask(rounding, 0.0)})
