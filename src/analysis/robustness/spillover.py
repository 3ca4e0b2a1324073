"""Neighbours: the effect on villages beside a district, and the effect against other towns only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from analysis.effects.estimate import Estimate
from analysis.effects.ratio_of_totals import CAUTION_BELOW
from analysis.effects.verbs import did
from analysis.inference.cluster_robust import FEW_TREATED
from analysis.language.labels import counted, say, term
from analysis.language.texts import said
from analysis.messages import Sentence, StudyError, amounts, fixed, floored, former_options, in_sentence, plural
from analysis.presentation.tables import effects_table
from analysis.robustness.check import Check, in_short, threat
from analysis.study.group_notes import few_treated_groups
from analysis.study.outcome import FORMER_LOG, shown, shown_unit
from analysis.study.panel_checks import check_starts
from analysis.study.study import Study

METHODS = ("cr2", "randomization")
AS_STRATA = {"en": {"groups": "strata", "group": "stratum"}, "zh": {"组": "分层"}}


@dataclass(frozen=True)
class Neighbours(Sentence):
    """Two effects against the strata (towns) without treatment; its repr is a sentence.

    Attributes
    ----------
    spillover : Estimate
        Effect on untreated villages of the strata where others were treated, since the first of these.
    treated : Estimate
        Effect on treated villages, their untreated neighbours left out.
    """

    spillover: Estimate
    treated: Estimate

    def frame(self, level: float = 0.95) -> pd.DataFrame:
        """One row per effect and method: what is estimated, how sure one can be, and on how many towns it rests.

        Columns effect, unit, per_cent, std_error, statistic, df, p_value, low, high, villages (under the effect),
        strata, strata_treated and the method's note, which has the smallest attainable p of randomization.
        """
        rows = {}
        for name, estimate in (("spillover", self.spillover), ("treated", self.treated)):
            units = estimate.fitted.sample.units()
            about = {"effect": estimate.value, "unit": estimate.unit, "per_cent": estimate.percent}
            treated = units.loc[units["first_treated"].notna(), "villages"]
            size = {"villages": int(treated.sum()), "strata": estimate.groups}
            size["strata_treated"] = estimate.treated_groups
            for method in METHODS:
                test = estimate.headline(method, level)
                rows[name, method] = {**about, **test.drop("note"), **size, "note": test["note"]}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["contrast", "method"])

    @cached_property
    def _tests(self) -> pd.DataFrame:
        """The frame of the sentence, whose tests take a second."""
        return self.frame()

    def __repr__(self) -> str:
        frame, study, language = self._tests, self.treated.study, self.treated.study.language
        others = self.spillover.groups - self.spillover.treated_groups
        treated, beside = (
            _sentence(frame.loc[name], study.noun, _few_strata(one, language), language)
            for name, one in (("treated", self.treated), ("spillover", self.spillover))
        )
        notes = said(language, frame.loc[("spillover", "randomization"), "note"]).rstrip(".。").split("; ")
        return say(
            language,
            "{data}: effects on {label} against {others} without treatment{specified}: on treated {nouns} {treated}; "
            "on untreated {nouns} beside them {beside}. With strata as groups: {notes}.",
            data=term(language, study.label).capitalize(),
            label=in_sentence(study.label_of(self.treated.outcome)),
            others=counted(language, others, "stratum"),
            specified=self.treated.specified,
            nouns=plural(study.noun),
            treated=treated,
            beside=beside,
            notes=say(language, "; ").join(term(language, note) for note in notes),
        )


@former_options(**FORMER_LOG)
def neighbours(
    study: Study,
    outcome: str,
    *,
    scale: str | None = None,
    controls: Sequence[str] | None = None,
    weights: str | None = None,
) -> Neighbours:
    """Effects on treated villages and on their untreated neighbours, both against strata (towns) without treatment.

    Use it where treatment may reach, or take from, villages nearby: comparing with neighbours then hides it or
    counts it twice. Two regressions share the comparison, villages of strata where nobody is treated: one sets the
    treated villages aside and treats their neighbours, from the first start year of the stratum; the other sets the
    neighbours aside. On a balanced panel these are the two coefficients of one regression with both.

    Parameters
    ----------
    study : Study
        With strata, some of them without treated villages.
    outcome, scale, controls, weights
        As in `did`.

    Returns
    -------
    Neighbours

    Raises
    ------
    StudyError
        When every stratum, or the only one, has treated villages; when no treated stratum has untreated ones; as `did`.

    Notes
    -----
    Errors are clustered by stratum, and randomization deals treatment to whole strata (four of eleven: 330 ways, all
    enumerated, the smallest attainable p one in 330): trading places within a stratum can serve neither effect.
    For `treated` a stratum stands for its treated villages alone, but another one that is treated on paper counts
    with all its villages, and so varies less; the t statistic is there to make up for that. Over 300 panels simulated
    on the Mengzhou design without effects the 5 % tests reject, for `spillover` and `treated`, 5.0 and 3.3 % of the
    time (CR2), 5.7 and 6.7 % (randomization), each give or take 1.3. Treated villages keep their own start years;
    where these differ in a stratum, randomization cannot serve `treated`, and its note says so.

    Examples
    --------
    >>> from analysis import load_study
    >>> result = neighbours(load_study(), "rural_income_per_head_cny")
    >>> result.spillover.groups, result.spillover.treated_groups, result.treated.villages
    (11, 4, 166)
    """
    treated = study.frame["first_treated"].notna()
    first_start = study.frame["first_treated"].groupby(study.frame["stratum"]).transform("min")
    reached = first_start.notna()
    _check_strata(study, treated, reached)
    options: dict[str, Any] = {"scale": scale, "controls": controls, "weights": weights}
    beside = _by_stratum(study, ~treated, first_start)
    inside = _by_stratum(study, treated | ~reached, study.frame["first_treated"])
    return Neighbours(did(beside, outcome, **options), did(inside, outcome, **options))


def _by_stratum(study: Study, kept: pd.Series, first_treated: pd.Series) -> Study:
    """Some villages of the study, other start years, strata as groups."""
    frame = study.frame.assign(first_treated=first_treated, group=study.frame["stratum"], stratum="all")
    frame = frame[kept].reset_index(drop=True)
    check_starts(frame)
    return replace(study, frame=frame, placebo_group_count=0, notes=few_treated_groups(frame))


def _few_strata(estimate: Estimate, language: str = "en") -> str:
    """A caution behind an interval that rests on few treated strata, or on few that count by their totals; or ""."""
    strata, effective = estimate.treated_groups, estimate.effective_treated_districts
    if estimate.no_interval or not (effective < CAUTION_BELOW or strata <= FEW_TREATED):
        return ""
    if effective < CAUTION_BELOW:
        return say(
            language,
            ", by their totals worth {number} equal strata: too few for a reliable interval",
            number=floored(effective),
        )
    return say(language, ", {number} treated strata: too few for a reliable interval", number=strata)


def _sentence(tests: pd.DataFrame, noun: str, few: str, language: str) -> str:
    """One effect with both its tests, in words."""
    cr2, randomized = tests.loc["cr2"], tests.loc["randomization"]
    value, low, high = amounts(*shown(cr2["unit"], cr2[["effect", "low", "high"]].to_numpy(dtype=float)))
    test, reason = "95 % interval {low} to {high}, CR2 by stratum, p = {p}", term(language, cr2["note"].split(";")[0])
    if np.isnan(cr2["p_value"]):
        test = "no interval, {reason}"
    for group, stratum in AS_STRATA[language].items():
        reason = reason.replace(group, stratum)
    effect = "{value} ({units} in {strata}{few}; {test}; p = {p} by randomization of strata)"
    if not (p_value := randomized["p_value"]) >= 0:
        effect = "{value} ({units} in {strata}{few}; {test}; no p-value from randomization of strata)"
    return say(
        language,
        effect,
        value=say(language, "{number} {unit}", number=value, unit=term(language, shown_unit(cr2["unit"]))).rstrip(),
        units=counted(language, cr2["villages"], noun),
        strata=counted(language, cr2["strata_treated"], "stratum"),
        few=few,
        test=say(language, test, low=low, high=high, p=fixed(cr2["p_value"], 3), reason=reason),
        p=fixed(p_value, 3),
    )


def _check_strata(study: Study, treated: pd.Series, reached: pd.Series) -> None:
    strata = study.frame["stratum"].nunique()
    if strata == 1:
        raise StudyError(
            "The study has one stratum, so nobody is a neighbour and nobody far away. Name a `stratum`, such as the "
            "town."
        )
    if reached.all():
        raise StudyError(
            "All {strata} strata have treated {units}, so none is left to compare with. Bring {units} of strata "
            "without treatment.",
            strata=strata,
            units=plural(study.noun),
        )
    if not (reached & ~treated).any():
        fault = "No stratum has treated and untreated {units}, so nobody is a neighbour. Use did."
        raise StudyError(fault, units=plural(study.noun))


@threat(
    "Neighbours gain or lose",
    "Compared districts, and their neighbours, with strata that have no district, and drew strata by lot.",
)
def other_strata(study: Study, outcome: str) -> Check:
    """Whether neighbours that gain or lose with the districts are the answer."""
    given, language, beside = did(study, outcome), study.language, neighbours(study, outcome)
    frame = beside._tests
    p_value = frame.loc[("spillover", "randomization"), "p_value"]
    found = say(
        language,
        "On neighbours: {spillover} by CR2; p = {p_value} if strata were drawn by lot. Without neighbours: {without}; "
        "as given: {given}."
        if p_value >= 0
        else "On neighbours: {spillover}. Without neighbours: {without}; as given: {given}.",
        spillover=in_short(beside.spillover) + _few_strata(beside.spillover, language),
        without=in_short(beside.treated) + _few_strata(beside.treated, language),
        given=in_short(given),
        p_value=fixed(p_value, 3),
    )
    columns = ["effect", "per_cent", "low", "high", "p_value", "villages", "strata_treated"]
    table = effects_table(frame[columns], study, "effects against strata without treatment", outcome)
    return Check(study, found, {"neighbours left out": beside.treated}, (table, beside))
