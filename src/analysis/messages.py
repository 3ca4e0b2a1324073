"""How errors speak: what is wrong, where (a count and the first three), and what to do."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd


class StudyError(ValueError):
    """The panel or its design cannot support the analysis asked for; the message says what to do."""


class FewTreatedGroupsWarning(UserWarning):
    """Fewer than three treated groups: most inference is uninformative, and the message says how."""


def count(number: int, noun: str) -> str:
    """A number with its noun: 1 village, 2 villages."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def first(values: Iterable) -> str:
    """The first three of many, with dots where there are more."""
    values = list(values)
    return ", ".join(map(str, values[:3])) + (", ..." if len(values) > 3 else "")


def unit_years(frame: pd.DataFrame, mask: pd.Series) -> list[str]:
    """Unit and year of each row of a mask."""
    return [f"{unit} in {year}" for unit, year in frame.loc[mask, ["unit", "time"]].itertuples(index=False)]


def rows(frame: pd.DataFrame, mask: pd.Series, values: pd.Series | None = None) -> str:
    """Name rows: how many, and the first three by unit and year (and what stands there)."""
    places = unit_years(frame, mask)
    if values is not None:
        places = [f"{place} ({value!r})" for place, value in zip(places, values[mask].tolist(), strict=True)]
    return f"{count(len(places), 'row')}: {first(places)}"


def amount(number: float) -> str:
    """A number as a sentence shows it: whole with separators from 100 on, else three decimals."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3f}"
