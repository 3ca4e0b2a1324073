"""A panel's design columns read in order: keys, the part taken, when treatment begins; each step checked and said."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.messages import StudyError
from analysis.study.labels import join_columns
from analysis.study.panel_checks import (
    canonical_columns,
    check_constant_within_unit,
    check_keys,
    check_starts,
    in_order,
)
from analysis.study.panel_rows import first_rows
from analysis.study.repeated_rows import refuse_repeated_rows
from analysis.study.selection import changed_codes, take
from analysis.study.spellings import alike_names
from analysis.study.treatment import (
    first_years,
    read_never,
    refuse_indicator,
    refuse_odd_starts,
    without_always_treated,
)


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
    panel, taken = take(panel, leave_out, years)
    if "first_treated" in names:
        refuse_indicator(panel, names["first_treated"])
    ordered, repeated = in_order(panel)
    if repeated:
        refuse_repeated_rows(panel, names, outcomes)
    panel = ordered
    looks = alike_names(panel) + changed_codes(panel)
    if "treated" in names:
        panel["first_treated"], gaps = first_years(panel, names["treated"], start)
        panel["first_treated"] = panel["first_treated"].astype("Int64")
        names["first_treated"] = names["treated"]
        panel, looks = panel.drop(columns="treated"), looks + gaps
    check_constant_within_unit(panel, names)
    starts = panel[["unit", "first_treated"]].iloc[first_rows(panel)].set_index("unit")["first_treated"]
    refuse_odd_starts(starts, names["first_treated"], int(panel["time"].min()), int(panel["time"].max()))
    panel, always = without_always_treated(panel)
    check_starts(panel)
    return panel, said + taken + always + looks


def _check_treatment_named(names: Mapping[str, str], start: int | None, never: Collection) -> None:
    """One column says when treatment begins, or who is treated."""
    given = [key for key in ("first_treated", "treated") if key in names]
    if len(given) != 1:
        raise StudyError(
            "Name one column that says when treatment begins: first_treated (the first treated year of each unit), or "
            f"treated (0 and 1). {'Both are' if given else 'None is'} named."
        )
    if start is not None and given == ["first_treated"]:
        raise StudyError(
            "start goes with a column treated of 0 and 1; first_treated says when by itself. Leave start out."
        )
    if isinstance(never, str | int) or (len(never) and given == ["treated"]):
        raise StudyError(
            "never lists the values of first_treated that stand for never treated, such as never = [0, 9999]."
        )
