"""Where a table's column names stand: one line or several, under a title, over data."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from analysis.language.characters import SPACES
from analysis.language.texts import Listed, Text, first
from analysis.language.units import convert_unit
from analysis.messages import StudyError, refuse
from analysis.reading.grid import Grid

SEPARATORS = {";": "semicolons", "，": "full-width commas", "|": "bars"}
HEADER_SEARCH, MOST_LINES = 10, 3
YEAR = "{year}"
"""Stands for a year in a name: of columns, sheets or files."""
DIGIT = r"\d|^[〇零一二三四五六七八九]+年?$"
UNIT_LINE = r"(?:计量|金额|货币)?单位\s*[:：]\s*(.+?)[\s)）]*$"
OWN_UNIT = r"(?:[（(\[【]|[:：,，/／_\s])\s*(?:单位[:：])?([^（）()\[\]【】]+?)[)）\]】]?$"


@dataclass(frozen=True)
class Header:
    """The lines of column names, from row `first` on; for each column the names it answers to, all joined first."""

    first: int
    lines: int
    answers: list[list[str]]

    @property
    def names(self) -> list[str]:
        """One name for each column: its lines joined by a space."""
        return [answers[0] for answers in self.answers]


def column_names(row: list) -> list[str]:
    """Column names without line breaks and the spaces around them."""
    return ["".join(part.strip() for part in str(name).translate(SPACES).splitlines()) for name in row]


def years_in(names: Collection[str], pattern: str) -> dict[int, str]:
    """The names that a pattern with {year} fits, by year.

    Examples
    --------
    >>> years_in(["村名", "2021年收入", "2022年收入"], "{year}年收入")
    {2021: '2021年收入', 2022: '2022年收入'}
    """
    fits = re.compile(re.escape(pattern).replace(re.escape(YEAR), r"((?:19|20)\d\d)", 1))
    return {int(match[1]): name for name in names if (match := fits.fullmatch(name))}


def kind_of(name: str, kinds: Mapping[str, str]) -> str:
    """The kind of a column by its name, or by the pattern with {year} that it fits, if any.

    Examples
    --------
    >>> kind_of("2021年收入", {"村名": "code", "{year}年收入": "number"})
    'number'
    """
    fits = (kind for pattern, kind in kinds.items() if years_in([name], pattern))
    return kinds[name] if name in kinds else next(fits, "")


def find_columns(header: Header, wanted: Collection[str]) -> dict[str, list[int]]:
    """The columns that answer to each wanted name, by their joined name or else a line of it; years filled in."""
    found: dict[str, list[int]] = {}
    for name in wanted:
        for lines in (slice(0, 1), slice(1, None)):
            here: dict[str, list[int]] = {}
            for at, answers in enumerate(header.answers):
                for one in years_in(answers[lines], name).values() if YEAR in name else {name} & {*answers[lines]}:
                    here.setdefault(one, []).append(at)
            if here:
                found |= here
                break
    return found


def find_header(file: str, grid: Grid, wanted: Mapping[str, str]) -> Header:
    """The lines that hold most of the wanted names, and those below them that are names or units too.

    Raises
    ------
    StudyError
        If none of the names is there; the message says which names seem to be.
    """
    top = header_lines(grid)
    if len(top[0]) == 1 and (found := [name for mark, name in SEPARATORS.items() if mark in top[0][0]]):
        fault = "{file} separates its columns by {marks}. Save it as CSV with commas, or as .xlsx."
        raise StudyError(fault, file=file, marks=Text(found[0]))
    header = best_header(top, lambda header: _number_found(header, wanted))
    if not _number_found(header, wanted):
        header = fullest_line(grid)
        if not header.first:
            return header
        raise StudyError(
            "{file} has none of the columns asked for ({wanted}). Its column names seem to stand in row {row}: "
            "{shown}. Write these names in the study file.",
            file=file,
            wanted=first(wanted),
            row=header.first + 1,
            shown=Listed(filter(None, header.names)),
        )
    places = find_columns(header, wanted)
    times = [at for name, at in places.items() if wanted.get(name) == "year"]
    codes = [at for name, at in places.items() if wanted.get(name) == "code"]
    key = [*times, *codes, *places.values()][0][0]
    while _is_further_line(top, below := header.first + header.lines, key, bool(times)):
        header = _header(top, header.first, below - header.first + 1)
    return header


def pick_names(file: str, names: list[str], wanted: Collection[str]) -> list[str]:
    """The first name (totals are marked there) and the wanted ones, none of which stands twice."""
    places = find_columns(Header(0, 1, [[name, name] for name in names]), wanted)
    refuse_twice(file, places)
    return [names[at] for at in sorted({0, *(at for at, *_ in places.values())})]


def refuse_twice(file: str, places: Mapping[str, list[int]], lines: int = 1) -> None:
    """No wanted name has several columns."""
    remedy = "Rename one of each."
    if lines > 1:
        remedy = "Rename one of each, or write its name with that of the line above."
    twice = [name for name, at in places.items() if len(at) > 1]
    refuse(twice, "column name", "{file} has {} twice", remedy, file=file)


def header_lines(grid: Grid) -> list[list[str]]:
    """The first rows as names of columns, merged ones over all their columns."""
    width, rows = max(map(len, grid.rows)), enumerate(grid.rows[: HEADER_SEARCH + MOST_LINES])
    top = [[str(grid.shown.get((at, column), cell)) for column, cell in enumerate(row)] for at, row in rows]
    top = [column_names(row) + [""] * (width - len(row)) for row in top]
    for row, left, _, right in grid.merged:
        if row < len(top):
            top[row][left : right + 1] = [top[row][left]] * len(top[row][left : right + 1])
    return top


def best_header(top: list[list[str]], score: Callable[[Header], int]) -> Header:
    """The header that scores most; of equal ones the one with fewest lines, then the topmost."""
    last = {lines: min(HEADER_SEARCH, len(top) - lines + 1) for lines in range(1, MOST_LINES + 1)}
    return max((_header(top, at, lines) for lines, end in last.items() for at in range(end)), key=score)


def fullest_line(grid: Grid) -> Header:
    """The first row at least half as full as the fullest of the first rows."""
    top = [column_names(row) for row in grid.rows[:HEADER_SEARCH]]
    filled = [sum(map(bool, row)) for row in top]
    return _header(top, next(at for at, number in enumerate(filled) if 2 * number >= max(filled)), 1)


def _header(top: list[list[str]], at: int, lines: int) -> Header:
    columns = zip(*top[at : at + lines], strict=True) if lines > 1 else [(name,) for name in top[at]]
    kept = [[*dict.fromkeys(filter(None, names))] for names in columns]
    return Header(at, lines, [[" ".join(names), *names] for names in kept])


def _number_found(header: Header, wanted: Collection[str]) -> int:
    found = find_columns(header, wanted)
    return sum(name in found or (YEAR in name and bool(years_in(found, name))) for name in wanted)


def _is_further_line(top: list[list[str]], at: int, key: int, is_time: bool) -> bool:
    """Whether a row below column names is one more line of them: words without a number, and no village's.

    A row of data has a year: in its column a further line has words. Without a column of years it is empty under the
    first name.
    """
    if at >= len(top) or not any(top[at]) or any(re.search(DIGIT, cell) for cell in top[at]):
        return False
    return bool(top[at][key]) if is_time and top[at][key] else not top[at][key] and _above_filled(top, at, key)


def _above_filled(top: list[list[str]], at: int, key: int) -> bool:
    """The name above is there, and the row below has something under it."""
    return bool(top[at - 1][key]) and (at + 1 >= len(top) or bool(top[at + 1][key]))


def as_unit(text: str) -> str:
    """The text if it is a known unit, in brackets or not, else nothing.

    Examples
    --------
    >>> as_unit("（万元）"), as_unit("没有单位"), as_unit("元/人")
    ('万元', '', '元/人')
    """
    bare = text.strip(" （）()[]【】")
    return bare if bare and not re.search("not known here", convert_unit(bare)[2]) else ""


def unit_of_column(answers: list[str]) -> str:
    """The unit that a column's name ends with, or a line of its own gives: 万元 of 收入（万元）."""
    ends = [match[1] for name in answers if (match := re.search(OWN_UNIT, name))]
    return next(filter(None, map(as_unit, [*answers[1:], *ends])), "")


def unit_above(grid: Grid, header: Header) -> tuple[str, int]:
    """The unit of a line such as 单位：万元 above the column names, and its row, counted from 1."""
    for at, row in enumerate(grid.rows[: header.first], 1):
        for cell in row:
            if match := re.search(UNIT_LINE, cell.strip()):
                return match[1].strip(), at
    return "", 0
