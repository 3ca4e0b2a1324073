"""Shocks to villages and their groups: how large and lasting they are without the policy, and how they are drawn."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from analysis.design.controls_part import explained_by_controls
from analysis.design.variability import TIE_TOLERANCE, variability
from analysis.messages import StudyError, count, former_options
from analysis.regression.sample import select_sample
from analysis.study.outcome import FORMER_LOG
from analysis.study.study import Study

FEWEST_YEARS = 3
# Persistences tried; beyond 0.95 a shock cannot be told from a village's own level within a few years.
PERSISTENCES = np.arange(0.0, 0.96, 0.05)
# Rounds of fitting villages' and years' means in turn, and the change at which they are settled.
ROUNDS, SETTLED = 500, 1e-10


@dataclass(frozen=True)
class Money:
    """What villages have without shocks: village mean times year's mean; shocks are then in log points.

    Attributes
    ----------
    mean, zeros : Series
        By unit: its mean, and its share of years at zero.
    path : Series
        By year, what all have relative to the average year.
    """

    mean: pd.Series
    zeros: pd.Series
    path: pd.Series


@dataclass(frozen=True)
class Shocks:
    """Standard deviations of shocks in the outcome's unit or log points, and how much of them is left a year later.

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
    group_growth, unit_growth : float
        Of growth per year that goes on, shared by villages of a group, and a village's own.
    money : Money, optional
        Of an outcome whose shocks are in per cent.
    """

    group: float
    group_persistence: float
    unit: float
    unit_persistence: float
    passing: float
    scale: pd.Series
    treated: pd.Series
    group_growth: float = 0.0
    unit_growth: float = 0.0
    money: Money | None = None

    def sizes(self, unit: pd.Series, treated: np.ndarray) -> np.ndarray:
        """The scale of these units, shape (n,); another study's by kind, treated or not (root mean square)."""
        if self.knows(unit, treated):
            return unit.map(self.scale).to_numpy()
        of_kind = (self.scale**2).groupby(self.treated).mean() ** 0.5
        return pd.Series(treated).map(of_kind).fillna(1.0).to_numpy()

    def knows(self, unit: pd.Series, treated: np.ndarray) -> bool:
        """Whether all these units are the ones the shocks were learnt from."""
        return bool((unit.map(self.treated) == treated).all())

    def draw(
        self,
        generator: np.random.Generator,
        group: np.ndarray,
        unit: np.ndarray,
        year: np.ndarray,
        centred: bool = False,
    ) -> np.ndarray:
        """Shocks for rows with these codes of group, unit and year, each from 0, before `scale`; shape (n,).

        `centred` takes each path's average over the years out of it.
        """
        periods, drawn = year.max() + 1, self.passing * generator.standard_normal(len(year))
        for codes, size, persistence, growth in self._lasting(group, unit):
            path = size * persistent_shocks(generator, codes.max() + 1, periods, persistence)
            path = path - path.mean(axis=1, keepdims=True) if centred else path
            drawn += path[codes, year]
            if growth:
                drawn += growth * generator.standard_normal(codes.max() + 1)[codes] * (year - (periods - 1) / 2)
        return drawn

    def variances(self, periods: int) -> np.ndarray:
        """Variance of centred shocks by year, before `scale`; shape (periods,)."""
        years, found = np.arange(periods), np.full(periods, self.passing**2)
        for _, size, persistence, growth in self._lasting(years, years):
            alike = persistence ** np.abs(np.subtract.outer(years, years))
            found += size**2 * (1 - 2 * alike.mean(axis=0) + alike.mean())
            found += growth**2 * (years - (periods - 1) / 2) ** 2
        return found

    def _lasting(self, group: np.ndarray, unit: np.ndarray) -> tuple[tuple[np.ndarray, float, float, float], ...]:
        """Codes, size, persistence and growth of the shocks of groups and of units."""
        return (
            (group, self.group, self.group_persistence, self.group_growth),
            (unit, self.unit, self.unit_persistence, self.unit_growth),
        )


