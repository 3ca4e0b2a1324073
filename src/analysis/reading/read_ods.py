"""Read the sheets of an OpenDocument spreadsheet (.ods): LibreOffice's, WPS's and OnlyOffice's."""

import datetime
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

from analysis.messages import StudyError
from analysis.reading.grid import SCALED, Area, Grid, Shown, as_number
from analysis.reading.read_workbook import check_size, check_unpacked

NAMES = {kind: f"{{urn:oasis:names:tc:opendocument:xmlns:{kind}:1.0}}" for kind in ("table", "text", "office")}
TABLE, TEXT, OFFICE = NAMES.values()
# Empty rows and cells are stored once with their number, up to the sheet's last.
LONGEST_REPEAT = 10_000
# A number so many times larger than what its cell shows is shown divided, as 12.3万 for 123000.
DIVIDED = 900


def read_ods(path: Path) -> list[Grid]:
    """The sheets of a spreadsheet.

    Raises
    ------
    StudyError
        If the spreadsheet cannot be opened.
    """
    try:
        check_unpacked(path)
        with zipfile.ZipFile(path) as parts:
            content = ElementTree.fromstring(parts.read("content.xml"))
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
        raise StudyError(
            "{file} cannot be opened: it is damaged, or has a password. Open it in its program, remove the password, "
            "and save it as .xlsx.",
            file=path.name,
        ) from error
    return [_sheet(path.name, table) for table in content.iter(f"{TABLE}table")]


def _sheet(file: str, table: ElementTree.Element) -> Grid:
    rows: list[list[str]] = []
    shown: dict[tuple[int, int], Shown] = {}
    merged: list[Area] = []
    hidden = set()
    for row in table.iter(f"{TABLE}table-row"):
        cells, codes, areas = _row(row)
        for _ in range(_number(row, "rows", any(cells))):
            at = len(rows)
            shown |= {(at, column): code for column, code in codes.items()}
            merged += [(at, column, at + down - 1, column + right - 1) for column, down, right in areas]
            hidden |= {at} if row.get(f"{TABLE}visibility", "visible") != "visible" else set()
            rows.append(cells)
    filled = [at for at, row in enumerate(rows, 1) if any(row)]
    width = max((at for row in rows for at, cell in enumerate(row, 1) if cell), default=0)
    title = table.get(f"{TABLE}name", "").strip()
    check_size(file, title, max(filled, default=0), width)
    rows = [(row + [""] * width)[:width] for row in rows[: max(filled, default=0)]]
    return Grid(title, rows, shown, tuple(merged), frozenset(hidden))


def _row(row: ElementTree.Element) -> tuple[list[str], dict[int, Shown], list[tuple[int, int, int]]]:
    """Cells of a row, what of them differs as a code, and where cells are merged: column, rows, columns."""
    cells: list[str] = []
    codes: dict[int, Shown] = {}
    areas = []
    for cell in [one for one in row if one.tag in (f"{TABLE}table-cell", f"{TABLE}covered-table-cell")]:
        text, code = _cell(cell)
        down, right = (int(cell.get(f"{TABLE}number-{kind}-spanned", 1)) for kind in ("rows", "columns"))
        areas += [(len(cells), down, right)] if down > 1 or right > 1 else []
        for _ in range(_number(cell, "columns", text != "")):
            codes |= {len(cells): code} if code != text else {}
            cells.append(text)
    return cells, codes, areas


def _number(element: ElementTree.Element, kind: str, filled: bool) -> int:
    """How many times a cell or row stands there."""
    number = int(element.get(f"{TABLE}number-{kind}-repeated", 1))
    return number if filled else min(number, LONGEST_REPEAT)


def _cell(cell: ElementTree.Element) -> tuple[str, Shown]:
    """The cell as CSV would hold it, and as a code or year: a date, or a number as it is shown."""
    kind, value = cell.get(f"{OFFICE}value-type", ""), cell.get(f"{OFFICE}value", "")
    said = "\n".join("".join(one.itertext()) for one in cell.findall(f"{TEXT}p"))
    if kind == "date":
        day = cell.get(f"{OFFICE}date-value", "")[:10]
        return day, datetime.date.fromisoformat(day)
    if kind not in ("float", "currency", "percentage"):
        return said, said
    if kind == "percentage":
        return f"{Decimal(value) * 100:f}%", said
    number, digits = float(value), re.sub("[^0-9.]", "", said).strip(".")
    if digits.count(".") < 2 and float(digits or 0) and abs(number) / float(digits or 1) > DIVIDED:
        return f"{SCALED}{said} for {value}", said
    text = as_number(number, "General", "")
    return text, said if text.isdigit() and said else text
