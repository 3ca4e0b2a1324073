"""What cluster-robust inference on one effect needs of a regression: K numbers or K x K per cluster."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.inference.cluster_sums import ClusterSums, cluster_sums
from analysis.messages import StudyError, singular
from analysis.regression.regression import Effect, Regression

# An eigenvalue of I - H_g or of the Gram matrix without cluster g this small is zero: rounding leaves about 1e-14,
# while a cluster that holds all but a ten-thousand-millionth of a regressor's variation leaves 1e-10.
SINGULAR_TOLERANCE = 1e-10
# Share of a contrast that may lie in directions lost with a cluster: eigenvectors carry rounding of about 1e-12.
ESTIMABLE_TOLERANCE = 1e-7
# A standard error this small relative to the outcome is rounding alone: residuals carry about 1e-15 of it.
ROUNDING_TOLERANCE = 1e-12
# A cluster with less than this share of the residualised contrast's squares has none: rounding leaves about 1e-15.
INFORMATIVE_TOLERANCE = 1e-12
# Clusters that alone identify a part of a contrast are bearable where they carry less than this share of it.
MOST_LONE_SHARE = 0.5


@dataclass(frozen=True)
class ClusterPieces:
    """All that cluster-robust inference for one contrast needs, K numbers or K x K per cluster.

    Regressors are weighted by the root of the weight, purely demeaned within units (no constant, no grand mean) and
    orthonormalised: X = QR, so that H = QQ' beside the unit effects, which are nested in the clusters, and the contrast
    c'b is `direction`'Q'y.

    Attributes
    ----------
    direction : ndarray, shape (K,)
        The contrast in the orthonormal basis; its squared length is c'(X'WX)^-1 c.
    sums : ClusterSums
        The regression's scores and Gram matrices by cluster, which its contrasts share.
    residual_sums : ClusterSums
        The same, or with residuals around one common effect, where clusters alone identify a part of the contrast.
    cr1_factor : float
        G/(G-1) (N-1)/(N-K'), K' the parameters with the constant but without unit effects.
    rounding : float
        A standard error no larger than this is zero.
    estimate : float
        The contrast itself, c'b.
    treated, sample_treated : ndarray of bool, shape (G,)
        Clusters with treated units: among the cells the contrast weighs, and in the whole sample.
    informative : ndarray of bool
        Which of the regression's clusters these G are: those on whose rows the residualised contrast is not zero.
    alone : int
        How many clusters alone identify a part of the contrast.
    lone_share : float
        Which share of the contrast they carry, as far as their own noise is counted; else 0.
    """

    direction: np.ndarray
    sums: ClusterSums
    residual_sums: ClusterSums
    cr1_factor: float
    rounding: float
    estimate: float
    treated: np.ndarray
    sample_treated: np.ndarray
    informative: np.ndarray
    alone: int = 0
    lone_share: float = 0.0

    @property
    def contrast_scores(self) -> np.ndarray:
        """Each cluster's part of the contrast's estimation error, shape (G,); they sum to zero."""
        return self.residual_sums.scores @ self.direction

    @property
    def leverages(self) -> np.ndarray:
        """K x K leverage of each cluster applied to the contrast, shape (G, K); they sum to `direction`."""
        return self.sums.grams @ self.direction


def cluster_codes(regression: Regression, cluster: str) -> np.ndarray:
    """Cluster of each row as 0...G-1; `cluster` is "group", "stratum" or "unit"."""
    if cluster not in ("group", "stratum", "unit"):
        raise ValueError(f"cluster must be 'group', 'stratum' or 'unit', not {cluster!r}.")
    if cluster == "unit" and regression.sample.rows > len(regression.sample.frame):
        raise StudyError(
            "Villages alike were averaged, so errors cannot be clustered by unit. Cluster by group, which treatment "
            "was given to, or estimate again with collapse=False."
        )
    codes = pd.factorize(regression.sample.frame[cluster])[0]
    if codes.max() == 0:
        fault = (
            "All {rows:,} rows are in one {noun}, so errors cannot be clustered by {noun}. Name the {column} column "
            "in Study.from_frame, or cluster by something with two values or more."
        )
        raise StudyError(fault, rows=regression.sample.rows, noun=singular(cluster), column=cluster)
    return codes


def cluster_pieces(regression: Regression, effect: Effect, clusters: np.ndarray) -> ClusterPieces:
    """Reduce a regression to what inference on one effect needs; shared by CR1, CR2, CR3 and the wild bootstrap.

    Parameters
    ----------
    regression : Regression
    effect : Effect
        Its value and its gradient by the cells' coefficients.
    clusters : ndarray of int, shape (n,)
        Cluster of each row, 0...G-1, from `cluster_codes`; units must be nested in clusters.
    """
    # The last effect's pieces are kept with the regression: a sentence asks for them many times over.
    key = b"%b %b %r" % (effect.gradient.tobytes(), clusters.tobytes(), effect.value)
    if regression.sums.get(b"last", (b"",))[0] != key:
        regression.sums[b"last"] = key, _pieces(regression, effect, clusters)
    return regression.sums[b"last"][1]


def _pieces(regression: Regression, effect: Effect, clusters: np.ndarray) -> ClusterPieces:
    contrast = regression.parameter_weights(effect.gradient)
    everything = cluster_sums(regression, clusters)
    direction = np.linalg.solve(everything.triangle.T, contrast[1:])
    informative = informative_clusters(everything, direction)
    sums, number = everything.of(informative), int(informative.sum())
    rows, parameters = int(regression.sample.villages[informative[clusters]].sum()), len(contrast)
    pieces = ClusterPieces(
        direction,
        sums,
        sums,
        number / max(number - 1, 1) * (rows - 1) / max(rows - parameters, 1),
        ROUNDING_TOLERANCE * float(np.linalg.norm(direction) * np.linalg.norm(regression.results.model.wendog)),
        effect.value,
        treated_clusters(regression, clusters, effect.gradient)[informative],
        treated_clusters(regression, clusters)[informative],
        informative,
    )
    alone = adjusted_direction(pieces, power=-0.5)[1]
    share = _lone_share(regression, effect.gradient, clusters) if alone else 0.0
    if not alone or not 0 < share < MOST_LONE_SHARE:
        return replace(pieces, alone=alone)
    common = sums.with_residuals_of(one_effect(regression, effect.gradient), regression.results.params.to_numpy()[1:])
    return replace(pieces, residual_sums=common, alone=alone, lone_share=share)


def informative_clusters(sums: ClusterSums, direction: np.ndarray) -> np.ndarray:
    """Clusters on whose rows the residualised contrast is not zero, shape (G,)."""
    moved = (sums.grams @ direction) @ direction
    return moved > INFORMATIVE_TOLERANCE * moved.sum()


def _lone_share(regression: Regression, gradient: np.ndarray, clusters: np.ndarray) -> float:
    """Which share of an effect's weights lies on cells that a single cluster fills."""
    inside = regression.cell_of_row >= 0
    pairs = np.unique(np.column_stack([regression.cell_of_row[inside], clusters[inside]]), axis=0)
    lone = np.bincount(pairs[:, 0], minlength=len(gradient)) == 1
    return float(np.abs(gradient[lone]).sum() / np.abs(gradient).sum())


def one_effect(regression: Regression, gradient: np.ndarray) -> np.ndarray:
    """The parameters without the constant as combinations of fewer: one effect common to all cells weighed."""
    whole = np.eye(len(regression.results.params))[1:, 1:]
    weighed = regression.parameter_weights(gradient)[1:] != 0
    return np.column_stack([whole[:, ~weighed], weighed.astype(float)])


def treated_clusters(regression: Regression, clusters: np.ndarray, gradient: np.ndarray | None = None) -> np.ndarray:
    """Which clusters hold treated units, shape (G,); with an effect's gradient, only those that it rests on.

    The effect of one district, or of a late event time that one cohort has reached, rests on fewer clusters
    than the sample's treated ones: those with a unit seen both in the cells the effect weighs and outside them.
    A village never seen before its treatment cannot be compared with itself.
    """
    if gradient is None:
        rows = regression.sample.frame["first_treated"].notna().to_numpy()
    else:
        rows = np.append(gradient != 0, False)[regression.cell_of_row]
        unit = pd.factorize(regression.sample.frame["unit"])[0]
        rows &= (np.bincount(unit, ~rows) > 0)[unit]
    return np.bincount(clusters, rows) > 0


def effective_treated_clusters(pieces: ClusterPieces) -> float:
    """Number of equally weighty treated clusters that would be worth the ones behind a contrast.

    (sum l)^2 / sum l^2 over those clusters, l = c'(X'WX)^-1 X_g'W X_g (X'WX)^-1 c, the variance that each brings to
    the contrast if errors are independent: the effective number of clusters of Carter, Schnepel & Steigerwald (2017,
    doi:10.1162/REST_a_00639) over treated clusters alone. Far below their count, one cluster dominates.
    """
    variance = (pieces.leverages @ pieces.direction)[pieces.treated]
    return float(variance.sum() ** 2 / (variance @ variance)) if pieces.treated.any() else 0.0


def adjusted_direction(pieces: ClusterPieces, power: float) -> tuple[np.ndarray, int]:
    """Generalised (I - H_g)^power Q_g a as Q_g u_g: u, shape (G, K), and how many clusters alone identify part of a.

    On the cluster's regressors I - H_g has the eigenvalues of I - B'Q_g'Q_gB, B the basis of the residuals' regression:
    its inverse gives the jackknife, its inverse root CR2. u_g = a + B F B'Q_g'Q_g a, F the power less one over the
    eigenvalues' distance from one.
    """
    sums, direction = pieces.residual_sums, pieces.direction
    left, vectors = sums.spectrum
    kept = left > SINGULAR_TOLERANCE
    factors = np.where(kept, np.where(kept, left, 1) ** power, 0)
    if sums.basis.shape[1] == len(direction):
        rotated = np.einsum("gij,i->gj", vectors, direction)
        lost = np.linalg.norm(np.where(kept, 0, rotated), axis=1)
        alone = int((lost > ESTIMABLE_TOLERANCE * np.linalg.norm(direction)).sum())
        adjusted = np.empty((len(sums.small), len(direction)))
        adjusted[~sums.small] = np.einsum("gij,gj->gi", vectors, factors * rotated)
        adjusted[sums.small] = _by_series(sums.grams[sums.small], direction, power)
        return adjusted, alone
    held = 1 - left
    some = held > SINGULAR_TOLERANCE
    factors = np.where(some, (factors - 1) / np.where(some, held, 1), -power)
    rotated = np.einsum("gij,gi->gj", vectors, pieces.leverages @ sums.basis)
    return direction + np.einsum("gij,gj->gi", vectors, factors * rotated) @ sums.basis.T, 0


def _by_series(grams: np.ndarray, direction: np.ndarray, power: float) -> np.ndarray:
    """(I - H)^power a for matrices H of small eigenvalues: the binomial series, to rounding."""
    term = np.tile(direction[:, None], len(grams))
    grams, found, order = np.ascontiguousarray(grams.transpose(1, 2, 0)), term.copy(), 0
    while np.abs(term).max(initial=0) > np.finfo(float).eps * np.abs(direction).max():
        term = (order - power) / (order + 1) * np.einsum("ijg,jg->ig", grams, term)
        found, order = found + term, order + 1
    return found.T
