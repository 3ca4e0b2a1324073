"""Cluster-robust tests of any effect of a fitted regression, and what must be said of few clusters."""

import numpy as np
from scipy import stats

from analysis.inference.cluster_pieces import ClusterPieces, adjusted_direction, effective_treated_clusters
from analysis.inference.hypothesis import HypothesisTest
from analysis.messages import Text, count, floored

# Up to this many treated groups, notes say that intervals are not reliable.
FEW_TREATED = 3
NO_VARIATION = "no residual variation to learn from"
ONE_TREATED = Text("one treated group: not informative")
ONE_UNTREATED = Text("one untreated group: not informative")
FEW = "too few for a reliable interval"


def caution(pieces: ClusterPieces) -> str:
    """Why no standard error of this contrast can be believed, or nothing.

    One treated or untreated cluster, or clusters that alone identify half of the contrast or more (start years of
    their own, say): their residuals there are zero by construction, so that their own luck is not counted.
    """
    if pieces.treated.sum() == 1:
        return ONE_TREATED
    if (~pieces.treated).sum() == 1:
        return ONE_UNTREATED
    sentence = "{clusters} alone behind a part of the effect, own noise not counted"
    counted = not pieces.alone or pieces.lone_share
    return "" if counted else Text(sentence, clusters=count(pieces.alone, "cluster"))


def treated_note(pieces: ClusterPieces, few: str = FEW) -> str:
    """Clusters, treated clusters behind the contrast and their effective number, after any caution."""
    number = int(pieces.treated.sum())
    effective = effective_treated_clusters(pieces)
    counts = f"{len(pieces.treated):,} clusters, {number:,} treated ({floored(effective)} effective)"
    warning = caution(pieces) or few_groups(pieces, few)
    if pieces.lone_share:
        lone = "a start year with one group" if pieces.alone == 1 else "start years with one group"
        counts += f"; {pieces.lone_share:.0%} of the effect from {lone}, noise counted around one common effect"
    return f"{warning}; {counts}" if warning else counts


def few_groups(pieces: ClusterPieces, few: str = FEW) -> str:
    """A remark where either side of the comparison has few clusters; the smaller side counts."""
    sides = {"treated": int(pieces.treated.sum()), "untreated": int((~pieces.treated).sum())}
    kind, number = min(sides.items(), key=lambda side: side[1])
    return f"{number} {kind} groups: {few}" if 1 < number <= FEW_TREATED else ""


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
    >>> from analysis.inference.cluster_pieces import cluster_codes, cluster_pieces
    >>> estimate = did(load_study(), "rural_income_per_head_cny", scale="log")
    >>> answer = cr2(cluster_pieces(estimate.fitted, estimate.effect, cluster_codes(estimate.fitted, "group")))
    >>> 4 < answer.df < 5
    True
    """
    return _t_test(pieces, *cr2_error(pieces), level)


def cr2_error(pieces: ClusterPieces) -> tuple[float, float]:
    """The CR2 standard error and its Satterthwaite degrees of freedom."""
    adjusted, _ = adjusted_direction(pieces, power=-0.5)
    scores = (pieces.residual_sums.scores * adjusted).sum(axis=1)
    # With p_g = (I - H_g)^-1/2 Q_g a the scores p_g'(I - H)y have variance diag(p_g'p_g) - ZZ', the rows of Z p_g'Q_g.
    products = np.einsum("gij,gj->gi", pieces.residual_sums.grams, adjusted)
    squares, products = (adjusted * products).sum(axis=1), products @ pieces.residual_sums.basis
    overlaps = (products**2).sum(axis=1)
    spread = squares @ squares - 2 * squares @ overlaps + np.square(products.T @ products).sum()
    total = squares.sum() - overlaps.sum()
    return float(np.linalg.norm(scores)), float(total**2 / spread) if spread > 0 else np.nan


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
    number = len(pieces.residual_sums.scores)
    adjusted, alone = adjusted_direction(pieces, power=-1)
    if alone:
        note = f"no estimate without {count(alone, 'cluster')}; {treated_note(pieces)}"
        return HypothesisTest(note=note, caution=caution(pieces))
    changes = (pieces.residual_sums.scores * adjusted).sum(axis=1)
    return _t_test(pieces, np.sqrt((number - 1) / number * changes @ changes), number - 1, level)


def _t_test(pieces: ClusterPieces, error: float, df: float, level: float) -> HypothesisTest:
    value, note, warning = pieces.estimate, treated_note(pieces), caution(pieces)
    if error <= pieces.rounding:
        return HypothesisTest(df=float(df), note=f"{NO_VARIATION}; {note}", caution=warning)
    statistic, margin = value / error, stats.t.ppf((1 + level) / 2, df) * error
    p_value = 2 * stats.t.sf(abs(statistic), df)
    return HypothesisTest(float(error), statistic, float(df), p_value, value - margin, value + margin, note, warning)
