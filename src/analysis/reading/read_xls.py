"""Read the sheets of an old Excel workbook (.xls), with number formats, merged cells and hidden rows."""

import io
from pathlib import Path
from typing import Any

from analysis.messages import StudyError
from analysis.reading.grid import Grid, grid_of
from analysis.reading.read_workbook import check_size


def read_xls(path: Path) -> list[Grid]:
    """The sheets of a workbook of Excel 97 to 2003, or of WPS under that ending.

    Raises
    ------
    StudyError
        If the workbook cannot be opened.
    """
    import xlrd

    try:
        book = xlrd.open_workbook(path, formatting_info=True, logfile=io.StringIO())
    except Exception as error:
        raise StudyError(
            "{file} cannot be opened as .xls: it is damaged, has a password, or is of another kind. Open it in Excel "
            "or WPS, remove the password, and save it as .xlsx.",
            file=path.name,
        ) from error
    for one in book.sheets():
        check_size(path.name, one.name, one.nrows, one.ncols)
    return [_sheet(book, one) for one in book.sheets()]


def _sheet(book: Any, sheet: Any) -> Grid:
    cells = [[_cell(book, sheet, row, column) for column in range(sheet.ncols)] for row in range(sheet.nrows)]
    areas = tuple((top, left, bottom - 1, right - 1) for top, bottom, left, right in sorted(sheet.merged_cells))
    hidden = frozenset(at for at, row in sheet.rowinfo_map.items() if row.hidden)
    return grid_of(sheet.name, cells, merged=areas, hidden=hidden)


def _cell(book: Any, sheet: Any, row: int, column: int) -> tuple[object, str, str]:
    import xlrd

    cell = sheet.cell(row, column)
    place = xlrd.cellname(row, column)
    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return None, "General", place
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#ERROR!"), "General", place
    if cell.ctype == xlrd.XL_CELL_DATE:
        return xlrd.xldate_as_datetime(cell.value, book.datemode), "General", place
    number_format = book.format_map[book.xf_list[cell.xf_index].format_key].format_str
    return cell.value, number_format, place
