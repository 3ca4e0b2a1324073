"""Read the sheets of an Excel workbook (.xlsx): values, number formats, merged cells, hidden rows."""

import warnings
import zipfile
from pathlib import Path
from typing import Any

from analysis.messages import StudyError
from analysis.reading.grid import NO_RESULT, Grid, grid_of

# A workbook takes some ten times its unpacked size in memory.
LARGEST_WORKBOOK = 200_000_000
# Cells take about a minute per million to read; a village panel has far fewer.
LARGEST_SHEET = 1_000_000
STRICT = b"http://purl.oclc.org/ooxml/"


def read_workbook(path: Path) -> list[Grid]:
    """The sheets of a workbook.

    Raises
    ------
    StudyError
        If the workbook cannot be opened or is too large.
    """
    book, formulas = _open(path), _open(path, data_only=False)
    for one in book.worksheets:
        check_size(path.name, one.title, one.max_row, one.max_column)
    return [_sheet(one, formulas[one.title]) for one in book.worksheets]


def check_size(file: str, title: str, rows: int, columns: int) -> None:
    """No sheet is so large that reading it takes minutes."""
    if rows * columns > LARGEST_SHEET:
        raise StudyError(
            "{file} has a sheet, {title}, of {rows:,} rows and {columns:,} columns. Delete the empty ones that hold "
            "only a format; if the table is so large, save it as CSV UTF-8 or Parquet.",
            file=file,
            title=title,
            rows=rows,
            columns=columns,
        )


def check_unpacked(path: Path) -> None:
    """A zipped workbook fits into memory."""
    with zipfile.ZipFile(path) as parts:
        size = sum(part.file_size for part in parts.infolist())
    if size > LARGEST_WORKBOOK:
        fault = "{file} is too large ({size:,} MB unpacked). Save it as CSV UTF-8 or Parquet."
        raise StudyError(fault, file=path.name, size=size // 1_000_000)


def _open(path: Path, *, data_only: bool = True) -> Any:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(path) as parts, warnings.catch_warnings(action="ignore", category=UserWarning):
            strict = [name for name in parts.namelist() if name.endswith("workbook.xml") and STRICT in parts.read(name)]
            if not strict:
                check_unpacked(path)
                with path.open("rb") as file:
                    return load_workbook(file, data_only=data_only)
    except StudyError:
        raise
    except Exception as error:
        raise StudyError(
            "{file} cannot be opened: it is damaged, has a password, or is an older format under a new name. Open it "
            "in Excel or WPS, remove the password, and save it as .xlsx.",
            file=path.name,
        ) from error
    raise StudyError(
        "{file} is a Strict Open XML workbook, which few programs read. In Excel, choose Save as and the type “Excel "
        "Workbook (.xlsx)”, without Strict.",
        file=path.name,
    )


def _sheet(worksheet: Any, formulas: Any) -> Grid:
    pairs = zip(worksheet.iter_rows(), formulas.iter_rows(), strict=True)
    cells = [[_cell(*both) for both in zip(*pair, strict=True)] for pair in pairs]
    areas = [(one.min_row - 1, one.min_col - 1, one.max_row - 1, one.max_col - 1) for one in worksheet.merged_cells]
    hidden = frozenset(at - 1 for at, row in worksheet.row_dimensions.items() if row.hidden)
    return grid_of(worksheet.title, cells, merged=tuple(sorted(areas)), hidden=hidden)


def _cell(cell: Any, formula: Any) -> tuple[object, str, str]:
    # A formula's result that is an empty text is stored as text.
    if cell.value in (None, "") and formula.data_type == "f" and cell.data_type != "str":
        return NO_RESULT + cell.coordinate, "General", cell.coordinate
    return cell.value, cell.number_format, cell.coordinate
