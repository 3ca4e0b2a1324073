"""An effect in per cent as a sentence: the per cent, its interval, and what it comes to for a village in a year."""

import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from analysis.effects.totals import CAUTION_BELOW
from analysis.inference.cluster_robust import FEW_TREATED
from analysis.inference.methods import HEADLINE_NAME
from analysis.language.labels import counted, joined, one_of, say, term
from analysis.language.texts import Text, plural, said
from analysis.messages import MOST_DECIMALS, amounts, fixed, floored, in_sentence, reasons
from analysis.regression.sample import Sample
from analysis.study.outcome import Outcome, shown_unit
from analysis.study.study import Study

PER = r"/|／|每|\bper\b"


def specification(sample: Sample, label: Callable[[str], str] = str, language: str = "en") -> dict[str, str]:
    """Controls and weights of a sample in words, "" where there are none: land area (times year: 8 coefficients)."""
    constant, spent = sample.constant_controls, sample.frame["time"].nunique() - 1
    spent_on = say(language, " (times year: {number})", number=counted(language, spent, "coefficient"))
    controls = [label(name) + spent_on * (name in constant) for name in sample.controls]
    weights = label(sample.weighted_by) if sample.weighted_by else ""
    return {"controls": say(language, ", ").join(controls), "weights": weights}


def proportional_sentence(
    outcome: Outcome, noun: str, percents: list[float], amount: float, no_interval: str, language: str = "en"
) -> str:
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
    language : {"en", "zh"}

    Examples
    --------
    >>> income = Outcome("income", unit="yuan", label_en="Village income")
    >>> proportional_sentence(income, "village", [12.2, -4.1, 31.3], 38_112.0, "")
    'effect on village income +12 % (95 % interval −4 to +31 %), about 38,000 yuan per village and year'
    """
    alone = round(percents[0], 0 if abs(percents[0]) >= 10 else 1) + 0.0
    effect, *ends = map(signed, [fixed(alone, 0 if alone.is_integer() else 1)] if no_interval else amounts(*percents))
    interval = (
        say(language, "no interval: {reason}", reason=term(language, no_interval))
        if no_interval
        else say(language, "95 % interval {low} to {high} %", low=ends[0], high=ends[1])
    )
    label = in_sentence(outcome.label_in(language))
    said = say(language, "effect on {label} {effect} % ({interval})", label=label, effect=effect, interval=interval)
    amount = amount if round(percents[0], MOST_DECIMALS) else 0.0
    if not np.isfinite(amount):
        return said
    worth = {"amount": _about(amount), "unit": term(language, shown_unit(outcome.unit)), "one": one_of(language, noun)}
    if re.search(PER, outcome.unit):
        return say(language, "{said}, about {amount} {unit}", said=said, **worth)
    if not outcome.unit:
        return say(language, "{said}, about {amount} per {one} and year", said=said, **worth)
    return say(language, "{said}, about {amount} {unit} per {one} and year", said=said, **worth)


def signed(number: str) -> str:
    """A number with its sign, zero with none."""
    return number if number.startswith("−") or not re.search("[1-9∞]", number) else f"+{number}"


def _about(number: float) -> str:
    """Two significant digits."""
    rounded = float(f"{number:.2g}")
    return fixed(rounded, 0) if abs(rounded) >= 10 or rounded.is_integer() else f"{rounded:g}".replace("-", "−")


def caution_of_few(treated: int | None, effective: float, language: str = "en") -> str:
    """A caution behind the sentence of an interval that rests on few treated groups, or on few that count; or ""."""
    said = []
    if effective < CAUTION_BELOW:
        number = floored(effective)
        said.append(say(language, "by their totals the treated groups count like {number} equal ones", number=number))
    if treated is not None and treated <= FEW_TREATED:
        said.append(say(language, "{groups} treated", groups=counted(language, treated, "group")))
    few = say(language, ", ").join(said)
    return say(language, " Caution: {few}: too few to lean on.", few=few) if said else ""


def left_out(dropped: Mapping[str, int], label: Callable[[str], str], language: str) -> dict[str, int]:
    """Rows left out by reason, with columns as the study calls them: income missing."""
    names = {reason: reason.removesuffix(" missing") for reason in dropped}
    return {
        say(language, "{label} missing", label=in_sentence(label(names[reason])))
        if names[reason] != reason
        else term(language, reason): number
        for reason, number in dropped.items()
    }


def reasons_in(study: Study, dropped: Mapping[str, int]) -> Text:
    """Rows left out by reason, with their numbers: 24 (income missing)."""
    return reasons(dropped if study.language == "en" else left_out(dropped, study.label_of, study.language))


def rows_left_out(study: Study, dropped: Mapping[str, int]) -> str:
    """How many rows a regression leaves out, as it stands behind their number; or ""."""
    missing = all(reason.endswith(" missing") for reason in dropped)
    told = ", {rows} left out for missing values" if missing else ", {rows} left out: {reasons}"
    rows = counted(study.language, sum(dropped.values()), f"{study.noun}-year")
    return say(study.language, told, rows=rows, reasons=reasons_in(study, dropped)) if sum(dropped.values()) else ""


def notes_behind(study: Study) -> str:
    """What a study's readers must know, behind a sentence; or ""."""
    return joined(study.language, ["", *(said(study.language, note) for note in study.notes)])


