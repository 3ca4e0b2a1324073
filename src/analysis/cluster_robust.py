"""Cluster-robust standard errors of any contrast of a fitted regression, from one score per cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.regression import Regression


@dataclass(frozen=True)
class Uncertainty:
    """What one method says of one contrast: its standard error, reference distribution and remarks."""

    std_error: float
    df: float
    note: str = ""


def cluster_codes(regression: Regression, cluster: str) -> np.ndarray:
    """Cluster of each row as 0...G-1; `cluster` is "group", "stratum" or "unit"."""
    if cluster not in ("group", "stratum", "unit"):
        raise ValueError(f"cluster must be 'group', 'stratum' or 'unit', not {cluster!r}.")
    return pd.factorize(regression.sample.frame[cluster])[0]


def cluster_scores(regression: Regression, contrast: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Each cluster's part of the contrast's estimation error, shape (G,); they sum to zero.

    The contrast c'b moves by c'(X'WX)^-1 x_i w_i e_i with row i; this adds those up by cluster.
    """
    weights = regression.sample.weights
    weighted = regression.design if weights is None else regression.design * weights[:, None]
    direction = np.linalg.solve(weighted.T @ regression.design, contrast)
    return np.bincount(clusters, (weighted @ direction) * regression.results.resid.to_numpy())


def cr1(regression: Regression, contrast: np.ndarray, clusters: np.ndarray) -> Uncertainty:
    """CR1: the usual clustered standard error, with factor G/(G-1) (N-1)/(N-K) and t(G-1).

    Use it to compare with other software; with few treated clusters it is too small.
    Liang & Zeger (1986, doi:10.1093/biomet/73.1.13); factor as in Cameron & Miller (2015, doi:10.3368/jhr.50.2.317).
    """
    scores = cluster_scores(regression, contrast, clusters)
    rows, parameters = regression.design.shape
    factor = len(scores) / (len(scores) - 1) * (rows - 1) / (rows - parameters)
    return Uncertainty(float(np.sqrt(factor * scores @ scores)), len(scores) - 1)
