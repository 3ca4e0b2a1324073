"""Shocks to villages and their groups: how large and lasting they are before a policy, and how they are drawn."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from analysis.design.variability import TIE_TOLERANCE, variability
from analysis.messages import StudyError, count, former_options
from analysis.regression.sample import select_sample
from analysis.study.outcome import FORMER_LOG, LINEAR
from analysis.study.study import Study

FEWEST_YEARS = 3
# Persistences tried; beyond 0.95 a shock cannot be told from a village's own level within a few years.
PERSISTENCES = np.arange(0.0, 0.96, 0.05)


@dataclass(frozen=True)
class Shocks:
    """Standard deviations of shocks in the outcome's unit, and how much of them is left a year later.

    Attributes
    ----------
    group, unit : float
        Of lasting shocks that villages of a group share, and of a village's own.
    group_persistence, unit_persistence : float
        Correlation of a lasting shock from one year to the next.
    passing : float
        Of what is gone the next year.
    scale : Series
        By unit: size of its shocks relative to all units' (mean square one), from its own changes.
    treated : Series
        By unit: whether it is ever treated.
    """

    group: float
    group_persistence: float
    unit: float
    unit_persistence: float
    passing: float
    scale: pd.Series
    treated: pd.Series

    def sizes(self, unit: pd.Series, treated: np.ndarray) -> np.ndarray:
        """The scale of these units, shape (n,); another study's by kind, treated or not (root mean square)."""
        kind = unit.map(self.treated)
        if (kind == treated).all():
            return unit.map(self.scale).to_numpy()
        of_kind = (self.scale**2).groupby(self.treated).mean() ** 0.5
        return pd.Series(treated).map(of_kind).fillna(1.0).to_numpy()

    def draw(self, generator: np.random.Generator, group: np.ndarray, unit: np.ndarray, year: np.ndarray) -> np.ndarray:
        """Shocks for rows with these codes of group, unit and year, each from 0, before `scale`; shape (n,)."""
        periods = year.max() + 1
        shared = persistent_shocks(generator, group.max() + 1, periods, self.group_persistence)[group, year]
        own = persistent_shocks(generator, unit.max() + 1, periods, self.unit_persistence)[unit, year]
        return self.group * shared + self.unit * own + self.passing * generator.standard_normal(len(year))


def persistent_shocks(generator: np.random.Generator, paths: int, periods: int, persistence: float) -> np.ndarray:
    """Stationary AR(1) paths with unit variance, shape (paths, periods)."""
    path = np.ascontiguousarray(generator.standard_normal((paths, periods)).T)
    fresh = np.sqrt(1 - persistence**2)
    for t in range(1, periods):
        path[t] = persistence * path[t - 1] + fresh * path[t]
    return path.T


@former_options(**FORMER_LOG)
def shocks_before(study: Study, outcome: str, scale: str | None = None) -> Shocks:
    """Estimate shocks from the years before the first start, by how far villages drift apart in k years.

    Village levels drop out of changes, so that few years do not bias persistence as residuals from village means
    would. Half the mean squared change over k years, the year's median removed, is g(1 - p^k) + u(1 - q^k) + e, with
    variances g, u, e of group, village and passing shocks; half the mean product of the changes of two villages
    of a group is g(1 - p^k). Both are fitted by non-negative least squares, weighted by the pairs behind each.

    Raises
    ------
    StudyError
        With fewer than three years before the first start, which cannot tell lasting from passing shocks.

    Examples
    --------
    >>> from analysis import load_study
    >>> shocks = shocks_before(load_study(), "collective_income_cny")
    >>> shocks.unit > 0
    True
    """
    sample = select_sample(study, outcome, scale=study.scale_of(outcome, scale, LINEAR))
    frame = sample.frame[["unit", "group", "time"]].assign(value=sample.outcome)
    frame = frame[frame["time"] < study.starts[0]]
    if (years := frame["time"].nunique()) < FEWEST_YEARS:
        raise StudyError(
            f"{count(years, 'year')} before the first start cannot tell lasting shocks from passing ones. "
            f"Bring at least {FEWEST_YEARS} years, or the shocks of another study or outcome."
        )
    years = range(frame["time"].min(), frame["time"].max() + 1)
    units = study.units
    everyone = pd.MultiIndex.from_arrays(
        [units["group"].astype(frame["group"].dtype), units.index], names=["group", "unit"]
    )
    wide = frame.set_index(["group", "unit", "time"])["value"].unstack().reindex(index=everyone, columns=years)
    treated = units["first_treated"].notna().rename(str)
    relative = _scale(wide, treated.to_numpy())
    moments = pd.DataFrame({lag: _moments(wide, lag, relative) for lag in range(1, len(years))}).T
    moments = moments[moments["changes"] > 0]
    group, group_persistence, _ = _fit(moments["together"], moments["couples"], passing=False)
    own = moments["alone"] - group * (1 - group_persistence ** moments.index.to_numpy())
    unit, unit_persistence, passing = _fit(own, moments["changes"], passing=True)
    sizes = group**0.5, group_persistence, unit**0.5, unit_persistence, passing**0.5
    return Shocks(*sizes, relative.droplevel("group").rename(str), treated)


