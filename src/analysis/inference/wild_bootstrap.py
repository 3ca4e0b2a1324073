"""The restricted wild cluster bootstrap of any contrast, computed from cluster scores with no refit."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from analysis.inference.cluster_pieces import ClusterPieces
from analysis.inference.cluster_robust import NO_VARIATION, caution, treated_note
from analysis.inference.hypothesis import HypothesisTest
from analysis.inference.inversion import connected_interval

# |t*| this close below |t| (relative) is a tie and counts as at least as large: exact ties differ by about 1e-13.
TIE_TOLERANCE = 1e-9
# A draw's variance grows with the null value at this rate (relative, in roots) or less where it fits exactly.
ZERO_TOLERANCE = 1e-12
# Webb's weights are used where fewer groups than this are treated, or untreated.
WEBB_BELOW = 10
# Draws taken at once, so that they fit a processor's cache whatever their number.
CHUNK = 512

WEBB = np.array([-np.sqrt(1.5), -1, -np.sqrt(0.5), np.sqrt(0.5), 1, np.sqrt(1.5)])
RADEMACHER = np.array([-1.0, 1.0])


@dataclass(frozen=True)
class Draws:
    """Bootstrap t statistics of every draw as functions of the null value r, through d = estimate - r.

    The bootstrap estimate's distance from r is n0 + d n1, its CR0 variance q00 + 2 d q01 + d^2 q11.

    Attributes
    ----------
    numerator : ndarray, shape (2, B)
        n0 and n1.
    variance : ndarray, shape (3, B)
        q00, q01 and q11.
    sample_variance : float
        The estimate's CR0 variance; the CR1 factor is the same in sample and draw, and cancels.
    enumerated : bool
        Whether the draws are all sign vectors, the sample itself among them.
    """

    numerator: np.ndarray
    variance: np.ndarray
    sample_variance: float
    enumerated: bool

    @cached_property
    def _excess(self) -> np.ndarray:
        """Coefficients in d of n^2 V - d^2 q, V the sample variance, not negative where |t*| >= |t|; shape (5, B)."""
        (n0, n1), (q00, q01, q11) = self.numerator, self.variance * (1 - TIE_TOLERANCE) ** 2
        scale = self.sample_variance
        return np.array([scale * n0**2, 2 * scale * n0 * n1, scale * n1**2 - q00, -2 * q01, -q11])

    def p_value(self, distance: float) -> float:
        """Share of draws with |t*| >= |t|, where the estimate lies `distance` above the null value."""
        # einsum runs on one thread: for a product this small BLAS threads wait for each other.
        return self._share(np.einsum("i,ib->b", distance ** np.arange(5), self._excess) >= 0)

    def limit(self) -> float:
        """The p-value as the null value goes to either infinity, where only exactly fitted samples keep up."""
        exact = self.variance[2] <= ZERO_TOLERANCE**2 * self.numerator[1] ** 2
        return self._share(exact & (self._excess[2] >= 0))

    def _share(self, larger: np.ndarray) -> float:
        number = int(larger.sum())
        return number / len(larger) if self.enumerated else (1 + number) / (1 + len(larger))


def wild_bootstrap(
    pieces: ClusterPieces, *, draws: int = 9999, seed: int = 2023, level: float = 0.95, weights: str | None = None
) -> HypothesisTest:
    """Wild cluster bootstrap test of no effect, null imposed, CR1-studentised, and its interval by inversion.

    Use it as the second opinion beside CR2 with few clusters; with three treated clusters or fewer it hardly ever
    rejects, and with one or two it is uninformative. Residuals of the fit with the null imposed are multiplied by one
    random weight per cluster; the p-value is the share of |t*| >= |t|, symmetric, ties counted: weights that are all
    plus or all minus one reproduce the sample, which is as extreme as itself. A strict count, as in
    fwildclusterboot, gives 1484/4096 where counting these two gives 1486/4096.

    All that is linear in the weights is added up per cluster once: a draw costs a product of G x K matrices, and its
    t statistic under any null value five numbers, so that inverting the test needs no new draw.

    Parameters
    ----------
    pieces : ClusterPieces
        Of one contrast and clustering, from `cluster_pieces`.
    draws : int
        Number of draws B; p = (1 + #)/(1 + B). Where all 2^G sign vectors are no more than B + 1 they
        are enumerated instead, the sample itself included: p = #/2^G.
    seed : int
    level : float
        Confidence level of the interval: the connected region around the estimate that the test does not reject,
        infinite where it never rejects.
    weights : {"rademacher", "webb"}, optional
        Default: all sign vectors where few enough to enumerate; else Webb's six-point weights with fewer than ten
        treated (or untreated) clusters, whose sign vectors would be too few to matter; else Rademacher signs.

    Returns
    -------
    HypothesisTest
        `std_error` and `statistic` are those of CR1, which the bootstrap studentises by.

    Raises
    ------
    ValueError
        Unknown weights, or no draws.

    References
    ----------
    Cameron, Gelbach & Miller (2008), doi:10.1162/rest.90.3.414; Roodman, Nielsen, MacKinnon & Webb (2019),
    doi:10.1177/1536867X19830877; MacKinnon (2023), "Fast cluster bootstrap methods for linear regression models",
    Econometrics and Statistics 26; Webb (2023), "Reworking wild bootstrap-based inference for clustered errors",
    Canadian Journal of Economics 56(3).

    Examples
    --------
    >>> from analysis import did, load_study
    >>> from analysis.inference.cluster_pieces import cluster_codes, cluster_pieces
    >>> estimate = did(load_study(), "rural_income_per_head_cny", scale="log")
    >>> pieces = cluster_pieces(estimate.fitted, estimate.effect, cluster_codes(estimate.fitted, "group"))
    >>> test = wild_bootstrap(pieces, draws=999)
    >>> test.low < estimate.value < test.high
    True
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, not {draws}.")
    # Draws are refitted with the cells as they stand, so that the noise of a cluster alone in its cells is not in them.
    pieces = replace(pieces, residual_sums=pieces.sums, lone_share=0.0)
    scores, estimate, sample = pieces.contrast_scores, pieces.estimate, pieces.sample_treated
    weights, enumerated = choose_weights(weights, int(sample.sum()), len(sample), draws)
    smallest, note = smallest_p(weights, enumerated, len(sample), draws)
    note += treated_note(pieces, "may not be the headline")
    error = float(np.sqrt(pieces.cr1_factor * scores @ scores))
    if error <= pieces.rounding:
        return HypothesisTest(note=f"{NO_VARIATION}; {note}", caution=caution(pieces))
    vectors = drawn_weights(weights, enumerated, len(sample), draws, seed)
    drawn = bootstrap_draws(pieces, vectors, enumerated)
    limit = drawn.limit()
    low, high = connected_interval(lambda null: drawn.p_value(estimate - null), estimate, error, level, (limit, limit))
    p_value, warning = drawn.p_value(estimate), caution(pieces)
    return HypothesisTest(error, estimate / error, np.nan, p_value, low, high, note, warning, smallest)


def choose_weights(weights: str | None, treated: int, number: int, draws: int) -> tuple[str, bool]:
    """Auxiliary weights, and whether all sign vectors are enumerated."""
    if weights not in (None, "rademacher", "webb"):
        raise ValueError(f"weights must be 'rademacher', 'webb' or None, not {weights!r}.")
    few = 2**number <= draws + 1
    if weights is None:
        weights = "webb" if min(treated, number - treated) < WEBB_BELOW and not few else "rademacher"
    return weights, few and weights == "rademacher"


def smallest_p(weights: str, enumerated: bool, number: int, draws: int) -> tuple[float, str]:
    """The smallest p-value, and how it comes about."""
    smallest = 2 / 2**number if enumerated else 1 / (1 + draws)
    kind = f"all {2**number:,} sign vectors" if enumerated else f"{draws:,} {weights.capitalize()} draws"
    return smallest, f"{kind}, smallest p {smallest:.2g}; "


def drawn_weights(weights: str, enumerated: bool, number: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """All sign vectors, or random weights, one row per draw, in chunks."""
    return sign_vectors(number) if enumerated else random_weights(weights, number, draws, seed)


def sign_vectors(number: int) -> Iterator[np.ndarray]:
    """All 2^G vectors of signs, one per row, in chunks."""
    for start in range(0, 2**number, CHUNK):
        codes = np.arange(start, min(start + CHUNK, 2**number))
        yield 1.0 - 2.0 * ((codes[:, None] >> np.arange(number)) & 1)


def random_weights(weights: str, number: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Independent auxiliary weights, one row per draw, in chunks; more draws begin with the same ones."""
    generator = np.random.default_rng(seed)
    points = WEBB if weights == "webb" else RADEMACHER
    for start in range(0, draws, CHUNK):
        yield np.take(points, generator.integers(0, len(points), (min(CHUNK, draws - start), number), dtype=np.uint8))


def bootstrap_draws(pieces: ClusterPieces, vectors: Iterator[np.ndarray], enumerated: bool) -> Draws:
    """Bootstrap numerators and variances of every weight vector, for the null value as an unknown.

    With the null c'b = r imposed, residuals become e + Qa d/|a|^2, so cluster g's score is M_g = Q_g'e_g + d L_g with
    L_g = Q_g'Q_g a/|a|^2. A draw v moves the estimate by sum v_g a'M_g, and leaves cluster g the score
    v_g a'M_g - |a|^2 L_g' sum v_h M_h.
    """
    length = pieces.direction @ pieces.direction
    leverages = pieces.leverages / length
    scores, restricted = pieces.contrast_scores, leverages @ pieces.direction
    numerator, variance = [], []
    for weights in vectors:
        left0 = weights * scores - (weights @ pieces.sums.scores) @ (length * leverages.T)
        left1 = weights * restricted - (weights @ leverages) @ (length * leverages.T)
        numerator.append([weights @ scores, weights @ restricted])
        variance.append([np.einsum("bg,bg->b", *pair) for pair in ((left0, left0), (left0, left1), (left1, left1))])
    return Draws(np.hstack(numerator), np.hstack(variance), float(scores @ scores), enumerated)
