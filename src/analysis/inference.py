"""Any inference for any contrast: one tidy frame, one row per method."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from analysis.cluster_robust import Uncertainty, cluster_codes, cr1
from analysis.regression import Regression

COLUMNS = ["std_error", "statistic", "df", "p_value", "low", "high", "note"]
METHODS = {"cr1": cr1}


def infer(
    regression: Regression,
    contrast: np.ndarray,
    methods: Sequence[str] = tuple(METHODS),
    cluster: str = "group",
    level: float = 0.95,
) -> pd.DataFrame:
    """Standard error, test of no effect and interval of a contrast, by each method asked for."""
    methods = [methods] if isinstance(methods, str) else list(methods)
    if unknown := [method for method in methods if method not in METHODS]:
        raise ValueError(f"Unknown method {unknown[0]!r}; choose from {', '.join(METHODS)}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, such as 0.95, not {level}.")
    clusters = cluster_codes(regression, cluster)
    value = float(contrast @ regression.results.params.to_numpy())
    rows = [_student(value, METHODS[method](regression, contrast, clusters), level) for method in methods]
    return pd.DataFrame(rows, index=pd.Index(methods, name="method"), columns=COLUMNS)


def _student(value: float, uncertainty: Uncertainty, level: float) -> list[float | str]:
    """Turn a standard error and its degrees of freedom into a t test and interval."""
    error, df = uncertainty.std_error, uncertainty.df
    statistic = value / error if error > 0 else np.nan
    margin = stats.t.ppf((1 + level) / 2, df) * error
    return [error, statistic, df, 2 * stats.t.sf(abs(statistic), df), value - margin, value + margin, uncertainty.note]
