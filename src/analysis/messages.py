"""How errors speak: what is wrong, where (a count and the first three), and what to do."""

from collections.abc import Iterable, Mapping

import pandas as pd


class StudyError(ValueError):
    """The panel or its design cannot support the analysis asked for; the message says what to do."""


class FewTreatedGroupsWarning(UserWarning):
    """Fewer than three treated groups: most inference is uninformative, and the message says how."""


def count(number: int, noun: str) -> str:
    """A number with its noun: 1 village, 2 villages, 3 counties, 4 strata."""
    if number != 1:
        irregular = {"ty": f"{noun[:-1]}ies", "um": f"{noun[:-2]}a"}
        noun = irregular.get(noun[-2:], f"{noun}s")
    return f"{number:,} {noun}"


def first(values: Iterable) -> str:
    """The first three of many, with dots where there are more."""
    values = list(values)
    return ", ".join(map(str, values[:3])) + (", ..." if len(values) > 3 else "")


def unit_years(frame: pd.DataFrame, mask: pd.Series) -> list[str]:
    """Unit and year of each row of a mask."""
    return [f"{unit} in {year}" for unit, year in frame.loc[mask, ["unit", "time"]].itertuples(index=False)]


def rows(frame: pd.DataFrame, mask: pd.Series, values: pd.Series | None = None) -> str:
    """Name rows: how many, and the first three by unit and year (and what stands there)."""
    places = unit_years(frame, mask)
    if values is not None:
        places = [f"{place} ({value!r})" for place, value in zip(places, values[mask].tolist(), strict=True)]
    return f"{count(len(places), 'row')}: {first(places)}"


def reasons(dropped: Mapping[str, int]) -> str:
    """Rows left out, by reason: 24 (income missing)."""
    return ", ".join(f"{number:,} ({reason})" for reason, number in dropped.items()) or "none"


def amount(number: float) -> str:
    """A number as a reader wants it: whole if it is, or from 100 on; one decimal from 10 on, else three.

    Examples
    --------
    >>> amount(49028.4), amount(16.62), amount(-0.0001), amount(3.0)
    ('49,028', '16.6', '0.000', '3')
    """
    decimals = 0 if abs(number) >= 100 or round(float(number), 9).is_integer() else 1 if abs(number) >= 10 else 3
    return f"{round(number, decimals) + 0.0:,.{decimals}f}"


def in_sentence(label: str) -> str:
    """A label as it stands inside a sentence: Village income becomes village income, GDP per head stays.

    Examples
    --------
    >>> in_sentence("Village income"), in_sentence("GDP per head"), in_sentence("A share")
    ('village income', 'GDP per head', 'a share')
    """
    return label[:1].lower() + label[1:] if label.split(" ")[0][1:].islower() or label[1:2] in ("", " ") else label
