"""Which districts? One effect per treated group, judged against every group that was not treated."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.effects.estimate import Estimate
from analysis.effects.sentence import PER, two_digits
from analysis.effects.verbs import did
from analysis.inference.assignments import group_starts
from analysis.inference.inversion import rejects
from analysis.language.labels import counted, one_of, say, term
from analysis.language.texts import Listed
from analysis.messages import amounts, fixed, former_options, in_sentence, refuse
from analysis.presentation.tables import Table, effects_table, paragraph
from analysis.regression.treatment_cells import group_label
from analysis.robustness.district_tests import district_tests
from analysis.study.outcome import FORMER_LOG, LOG_POINTS, shown, shown_unit
from analysis.study.study import Study

UNDIVIDED = (
    " No group is known to have moved more than another before, so effects are not divided by it: "
    "tests find too much in groups that vary more."
)
STRONGEST = (
    " Compared with {untreated} untreated groups the strongest is {name}: p = {p_value} alone (smallest attainable "
    "{floor}, 1 of {placed}). As the strongest of {of} among all {number} groups, p = {adjusted} (step-down; smallest "
    "attainable {least}{limit})."
)
P_VALUES = {"p_value": "p_value", "floor": "smallest_p", "adjusted": "p_adjusted", "least": "smallest_p_adjusted"}
FILL_IN = "Fill it in, or leave these groups out."
DIFFERS = " Compared with the effect over all, {name} differs most: p = {p_value} alone."


@dataclass(frozen=True)
class Districts:
    """Effects of the treated groups with their tests; its repr is a sentence, and notebooks show its table too.

    Attributes
    ----------
    overall : Estimate
        `did`, with all its inference.
    estimates : dict of str to Estimate
        One per treated group, in the order of their codes, all contrasts of one regression in which every group has
        its own cells. No standard error of a single group can be believed.
    tests : DataFrame
        Per group: p_value, p_adjusted, smallest_p, smallest_p_adjusted, low, high, step: 1 for the strongest, and
        p_differs, of no difference from the overall effect.
    level : float
        Confidence level of the intervals.
    groups : int
        Groups that treatment is reassigned over, treated and untreated.
    divided : bool
        Whether effects could be divided by how much their groups moved before.
    usual : dict of str to float
        Per treated group, the size of effect that this share of untreated groups, as variable as it, stays below.
    """

    overall: Estimate
    estimates: Mapping[object, Estimate]
    tests: pd.DataFrame
    level: float
    groups: int
    divided: bool
    usual: Mapping[object, float] = field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """One row per treated group.

        Columns effect, unit, per_cent, amount (in the outcome's unit, per village and year; none in logs), share (of
        the treated counterfactual total, else of village-years: so weighted, effects in per cent or in the outcome's
        unit add up to the overall one of this regression), villages, village_years (treated), p_value (this group
        alone), p_adjusted (all groups together), the smallest values these can take, the interval low to high of this
        group alone, step (1: the strongest, which p_adjusted takes first) and p_differs (this group alone, against the
        overall effect).
        """
        rows = {group: _described(estimate) for group, estimate in self.estimates.items()}
        return pd.DataFrame.from_dict(rows, orient="index").join(self.tests).rename_axis("group")

    @property
    def tables(self) -> list[Table]:
        """The frame as readers see it."""
        frame, study = self.frame(), self.overall.study
        amounts = "amount" if self._unit_of_amounts else "effect"
        shown = [*dict.fromkeys(["effect", amounts]), "low", "high", "p_value", "p_adjusted", "p_differs", "villages"]
        known = [name for name in shown if frame[name].notna().any()]
        title = study.say(
            "effect in each district, amount in {unit}; p alone, adjusted for their number, and of no difference from "
            "the overall effect"
            if self._unit_of_amounts
            else "effect in each district; p alone, adjusted for their number, and of no difference from the overall "
            "effect",
            unit=self._unit_of_amounts,
        )
        return [effects_table(frame[known], study, title, self.overall.outcome, self.overall.scale)]

    def __repr__(self) -> str:
        frame, overall, language = self.frame(), self.overall, self.overall.study.language
        least, most = frame["effect"].idxmin(), frame["effect"].idxmax()
        size = shown(overall.unit, frame["effect"])
        low, high, whole = amounts(size[least], size[most], shown(overall.unit, overall.value))
        said = overall.study.say(
            "{data}: {answer}. Effects on {label} of {groups}, in {unit}: from {low} ({least}) to {high} ({most}), "
            "{overall} over all{specified}."
            if len(frame) > 1
            else "{data}: {answer}. Effects on {label} of {groups}, in {unit}: {low} ({least}), {overall} over "
            "all{specified}.",
            answer=self._answer(frame),
            label=in_sentence(overall.study.label_of(overall.outcome)),
            groups=counted(language, len(frame), "treated group"),
            unit=term(language, shown_unit(overall.unit) or "its unit"),
            **{"low": low, "least": least, "high": high, "most": most},
            overall=whole,
            specified=overall.specified,
        )
        said += self._amounts(frame) + self._strongest(frame)
        odd = frame["p_differs"].idxmin() if len(frame) > 1 and frame["p_differs"].notna().any() else None
        if odd is not None:
            said += say(language, DIFFERS, name=odd, p_value=fixed(frame.loc[odd, "p_differs"], 3))
        return said + ("" if self.divided else say(language, UNDIVIDED))

    def _answer(self, frame: pd.DataFrame) -> str:
        """Whose effect can be told from chance, with p-values adjusted for the number of groups."""
        study, differ = self.overall.study, frame.index[rejects(frame["p_adjusted"], self.level)]
        told = "told from chance: {names} (adjusted p at most {p})"
        if differ.empty:
            told = "no treated group's effect can be told from chance (smallest adjusted p {least})"
        least, most = (fixed(p, 3) for p in (frame["p_adjusted"].min(), frame.loc[differ, "p_adjusted"].max()))
        return study.say(told, least=least, p=most, names=Listed(map(str, differ)))

    def _amounts(self, frame: pd.DataFrame) -> str:
        """The same in money, where the effects are in per cent."""
        overall, language = self.overall, self.overall.study.language
        if not self._unit_of_amounts:
            return ""
        low, high, whole = map(two_digits, (frame["amount"].min(), frame["amount"].max(), overall.amount))
        phrase = " That is about {low} to {high} {unit}, {overall} over all."
        return say(language, phrase, low=low, high=high, unit=self._unit_of_amounts, overall=whole)

    @property
    def _unit_of_amounts(self) -> str:
        """Unit of amounts beside effects in per cent, or ""."""
        study, language = self.overall.study, self.overall.study.language
        if self.overall.unit != LOG_POINTS or not np.isfinite(self.overall.amount):
            return ""
        unit = study.describe(self.overall.outcome).unit
        one, phrase = one_of(language, study.noun), "{unit} per {one} and year" if unit else "per {one} and year"
        shown = term(language, unit)
        return shown if re.search(PER, unit) else say(language, phrase, unit=shown, one=one).strip()

    def _strongest(self, frame: pd.DataFrame) -> str:
        """How often chance alone would show as much as the strongest."""
        language, strongest = self.overall.study.language, frame.loc[frame["step"].idxmin()]
        placed = round(1 / strongest["smallest_p"])
        some = rejects(frame["smallest_p_adjusted"].min(), self.level)
        phrase = ", so that it cannot reach {share}" if some else ", so that no group can reach {share}"
        limit = say(language, phrase, share=f"{1 - self.level:.2g}")
        return say(
            language,
            STRONGEST,
            **{"number": self.groups, "placed": placed, "untreated": placed - 1, "name": strongest.name},
            **{name: fixed(strongest[column], 3) for name, column in P_VALUES.items()},
            of=len(frame),
            limit="" if rejects(strongest["smallest_p_adjusted"], self.level) else limit,
        )

    def _repr_html_(self) -> str:
        return paragraph(repr(self)) + self.tables[0]._repr_html_()


@former_options(**FORMER_LOG)
def by_district(
    study: Study,
    outcome: str,
    *,
    scale: str | None = None,
    controls: Sequence[str] | None = None,
    weights: str | None = None,
    level: float = 0.95,
) -> Districts:
    """Effect of treatment in each treated group (district), with tests that a single group can bear.

    Use it to see which districts gained, knowing that one district's luck looks like an effect. Every treated group
    has its own effect in every treated year of one regression (`did` with "by_group"); its effect is their average by
    village-years. Averaged in the same way over groups, these effects are `did`'s value on a balanced panel without
    controls, with one start year or several; otherwise `did`, which pools groups, may differ a little. In per cent
    (scale="poisson") the districts' observed and counterfactual totals add up to the overall effect's, which is of this
    regression too; tests are those of no effect, and no interval comes from them.

    Parameters
    ----------
    study, outcome, scale, controls, weights
        As in `did`.
    level : float
        Confidence level.

    Returns
    -------
    Districts

    Raises
    ------
    StudyError
        As in `did`, when groups were not treated as a whole, and when one has no outcome under treatment.

    Notes
    -----
    Tests reassign treatment over all groups of all strata. A placement is the effect a group would show were it alone
    treated from a start year; it is divided by how variable the group was before anyone was treated (`variability`:
    yearly changes, shrunk towards groups of its size) and by the standard deviation that such quotients have in groups
    of its size (Ferman & Pinto). `p_value` lets one district trade places with the untreated groups, the other
    districts keeping their own cells; the interval inverts this test for a constant effect. `p_adjusted` is the
    step-down maximum: the strongest district is compared with the largest placement of all districts, dealt anew to all
    groups; it then keeps its own cells, so that its effect is in nobody's comparison, and the strongest of the others
    is compared with the largest of theirs, dealt anew to the remaining groups; and so on, never falling and never below
    `p_value`. The smallest values are those of an effect however large. All assignments are counted, none drawn.
    `p_differs` is `p_value` once the overall effect is taken out of every treated village-year; that it is estimated,
    with this district's part, is not counted.

    If paths so divided could as well have been any group's, the chance of any false finding is at most the level with
    one start year, once the districts with effects are taken first. Variability known from few years divides
    imperfectly: in panels simulated without effects on the Mengzhou design, where districts are richer by 0.35 log
    points, a district alone was rejected at 5 % in 5 % in levels and 4 % in logs, and some district had an adjusted p
    of 10 % or less in 11 % in levels and 10 % in logs, of 8.9 % attainable (1,000 panels in levels, 500 in logs; give
    or take 1 %). Undivided it would be 16 % in levels. Size too is known imperfectly: with treated groups of 20
    villages beside untreated ones of one or two, some false finding had an adjusted p of 10 % or less in 12 to 14 % of
    panels, without and with a strong district (300 each).

    References
    ----------
    Westfall & Young (1993), Resampling-Based Multiple Testing; Romano & Wolf (2005), doi:10.1198/016214504000000539;
    Ferman & Pinto (2019), doi:10.1162/rest_a_00759.

    Examples
    --------
    >>> from analysis import load_study
    >>> frame = by_district(load_study(), "rural_income_per_head_cny", scale="log").frame()
    >>> frame[["smallest_p", "smallest_p_adjusted"]].round(3).iloc[0].tolist()
    [0.019, 0.089]
    """
    options: dict[str, Any] = {"scale": scale, "controls": controls, "weights": weights}
    _check_seen_before(study, outcome)
    together = did(study, outcome, estimator="by_group", **options)
    treated = sorted(group_starts(together.fitted.sample.frame).dropna().index)
    cells = np.array([label[0] for label in together.fitted.labels])
    own = {group: cells == group_label(group) for group in treated}
    unseen = [group for group, inside in own.items() if not inside.any()]
    refuse(unseen, "treated group", "The outcome is known in no treated year", FILL_IN)
    estimates = {group: replace(together, effect=together.fitted.average(inside)) for group, inside in own.items()}
    overall = together if together.scale == "poisson" else did(study, outcome, **options)
    tests, usual, placed = district_tests(together.fitted, own, overall.value, level)
    groups = int(np.isfinite(placed.effect).any(1).sum())
    return Districts(overall, estimates, tests, level, groups, placed.tells_groups_apart, usual)


def _check_seen_before(study: Study, outcome: str) -> None:
    """Every treated group has the outcome before its start, else nothing of it can be compared with itself."""
    treated = study.frame[study.frame["first_treated"].notna() & study.column(outcome).notna()]
    before = treated.loc[treated["time"] < treated["first_treated"], "group"]
    unseen = sorted(set(treated["group"]) - set(before))
    refuse(unseen, "treated group", "The outcome is known in no year before treatment", FILL_IN)


def _described(estimate: Estimate) -> dict[str, object]:
    """What the frame says of one district beside its tests."""
    fitted, inside = estimate.fitted, estimate.effect.gradient != 0
    whole = fitted.average(np.ones(len(fitted.cells), dtype=bool))
    rows = np.append(inside, False)[fitted.cell_of_row]
    return {
        "effect": estimate.value,
        "unit": estimate.unit,
        "per_cent": estimate.percent,
        "amount": estimate.amount,
        "share": float(whole.gradient[inside].sum()),
        "villages": fitted.sample.frame.loc[rows, "unit"].nunique(),
        "village_years": int(rows.sum()),
    }
