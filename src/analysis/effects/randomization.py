"""Randomization inference for an estimate: had treatment gone to other groups."""

from __future__ import annotations

from typing import Any

from analysis.effects.estimate import Estimate
from analysis.effects.ratio_of_totals import refuse_dominated
from analysis.inference.hypothesis import HypothesisTest
from analysis.inference.methods import most_draws
from analysis.inference.randomization import randomization as reassign
from analysis.messages import check_shares


def randomization(
    estimate: Estimate,
    *,
    draws: int | None = None,
    seed: int = 2023,
    level: float = 0.95,
    within: str | None = "stratum",
    statistic: str = "studentized",
) -> HypothesisTest:
    """Test and interval by giving treatment to other groups, in the observed numbers and start years.

    Use it when few groups are treated: its size is exact, whatever the number of groups, if treatment could as well
    have gone to any others in the stratum. All assignments are enumerated where there are at most `draws`, and
    p = #/N counts the observed one; else p = (1 + #)/(1 + B). The t statistic (CR1, by group) keeps the size close
    when treated groups are more variable; the coefficient does not. Ties count against the estimate.

    Parameters
    ----------
    estimate : Estimate
        Of any contrast. Its cells are rebuilt for every assignment, with the weights by treated village-years
        recomputed; nothing is refitted.
    draws : int, optional
        Most assignments to enumerate, or number to draw. Default: 9,999; in per cent fewer with more than 200 groups,
        because every null is fitted anew: the note says how many.
    seed : int
    level : float
        Confidence level of the interval. It inverts the test for a constant effect r in the village-years the
        contrast weighs (none in other years), and is the connected region around the estimate, infinite where nothing
        is rejected, missing for contrasts such as a slope that set years against each other.
    within : {"stratum", None}
        Whether groups trade places within their stratum only, or all with all.
    statistic : {"studentized", "coefficient"}

    Returns
    -------
    HypothesisTest
        `std_error` is CR1's; `statistic` the t statistic or the coefficient; `note` says how many assignments there
        are, whether they were enumerated, and the smallest p-value the design can give.

    Raises
    ------
    StudyError
        When treatment was not given to whole groups, could have gone to no others, or leaves no residual; for `did`
        "by_group", whose cells no other group can fill; and where one group has most of the treated total.

    References
    ----------
    Fisher (1935), The Design of Experiments; Young (2019), doi:10.1093/qje/qjy029; MacKinnon & Webb (2020),
    doi:10.1016/j.jeconom.2020.04.024.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> test = randomization(did(load_study(), "collective_income_cny"), draws=999)
    >>> test.low < test.high, test.note.split(";")[0]
    (True, '8,640 assignments of whole groups within 4 strata, 999 drawn')
    """
    check_shares(level=level)
    refuse_dominated("No randomization test", estimate.dominance, estimate.study.noun)
    draws = most_draws(estimate.fitted, estimate.groups) if draws is None else draws
    options: dict[str, Any] = {"draws": draws, "seed": seed, "level": level, "within": within, "statistic": statistic}
    return reassign(estimate.fitted, estimate.effect, **options)
