"""Checks of a panel and its design, each with a message that says what, where and what to do."""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.messages import FewTreatedGroupsWarning, StudyError, count, first, refuse, unit_years
from analysis.study.labels import as_text
from analysis.study.panel_rows import by_unit_and_time, changes, first_rows, frame_of

DESIGN_COLUMNS = ["unit", "time", "first_treated", "group", "stratum"]
# Larger numbers are dates such as 20230101 or 202301, whose differences are not years.
YEAR_LIMIT = 10_000


def canonical_columns(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """A copy of the frame in which the design columns carry their canonical names."""
    if not isinstance(frame, pd.DataFrame):
        raise StudyError(f"The panel must be a pandas DataFrame, not {type(frame).__name__}.")
    absent = [f"{name!r} (for {key})" for key, name in names.items() if name not in frame]
    if absent:
        raise StudyError(f"The panel has no column {', '.join(absent)}. It has: {', '.join(map(str, frame.columns))}.")
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()].unique()
        raise StudyError(
            f"{count(len(twice), 'column name')} used twice: {first(twice)}. Rename or remove one of each."
        )
    if frame.empty:
        raise StudyError("The panel has no rows. Check that the file and sheet are the ones meant.")
    kept = [c for c in frame if c not in names.values()]
    clash = [c for c in kept if c in {*DESIGN_COLUMNS, *names}]
    if clash:
        raise StudyError(
            f"The column {clash[0]!r} has a name this library uses for the design. "
            f"Rename it, or pass it as {clash[0]}=."
        )
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


