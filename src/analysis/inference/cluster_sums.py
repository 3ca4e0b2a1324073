"""A regression's sums over clusters: what inference on any of its contrasts shares, worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from analysis.regression.regression import Regression


@dataclass(frozen=True)
class ClusterSums:
    """Products over each cluster's rows, in the orthonormal basis Q of the regressors: X = QR.

    Attributes
    ----------
    triangle : ndarray, shape (K, K)
        R.
    scores : ndarray, shape (G, K)
        Q_g'e_g, the cluster's rows of Q times its residuals.
    grams : ndarray, shape (G, K, K)
        Q_g'Q_g; over all clusters they add up to the identity.
    """

    triangle: np.ndarray
    scores: np.ndarray
    grams: np.ndarray

    @cached_property
    def spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues (G, K) and eigenvectors (G, K, K) of I - Q_g'Q_g, the Gram matrix without cluster g.

        The eigenvalues are those of I - H_g on the cluster's regressors.
        """
        return np.linalg.eigh(np.eye(len(self.triangle)) - self.grams)


def cluster_sums(regression: Regression, clusters: np.ndarray) -> ClusterSums:
    """Sums over clusters (codes 0...G-1 of each row), kept with the regression for its other contrasts."""
    key = clusters.tobytes()
    if key not in regression.sums:
        regression.sums[key] = (_of_rows if regression.sample.alike is None else _of_averages)(regression, clusters)
    return regression.sums[key]


def _of_rows(regression: Regression, clusters: np.ndarray) -> ClusterSums:
    weights = regression.sample.weights
    design = regression.design[:, 1:]
    design = design - np.average(design, axis=0, weights=weights)
    residuals = regression.residuals
    if weights is not None:
        design, residuals = design * np.sqrt(weights)[:, None], residuals * np.sqrt(weights)
    order = np.argsort(clusters, kind="stable")
    basis, triangle = np.linalg.qr(design[order])
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    grams = np.stack([part.T @ part for part in np.split(basis, starts[1:])])
    return ClusterSums(triangle, np.add.reduceat(basis * residuals[order, None], starts), grams)


def _of_averages(regression: Regression, clusters: np.ndarray) -> ClusterSums:
    """Rows that share their regressors are added up first: the basis then has one row for each set of regressors."""
    model, sample = regression.results.model, regression.sample
    design = model.exog[:, 1:] - np.average(model.exog[:, 1:], axis=0, weights=model.weights)
    triangle = np.linalg.qr(design * np.sqrt(model.weights)[:, None], mode="r")
    basis = np.linalg.solve(triangle.T, design.T).T
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    weights, residuals = (
        csr_array((values, (clusters, sample.alike)))
        for values in (sample.weights, sample.weights * regression.residuals)
    )
    return ClusterSums(triangle, residuals @ basis, (weights @ products).reshape(-1, *triangle.shape))
