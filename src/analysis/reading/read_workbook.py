"""Read one sheet of an Excel workbook as text, refusing what a table cannot say: merged cells, lost formulas."""

import datetime
import re
import warnings
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from analysis.messages import StudyError, count, first

# A workbook takes some ten times its unpacked size in memory.
LARGEST_WORKBOOK = 200_000_000
# A spreadsheet keeps fifteen digits of a number.
EXACT_BELOW = 1e15
# Cells take about a minute per million to read; a village panel has far fewer.
LARGEST_SHEET = 1_000_000
NO_RESULT, SCALED = "\0", "\1"
"""What the text of a cell begins with that holds no number to read; its place follows."""
UNREADABLE = {
    NO_RESULT: "{number} with a formula but no stored result: {cells}. Open it in Excel or WPS, let it calculate, and "
    "save it; or paste the values.",
    SCALED: "{number} whose format divides what is shown, as 12.3万 for 123000: {cells}. Give these cells a plain "
    "number format, and see that the unit in the study file is that of the numbers.",
}
# Of a number format: a comma behind the last digit divides by 1,000; a point in quotes or behind ! or \ is drawn only.
DIVIDES = re.compile(r'[0#?],+(?![0#?,])|[!\\]\.|"\."')


def read_workbook(path: Path, sheet: str | None = None) -> tuple[list[list[str]], str]:
    """Rows of a sheet as CSV would hold them, and a note on hidden ones; numbers shown in per cent keep their sign.

    Raises
    ------
    StudyError
        If the workbook cannot be opened, the sheet is not there, or cells are merged.
    """
    book = _open(path)
    worksheet = _worksheet(path.name, book, sheet)
    if merged := sorted((area.min_row, area.min_col, area.coord) for area in worksheet.merged_cells.ranges):
        raise StudyError(
            f"{path.name} has {count(len(merged), 'merged area')}: {first(area[-1] for area in merged)}. Split them: "
            "row 1 holds one full name per column, every other row its own values, and no title stands above."
        )
    formulas = _open(path, data_only=False)[worksheet.title]
    both = zip(worksheet.iter_rows(), formulas.iter_rows(), strict=True)
    rows = [[_text(cell, formula) for cell, formula in zip(*pair, strict=True)] for pair in both]
    hidden = sum(worksheet.row_dimensions[at].hidden and any(row) for at, row in enumerate(rows[1:], 2))
    return rows, f" ({hidden:,} of them hidden in the sheet)" if hidden else ""


def _open(path: Path, *, data_only: bool = True) -> Any:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(path) as parts, warnings.catch_warnings(action="ignore", category=UserWarning):
            size = sum(part.file_size for part in parts.infolist())
            if size <= LARGEST_WORKBOOK:
                return load_workbook(path, data_only=data_only)
    except Exception as error:
        raise StudyError(
            f"{path.name} cannot be opened: it is damaged, has a password, or is an older format under a new name. "
            "Open it in Excel or WPS, remove the password, and save it as .xlsx."
        ) from error
    raise StudyError(f"{path.name} is too large ({size // 1_000_000:,} MB unpacked). Save it as CSV UTF-8 or Parquet.")


def _worksheet(file: str, book: Any, sheet: str | None) -> Any:
    for one in book.worksheets:
        if one.max_row * one.max_column > LARGEST_SHEET:
            raise StudyError(
                f"{file} has a sheet, {one.title}, of {one.max_row:,} rows and {one.max_column:,} columns. Delete the "
                "empty ones that hold only a format; if the table is so large, save it as CSV UTF-8 or Parquet."
            )
    filled = {one.title.strip(): one for one in book.worksheets if any(map(any, one.values))}
    if not filled:
        raise StudyError(f"{file} is empty: no sheet holds a value. Check that it is the file meant.")
    if sheet is not None and sheet.strip() not in filled:
        raise StudyError(f"{file} has no sheet {sheet!r} with data. Its sheets with data: {', '.join(filled)}.")
    if sheet is None and len(filled) > 1:
        raise StudyError(
            f"{file} has data in {len(filled)} sheets: {first(filled)}. Name the one meant: sheet. "
            "Years on sheets of their own belong below each other on one sheet, with a column for the year."
        )
    return filled[sheet.strip() if sheet else next(iter(filled))]


def _text(cell: Any, formula: Any) -> str:
    value = cell.value
    if value in (None, ""):
        return NO_RESULT + cell.coordinate if formula.data_type == "f" else ""
    if isinstance(value, datetime.datetime):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if "%" in cell.number_format:
        return f"{Decimal(repr(value)) * 100:f}%"
    if DIVIDES.search(cell.number_format):
        return SCALED + cell.coordinate
    if abs(value) >= EXACT_BELOW:
        return f"{value:.16E}"
    return str(int(value)) if value == int(value) else repr(value)
