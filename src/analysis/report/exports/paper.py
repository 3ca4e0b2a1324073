"""Tables and figures of a report as files that go into a paper: Excel, Word, LaTeX and CSV; PDF, SVG and PNG.

A kernel that starts with this extension adds them to what it shows; `take_exports` takes them out of its notebooks.
"""

import io
import re
import warnings
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.core.interactiveshell import InteractiveShell
from nbformat import NotebookNode
from nbformat.v4 import new_output

from analysis.language.labels import term
from analysis.messages import FewTreatedGroupsWarning
from analysis.presentation.cells import YEARS, Column, columns_of
from analysis.presentation.headings import heading, named
from analysis.report.exports.word import write_tables
from analysis.report.exports.workbook import write_csv, write_workbook

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analysis.presentation.tables import Table

TABLE = "application/vnd.analysis.table+json"
FIGURE = "application/vnd.analysis.figure+json"
PRINT_WIDTH = 16 / 2.54
"""Inches: a page of A4 less its margins."""
PRINT_DPI = 300
FONTS: Any = {"pdf.fonttype": 3, "svg.fonttype": "path", "svg.hashsalt": "analysis"}
"""Outlines of the glyphs in use: any reader draws them, which is not so for OpenType fonts embedded as type 42."""
WORKBOOK, DOCUMENT = "tables.xlsx", "tables.docx"
FIGURE_FORMS = ("pdf", "svg", "png")
LONGEST_SHEET_NAME = 31
GENERAL = "General"
LATEX_NEEDS = "% Needs \\usepackage{booktabs,graphicx}; for Chinese, \\usepackage{ctex} and XeLaTeX or LuaLaTeX.\n"
YOURS = "|".join(r"\s*".join(said.replace(" ", "")) for said in ("your data", term("zh", "your data")))
"""What a caption says of a user's own data, perhaps over two lines: in print that goes without saying."""


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
    whole, language, noun = table.frame.select_dtypes("Int64").columns, table.language, table.noun
    frame = table.frame.astype(dict.fromkeys(whole, object)).fillna(dict.fromkeys(whole, ""))
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index(names=[name or "" for name in frame.index.names], allow_duplicates=True)
    shown = columns_of(table.frame, language, noun)
    formats = {str(column.name or ""): _number_formats(column) for column in shown}
    general = [GENERAL] * len(frame)
    formats |= dict.fromkeys(("low", "high"), formats.get("interval", general))
    printed = replace(table, caption=in_print(table.caption), note=in_print(table.note))
    return {
        "caption": printed.caption,
        "note": printed.note,
        "columns": [heading(language, name, noun) for name in frame.columns],
        "rows": [[_cell(value, language, noun) for value in row] for row in frame.itertuples(index=False, name=None)],
        "formats": [formats.get(str(name), general) for name in frame.columns],
        "headings": [column.heading for column in shown],
        "cells": [list(row) for row in zip(*(column.cells for column in shown), strict=True)],
        "sides": table.sides(shown),
        "latex": printed.to_latex(),
    }


def in_print(text: str) -> str:
    """A caption without "(your data)", which goes without saying in a paper; of other data it stays.

    Examples
    --------
    >>> in_print("Income (your data)"), in_print("Means (CNY; your data)"), in_print("Income (simulated data)")
    ('Income', 'Means (CNY)', 'Income (simulated data)')
    """
    text = re.sub(rf"\s*[（(](?:{YOURS})[)）]", "", text)
    return re.sub(rf"(?:{YOURS})[;；,，、]\s*|[;；,，、]\s*(?:{YOURS})", "", text)


def _number_formats(column: Column) -> list[str]:
    """A spreadsheet's format of each cell, with the decimals that a page shows."""
    if not column.numeric or column.name in YEARS:
        return [GENERAL] * len(column.cells)
    decimals = [max(map(len, re.findall(r"\.(\d+)", cell)), default=0) for cell in column.cells]
    numbers = ["#,##0" + "." * bool(places) + "0" * places for places in decimals]
    return [f"{number};−{number}" for number in numbers]


