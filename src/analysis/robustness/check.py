"""What a question about the answer found, and a threat's check: what was done, and what stands behind it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any

import numpy as np

from analysis.effects.estimate import Estimate
from analysis.effects.sentence import signed
from analysis.language.labels import joined, say, term
from analysis.messages import StudyError, amounts
from analysis.presentation.tables import Table, paragraph
from analysis.study.group_notes import in_own_words
from analysis.study.outcome import effect_in_words, shown, shown_unit
from analysis.study.study import Study


@dataclass(frozen=True)
class Finding:
    """What a question about the answer found; its repr is sentences.

    In notebooks its tables stand below, as HTML; it offers no Markdown, which report pages would take in their place.

    Attributes
    ----------
    study : Study
    found : str
        What was found, in sentences.
    estimates : dict of str to Estimate or StudyError
        Effects for a forest plot, by label.
    results : tuple
        Results and tables behind the sentence, in the order in which they are shown.
    drawing : function, optional
        Draws the figure.
    """

    study: Study
    found: str
    estimates: Mapping[str, Estimate | StudyError] = field(default_factory=dict)
    results: tuple[Any, ...] = ()
    drawing: Callable[[], Any] | None = None

    @property
    def tables(self) -> list[Table]:
        """The tables behind the sentence."""
        return [one for one in self.results if isinstance(one, Table)]

    def draw(self) -> Any:
        """The figure; where there is none, the finding itself, whose sentence says why."""
        return self.drawing() if self.drawing else self

    def __repr__(self) -> str:
        language, name = self.study.language, term(self.study.language, self.study.label).capitalize()
        return say(language, "{name}: {value}", name=name, value=self._in_own_words(self._said))

    @property
    def _said(self) -> str:
        return self.found

    def _in_own_words(self, text: str) -> str:
        return in_own_words(self.study, text, map(self.study.label_of, self.study.outcomes))

    def _repr_html_(self) -> str:
        shown = [one._repr_html_() if isinstance(one, Table) else paragraph(repr(one)) for one in self.results]
        return "".join([paragraph(repr(self)), *shown])


@dataclass(frozen=True, repr=False)
class Check(Finding):
    """One threat to the answer: what was done about it and what was found; its repr is sentences.

    Attributes
    ----------
    found : str
        What was found, or why the study cannot support the check.
    estimates : dict of str to Estimate or StudyError
        Effects that stand beside the headline in a forest plot, by label.
    threat, done : str
        What might change the answer, and what was done about it.
    refused : bool
        Whether the study cannot support the check.
    """

    threat: str = ""
    done: str = ""
    refused: bool = False

    @property
    def _said(self) -> str:
        return joined(self.study.language, [self.done, self.found])


Asked = Callable[[Study, str], Check]


def threat(name: str, done: str) -> Callable[[Asked], Asked]:
    """Decorate a function of a study and an outcome that returns a `Check`: name the threat, and hold a refusal.

    Parameters
    ----------
    name, done : str
        What might change the answer, and what is done about it, in English.
    """

    def decorate(function: Asked) -> Asked:
        @wraps(function)
        def asked(study: Study, outcome: str) -> Check:
            try:
                check = function(study, outcome)
            except StudyError as error:
                check = Check(study, str(error), refused=True)
            found = check._in_own_words(check.found)
            return replace(check, threat=study.say(name), done=study.say(done), found=found)

        return asked

    return decorate


def with_interval(language: str, unit: str, *effect: float) -> str:
    """An effect with the ends of its 95 % interval, in the unit that readers see; or that it has none."""
    value, low, high = shown(unit, np.array(effect, dtype=float))
    if np.isnan([low, high]).any():
        return say(language, "{effect} (no interval)", effect=effect_in_words(unit, effect[0], language))
    value, low, high = map(signed, amounts(value, low, high))
    size = say(language, "{number} {unit}", number=value, unit=term(language, shown_unit(unit))).rstrip()
    return say(language, "{effect} ({low} to {high})", effect=size, low=low, high=high)


def in_short(estimate: Estimate) -> str:
    """An estimate with its headline interval, as it stands in a list."""
    ends = estimate.headline()[["low", "high"]]
    return with_interval(estimate.study.language, estimate.unit, estimate.value, *ends)


def beside(given: Estimate, estimates: Mapping[str, Estimate | StudyError]) -> str:
    """Effects in a sentence, the one as given last; then what could not be estimated and why."""
    language = given.study.language
    refused = {name: one for name, one in estimates.items() if isinstance(one, StudyError)}
    if len(refused) == len(estimates):
        raise next(iter(refused.values()))
    known = {name: one for name, one in estimates.items() if not isinstance(one, StudyError)}
    known[say(language, "as given")] = given
    said = [
        say(language, "{name}: {value}", name=term(language, name), value=in_short(one)) for name, one in known.items()
    ]
    sentence = say(language, "; ").join(said) + say(language, ".")
    reasons = [say(language, "{name}: {value}", name=term(language, name), value=one) for name, one in refused.items()]
    return joined(language, [one[:1].upper() + one[1:] for one in (sentence, *reasons)])
