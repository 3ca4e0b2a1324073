"""Subsidies booked as income: the effect on operating income, which holds none."""

import re

from analysis.effects.verbs import did
from analysis.language.labels import joined, say
from analysis.language.units import convert_unit
from analysis.messages import StudyError
from analysis.robustness.check import Check, beside, threat
from analysis.study.study import Study

OPERATING = r"(?i)operating.income|经营性?收[入益]"


@threat("Income on paper only", "Took operating income, which holds no subsidies, in the place of the outcome.")
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
    estimates = {study.label_of(found[0]): operating}
    caution = "These are two outcomes: where the intervals overlap, the difference is no proof of subsidies."
    said = joined(study.language, [beside(did(study, outcome), estimates), say(study.language, caution)])
    return Check(study, said, estimates, (operating,))
