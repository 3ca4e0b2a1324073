"""Checks of a panel and its design, each with a message that says what, where and what to do."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from analysis.language.texts import Listed, Text, count, first
from analysis.messages import StudyError, fixed, refuse, unit_years
from analysis.study.panel_rows import KEYS, changes, first_rows, frame_of, of_units
from analysis.study.unit_names import JOINED_BY, are_names, as_text

DESIGN_COLUMNS = ["unit", "time", "first_treated", "group", "stratum"]
# Larger numbers are dates such as 20230101 or 202301, whose differences are not years.
YEAR_LIMIT = 10_000
ALIKE, MANY = 0.8, 5
"""From so many units on, nearly as many that end as that begin are taken for codes that changed."""


def canonical_columns(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """A copy of the frame in which the design columns carry their canonical names."""
    if not isinstance(frame, pd.DataFrame):
        raise StudyError("The panel must be a pandas DataFrame, not {kind}.", kind=type(frame).__name__)
    absent = [Text("{name!r} (for {key})", name=name, key=key) for key, name in names.items() if name not in frame]
    if absent:
        known = {"columns": Listed(absent), "there": Listed(frame.columns)}
        raise StudyError("The panel has no column {columns}. It has: {there}.", **known)
    twice = frame.columns[frame.columns.duplicated()].unique()
    refuse(twice, "column name", "{} used twice", "Rename or remove one of each.")
    if frame.empty:
        raise StudyError("The panel has no rows. Check that the file and sheet are the ones meant.")
    kept = [c for c in frame if c not in names.values()]
    for name in [name for name in kept if name in {*DESIGN_COLUMNS, *names}]:
        fault = "The column {name!r} has a name this library uses for the design. Rename it, or pass it as {name}=."
        raise StudyError(fault, name=name)
    canonical = {key: _plain(frame[name]) for key, name in names.items()} | {name: frame[name] for name in kept}
    return frame_of({key: values.array for key, values in canonical.items()})


def _plain(values: pd.Series) -> pd.Series:
    """Categories as their values, so that codes sort as codes."""
    if not isinstance(values.dtype, pd.CategoricalDtype):
        return values
    return pd.Series(values.cat.categories).reindex(values.cat.codes)


def as_numbers(values: pd.Series) -> pd.Series:
    """Values as floats, NaN where missing or not a number; dates and durations are not numbers."""
    if values.dtype == "float64":
        return values
    if not pd.api.types.is_numeric_dtype(values):
        values = values.astype(object)
    return pd.to_numeric(values, errors="coerce").astype("float64")


def text_among(values: pd.Series, numbers: pd.Series) -> pd.Series:
    """Which values are neither numbers nor missing, given the numbers they were read as."""
    text = numbers.isna()
    if text.any():
        text &= values.notna()
        text[text] = values[text].map(lambda value: str(value).lower() != "nan")
    return text


def numeric_column(frame: pd.DataFrame, name: str, role: str) -> pd.Series:
    """A column as floats, refused where it is absent, part of the design, text or infinite; see `Study.column`."""
    if name in DESIGN_COLUMNS:
        raise StudyError("{name!r} is part of the design and cannot be the {role}.", name=name, role=Text(role))
    if name not in frame:
        there = [known for known in frame if known not in DESIGN_COLUMNS]
        design = Text(" The design's unit, year, start, group and stratum cannot be the {role}.", role=Text(role))
        raise StudyError(
            "The panel has no column {name!r} to use as {role}. It has: {there}.{design}",
            name=name,
            role=Text(role),
            there=Listed(there) if there else Text("no columns beside the design"),
            design=design if role != "outcome" else "",
        )
    values = frame[name]
    numbers = as_numbers(values)
    text = unit_years(frame, text_among(values, numbers), values)
    remedy = "Write numbers only, and leave missing values empty."
    refuse(text, "row", "The {role} {name!r} is not a number", remedy, role=Text(role), name=name)
    infinite = unit_years(frame, pd.Series(np.isinf(numbers), index=numbers.index))
    remedy = "Infinite values often come from a division by zero; correct them or leave them empty."
    refuse(infinite, "row", "The {role} {name!r} is infinite", remedy, role=Text(role), name=name)
    return numbers


def check_keys(frame: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Units and years are there, codes are written one way, and years are whole."""
    for key in [k for k in ("unit", "time", "stratum") if k in frame]:
        column = _column(names, key)
        rows = unit_years(frame, frame[key].isna())
        refuse(rows, "row", "{column} is missing", "Fill it in, or remove those rows.", column=column)
    for key in [k for k in ("unit", "group", "stratum") if k in frame]:
        if not pd.api.types.is_integer_dtype(frame[key]):
            frame[key] = as_text(frame[key], _column(names, key))
    for key in [k for k in ("time", "first_treated") if k in frame]:
        if _odd_years(pd.Series(frame[key].unique())).any():
            places = unit_years(frame, _odd_years(frame[key]), None if key == "time" else frame[key])
            remedy = "Write years such as 2023."
            if key == "first_treated":
                remedy = "Write years such as 2023; leave never-treated units empty."
            refuse(places, "row", "{column} is not a whole year", remedy, column=_column(names, key))
    if frame["time"].dtype not in ("int16", "int32", "int64"):
        frame["time"] = as_numbers(frame["time"]).astype("int64")
    short = frame["time"].between(10, 99)
    if short.all() or (short.any() and frame["time"].max() >= 1000):
        fault, remedy = "{column} is a year of two digits", "Write all four digits, such as 2018 for 18."
        refuse(unit_years(frame, short), "row", fault, remedy, column=_column(names, "time"))


