"""Shocks to villages and their groups, and outcomes without any effect, drawn from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


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


@dataclass(frozen=True)
class DrawnOutcomes:
    """The rows of a design with the shocks they are drawn from.

    Attributes
    ----------
    shocks : Shocks
    group, unit, year : ndarray of int, shape (n,)
        Codes of each row's group, unit and year, each from 0.
    scale, path : ndarray, shape (n,)
        The unit's size of shocks, and what all units have in the year relative to other years.
    treated, mean, zeros : ndarray, shape (units,)
        Of each unit; mean and share of zeros are missing where they are to be drawn by kind.
    """

    shocks: Shocks
    group: np.ndarray
    unit: np.ndarray
    year: np.ndarray
    scale: np.ndarray
    path: np.ndarray
    treated: np.ndarray
    mean: np.ndarray
    zeros: np.ndarray

    @classmethod
    def of(cls, frame: pd.DataFrame, shocks: Shocks) -> DrawnOutcomes:
        """Those of a design's rows; a copy of a unit, which is named after it and numbered, is like it."""
        unit, copies = pd.factorize(frame["unit"])
        names = pd.Series(copies).str.rsplit(" ", n=1).str[0]
        treated = np.zeros(len(names), dtype=bool)
        treated[unit] = frame["first_treated"].notna().to_numpy()
        mean, zeros, path = np.full(len(names), np.nan), np.full(len(names), np.nan), np.ones(len(frame))
        if money := shocks.money:
            years = money.path.reindex(np.unique(frame["time"]), method="nearest")
            path = frame["time"].map(years).to_numpy(dtype=float)
            if shocks.knows(names, treated):
                mean, zeros = (names.map(of_unit).to_numpy() for of_unit in (money.mean, money.zeros))
        codes = pd.factorize(frame["group"])[0], unit, (frame["time"] - frame["time"].min()).to_numpy()
        return cls(shocks, *codes, shocks.sizes(names, treated)[unit], path, treated, mean, zeros)

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        """One outcome of all rows, shape (n,): shocks alone, or money that varies by them in per cent.

        Shocks move a village's money between years: how much it has on average is known.
        """
        money = self.shocks.money
        shocks = self.scale * self.shocks.draw(generator, self.group, self.unit, self.year, money is not None)
        if money is None:
            return shocks
        mean, zeros = self._sizes(generator, money)
        variance = self.scale**2 * self.shocks.variances(self.year.max() + 1)[self.year]
        drawn = mean[self.unit] * self.path * np.exp(shocks - variance / 2)
        if zeros.max() > 0:
            positive = generator.random(len(drawn)) >= zeros[self.unit]
            drawn *= positive / np.maximum(1 - zeros, np.finfo(float).tiny)[self.unit]
        return drawn

    def _sizes(self, generator: np.random.Generator, money: Money) -> tuple[np.ndarray, np.ndarray]:
        """Mean and share of zeros by unit, another unit's of its kind where they are not known."""
        unknown = np.isnan(self.mean)
        if not unknown.any():
            return self.mean, self.zeros
        mean, zeros, known = self.mean.copy(), self.zeros.copy(), money.mean.notna()
        for treated in (False, True):
            some, alike = unknown & (self.treated == treated), known & (self.shocks.treated == treated)
            chosen = generator.choice(np.flatnonzero(alike if alike.any() else known), some.sum())
            mean[some], zeros[some] = money.mean.to_numpy()[chosen], money.zeros.to_numpy()[chosen]
        return mean, zeros
