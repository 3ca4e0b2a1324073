"""What `minimum_detectable_effect` returns: the smallest effect that a design finds, as a sentence."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.design.shocks import Shocks
from analysis.inference.cluster_robust import FEW, FEW_TREATED
from analysis.inference.methods import HEADLINE_NAME
from analysis.messages import Sentence, amount, count, in_sentence, plural
from analysis.study.outcome import shown_unit
from analysis.study.study import Study


@dataclass(frozen=True)
class DetectableEffect(Sentence):
    """The smallest constant effect that a design finds with the power asked for; its repr is a sentence.

    Attributes
    ----------
    value, loss, monte_carlo_error : float
        Gain and loss in the outcome's unit or in log points, and the gain's simulation error.
    percent, loss_percent : float
        The same in per cent: under "poisson" and "log" of what would have been; in levels of the treated villages' mean
        in the last known year before.
    df : float
        Median of the draws' degrees of freedom.
    first_year, last_year : int
        Of the design, with years that are only planned.
    years_seen : int
        Years without treatment that the shocks were estimated from; 0 where they were given.
    caution : str
        That treated groups count like fewer than three by their totals, as the estimate says; and how far the effect is
        from 2.8 standard errors of the estimate itself, and why, where it is not near. And which controls the design
        is without, because nobody knows them in planned years.
    specified : str
        Controls and weights of the design, in words.
    """

    study: Study
    outcome: str
    scale: str
    unit: str
    value: float
    loss: float
    monte_carlo_error: float
    percent: float
    loss_percent: float
    power: float
    level: float
    villages: int
    first_year: int
    last_year: int
    groups: int
    treated_groups: int
    df: float
    shocks: Shocks
    years_seen: int
    caution: str = ""
    specified: str = ""

    def frame(self) -> pd.DataFrame:
        """One tidy row."""
        names = ["value", "loss", "monte_carlo_error", "percent", "loss_percent", "unit"]
        names += ["villages", "groups", "treated_groups", "df"]
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def __repr__(self) -> str:
        few = f", {FEW}" if self.treated_groups <= FEW_TREATED else ""
        label = in_sentence(self.study.describe(self.outcome).label)
        rest = f"the size of shocks, seen over {count(self.years_seen, 'year')} without treatment, is itself uncertain"
        rest = rest if self.years_seen else "for the shocks given"
        who = f"{self.treated_groups} treated of {count(self.groups, 'group')} and"
        who = f"{count(self.groups, 'group')} of treated and untreated units," if self.study.mixed else who
        return (
            f"{self.study.label.capitalize()}: with {who} "
            f"{count(self.villages, self.study.noun)}, {self.first_year}-{self.last_year}, an effect on {label} "
            f"is found {100 * self.power:.0f} % of the time, at {100 * (1 - self.level):.0f} % two-sided, if it is "
            f"{self._size()} ({self._error()}{rest}); {HEADLINE_NAME} ({self.df:.1f}){few}{self.specified}."
            f"{self.caution}"
        )

    def _size(self) -> str:
        """The effect in words: a gain and a loss in per cent, or an amount."""
        if self.unit == "log points":
            return f"a gain of at least {self.percent:.0f} % or a loss of at least {self.loss_percent:.0f} %"
        share = f", {self.percent:.1f} % of treated {plural(self.study.noun)}' mean in the last known year before"
        return f"{amount(self.value)} {shown_unit(self.unit)}".rstrip() + (share if np.isfinite(self.percent) else "")

    def _error(self) -> str:
        """The simulation error of the gain, in the words of the effect."""
        if not np.isfinite(self.monte_carlo_error):
            return ""
        if self.unit != "log points":
            return f"simulation error {amount(self.monte_carlo_error)}; "
        return f"simulation error of the gain {amount((100 + self.percent) * self.monte_carlo_error)} %; "