def _column(names: Mapping[str, str], key: str) -> Text:
    return Text("{name!r} ({key})", name=names[key], key=key)


def whole_numbers_as_text(frame: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Groups and strata of whole numbers as text, once rows are in order: text is slower to sort."""
    for key in [k for k in ("group", "stratum") if k in frame and pd.api.types.is_integer_dtype(frame[k])]:
        frame[key] = as_text(frame[key], _column(names, key))


def _odd_years(values: pd.Series) -> pd.Series:
    numbers = as_numbers(values)
    return values.notna() & ~((numbers.abs() < YEAR_LIMIT) & (numbers == numbers.round()))


class RepeatedRowsError(StudyError):
    """A unit and year have several rows."""


def refuse_repeated_rows(frame: pd.DataFrame, names: Mapping[str, str], outcomes: Collection[str]) -> None:
    """Refuse rows of one unit and year, saying what tells them apart and what to do.

    Parameters
    ----------
    names
        The caller's name of each design column.
    outcomes
        Columns that are measured, and so tell nothing apart.
    """
    twice = frame.duplicated([*KEYS])
    many = frame[frame.duplicated([*KEYS], keep=False)]
    fixed = {*KEYS, "first_treated", "treated", *outcomes}
    apart = _apart(many, [name for name in many if name not in fixed and _is_label(many[name])])
    shown = {names.get(name, name): first(many[name].dropna().unique()) for name in apart}
    said = [Text("{name!r} ({values})", name=name, values=values) for name, values in shown.items()]
    parts = [*(names.get(name, name) for name in apart), *names["unit"].split(JOINED_BY)]
    line = ", ".join(f'"{name}"' for name in parts)
    units = many["unit"].unique()
    if many.duplicated(keep=False).all():
        advice = "Keep one row per unit and year."
    elif not apart:
        advice = (
            "No column tells these rows apart, yet their values differ: add them up if they are parts of one whole; "
            "else find out which is right, and keep one row per unit and year."
        )
        if are_names(pd.Index(units)):
            advice = (
                "Two villages may share this name in one year: give codes, or town and name "
                '(unit = ["乡镇", "村名"]). If they are parts of one village, add them up.'
            )
    elif 2 * len(units) <= frame["unit"].nunique():
        advice = (
            "These rows differ in {said}: {units} may share a name with another. Write unit = [{line}] to tell them "
            "apart, or take a column of codes as unit."
        )
    else:
        advice = (
            "The rows go deeper than unit and year: they differ in {said}. Add them up (counts, amounts) or average "
            "them (rates) within unit and year first, or take one kind only; keeping any one row loses the others. "
            "If these are units of their own, write unit = [{line}]."
        )
    raise RepeatedRowsError(
        "A unit-year is repeated in {rows}: {found}. {advice}",
        rows=count(int(twice.sum()), "row"),
        found=first(unit_years(frame, twice)),
        advice=Text(advice, said=Listed(said, " and "), units=count(len(units), "unit"), line=line),
    )


def _is_label(values: pd.Series) -> bool:
    """Whether a column could name something: text or whole numbers, and not one value throughout."""
    numbers = as_numbers(values)
    return (
        values.notna().all()
        and len(values.unique()) > 1
        and bool((numbers.isna() | (numbers == numbers.round())).all())
    )


def _apart(rows: pd.DataFrame, labels: list[str]) -> list[str]:
    """The columns, as few as can be seen, and of few values, that tell rows of one unit and year apart; else none."""
    labels = sorted(labels, key=lambda name: rows[name].nunique())
    chosen: list[str] = []
    while labels:
        left = {name: int(rows.duplicated([*KEYS, *chosen, name]).sum()) for name in labels}
        chosen.append(min(left, key=left.__getitem__))
        if not left[chosen[-1]]:
            return chosen
        labels.remove(chosen[-1])
    return []


def changed_codes(frame: pd.DataFrame) -> list[str]:
    """Units that end in one year as as many others begin in the next; rows in order of unit and year."""
    begins = first_rows(frame)
    unit, time = frame["unit"].iloc[begins].to_numpy(), frame["time"].to_numpy()
    starts, ends = time[begins], time[np.append(begins[1:], len(frame)) - 1]
    said: list[str] = []
    for year in np.unique(ends[ends < time.max()]):
        after = starts[starts > year].min(initial=time.max() + 1)
        gone, come = unit[ends == year], unit[starts == after]
        if len(gone) == len(come) or min(len(gone), len(come)) >= ALIKE * max(len(gone), len(come), MANY):
            sentence = (
                "LOOK: {units} end in {year} ({gone}) as {others} others begin in {after} ({come}). If a code or name "
                "changed (as when a county becomes a district, 撤县设区), give the unit one code in all its years: as "
                "it stands, it is two units, neither seen before and after."
            )
            known = {"units": count(len(gone), "unit"), "gone": first(gone), "come": first(come)}
            said.append(Text(sentence, year=year, after=after, others=fixed(len(come), 0), **known))
    return said


def check_constant_within_unit(frame: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Start year, group and stratum do not change within a unit; rows in order of unit."""
    within = ~changes(frame["unit"])
    for key, what in {"first_treated": "first treated year", "group": "group", "stratum": "stratum"}.items():
        several = frame.loc[within & changes(frame[key]), "unit"].unique() if key in frame else []
        if len(several):
            fault = (
                "More than one {what} ({name!r}) in {units}: {found}; {unit} has {example}. Give each unit one value "
                "in all its years."
            )
            if key == "stratum":
                fault = (
                    "More than one {what} ({name!r}) in {units}: {found}; {unit} has {example}. Give each unit one "
                    "value in all its years; where units of several strata share a name, write "
                    'unit = ["{name}", "{unit_name}"].'
                )
            values = frame[key].astype(object).where(frame[key].notna(), Text("(empty)"))
            raise StudyError(
                fault,
                what=Text(what),
                name=names[key],
                units=count(len(several), "unit"),
                found=first(several),
                unit=several[0],
                example=Listed(values[frame["unit"] == several[0]].unique()[:3]),
                unit_name=names["unit"],
            )


def check_starts(frame: pd.DataFrame) -> None:
    """There are treated and untreated units, and years before and after every start."""
    starts = of_units(frame, "first_treated")
    if starts.isna().all():
        raise StudyError("No unit is treated: the first treated year is empty everywhere. Fill it in where treated.")
    if starts.notna().all():
        raise StudyError(
            "No unit is untreated: all {number:,} units have a first treated year. A comparison needs never-treated "
            "units; leave their first treated year empty, or say which values stand for it: never = [0, 9999].",
            number=len(starts),
        )
    begins, ends = int(frame["time"].min()), int(frame["time"].max())
    early, late = (starts[side].items() for side in (starts <= begins, starts > ends))
    remedy = "The panel begins in {begins}: add earlier years, remove these units, or leave their start empty."
    units = [Text("{unit} ({year})", unit=unit, year=year) for unit, year in early]
    refuse(units, "unit", "No year before treatment for {}", remedy, begins=begins)
    remedy = "The panel ends in {ends}: leave their start empty, remove them, or, to plan a study, add years to come."
    units = [Text("{unit} ({year})", unit=unit, year=year) for unit, year in late]
    refuse(units, "unit", "No year after treatment for {}", remedy, ends=ends)