def figure_for_paper(figure: "Figure") -> dict[str, Any]:
    """Draw a figure as PDF, SVG and, no wider than a page's text, as PNG of 300 dots per inch, all in base 64."""
    from matplotlib import rc_context
    from matplotlib.text import Text

    from analysis.report.exports.figure_data import COLUMNS, drawn

    said = {text: text.get_text() for text in figure.findobj(Text)}
    for text in said:
        text.set_text(in_print(said[text]))
    figure.draw_without_rendering()  # settles the layout
    box = figure.get_tightbbox().padded(0.1)
    scale = min(1.0, PRINT_WIDTH / box.width)
    sharpness = {"dpi": PRINT_DPI * scale, "pil_kwargs": {"dpi": (PRINT_DPI, PRINT_DPI)}}
    options: dict[str, dict] = {
        "pdf": {"metadata": {"CreationDate": None}},
        "svg": {"metadata": {"Date": None}},
        "png": sharpness,
    }
    with rc_context(FONTS):
        forms = {form: _drawn(figure, box, format=form, **options[form]) for form in FIGURE_FORMS}
    made = forms | {"title": _title(figure), "columns": COLUMNS, "rows": drawn(figure)}
    for text, before in said.items():
        text.set_text(before)
    return made


def _title(figure: "Figure") -> str:
    """What stands above a figure, or above its first part that has a title."""
    titles = (ax.get_title(place) for ax in figure.axes for place in ("left", "center", "right"))
    return next(filter(None, [figure.get_suptitle(), *titles]), "A figure").replace(r"\$", "$")


def _drawn(figure: "Figure", box: Any, **options: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, bbox_inches=box, **options)
    return b64encode(buffer.getvalue()).decode("ascii")


def _cell(value: Any, language: str, noun: str) -> str | int | float | bool | None:
    """A value as JSON can hold it: missing is None."""
    if isinstance(value, str):
        return named(language, value, noun)
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, int | float) and isfinite(value) else str(value)


@dataclass(frozen=True)
class Exports:
    """Tables and figures of all pages by name, such as ``03-before-after-2``: the second one of that page."""

    tables: dict[str, Mapping[str, Any]]
    figures: dict[str, Mapping[str, Any]]

    def write(self, folder: Path, statement: str, language: str = "en") -> None:
        """Write a workbook and a Word document, LaTeX and CSV of each table, and each figure; the same bytes again."""
        for kind in ("tables", "figures"):
            (folder / kind).mkdir()
        write_workbook(folder / WORKBOOK, self.tables, statement, language)
        write_tables(folder / DOCUMENT, self.tables, statement, language)
        for name, table in self.tables.items():
            text = LATEX_NEEDS + table["latex"].replace(r"\label{tab:table}", rf"\label{{tab:{name}}}")
            (folder / "tables" / f"{name}.tex").write_text(text, encoding="utf-8", newline="\n")
            write_csv(folder / "tables" / f"{name}.csv", table)
        for name, figure in self.figures.items():
            for ending in FIGURE_FORMS:
                (folder / "figures" / f"{name}.{ending}").write_bytes(b64decode(figure[ending]))
            if figure["rows"]:
                write_csv(folder / "figures" / f"{name}.csv", figure)


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
            yield new_output("display_data", data={"text/html": f'<p class="to-take">{line(name, content)}</p>'})


def _table_line(name: str, _table: Mapping[str, Any]) -> str:
    links = {"Excel": WORKBOOK, "Word": DOCUMENT, "LaTeX": f"tables/{name}.tex", "CSV": f"tables/{name}.csv"}
    return _links(name, links)


def _figure_line(name: str, figure: Mapping[str, Any]) -> str:
    endings = (*FIGURE_FORMS, *(["csv"] if figure["rows"] else []))
    return _links(name, {ending.upper(): f"figures/{name}.{ending}" for ending in endings})


def _links(name: str, links: Mapping[str, str]) -> str:
    return " · ".join([name, *(f'<a href="{file}">{form}</a>' for form, file in links.items())])
