"""Outcomes of a design's villages and years without any effect, drawn from shocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.design.shocks import Money, Shocks


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
