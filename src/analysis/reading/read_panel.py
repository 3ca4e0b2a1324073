"""Read a panel from the files people keep; what would have to be guessed is said, asked or refused."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path

import pandas as pd

from analysis.language.texts import Listed, Text, count, first
from analysis.messages import StudyError, refuse
from analysis.reading.clean_cells import clean_codes, clean_numbers, clean_starts, clean_years
from analysis.reading.grid import Grid
from analysis.reading.header import YEAR, kind_of, pick_names, years_in
from analysis.reading.kind_of_file import opening
from analysis.reading.layout import NUMBERS, OF_TOTALS, TOTAL, Table, blank_rows, lay_out, marked, named_rows
from analysis.reading.read_labelled import read_labelled
from analysis.reading.sheets import YEAR_IN_NAME, choose_sheet, grids_of
from analysis.study.unit_names import plain

Cleaner = Callable[[pd.Series, str], tuple[pd.Series, list[str]]]


@dataclass(frozen=True)
class Columns:
    """The columns asked for, indexed by the file's row numbers; the names of all; units read; what was changed."""

    frame: pd.DataFrame
    names: list[str]
    notes: list[str]
    units: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def read_panel(
    path: Path,
    kinds: Mapping[str, str],
    *,
    never: Collection = (),
    sheet: str | None = None,
    conditions: Collection[Mapping[str, str]] = (),
    opened: tuple[list[Grid], str] | None = None,
) -> Columns:
    """Read the named columns of a file, cleaned; a column the file lacks is left out.

    Use it for any table with a header row; `load_study` does so for the panel and the membership.

    Parameters
    ----------
    path : Path
        A .csv, .xlsx, .xls, .ods, .parquet, .dta or .sav file, known by its content. Nothing in it is executed.
    kinds : mapping of str to str
        The columns, and what each holds: "code" (kept as text), "year", "start" (a first treated year), "number", or
        "percentage" (a number of which 35% is 35, else 0.35), or "measured" (either, as the file gives the unit). A
        name with {year} stands for one column a year.
    never : collection, optional
        Values that stand for never treated among first treated years.
    sheet : str, optional
        Sheet of a workbook; needed where several hold the columns.
    conditions : collection of mapping, optional
        Rows to keep, where any is fulfilled: the text that columns hold.
    opened : tuple, optional
        What `grids_of` gave for the file, where several of its sheets are read.

    Raises
    ------
    StudyError
        If the file cannot be read as it stands; the message says where and what to do.

    Examples
    --------
    >>> from analysis.reading.read_files import DATA
    >>> read_panel(DATA / "membership.csv", {"village_code": "code"}).frame.iloc[0, 0]
    '410883101215'
    """
    grids, kind = opened or grids_of(path)
    if grids:
        grid, chosen = choose_sheet(path.name, grids, kinds, sheet)
        table = lay_out(path.name, grid, kinds)
    else:
        table, chosen = _read_columns(path, kind, kinds), []
    frame, said = _meeting(path.name, table.frame, conditions)
    if frame.empty:
        fault = "{file} has a header but no rows of data. Check that it is the file and sheet meant."
        raise StudyError(fault, file=path.name)
    cleaners: dict[str, Cleaner] = {"code": clean_codes, "year": clean_years, "number": clean_numbers}
    cleaners |= {"start": partial(clean_starts, never=never), "percentage": partial(clean_numbers, percent=True)}
    notes, clean = [*table.notes[:1], *chosen, *table.notes[1:], *said], {}
    for name in frame:
        kind = kind_of(name, kinds)
        if kind == "measured":
            kind = "percentage" if table.units.get(name, "")[:1] == ("%",) else "number"
        clean[name], said = _clean_each_once(cleaners[kind], frame[name], Text("{name!r}", name=name))
        notes += said
    ordered = sorted(clean, key=lambda name: [*kinds].index(name) if name in kinds else len(kinds))
    frame = pd.DataFrame({name: clean[name] for name in ordered}, index=frame.index)
    return Columns(frame, table.names, notes, table.units)


def _clean_each_once(clean: Cleaner, cells: pd.Series, label: str) -> tuple[pd.Series, list[str]]:
    """Clean distinct cells, many times fewer than rows; but every row if there is one to count or to name."""
    codes, distinct = pd.factorize(cells, use_na_sentinel=False)
    try:
        cleaned, said = clean(pd.Series(distinct), label)
    except StudyError:
        said = [f"{label} is refused."]
    return clean(cells, label) if said else (pd.Series(cleaned.array.take(codes), cells.index), [])


