"""When treatment begins in each unit, as panels code it: a first year, or 0 and 1 by row or by unit."""

import re
from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from analysis.language.texts import Text, count, first
from analysis.messages import StudyError, fixed, look, refuse, unit_years
from analysis.study.panel_checks import as_numbers
from analysis.study.panel_rows import changes, first_rows, of_units
from analysis.study.unit_names import text_label

TRUTH = dict.fromkeys(("0", "false", "no", "否"), 0.0) | dict.fromkeys(("1", "true", "yes", "是"), 1.0) | {"": np.nan}
"""What stands for untreated, for treated, and for nothing."""
FAR = 100
"""A start so many years outside the panel is taken for a code, not for a year."""


def read_never(values: pd.Series, never: Collection, column: str) -> tuple[pd.Series, list[str]]:
    """First treated years, missing where a value stands for never treated, and how many rows did.

    Examples
    --------
    >>> read_never(pd.Series([2019, 9999, 0]), [0, 9999], "start")[1]
    ['start: 2 rows with 9999, 0 read as never treated.']
    """
    stands_for_never = {text_label(one) for one in never}
    found = [one for one in values.dropna().unique() if _plain(one) in stands_for_never] if stands_for_never else []
    if not found:
        return values, []
    out = values.isin(found)
    known = {"rows": count(int(out.sum()), "row"), "values": first(map(_plain, found))}
    return values.mask(out), [Text("{column}: {rows} with {values} read as never treated.", column=column, **known)]


def _plain(value: object) -> str:
    return re.sub(r"\.0+$", "", text_label(value).strip())


def indicator_of(values: pd.Series) -> pd.Series:
    """1 where a value says treated, 0 where untreated, NaN where nothing stands, and 2 for anything else."""
    codes, distinct = pd.factorize(values)
    truth = [TRUTH.get(_plain(one).lower(), 2.0) for one in distinct]
    return pd.Series(np.array([*truth, np.nan])[codes], values.index)


def is_indicator(values: pd.Series) -> bool:
    """Whether values are 0 and 1 and nothing else, and some are 1."""
    found = indicator_of(pd.Series(values.unique()))
    return bool(found.eq(1).any() and not found.eq(2).any())


def with_starts(frame: pd.DataFrame, names: Mapping[str, str], start: int | None) -> tuple[pd.DataFrame, list[str]]:
    """The frame with first treated years as whole numbers, and what to look at; rows in order of unit and year."""
    looks: list[str] = []
    if "treated" in names:
        years, looks = _first_years(frame, names["treated"], start)
        frame = frame.drop(columns="treated").assign(first_treated=years)
    elif frame["time"].min() > 1 and is_indicator(frame["first_treated"]):
        column = names["first_treated"]
        raise StudyError(
            "{column!r} (first_treated) holds only 0 and 1: it is an indicator of treatment, not a first year. Write "
            'treated = "{column}" in the place of first_treated, and, if it is 1 in all years of treated units, also '
            "start = 2018 (the first treated year).",
            column=column,
        )
    years = as_numbers(frame["first_treated"]).to_numpy()
    # Many times as fast as a conversion that checks, and without another copy of a large panel's column.
    never, whole = np.isnan(years), np.ones(len(years), dtype="int64")
    np.copyto(whole, years, where=~never, casting="unsafe")
    frame["first_treated"] = pd.arrays.IntegerArray(whole, never)
    _refuse_odd_starts(frame, names.get("first_treated") or names["treated"])
    return frame, looks


