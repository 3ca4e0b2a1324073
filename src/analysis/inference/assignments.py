"""The assignments treatment could have had: whole groups, within strata, in the observed numbers and start years."""

from dataclasses import dataclass
from itertools import combinations
from math import factorial, prod

import numpy as np
import pandas as pd

from analysis.messages import StudyError, first, refuse


@dataclass(frozen=True)
class Assignments:
    """Reassignments of treatment to whole groups.

    Attributes
    ----------
    starts : ndarray, shape (S,)
        Start years, ascending.
    observed : ndarray, shape (groups,)
        What each group got: -1 for never treated, else a position in `starts`. Groups stand in order of appearance.
    codes : ndarray, shape (assignments, groups)
        The same for every enumerated assignment (the observed one among them), or for every one drawn.
    total : int
        How many distinct assignments there are.
    enumerated : bool
    strata : int
        Within how many strata groups can trade places; 0 where all can with all (or there is one stratum).
    fixed : tuple of str
        Strata with treated groups that can be assigned in one way only.
    """

    starts: np.ndarray
    observed: np.ndarray
    codes: np.ndarray
    total: int
    enumerated: bool
    strata: int
    fixed: tuple[str, ...]


def group_starts(frame: pd.DataFrame) -> pd.Series:
    """Start year of every group (NaN: never), in order of appearance; groups must be treated as a whole.

    Raises
    ------
    StudyError
        When a group holds treated and untreated units, or units with different start years.
    """
    units = frame.drop_duplicates("unit")
    starts = units["first_treated"].astype("float64").groupby(units["group"], sort=False, observed=True)
    kinds = starts.nunique(dropna=False)
    remedy = (
        "Treatment was not given to whole groups there. Name as `group` the level it was given at, if need be the unit "
        "itself."
    )
    refuse(kinds.index[kinds > 1], "group", "Treated and untreated units, or several start years, meet", remedy)
    return starts.first()


def possible_assignments(
    frame: pd.DataFrame, within: str | None, draws: int, seed: int, movable: np.ndarray | None = None
) -> Assignments:
    """Enumerate all reassignments where there are at most `draws`, else draw that many at random.

    Parameters
    ----------
    frame : DataFrame
        Columns unit, first_treated, group, stratum.
    within : {"stratum", None}
        Whether groups trade places within their stratum only.
    movable : ndarray of bool, shape (groups,), optional
        Groups that can trade places; a group that tells nothing of the effect keeps its own. Default: all.

    Raises
    ------
    StudyError
        Groups that mix treatments or (within strata) lie in several, or only one possible assignment.
    """
    starts, observed = np.unique(group_starts(frame).to_numpy(), return_inverse=True)
    starts, observed = starts[:-1], np.where(observed == len(starts) - 1, -1, observed).astype(np.int16)
    blocks, names = pd.factorize(_strata(frame, within))
    movable = np.ones(len(observed), dtype=bool) if movable is None else movable
    members = [np.flatnonzero(movable & (blocks == block)) for block in range(len(names))]
    ways = [_arrangement_count(observed[block]) for block in members]
    total = prod(ways)
    known = zip(names, members, ways, strict=True)
    fixed = tuple(str(name) for name, block, n in known if n == 1 and observed[block].max(initial=-1) >= 0)
    if total == 1:
        fault = (
            "Treatment could have gone to no other groups: every stratum with treated groups has no untreated group "
            "({found}), so randomization has nothing to compare. Use within=None to reassign over all groups."
        )
        raise StudyError(fault, found=first(fixed))
    trading = [block for block, number in zip(members, ways, strict=True) if number > 1]
    codes = _enumerate(observed, trading) if total <= draws else _draw(observed, trading, draws, seed)
    strata = len(trading) if len(names) > 1 else 0
    return Assignments(starts.astype(int), observed, codes, total, total <= draws, strata, fixed)


def _strata(frame: pd.DataFrame, within: str | None) -> pd.Series:
    """Stratum of every group, in order of appearance."""
    if within is None:
        return pd.Series("all groups", index=frame["group"].unique())
    strata = frame.groupby("group", sort=False, observed=True)["stratum"]
    several = strata.nunique()
    remedy = "Use within=None to reassign treatment over all groups, or correct the strata."
    refuse(several.index[several > 1], "group", "More than one stratum meets", remedy)
    return strata.first()


def _arrangement_count(codes: np.ndarray) -> int:
    """Distinct orders of a list with repetitions."""
    return factorial(len(codes)) // prod(factorial(int(n)) for n in np.unique(codes, return_counts=True)[1])


def _arrangements(codes: np.ndarray) -> np.ndarray:
    """All distinct orders of a list with repetitions, shape (orders, length); -1 marks the places left over."""
    orders = [np.full(len(codes), -1, dtype=np.int16)]
    for code, number in zip(*np.unique(codes[codes >= 0], return_counts=True), strict=True):
        filled = []
        for order in orders:
            for places in combinations(np.flatnonzero(order < 0), int(number)):
                filled.append(order.copy())
                filled[-1][list(places)] = code
        orders = filled
    return np.array(orders)


def _enumerate(observed: np.ndarray, blocks: list[np.ndarray]) -> np.ndarray:
    orders = [_arrangements(observed[block]) for block in blocks]
    picks = np.indices([len(order) for order in orders]).reshape(len(orders), -1)
    codes = np.tile(observed, (picks.shape[1], 1))
    for block, order, pick in zip(blocks, orders, picks, strict=True):
        codes[:, block] = order[pick]
    return codes


def _draw(observed: np.ndarray, blocks: list[np.ndarray], draws: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    codes = np.tile(observed, (draws, 1))
    for block in blocks:
        codes[:, block] = generator.permuted(codes[:, block], axis=1)
    return codes