def meets(frame: pd.DataFrame, condition: Mapping[str, str]) -> pd.Series:
    """Which rows hold the text of a condition, whatever the width of its signs and its spaces."""
    met = pd.Series(True, frame.index)
    for name, value in condition.items():
        met &= plain(frame[name]) == plain(pd.Series([value]))[0]
    return met


def _meeting(file: str, frame: pd.DataFrame, conditions: Collection[Mapping[str, str]]) -> tuple[pd.DataFrame, list]:
    """The rows that meet any condition, each met by some, and how many do not."""
    conditions = [one for one in conditions if {*one} <= {*frame}]
    kept = pd.Series(not conditions, frame.index)
    for condition in conditions:
        for name, value in condition.items():
            if not meets(frame, {name: value}).any():
                there = list(frame[name].astype("str").unique())
                near = first(get_close_matches(value, there, n=3, cutoff=0.3) or there)
                fault = "{file} has no row with {name} = {value!r}. It has: {near}. Write one of them."
                raise StudyError(fault, file=file, name=name, value=value, near=near)
        kept |= meets(frame, condition)
    out = int((~kept).sum())
    return frame[kept], [Text("{rows} of other indicators left out.", rows=count(out, "row"))] if out else []


def _read_columns(path: Path, kind: str, kinds: Mapping[str, str]) -> Table:
    """The wanted columns of a file of columns, without blank rows and rows of totals."""
    read = _read_parquet if kind == ".parquet" else partial(read_labelled, kind=kind)
    names, frame, note = read(path, kinds)
    blank = (frame.isna() | frame.eq("")).all(axis="columns")
    frame = frame[~blank]
    labels = frame[[name for name in frame if kinds.get(name) not in NUMBERS]].select_dtypes(exclude="number")
    totals = marked(labels.astype("str").fillna(""), TOTAL)
    rows = count(len(frame) - len(totals), "row")
    notes = [Text("{rows} read{hidden}{note}.", rows=rows, hidden="", note=note), *blank_rows(int(blank.sum()))]
    notes += named_rows("row", OF_TOTALS, totals)
    wanted = [name for name in frame if kind_of(name, kinds)]
    return Table(frame[wanted].drop(index=[*totals]), names, {}, notes)


def _read_parquet(path: Path, wanted: Collection[str]) -> tuple[list[str], pd.DataFrame, str]:
    from pyarrow import parquet

    with opening(path.name, "{file} cannot be read as Parquet: {reason}. Write it again."):
        header = parquet.read_schema(path).names
        kept = pick_names(path.name, header, wanted)
        frame = parquet.read_table(path, columns=kept).to_pandas(ignore_metadata=True)
    frame.index += 1
    return header, frame, ""


def require(file: str, columns: Columns, names: Mapping[str, str]) -> None:
    """Every column is there, and every unit, year and stratum filled in."""
    for name, role in names.items():
        found = years_in(columns.frame.columns, name) if YEAR in name else name in columns.frame
        if not found:
            shown, hint = Listed(filter(None, columns.names)), _hint(columns, name, role)
            fault = "{file} has no column {name!r} (for {role}). It has: {shown}.{hint}"
            raise StudyError(fault, file=file, name=name, role=Text(role), shown=shown, hint=hint)
        empty = columns.frame.index[columns.frame[name].isna()] if role in ("unit", "time", "stratum") else []
        remedy = "Fill it in on every row, also where cells were merged; delete notes below the table."
        rows = [Text("row {row}", row=row) for row in empty]
        refuse(rows, "row", "{file}: {name!r} is empty", remedy, file=file, name=name)


def _hint(columns: Columns, name: str, role: str) -> str:
    """What may be meant by a column that is not there, and what to write."""
    alike = get_close_matches(name, columns.names, n=1, cutoff=0.7) or [
        one for one in columns.names if name in one or (one and one in name)
    ]
    years = [one for one in columns.names if re.search(YEAR_IN_NAME, one)]
    patterns = {re.sub(YEAR_IN_NAME, YEAR, one, count=1): one for one in reversed(years)}
    if role == "first_treated":
        return Text(
            " First treated years are a column of the panel, or of a membership file beside it (membership = "
            '"成员.xlsx"), or one year for all units with a group: first_treated = 2022, without quotes.'
        )
    if (role == "time" or YEAR in name) and patterns:
        return Text(
            ' Years stand beside each other ({years}): leave time out, and write column = "{pattern}" in the section '
            "of the outcome.",
            years=first(years),
            pattern=[*patterns][-1],
        )
    return Text(" Did you mean {name!r}?", name=alike[0]) if alike else ""
