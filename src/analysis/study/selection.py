"""Which part of a panel is taken: years asked for, and rows of units left out by name; what is left out is said."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from analysis.messages import StudyError, count, first
from analysis.study.labels import text_label
from analysis.study.panel_rows import first_rows

ALIKE, MANY = 0.8, 5
"""From so many units on, nearly as many that end as that begin are taken for codes that changed."""


def take(frame: pd.DataFrame, leave_out: Collection, years: Sequence[int] | None) -> tuple[pd.DataFrame, list[str]]:
    """The rows of the years asked for without the units left out, and a sentence on each."""
    said = []
    if isinstance(leave_out, str):
        raise StudyError(f'leave_out must be a list of units. Write leave_out = ["{leave_out}"].')
    if len(leave_out):
        names = {text_label(one) for one in leave_out}
        codes, distinct = pd.factorize(frame["unit"])
        found = [text_label(one) in names for one in distinct]
        if lost := sorted(names - {text_label(one) for one in distinct}):
            raise StudyError(f"leave_out names {count(len(lost), 'unit')} not in the panel: {first(lost)}. Correct it.")
        out = pd.Series(found).to_numpy()[codes]
        frame = frame[~out]
        said.append(f"{count(sum(found), 'unit')} left out as asked: {first(sorted(names))} ({out.sum():,} rows).")
    if years is not None:
        frame = _years(frame, years, said)
    return frame.reset_index(drop=True) if said else frame, said


def _years(frame: pd.DataFrame, years: Sequence[int], said: list[str]) -> pd.DataFrame:
    """The rows from one year to another; starts after them are of units not treated in these years."""
    whole = not isinstance(years, str) and len(years) == 2 and all(isinstance(one, int) for one in years)
    if not whole or years[0] >= years[1]:
        raise StudyError(f"years must be the first and the last year to take, such as [2010, 2019], not {years!r}.")
    inside = frame["time"].between(*years)
    if not inside.any():
        span = f"{frame['time'].min()} to {frame['time'].max()}"
        raise StudyError(f"The panel has no row from {years[0]} to {years[1]}. It runs from {span}.")
    said.append(f"Years {years[0]} to {years[1]} taken; {(~inside).sum():,} rows of other years left out.")
    frame = frame[inside]
    if "first_treated" in frame:
        starts = pd.to_numeric(frame["first_treated"])
        later = starts > years[1]
        if later.any():
            units = frame.loc[later, "unit"].unique()
            said.append(f"{count(len(units), 'unit')} treated after {years[1]} taken as untreated: {first(units)}.")
            frame = frame.assign(first_treated=starts.mask(later))
    return frame


def changed_codes(frame: pd.DataFrame) -> list[str]:
    """Units that end in one year as as many others begin in the next; rows in order of unit and year."""
    begins = first_rows(frame)
    unit, time = frame["unit"].iloc[begins].to_numpy(), frame["time"].to_numpy()
    starts, ends = time[begins], time[np.append(begins[1:], len(frame)) - 1]
    said = []
    for year in np.unique(ends[ends < time.max()]):
        after = starts[starts > year].min(initial=time.max() + 1)
        gone, come = unit[ends == year], unit[starts == after]
        if len(gone) == len(come) or min(len(gone), len(come)) >= ALIKE * max(len(gone), len(come), MANY):
            said.append(
                f"LOOK: {count(len(gone), 'unit')} end in {year} ({first(gone)}) as {len(come):,} others begin in "
                f"{after} ({first(come)}). If a code or name changed (as when a county becomes a district, 撤县设区), "
                "give the unit one code in all its years: as it stands, it is two units, neither seen before and after."
            )
    return said
