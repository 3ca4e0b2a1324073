"""Several rows of one unit and year: names that units share, or a file that goes deeper; what tells the rows apart."""

from collections.abc import Collection, Mapping

import pandas as pd

from analysis.messages import StudyError, count, first, unit_years
from analysis.study.labels import JOINED_BY
from analysis.study.panel_checks import as_numbers

KEYS = ["unit", "time"]


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
    twice = frame.duplicated(KEYS)
    many = frame[frame.duplicated(KEYS, keep=False)]
    fixed = {*KEYS, "first_treated", "treated", *outcomes}
    apart = _apart(many, [name for name in many if name not in fixed and _is_label(many[name])])
    said = " and ".join(f"{names.get(name, name)!r} ({first(many[name].dropna().unique())})" for name in apart)
    parts = [*(names.get(name, name) for name in apart), *names["unit"].split(JOINED_BY)]
    line = ", ".join(f'"{name}"' for name in parts)
    units = many["unit"].unique()
    if not apart:
        advice = "Keep one row per unit and year."
        if not many.duplicated(keep=False).all():
            advice = (
                "No column tells these rows apart, yet their values differ: add them up if they are parts of one "
                "whole; else find out which is right, and keep one row per unit and year."
            )
    elif 2 * len(units) <= frame["unit"].nunique():
        advice = (
            f"These rows differ in {said}: {count(len(units), 'unit')} may share a name with another. Write "
            f"unit = [{line}] to tell them apart, or take a column of codes as unit."
        )
    else:
        advice = (
            f"The rows go deeper than unit and year: they differ in {said}. Add them up (counts, amounts) or average "
            "them (rates) within unit and year first, or take one kind only; keeping any one row loses the others. "
            f"If these are units of their own, write unit = [{line}]."
        )
    raise RepeatedRowsError(
        f"A unit-year is repeated in {count(int(twice.sum()), 'row')}: {first(unit_years(frame, twice))}. {advice}"
    )


def _is_label(values: pd.Series) -> bool:
    """Whether a column could name something: text or whole numbers, and not one value throughout."""
    numbers = as_numbers(values)
    return len(values.unique()) > 1 and bool((numbers.isna() | (numbers == numbers.round())).all())


def _apart(rows: pd.DataFrame, labels: list[str]) -> list[str]:
    """The column with fewest values that tells rows of one unit and year apart, else several together, else none."""
    labels = sorted(labels, key=lambda name: rows[name].nunique())
    for name in labels:
        if not rows.duplicated([*KEYS, name]).any():
            return [name]
    chosen: list[str] = []
    while labels:
        left = {name: int(rows.duplicated([*KEYS, *chosen, name]).sum()) for name in labels}
        best = min(left, key=left.__getitem__)
        chosen.append(best)
        if not left[best]:
            return chosen
        labels.remove(best)
    return []