def _changes(wide: pd.DataFrame, lag: int) -> pd.DataFrame:
    """Changes over `lag` years by unit, each year's median removed: a mean would carry the largest units' shocks."""
    change = pd.DataFrame(wide.to_numpy()[:, lag:] - wide.to_numpy()[:, :-lag], index=wide.index)
    return change - change.median()


def _scale(wide: pd.DataFrame, treated: np.ndarray) -> pd.Series:
    """Each unit's root mean square change relative to all units', shrunk as few years ask (`variability`).

    Treated and untreated units are shrunk each towards their own kind, so that richer districts stay more variable.
    Zero where a unit never moved; its kind's where no change is known (one, if none of its kind's is).
    """
    change = _changes(wide, 1)
    square = (change**2).mean(axis="columns")
    if not square.max() > 0:
        return pd.Series(1.0, index=wide.index)
    scale = square.copy()
    for kind in (treated, ~treated):
        moved = kind & (square > TIE_TOLERANCE**2 * square.max())
        if moved.any():
            known = variability(change[moved].to_numpy().T, np.ones(moved.sum()))
            scale[moved] = known * np.sqrt(square[moved].mean() / np.mean(known**2))
        scale[kind & ~moved & square.notna()] = 0.0
        scale[kind & square.isna()] = np.sqrt(square[kind].mean())
    return (scale / np.sqrt((scale**2).mean())).fillna(1.0)


def _moments(wide: pd.DataFrame, lag: int, scale: pd.Series) -> dict[str, float]:
    """Half the mean square of changes over `lag` years, the same for products within groups, and what is behind.

    Both are relative to the units' scales, so that a group of large villages does not seem a more correlated one.
    """
    change = _changes(wide, lag)
    known = change.notna().mul(scale, axis="index")
    alone, together = {}, {}
    for name, part in (("change", change), ("scale", known)):
        total, square = (each.groupby(level="group").sum().to_numpy() for each in (part, part**2))
        alone[name], together[name] = float(square.sum()), float((total**2 - square).sum())
    return {
        "alone": alone["change"] / (2 * alone["scale"]) if alone["scale"] else 0.0,
        "together": together["change"] / (2 * together["scale"]) if together["scale"] else 0.0,
        "changes": alone["scale"],
        "couples": together["scale"],
    }


def _fit(moments: pd.Series, weights: pd.Series, *, passing: bool) -> tuple[float, float, float]:
    """Variance and persistence of lasting shocks, and variance of passing ones, nearest to the moments by lag."""
    lags, root = moments.index.to_numpy(dtype=float), np.sqrt(weights.to_numpy(dtype=float))
    found = []
    for persistence in PERSISTENCES:
        columns = np.column_stack([1 - persistence**lags, np.full(len(lags), float(passing))])
        (variance, rest), distance = nnls(columns * root[:, None], moments.to_numpy() * root)
        found.append((distance, float(variance), float(persistence), float(rest)))
    return min(found)[1:]
