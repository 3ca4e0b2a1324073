"""An effect as a sentence: in per cent with what it comes to for a village in a year, or in the outcome's own unit."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from analysis.effects.ratio_of_totals import CAUTION_BELOW, large_villages
from analysis.inference.cluster_robust import FEW_TREATED
from analysis.inference.methods import HEADLINE_NAME
from analysis.language.labels import joined, one_of, say
from analysis.language.texts import Listed, Text, count, plural, said
from analysis.messages import MOST_DECIMALS, Sentence, amounts, fixed, floored, in_sentence
from analysis.regression.sample import Sample
from analysis.study.outcome import LOG_POINTS, shown_unit
from analysis.study.study import Study

PER = r"/|／|每|\bper\b"
REGRESSIONS = {"poisson": "Poisson regression", "level": "Linear regression", "log": "Linear regression in logs"}
ESTIMATORS = {
    "two_way": "two-way fixed effects",
    "saturated": "start-year cohorts saturated",
    "by_group": "treated groups saturated",
}


class EffectSentence(Sentence):
    """How an `Estimate` is said: the effect with its interval, and a line of small print on how it was computed."""

    def __repr__(self: Any) -> str:
        study, notes = self.study, notes_behind(self.study, self.other_cuts)
        said = self._proportional() if self.is_ratio else self._linear()
        return study.say("{data}: {said}.{caution}{notes}", said=said, caution=self.caution, notes=notes)

    @property
    def caution(self: Any) -> Text | str:
        """What to say behind an interval that rests on few groups; or ""."""
        untreated = self.groups - (0 if self.study.mixed else self.treated_groups)
        few = caution_of_few(self.treated_groups, self.effective_treated_districts, untreated)
        return "" if self.no_interval else few

    @property
    def verdict(self: Any) -> Text:
        """Whether the interval tells the effect from none."""
        low, high = self.headline()[["low", "high"]]
        if self.no_interval:
            return Text("No interval tells the effect from chance.")
        if low <= 0 <= high:
            return Text("The interval includes zero: the data cannot tell the effect from none.")
        few = "The interval excludes zero, but rests on so few groups that chance is no unlikely explanation."
        return Text(few if self.caution else "The interval excludes zero: chance alone is an unlikely explanation.")

    @property
    def specified(self: Any) -> str:
        """Controls and weights as they go on a sentence, with the coefficients of controls times year; or ""."""
        study = self.study
        named = specification(self.fitted.sample, lambda name: in_sentence(study.label_of(name)), study.language)
        phrase = ", {what} {names}"
        return "".join(study.say(phrase, what=study.term(what), names=names) for what, names in named.items() if names)

    def _proportional(self: Any) -> str:
        """An effect in per cent with its interval, and what it comes to."""
        study, test = self.study, self.headline()
        percents = [self.percent, *(self.percent_of(test[end]) for end in ("low", "high"))]
        alone = round(self.percent, 0 if abs(self.percent) >= 10 else 1) + 0.0
        numbers = [fixed(alone, 0 if alone.is_integer() else 1)] if self.no_interval else amounts(*percents)
        effect, *ends = map(signed, numbers)
        label, interval = in_sentence(study.label_of(self.outcome)), self._interval(*ends, unit="%")
        return self._worth(
            study.say("effect on {label} {effect} % ({interval})", label=label, effect=effect, interval=interval)
        )

    def _worth(self: Any, effect: str) -> str:
        """An effect in per cent with what it comes to, per unit and year; an outcome per head stays per head."""
        study, unit = self.study, self.study.describe(self.outcome).unit
        amount = self.amount if round(self.percent, MOST_DECIMALS) else 0.0
        if not np.isfinite(amount):
            return effect
        told = "{said}, about {amount} {unit} per {one} and year"
        if re.search(PER, unit):
            told = "{said}, about {amount} {unit}"
        elif not unit:
            told = "{said}, about {amount} per {one} and year"
        one, unit = one_of(study.language, study.noun), study.term(shown_unit(unit))
        return study.say(told, said=effect, amount=two_digits(amount), unit=unit, one=one)

    def _linear(self: Any) -> str:
        """An effect in levels or logs, or a slope, with its interval and its share of the counterfactual mean."""
        study, test = self.study, self.headline()
        number, *ends = amounts(self.value, test["low"], test["high"])
        unit = self.unit if self.unit == LOG_POINTS else shown_unit(self.unit)
        share = ", {percent} % of the counterfactual mean"
        if unit == LOG_POINTS and self.scale != "poisson":
            share = ", {percent} % of the counterfactual geometric mean"
        return study.say(
            "effect on {label} {value} ({interval}){share}",
            label=in_sentence(study.label_of(self.outcome)),
            value=study.say("{number} {unit}", number=number, unit=study.term(unit)).rstrip(),
            interval=self._interval(*ends),
            share=study.say(share, percent=fixed(self.percent, 1)) if np.isfinite(self.percent) else "",
        )

    def _interval(self: Any, low: str = "", high: str = "", unit: str = "") -> str:
        """The interval of an effect, or why there is none."""
        study = self.study
        if self.no_interval:
            return study.say("no interval: {reason}", reason=study.term(self.no_interval))
        return study.say(
            "95 % interval {low} to {high} %" if unit else "95 % interval {low} to {high}", low=low, high=high
        )

    def small_print(self: Any) -> str:
        """Regression, inference, groups, rows and what was left out, in a line."""
        study, df, dropped = self.study, self.headline()["df"], left_out(self.study, self.fitted.sample.dropped)
        errors = study.say("{errors} ({df})", errors=study.term(HEADLINE_NAME), df=fixed(df, 1))
        clusters = self._clusters()
        panel = [count(self.villages, study.noun), count(self.rows, f"{study.noun}-year")]
        if self.dropped:
            why = Listed(f"{why}: {number:,}" if len(dropped) > 1 else why for why, number in dropped.items())
            rows = count(self.dropped, f"{study.noun}-year")
            panel.append(study.say("{rows} left out ({why})", rows=rows, why=why))
        large = large_villages(study, self.fitted, self.effect) if self.is_ratio else []
        return study.say(
            "{regression}, {method}, against {baseline}; {rests}.",
            regression=study.say(REGRESSIONS[self.scale]),
            method=study.term(ESTIMATORS[self.estimator]) + self.specified,
            baseline=study.term(self.baseline),
            rests=Listed([Listed([errors, clusters] if np.isfinite(df) else [clusters]), Listed(panel), *large], "; "),
        )

    def _clusters(self: Any) -> str:
        """How many groups, how many of them cut from untreated units, and how many treated."""
        study, made = self.study, self.study.placebo_group_count
        told = "{groups}{placebo}, {treated} treated"
        if study.mixed:
            told = "{groups}{placebo}, with treated and untreated {nouns}"
        placebo = study.say(", {number} of them placebo groups", number=made) if made else ""
        known = {"treated": self.treated_groups, "nouns": plural(study.noun)}
        return study.say(told, groups=count(self.groups, "group"), placebo=placebo, **known)


def specification(sample: Sample, label: Callable[[str], str] = str, language: str = "en") -> dict[str, str]:
    """Controls and weights of a sample in words, "" where there are none: land area (times year: 8 coefficients)."""
    constant, spent = sample.constant_controls, sample.frame["time"].nunique() - 1
    spent_on = say(language, " (times year: {number})", number=count(spent, "coefficient"))
    controls = [label(name) + spent_on * (name in constant) for name in sample.controls]
    weights = label(sample.weighted_by) if sample.weighted_by else ""
    return {"controls": say(language, ", ").join(controls), "weights": weights}


def signed(number: str) -> str:
    """A number with its sign, zero with none."""
    return number if number.startswith("−") or not re.search("[1-9∞]", number) else f"+{number}"


def two_digits(number: float) -> str:
    """Two significant digits."""
    rounded = float(f"{number:.2g}")
    return fixed(rounded, 0) if abs(rounded) >= 10 or rounded.is_integer() else f"{rounded:g}".replace("-", "−")


def caution_of_few(treated: int | None, effective: float, untreated: float = np.inf) -> Text | str:
    """A caution behind the sentence of an interval that rests on few groups, or on few that count; or ""."""
    few = []
    if effective < CAUTION_BELOW:
        number = floored(effective)
        few.append(Text("by their totals the treated groups count like {number} equal ones", number=number))
    if treated is not None and treated <= FEW_TREATED:
        few.append(Text("{groups} treated", groups=count(treated, "group")))
    if untreated <= FEW_TREATED:
        few.append(Text("{groups} untreated", groups=count(int(untreated), "group")))
    return Text(" Caution: {few}: too few for a reliable interval.", few=Listed(few)) if few else ""


def left_out(study: Study, dropped: Mapping[str, int]) -> dict[str, int]:
    """Rows left out by reason, with columns as the study calls them: income missing."""
    names = {reason: reason.removesuffix(" missing") for reason in dropped}
    return {
        study.say("{label} missing", label=in_sentence(study.label_of(names[reason])))
        if names[reason] != reason
        else study.term(reason): number
        for reason, number in dropped.items()
    }


def notes_behind(study: Study, *own: Text | str) -> str:
    """What a result's and a study's readers must know, behind a sentence; or ""."""
    return joined(study.language, ["", *(said(study.language, note) for note in (*own, *study.notes) if note)])