def persistent_shocks(generator: np.random.Generator, paths: int, periods: int, persistence: float) -> np.ndarray:
    """Stationary AR(1) paths with unit variance, shape (paths, periods)."""
    path = np.ascontiguousarray(generator.standard_normal((paths, periods)).T)
    fresh = np.sqrt(1 - persistence**2)
    for t in range(1, periods):
        path[t] = persistence * path[t - 1] + fresh * path[t]
    return path.T


@former_options(**FORMER_LOG)
def untreated_shocks(study: Study, outcome: str, scale: str | None = None) -> Shocks:
    """Estimate shocks from every village-year that no treatment touched, by how far villages drift apart in k years.

    Village levels drop out of changes, so that few years do not bias persistence as residuals from village means
    would. Half the mean squared change over k years, the year's median removed, is g(1 - p^k) + u(1 - q^k) + e +
    (a + b)k^2/2, with variances g, u, e of group, village and passing shocks and a, b of groups' and villages' growth;
    half the mean product of the changes of two villages of a group is g(1 - p^k) + ak^2/2. Both are fitted by
    non-negative least squares, weighted by the pairs behind each. What the study's controls explain is taken out first.

    Parameters
    ----------
    study, outcome, scale
        As in `did`. Shocks are in log points under "poisson" and "log", and in levels where the outcome's own scale is
        "poisson" and nothing is below zero: such an outcome varies in per cent, on whatever scale it is analysed.

    Raises
    ------
    StudyError
        With fewer than three years without treatment, which cannot tell lasting from passing shocks.

    Examples
    --------
    >>> from analysis import load_study
    >>> shocks = untreated_shocks(load_study(), "collective_income_cny", "poisson")
    >>> shocks.unit > 0
    True
    """
    scale = study.scale_of(outcome, scale)
    if scale == "level" and study.scale_of(outcome) == "poisson" and not (study.column(outcome) < 0).any():
        scale = "poisson"
    controls, _ = study.specification(outcome)
    # Villages that are always at zero stay there.
    sample = select_sample(study, outcome, controls, scale="level" if scale == "poisson" else scale)
    explained = explained_by_controls(sample, scale, study.noun)
    net = sample.outcome * np.exp(-explained) if scale == "poisson" else sample.outcome - explained
    frame = sample.frame[["unit", "group", "time"]].assign(value=sample.outcome, net=net)
    frame = frame[~(sample.frame["time"] >= sample.frame["first_treated"]).fillna(False).to_numpy(dtype=bool)]
    if (years := frame["time"].nunique()) < FEWEST_YEARS:
        fault = (
            "{years} without treatment cannot tell lasting shocks from passing ones. Bring at least {fewest} years, or "
            "the shocks of another study or outcome."
        )
        raise StudyError(fault, years=count(years, "year"), fewest=FEWEST_YEARS)
    units = study.units
    everyone = pd.MultiIndex.from_arrays(
        [units["group"].astype(frame["group"].dtype), units.index], names=["group", "unit"]
    )
    years = range(frame["time"].min(), frame["time"].max() + 1)
    by_row = frame.set_index(["group", "unit", "time"])
    wide, net = (by_row[name].unstack().reindex(index=everyone, columns=years) for name in ("value", "net"))
    treated = units["first_treated"].notna().rename(str)
    if scale != "poisson":
        return _from_changes(net, treated)
    return replace(_from_changes(np.log(net.where(net > 0)), treated), money=_money(wide.droplevel("group")))


def _money(wide: pd.DataFrame) -> Money:
    """Village and year means whose products have every village's and year's total: a Poisson fit without treatment."""
    known = wide.notna().to_numpy(dtype=float)
    values = wide.fillna(0.0).to_numpy()
    path = np.ones(wide.shape[1])
    for _ in range(ROUNDS):
        with np.errstate(invalid="ignore"):
            mean = values.sum(axis=1) / (known @ path)
            fresh = values.sum(axis=0) / (np.nan_to_num(mean) @ known)
        fresh = fresh / np.nanmean(fresh)
        settled = np.nanmax(np.abs(fresh - path)) <= SETTLED
        path = np.nan_to_num(fresh)
        if settled:
            break
    by_year = pd.Series(path, wide.columns)
    zeros = (wide == 0).sum(axis=1) / wide.notna().sum(axis=1)
    names = wide.index.astype(str)
    return Money(pd.Series(mean, names), zeros.set_axis(names), by_year[by_year > 0])


