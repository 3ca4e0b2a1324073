"""Tables and figures of a report as files that go into a paper: a workbook, LaTeX, PDF and PNG.

A kernel that starts with this extension adds them to what it shows; `take_exports` takes them out of its notebooks.
"""

import io
import re
import warnings
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pandas as pd
from IPython.core.interactiveshell import InteractiveShell
from nbformat import NotebookNode
from nbformat.v4 import new_output
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from analysis.messages import FewTreatedGroupsWarning
from analysis.presentation.headings import heading, named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analysis.presentation.tables import Table

TABLE = "application/vnd.analysis.table+json"
FIGURE = "application/vnd.analysis.figure+json"
PRINT_WIDTH = 16 / 2.54
"""Inches: a page of A4 less its margins."""
PRINT_DPI = 300
FONTS: Any = {"pdf.fonttype": 3}
"""Outlines of the glyphs in use: any reader draws them, which is not so for OpenType fonts embedded as type 42."""
WORKBOOK = "tables.xlsx"
LONGEST_SHEET_NAME = 31
WIDEST_COLUMN = 40
LATEX_NEEDS = "% Needs \\usepackage{booktabs,multirow}; for Chinese, \\usepackage{ctex} and XeLaTeX or LuaLaTeX.\n"
_SHORT = re.compile(r"[+-]?[\d.,]+%?|[-+]|-inf")
_TIME = re.compile(rb">\d{4}-\d\d-\d\dT[^<]*<")


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the forms to what the kernel shows; IPython calls this where a kernel starts with this extension.

    Warnings come as sentences without the place in the code; that of few treated groups is said by every result.
    """
    display: Any = shell.display_formatter
    formatter = display.mimebundle_formatter
    formatter.for_type_by_name("analysis.presentation.tables", "Table", lambda table: {TABLE: [table_for_paper(table)]})
    formatter.for_type_by_name("matplotlib.figure", "Figure", lambda figure: {FIGURE: [figure_for_paper(figure)]})
    for room, name in (("check", "Finding"), ("examination", "Examination"), ("districts", "Districts")):
        formatter.for_type_by_name(f"analysis.robustness.{room}", name, _tables_for_paper)
    warnings.formatwarning = lambda message, *_args, **_options: f"{message}\n"
    warnings.simplefilter("ignore", FewTreatedGroupsWarning)


def _tables_for_paper(shown: Any) -> dict[str, list]:
    return {TABLE: [table_for_paper(table) for table in shown.tables]}


def table_for_paper(table: "Table") -> dict[str, Any]:
    """
    Turn a table into its caption, headings, rows (numbers in full) and LaTeX.

    Examples
    --------
    >>> from analysis import Table
    >>> table_for_paper(Table(pd.DataFrame({"villages": [274]}, index=["all"]), "Roster"))["rows"]
    [['all', 274]]
    """
    whole = table.frame.select_dtypes("Int64").columns
    frame = table.frame.astype(dict.fromkeys(whole, object)).fillna(dict.fromkeys(whole, ""))
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index(names=[name or "" for name in frame.index.names], allow_duplicates=True)
    language = table.language
    return {
        "caption": table.caption,
        "columns": [heading(language, name) for name in frame.columns],
        "rows": [[_cell(value, language) for value in row] for row in frame.itertuples(index=False, name=None)],
        "latex": table.to_latex(),
    }


def figure_for_paper(figure: "Figure") -> dict[str, str]:
    """Draw a figure as PDF and, no wider than a page's text, as PNG of 300 dots per inch: both in base 64."""
    from matplotlib import rc_context

    figure.draw_without_rendering()  # settles the layout
    box = figure.get_tightbbox().padded(0.1)
    scale = min(1.0, PRINT_WIDTH / box.width)
    with rc_context(FONTS):
        pdf = _drawn(figure, box, format="pdf", metadata={"CreationDate": None})
    sharpness = {"dpi": PRINT_DPI * scale, "pil_kwargs": {"dpi": (PRINT_DPI, PRINT_DPI)}}
    return {"pdf": pdf, "png": _drawn(figure, box, format="png", **sharpness), "title": _title(figure)}


def _title(figure: "Figure") -> str:
    """What stands above a figure, or above its first part that has a title."""
    titles = (ax.get_title(place) for ax in figure.axes for place in ("left", "center", "right"))
    return next(filter(None, [figure.get_suptitle(), *titles]), "A figure").replace(r"\$", "$")


def _drawn(figure: "Figure", box: Any, **options: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, bbox_inches=box, **options)
    return b64encode(buffer.getvalue()).decode("ascii")


def _cell(value: Any, language: str) -> str | int | float | bool | None:
    """A value as JSON can hold it: missing is None."""
    if isinstance(value, str):
        return named(language, value)
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, int | float) and isfinite(value) else str(value)


@dataclass(frozen=True)
class Exports:
    """Tables and figures of all pages by name, such as ``03-before-after-2``: the second one of that page."""

    tables: dict[str, Mapping[str, Any]]
    figures: dict[str, Mapping[str, Any]]

    def write(self, folder: Path, statement: str) -> None:
        """Write one workbook, a LaTeX file per table, and a PDF and a PNG per figure; the same bytes each time."""
        for kind in ("tables", "figures"):
            (folder / kind).mkdir()
        _write_workbook(folder / WORKBOOK, self.tables, statement)
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
        for content in output.get("data", {}).pop(kind, ()):
            name = f"{page}-{1 + sum(one.rpartition('-')[0] == page for one in found)}"
            found[name] = content
            yield new_output("display_data", data={"text/html": f'<p class="to-take">{line(name)}</p>'})


def _table_line(name: str) -> str:
    return f'Sheet {name} of the <a href="{WORKBOOK}">workbook</a> · <a href="tables/{name}.tex">LaTeX</a>'


def _figure_line(name: str) -> str:
    return f'For print: <a href="figures/{name}.pdf">PDF</a> · <a href="figures/{name}.png">PNG</a>'


def _write_workbook(path: Path, tables: Mapping[str, Mapping[str, Any]], statement: str) -> None:
    """A sheet for each table, with the caption first, and a list of them with what is said about the data."""
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
    sheet["A1"].font = Font(bold=True)
    for cell in sheet[2]:
        cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
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
