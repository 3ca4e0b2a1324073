"""Read the sheets of spreadsheets (.xlsx, .xls, .ods): values as they are shown, merged cells, hidden rows."""

import datetime
import io
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from analysis.messages import StudyError
from analysis.reading.grid import NO_RESULT, SCALED, Area, Cell, Grid, as_read, grid_of
from analysis.reading.kind_of_file import opening

# A workbook takes some ten times its unpacked size in memory.
LARGEST_WORKBOOK = 200_000_000
# Cells take about a minute per million to read; a village panel has far fewer.
LARGEST_SHEET = 1_000_000
STRICT = b"http://purl.oclc.org/ooxml/"
NAMES = {kind: f"{{urn:oasis:names:tc:opendocument:xmlns:{kind}:1.0}}" for kind in ("table", "text", "office")}
TABLE, TEXT, OFFICE = NAMES.values()
# Empty rows and cells are stored once with their number, up to the sheet's last.
LONGEST_REPEAT = 10_000
# A number so many times larger than what its cell shows is shown divided, as 12.3万 for 123000.
DIVIDED = 900


def _check_unpacked(path: Path) -> None:
    """A zipped workbook fits into memory."""
    with zipfile.ZipFile(path) as parts:
        size = sum(part.file_size for part in parts.infolist())
    if size > LARGEST_WORKBOOK:
        fault = "{file} is too large ({size:,} MB unpacked). Save it as CSV UTF-8 or Parquet."
        raise StudyError(fault, file=path.name, size=size // 1_000_000)


def _check_size(file: str, title: str, rows: int, columns: int) -> None:
    """No sheet is so large that reading it takes minutes."""
    if rows * columns > LARGEST_SHEET:
        fault = (
            "{file} has a sheet, {title}, of {rows:,} rows and {columns:,} columns. Delete the empty ones that hold "
            "only a format; if the table is so large, save it as CSV UTF-8 or Parquet."
        )
        raise StudyError(fault, file=file, title=title, rows=rows, columns=columns)


def read_xlsx(path: Path) -> list[Grid]:
    """The sheets of a workbook.

    Raises
    ------
    StudyError
        If the workbook cannot be opened or is too large.
    """
    from openpyxl import load_workbook

    fault = (
        "{file} cannot be opened: it is damaged, has a password, or is an older format under a new name. Open it "
        "in Excel or WPS, remove the password, and save it as .xlsx."
    )
    with opening(path.name, fault), warnings.catch_warnings(action="ignore", category=UserWarning):
        _check_unpacked(path)
        _refuse_strict(path)
        # A path would be judged by its ending.
        book, formulas = (load_workbook(io.BytesIO(path.read_bytes()), data_only=only) for only in (True, False))
    for one in book.worksheets:
        _check_size(path.name, one.title, one.max_row, one.max_column)
    return [_sheet_of_xlsx(one, formulas[one.title]) for one in book.worksheets]


def _refuse_strict(path: Path) -> None:
    with zipfile.ZipFile(path) as parts:
        books = [name for name in parts.namelist() if name.endswith("workbook.xml")]
        if any(STRICT in parts.read(name) for name in books):
            raise StudyError(
                "{file} is a Strict Open XML workbook, which few programs read. In Excel, choose Save as and the type "
                "“Excel Workbook (.xlsx)”, without Strict.",
                file=path.name,
            )


def _sheet_of_xlsx(worksheet: Any, formulas: Any) -> Grid:
    pairs = zip(worksheet.iter_rows(), formulas.iter_rows(), strict=True)
    cells = [[_cell_of_xlsx(*both) for both in zip(*pair, strict=True)] for pair in pairs]
    areas = [(one.min_row - 1, one.min_col - 1, one.max_row - 1, one.max_col - 1) for one in worksheet.merged_cells]
    hidden = {at - 1 for at, row in worksheet.row_dimensions.items() if row.hidden}
    return grid_of(worksheet.title, cells, sorted(areas), hidden)


def _cell_of_xlsx(cell: Any, formula: Any) -> Cell:
    # A formula's result that is an empty text is stored as text.
    if cell.value in (None, "") and formula.data_type == "f" and cell.data_type != "str":
        return as_read(NO_RESULT + cell.coordinate)
    return as_read(cell.value, cell.number_format, cell.coordinate)


def read_xls(path: Path) -> list[Grid]:
    """The sheets of a workbook of Excel 97 to 2003, or of WPS under that ending.

    Raises
    ------
    StudyError
        If the workbook cannot be opened.
    """
    import xlrd

    fault = (
        "{file} cannot be opened as .xls: it is damaged, has a password, or is of another kind. Open it in Excel "
        "or WPS, remove the password, and save it as .xlsx."
    )
    with opening(path.name, fault):
        book = xlrd.open_workbook(path, formatting_info=True, logfile=io.StringIO())
    for one in book.sheets():
        _check_size(path.name, one.name, one.nrows, one.ncols)
    return [_sheet_of_xls(book, one) for one in book.sheets()]


def _sheet_of_xls(book: Any, sheet: Any) -> Grid:
    cells = [[_cell_of_xls(book, sheet, row, column) for column in range(sheet.ncols)] for row in range(sheet.nrows)]
    areas = [(top, left, bottom - 1, right - 1) for top, bottom, left, right in sorted(sheet.merged_cells)]
    return grid_of(sheet.name, cells, areas, {at for at, row in sheet.rowinfo_map.items() if row.hidden})


def _cell_of_xls(book: Any, sheet: Any, row: int, column: int) -> Cell:
    import xlrd

    cell = sheet.cell(row, column)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return as_read(xlrd.error_text_from_code.get(cell.value, "#ERROR!"))
    if cell.ctype == xlrd.XL_CELL_DATE:
        return as_read(xlrd.xldate_as_datetime(cell.value, book.datemode))
    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK, xlrd.XL_CELL_TEXT):
        return as_read(cell.value)
    number_format = book.format_map[book.xf_list[cell.xf_index].format_key].format_str
    return as_read(cell.value, number_format, xlrd.cellname(row, column))


