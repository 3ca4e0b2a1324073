"""How the summary names things and writes numbers, in either language."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import floor

import numpy as np
import pandas as pd

from analysis.effects.estimate import Estimate
from analysis.effects.sentence import PER, specification
from analysis.inference.methods import hypothesis_test
from analysis.language.labels import bracketed, counted, joined, of_units, one_of, say, term
from analysis.language.texts import said_with
from analysis.messages import StudyError, amount, fixed, in_sentence
from analysis.report.findings import Findings
from analysis.report.title_page import literal
from analysis.study.group_notes import grouped
from analysis.study.outcome import shown, shown_unit

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
        noun, districts = self.findings.study.noun, self.place == "district"
        own = of_units(self.language, say(self.language, phrase), noun, districts=districts)
        return said_with(own, self.language, **values)

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
            return self.say("{number} %", number=fixed(number, 1))
        return self.say("{number} {unit}", number=amount(number), unit=literal(term(self.language, unit))).rstrip()

    def _worth(self) -> str:
        """What an effect in per cent comes to, for each unit and year; an outcome per head stays per head."""
        if not np.isfinite(self.estimate.amount):
            return ""
        unit = self.findings.outcome.unit
        each = " (about {amount})" if re.search(PER, unit) else " (about {amount} for each {noun} and year)"
        about = self.amount(float(f"{abs(self.estimate.amount):.2g}"), shown_unit(unit))
        return self.say(each, amount=about, noun=self.noun)

    def _share(self) -> str:
        estimate = self.estimate
        if estimate.scale == "poisson":
            return self._worth()
        if estimate.unit == "log points":
            return self.say(" ({value} log points, the scale of the estimate)", value=fixed(estimate.value, 3))
        share = self.say(" ({number} % of that level)", number=f"{abs(estimate.percent):.1f}")
        return share if np.isfinite(estimate.percent) else ""

    @property
    def equal_ones(self) -> str:
        """How many equally rich ones the treated groups count like, never rounded up."""
        return f"{floor(10 * self.estimate.effective_treated_districts) / 10:.1f}"

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

    def used(self) -> str:
        """How many rows the estimate used, and why others were left out."""
        reasons, said = list(self._left_out()), "Data: {rows}, none without the outcome."
        if reasons:
            said = "Data: {rows}; left out: {why}." if len(reasons) == 1 else "Data: {rows}; {number} left out: {why}."
        return self.say(
            said,
            rows=self.count(self.estimate.rows, f"{self.findings.study.noun}-year"),
            number=f"{self.estimate.dropped:,}",
            why=self.say(", ").join(reasons),
        )

    def _left_out(self) -> Iterator[str]:
        label = replace(self.findings.study, language=self.language).label_of
        for reason, number in self.estimate.fitted.sample.dropped.items():
            name = reason.removesuffix(" missing")
            said = "{number} without {reason}" if name != reason else "{number} ({reason})"
            yield self.say(
                "{number} without the outcome" if name == self.estimate.outcome else said,
                number=f"{number:,}",
                reason=literal(in_sentence(label(name)) if name != reason else term(self.language, reason)),
            )

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
            gains = evidence.frame()[["estimate", "low", "high"]]
            level, percent = (self._gain(*gain) for gain in gains.to_numpy())
            yield self.say(
                "Among {villages} never treated, the richer half gained on the poorer by {percent} in per cent and by "
                "{level} in levels.",
                villages=self.count(evidence.rich + evidence.poor, self.findings.study.noun),
                percent=percent,
                level=level,
            )
            if np.isfinite(gains).all(axis=None):
                yield self.say("The gap nearer zero favours its scale.")

    def _gain(self, *gain: float) -> str:
        """A gain in per cent with its interval, where it has one."""
        number, low, high = (fixed(one, 1) for one in gain)
        bounded = "{number} % (95 % interval {low} to {high} %)" if np.isfinite(gain).all() else "{number} %"
        return self.say(bounded, number=number, low=low, high=high)

    def _no_interval(self, treated: str) -> str:
        """Why the effect has no interval: a part of it, or most, rests on one group's luck."""
        if self.estimate.dominance:
            return self.say(
                "No interval can be given: by their totals the {treated} count like {number} equal ones, so the larger "
                "one's own luck cannot be told from the effect."
                if self.estimate.treated_groups == 2
                else "No interval can be given: one of the {treated} has most of the treated total, so its own luck "
                "cannot be told from the effect.",
                treated=treated,
                number=self.equal_ones,
            )
        if self.estimate.treated_groups == 1:
            return self.say(
                "No interval can be given: with {treated} alone, its own luck cannot be told from the effect.",
                treated=treated,
            )
        return self.say(
            "No interval can be given: a part of the effect rests on one group alone, with its own luck."
            if hypothesis_test(self.estimate.fitted, self.estimate.effect).caution
            else "No interval can be given: the data show no scatter to judge by."
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
        return grouped(self.findings.study.frame)

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