def counterfactual_share(language: str, percent: float, geometric: bool) -> str:
    """An effect in per cent of what would have been, behind its amount; "" where there is no such share."""
    mean = ", {percent} % of the counterfactual mean"
    if geometric:
        mean = ", {percent} % of the counterfactual geometric mean"
    return say(language, mean, percent=f"{percent:.1f}") if np.isfinite(percent) else ""


def linear_interval(
    study: Study, ends: tuple[str, str, float], sizes: tuple[int, int], no_interval: str, *, lots: bool
) -> str:
    """The interval of an effect in levels or logs, or why there is none, and whether a test by lot may serve instead.

    Ends are those of the interval and its degrees of freedom; sizes the numbers of groups and of treated ones.
    """
    language, behind, (groups, treated) = study.language, _clusters(study, *sizes), sizes
    if no_interval:
        told = "no interval, {reason}; {clusters}"
        if lots:
            told = "no interval, {reason}; randomization may serve; {clusters}"
        return say(language, told, reason=term(language, no_interval), clusters=behind)
    untreated = groups - (0 if study.mixed else treated)
    if untreated < min(treated, FEW_TREATED + 1):
        behind += say(language, ", {number} untreated", number=untreated)
    if min(untreated, treated) <= FEW_TREATED:
        behind += say(language, ", too few to lean on")
    told = "95 % interval {low} to {high}, {errors} ({df}) clustered by {clusters}"
    named = {"low": ends[0], "high": ends[1], "errors": term(language, HEADLINE_NAME), "df": f"{ends[2]:.1f}"}
    return say(language, told, clusters=behind, **named)


def _clusters(study: Study, groups: int, treated: int) -> str:
    """How many groups, how many of them cut from untreated units, and how many treated."""
    language, made = study.language, study.placebo_group_count
    told = "{groups}{placebo}, {treated} treated"
    if study.mixed:
        told = "{groups}{placebo}, with treated and untreated {nouns}"
    placebo = say(language, ", {number} of them placebo groups", number=made) if made else ""
    named = {"groups": counted(language, groups, "group"), "placebo": placebo, "nouns": plural(study.noun)}
    return say(language, told, treated=treated, **named)


def small_print(
    language: str,
    noun: str,
    method: str,
    baseline: str,
    df: float,
    sizes: tuple[int, int, int, int],
    dropped: Mapping[str, int],
    large: Iterable[str],
) -> str:
    """What an effect in per cent rests on, in a line: groups, treated ones, units and rows, and who has much of it."""
    groups, treated, units, rows = sizes
    errors = term(language, HEADLINE_NAME)
    clusters = [say(language, "{errors} ({df})", errors=errors, df=f"{df:.1f}")] if np.isfinite(df) else []
    clusters.append(
        say(language, "{groups}, {number} treated", groups=counted(language, groups, "group"), number=treated)
    )
    panel = [counted(language, units, noun), counted(language, rows, f"{noun}-year")]
    if lost := sum(dropped.values()):
        why = [f"{why}: {number:,}" if len(dropped) > 1 else why for why, number in dropped.items()]
        said, gone = "{rows} left out ({why})", counted(language, lost, f"{noun}-year")
        panel.append(say(language, said, rows=gone, why=say(language, ", ").join(why)))
    comma, stop = say(language, ", "), say(language, "; ")
    rests = stop.join([comma.join(clusters), comma.join(panel), *large])
    baseline = term(language, baseline)
    sentence = "Poisson regression, {method}, against {baseline}; {rests}."
    return say(language, sentence, method=method, baseline=baseline, rests=rests)
