"""A sheet before anybody knows what it means: cells as CSV would hold them, and what a spreadsheet adds."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from analysis.reading.clean_cells import DATES
from analysis.reading.number_formats import as_shown, format_pieces, is_divided, is_percent

# A spreadsheet keeps fifteen digits of a number.
EXACT_BELOW = 1e15
NO_RESULT, SCALED = "\0", "\1"
"""What the text of a cell begins with that holds no number to read; its place follows."""
UNREADABLE = {
    NO_RESULT: (
        "{file} has {} with a formula but no stored result",
        "Open it in Excel or WPS, let it calculate, and save it; or paste the values.",
    ),
    SCALED: (
        "{file} has {} whose format divides what is shown, as 12.3万 for 123000",
        "Give these cells a plain number format, and see that the unit in the study file is that of the numbers.",
    ),
}
Shown = str | datetime.date | datetime.time | datetime.timedelta
Area = tuple[int, int, int, int]


@dataclass(frozen=True)
class Grid:
    """One sheet, or a file of text; rows and columns are counted from 0.

    Attributes
    ----------
    rows : list of list of str
        Each cell as CSV would hold it; a number in per cent keeps its sign.
    shown : mapping
        By row and column what a code or year is where that differs: a number as its format shows it, a date.
    merged : tuple of Area
        Merged cells: first row, first column, last row, last column.
    hidden : frozenset of int
        Hidden rows.
    """

    title: str
    rows: list[list[str]]
    shown: Mapping[tuple[int, int], Shown] = field(default_factory=dict)
    merged: tuple[Area, ...] = ()
    hidden: frozenset[int] = frozenset()
    note: str = ""


def as_number(value: object, number_format: str, place: str) -> str:
    """The text of a spreadsheet's cell as CSV would hold it.

    Examples
    --------
    >>> as_number(0.35, "0%", "B2"), as_number(12.0, "General", "B3"), as_number(None, "General", "B4")
    ('35.00%', '12', '')
    """
    if value in (None, ""):
        return ""
    if isinstance(value, datetime.datetime):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    pieces = format_pieces(number_format, value)
    if is_percent(pieces):
        return f"{Decimal(repr(value)) * 100:f}%"
    if is_divided(pieces):
        return SCALED + place
    if abs(value) >= EXACT_BELOW:
        return f"{value:.16E}"
    return str(int(value)) if value == int(value) else repr(value)


def as_code(value: object, number_format: str, text: str) -> Shown:
    """A code or year: a date as a date, a whole number as its format shows it.

    Examples
    --------
    >>> as_code(2, "000", "2"), as_code(datetime.datetime(2024, 2, 1), "General", "2024-02-01")
    ('002', datetime.date(2024, 2, 1))
    """
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date()
    if isinstance(value, DATES):
        return value
    whole = isinstance(value, int | float) and text.isdigit()
    return as_shown(format_pieces(number_format, float(value)), text) if whole else text  # type: ignore[arg-type]


def grid_of(title: str, cells: list[list[tuple[object, str, str]]], **known: object) -> Grid:
    """A sheet from the value, the number format and the place of each cell."""
    rows = [[as_number(*cell) for cell in row] for row in cells]
    shown = {
        (at, column): code
        for at, row in enumerate(cells)
        for column, (value, number_format, _) in enumerate(row)
        if value is not None and not isinstance(value, str)
        if (code := as_code(value, number_format, rows[at][column])) != rows[at][column]
    }
    return Grid(title.strip(), rows, shown, **known)  # type: ignore[arg-type]
