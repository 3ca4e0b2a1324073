"""How the summary names things and writes numbers, in either language."""

from dataclasses import dataclass, replace

import numpy as np

from analysis.effects.estimate import Estimate
from analysis.language.labels import bracketed, counted, say, term
from analysis.messages import StudyError, amount, in_sentence
from analysis.report.findings import Findings
from analysis.report.markdown import literal

ENDS = (".", "?", "!", "。", "？", "！")
SMALLEST_SHOWN = 0.001


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

    def size(self, number: float) -> str:
        """An effect in the outcome's unit; of an outcome in logs, in per cent."""
        if self.estimate.unit == "log points":
            return self.say("{number} %", number=f"{100 * np.expm1(number):,.1f}")
        unit = self.findings.outcome.unit
        unit = literal(term(self.language, "percentage points" if unit == "%" else unit))
        return self.say("{number} {unit}", number=amount(number), unit=unit).rstrip()

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
        return self.say(" ") + literal(detail) if detail else ""

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
