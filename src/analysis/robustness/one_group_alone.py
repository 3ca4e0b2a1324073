"""One district among all groups: how large its effect is beside any other group's, treated alone on paper."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from analysis.design.variability import TIE_TOLERANCE, variability
from analysis.inference.assignments import group_starts
from analysis.inference.inversion import connected_interval
from analysis.inference.reassignment import group_moments, refit
from analysis.regression.regression import fit
from analysis.regression.regressors import control_columns
from analysis.regression.sample import Sample


@dataclass(frozen=True)
class Placements:
    """The effect every group would show, were it alone treated from each start year that was given.

    Attributes
    ----------
    effect, unit_effect : ndarray, shape (groups, starts)
        The effect for the outcome, and for an outcome that is one where treatment really was (zero elsewhere);
        NaN where a group has no years to compare.
    variability : ndarray, shape (groups,)
        How much each group moved before anyone was treated, beside groups of its size; see `variability`.
    villages : ndarray, shape (groups,)
    groups : Index
    given : ndarray of int, shape (groups,)
        Position of each group's start year, -1 for untreated groups.
    """

    effect: np.ndarray
    unit_effect: np.ndarray
    variability: np.ndarray
    villages: np.ndarray
    groups: pd.Index
    given: np.ndarray

    @property
    def treated(self) -> np.ndarray:
        """Positions of the treated groups."""
        return np.flatnonzero(self.given >= 0)

    def statistics(self, effect: float = 0.0) -> np.ndarray:
        """Studentised placements under a constant effect, shape (groups, starts).

        Each is divided by the group's variability before, then by the standard deviation that such quotients have in
        groups of its size: squares are regressed on a constant and on one over the villages, neither negative. The rule
        is the same whoever was treated, so that tests are exact where standardised paths are exchangeable.
        """
        placed = self.effect - effect * self.unit_effect
        return np.abs(placed) / self._spread(placed)

    def _spread(self, placed: np.ndarray) -> np.ndarray:
        """What each placement is divided by, shape (groups, starts)."""
        own = self.variability[:, None]
        return own * np.column_stack([_deviation(values, self.villages) for values in (placed / own).T])

    def of_treated(self, values: np.ndarray) -> np.ndarray:
        """The treated groups' own values, shape (treated groups,)."""
        return values[self.treated, self.given[self.treated]]

    @property
    def tells_groups_apart(self) -> bool:
        """Whether some group is known to have moved more than another before anyone was treated."""
        return bool((self.variability != 1).any())

    def rank(self, effect: float = 0.0) -> float:
        """P-value of a constant effect of the one treated group: its rank among all groups."""
        statistics = self.statistics(effect)
        bar = self.of_treated(statistics)[0] * (1 - TIE_TOLERANCE)
        return float((statistics[~np.isnan(statistics)] >= bar).mean())

    def usual(self, level: float) -> float:
        """The size of effect that this share of untreated groups would stay below, as variable as the treated one."""
        group, start = self.treated[0], self.given[self.treated[0]]
        others = self.statistics()[self.given < 0, start]
        known = others[~np.isnan(others)]
        return float(np.quantile(known, level) * self._spread(self.effect)[group, start]) if len(known) else np.nan

    def interval(self, level: float) -> tuple[float, float]:
        """Constant effects of the one treated group that its rank does not reject; NaN where no group shows any."""
        scale = float(np.sqrt(np.nanmean(self.effect**2)))
        if not scale > 0:
            return np.nan, np.nan
        return connected_interval(self.rank, float(self.of_treated(self.effect)[0]), scale, level)

    def strongest(self) -> tuple[object, float]:
        """The treated group with the largest statistic, and its p-value as the largest of them.

        The start years of the treated groups are dealt anew to all groups that can have one, and the largest statistic
        that any of them gets is compared with the strongest one's.
        """
        statistics = self.statistics()
        own = self.of_treated(statistics)
        labels = np.bincount(self.given[self.treated])
        return self.groups[self.treated[own.argmax()]], share_reaching(
            statistics, labels, own.max() * (1 - TIE_TOLERANCE)
        )

    def smallest(self) -> pd.Series:
        """The p-value of each treated group as the strongest, however strong it is: the chance of its start."""
        floors, labels = {}, np.bincount(self.given[self.treated])
        for group in self.treated:
            reached = np.where(np.isnan(self.effect), np.nan, 0.0)
            reached[group, self.given[group]] = 1.0
            floors[self.groups[group]] = share_reaching(reached, labels, bar=1.0)
        return pd.Series(floors)


