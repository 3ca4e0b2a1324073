"""The numbers of the summary, each computed once for both languages."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analysis.design.power import DetectableEffect, minimum_detectable_effect
from analysis.effects.estimate import Estimate
from analysis.effects.event_study import EventStudy
from analysis.effects.randomization import randomization
from analysis.effects.verbs import did, event_study
from analysis.inference.methods import hypothesis_test
from analysis.messages import StudyError
from analysis.study.outcome import Outcome
from analysis.study.study import Study


@dataclass(frozen=True)
class Findings:
    """What the summary says of a study's primary outcome; NaN and None stand for what the study cannot support.

    Attributes
    ----------
    estimate : Estimate or None
        The effect (`did`), in logs where the study describes the outcome so.
    refusal : str
        Why there is no estimate.
    detectable : DetectableEffect or None
        What the design could show, where the outcome is not known in any year under treatment yet.
    low, high : float
        Its headline interval.
    alone : bool
        Whether there is no interval because one group stands alone behind the effect or a part of it.
    lot, floor : float
        The p-value of randomization, and the smallest that the design can give.
    anywhere : bool
        Whether groups of all strata traded places, because within strata there is nothing to randomize.
    events : EventStudy or None
        Where every start year has two years before it or more.
    slope, slope_low, slope_high, slope_p, joint_p : float
        Yearly change of the gap before the start with its headline interval and test, and the test of all years.
    """

    study: Study
    outcome: Outcome
    estimate: Estimate | None = None
    refusal: str = ""
    detectable: DetectableEffect | None = None
    low: float = np.nan
    high: float = np.nan
    alone: bool = False
    lot: float = np.nan
    floor: float = np.nan
    anywhere: bool = False
    events: EventStudy | None = None
    slope: float = np.nan
    slope_low: float = np.nan
    slope_high: float = np.nan
    slope_p: float = np.nan
    joint_p: float = np.nan

    @property
    def years_before(self) -> int:
        """Years before the start that the event study compares, the reference included."""
        return sum(time < 0 for time in self.events.event_times) + 1 if self.events else 0


def find(study: Study) -> Findings:
    """Compute the effect on the primary outcome, how sure it is, and how both sides moved before.

    Use it for every text that states the study's result in short. What the study cannot support is left open.

    Examples
    --------
    >>> from analysis import load_study
    >>> findings = find(load_study())
    >>> findings.years_before, findings.low < findings.estimate.value < findings.high
    (7, True)
    """
    found = Findings(study, study.describe(study.primary_outcome))
    try:
        estimate = did(study, found.outcome.name)
    except StudyError as error:
        return replace(found, refusal=str(error), detectable=_detectable(study, found.outcome.name))
    test = estimate.headline()
    found = replace(
        found,
        estimate=estimate,
        low=float(test["low"]),
        high=float(test["high"]),
        alone=bool(hypothesis_test(estimate.fitted, estimate.effect).caution),
        **_lots(estimate),
    )
    try:
        return _with_years_before(found, event_study(study, found.outcome.name))
    except StudyError:
        return found


def _detectable(study: Study, outcome: str) -> DetectableEffect | None:
    """The detectable effect of a study that is only planned, where the years before show one."""
    under_treatment = (study.frame["time"] >= study.frame["first_treated"]).fillna(False)
    if study.column(outcome)[under_treatment].notna().any():
        return None
    try:
        return minimum_detectable_effect(study, outcome)
    except StudyError:
        return None


def _lots(estimate: Estimate) -> dict[str, Any]:
    """Randomization within strata, else over all groups, else nothing."""
    for within in ("stratum", None):
        try:
            test = randomization(estimate, within=within)
        except StudyError:
            continue
        return {"lot": test.p_value, "floor": test.smallest_p, "anywhere": within is None}
    return {}


def _with_years_before(found: Findings, events: EventStudy) -> Findings:
    slope, joint = events.pretrend().frame().astype({"estimate": float}).to_dict("index").values()
    return replace(
        found,
        events=events,
        slope=slope["estimate"],
        slope_low=slope["low"],
        slope_high=slope["high"],
        slope_p=slope["p_value"],
        joint_p=joint["p_value"],
    )
