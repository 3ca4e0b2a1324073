"""Cluster-robust standard errors of any contrast of a fitted regression, from one small matrix per cluster."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from analysis.inference.cluster_sums import ClusterSums, cluster_sums
from analysis.inference.hypothesis import HypothesisTest
from analysis.messages import StudyError, count
from analysis.regression.regression import Effect, Regression

# An eigenvalue of I - H_g or of the Gram matrix without cluster g this small is zero: rounding leaves about 1e-14,
# while a cluster that holds all but a ten-thousand-millionth of a regressor's variation leaves 1e-10.
SINGULAR_TOLERANCE = 1e-10
# Share of a contrast that may lie in directions lost with a cluster: eigenvectors carry rounding of about 1e-12.
ESTIMABLE_TOLERANCE = 1e-7
# A standard error this small relative to the outcome is rounding alone: residuals carry about 1e-15 of it.
ROUNDING_TOLERANCE = 1e-12
# Up to this many treated groups, notes tell the reader not to lean on the method.
FEW_TREATED = 3
NO_VARIATION = "no residual variation to learn from"
ONE_TREATED = "one treated group: not informative"
FEW = "too few to lean on"


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
    cr1_factor : float
        G/(G-1) (N-1)/(N-K'), K' the parameters with the constant but without unit effects.
    rounding : float
        A standard error no larger than this is zero.
    estimate : float
        The contrast itself, c'b.
    treated, sample_treated : ndarray of bool, shape (G,)
        Clusters with treated units: among the cells the contrast weighs, and in the whole sample.
    """

    direction: np.ndarray
    sums: ClusterSums
    cr1_factor: float
    rounding: float
    estimate: float
    treated: np.ndarray
    sample_treated: np.ndarray

    @cached_property
    def alone(self) -> int:
        """How many clusters alone identify a part of the contrast."""
        return adjusted_direction(self, power=-0.5)[1]

    @property
    def contrast_scores(self) -> np.ndarray:
        """Each cluster's part of the contrast's estimation error, shape (G,); they sum to zero."""
        return self.sums.scores @ self.direction

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
        raise StudyError(
            f"All {regression.sample.rows:,} rows are in one {cluster}, so errors cannot be clustered by {cluster}. "
            f"Name the {cluster} column in Study.from_frame, or cluster by something with two values or more."
        )
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
    contrast = regression.parameter_weights(effect.gradient)
    sums = cluster_sums(regression, clusters)
    rows, parameters, number = regression.sample.rows, len(contrast), len(sums.scores)
    direction = np.linalg.solve(sums.triangle.T, contrast[1:])
    return ClusterPieces(
        direction,
        sums,
        number / (number - 1) * (rows - 1) / max(rows - parameters, 1),
        ROUNDING_TOLERANCE * float(np.linalg.norm(direction) * np.linalg.norm(regression.results.model.wendog)),
        effect.value,
        treated_clusters(regression, clusters, effect.gradient),
        treated_clusters(regression, clusters),
    )


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


def caution(pieces: ClusterPieces) -> str:
    """Why no standard error of this contrast can be believed, or nothing.

    One treated cluster, or a cluster that alone identifies a part of the contrast (a start year of its own, say):
    its residuals there are zero by construction, so that its own luck is not counted.
    """
    if pieces.treated.sum() == 1:
        return ONE_TREATED
    lone = count(pieces.alone, "cluster")
    return f"{lone} alone behind a part of the effect, own noise not counted" if pieces.alone else ""


def treated_note(pieces: ClusterPieces, few: str = FEW) -> str:
    """Clusters, treated clusters behind the contrast and their effective number, after any caution."""
    number = int(pieces.treated.sum())
    effective = effective_treated_clusters(pieces)
    counts = f"{len(pieces.treated):,} clusters, {number:,} treated ({effective:.1f} effective)"
    warning = caution(pieces) or (f"{number} treated groups: {few}" if 1 < number <= FEW_TREATED else "")
    return f"{warning}; {counts}" if warning else counts


def cr1(pieces: ClusterPieces, level: float = 0.95) -> HypothesisTest:
    """CR1: the usual clustered standard error, with factor G/(G-1) (N-1)/(N-K) and t(G-1).

    Use it to compare with other software; with few treated clusters it is too small.
    Liang & Zeger (1986, doi:10.1093/biomet/73.1.13); factor as in Cameron & Miller (2015, doi:10.3368/jhr.50.2.317).
    """
    scores = pieces.contrast_scores
    return _t_test(pieces, np.sqrt(pieces.cr1_factor * scores @ scores), len(scores) - 1, level)


