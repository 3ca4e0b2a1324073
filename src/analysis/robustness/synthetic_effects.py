"""What `synthetic_did` returns: the effect on each treated group and their average, judged by placebos."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from analysis.design.variability import of_average, placebo_test
from analysis.effects.sentence import notes_behind
from analysis.language.labels import counted, say, term
from analysis.language.texts import Several
from analysis.messages import Sentence, amounts, check_shares, fixed, in_sentence
from analysis.study.outcome import shown, shown_unit
from analysis.study.study import Study


@dataclass(frozen=True)
class SyntheticDid(Sentence):
    """Synthetic difference-in-differences of every treated group; its repr is a sentence about their average.

    Attributes
    ----------
    effects : DataFrame
        Per treated group: `first_treated`, `villages` seen in all years, `village_years`, `estimate`, `variability`.
    group_weights, year_weights : DataFrame
        One row per treated group: weights of the untreated groups; of the years before.
    placebos : DataFrame
        The effect of each untreated group treated on paper (rows), by start year (columns).
    placebo_averages : ndarray, average effects of as many untreated groups as were treated
    placebo_variability, average_variability : DataFrame, ndarray, that of each placebo and each average
    left_out : int, villages with a missing year
    """

    study: Study
    outcome: str
    scale: str
    effects: pd.DataFrame
    group_weights: pd.DataFrame
    year_weights: pd.DataFrame
    placebos: pd.DataFrame
    placebo_averages: np.ndarray
    placebo_variability: pd.DataFrame
    average_variability: np.ndarray
    left_out: int

    @property
    def value(self) -> float:
        """Average effect over the treated groups, weighted by their treated village-years."""
        return float(np.average(self.effects["estimate"], weights=self.effects["village_years"]))

    @property
    def unit(self) -> str:
        """Unit of the effects: the outcome's, or log points."""
        return self.study.effect_unit(self.outcome, self.scale)

    def frame(self, level: float = 0.95) -> pd.DataFrame:
        """One row per treated group and one, `average`, for all: effect, interval, p-value and its smallest value.

        The interval holds the effects that the placebo test does not reject; it is infinite where it can reject none.
        `p_holm` adjusts the groups' p-values for their number (Holm): read it when one of several groups stands out.
        """
        check_shares(level=level)
        tests = {
            group: placebo_test(value, scale, self.placebos[start], self.placebo_variability[start], level)
            for group, start, value, scale in self.effects[["first_treated", "estimate", "variability"]].itertuples()
        }
        scale = of_average(self.effects["variability"], self.effects["village_years"])
        holm = multipletests([test["p_value"] for test in tests.values()], method="holm")[1]
        for test, adjusted in zip(tests.values(), holm, strict=True):
            test["p_holm"] = adjusted
        tests["average"] = placebo_test(self.value, scale, self.placebo_averages, self.average_variability, level)
        table = (
            self.effects.drop(columns=["estimate", "variability"])
            .astype("Int64")
            .join(pd.DataFrame(tests).T, how="right")
        )
        table.loc["average", ["villages", "village_years"]] = self.effects[["villages", "village_years"]].sum()
        return table.astype({"placebos": int}).assign(unit=self.unit, data=self.study.label).rename_axis("group")

    def __repr__(self) -> str:
        test = self.frame().loc["average"]
        value, low, high = amounts(*(shown(self.unit, one) for one in (self.value, test["low"], test["high"])))
        study, language, seen = self.study, self.study.language, int(test["villages"])
        interval = "no 95 % interval from so few placebos"
        if np.isfinite(test["low"]):
            interval = "95 % interval {low} to {high}"
        return say(
            language,
            "{data}: effect on {label} {value} by synthetic difference-in-differences, the average of {groups} "
            "({interval}, p = {p}, by design at least {least}, against {placebos}); each group alone against {others} "
            "untreated groups{cut}, as donors and as placebos; {number} treated {nouns} seen in all "
            "years{left}.{notes}",
            data=term(language, study.label).capitalize(),
            label=in_sentence(study.label_of(self.outcome)),
            value=say(language, "{number} {unit}", number=value, unit=term(language, shown_unit(self.unit))).rstrip(),
            groups=counted(language, len(self.effects), "treated group"),
            interval=say(language, interval, low=low, high=high),
            placebos=counted(language, int(test["placebos"]), "placebo average"),
            nouns=Several(study.noun, many=seen != 1),
            notes=notes_behind(study),
            p=fixed(test["p_value"], 4),
            least=fixed(test["smallest_p_value"], 4),
            others=len(self.placebos),
            number=fixed(seen, 0),
            cut=self._cut(),
            left=self._left_out(),
        )

    def _cut(self) -> str:
        """How untreated groups were cut; "" where all were given."""
        order = term(self.study.language, self.study.placebo_order)
        cut = say(self.study.language, " (cut by {order} order where none were given)", order=order)
        return cut if self.study.placebo_group_count else ""

    def _left_out(self) -> str:
        """Villages, controls and weights that have no part in it."""
        study, units = self.study, counted(self.study.language, self.left_out, self.study.noun)
        left = say(study.language, ", {units} left out for a missing year", units=units) if self.left_out else ""
        unused = say(study.language, ", without the study's controls and weights")
        return left + (unused if study.controls or study.weights else "")
