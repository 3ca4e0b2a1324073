"""From a sheet to its table: the rows that are villages, what stands around them, what merged cells mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.language.characters import HALF_WIDTH
from analysis.language.texts import Text, count, first
from analysis.messages import fixed, refuse
from analysis.reading.grid import UNREADABLE, Grid
from analysis.reading.header import (
    Header,
    as_unit,
    column_names,
    find_columns,
    find_header,
    kind_of,
    refuse_twice,
    unit_above,
    unit_of_column,
)

NUMBERS = ("number", "percentage", "measured")
TOTAL = (
    r"(?i).{0,12}(?:合计|总计|小计|共计|总和|平均|均值)[值数]?(?:[:：(（].*)?|其中[:：].*|全[省市县区乡镇街道]+"
    r"|(?:grand|sub)?total|sum|mean|average"
)
"""Cells, without their spaces, that mark a row which is no village's: a sum, a mean, a part of one."""
NOTE = r"(?i)(?:注|备注|说明|附注|(?:数据|资料)?来源|填表|制表|审核|填报|联系|note|source)[^\d]{0,4}[:：\d].*"
"""Cells, without their spaces, that begin a note below a table."""
ABOVE = "row {row} (单位：{line})"
OF_TOTALS = "{many} of totals or means left out: {places}."


@dataclass(frozen=True)
class Table:
    """Wanted columns by row, counted from 1; all names; the unit read for a column and whence; what was left out."""

    frame: pd.DataFrame
    names: list[str]
    units: Mapping[str, tuple[str, str]]
    notes: list[str]


def lay_out(file: str, grid: Grid, kinds: Mapping[str, str]) -> Table:
    """The table in a sheet, with what was left out and how names and merged cells were read.

    Parameters
    ----------
    kinds : mapping of str to str
        Wanted columns, as for `read_panel`; {year} in a name stands for a year.

    Raises
    ------
    StudyError
        If the names are not there, stand twice, or cells cannot be read.
    """
    header = find_header(file, grid, kinds)
    found = find_columns(header, kinds)
    refuse_twice(file, found, header.lines)
    _check_widths(file, grid, header)
    places = {name: at for name, (at,) in found.items()}
    kind_by_name = {name: kind_of(name, kinds) for name in places}
    numbers = [at for name, at in places.items() if kind_by_name[name] in NUMBERS]
    used = sorted({0, *places.values()})
    labels = sorted({*used} - {*numbers} | {0, *range(min(numbers, default=1))})
    begin = header.first + header.lines
    rows, index = grid.rows[begin:], range(begin + 1, len(grid.rows) + 1)
    cells_of = {at: [row[at] if at < len(row) else "" for row in rows] for at in sorted({*used, *labels})}
    text = pd.DataFrame(cells_of, index, dtype="str")
    blank = text[used].eq("").all(axis="columns")
    out, notes = _left_out(grid, header, text[~blank], labels, places, kind_by_name)
    cells = {name: _filled(file, grid, header, text[at], (name, kind_by_name[name])) for name, at in places.items()}
    frame = pd.DataFrame({name: column for name, (column, _) in cells.items()}, text.index)[~blank].drop(index=out)
    for mark, (fault, remedy) in UNREADABLE.items():
        lost = [one[1:] for name in frame for one in frame[name].astype("str").unique() if one.startswith(mark)]
        refuse(lost, "cell", fault, remedy, file=file)
    hidden = len(grid.hidden & {at - 1 for at in frame.index})
    in_sheet = Text(" ({number} of them hidden in the sheet)", number=fixed(hidden, 0)) if hidden else ""
    notes = [
        Text("{rows} read{hidden}{note}.", rows=count(len(frame), "row"), hidden=in_sheet, note=grid.note),
        *_above(grid, header),
        *blank_rows(int(blank.sum())),
        *notes,
        *(said for _, said in cells.values() if said),
    ]
    return Table(frame, header.names, _units(grid, header, places), notes)


def _check_widths(file: str, grid: Grid, header: Header) -> None:
    """In text each row of data has as many cells as there are names; a note may stand alone."""
    width, begin = len(grid.rows[header.first]), header.first + 1
    rows = [(at, row) for at, row in enumerate(grid.rows[begin:], begin + 1) if len(row) not in (0, 1, width)]
    odd = [Text("row {row} ({cells} cells)", row=at, cells=len(row)) for at, row in rows if not grid.title]
    remedy = 'Put a cell that holds a comma in double quotes, as in "1,200".'
    refuse(odd, "row", "{file} has {width} columns, but not so many cells", remedy, file=file, width=width)


