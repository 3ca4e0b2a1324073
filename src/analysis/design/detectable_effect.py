"""What `minimum_detectable_effect` returns: the smallest effect that a design finds, as a sentence."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.design.shocks import Shocks
from analysis.inference.cluster_robust import FEW_TREATED
from analysis.inference.methods import HEADLINE_NAME
from analysis.language.labels import joined, one_of
from analysis.messages import Sentence, Text, amount, count, decimals_of, fixed, in_sentence
from analysis.study.outcome import LOG_POINTS, shown_unit
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
        That treated groups count like fewer than three by their totals, as the estimate says. And which controls the
        design is without, because nobody knows them in planned years.
    beside_own_error : str
        How far the effect is from 2.8 standard errors of the estimate itself, and why, where it is not near.
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
    caution: Text | str = ""
    beside_own_error: str = ""
    specified: str = ""

    def frame(self) -> pd.DataFrame:
        """One tidy row."""
        names = ["value", "loss", "monte_carlo_error", "percent", "loss_percent", "unit"]
        names += ["villages", "groups", "treated_groups", "df"]
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def __repr__(self) -> str:
        return self.study.say(
            "{data}: {found} is found {power} % of the time, at the {level} % level, with {groups} and {villages}, "
            "{first}–{last}.{caution}",
            found=self._size(),
            power=fixed(100 * self.power, 0),
            level=fixed(100 * (1 - self.level), 0),
            groups=self._groups(),
            villages=count(self.villages, self.study.noun),
            first=self.first_year,
            last=self.last_year,
            caution=self.caution,
        )

    def small_print(self) -> str:
        """How it was computed, how sure it is, and how far it is from the usual multiple of the estimate's error."""
        say = self.study.say
        few = say(", too few for a reliable interval") if self.treated_groups <= FEW_TREATED else ""
        used = {"method": self.study.term(HEADLINE_NAME), "df": fixed(self.df, 1), "few": few, "more": self.specified}
        seen = "For the shocks given."
        if self.years_seen:
            seen = (
                "Shocks are seen over at most {years} of a {noun} without treatment, so their size is itself uncertain."
            )
        said = [say("{method} ({df}){few}{more}.", **used), self._error()]
        years, one = count(self.years_seen, "year"), one_of(self.study.language, self.study.noun)
        said += [say(seen, years=years, noun=one), self.beside_own_error]
        return joined(self.study.language, filter(None, said))

    def _groups(self) -> str:
        """How many groups, and how many of them treated."""
        said = "{groups} of treated and untreated units" if self.study.mixed else "{treated} treated of {groups}"
        return self.study.say(said, treated=self.treated_groups, groups=count(self.groups, "group"))

    def _size(self) -> str:
        """The effect in words: a gain and a loss in per cent, or an amount."""
        label = in_sentence(self.study.label_of(self.outcome))
        if self.unit == LOG_POINTS:
            said = "a gain in {label} of at least {gain} %, or a loss of at least {loss} %,"
            return self.study.say(said, label=label, gain=fixed(self.percent, 0), loss=fixed(self.loss_percent, 0))
        said = " ({share} % of the treated units' mean in the last known year before)"
        share = self.study.say(said, share=fixed(self.percent, 1)) if np.isfinite(self.percent) else ""
        size = f"{amount(self.value)} {self.study.term(shown_unit(self.unit))}".rstrip()
        return self.study.say("an effect on {label} of {size}{share}", label=label, size=size, share=share)

    def _error(self) -> str:
        """The simulation error of the gain, with two digits."""
        if not np.isfinite(self.monte_carlo_error):
            return ""
        error = (100 + self.percent if self.unit == LOG_POINTS else 1) * self.monte_carlo_error
        shown, unit = fixed(error, decimals_of(error, 2)) if error > 0 else "0", shown_unit(shown_unit(self.unit))
        return self.study.say("Simulation error of the gain: {error} {unit}.", error=shown, unit=self.study.term(unit))
