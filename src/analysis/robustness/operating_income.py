"""Subsidies booked as income: the effect on operating income, which holds none."""

import re
from dataclasses import replace

from analysis.effects.verbs import did
from analysis.language.labels import joined, say
from analysis.language.units import MONEY, convert_unit
from analysis.messages import StudyError, in_sentence
from analysis.robustness.check import Check, beside, in_short, threat
from analysis.study.study import Study

OPERATING = r"(?i)operating.income|经营性?收[入益]"


@threat("Income on paper only", "Estimated the effect on operating income, which holds no subsidies, and on the rest.")
def operating_income(study: Study, outcome: str) -> Check:
    """Whether subsidies are the answer."""
    unit = convert_unit(study.describe(outcome).unit)[0]
    others = {name: one for name, one in study.outcomes.items() if name != outcome}
    words = {name: f"{name} {one.label_en} {one.label_zh}" for name, one in others.items()}
    alike = [name for name in words if convert_unit(others[name].unit)[0] == unit]
    found = [name for name in alike if re.search(OPERATING, words[name])]
    if not found:
        raise StudyError("The study has no operating income beside this outcome.")
    operating = did(study, found[0])
    estimates = {say(study.language, "{label} (another outcome)", label=study.label_of(found[0])): operating}
    said = [
        beside(did(study, outcome), estimates),
        say(study.language, "The difference of two outcomes needs a test of its own."),
    ]
    ours, theirs = study.outcomes[outcome], others[found[0]]
    if (ours.unit, ours.prices) == (theirs.unit, theirs.prices) and unit == MONEY:
        rest = replace(study, frame=study.frame.assign(**{outcome: study.column(outcome) - study.column(found[0])}))
        told = "In levels the effect on {label} is {whole} a year; on the rest, where subsidies are booked, {effect}."
        whole, effect = (in_short(did(one, outcome, scale="level")) for one in (study, rest))
        said[1] = say(study.language, told, label=in_sentence(study.label_of(outcome)), whole=whole, effect=effect)
    return Check(study, joined(study.language, said), estimates, (operating,))