def _from_changes(wide: pd.DataFrame, treated: pd.Series) -> Shocks:
    """Shocks from villages' values by year, in rows of group and unit."""
    relative = _scale(wide, treated.to_numpy())
    moments = pd.DataFrame({lag: _moments(wide, lag, relative, treated) for lag in range(1, wide.shape[1])}).T
    moments = moments[moments["changes"] > 0]
    lags = moments.index.to_numpy()
    group, group_persistence, _, group_growth = _fit(moments["together"], moments["couples"], passing=False)
    own = moments["alone"] - group * (1 - group_persistence**lags) - group_growth * lags**2 / 2
    unit, unit_persistence, passing, unit_growth = _fit(own, moments["changes"], passing=True)
    sizes = group**0.5, group_persistence, unit**0.5, unit_persistence, passing**0.5
    scale = relative.droplevel("group").rename(str)
    return Shocks(*sizes, scale, treated, group_growth**0.5, unit_growth**0.5)


def _changes(wide: pd.DataFrame, lag: int) -> pd.DataFrame:
    """Changes over `lag` years by unit, each year's median removed: a mean would carry the largest units' shocks."""
    change = pd.DataFrame(wide.to_numpy()[:, lag:] - wide.to_numpy()[:, :-lag], index=wide.index)
    return change - change.median()


def _scale(wide: pd.DataFrame, treated: np.ndarray) -> pd.Series:
    """Each unit's root mean square change relative to all units', shrunk as few years ask (`variability`).

    A year's changes are relative to the untreated units' of that year, so that calm years make no calm unit. Treated
    and untreated units are shrunk each towards their own kind, so that richer districts stay more variable.
    Zero where a unit never moved; its kind's where no change is known (one, if none of its kind's is).
    """
    change = _changes(wide, 1)
    typical = np.sqrt((change[~treated] ** 2).mean())
    change = change / typical.where(typical > 0, np.sqrt((change**2).mean(axis=None)))
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


def _moments(wide: pd.DataFrame, lag: int, scale: pd.Series, treated: pd.Series) -> dict[str, float]:
    """Half the mean square of changes over `lag` years, the same for products within groups, and what is behind.

    Both are relative to the units' scales, so that a group of large villages does not seem a more correlated one. Pairs
    of years count by their untreated villages: those before the start, with more villages known, count no more.
    """
    change = _changes(wide, lag)
    known = change.notna().mul(scale, axis="index")
    (alone, together), (changes, couples) = (_by_years(part) for part in (change, known))
    outside = _by_years(known[~treated.to_numpy()])
    return {
        "alone": _mean(alone, changes, outside[0]) / 2,
        "together": _mean(together, couples, outside[1]) / 2,
        "changes": float(changes.sum()),
        "couples": float(couples.sum()),
    }


def _by_years(part: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Sums of squares, and of products of two units of a group, in each pair of years."""
    total, square = (each.groupby(level="group").sum().to_numpy() for each in (part, part**2))
    return square.sum(axis=0), (total**2 - square).sum(axis=0)


def _mean(sums: np.ndarray, known: np.ndarray, weights: np.ndarray) -> float:
    """Mean of sums over what is known, by these weights; by what is known where they are all zero."""
    weights = weights if (weights > 0).any() else known
    some = (known > 0) & (weights > 0)
    return float(np.average(sums[some] / known[some], weights=weights[some])) if some.any() else 0.0


def _fit(moments: pd.Series, weights: pd.Series, *, passing: bool) -> tuple[float, float, float, float]:
    """Variance and persistence of lasting shocks, variances of passing ones and of growth, nearest to the moments."""
    lags, root = moments.index.to_numpy(dtype=float), np.sqrt(weights.to_numpy(dtype=float))
    found = []
    for persistence in PERSISTENCES:
        columns = np.column_stack([1 - persistence**lags, np.full(len(lags), float(passing)), lags**2 / 2])
        (variance, rest, growth), distance = nnls(columns * root[:, None], moments.to_numpy() * root)
        found.append((distance, float(variance), float(persistence), float(rest), float(growth)))
    return min(found)[1:]
