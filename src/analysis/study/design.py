"""A panel's design columns read in order: keys, the part taken, when treatment begins; each step checked and said."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.language.texts import Text, count, first
from analysis.messages import StudyError, fixed, refuse
from analysis.study.panel_checks import (
    canonical_columns,
    changed_codes,
    check_constant_within_unit,
    check_keys,
    check_starts,
    refuse_repeated_rows,
    whole_numbers_as_text,
)
from analysis.study.panel_rows import by_unit_and_time, first_rows
from analysis.study.treatment import read_never, with_starts, without_always_treated
from analysis.study.unit_names import alike_names, join_columns, text_label


def read_design(
    frame: pd.DataFrame,
    columns: Mapping[str, str | Sequence[str] | None],
    outcomes: Collection[str],
    *,
    start: int | None = None,
    never: Collection = (),
    leave_out: Collection = (),
    years: Sequence[int] | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """The validated panel in order of unit and year, and what was left out or is to be looked at.

    Parameters
    ----------
    columns
        Which column is `unit` (or several, joined), `time`, `first_treated` or `treated`, `group` and `stratum`.
    outcomes
        Columns that are measured.
    start, never, leave_out, years
        As in `Study.from_frame`.
    """
    names: dict[str, Any] = {key: name for key, name in columns.items() if name is not None}
    frame, names["unit"] = join_columns(frame, names["unit"])
    _check_treatment_named(names, start, never)
    panel = canonical_columns(frame, names)
    said: list[str] = []
    if "first_treated" in names:
        panel["first_treated"], said = read_never(panel["first_treated"], never, repr(names["first_treated"]))
    check_keys(panel, names)
    panel, taken = _taken(panel, leave_out, years)
    panel, repeated = by_unit_and_time(panel)
    whole_numbers_as_text(panel, names)
    if repeated:
        refuse_repeated_rows(panel, names, outcomes)
    looks = alike_names(panel.iloc[first_rows(panel)]) + changed_codes(panel)
    panel, gaps = with_starts(panel, names, start)
    check_constant_within_unit(panel, names)
    panel, always = without_always_treated(panel)
    check_starts(panel)
    return panel, said + taken + always + looks + gaps


def _check_treatment_named(names: Mapping[str, str], start: int | None, never: Collection) -> None:
    """One column says when treatment begins, or who is treated."""
    given = [key for key in ("first_treated", "treated") if key in names]
    if len(given) != 1:
        raise StudyError(
            "Name one column that says when treatment begins: first_treated (the first treated year of each unit), or "
            "treated (0 and 1). {found}",
            found=Text("Both are named." if given else "None is named."),
        )
    if start is not None and given == ["first_treated"]:
        raise StudyError("start goes with treated (0 and 1); first_treated says when by itself. Leave start out.")
    if isinstance(never, str | int) or (len(never) and given == ["treated"]):
        raise StudyError("never lists what stands for never treated in first_treated, such as never = [0, 9999].")


def _taken(frame: pd.DataFrame, leave_out: Collection, years: Sequence[int] | None) -> tuple[pd.DataFrame, list[str]]:
    """The rows of the years asked for without the units left out, and a sentence on each."""
    said: list[str] = []
    if isinstance(leave_out, str):
        raise StudyError('leave_out must be a list of units. Write leave_out = ["{unit}"].', unit=leave_out)
    if len(leave_out):
        names = {text_label(one) for one in leave_out}
        known = {text_label(one): one for one in frame["unit"].unique()}
        refuse(sorted(names - set(known)), "unit", "leave_out names {} not in the panel", "Correct it.")
        out = frame["unit"].isin([known[name] for name in names])
        frame = frame[~out]
        known = {"units": count(len(names), "unit"), "names": first(sorted(names)), "rows": fixed(out.sum(), 0)}
        said.append(Text("{units} left out as asked: {names} ({rows} rows).", **known))
    if years is not None:
        frame = _years(frame, years, said)
    return frame.reset_index(drop=True) if said else frame, said


def _years(frame: pd.DataFrame, years: Sequence[int], said: list[str]) -> pd.DataFrame:
    """The rows from one year to another; starts after them are of units not treated in these years."""
    whole = not isinstance(years, str) and len(years) == 2 and all(isinstance(one, int) for one in years)
    if not whole or years[0] >= years[1]:
        fault = "years must be the first and the last year to take, such as [2010, 2019], not {years!r}."
        raise StudyError(fault, years=years)
    inside = frame["time"].between(*years)
    if not inside.any():
        span = {"begins": frame["time"].min(), "ends": frame["time"].max()}
        fault = "The panel has no row from {first} to {last}. It runs from {begins} to {ends}."
        raise StudyError(fault, first=years[0], last=years[1], **span)
    sentence = "Years {first} to {last} taken; {rows} rows of other years left out."
    said.append(Text(sentence, first=years[0], last=years[1], rows=fixed((~inside).sum(), 0)))
    frame = frame[inside]
    if "first_treated" in frame:
        starts = pd.to_numeric(frame["first_treated"])
        later = starts > years[1]
        if later.any():
            units = frame.loc[later, "unit"].unique()
            known = {"units": count(len(units), "unit"), "year": years[1], "found": first(units)}
            said.append(Text("{units} treated after {year} taken as untreated: {found}.", **known))
            frame = frame.assign(first_treated=starts.mask(later))
    return frame
