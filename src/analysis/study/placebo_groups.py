"""Placebo districts: comparable groups for untreated units that have none of their own."""

import numpy as np
import pandas as pd

from analysis.messages import StudyError, refuse
from analysis.study.unit_names import code_order

PLACEBO = "placebo "


def placebo_groups(units: pd.DataFrame, size: int) -> pd.Series:
    """Cut units into groups of about `size`, by code order within the stratum (names in order of text).

    Use it where untreated units have no grouping of their own: treatment was given to groups, so only
    groups of like size are comparable. The cut is arbitrary; show how far a result depends on it.

    Parameters
    ----------
    units : DataFrame
        Index: unit; column `stratum` (may be absent: one stratum).
    size : int
        Wanted group size; a stratum of n units gives n/size groups (rounded), as equal as possible.

    Returns
    -------
    Series
        Group name per unit, such as "placebo 410883001-2".

    Examples
    --------
    >>> placebo_groups(pd.DataFrame({"stratum": ["a"] * 4}, index=[11, 12, 13, 14]), 2).tolist()
    ['placebo a-1', 'placebo a-1', 'placebo a-2', 'placebo a-2']
    """
    if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
        raise StudyError("placebo_group_size must be a whole number from 1 on, not {size!r}.", size=size)
    stratum = units["stratum"] if "stratum" in units else pd.Series("all", index=units.index)
    names = pd.Series(index=units.index, dtype=object)
    for key, members in stratum.iloc[code_order(stratum.index)].groupby(stratum, sort=True, observed=True):
        blocks = np.array_split(members.index, max(1, round(len(members) / size)))
        for number, block in enumerate(blocks, start=1):
            names[block] = f"{PLACEBO}{key}-{number}"
    return names


def cut_anew(units: pd.DataFrame, size: int, generator: np.random.Generator) -> pd.Series:
    """Group of each unit with placebo groups cut again, in random order within the stratum; others stay as they are."""
    placebo = units["first_treated"].isna() & units["group"].astype("string").str.startswith(PLACEBO)
    cut = units.loc[placebo, ["stratum"]]
    groups = units["group"].astype(object)
    groups[cut.index] = placebo_groups(cut.set_axis(generator.permutation(len(cut))), size).to_numpy()
    return groups


def fill_groups(frame: pd.DataFrame, size: int | None) -> tuple[int, int]:
    """Fill in groups and strata that are not named, and cut placebo groups: how many, and their wanted size."""
    if "stratum" not in frame:
        frame["stratum"] = pd.Categorical.from_codes(np.zeros(len(frame), dtype="int8"), ["all"])
    if "group" in frame:
        return _cut_placebo_groups(frame, size)
    if size is not None:
        raise StudyError(
            "placebo_group_size cuts groups of untreated units, but no group column is given. Name the column "
            "of the treated units' groups, or leave it out."
        )
    frame["group"] = frame["unit"]
    return 0, 0


def _cut_placebo_groups(frame: pd.DataFrame, size: int | None) -> tuple[int, int]:
    """Groups for untreated units without one: how many were made, and their wanted size."""
    treated, missing = frame["first_treated"].notna(), frame["group"].isna()
    lost = frame.loc[treated & missing, "unit"].unique()
    remedy = "Say for every treated unit in which group it was treated."
    refuse(lost, "treated unit", "No group for {}", remedy)
    if not missing.any():
        if size is not None:
            raise StudyError("placebo_group_size is given, but every unit has a group. Leave it out.")
        return 0, 0
    taken = [name for name in frame["group"].dropna().unique() if str(name).startswith(PLACEBO)]
    remedy = "Placebo groups are named so; rename yours."
    refuse(taken, "group", "{} begin with {placebo!r}", remedy, placebo=PLACEBO)
    if size is None:
        sizes = frame.loc[treated].groupby("group")["unit"].nunique()
        size = max(1, round(float(sizes.median())))
    units = frame.loc[missing, ["unit", "stratum"]].drop_duplicates("unit").set_index("unit")
    groups = placebo_groups(units, size)
    frame["group"] = frame["group"].astype(object).where(~missing, frame["unit"].map(groups))
    return groups.nunique(), size
