"""Tests of a Poisson regression's effect at any null: the score bootstrap and randomization, with intervals.

A null is one proportional effect in the cells asked for. The regression is fitted with it imposed, once for each null;
its working outcome and weights are then one weighted regression, to which the linear code applies as it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from analysis.inference.assignments import Assignments
from analysis.inference.cluster_pieces import cluster_pieces
from analysis.inference.cluster_robust import NO_VARIATION, caution, cr1, treated_note
from analysis.inference.hypothesis import HypothesisTest
from analysis.inference.inversion import connected_interval, rejects
from analysis.inference.reassignment import group_moments, refit
from analysis.inference.wild_bootstrap import bootstrap_draws, choose_weights, drawn_weights, smallest_p
from analysis.regression.regression import Effect, Regression, under_null

# Two statistics this close, relatively, are a tie: refits of mirrored assignments agree to about 1e-13.
TIE_TOLERANCE = 1e-9
# Weights of an average add up to one; rounding leaves about 1e-15.
AVERAGE_TOLERANCE = 1e-9
# Bounds are bisected to this share of the standard error, and looked for up to so many log points from the estimate.
BOUND_TOLERANCE = 1e-3
FARTHEST = 10.0
# Fitted means of a null this many log points away or less begin the next fit; from farther off its rounds may overflow.
NEAR = 1.0


class NullFits:
    """The regression at each null asked for, every fit begun where the last one ended, if that is near."""

    def __init__(self, regression: Regression, effect: Effect, others: bool) -> None:
        self.regression, self.effect, self.others = regression, effect, others
        self.inside = effect.gradient != 0
        self.start: np.ndarray | None = None
        self.last = np.inf

    def at(self, null: float) -> tuple[Regression, Effect]:
        """The weighted regression with the null imposed, and how far the data are from it (in log points)."""
        start = self.start if abs(null - self.last) <= NEAR else None
        fitted = under_null(self.regression, self.inside, null, self.others, start)
        self.start, self.last = fitted.mean, null
        weights = fitted.cell_weights() * self.inside
        signed = sets_years_against_each_other(self.effect)
        return fitted, fitted.combination(self.effect.gradient if signed else weights / weights.sum())


def sets_years_against_each_other(effect: Effect) -> bool:
    """Whether a contrast is no average of cells, as a slope is none: no single effect in its cells is its null."""
    return bool(effect.gradient.min() < 0 or abs(effect.gradient.sum() - 1) > AVERAGE_TOLERANCE)


def inverted(
    p_value: Callable[[float], float], effect: Effect, error: float, level: float, smallest: float
) -> tuple[float, float]:
    """The interval of nulls not rejected; missing for contrasts that set years against each other."""
    if sets_years_against_each_other(effect):
        return np.nan, np.nan
    if not rejects(smallest, level):
        return -np.inf, np.inf
    reach = FARTHEST / error
    return connected_interval(p_value, effect.value, error, level, tolerance=BOUND_TOLERANCE, reach=reach)


def score_bootstrap(
    regression: Regression,
    effect: Effect,
    clusters: np.ndarray,
    *,
    draws: int = 9999,
    seed: int = 2023,
    level: float = 0.95,
) -> HypothesisTest:
    """Wild cluster bootstrap of the score, null imposed, CR1-studentised, and its interval by inversion.

    Use it as `wild_bootstrap`, for a Poisson regression. Kline & Santos (2012), "A score based approach to wild
    bootstrap inference", Journal of Econometric Methods 1(1); the null is fitted anew for every value tried, because
    the weights move with it.
    """
    pieces = cluster_pieces(regression, effect, clusters)
    pieces = replace(pieces, residual_sums=pieces.sums, lone_share=0.0)
    number, treated = len(pieces.sample_treated), int(pieces.sample_treated.sum())
    weights, enumerated = choose_weights(None, treated, number, draws)
    smallest, note = smallest_p(weights, enumerated, number, draws)
    note, warning = note + treated_note(pieces, "may not be the headline"), caution(pieces)
    error = cr1(pieces).std_error
    if not error > 0:
        return HypothesisTest(note=f"{NO_VARIATION}; {note}", caution=warning)
    nulls = NullFits(regression, effect, others=True)

    def p_value(null: float) -> float:
        fitted, distance = nulls.at(null)
        imposed = cluster_pieces(fitted, distance, clusters)
        vectors = drawn_weights(weights, enumerated, len(imposed.treated), draws, seed)
        return bootstrap_draws(imposed, vectors, enumerated).p_value(distance.value)

    low, high = inverted(p_value, effect, error, level, smallest)
    return HypothesisTest(error, effect.value / error, np.nan, p_value(0.0), low, high, note, warning, smallest)


def reassigned_p_value(
    regression: Regression, effect: Effect, assignments: Assignments, studentized: bool
) -> tuple[Callable[[float], float], int]:
    """The randomization p-value of any null, and how many assignments leave a cell of the effect no comparison."""
    nulls = NullFits(regression, effect, others=False)
    added = 0 if assignments.enumerated else 1

    def statistics(null: float) -> tuple[float, np.ndarray]:
        fitted, distance = nulls.at(null)
        moments = group_moments(fitted, distance.gradient, assignments.starts)
        everyone = refit(moments, np.vstack([assignments.observed[None], assignments.codes]), studentized, outcomes=1)
        spread = np.sqrt(np.maximum(everyone.variance[:, 0], 0.0)) if studentized else 1.0
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.abs(everyone.coefficient[:, 0]) / spread
        return float(statistic[0]), statistic[1:][everyone.estimable[1:]]

    none = statistics(0.0)

    def p_value(null: float) -> float:
        observed, others = statistics(null) if null else none
        return float(((others >= observed * (1 - TIE_TOLERANCE)).sum() + added) / (len(others) + added))

    return p_value, len(assignments.codes) - len(none[1])
