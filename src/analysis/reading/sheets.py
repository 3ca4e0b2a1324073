"""The sheets of a file of cells, and which of them a study means."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from analysis.language.texts import Listed, Text, first
from analysis.messages import StudyError
from analysis.reading.grid import Grid
from analysis.reading.header import YEAR, best_header, find_columns, header_lines
from analysis.reading.kind_of_file import kind_of_file
from analysis.reading.read_text import read_csv, read_html
from analysis.reading.spreadsheets import read_ods, read_xls, read_xlsx

GRIDS: dict[str, Callable[[Path], list[Grid]]] = {".csv": read_csv, ".html": read_html, ".ods": read_ods}
GRIDS |= {".xls": read_xls, ".xlsx": read_xlsx}
YEAR_IN_NAME = r"(?<!\d)(?:19|20)\d\d(?!\d)"


def grids_of(path: Path) -> tuple[list[Grid], str]:
    """The sheets with data of a file of cells, none for one of columns (Parquet, Stata, SPSS); and its kind.

    Raises
    ------
    StudyError
        If the file cannot be read as it stands; the message says what to do.
    """
    kind, note = kind_of_file(path)
    if kind not in GRIDS:
        return [], kind
    grids = [
        replace(one, note=Text("{first}{second}", first=one.note, second=note))
        for one in GRIDS[kind](path)
        if any(map(any, one.rows))
    ]
    if not grids:
        raise StudyError("{file} is empty: no sheet holds a value. Check that it is the file meant.", file=path.name)
    return grids, kind


def choose_sheet(file: str, grids: list[Grid], wanted: Mapping[str, str], sheet: str | None) -> tuple[Grid, list[str]]:
    """The sheet named, or the only one with the wanted columns, and a sentence on the others.

    Raises
    ------
    StudyError
        If the sheet is not there, or several hold the columns and none is named.
    """
    titles = {one.title: one for one in grids}
    if sheet is not None:
        if sheet.strip() in titles:
            return titles[sheet.strip()], []
        near = (get_close_matches(sheet, titles, n=1) or [*titles])[0]
        fault = '{file} has no sheet {sheet!r} with data. Its sheets with data: {titles}. Write: sheet = "{near}"'
        raise StudyError(fault, file=file, sheet=sheet, titles=Listed(titles), near=near)
    if len(grids) == 1:
        return grids[0], []
    found = {title: _found_in(one, wanted) for title, one in titles.items()}
    most = [title for title, number in found.items() if number == max(found.values())]
    if len(most) == 1:
        others = first(title for title in titles if title != most[0])
        said = "Sheet {sheet} read, which alone has these columns; {others} left out."
        return titles[most[0]], [Text(said, sheet=most[0], others=others)]
    years = [title for title in titles if re.search(YEAR_IN_NAME, title)]
    pattern = re.sub(YEAR_IN_NAME, YEAR, years[0]) if years else ""
    remedy = Text(' If each sheet holds a year, write sheet = "{pattern}" and leave time out.', pattern=pattern)
    known = {"number": len(titles), "titles": first(titles), "remedy": remedy if len(years) > 1 else ""}
    fault = '{file} has data in {number} sheets: {titles}. Name the one meant, such as: sheet = "{sheet}".{remedy}'
    raise StudyError(fault, file=file, sheet=most[0], **known)


def _found_in(grid: Grid, wanted: Mapping[str, str]) -> int:
    """How many of the wanted names a sheet has."""
    best = best_header(header_lines(grid), lambda header: len(find_columns(header, wanted)))
    return len(find_columns(best, wanted))
