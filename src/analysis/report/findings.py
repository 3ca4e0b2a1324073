"""What the summary says, each number computed once for both languages."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.design.power import DetectableEffect, minimum_detectable_effect
from analysis.effects.estimate import Estimate
from analysis.effects.event_study import EventStudy
from analysis.effects.randomization import randomization
from analysis.effects.verbs import did, event_study
from analysis.inference.hypothesis import HypothesisTest
from analysis.messages import StudyError
from analysis.robustness.scale_evidence import ScaleEvidence, scale_evidence
from analysis.study.outcome import Outcome
from analysis.study.study import Study


@dataclass(frozen=True)
class Findings:
    """What the summary says of a study's primary outcome; None and missing numbers: what the study cannot support.

    Attributes
    ----------
    estimate : Estimate or None
        The effect (`did`), in logs where the study describes the outcome so.
    refusal : str
        Why there is no estimate.
    detectable : DetectableEffect or None
        What the design could show, where the outcome is not known in any year under treatment yet.
    test : pandas.Series
        The headline of the estimate.
    lots : HypothesisTest
        Randomization, within strata unless nothing can be randomized there.
    anywhere : bool
        Whether groups of all strata traded places.
    events : EventStudy or None
        Where every start year has two years before it or more.
    slope, joint : pandas.Series
        Yearly change of the gap before the start, and the test of all years (`EventStudy.pretrend`).
    untreated : ScaleEvidence or None
        Which scale untreated villages support.
    """

    study: Study
    outcome: Outcome
    estimate: Estimate | None = None
    refusal: str = ""
    detectable: DetectableEffect | None = None
    test: pd.Series = field(default_factory=pd.Series)
    lots: HypothesisTest = field(default_factory=HypothesisTest)
    anywhere: bool = False
    events: EventStudy | None = None
    slope: pd.Series = field(default_factory=pd.Series)
    joint: pd.Series = field(default_factory=pd.Series)
    untreated: ScaleEvidence | None = None


def find(study: Study) -> Findings:
    """Compute the effect on the primary outcome, how sure it is, and how both sides moved before.

    Use it for every text that states the study's result in short. What the study cannot support is left open.

    Examples
    --------
    >>> from analysis import load_study
    >>> findings = find(load_study())
    >>> bool(findings.test["low"] < findings.estimate.value < findings.test["high"])
    True
    """
    outcome = study.describe(study.primary_outcome)
    try:
        estimate = did(study, outcome.name)
    except StudyError as error:
        return Findings(study, outcome, refusal=error.args[0], detectable=_detectable(study, outcome.name))
    found = _lots(estimate) | _before(estimate) | _scale(estimate)
    return Findings(study, outcome, estimate, test=estimate.headline(), **found)


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
            return {"lots": randomization(estimate, within=within), "anywhere": within is None}
        except StudyError:
            continue
    return {}


def _before(estimate: Estimate) -> dict[str, Any]:
    try:
        events = event_study(estimate.study, estimate.outcome)
        (_, slope), (_, joint) = events.pretrend().frame().iterrows()
    except StudyError:
        return {}
    return {"events": events, "slope": slope, "joint": joint}


def _scale(estimate: Estimate) -> dict[str, Any]:
    """Which scale untreated villages support, where both can be said in per cent."""
    try:
        evidence = scale_evidence(estimate.study, estimate.outcome)
    except StudyError:
        return {}
    return {"untreated": evidence} if np.isfinite(evidence.frame()["estimate"]).all() else {}