def _left_out(
    grid: Grid, header: Header, text: pd.DataFrame, labels: list[int], places: Mapping[str, int], kinds: Mapping
) -> tuple[list[int], list[str]]:
    """Rows that are no village's, and a sentence on each sort of them."""
    measured = [at for name, at in places.items() if kinds[name] in (*NUMBERS, "year")]
    empty = text[measured].eq("").all(axis="columns")
    notes = marked(text.loc[empty, labels], NOTE)
    notes |= _alone_below(grid, empty) if "year" in kinds.values() else {}
    keys = [at for name, at in places.items() if kinds[name] not in NUMBERS]
    names = column_names(grid.rows[header.first])
    same = pd.concat([text[at].str.strip() == names[at] for at in keys], axis="columns").all(axis="columns")
    repeated = {row: names[keys[0]] for row in text.index[same]} if len(keys) > 1 else {}
    totals = {row: cell for row, cell in marked(text[labels], TOTAL).items() if row not in {**notes, **repeated}}
    return [*notes, *repeated, *totals], [
        *named_rows("row", OF_TOTALS, totals),
        *named_rows("note", "{many} around the table left out: {places}.", notes),
        *named_rows("row", "{many} of repeated column names left out: {places}.", repeated),
    ]


def marked(text: pd.DataFrame, pattern: str) -> dict[int, str]:
    """Rows in which a whole cell, without its spaces, is of a pattern, and the first such cell of each."""
    found: dict[int, str] = {}
    for _, column in text.items():
        cells = [cell for cell in column.unique() if re.fullmatch(pattern, "".join(cell.split()))]
        found = column[column.isin(cells)].to_dict() | found
    return dict(sorted(found.items()))


def named_rows(noun: str, sentence: str, rows: Mapping[int, str]) -> list[str]:
    """A sentence on rows left out, if any."""
    places = first(Text("row {row} ({cell})", row=row, cell=_short(cell)) for row, cell in rows.items())
    return [Text(sentence, many=count(len(rows), noun), places=places)] if rows else []


def blank_rows(number: int) -> list[str]:
    """A sentence on blank rows, if any."""
    return [Text("{rows} left out.", rows=count(number, "blank row"))] if number else []


def _alone_below(grid: Grid, empty: pd.Series) -> dict[int, str]:
    """Rows at the end that hold one text and no year: notes."""
    found: dict[int, str] = {}
    for row in reversed(empty.index):
        filled = [cell for cell in grid.rows[row - 1] if cell.strip()]
        if len(filled) != 1 or not empty[row] or re.fullmatch(r"[\d.,\s%-]+", filled[0].translate(HALF_WIDTH)):
            break
        found[row] = filled[0]
    return found


def _short(cell: str) -> str:
    cell = " ".join(cell.split())
    return cell if len(cell) <= 24 else f"{cell[:24]}…"


def _filled(file: str, grid: Grid, header: Header, text: pd.Series, column: tuple[str, str]) -> tuple[pd.Series, str]:
    """A column's cells; codes and years as shown, and down their rows where cells are merged."""
    from openpyxl.utils import get_column_letter as letter

    (name, kind), at, begin = column, text.name, header.first + header.lines
    areas = [one for one in grid.merged if one[0] >= begin and one[1] <= at <= one[3] and grid.rows[one[0]][one[1]]]
    where = {one: f"{letter(one[1] + 1)}{one[0] + 1}:{letter(one[3] + 1)}{one[2] + 1}" for one in areas}
    if kind in NUMBERS:
        several = [place for one, place in where.items() if re.search(r"^[\d.,%-]+$", grid.rows[one[0]][one[1]])]
        remedy = "One number for several cells does not say what each of them is: split them and fill in each."
        refuse(several, "merged area", "{file} has {} over numbers ({name!r})", remedy, file=file, name=name)
        return text, ""
    down = [one for one in areas if one[2] > one[0] and one[1] == at]
    own = {row + 1: code for (row, column), code in grid.shown.items() if column == at and row >= begin}
    if not own and not down:
        return text, ""
    values = text.astype(object)
    values.update(pd.Series(own, dtype=object))
    for top, _, bottom, _ in down:
        values.loc[top + 1 : bottom + 1] = values.loc[top + 1]
    areas_said = {"areas": count(len(down), "merged area"), "places": first(where[one] for one in down)}
    said = Text("{name!r}: {areas} filled down their rows: {places}.", name=name, **areas_said)
    plain = values.map(type).eq(str).all()
    return values.astype("str") if plain else values, said if down else ""


def _above(grid: Grid, header: Header) -> list[str]:
    """What stands above the column names, and of how many lines these are."""
    above = [" ".join(filter(None, map(_short, row))) for row in grid.rows[: header.first] if any(row)]
    blank = sum(not any(answers) for answers in header.answers)
    many, columns = count(len(above), "row"), count(blank, "column")
    joined = {"first": header.first + 1, "last": header.first + header.lines}
    said = {
        Text("{many} above the column names left out: {found}.", many=many, found=first(above)): above,
        Text("Column names in rows {first} to {last} joined.", **joined): header.lines > 1,
        Text("{columns} without a name left out.", columns=columns): blank,
    }
    return [sentence for sentence, found in said.items() if found]


def _units(grid: Grid, header: Header, places: Mapping[str, int]) -> dict[str, tuple[str, str]]:
    """The unit of each column, from its name or from a line above all names, and where that was read."""
    line, row = unit_above(grid, header)
    above = (line, Text(ABOVE, row=row, line=line)) if as_unit(line) else ("", "")
    own = {name: unit_of_column(header.answers[at]) for name, at in places.items()}
    return {name: (unit, Text("the column's name")) if unit else above for name, unit in own.items()}