def check_keys(frame: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Units and years are there, codes are written one way, and years are whole."""
    for key in ("unit", "time", "stratum"):
        if key in frame and (missing := frame[key].isna()).any():
            fault = f"{names[key]!r} ({key}) is missing"
            refuse(unit_years(frame, missing), "row", fault, "Fill it in, or remove those rows.")
    for key in [k for k in ("unit", "group", "stratum") if k in frame]:
        if not pd.api.types.is_numeric_dtype(frame[key]):
            _check_codes(frame[key].dropna().unique().tolist(), f"{names[key]!r} ({key})")
    for key in [k for k in ("unit", "group", "stratum") if k in frame]:
        if key != "unit" or not pd.api.types.is_integer_dtype(frame[key]):
            frame[key] = as_text(frame[key], f"{names[key]!r} ({key})")
    for key in [k for k in ("time", "first_treated") if k in frame]:
        whole = pd.api.types.is_integer_dtype(frame[key])
        if _odd_years(frame[key].agg(["min", "max"]) if whole else pd.Series(frame[key].unique())).any():
            odd = _odd_years(frame[key])
            places = unit_years(frame, odd, None if key == "time" else frame[key])
            never = "" if key == "time" else "; leave never-treated units empty"
            fault = f"{names[key]!r} ({key}) is not a whole year"
            refuse(places, "row", fault, f"Write years such as 2023{never}.")
    if frame["time"].dtype not in ("int16", "int32", "int64"):
        frame["time"] = as_numbers(frame["time"]).astype("int64")
    short = frame["time"].between(10, 99)
    if short.all() or (short.any() and frame["time"].max() >= 1000):
        fault = f"{names['time']!r} (time) is a year of two digits"
        refuse(unit_years(frame, short), "row", fault, "Write all four digits, such as 2018 for 18.")


def _odd_years(values: pd.Series) -> pd.Series:
    numbers = as_numbers(values)
    return values.notna() & ~((numbers.abs() < YEAR_LIMIT) & (numbers == numbers.round()))


def _nullable(years: np.ndarray) -> pd.arrays.IntegerArray:
    """Whole numbers, missing where NaN; many times as fast as a checked conversion."""
    missing = np.isnan(years)
    whole = np.ones(len(years), dtype="int64")
    np.copyto(whole, years, casting="unsafe", where=~missing)
    return pd.arrays.IntegerArray(whole, missing)


def in_order(frame: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """The rows in order of unit and year, start years as nullable whole numbers, and whether any stands twice."""
    ordered, repeated = by_unit_and_time(frame)
    if "first_treated" in ordered:
        ordered["first_treated"] = _nullable(as_numbers(ordered["first_treated"]).to_numpy())
    return ordered, repeated


def _check_codes(codes: list, column: str) -> None:
    """No code is blank or padded with spaces, and none is text where others are numbers."""
    text = [code for code in codes if isinstance(code, str)]
    if padded := [repr(code) for code in text if code.strip() != code or not code]:
        raise StudyError(
            f"{column} has spaces around, or nothing in, {count(len(padded), 'code')}: {first(padded)}. "
            "Remove the spaces, and leave missing codes empty."
        )
    numbers = [code for code in codes if not isinstance(code, str)]
    if text and numbers:
        raise StudyError(
            f"{column} has {count(len(numbers), 'code')} written as a number ({first(numbers)}) and {len(text):,} "
            f"written as text ({first(map(repr, text))}). Write all codes one way: 1 and '1' are not the same code."
        )


def check_constant_within_unit(frame: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Start year, group and stratum do not change within a unit; rows in order of unit."""
    within = ~changes(frame["unit"])
    what = {
        "first_treated": "More than one first treated year",
        "group": "More than one group",
        "stratum": "More than one stratum",
    }
    for key in [k for k in what if k in frame]:
        several = frame.loc[within & changes(frame[key]), "unit"].unique()
        if len(several):
            shared = f'; where units of several strata share a name, write unit = ["{names[key]}", "{names["unit"]}"]'
            values = frame[key].astype(object).where(frame[key].notna(), "(empty)")
            example = ", ".join(map(str, values[frame["unit"] == several[0]].unique()[:3]))
            raise StudyError(
                f"{what[key]} ({names[key]!r}) in {count(len(several), 'unit')}: {first(several)}; "
                f"{several[0]} has {example}. Give each unit one value in all its years"
                f"{shared if key == 'stratum' else ''}."
            )


def check_starts(frame: pd.DataFrame) -> None:
    """There are treated and untreated units, and years before and after every start."""
    starts = frame[["unit", "first_treated"]].iloc[first_rows(frame)].set_index("unit")["first_treated"]
    if starts.isna().all():
        raise StudyError(
            "No unit is treated: the first treated year is empty everywhere. Fill it in for the treated units."
        )
    if starts.notna().all():
        raise StudyError(
            f"No unit is untreated: all {len(starts):,} units have a first treated year. "
            "A comparison needs never-treated units; leave their first treated year empty, or say which values stand "
            "for never treated: never = [0, 9999]."
        )
    begins, ends = int(frame["time"].min()), int(frame["time"].max())
    early, late = starts[starts <= begins], starts[starts > ends]
    if len(early):
        raise StudyError(
            f"No year before treatment for {count(len(early), 'unit')}: {first(early.index)} (first treated "
            f"{int(early.iloc[0])}, panel begins {begins}). Add earlier years, remove these units, or leave "
            "the start empty if they are never treated."
        )
    if len(late):
        raise StudyError(
            f"No year after treatment for {count(len(late), 'unit')}: {first(late.index)} (first treated "
            f"{int(late.iloc[0])}, panel ends {ends}). Leave their start empty to use them as untreated, remove them, "
            "or, to plan a study, add a row for each of its years to come with the outcome left empty."
        )


def design_notes(frame: pd.DataFrame, stacklevel: int = 4) -> tuple[str, ...]:
    """What readers must know of the design, one sentence each; rows in order of unit."""
    units = frame[["first_treated", "group"]].iloc[first_rows(frame)]
    return few_treated_groups(units, stacklevel) + mixed_groups(units)


def mixed_groups(units: pd.DataFrame) -> tuple[str, ...]:
    """A note where groups hold treated and untreated units, so that treatment was not given to whole groups."""
    kinds = units["first_treated"].notna().groupby(units["group"]).nunique()
    mixed = kinds.index[kinds > 1]
    if not len(mixed):
        return ()
    hold = "holds" if len(mixed) == 1 else "hold"
    return (
        f"{count(len(mixed), 'group')} {hold} both treated and untreated units ({first(mixed)}): "
        "treatment was not given to whole groups, and randomization of groups cannot serve.",
    )


def few_treated_groups(units: pd.DataFrame, stacklevel: int = 3) -> tuple[str, ...]:
    """Warn, and keep the note, when fewer than three groups are treated, or fewer than three are untreated."""
    treated = units["first_treated"].notna()
    sides = {"treated": units.loc[treated, "group"].unique(), "untreated": units.loc[~treated, "group"].unique()}
    kind, groups = min(sides.items(), key=lambda side: len(side[1]))
    if len(groups) >= 3:
        return ()
    luck = {
        "treated": "its own luck cannot be told from the effect",
        "untreated": "its own luck moves every comparison",
    }
    meaning = (
        f"with one, {luck[kind]}, and no standard error says how sure one can be"
        if len(groups) == 1
        else "with two, standard errors rest on two numbers: usual tests reject far too often, careful ones hardly ever"
    )
    note = (
        f"Only {count(len(groups), f'{kind} group')} ({first(groups)}): {meaning}. "
        "Read the estimate as a description; randomization inference is the most that can be said."
    )
    warnings.warn(note, FewTreatedGroupsWarning, stacklevel=stacklevel)
    return (note,)
