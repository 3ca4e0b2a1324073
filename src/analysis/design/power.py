"""What effect a design could detect, before anybody looks at its answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.design.null_draws import NullDraws, null_draws, planned_design
from analysis.design.shocks import Shocks, shocks_before
from analysis.inference.cluster_robust import FEW, FEW_TREATED
from analysis.inference.inversion import first_reached
from analysis.inference.methods import HEADLINE_NAME
from analysis.messages import Sentence, amount, check_shares, count, former_options, in_sentence
from analysis.study.outcome import FORMER_LOG, LINEAR
from analysis.study.study import Study

# The detectable effect is found to this share of itself, far finer than its Monte Carlo error.
BISECTION_TOLERANCE = 1e-4
# Its Monte Carlo error uses the slope of power between these multiples of it.
SLOPE_BETWEEN = (0.95, 1.05)


@dataclass(frozen=True)
class DetectableEffect(Sentence):
    """The smallest constant effect that a design finds with the power asked for; its repr is a sentence.

    Attributes
    ----------
    value, monte_carlo_error, percent : float
        In the outcome's unit (or log points), its simulation error, and in per cent of the treated villages' mean in
        the last known year before (logs: of any geometric mean).
    first_year, last_year : int
        Of the design, with years that are only planned.
    years_before : int
        Years that the shocks were estimated from; 0 where they were given.
    """

    study: Study
    outcome: str
    scale: str
    unit: str
    value: float
    monte_carlo_error: float
    percent: float
    power: float
    level: float
    villages: int
    first_year: int
    last_year: int
    groups: int
    treated_groups: int
    df: float
    shocks: Shocks
    years_before: int

    def frame(self) -> pd.DataFrame:
        """One tidy row."""
        names = ["value", "monte_carlo_error", "percent", "unit", "villages", "groups", "treated_groups", "df"]
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def __repr__(self) -> str:
        mean = (
            "" if self.unit == "log points" else f" of treated {self.study.noun}s' mean in the last known year before"
        )
        share = f", {self.percent:.1f} %{mean}" if np.isfinite(self.percent) else ""
        few = f", {FEW}" if self.treated_groups <= FEW_TREATED else ""
        label = in_sentence(self.study.describe(self.outcome).label)
        value = f"{amount(self.value)} {self.unit}".rstrip()
        rest = f"the size of shocks, seen over {count(self.years_before, 'year')} before, is itself uncertain"
        rest = rest if self.years_before else "for the shocks given"
        known = f"simulation error {amount(self.monte_carlo_error)}; " if np.isfinite(self.monte_carlo_error) else ""
        error = f" ({known}{rest})"
        return (
            f"{self.study.label.capitalize()}: with {self.treated_groups} treated of {count(self.groups, 'group')} and "
            f"{count(self.villages, self.study.noun)}, {self.first_year}-{self.last_year}, an effect on {label} "
            f"is found {100 * self.power:.0f} % of the time, at {100 * (1 - self.level):.0f} % two-sided, if it is "
            f"{value}{error}{share}; {HEADLINE_NAME} ({self.df:.1f}){few}."
        )


@former_options(**FORMER_LOG)
def minimum_detectable_effect(
    study: Study,
    outcome: str,
    *,
    scale: str | None = None,
    power: float = 0.8,
    level: float = 0.95,
    years_before: int = 0,
    years_after: int = 0,
    treated_copies: int = 1,
    untreated_copies: int = 1,
    shocks: Shocks | None = None,
    replications: int = 2000,
    seed: int = 2023,
) -> DetectableEffect:
    """The smallest effect that the study's design would find, by simulation with the headline inference.

    Use it before collecting data, or to judge an insignificant answer. Villages, groups, years and gaps are the
    study's; years after the last one in which anybody has the outcome count as planned, with all their rows. Shocks are
    drawn from a normal distribution, with each village's own size, and the persistence and correlation within groups,
    that they had before the policy (`shocks_before`); the effect is constant over treated village-years.

    Few years show the size of shocks roughly: with five treated groups of five villages and seven years before, the
    effect given is found 69 to 87 % of the time instead of 80 in eight designs of ten, with three years 58 to 93 %.
    Skewed outcomes have rarer and larger shocks than the normal. Where all grow by per cent, richer villages gain more
    in money every year, which passes for lasting shocks (of groups too) and goes on after the start, beyond what shocks
    fitted to a few years do. On panels from the simulated panel's model of incomes it is found 81 % of the time in logs
    (68 to 90 % in eight panels of ten), but in levels 67 % (28 to 93 %), the estimate's bias taken out
    (`benchmarks/stated_power.py`): trust logs.

    Parameters
    ----------
    study, outcome
        As in `did`.
    scale : {"level", "log"}, optional
        Default: the study's; in levels where that is "poisson".
    power, level : float
        How often the effect is to be found, and one minus the level of the two-sided test.
    years_before, years_after : int
        Further years at the panel's beginning and end, with every village seen in one of the two years next to them.
    treated_copies, untreated_copies : int
        How often every treated and every untreated group is there: 2 doubles them.
    shocks : Shocks, optional
        Other shocks than the study's own: another study's, where this one has no outcome yet (villages then vary by
        their kind, treated or not), or with one part changed, as by ``dataclasses.replace(shocks, passing=0.0)``.
    replications, seed : int

    Returns
    -------
    DetectableEffect

    Raises
    ------
    StudyError
        Fewer than three years before the first start (and no `shocks`), no treated village in the last two years for
        `years_after`, or a design that bears no standard error, such as one treated group.

    References
    ----------
    Burlig, Preonas & Woerman (2020), "Panel data and experimental design", Journal of Development Economics,
    doi:10.1016/j.jdeveco.2020.102458.

    Examples
    --------
    >>> from analysis import load_study
    >>> detectable = minimum_detectable_effect(load_study(), "rural_income_per_head_cny", replications=100)
    >>> detectable.value > 0, detectable.treated_groups
    (True, 5)
    """
    check_shares(power=power, level=level)
    scale = study.scale_of(outcome, scale, LINEAR)
    seen = 0 if shocks else _years_before(study, outcome)
    shocks = shocks or shocks_before(study, outcome, scale)
    design = planned_design(study, outcome, years_before, years_after, treated_copies, untreated_copies)
    null = null_draws(design, shocks, replications, seed)
    value = _smallest(null, power, level)
    low, high = (null.power(share * value, level) for share in SLOPE_BETWEEN)
    slope = (high - low) / (value * (SLOPE_BETWEEN[1] - SLOPE_BETWEEN[0]))
    error = null.monte_carlo_error(value, level) / slope if slope > 0 else np.nan
    logs = scale == "log" or study.describe(outcome).logged
    share = 100 * (np.expm1(value) if logs else value / _treated_mean_before(study, outcome))
    first_year, last_year = design.fitted.sample.frame["time"].agg(["min", "max"])
    size = design.villages, int(first_year), int(last_year), design.groups, design.treated_groups
    found = "log points" if scale == "log" else study.describe(outcome).unit, value, float(error), float(share)
    return DetectableEffect(study, outcome, scale, *found, power, level, *size, null.df, shocks, seen)


@former_options(**FORMER_LOG)
def power_curve(
    study: Study,
    outcome: str,
    effects: Sequence[float] | None = None,
    *,
    scale: str | None = None,
    level: float = 0.95,
    shocks: Shocks | None = None,
    replications: int = 2000,
    seed: int = 2023,
) -> pd.DataFrame:
    """How often the study's design would find effects of several sizes; see `minimum_detectable_effect`.

    Parameters
    ----------
    effects : sequence of float, optional
        In the outcome's unit (or log points). Default: from nothing to twice the detectable effect.

    Returns
    -------
    DataFrame
        Index `effect`; columns power, monte_carlo_error. At an effect of zero, power is the size of the test.

    Examples
    --------
    >>> from analysis import load_study
    >>> curve = power_curve(load_study(), "rural_income_per_head_cny", [0, 10_000], replications=100)
    >>> bool(curve.loc[0, "power"] < 0.2), float(curve.loc[10_000, "power"])
    (True, 1.0)
    """
    check_shares(level=level)
    null = null_draws(
        planned_design(study, outcome), shocks or shocks_before(study, outcome, scale), replications, seed
    )
    tried = np.linspace(0, 2 * _smallest(null, 0.8, level), 21) if effects is None else effects
    rows = [(null.power(effect, level), null.monte_carlo_error(effect, level)) for effect in tried]
    return pd.DataFrame(rows, pd.Index(tried, name="effect"), ["power", "monte_carlo_error"])


def _years_before(study: Study, outcome: str) -> int:
    """Years before the first start in which some village has the outcome."""
    years = study.frame.loc[study.column(outcome).notna(), "time"]
    return int(years[years < study.starts[0]].nunique())


def _treated_mean_before(study: Study, outcome: str) -> float:
    """Mean of the treated villages, each in its last known year before its start; NaN where it is not above zero."""
    values = study.column(outcome)
    before = (study.frame["time"] < study.frame["first_treated"]).fillna(False) & values.notna()
    mean = values[before].groupby(study.frame["unit"]).last().mean()
    return float(mean) if mean > 0 else np.nan


def _smallest(null: NullDraws, power: float, level: float) -> float:
    """The effect found with this power, which must be above the size of the test."""
    if null.power(0.0, level) >= power:
        raise ValueError(f"power must be above the size of the test, {null.power(0.0, level):.3f} here, not {power}.")
    return first_reached(
        lambda effect: null.power(effect, level) >= power, float(np.median(null.errors)), relative=BISECTION_TOLERANCE
    )[1]
