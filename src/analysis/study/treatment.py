"""When treatment begins in each unit, as panels code it: a first year, or 0 and 1 by row or by unit."""

import re
from collections.abc import Collection

import numpy as np
import pandas as pd

from analysis.messages import StudyError, count, first, refuse, unit_years
from analysis.study.labels import text_label
from analysis.study.panel_rows import changes, first_rows

TRUTH = dict.fromkeys(("0", "false", "no", "否"), 0.0) | dict.fromkeys(("1", "true", "yes", "是"), 1.0)
"""What stands for untreated and treated; any other value is refused."""
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
    return values.mask(out), [
        f"{column}: {count(int(out.sum()), 'row')} with {first(map(_plain, found))} read as never treated."
    ]


def _plain(value: object) -> str:
    return re.sub(r"\.0+$", "", text_label(value).strip())


def indicator_of(values: pd.Series) -> pd.Series | None:
    """Values as 0 and 1 where they are nothing else, and some are 1; else None."""
    codes, distinct = pd.factorize(values)
    truth = [TRUTH.get(_plain(one).lower(), np.nan if _plain(one) == "" else None) for one in distinct[:4]]
    if len(distinct) > len(truth) or 1 not in truth or None in truth:
        return None
    return pd.Series(np.array([*truth, np.nan])[codes], values.index).astype("Int64")


def refuse_indicator(frame: pd.DataFrame, column: str) -> None:
    """A column of 0 and 1 is no column of first treated years."""
    if frame["time"].min() > 1 and indicator_of(frame["first_treated"]) is not None:
        raise StudyError(
            f"{column!r} (first_treated) holds only 0 and 1: it is an indicator of treatment, not a first year. Write "
            f'treated = "{column}" in the place of first_treated, and, if it is 1 in all years of treated units, also '
            "start = 2018 (the first treated year)."
        )


def first_years(frame: pd.DataFrame, column: str, start: int | None) -> tuple[pd.Series, list[str]]:
    """First treated years from a column `treated` of 0 and 1, and what to look at; rows in order of unit and year.

    Without `start` the column says when: treated units switch on and stay on. With it the column says who.
    """
    on = _indicator(frame, column).to_numpy()
    begins = first_rows(frame)
    ever, always = np.maximum.reduceat(on, begins), np.minimum.reduceat(on, begins)
    units = frame["unit"].iloc[begins].to_numpy()
    if start is not None:
        refuse(
            units[ever & ~always],
            "unit",
            f"start = {start} is given, but {column!r} (treated) changes by itself",
            "Leave start out: the column says when treatment begins.",
        )
        years = np.where(ever, float(start), np.nan)
        return pd.Series(np.repeat(years, np.diff(begins, append=len(frame))), frame.index), []
    if ever.any() and (ever == always).all():
        raise StudyError(
            f"{column!r} (treated) is 1 in all years of {count(int(ever.sum()), 'unit')} and 0 in all years of the "
            "others: it says who is treated, not when. Write start = 2018 (the first treated year), or name a column "
            "of first treated years as first_treated."
        )
    _refuse_ends(frame, column, on)
    years = np.minimum.reduceat(np.where(on, frame["time"].astype(float), np.inf), begins)
    years[~ever] = np.nan
    filled = pd.Series(np.repeat(years, np.diff(begins, append=len(frame))), frame.index)
    return filled, _starts_in_gaps(frame, filled)


def _indicator(frame: pd.DataFrame, column: str) -> pd.Series:
    """Whether each row is treated."""
    codes, distinct = pd.factorize(frame["treated"])
    truth = np.array([*(TRUTH.get(_plain(one).lower(), np.nan) for one in distinct), np.nan])[codes]
    wrong = pd.Series(np.isnan(truth), frame.index)
    if wrong.any():
        remedy = "Write 0 or 1 in every row; how strong a treatment was cannot be used."
        refuse(unit_years(frame, wrong, frame["treated"]), "row", f"{column!r} (treated) is neither 0 nor 1", remedy)
    return pd.Series(truth == 1, frame.index)


def _refuse_ends(frame: pd.DataFrame, column: str, on: np.ndarray) -> None:
    ends = pd.Series(~on & np.append(False, on[:-1]) & ~changes(frame["unit"]), frame.index)
    refuse(
        unit_years(frame, ends),
        "place",
        f"{column!r} (treated) goes back to 0",
        "Treatment that ends is not covered: effects may last. Leave out the years from then on, or these units "
        "(leave_out = [...]), or name as first_treated a column with the year in which treatment first began.",
    )


def _starts_in_gaps(frame: pd.DataFrame, years: pd.Series) -> list[str]:
    """Units without a row in the panel's year before they are first seen treated."""
    seen = np.sort(frame["time"].unique())
    place = np.searchsorted(seen, frame["time"].to_numpy())
    gap = np.append(0, np.diff(place)) > 1
    unsure = gap & ~changes(frame["unit"]) & (frame["time"] == years).to_numpy()
    names = frame.loc[unsure, "unit"].tolist()
    return [
        f"LOOK: {count(len(names), 'unit')} without a row in the year before treatment is first seen: {first(names)}. "
        "That year counts as the first; if treatment began before, name a column of first treated years."
    ] * bool(names)


def without_always_treated(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows of units seen before treatment or never treated; units treated in all their years, named."""
    begins = first_rows(frame)
    early = (frame["first_treated"] <= frame["time"]).fillna(False).to_numpy(dtype=bool)[begins]
    known = frame["first_treated"].notna().to_numpy()[begins]
    if not early.any() or (early == known).all():
        return frame, []
    units = frame["unit"].iloc[begins].to_numpy()[early]
    kept = ~np.repeat(early, np.diff(begins, append=len(frame)))
    return frame[kept].reset_index(drop=True), [
        f"{count(len(units), 'unit')} left out, treated in all years seen ({first(units)}; {(~kept).sum():,} rows): "
        "nothing shows what they were like before."
    ]


def refuse_odd_starts(starts: pd.Series, column: str, begins: int, ends: int) -> None:
    """Years far from the panel's, such as 0 and 9999, may stand for never treated: that is asked, not guessed."""
    far = starts[((starts == 0) & (begins > 0)) | (starts < begins - FAR) | (starts > ends + FAR)].dropna()
    if len(far):
        values = sorted({int(one) for one in far})
        raise StudyError(
            f"{column!r} (first_treated) is {first(values)} in "
            f"{count(len(far), 'unit')}: {first(far.index)}. If that stands for never treated, write "
            f"never = [{', '.join(map(str, values[:3]))}]; else correct it."
        )
