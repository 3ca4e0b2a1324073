"""What effect a design could detect, before anybody looks at its answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from analysis.cluster_robust import (
    FEW,
    FEW_TREATED,
    ClusterPieces,
    adjusted_direction,
    caution,
    cluster_codes,
    cluster_pieces,
    cr2,
)
from analysis.effects import did
from analysis.estimates import Estimate
from analysis.inference import HEADLINE_NAME
from analysis.messages import StudyError, amount, count, in_sentence
from analysis.panel_checks import DESIGN_COLUMNS
from analysis.replication import replicate
from analysis.shocks import Shocks, shocks_before
from analysis.study import Study

# The detectable effect is found to this share of itself, far finer than its Monte Carlo error.
BISECTION_TOLERANCE = 1e-4
# Its Monte Carlo error uses the slope of power between these multiples of it.
SLOPE_BETWEEN = (0.95, 1.05)


@dataclass(frozen=True)
class NullDraws:
    """Estimates and standard errors where the policy does nothing: all that power needs.

    A constant effect moves every estimate by itself and no residual, so one set of draws serves every effect.

    Attributes
    ----------
    estimates, errors : ndarray, shape (replications,)
    df : float
        Satterthwaite degrees of freedom, a matter of the design alone.
    """

    estimates: np.ndarray
    errors: np.ndarray
    df: float

    def power(self, effect: float, level: float) -> float:
        """Share of draws that reject no effect, were the effect this large; draws count with both signs."""
        bar = stats.t.ppf((1 + level) / 2, self.df) * self.errors
        return float(np.mean([np.abs(sign * self.estimates + effect) >= bar for sign in (-1, 1)]))


@dataclass(frozen=True)
class DetectableEffect:
    """The smallest constant effect that a design finds with the power asked for; its repr is a sentence.

    Attributes
    ----------
    value, monte_carlo_error, percent : float
        In the outcome's unit (or log points), its simulation error, and in per cent of the counterfactual mean.
    """

    study: Study
    outcome: str
    log: bool
    unit: str
    value: float
    monte_carlo_error: float
    percent: float
    power: float
    level: float
    villages: int
    groups: int
    treated_groups: int
    df: float
    shocks: Shocks

    def frame(self) -> pd.DataFrame:
        """One tidy row."""
        names = ["value", "monte_carlo_error", "percent", "unit", "villages", "groups", "treated_groups", "df"]
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def __repr__(self) -> str:
        mean = f"counterfactual {'geometric ' if self.log else ''}mean"
        share = f", {self.percent:.1f} % of the {mean}" if np.isfinite(self.percent) else ""
        few = f", {FEW}" if self.treated_groups <= FEW_TREATED else ""
        label = in_sentence(self.study.describe(self.outcome).label)
        value = f"{amount(self.value)} {self.unit}".rstrip()
        error = f" (Monte Carlo error {amount(self.monte_carlo_error)})" if np.isfinite(self.monte_carlo_error) else ""
        return (
            f"{self.study.label.capitalize()}: with {self.treated_groups} treated of {count(self.groups, 'group')} and "
            f"{count(self.villages, self.study.noun)}, an effect on {label} "
            f"is found {100 * self.power:.0f} % of the time, at {100 * (1 - self.level):.0f} % two-sided, if it is "
            f"{value}{error}{share}; {HEADLINE_NAME} ({self.df:.1f}){few}."
        )

    _repr_markdown_ = __repr__


def minimum_detectable_effect(
    study: Study,
    outcome: str,
    *,
    log: bool | None = None,
    power: float = 0.8,
    level: float = 0.95,
    years_after: int = 0,
    treated_copies: int = 1,
    untreated_copies: int = 1,
    shock_scale: float = 1.0,
    replications: int = 2000,
    seed: int = 2023,
) -> DetectableEffect:
    """The smallest effect that the study's design would find, by simulation with the headline inference.

    Use it before collecting data, or to judge an insignificant answer. Villages, groups, years and gaps are the
    study's; shocks are drawn from a normal distribution, with each village's own size, and the persistence and
    correlation within groups, that they had before the policy (`shocks_before`); the effect is constant over treated
    village-years. Skewed outcomes have rarer and larger shocks than that, and growing ones larger shocks later: where
    incomes are drawn from the model of the simulated panel, the effect given for levels is found 72 % of the time
    instead of 80, in logs 85 %. Read both.

    Parameters
    ----------
    study, outcome, log
        As in `did`.
    power, level : float
        How often the effect is to be found, and one minus the level of the two-sided test.
    years_after : int
        Further years under treatment, every village seen in them that was seen in the last one.
    treated_copies, untreated_copies : int
        How often every treated and every untreated group is there: 2 doubles them.
    shock_scale : float
        Shocks relative to those estimated: 0.5 is an outcome half as unsteady.
    replications, seed : int

    Returns
    -------
    DetectableEffect

    Raises
    ------
    StudyError
        Fewer than three years before the first start, or a design that bears no standard error, such as one
        treated group.

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
    if not 0 < power < 1 or not 0 < level < 1:
        raise ValueError(f"power and level must lie between 0 and 1, not {power} and {level}.")
    shocks = shocks_before(study, outcome, log)
    design = _design(study, outcome, years_after, treated_copies, untreated_copies)
    null = _null_draws(design, shocks, shock_scale, replications, seed)
    value = _smallest(null, power, level)
    low, high = (null.power(share * value, level) for share in SLOPE_BETWEEN)
    slope = (high - low) / (value * (SLOPE_BETWEEN[1] - SLOPE_BETWEEN[0]))
    error = np.sqrt(power * (1 - power) / replications) / slope if slope > 0 else np.nan
    estimate = did(study, outcome, log=log)
    share = 100 * np.expm1(value) if estimate.log else value * np.divide(estimate.percent, estimate.value or np.nan)
    size = design.villages, design.groups, design.treated_groups
    found = estimate.unit, value, float(error), float(share)
    return DetectableEffect(study, outcome, estimate.log, *found, power, level, *size, null.df, shocks)


