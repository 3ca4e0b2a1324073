"""Whether treated and untreated groups moved together before, as an event study answers."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from analysis.effects.estimate import Estimate
from analysis.effects.sentence import caution_of_few
from analysis.inference.hypothesis import HypothesisTest
from analysis.messages import Sentence, amounts, p_of
from analysis.study.outcome import effect_in_words, shown, shown_unit

SAID = (
    "{data}: before, the gap moved by {size} per year ({test}). {carried} All leads together: {joint}. {meaning}{few}"
)
CARRIED_ON = (
    "Carried on as a straight line, that trend alone would move the effect by about {last} against the reference year, "
    "and by {whole} against all years before."
)


@dataclass(frozen=True)
class Pretrend(Sentence):
    """Two tests that groups moved together before treatment; its repr is a sentence.

    Attributes
    ----------
    slope : Estimate
        Yearly change of the leads (`slope_weights`); any inference applies, the headline is CR2.
    joint : HypothesisTest
        Test that all leads are zero; missing numbers, and a note, where the design cannot bear it.
    leads : int
        How many leads there are.
    reach : tuple of float
        Years from the reference to the average treated year, and to it from the average year before: so many slopes
        a trend that goes on adds to the event study's average and to `did`.
    """

    slope: Estimate
    joint: HypothesisTest
    leads: int
    reach: tuple[float, float]

    def frame(self) -> pd.DataFrame:
        """Both tests, one row each: estimate, std_error, statistic, df1, df2, p_value, low, high, note."""
        test = self.slope.headline()
        slope = {"estimate": self.slope.value, **test, "df1": 1, "df2": test["df"]}
        joint = {**asdict(self.joint), "df1": self.leads, "df2": self.joint.df}
        columns = ["estimate", "std_error", "statistic", "df1", "df2", "p_value", "low", "high", "note"]
        rows = {"linear slope (CR2, t)": slope, "all leads zero (pooled, F)": joint}
        return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns)

    def __repr__(self) -> str:
        study, unit, test = self.slope.study, self.slope.unit, self.slope.headline()
        value, low, high = amounts(*(shown(unit, one) for one in (self.slope.value, test["low"], test["high"])))
        tested = "95 % interval {low} to {high}, CR2, p {p}"
        if np.isnan(test["p_value"]):
            tested = "no interval, {reason}"
        reason, p = study.term(test["note"].split(";")[0]), p_of(test["p_value"])
        rejected = np.fmin(test["p_value"], self.joint.p_value) < 0.05
        said = SAID
        if self.slope.dominance:
            said = "{data}: before, the gap moved by {size} per year ({test}); all leads together: no test either."
        return study.say(
            said,
            size=study.say("{number} {unit}", number=value, unit=study.term(shown_unit(unit))).rstrip(),
            test=study.say(tested, low=low, high=high, p=p, reason=reason) + self.slope.specified,
            joint=self._jointly(),
            carried=self._carried_on(),
            meaning=study.say(
                "That speaks against parallel trends." if rejected else "Not rejecting is no proof of parallel trends."
            ),
            few=caution_of_few(None, self.slope.effective_treated_districts),
        )

    def _jointly(self) -> str:
        """The test of all leads in words, or why there is none."""
        study, p_value = self.slope.study, self.joint.p_value
        note = study.term(self.joint.note).rstrip(".。")
        return study.say("p {p}", p=p_of(p_value)) if p_value >= 0 else note

    def _carried_on(self) -> str:
        """What the slope alone would make of effects against either baseline, were it to go on."""
        study, slope = self.slope.study, self.slope
        last, whole = (effect_in_words(slope.unit, slope.value * years, study.language) for years in self.reach)
        return study.say(CARRIED_ON, last=last, whole=whole)

    def small_print(self) -> str:
        """What the test of all leads assumes, where there is one."""
        study = self.slope.study
        note = study.term(self.joint.note).rstrip(".。")
        return study.say("The test of all leads {note}.", note=note) if self.joint.p_value >= 0 else ""
