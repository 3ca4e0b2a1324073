"""What a kernel adds while it makes a report: tables and figures also in the forms that go into a paper."""

import io
import warnings
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.core.interactiveshell import InteractiveShell

from analysis.messages import FewTreatedGroupsWarning

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


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the forms to what the kernel shows; IPython calls this where a kernel starts with this extension.

    Warnings come as sentences without the place in the code; that of few treated groups is said by every result.
    """
    display: Any = shell.display_formatter
    formatter = display.mimebundle_formatter
    formatter.for_type_by_name("analysis.presentation.tables", "Table", lambda table: {TABLE: table_for_paper(table)})
    formatter.for_type_by_name("matplotlib.figure", "Figure", lambda figure: {FIGURE: figure_for_paper(figure)})
    warnings.formatwarning = lambda message, *_args, **_options: f"{message}\n"
    warnings.simplefilter("ignore", FewTreatedGroupsWarning)


def table_for_paper(table: "Table") -> dict[str, Any]:
    """
    Turn a table into its caption, headings, rows (numbers in full) and LaTeX.

    Examples
    --------
    >>> from analysis import Table
    >>> table_for_paper(Table(pd.DataFrame({"villages": [274]}, index=["all"]), "Roster"))["rows"]
    [['all', 274]]
    """
    frame = table._shown(in_full=True)
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index(names=[name or "" for name in frame.index.names], allow_duplicates=True)
    return {
        "caption": table.caption,
        "columns": [" / ".join(filter(None, map(str, _levels(name)))) for name in frame.columns],
        "rows": [[_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)],
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


def _levels(name: Any) -> tuple:
    return name if isinstance(name, tuple) else (name,)


def _cell(value: Any) -> str | int | float | bool | None:
    """A value as JSON can hold it: missing is None."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    value = value.item() if hasattr(value, "item") else value
    finite = isinstance(value, bool | int) or (isinstance(value, float) and abs(value) != float("inf"))
    return value if finite else str(value)
