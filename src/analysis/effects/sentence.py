"""An effect in per cent as a sentence: the per cent, its interval, and what it comes to for a village in a year."""

import math
import re
from collections.abc import Callable

import numpy as np

from analysis.effects.totals import CAUTION_BELOW
from analysis.inference.cluster_robust import FEW, FEW_TREATED
from analysis.language.labels import counted, say
from analysis.messages import MOST_DECIMALS, amounts, count, fixed, in_sentence
from analysis.regression.sample import Sample
from analysis.study.outcome import Outcome

PER = r"/|／|每|\bper\b"


def specification(sample: Sample, label: Callable[[str], str] = str, language: str = "en") -> dict[str, str]:
    """Controls and weights of a sample in words, "" where there are none: land area (times year: 8 coefficients)."""
    constant, spent = sample.constant_controls, sample.frame["time"].nunique() - 1
    spent_on = say(language, " (times year: {number})", number=counted(language, spent, "coefficient"))
    controls = [label(name) + spent_on * (name in constant) for name in sample.controls]
    weights = label(sample.weighted_by) if sample.weighted_by else ""
    return {"controls": say(language, ", ").join(controls), "weights": weights}


def proportional_sentence(outcome: Outcome, noun: str, percents: list[float], amount: float, no_interval: str) -> str:
    """What an effect in per cent is, in words.

    Parameters
    ----------
    outcome : Outcome
    noun : str
        What a unit is called.
    percents : list of float
        The effect and the ends of its 95 % interval, in per cent.
    amount : float
        In the outcome's unit, per unit and year.
    no_interval : str
        Why there is no interval; empty where there is one.

    Examples
    --------
    >>> income = Outcome("income", unit="yuan", label_en="Village income")
    >>> proportional_sentence(income, "village", [12.2, -4.1, 31.3], 38_112.0, "")
    'effect on village income +12 % (95 % interval -4 to +31 %), about 38,000 yuan per village and year'
    """
    alone = round(percents[0], 0 if abs(percents[0]) >= 10 else 1) + 0.0
    effect, *ends = map(signed, [f"{alone:,.10g}"] if no_interval else amounts(*percents))
    interval = f"no interval: {no_interval}" if no_interval else f"95 % interval {' to '.join(ends)} %"
    said = f"effect on {in_sentence(outcome.label)} {effect} % ({interval})"
    amount = amount if round(percents[0], MOST_DECIMALS) else 0.0
    return f"{said}, about {_about(amount)} {_unit(outcome, noun)}" if np.isfinite(amount) else said


def signed(number: str) -> str:
    """A number with its sign, zero with none."""
    return number if number.startswith("-") or not re.search("[1-9]|inf", number) else f"+{number}"


def _about(number: float) -> str:
    """Two significant digits."""
    rounded = float(f"{number:.2g}")
    return fixed(rounded, 0) if abs(rounded) >= 10 or rounded.is_integer() else f"{rounded:g}"


def _unit(outcome: Outcome, noun: str) -> str:
    """The unit of an amount; an outcome per head stays per head."""
    return outcome.unit if re.search(PER, outcome.unit) else f"{outcome.unit} per {noun} and year".lstrip()


def caution_of_few(treated: int, effective: float) -> str:
    """A caution behind the sentence of an interval that rests on few treated groups, or on few that count; or ""."""
    said = []
    if effective < CAUTION_BELOW:
        said.append(f"by their totals the treated groups count like {math.floor(10 * effective) / 10:.1f} equal ones")
    if treated <= FEW_TREATED:
        said.append(f"{count(treated, 'group')} treated")
    return f" Caution: {', '.join(said)}: {FEW}." if said else ""