def placements(sample: Sample) -> Placements:
    """Treat every group of a sample alone, from each start year that was given, without refitting.

    Each group's effect is the average over its treated village-years, all others being its comparison. A group whose
    treated years are absorbed by controls, or without years to compare, has none (NaN).
    """
    fitted = fit(sample, "cohort_year")
    own = group_starts(sample.frame)
    starts = np.unique(own.dropna()).astype(int)
    groups, cells = len(own), len(own) * len(starts)
    codes = np.full((cells, groups), -1, dtype=np.int16)
    codes[np.arange(cells), np.tile(np.arange(groups), len(starts))] = np.repeat(np.arange(len(starts)), groups)
    average = fitted.cell_sizes() / fitted.cell_sizes().sum()
    refits = refit(group_moments(fitted, average, starts), codes, spread=False)
    placed = np.where(refits.estimable[:, None], refits.coefficient, np.nan).reshape(len(starts), groups, 2)
    villages = sample.units().groupby("group", sort=False, observed=True)["villages"].sum().to_numpy()
    return Placements(
        placed[:, :, 0].T,
        placed[:, :, 1].T,
        variability(_changes_before(sample, starts[0]).reindex(columns=own.index).to_numpy(), villages),
        villages,
        own.index,
        np.where(own.isna(), -1, np.searchsorted(starts, own)),
    )


def share_reaching(statistics: np.ndarray, labels: Iterable[int], bar: float) -> float:
    """Share of all assignments in which the largest statistic reaches `bar`, counted without listing them.

    Use it for the exact distribution of a maximum when labels (start years) are dealt to different groups. With one
    start year it is hypergeometric; with several, assignments that stay below the bar are counted group by group.

    Parameters
    ----------
    statistics : ndarray, shape (groups, starts)
        What each group shows with each label; NaN: cannot have it.
    labels : iterable of int, length starts
        How many groups have each label.
    bar : float

    Examples
    --------
    >>> share_reaching(np.array([[3.0], [1.0], [2.0], [0.5]]), [2], bar=3.0)
    0.5
    """
    possible, below = ~np.isnan(statistics), statistics < bar
    ways = np.zeros((2, *(number + 1 for number in labels)))
    ways.reshape(2, -1)[:, 0] = 1.0
    for allowed in zip(possible, below, strict=True):
        before = ways.copy()
        for count, starts in enumerate(allowed):
            for start in np.flatnonzero(starts):
                taken = np.moveaxis(ways[count], start, 0)
                taken[1:] += np.moveaxis(before[count], start, 0)[:-1]
        ways /= ways[0].max()
    every, spared = ways.reshape(2, -1)[:, -1]
    return float(1 - spared / every)


def _changes_before(sample: Sample, first: int) -> pd.DataFrame:
    """Changes of group means before a year (rows), free of common changes and of those that controls explain.

    A change is from one year of the panel to the next, in villages that have both.
    """
    frame = sample.frame
    position = pd.Series(np.unique(frame["time"], return_inverse=True)[1], frame.index)
    follows = (frame["unit"] == frame["unit"].shift()) & (position == position.shift() + 1)
    later = np.flatnonzero(follows & (frame["time"] < first))
    values = np.column_stack([sample.outcome, control_columns(sample).to_numpy(dtype=float)])
    change, rows = values[later] - values[later - 1], frame.iloc[later]
    weights = sample.weights[later]
    time = rows["time"].to_numpy()
    design = np.column_stack([time[:, None] == np.unique(time), change[:, 1:]]) * np.sqrt(weights)[:, None]
    explained = np.linalg.lstsq(design, change[:, 0] * np.sqrt(weights))[0]
    left = change[:, 0] * weights - design @ explained * np.sqrt(weights)
    left = np.where(np.abs(left) > TIE_TOLERANCE * np.abs(values[:, 0]).max(initial=0.0) * weights, left, 0.0)
    table = pd.DataFrame({"time": time, "group": rows["group"].to_numpy(), "left": left, "weight": weights})
    sums = table.groupby(["time", "group"])[["left", "weight"]].sum()
    return (sums["left"] / sums["weight"]).unstack()


def _deviation(effects: np.ndarray, villages: np.ndarray) -> np.ndarray:
    """Standard deviation of effects by number of villages, a + b / villages in squares; NaN effects are left out."""
    size = np.column_stack([np.ones(len(villages)), 1 / villages])
    known = ~np.isnan(effects)
    scale = float(np.nanmax(np.abs(effects))) or 1.0
    shares, _ = nnls(size[known], (effects[known] / scale) ** 2)
    return scale * np.sqrt(size @ shares) if shares.any() else np.ones(len(villages))
