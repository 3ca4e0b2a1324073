"""Tables as a workbook and as CSV: numbers stay numbers, and no cell runs anything."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from analysis.language.labels import say
from analysis.presentation.cells import width

WIDEST_COLUMN, NARROWEST_COLUMN = 60, 10
LINE_HEIGHT = 15
_SHORT = re.compile(r"[+-]?[\d.,]+%?|[-+]|-inf")
_TIME = re.compile(rb">\d{4}-\d\d-\d\dT[^<]*<")


def write_workbook(path: Path, tables: Mapping[str, Mapping[str, Any]], statement: str, language: str) -> None:
    """A sheet for each table, with the caption first, and a list of them with what is said about the data."""
    book = Workbook()
    listing = book.active
    listing.title = "tables"
    _fill(
        listing,
        statement,
        [say(language, "sheet"), say(language, "table")],
        [(name, table["caption"]) for name, table in tables.items()],
    )
    for row, (name, table) in enumerate(tables.items(), start=3):
        listing.cell(row, 1).hyperlink = Hyperlink(ref=f"A{row}", location=f"'{name}'!A1")
        sheet = book.create_sheet(name)
        _fill(sheet, table["caption"], table["columns"], table["rows"], table["formats"])
        if table["note"]:
            sheet.append([harmless(table["note"])])
    book.save(path)
    forget_time(path)


def write_csv(path: Path, table: Mapping[str, Any]) -> None:
    """Headings and rows, with the mark by which Excel knows UTF-8."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerows([[harmless(cell) for cell in row] for row in (table["columns"], *table["rows"])])


def _fill(
    sheet: Worksheet,
    caption: str,
    columns: list[str],
    rows: Iterable[Iterable[Any]],
    formats: Sequence[Sequence[str]] = (),
) -> None:
    """A caption, headings and rows; numbers stay numbers."""
    rows = [[harmless(value) for value in row] for row in rows]
    for row in ([harmless(caption)], [harmless(name) for name in columns], *rows):
        sheet.append(row)
    sheet["A1"].font, sheet["A1"].alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(columns))
    for cell in sheet[2]:
        cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
    for place, values in enumerate(zip(*rows, strict=True), start=1):
        words = [*columns[place - 1].split(), *(value for value in values if isinstance(value, str))]
        widest = max([width(word) for word in words] + [NARROWEST_COLUMN])
        sheet.column_dimensions[get_column_letter(place)].width = min(widest, WIDEST_COLUMN) + 2
        for line, value in enumerate(values, start=3):
            cell = sheet.cell(line, place)
            if isinstance(value, str):
                cell.alignment = Alignment(wrap_text=True, vertical="top")
            elif formats and value is not None:
                cell.number_format = formats[place - 1][line - 3]
    sheet.freeze_panes = "A3"
    _fit(sheet, caption, rows)


def _fit(sheet: Worksheet, caption: str, rows: Iterable[Iterable[Any]]) -> None:
    """Rows are as high as their wrapped text, and a printed page as wide as the table."""
    across = sum(column.width for column in sheet.column_dimensions.values())
    sheet.row_dimensions[1].height = LINE_HEIGHT * (1 + width(caption) // max(int(across), 1))
    for line, row in enumerate(rows, start=3):
        longest = max((width(value) for value in row if isinstance(value, str)), default=0)
        sheet.row_dimensions[line].height = LINE_HEIGHT * (1 + longest // WIDEST_COLUMN)
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToHeight = 0


def forget_time(path: Path) -> None:
    """Write a workbook or a document again without the time at which it was made."""
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["docProps/core.xml"] = _TIME.sub(b">2000-01-01T00:00:00Z<", parts["docProps/core.xml"])
    with ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(ZipInfo(name), content, ZIP_DEFLATED)


def harmless(value: Any) -> Any:
    """
    Text that a spreadsheet would run as a formula, with an apostrophe before it; all else unchanged.

    Use it on every cell of a table written for Excel. Characters that a workbook cannot hold are left out.

    Examples
    --------
    >>> harmless("=1+1"), harmless("-5"), harmless("示例村"), harmless(-5)
    ("'=1+1", '-5', '示例村', -5)
    """
    if not isinstance(value, str):
        return value
    value = ILLEGAL_CHARACTERS_RE.sub("", value)
    risky = value.startswith(("\t", "\r")) or value.lstrip().startswith(("=", "+", "-", "@"))
    return f"'{value}" if risky and not _SHORT.fullmatch(value.strip()) else value
