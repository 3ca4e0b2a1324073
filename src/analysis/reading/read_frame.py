"""One row per unit and year from the tables that a study names, whatever way their years and outcomes stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.language.texts import Listed, Text, count, first
from analysis.language.units import convert_unit
from analysis.messages import StudyError, look, refuse
from analysis.reading.header import YEAR, unit_of_column, years_in
from analysis.reading.membership import names_of, with_members
from analysis.reading.read_panel import Columns, meets, read_panel, require
from analysis.reading.sheets import grids_of
from analysis.study.specification import as_names
from analysis.study.unit_names import join_columns

TIME, START = "year", "first treated year"
"""What the columns are called that no file has: years from names, and one start for all."""
KIND_OF = {"time": "year", "first_treated": "start", "a control": "number", "the weights": "number"}

OF_ROWS = ("time", "an outcome", "where")
"""What a column is for that is of a unit in a year, and in no membership file."""
Named = tuple[str, int | None, Columns]
"""What to call a file or sheet, the year that its name says, and its columns."""


@dataclass(frozen=True)
class Cells:
    """The design's and the specification's columns; each outcome's values and the unit read for it; what was done."""

    frame: pd.DataFrame
    outcomes: Mapping[str, pd.Series]
    units: Mapping[str, tuple[str, str]]
    columns: Mapping[str, Any]
    notes: list[str]


def specified(settings: Mapping[str, Any]) -> dict[str, str]:
    """Columns of controls and weights that no outcome describes, and what each is."""
    named = dict.fromkeys(settings["controls"], "a control")
    named |= dict.fromkeys(as_names(settings.get("weights")), "the weights")
    return {name: role for name, role in named.items() if name not in settings["outcomes"]}


def read_frame(folder: Path, settings: Mapping[str, Any]) -> Cells:
    """The panel, and the membership file's columns joined by unit where one is named.

    Raises
    ------
    StudyError
        If a file, sheet or column is not there or says two things.
    """
    columns, described = dict(settings["columns"]), settings["outcomes"]
    column_of = {name: one.get("column", name) for name, one in described.items()}
    in_names = [one for one in (settings["panel"], settings.get("sheet", ""), *column_of.values()) if YEAR in one]
    if in_names and "time" in columns:
        raise StudyError("{name!r} says the year, and so does time. Leave time out of [columns].", name=in_names[0])
    unit, start = columns["unit"], columns.get("first_treated")
    keys = unit if isinstance(unit, list) else [unit]
    roles, kinds = _roles(settings, keys, column_of)
    members = _members(folder, settings, roles, kinds)
    tables = _tables(folder, settings, kinds, by_name=members is not None and not {*keys} <= {*members.frame})
    in_panel = {name for *_, one in tables for name in one.frame}
    elsewhere = {name: role for name, role in roles.items() if members and role not in ("unit", *OF_ROWS)}
    elsewhere = {name: role for name, role in elsewhere.items() if name not in in_panel}
    for where, _, table in tables:
        require(where, table, {name: role for name, role in roles.items() if name not in elsewhere})
    frame = pd.concat([one.frame if year is None else one.frame.assign(**{TIME: year}) for _, year, one in tables])
    frame, columns["unit"] = join_columns(frame.reset_index(drop=True), unit)
    columns |= {"time": TIME} if in_names else {}
    frame, values, said = _years_down(frame, column_of)
    units = _units(tables, column_of, described)
    frame, values = _by_indicator(frame, values, described, [columns["unit"], columns["time"]])
    notes = _notes(tables) + said
    if members:
        frame, said = _joined(frame, members, elsewhere, settings, columns)
        notes += [*(Text("{file}: {note}", file=settings["membership"], note=note) for note in members.notes), *said]
    if isinstance(start, int):
        frame, columns["first_treated"], said = _one_start(frame, start, columns)
        notes += said
    return Cells(frame, values, units, columns, notes)


