"""What a figure draws, as rows of numbers: they lie beside it as CSV."""

from collections.abc import Iterator
from math import isfinite
from typing import Any

from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure

COLUMNS = ["panel", "series", "x", "y", "x end", "y end"]


def drawn(figure: Figure) -> list[list]:
    """Points, intervals and bars with both ends, and coloured cells; rules across a panel are none.

    Examples
    --------
    >>> figure = Figure()
    >>> drawn_on = figure.subplots().vlines([2023], [1.0], [3.0])
    >>> drawn(figure)
    [[1, '', 2023.0, 1.0, 2023.0, 3.0]]
    """
    rows = []
    for panel, ax in enumerate(figure.axes, start=1):
        for name, points in [*_lines(ax), *_bars(ax), *_cells(ax, figure)]:
            rows += [[panel, "" if name.startswith("_") else name, *map(_number, point)] for point in points]
    return rows


def _lines(ax: Any) -> Iterator[tuple[str, list]]:
    """Lines, dots and intervals; the caps of an interval stand at its ends."""
    intervals = [one for one in ax.containers if isinstance(one, ErrorbarContainer)]
    named = {part: one.get_label() for one in intervals for part in (one.lines[0], *one.lines[2])}
    caps = {cap for one in intervals for cap in one.lines[1]}
    for one in [line for line in ax.lines if line.get_transform() == ax.transData and line not in caps]:
        yield str(named.get(one, one.get_label())), [[*point, None, None] for point in one.get_xydata()]
    for one in ax.collections:
        if isinstance(one, LineCollection):
            points = [[*ends[0], *ends[-1]] for ends in one.get_segments() if len(ends)]
        else:
            points = [[*point, None, None] for point in one.get_offsets()]
        yield str(named.get(one, one.get_label())), points


def _bars(ax: Any) -> Iterator[tuple[str, list]]:
    """The upper edge of each bar."""
    for one in ax.containers:
        if isinstance(one, BarContainer):
            boxes = [bar.get_bbox() for bar in one]
            yield str(one.get_label()), [[box.x0, box.y1, box.x1, box.y1] for box in boxes]


def _cells(ax: Any, figure: Figure) -> Iterator[tuple[str, list]]:
    """The middle of each coloured cell, named by what its colour stands for."""
    patches = [patch for legend in figure.legends for patch in legend.get_patches()]
    said = {to_hex(patch.get_facecolor()): str(patch.get_label()) for patch in patches}
    for image in ax.images:
        left, right, bottom, top = image.get_extent()
        colours = image.to_rgba(image.get_array())
        height, width = colours.shape[:2]
        for row in range(height):
            for column in range(width):
                at = left + (column + 0.5) * (right - left) / width, top + (row + 0.5) * (bottom - top) / height
                yield said.get(to_hex(colours[row, column]), ""), [[*at, None, None]]


def _number(value: Any) -> float | None:
    return float(value) if value is not None and isfinite(value) else None
