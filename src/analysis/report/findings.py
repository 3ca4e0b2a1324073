"""What the summary says, each number computed once for both languages, and how it names things and writes numbers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.design.power import DetectableEffect, minimum_detectable_effect
from analysis.effects.estimate import Estimate
from analysis.effects.event_study import EventStudy
from analysis.effects.randomization import randomization
from analysis.effects.sentence import PER, specification
from analysis.effects.verbs import did, event_study
from analysis.inference.hypothesis import HypothesisTest
from analysis.language.labels import bracketed, counted, joined, one_of, say, term
from analysis.messages import StudyError, amount, amounts, in_sentence
from analysis.report.title_page import literal
from analysis.robustness.scale_evidence import ScaleEvidence, scale_evidence
from analysis.study.outcome import Outcome, shown, shown_unit
from analysis.study.study import Study

ENDS = (".", "?", "!", "。", "？", "！")
SMALLEST_SHOWN = 0.001
SCALES_SAID = {
    "poisson": "Effects are in per cent, {why}.",
    "log": "Effects are in per cent (estimated in logs), {why}.",
    "level": "Effects are in the outcome's unit, {why}.",
}
WHY = {
    "logged": "because the column holds logarithms",
    "declared": "as the study declares",
    "poisson": "because money and counts grow in per cent",
    "level": "because it is neither money nor a count",
}


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
        return Findings(study, outcome, refusal=str(error), detectable=_detectable(study, outcome.name))
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


@dataclass(frozen=True)
class Wording:
    """Findings with the words of one language; text of the study is escaped for Markdown."""

    findings: Findings
    language: str

    @property
    def estimate(self) -> Estimate:
        """The effect, of findings that have one."""
        if self.findings.estimate is None:
            raise StudyError(f"No effect was estimated: {self.findings.refusal}")
        return self.findings.estimate

    def say(self, phrase: str, **values: object) -> str:
        """A phrase in this language."""
        return say(self.language, phrase, **values)

    def count(self, number: int, noun: str) -> str:
        """A number with what it counts."""
        return counted(self.language, number, literal(noun))

    @property
    def noun(self) -> str:
        """What a unit is called, behind "each"."""
        return one_of(self.language, literal(self.findings.study.noun))

    def size(self, number: float) -> str:
        """An effect in the outcome's unit; of an outcome in logs, in per cent."""
        sized = self.findings.estimate or self.findings.detectable
        unit = sized.unit if sized else self.findings.outcome.unit
        return self.amount(shown(unit, number), shown_unit(unit))

    def amount(self, number: float, unit: str) -> str:
        """A number with its unit."""
        if unit == "%":
            return self.say("{number} %", number=f"{number:,.1f}")
        return self.say("{number} {unit}", number=amount(number), unit=literal(term(self.language, unit))).rstrip()

    def _worth(self) -> str:
        """What an effect in per cent comes to, for each unit and year; an outcome per head stays per head."""
        if not np.isfinite(self.estimate.amount):
            return ""
        unit = self.findings.outcome.unit
        each = " (about {amount})" if re.search(PER, unit) else " (about {amount} for each {noun} and year)"
        about = self.amount(float(f"{abs(self.estimate.amount):.2g}"), unit)
        return self.say(each, amount=about, noun=self.noun)

    def percent(self, number: float) -> str:
        """A probability in per cent, without the sign."""
        return f"{100 * number:.1f}" if number >= SMALLEST_SHOWN else f"{100 * number:.2g}"

    def chance(self, number: float) -> str:
        """A p-value, with its sign."""
        return f"= {number:.3f}" if number >= SMALLEST_SHOWN else f"\\< {SMALLEST_SHOWN}"

    @property
    def label(self) -> str:
        """The outcome's name."""
        study = replace(self.findings.study, language=self.language)
        return literal(in_sentence(study.label_of(self.findings.outcome.name)))

    def detail(self) -> str:
        """Unit and prices in brackets."""
        detail = bracketed(self.language, self.findings.outcome.unit, self.findings.outcome.prices)
        return joined(self.language, ("", literal(detail))) if detail else ""

    def specified(self) -> Iterator[str]:
        """Controls and weights of the estimate, where there are any."""
        label = replace(self.findings.study, language=self.language).label_of
        for what, names in specification(self.estimate.fitted.sample, label, self.language).items():
            if names:
                name = term(self.language, what).capitalize()
                yield self.say("{name}: {value}.", name=name, value=literal(names))

    def scaled(self) -> Iterator[str]:
        """In which scale effects are, why, and what untreated villages say of it."""
        outcome, scale, evidence = self.findings.outcome, self.estimate.scale, self.findings.untreated
        why = "logged" if outcome.logged else "declared" if outcome.scale else scale
        said = SCALES_SAID["poisson" if outcome.logged else scale]
        yield self.say(said, why=self.say(WHY[why]))
        if evidence:
            gains = evidence.frame()["estimate"]
            level, percent = amounts(*gains)
            yield self.say(
                "Among {villages} never treated, those that started higher changed by {percent} % against the others "
                "in per cent and by {level} % in levels. The smaller change speaks for its scale.",
                villages=self.count(evidence.rich + evidence.poor, self.findings.study.noun),
                percent=percent,
                level=level,
            )

    def _slope_interval(self, slope: pd.Series, joint: float) -> str:
        if not np.isfinite(slope["low"]):
            return ""
        return self.say(
            " (95 % interval {low} to {high}, p {chance}; all years together p {joint})"
            if np.isfinite(joint)
            else " (95 % interval {low} to {high}, p {chance})",
            low=self.size(slope["low"]),
            high=self.size(slope["high"]),
            chance=self.chance(slope["p_value"]),
            joint=self.chance(joint),
        )

    def ended(self, text: str) -> str:
        """A sentence of the study, with a full stop where it has none."""
        text = text.strip()
        gap = " " if self.language == "zh" and text[-1:].isascii() else ""
        return literal(text) + (gap if text.endswith(ENDS) else self.say("."))

    @property
    def grouped(self) -> bool:
        """Whether treatment was given to groups of units."""
        units = self.findings.study.units
        return bool((units["group"].astype(str) != units.index.astype(str)).any())

    @property
    def place(self) -> str:
        """What a treated group is called: villages form districts."""
        noun = self.findings.study.noun
        return noun if not self.grouped else "district" if noun == "village" else "group"

    @property
    def cause(self) -> str:
        """What the effect is one of."""
        return self.of_place("the districts", "the measure")

    def of_place(self, of_districts: str, of_others: str) -> str:
        """One term for districts of villages, another for any other treatment."""
        return term(self.language, of_districts if self.place == "district" else of_others)
