"""Read one sheet of an Excel workbook as text, refusing what a table cannot say: merged cells, lost formulas."""

import datetime
import warnings
import zipfile
from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import Any

from analysis.messages import StudyError, first, refuse
from analysis.reading.clean_cells import DATES
from analysis.reading.header import HEADER_SEARCH, column_names
from analysis.reading.number_formats import as_shown, format_pieces, is_divided, is_percent

# A workbook takes some ten times its unpacked size in memory.
LARGEST_WORKBOOK = 200_000_000
# A spreadsheet keeps fifteen digits of a number.
EXACT_BELOW = 1e15
# Cells take about a minute per million to read; a village panel has far fewer.
LARGEST_SHEET = 1_000_000
NO_RESULT, SCALED = "\0", "\1"
"""What the text of a cell begins with that holds no number to read; its place follows."""
UNREADABLE = {
    NO_RESULT: (
        "with a formula but no stored result",
        "Open it in Excel or WPS, let it calculate, and save it; or paste the values.",
    ),
    SCALED: (
        "whose format divides what is shown, as 12.3万 for 123000",
        "Give these cells a plain number format, and see that the unit in the study file is that of the numbers.",
    ),
}
STRICT = b"http://purl.oclc.org/ooxml/"


def read_workbook(path: Path, shown: Collection[str], sheet: str | None = None) -> tuple[list[list], str]:
    """Rows of a sheet as CSV would hold them, and a note on hidden ones; numbers shown in per cent keep their sign.

    Columns of the names in `shown` (codes and years) hold whole numbers as their format shows them, and dates as dates.

    Raises
    ------
    StudyError
        If the workbook cannot be opened, the sheet is not there, or cells are merged.
    """
    book = _open(path)
    worksheet = _worksheet(path.name, book, sheet)
    merged = sorted((area.min_row, area.min_col, area.coord) for area in worksheet.merged_cells.ranges)
    remedy = (
        "Split them: row 1 holds one full name per column, every other row its own values, and no title stands above."
    )
    refuse([area for *_, area in merged], "merged area", f"{path.name} has {{}}", remedy)
    formulas = _open(path, data_only=False)[worksheet.title]
    top = worksheet.iter_rows(max_row=min(HEADER_SEARCH, worksheet.max_row), values_only=True)
    kept = {at for row in top for at, name in enumerate(column_names(row)) if name in shown}
    both = zip(worksheet.iter_rows(), formulas.iter_rows(), strict=True)
    rows = [
        [(_shown if at in kept else _text)(*cells) for at, cells in enumerate(zip(*pair, strict=True))] for pair in both
    ]
    hidden = sum(worksheet.row_dimensions[at].hidden and any(row) for at, row in enumerate(rows[1:], 2))
    return rows, f" ({hidden:,} of them hidden in the sheet)" if hidden else ""


def _open(path: Path, *, data_only: bool = True) -> Any:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(path) as parts, warnings.catch_warnings(action="ignore", category=UserWarning):
            size = sum(part.file_size for part in parts.infolist())
            strict = [name for name in parts.namelist() if name.endswith("workbook.xml") and STRICT in parts.read(name)]
            if size <= LARGEST_WORKBOOK and not strict:
                return load_workbook(path, data_only=data_only)
    except Exception as error:
        fault = f"{path.name} cannot be opened: it is damaged, has a password, or is an older format under a new name."
        remedy = "Open it in Excel or WPS, remove the password, and save it as .xlsx."
        raise StudyError(f"{fault} {remedy}") from error
    if strict:
        remedy = "In Excel, choose Save as and the type “Excel Workbook (.xlsx)”, without Strict."
        raise StudyError(f"{path.name} is a Strict Open XML workbook, which few programs read. {remedy}")
    raise StudyError(f"{path.name} is too large ({size // 1_000_000:,} MB unpacked). Save it as CSV UTF-8 or Parquet.")


def _worksheet(file: str, book: Any, sheet: str | None) -> Any:
    for one in book.worksheets:
        if one.max_row * one.max_column > LARGEST_SHEET:
            fault = f"{file} has a sheet, {one.title}, of {one.max_row:,} rows and {one.max_column:,} columns."
            remedy = "empty ones that hold only a format; if the table is so large, save it as CSV UTF-8 or Parquet."
            raise StudyError(f"{fault} Delete the {remedy}")
    filled = {one.title.strip(): one for one in book.worksheets if any(map(any, one.values))}
    if not filled:
        raise StudyError(f"{file} is empty: no sheet holds a value. Check that it is the file meant.")
    if sheet is not None and sheet.strip() not in filled:
        raise StudyError(f"{file} has no sheet {sheet!r} with data. Its sheets with data: {', '.join(filled)}.")
    if sheet is None and len(filled) > 1:
        fault = f"{file} has data in {len(filled)} sheets: {first(filled)}. Name the one meant: sheet."
        remedy = "Years on sheets of their own belong below each other on one sheet, with a column for the year."
        raise StudyError(f"{fault} {remedy}")
    return filled[sheet.strip() if sheet else next(iter(filled))]


def _shown(cell: Any, formula: Any) -> str | datetime.date | datetime.time | datetime.timedelta:
    """A code or year: a date as a date, a whole number as its format shows it."""
    value = cell.value
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date()
    if isinstance(value, DATES):
        return value
    text = _text(cell, formula)
    whole = isinstance(value, int | float) and text.isdigit()
    return as_shown(format_pieces(cell.number_format, value), text) if whole else text


def _text(cell: Any, formula: Any) -> str:
    value = cell.value
    if value in (None, ""):
        # A formula's result that is an empty text is stored as text.
        return NO_RESULT + cell.coordinate if formula.data_type == "f" and cell.data_type != "str" else ""
    if isinstance(value, datetime.datetime):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    pieces = format_pieces(cell.number_format, value)
    if is_percent(pieces):
        return f"{Decimal(repr(value)) * 100:f}%"
    if is_divided(pieces):
        return SCALED + cell.coordinate
    if abs(value) >= EXACT_BELOW:
        return f"{value:.16E}"
    return str(int(value)) if value == int(value) else repr(value)
