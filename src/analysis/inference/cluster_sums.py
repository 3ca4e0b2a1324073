"""A regression's sums over clusters: what inference on any of its contrasts shares, worked out once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from analysis.regression.regression import Regression

# Clusters whose leverages add up to less are small: powers of I - H_g are a short series, without eigenvectors.
LITTLE_LEVERAGE = 0.1


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
    basis : ndarray, shape (K, K0)
        Orthonormal directions whose fit the residuals are free of: all of them, or those of a smaller regression.
    """

    triangle: np.ndarray
    scores: np.ndarray
    grams: np.ndarray
    basis: np.ndarray

    @cached_property
    def small(self) -> np.ndarray:
        """Clusters whose eigenvalues of H_g add up to little, shape (G,): none with residuals of fewer regressors."""
        whole = self.basis.shape[0] == self.basis.shape[1]
        return np.trace(self.grams, axis1=1, axis2=2) < (LITTLE_LEVERAGE if whole else 0.0)

    @cached_property
    def spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues and eigenvectors of I - B'Q_g'Q_gB, the Gram matrix without cluster g, of those not `small`.

        The eigenvalues, shape (clusters, K0), are those of I - H_g on the cluster's regressors.
        """
        return np.linalg.eigh(np.eye(self.basis.shape[1]) - self.basis.T @ self.grams[~self.small] @ self.basis)

    def of(self, clusters: np.ndarray) -> ClusterSums:
        """Those of some clusters, a mask of shape (G,)."""
        return self if clusters.all() else replace(self, scores=self.scores[clusters], grams=self.grams[clusters])

    def with_residuals_of(self, fewer: np.ndarray, coefficients: np.ndarray) -> ClusterSums:
        """The same sums with residuals of a regression on `fewer` columns, combinations of this one's, shape (K, K0).

        `coefficients`, shape (K,), are this regression's.
        """
        basis = np.linalg.qr(self.triangle @ fewer)[0]
        fitted = self.triangle @ coefficients
        scores = self.scores + self.grams @ (fitted - basis @ (basis.T @ fitted))
        return ClusterSums(self.triangle, scores, self.grams, basis)


def cluster_sums(regression: Regression, clusters: np.ndarray) -> ClusterSums:
    """Sums over clusters (codes 0...G-1 of each row), kept with the regression for its other contrasts."""
    key = clusters.tobytes()
    if key not in regression.sums:
        regression.sums[key] = _sums(regression, clusters)
    return regression.sums[key]


def _sums(regression: Regression, clusters: np.ndarray) -> ClusterSums:
    residuals = regression.results.resid.to_numpy() * np.sqrt(regression.weights)
    order = np.argsort(clusters, kind="stable")
    basis, triangle = regression.orthonormal()
    members = np.split(order, np.flatnonzero(np.diff(clusters[order])) + 1)
    grams = np.stack([(part := basis[rows]).T @ part for rows in members])
    scores = np.stack([residuals[rows] @ basis[rows] for rows in members])
    return ClusterSums(triangle, scores, grams, np.eye(len(triangle)))
