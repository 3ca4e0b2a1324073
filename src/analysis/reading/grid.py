"""A sheet before anybody knows what it means: cells as CSV would hold them, and what a spreadsheet adds."""

import datetime
from collections.abc import Collection, Mapping
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
Cell = tuple[str, Shown]
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


def as_read(value: object, number_format: str = "General", place: str = "") -> Cell:
    """A spreadsheet's cell as CSV would hold it; and as a code or year: a date, a whole number as its format shows it.

    Examples
    --------
    >>> as_read(0.35, "0%"), as_read(2, "000"), as_read(None)
    (('35.00%', '35.00%'), ('2', '002'), ('', ''))
    >>> as_read(datetime.datetime(2024, 2, 1))
    ('2024-02-01', datetime.date(2024, 2, 1))
    """
    if isinstance(value, datetime.datetime):
        return f"{value:%Y-%m-%d}", value.date() if value.time() == datetime.time() else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = "" if value is None else str(value)
        return text, value if isinstance(value, DATES) else text
    pieces = format_pieces(number_format, value)
    if is_percent(pieces):
        text = f"{Decimal(repr(value)) * 100:f}%"
    elif is_divided(pieces):
        text = SCALED + place
    elif abs(value) >= EXACT_BELOW:
        text = f"{value:.16E}"
    else:
        text = str(int(value)) if value == int(value) else repr(value)
    return text, as_shown(pieces, text) if text.isdigit() else text


def grid_of(title: str, cells: list[list[Cell]], merged: list[Area], hidden: Collection[int]) -> Grid:
    """A sheet from both readings of each cell."""
    rows = [[text for text, _ in row] for row in cells]
    shown = {
        (at, column): code for at, row in enumerate(cells) for column, (text, code) in enumerate(row) if code != text
    }
    return Grid(title.strip(), rows, shown, tuple(merged), frozenset(hidden))