def cr2(pieces: ClusterPieces, level: float = 0.95) -> HypothesisTest:
    """CR2: bias-reduced standard error with Satterthwaite degrees of freedom; the headline with few treated clusters.

    Each cluster's residuals are multiplied by (I - H_g)^-1/2, which makes the variance unbiased where errors are
    independent with variance inversely proportional to the weight: rows are multiplied by its root, then treated as
    unweighted, so that village effects drop out exactly. Where a cluster alone identifies a direction, the root is
    zero there (generalised inverse): the cluster's own luck is not counted, and `caution` says so. That is so with
    one treated cluster, whose score is close to zero whatever the data.

    Parameters
    ----------
    pieces : ClusterPieces
        Of one contrast and clustering, from `cluster_pieces`.

    Returns
    -------
    HypothesisTest

    References
    ----------
    Bell & McCaffrey (2002), "Bias reduction in standard errors for linear regression with multi-stage samples",
    Survey Methodology 28(2), 169-181; Pustejovsky & Tipton (2018), doi:10.1080/07350015.2016.1247004.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> estimate = did(load_study(), "rural_income_per_head_cny", log=True)
    >>> answer = cr2(cluster_pieces(estimate.fitted, estimate.effect, cluster_codes(estimate.fitted, "group")))
    >>> 4 < answer.df < 5
    True
    """
    adjusted, _ = adjusted_direction(pieces, power=-0.5)
    scores = (pieces.sums.scores * adjusted).sum(axis=1)
    # With p_g = (I - H_g)^-1/2 Q_g a the scores p_g'(I - H)y have variance diag(p_g'p_g) - ZZ', the rows of Z p_g'Q_g.
    products = np.einsum("gij,gj->gi", pieces.sums.grams, adjusted)
    squares, overlaps = (adjusted * products).sum(axis=1), (products**2).sum(axis=1)
    spread = squares @ squares - 2 * squares @ overlaps + np.square(products.T @ products).sum()
    total = squares.sum() - overlaps.sum()
    return _t_test(pieces, np.linalg.norm(scores), total**2 / spread if spread > 0 else np.nan, level)


def cr3(pieces: ClusterPieces, level: float = 0.95) -> HypothesisTest:
    """CR3: the leave-one-cluster-out jackknife, sqrt((G-1)/G sum (b without g - b)^2), with t(G-1).

    Use it beside CR2, which it usually exceeds. Missing, with a note, where some cluster's deletion leaves no
    estimate of the contrast, as with one treated cluster. What the contrast does not need may go with a cluster:
    a year that one cluster alone observes.

    Parameters
    ----------
    pieces : ClusterPieces
        As in `cr2`.

    Returns
    -------
    HypothesisTest

    References
    ----------
    Bell & McCaffrey (2002), Survey Methodology 28(2), 169-181; MacKinnon, Nielsen & Webb (2023),
    doi:10.1002/jae.2969.
    """
    number = len(pieces.sums.scores)
    adjusted, alone = adjusted_direction(pieces, power=-1)
    if alone:
        note = f"no estimate without {count(alone, 'cluster')}; {treated_note(pieces)}"
        return HypothesisTest(note=note, caution=caution(pieces))
    changes = (pieces.sums.scores * adjusted).sum(axis=1)
    return _t_test(pieces, np.sqrt((number - 1) / number * changes @ changes), number - 1, level)


def _t_test(pieces: ClusterPieces, error: float, df: float, level: float) -> HypothesisTest:
    value, note, warning = pieces.estimate, treated_note(pieces), caution(pieces)
    if error <= pieces.rounding:
        return HypothesisTest(df=float(df), note=f"{NO_VARIATION}; {note}", caution=warning)
    statistic, margin = value / error, stats.t.ppf((1 + level) / 2, df) * error
    p_value = 2 * stats.t.sf(abs(statistic), df)
    return HypothesisTest(float(error), statistic, float(df), p_value, value - margin, value + margin, note, warning)


def adjusted_direction(pieces: ClusterPieces, power: float) -> tuple[np.ndarray, int]:
    """Generalised (I - Q_g'Q_g)^power times the direction, (G, K), and how many clusters alone identify part of it.

    I - Q_g'Q_g is the Gram matrix without cluster g, and has the eigenvalues of I - H_g on the cluster's regressors:
    its inverse gives the jackknife, its inverse root CR2.
    """
    left, vectors = pieces.sums.spectrum
    kept = left > SINGULAR_TOLERANCE
    factors = np.where(kept, np.where(kept, left, 1) ** power, 0)
    rotated = np.einsum("gij,i->gj", vectors, pieces.direction)
    lost = np.linalg.norm(np.where(kept, 0, rotated), axis=1)
    alone = int((lost > ESTIMABLE_TOLERANCE * np.linalg.norm(pieces.direction)).sum())
    return np.einsum("gij,gj->gi", vectors, factors * rotated), alone