def _roles(
    settings: Mapping[str, Any], keys: list[str], column_of: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """What each wanted column is for, and of which kind it is, as for `read_panel`."""
    described = settings["outcomes"]
    roles = specified(settings) | dict.fromkeys(keys, "unit")
    roles |= {name: "where" for one in described.values() for name in one.get("where", {})}
    roles |= {name: key for key, name in settings["columns"].items() if key != "unit" and isinstance(name, str)}
    roles |= dict.fromkeys(column_of.values(), "an outcome")
    kinds = {name: KIND_OF.get(role, "code") for name, role in roles.items()}
    for name, one in described.items():
        kinds[column_of[name]] = {"%": "percentage", None: "measured"}.get(one.get("unit"), "number")
    return roles, kinds


def _tables(folder: Path, settings: Mapping[str, Any], kinds: Mapping[str, str], *, by_name: bool) -> list[Named]:
    """Each file or sheet with what to call it and the year that its name says."""
    path, sheet, never = folder / settings["panel"], settings.get("sheet"), settings.get("never", [])
    files: dict[int | None, Path] = {None: path}
    if YEAR in path.name:
        there = sorted(one.name for one in path.parent.iterdir()) if path.parent.is_dir() else []
        files = {year: path.parent / name for year, name in years_in(there, path.name).items()}
        if not files:
            fault = "There is no file like {file!r} beside the study file. It has: {there}."
            raise StudyError(fault, file=path.name, there=first(there))
    conditions = [one["where"] for one in settings["outcomes"].values() if "where" in one]
    tables = []
    for year, file in files.items():
        opened = grids_of(file)
        sheets, left = _sheets(file.name, [grid.title for grid in opened[0]], sheet)
        for at, one in sheets.items():
            read = partial(read_panel, file, never=never, sheet=one, conditions=conditions, opened=opened)
            columns = read(kinds)
            if by_name:
                columns = read(dict(kinds) | dict.fromkeys(names_of(columns.names), "code"))
            columns.notes.extend(left)
            left = []
            name = Text("{file}, sheet {sheet}", file=file.name, sheet=one) if at else file.name
            tables.append((name, at or year, columns))
    return tables


def _sheets(file: str, titles: list[str], sheet: str | None) -> tuple[dict[int | None, str | None], list[str]]:
    """The sheet asked for, or by year those that fit its pattern, and which do not."""
    if not sheet or YEAR not in sheet:
        return {None: sheet}, []
    sheets = years_in(titles, sheet.strip())
    if not sheets:
        fault = "{file} has no sheet like {sheet!r}. Its sheets with data: {titles}."
        raise StudyError(fault, file=file, sheet=sheet, titles=Listed(titles))
    left = [title for title in titles if title not in sheets.values()]
    many = count(len(left), "sheet")
    said = Text("{sheets} of another name left out: {found}.", sheets=many, found=first(left))
    return {at: title for at, title in sheets.items()}, [said] if left else []


def _members(
    folder: Path, settings: Mapping[str, Any], roles: Mapping[str, str], kinds: Mapping[str, str]
) -> Columns | None:
    """The membership file's columns: units by their codes, or else by town and name."""
    if "membership" not in settings:
        return None
    read = partial(read_panel, folder / settings["membership"], never=settings.get("never", []))
    of_units = {name: kinds[name] for name, role in roles.items() if role not in OF_ROWS}
    members = read(of_units)
    by_code = all(name in members.names for name, role in roles.items() if role == "unit")
    names = [] if by_code else names_of(members.names)
    return read(of_units | dict.fromkeys(names, "code")) if names else members


def _years_down(
    frame: pd.DataFrame, column_of: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[str, pd.Series], list[str]]:
    """A row per unit and year where years stand beside each other, and which years no outcome has."""
    beside = {name: years_in(frame.columns, one) for name, one in column_of.items() if YEAR in one}
    if not beside:
        return frame, {name: frame[column] for name, column in column_of.items()}, []
    years = sorted(set().union(*beside.values()))
    said: list[str] = [Text("Years {years} read from the names of columns.", years=first(years))]
    values = {}
    for name, column in column_of.items():
        of_year = [beside[name].get(year) if name in beside else column for year in years]
        empty = pd.Series(float("nan"), frame.index)
        values[name] = pd.concat([frame[one] if one else empty for one in of_year], ignore_index=True)
        absent = [year for year, one in zip(years, of_year, strict=True) if not one]
        remedy = "Correct the names of columns if it should."
        said += look(absent, "year", "{name} has no column for {}", remedy, name=name)
    kept = frame.drop(columns=[one for columns in beside.values() for one in columns.values()])
    return pd.concat([kept.assign(**{TIME: year}) for year in years], ignore_index=True), values, said


def _by_indicator(
    frame: pd.DataFrame, values: dict[str, pd.Series], described: Mapping[str, Any], keys: list[str]
) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    """A row per unit and year where each indicator has its own."""
    where = {name: one["where"] for name, one in described.items() if "where" in one}
    if not where:
        return frame, values
    without = [name for name in described if name not in where]
    remedy = "In a file with a row for each indicator every outcome says which it is. Write where in each."
    refuse(without, "outcome", "{} without where, while others have it", remedy)
    first_rows = ~frame.duplicated(keys)
    index = pd.MultiIndex.from_frame(frame.loc[first_rows, keys])
    found = {}
    for name, condition in where.items():
        met = meets(frame, condition)
        rows = frame.loc[met, keys]
        repeated = rows[rows.duplicated()].itertuples(index=False)
        twice = [Text("{unit} in {year}", unit=unit, year=year) for unit, year in repeated]
        refuse(twice, "row", "{name} has several values for a unit and year", "Keep one of each.", name=name)
        one = pd.Series(values[name][met].array, pd.MultiIndex.from_frame(rows))
        found[name] = pd.Series(one.reindex(index).array)
    return frame[first_rows].reset_index(drop=True), found


def _units(
    tables: list[Named], column_of: Mapping[str, str], described: Mapping[str, Any]
) -> dict[str, tuple[str, str]]:
    """The unit read for each outcome and whence; tables that differ are refused."""
    units: dict[str, tuple[str, str]] = {}
    for name, column in column_of.items():
        found: dict[str, str] = {}
        for table, _, read in tables:
            for one in years_in(read.frame.columns, column).values() if YEAR in column else [column]:
                unit, whence = read.units.get(one, ("", ""))
                there = Text("{whence} in {table}", whence=whence, table=table)
                found |= {unit: found.get(unit, there)} if unit else {}
        for indicator in described[name].get("where", {}).values():
            whence = Text("the indicator {indicator!r}", indicator=indicator)
            found = {unit: whence} if (unit := unit_of_column([indicator] * 2)) else found
        if len({convert_unit(unit)[:2] for unit in found}) > 1:
            units_by = [Text("{unit} by {whence}", unit=unit, whence=whence) for unit, whence in found.items()]
            fault = "{name} stands in several units: {places}. Convert them to one."
            raise StudyError(fault, name=name, places=Listed(units_by, "; "))
        units |= {name: next(iter(found.items()))} if found else {}
    return units


def _notes(tables: list[Named]) -> list[str]:
    """What was read and left out, said once where it is the same of several tables, and the years of their names."""
    places: dict[str, list[str]] = {}
    for table, _, read in tables:
        for note in read.notes:
            places.setdefault(note, []).append(table)
    years = [year for _, year, _ in tables if year]
    read_from = {"years": first(years), "tables": count(len(years), "table")}
    said: list[str] = [Text("Years {years} read from the names of {tables}.", **read_from)] if years else []
    each = {True: "{file}: {note}", False: "Each of {file}: {note}"}
    return said + [Text(each[len(of) == 1], file=first(of), note=note) for note, of in places.items()]


def _joined(
    frame: pd.DataFrame,
    members: Columns,
    elsewhere: Mapping[str, str],
    settings: Mapping[str, Any],
    columns: Mapping[str, Any],
) -> tuple[pd.DataFrame, list[str]]:
    """The panel with the columns of the membership file."""
    file, unit = settings["membership"], settings["columns"]["unit"]
    keys = unit if isinstance(unit, list) else [unit]
    by_name = not {*keys} <= {*members.frame} and names_of(members.names) and names_of(frame)
    known = {*keys, *(names_of(members.names) if by_name else [])}
    both = [name for name in members.frame if name not in known and name in frame]
    files = {"panel": settings["panel"], "file": file}
    refuse(both, "column", "{} in {panel} and in {file} alike", "Keep each in one of the two.", **files)
    require(file, members, ({} if by_name else dict.fromkeys(keys, "unit")) | dict(elsewhere))
    rows, key = (members.frame, columns["unit"]) if by_name else join_columns(members.frame, unit)
    return with_members(frame, rows, key, file, columns)


def _one_start(frame: pd.DataFrame, start: int, columns: Mapping[str, Any]) -> tuple[pd.DataFrame, str, list[str]]:
    """All units with a group treated from one year on."""
    if "group" not in columns:
        raise StudyError(
            "first_treated = {start} goes with a group: it is the first year of units with one. Name the column that "
            "only treated units have filled in as group.",
            start=start,
        )
    treated = frame[columns["group"]].notna()
    units, others = (count(frame.loc[mask, columns["unit"]].nunique(), "unit") for mask in (treated, ~treated))
    sentence = "{units} with {group} filled in taken as treated from {start}; {others} without it as never treated."
    said = Text(sentence, units=units, group=columns["group"], start=start, others=others)
    starts = pd.Series(start, frame.index, dtype="Int64").where(treated)
    return frame.assign(**{START: starts}), START, [said]
