"""Whether treated and untreated groups moved together before, as an event study answers."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from analysis.effects.estimate import Estimate
from analysis.effects.sentence import caution_of_few
from analysis.inference.hypothesis import HypothesisTest
from analysis.language.labels import say, term
from analysis.messages import Sentence, amounts, p_of
from analysis.study.outcome import shown, shown_unit


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
    """

    slope: Estimate
    joint: HypothesisTest
    leads: int

    def frame(self) -> pd.DataFrame:
        """Both tests, one row each: estimate, std_error, statistic, df1, df2, p_value, low, high, note."""
        test = self.slope.headline()
        slope = {"estimate": self.slope.value, **test, "df1": 1, "df2": test["df"]}
        joint = {**asdict(self.joint), "df1": self.leads, "df2": self.joint.df}
        columns = ["estimate", "std_error", "statistic", "df1", "df2", "p_value", "low", "high", "note"]
        rows = {"linear slope (CR2, t)": slope, "all leads zero (pooled, F)": joint}
        return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns)

    def __repr__(self) -> str:
        study, language, unit = self.slope.study, self.slope.study.language, self.slope.unit
        slope = {"estimate": self.slope.value, **self.slope.headline()}
        value, low, high = amounts(*(shown(unit, slope[name]) for name in ("estimate", "low", "high")))
        test = "95 % interval {low} to {high}, CR2, p {p}"
        if np.isnan(slope["p_value"]):
            test = "no interval, {reason}"
        reason, p = term(language, slope["note"].split(";")[0]), p_of(slope["p_value"])
        rejected = np.fmin(slope["p_value"], self.joint.p_value) < 0.05
        said = "{data}: before, the gap moved by {size} per year ({test}); all leads together: {joint}. {meaning}{few}"
        if self.slope.dominance:
            said = "{data}: before, the gap moved by {size} per year ({test}); all leads together: no test either."
        return say(
            language,
            said,
            data=term(language, study.label).capitalize(),
            size=say(language, "{number} {unit}", number=value, unit=term(language, shown_unit(unit))).rstrip(),
            test=say(language, test, low=low, high=high, p=p, reason=reason) + self.slope.specified,
            joint=self._jointly(),
            meaning=say(
                language,
                "That speaks against parallel trends." if rejected else "Not rejecting is no proof of parallel trends.",
            ),
            few=caution_of_few(None, self.slope.effective_treated_districts, language),
        )

    def _jointly(self) -> str:
        """The test of all leads in words, or why there is none."""
        language, p_value = self.slope.study.language, self.joint.p_value
        note = term(language, self.joint.note).rstrip(".。")
        return say(language, "p {p} ({note})", p=p_of(p_value), note=note) if p_value >= 0 else note