def power_curve(
    study: Study,
    outcome: str,
    effects: Sequence[float] | None = None,
    *,
    log: bool | None = None,
    level: float = 0.95,
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
    design = _design(study, outcome)
    null = _null_draws(design, shocks_before(study, outcome, log), 1.0, replications, seed)
    if effects is None:
        effects = np.linspace(0, 2 * _smallest(null, 0.8, level), 21)
    power = np.array([null.power(effect, level) for effect in effects])
    frame = pd.DataFrame({"power": power, "monte_carlo_error": np.sqrt(power * (1 - power) / replications)})
    return frame.set_axis(pd.Index(effects, name="effect"))


def _design(study: Study, outcome: str, years: int = 0, treated: int = 1, untreated: int = 1) -> Estimate:
    """An estimate of the design on an outcome without meaning; copies and further years as asked for."""
    frame = study.frame.loc[study.column(outcome).notna(), DESIGN_COLUMNS]
    last = frame[frame["time"] == frame["time"].max()]
    frame = pd.concat([frame, *(last.assign(time=last["time"] + more) for more in range(1, years + 1))])
    inside = frame["first_treated"].notna()
    parts = [frame[inside]] * treated + [frame[~inside]] * untreated
    copies = [
        part.assign(unit=part["unit"].astype(str) + f" {n}", group=part["group"].astype(str) + f" {n}")
        for n, part in enumerate(parts)
    ]
    frame = pd.concat(copies).sort_values(["unit", "time"], ignore_index=True)
    frame["value"] = np.random.default_rng(0).standard_normal(len(frame))
    return did(Study(frame, noun=study.noun), "value", collapse=False)


def _null_draws(design: Estimate, shocks: Shocks, size: float, replications: int, seed: int) -> NullDraws:
    """Draw outcomes without effect; estimate and CR2 error are linear and quadratic in them, so nothing is refitted."""
    regression = design.fitted
    clusters = cluster_codes(regression, "group")
    order = np.argsort(clusters, kind="stable")
    pieces = cluster_pieces(regression, regression.contrast(design.contrast), clusters)
    if warning := caution(pieces):
        raise StudyError(f"No standard error of this design can be believed, so it has no power: {warning}.")
    within = regression.design[order, 1:] - regression.design[:, 1:].mean(axis=0)
    frame = regression.sample.frame.iloc[order]
    task = partial(
        _null_draw,
        shocks=shocks,
        group=pd.factorize(frame["group"])[0],
        unit=pd.factorize(frame["unit"])[0],
        year=(frame["time"] - frame["time"].min()).to_numpy(),
        scale=size * frame["unit"].str.rsplit(" ", n=1).str[0].map(shocks.scale).fillna(1.0).to_numpy(),
        basis=np.linalg.qr(within)[0],
        pieces=pieces,
        adjusted=adjusted_direction(pieces, power=-0.5)[0],
    )
    drawn = replicate(task, replications, seed, "draws")
    if not drawn[:, 1].max() > 0:
        raise StudyError("The outcome does not move before the first start, so any effect would be found. Check it.")
    return NullDraws(drawn[:, 0], drawn[:, 1], cr2(pieces).df)


def _null_draw(
    generator: np.random.Generator,
    _replication: int,
    *,
    shocks: Shocks,
    group: np.ndarray,
    unit: np.ndarray,
    year: np.ndarray,
    scale: np.ndarray,
    basis: np.ndarray,
    pieces: ClusterPieces,
    adjusted: np.ndarray,
) -> np.ndarray:
    """Estimate and CR2 standard error of one draw without effect, as `cr2` of a regression on it would give."""
    outcome = scale * shocks.draw(generator, group, unit, year)
    products = np.add.reduceat(basis * outcome[:, None], np.flatnonzero(np.diff(group, prepend=-1)))
    whole = products.sum(axis=0)
    scores = products - pieces.grams @ whole
    return np.array([pieces.direction @ whole, np.linalg.norm((scores * adjusted).sum(axis=1))])


def _smallest(null: NullDraws, power: float, level: float) -> float:
    """The effect found with this power: doubled until it is, then by bisection."""
    low, high = 0.0, float(np.median(null.errors))
    while null.power(high, level) < power:
        low, high = high, 2 * high
    while high - low > BISECTION_TOLERANCE * high:
        middle = (low + high) / 2
        low, high = (low, middle) if null.power(middle, level) >= power else (middle, high)
    return high