def read_ods(path: Path) -> list[Grid]:
    """The sheets of an OpenDocument spreadsheet: LibreOffice's, WPS's and OnlyOffice's.

    Raises
    ------
    StudyError
        If the spreadsheet cannot be opened or is too large.
    """
    fault = (
        "{file} cannot be opened: it is damaged, or has a password. Open it in its program, remove the password, "
        "and save it as .xlsx."
    )
    with opening(path.name, fault):
        _check_unpacked(path)
        with zipfile.ZipFile(path) as parts:
            content = ElementTree.fromstring(parts.read("content.xml"))
    return [_sheet_of_ods(path.name, table) for table in content.iter(f"{TABLE}table")]


def _sheet_of_ods(file: str, table: ElementTree.Element) -> Grid:
    rows: list[list[Cell]] = []
    merged: list[Area] = []
    hidden = set()
    for row in table.iter(f"{TABLE}table-row"):
        cells, areas = _row_of_ods(row)
        for at in range(len(rows), len(rows) + _repeated(row, "rows", bool(cells))):
            merged += [(at, column, at + down - 1, column + right - 1) for column, down, right in areas]
            hidden |= {at} if row.get(f"{TABLE}visibility", "visible") != "visible" else set()
            rows.append(cells)
    while rows and not rows[-1]:
        rows.pop()
    width, title = max(map(len, rows), default=0), table.get(f"{TABLE}name", "")
    _check_size(file, title.strip(), len(rows), width)
    return grid_of(title, [row + [("", "")] * (width - len(row)) for row in rows], merged, hidden)


def _row_of_ods(row: ElementTree.Element) -> tuple[list[Cell], list[tuple[int, int, int]]]:
    """Cells of a row up to its last filled one, and where cells are merged: column, rows, columns."""
    cells: list[Cell] = []
    areas = []
    for cell in [one for one in row if one.tag in (f"{TABLE}table-cell", f"{TABLE}covered-table-cell")]:
        read = _cell_of_ods(cell)
        down, right = (int(cell.get(f"{TABLE}number-{kind}-spanned", 1)) for kind in ("rows", "columns"))
        areas += [(len(cells), down, right)] if down > 1 or right > 1 else []
        cells += [read] * _repeated(cell, "columns", read[0] != "")
    while cells and not cells[-1][0]:
        cells.pop()
    return cells, areas


def _repeated(element: ElementTree.Element, kind: str, filled: bool) -> int:
    """How many times a cell or row stands there."""
    number = int(element.get(f"{TABLE}number-{kind}-repeated", 1))
    return number if filled else min(number, LONGEST_REPEAT)


def _cell_of_ods(cell: ElementTree.Element) -> Cell:
    """The cell as CSV would hold it, and as a code or year: a date, or a number as it is shown."""
    kind, value = cell.get(f"{OFFICE}value-type", ""), cell.get(f"{OFFICE}value", "")
    shown = "\n".join("".join(one.itertext()) for one in cell.findall(f"{TEXT}p"))
    if kind == "date":
        return as_read(datetime.date.fromisoformat(cell.get(f"{OFFICE}date-value", "")[:10]))
    if kind not in ("float", "currency", "percentage"):
        return shown, shown
    if kind == "percentage":
        return as_read(float(value), "0%")[0], shown
    number, digits = float(value), re.sub("[^0-9.]", "", shown).strip(".")
    if digits.count(".") < 2 and float(digits or 0) and abs(number) / float(digits or 1) > DIVIDED:
        return f"{SCALED}{shown} for {value}", shown
    text, _ = as_read(number)
    return text, shown if text.isdigit() and shown else text
