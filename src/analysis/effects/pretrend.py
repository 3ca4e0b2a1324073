"""Whether treated and untreated groups moved together before, as an event study answers."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from analysis.effects.estimate import Estimate
from analysis.effects.sentence import caution_of_few
from analysis.inference.hypothesis import HypothesisTest
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
        slope, joint = self.frame()[["estimate", "p_value", "low", "high", "note"]].to_dict("index").values()
        unit = f"{shown_unit(self.slope.unit)} per year".lstrip()
        value, low, high = amounts(*(shown(self.slope.unit, slope[name]) for name in ("estimate", "low", "high")))
        test = f"95 % interval {low} to {high}, CR2, p {p_of(slope['p_value'])}"
        if np.isnan(slope["p_value"]):
            test = f"no interval, {slope['note'].split(';')[0]}"
        jointly = f"p {p_of(joint['p_value'])} ({joint['note']})" if joint["p_value"] >= 0 else joint["note"]
        if self.slope.dominance:
            return (
                f"{self.slope.study.label.capitalize()}: before, the gap moved by {value} {unit} "
                f"({test}{self.slope.specified}); all leads together: no test either."
            )
        rejected = np.fmin(slope["p_value"], joint["p_value"]) < 0.05
        meaning = (
            "That speaks against parallel trends." if rejected else "Not rejecting is no proof of parallel trends."
        )
        return (
            f"{self.slope.study.label.capitalize()}: before, the gap moved by {value} {unit} "
            f"({test}{self.slope.specified}); all leads together: {jointly}. {meaning}"
            f"{caution_of_few(None, self.slope.effective_treated_districts)}"
        )
