"""Prices: the effect on amounts in nominal prices where they were constant, and the other way round."""

from analysis.effects.verbs import did
from analysis.language.labels import bracketed, say
from analysis.language.units import MONEY, convert_unit
from analysis.messages import StudyError
from analysis.reading.prices import other_prices
from analysis.robustness.check import Check, beside, threat
from analysis.study.study import Study


@threat("Prices", "Put amounts into nominal prices where they are constant, and into constant prices where nominal.")
def revaluation(study: Study, outcome: str) -> Check:
    """Whether prices are the answer: in levels inflation widens the gap between rich and poor villages."""
    if not convert_unit(study.describe(outcome).unit)[0].startswith(MONEY):
        raise StudyError("The outcome is not in CNY, so prices do not bear on it.")
    revalued = other_prices(study, outcome)
    prices = bracketed(study.language, revalued.describe(outcome).prices)
    others = {say(study.language, "other prices") + prices: did(revalued, outcome)}
    return Check(study, beside(did(study, outcome), others), others)
