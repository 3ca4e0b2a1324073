"""Randomization inference: what the estimate would have been, had treatment gone to other groups."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.inference.assignments import Assignments, possible_assignments
from analysis.inference.cluster_pieces import cluster_codes, cluster_pieces
from analysis.inference.cluster_robust import cr1
from analysis.inference.hypothesis import HypothesisTest
from analysis.inference.inversion import connected_interval
from analysis.inference.reassignment import Refits, group_moments, refit
from analysis.inference.score_tests import inverted, reassigned_p_value, sets_years_against_each_other
from analysis.messages import StudyError, count, first, fixed
from analysis.regression.regression import Effect, Regression

STATISTICS = ("studentized", "coefficient")
# Two statistics this close, relatively, are a tie, and ties count against the estimate: refits of mirrored
# assignments agree to about 1e-13, and chance differences are far larger.
TIE_TOLERANCE = 1e-9
# A standard error below this share of the estimate's size is rounding: the observed groups leave no residual.
ZERO_ERROR_TOLERANCE = 1e-9
# At an effect of this many standard errors (or largest coefficients), p is the smallest this design can give.
HUGE_EFFECT = 1e6
NO_RESIDUAL = (
    "The observed assignment leaves no residual in any group, so the estimate has no t statistic. "
    'Use statistic="coefficient".'
)


def randomization(
    regression: Regression,
    effect: Effect,
    *,
    draws: int = 9999,
    seed: int = 2023,
    level: float = 0.95,
    within: str | None = "stratum",
    statistic: str = "studentized",
) -> HypothesisTest:
    """Test and interval by giving treatment to other groups; `analysis.randomization` says when and how."""
    _check_options(draws, level, within, statistic)
    if regression.kind == "group_year":
        raise StudyError(
            "Every treated group has cells of its own here, which no other group can fill. Test single groups with "
            "by_district, and their average with did."
        )
    pieces = cluster_pieces(regression, effect, cluster_codes(regression, "group"))
    assignments = possible_assignments(regression.sample.frame, within, draws, seed, pieces.informative)
    studentized = statistic == "studentized"
    if regression.mean is not None:
        return _of_score(regression, effect, assignments, cr1(pieces).std_error, studentized, level)
    moments = group_moments(regression, effect.gradient, assignments.starts)
    observed = refit(moments, assignments.observed[None])
    everything = refit(moments, assignments.codes)
    reassigned = Refits(*(part[everything.estimable] for part in vars(everything).values()))
    value, scores = float(observed.coefficient[0, 0]), pieces.sums.scores @ pieces.direction
    error = float(np.sqrt(pieces.cr1_factor * scores @ scores))
    if studentized and error <= ZERO_ERROR_TOLERANCE * np.abs(regression.results.model.endog).max():
        raise StudyError(NO_RESIDUAL)
    p_value = _p_value(observed, reassigned, assignments.enumerated, studentized)
    scale = error if studentized else float(np.abs([value, *reassigned.coefficient[:, 0]]).max()) or 1.0
    signed = sets_years_against_each_other(effect)
    low, high = (np.nan, np.nan) if signed else connected_interval(p_value, value, scale, level)
    smallest = min(p_value(value - HUGE_EFFECT * scale), p_value(value + HUGE_EFFECT * scale))
    note = _note(assignments, int((~everything.estimable).sum()), smallest, signed)
    shown = value / error if studentized else value
    return HypothesisTest(error, shown, np.nan, p_value(0.0), low, high, note, smallest_p=smallest)


def _of_score(
    regression: Regression, effect: Effect, assignments: Assignments, error: float, studentized: bool, level: float
) -> HypothesisTest:
    """The test of a Poisson regression's effect, each null fitted with it imposed."""
    if not error > 0:
        raise StudyError(NO_RESIDUAL)
    p_value, skipped = reassigned_p_value(regression, effect, assignments, studentized)
    smallest = 1 / (len(assignments.codes) - skipped + (0 if assignments.enumerated else 1))
    low, high = inverted(p_value, effect, error, level, smallest)
    note = _note(assignments, skipped, smallest, sets_years_against_each_other(effect))
    shown = effect.value / error if studentized else effect.value
    return HypothesisTest(error, shown, np.nan, p_value(0.0), low, high, note, smallest_p=smallest)


def _check_options(draws: int, level: float, within: str | None, statistic: str) -> None:
    if statistic not in STATISTICS:
        raise ValueError(f"statistic must be one of {', '.join(STATISTICS)}, not {statistic!r}.")
    if within not in ("stratum", None):
        raise ValueError(f"within must be 'stratum' or None, not {within!r}.")
    if not 0 < level <= 1 or draws < 1:
        raise ValueError(f"level must lie between 0 and 1 and draws be positive, not {level} and {draws}.")


def _p_value(observed: Refits, reassigned: Refits, enumerated: bool, studentized: bool) -> Callable[[float], float]:
    """The p-value of the hypothesis that the effect is r, in village-years the contrast weighs, as a function of r."""
    added = 0 if enumerated else 1
    bar = (1 - TIE_TOLERANCE) ** 2

    def squared(coefficient: np.ndarray, effect: float) -> np.ndarray:
        return (coefficient[:, 0] - effect * coefficient[:, 1]) ** 2

    def spread(variance: np.ndarray, effect: float) -> np.ndarray:
        if not studentized:
            return np.ones(len(variance))
        return np.maximum(variance @ [1.0, -2 * effect, effect**2], 0.0)

    def p_value(effect: float) -> float:
        # Cross-multiplied, so that an assignment without variance counts as extreme, not as undefined.
        theirs = squared(reassigned.coefficient, effect) * spread(observed.variance, effect)
        ours = squared(observed.coefficient, effect) * spread(reassigned.variance, effect)
        return float(((theirs >= bar * ours).sum() + added) / (len(theirs) + added))

    return p_value


def _note(assignments: Assignments, skipped: int, smallest: float, signed: bool) -> str:
    total = fixed(assignments.total, 0) if assignments.total < 10**9 else f"about 1e{len(str(assignments.total)) - 1}"
    how = "all enumerated" if assignments.enumerated else f"{len(assignments.codes):,} drawn"
    where = f"within {assignments.strata} strata" if assignments.strata > 1 else "within one stratum"
    where = where if assignments.strata else "over all groups"
    notes = [
        f"{total} assignments of whole groups {where}, {how}",
        f"smallest attainable p {smallest:.3g}",
        "no interval: the contrast sets years against each other" if signed else "interval for a constant effect",
    ]
    if skipped:
        notes.append(f"{count(skipped, 'assignment')} left out: a cell of the effect would have no comparison")
    if assignments.fixed:
        notes.append(
            f"{'stratum' if len(assignments.fixed) == 1 else 'strata'} {first(assignments.fixed)} "
            "can be assigned in one way only"
        )
    return "; ".join(notes)
