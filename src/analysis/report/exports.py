"""Tables and figures of a report as files that go into a paper: a workbook, LaTeX, PDF and PNG."""

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from nbformat import NotebookNode
from nbformat.v4 import new_output
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from analysis.report.kernel import FIGURE, TABLE

WORKBOOK = "tables.xlsx"
LONGEST_SHEET_NAME = 31
WIDEST_COLUMN = 40
LATEX_NEEDS = "% Needs \\usepackage{booktabs,multirow}; for Chinese, \\usepackage{ctex} and XeLaTeX or LuaLaTeX.\n"
_SHORT = re.compile(r"[+-]?[\d.,]+%?|[-+]|-inf")
_TIME = re.compile(rb">\d{4}-\d\d-\d\dT[^<]*<")


@dataclass(frozen=True)
class Exports:
    """Tables and figures of all pages by name, such as ``03-before-after-2``: the second one of that page."""

    tables: dict[str, Mapping[str, Any]]
    figures: dict[str, Mapping[str, Any]]

    def write(self, folder: Path, statement: str) -> None:
        """Write one workbook, a LaTeX file per table, and a PDF and a PNG per figure; the same bytes each time."""
        for kind in ("tables", "figures"):
            (folder / kind).mkdir()
        write_workbook(folder / WORKBOOK, self.tables, statement)
        for name, table in self.tables.items():
            text = LATEX_NEEDS + table["latex"]
            (folder / "tables" / f"{name}.tex").write_text(text, encoding="utf-8", newline="\n")
        for name, figure in self.figures.items():
            for ending in ("pdf", "png"):
                (folder / "figures" / f"{name}.{ending}").write_bytes(b64decode(figure[ending]))


def take_exports(pages: Mapping[str, NotebookNode]) -> Exports:
    """Take the forms for a paper out of executed notebooks, and leave a line that leads to the files."""
    exports = Exports({}, {})
    for page, notebook in pages.items():
        page = page[: LONGEST_SHEET_NAME - len("-99")]
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = [one for output in cell.outputs for one in _taken(output, page, exports)]
    return exports


def _taken(output: NotebookNode, page: str, exports: Exports) -> Iterable[NotebookNode]:
    yield output
    for kind, found, line in ((TABLE, exports.tables, _table_line), (FIGURE, exports.figures, _figure_line)):
        if content := output.get("data", {}).pop(kind, None):
            name = f"{page}-{1 + sum(one.rpartition('-')[0] == page for one in found)}"
            found[name] = content
            yield new_output("display_data", data={"text/html": f'<p class="to-take">{line(name)}</p>'})


def _table_line(name: str) -> str:
    return f'Sheet {name} of the <a href="{WORKBOOK}">workbook</a> · <a href="tables/{name}.tex">LaTeX</a>'


def _figure_line(name: str) -> str:
    return f'For print: <a href="figures/{name}.pdf">PDF</a> · <a href="figures/{name}.png">PNG</a>'


def write_workbook(path: Path, tables: Mapping[str, Mapping[str, Any]], statement: str) -> None:
    """
    Write tables into one workbook: a sheet each, with the caption first, and a list of them with the data statement.

    Parameters
    ----------
    path : pathlib.Path
        An ``.xlsx`` file.
    tables : mapping
        Sheet name to caption, columns and rows; see `analysis.report.kernel.table_for_paper`.
    statement : str
        What the list says about the data.
    """
    book = Workbook()
    listing = book.active
    listing.title = "tables"
    _fill(listing, statement, ["sheet", "table"], [(name, table["caption"]) for name, table in tables.items()])
    for row, (name, table) in enumerate(tables.items(), start=3):
        listing.cell(row, 1).hyperlink = Hyperlink(ref=f"A{row}", location=f"'{name}'!A1")
        _fill(book.create_sheet(name), table["caption"], table["columns"], table["rows"])
    book.save(path)
    _forget_time(path)


def _fill(sheet: Worksheet, caption: str, columns: list[str], rows: Iterable[Iterable[Any]]) -> None:
    """A caption, headings and rows; numbers stay numbers."""
    rows = [[harmless(value) for value in row] for row in rows]
    for row in ([harmless(caption)], [harmless(name) for name in columns], *rows):
        sheet.append(row)
    for cell in (*sheet[1][:1], *sheet[2]):
        cell.font = Font(bold=True)
    for cell in sheet[2]:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    for place, values in enumerate(zip(*rows, strict=True), start=1):
        widest = max(_width(value) for value in values)
        sheet.column_dimensions[get_column_letter(place)].width = min(max(widest, 10), WIDEST_COLUMN) + 2
    sheet.freeze_panes = "A3"


def _width(value: object) -> int:
    return sum(2 if ord(char) > 0x2E7F else 1 for char in value) if isinstance(value, str) else 10


def _forget_time(path: Path) -> None:
    """Write a workbook again without the time at which it was made."""
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