def _first_years(frame: pd.DataFrame, column: str, start: int | None) -> tuple[pd.Series, list[str]]:
    """First treated years from a column `treated` of 0 and 1, and what to look at.

    Without `start` the column says when: treated units switch on and stay on. With it the column says who.
    """
    found = indicator_of(frame["treated"])
    wrong = unit_years(frame, ~found.isin([0, 1]), frame["treated"])
    remedy = "Write 0 or 1 in every row; how strong a treatment was cannot be used."
    refuse(wrong, "row", "{column!r} (treated) is neither 0 nor 1", remedy, column=column)
    on, begins = (found == 1).to_numpy(), first_rows(frame)
    ever, always = np.maximum.reduceat(on, begins), np.minimum.reduceat(on, begins)
    if start is None:
        _refuse_who_without_when(column, ever, always)
        _refuse_ends(frame, column, on)
        years = np.minimum.reduceat(np.where(on, frame["time"].astype(float), np.inf), begins)
    else:
        units = frame["unit"].iloc[begins][ever & ~always]
        remedy = "Leave start out: the column says when treatment begins."
        fault = "start = {start} is given, but {column!r} (treated) changes by itself"
        refuse(units, "unit", fault, remedy, start=start, column=column)
        years = np.full(len(begins), float(start))
    years[~ever] = np.nan
    filled = pd.Series(np.repeat(years, np.diff(begins, append=len(frame))), frame.index)
    return filled, _starts_in_gaps(frame, filled) if start is None else []


def _refuse_who_without_when(column: str, ever: np.ndarray, always: np.ndarray) -> None:
    if ever.any() and (ever == always).all():
        raise StudyError(
            "{column!r} (treated) is 1 in all years of {units} and 0 in all years of the others: it says who is "
            "treated, not when. Write start = 2018 (the first treated year), or name a column of first treated years "
            "as first_treated.",
            column=column,
            units=count(int(ever.sum()), "unit"),
        )


def _refuse_ends(frame: pd.DataFrame, column: str, on: np.ndarray) -> None:
    ends = pd.Series(~on & np.append(False, on[:-1]) & ~changes(frame["unit"]), frame.index)
    remedy = (
        "Treatment that ends is not covered: effects may last. Leave out the years from then on, or these units "
        "(leave_out = [...]), or name as first_treated a column with the year in which treatment first began."
    )
    refuse(unit_years(frame, ends), "place", "{column!r} (treated) goes back to 0", remedy, column=column)


def _starts_in_gaps(frame: pd.DataFrame, years: pd.Series) -> list[str]:
    """Units without a row in the panel's year before they are first seen treated."""
    seen = np.sort(frame["time"].unique())
    place = np.searchsorted(seen, frame["time"].to_numpy())
    gap = np.append(0, np.diff(place)) > 1
    unsure = gap & ~changes(frame["unit"]) & (frame["time"] == years).to_numpy()
    names = frame.loc[unsure, "unit"].tolist()
    remedy = "That year counts as the first; if treatment began before, name a column of first treated years."
    return look(names, "unit", "{} without a row in the year before treatment is first seen", remedy)


def without_always_treated(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows of units seen before treatment or never treated; units treated in all their years, named."""
    units = frame.iloc[first_rows(frame)]
    early = (units["first_treated"] <= units["time"]).fillna(False)
    if not early.any() or (early == units["first_treated"].notna()).all():
        return frame, []
    out = frame["unit"].isin(always := units.loc[early, "unit"])
    sentence = (
        "{units} left out, treated in all years seen ({found}; {rows} rows): nothing shows what they were like before."
    )
    known = {"units": count(len(always), "unit"), "found": first(always), "rows": fixed(out.sum(), 0)}
    return frame[~out].reset_index(drop=True), [Text(sentence, **known)]


def _refuse_odd_starts(frame: pd.DataFrame, column: str) -> None:
    """Years far from the panel's, such as 0 and 9999, may stand for never treated: that is asked, not guessed."""
    starts, begins, ends = of_units(frame, "first_treated"), frame["time"].min(), frame["time"].max()
    far = starts[((starts == 0) & (begins > 0)) | (starts < begins - FAR) | (starts > ends + FAR)].dropna()
    values = sorted(set(far))
    listed = ", ".join(map(str, values[:3]))
    known = {"column": column, "values": first(values), "listed": listed}
    remedy = "If that stands for never treated, write never = [{listed}]; else correct it."
    refuse(far.index, "unit", "{column!r} (first_treated) is {values}", remedy, **known)
