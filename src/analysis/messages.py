"""How the library speaks: errors say what is wrong, where and what to do; numbers keep the digits that count."""

import functools
import math
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

# A number nearer than this to a whole one is shown as that one; so many decimals are the most that are shown.
MOST_DECIMALS = 9
DOLLAR = "<span>$</span>"


class StudyError(ValueError):
    """The panel or its design cannot support the analysis asked for; the message says what to do."""


class FewTreatedGroupsWarning(UserWarning):
    """Fewer than three treated groups: most inference is uninformative, and the message says how."""


def floored(number: float) -> str:
    """An effective number with one decimal, never rounded up: 2.98 is less than three. A rounding error is none."""
    return f"{math.floor(10 * number + 1e-6) / 10:.1f}" if math.isfinite(number) else f"{number}"


def count(number: int, noun: str) -> str:
    """A number with its noun: 1 village, 2 villages, 3 counties, 4 strata."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Several of what a noun names: villages, counties, strata."""
    return {"ty": f"{noun[:-1]}ies", "um": f"{noun[:-2]}a"}.get(noun[-2:], f"{noun}s")


def p_of(p_value: float) -> str:
    """How a p-value stands behind "p": "= 0.034", or "< 0.001" where three decimals show nothing."""
    return f"= {p_value:.3f}" if p_value >= 0.001 else "< 0.001"


def first(values: Iterable) -> str:
    """The first three of many, with dots where there are more."""
    values = list(values)
    return ", ".join(map(str, values[:3])) + (", ..." if len(values) > 3 else "")


def refuse(found: Iterable, noun: str, fault: str, remedy: str) -> None:
    """Raise a `StudyError` where anything was found: what is wrong, in how many and the first three, what to do.

    Parameters
    ----------
    found : iterable
        What is at fault, as it is to be named: codes, columns, rows (`unit_years`). Nothing happens where it is empty.
    noun : str
        What these are, in the singular: "village", "row".
    fault, remedy : str
        A clause without its full stop that "in 2 villages" can follow, or in which their number stands in the place of
        {}; and whole sentences.

    Examples
    --------
    >>> refuse([], "village", "The outcome is missing", "Fill it in.")
    >>> refuse(["v1", "v2"], "village", "The outcome is missing", "Fill it in.")
    Traceback (most recent call last):
    analysis.messages.StudyError: The outcome is missing in 2 villages: v1, v2. Fill it in.
    """
    for sentence in _naming(found, noun, fault, remedy):
        raise StudyError(sentence)


def look(found: Iterable, noun: str, fault: str, remedy: str) -> list[str]:
    """What is to be looked at before a study is run, named as by `refuse`: one sentence, or none.

    Examples
    --------
    >>> look(["v1", "v2"], "village", "{} without a value", "Leave them out."), look([], "village", "{} left", "")
    (['LOOK: 2 villages without a value: v1, v2. Leave them out.'], [])
    """
    return [f"LOOK: {sentence}" for sentence in _naming(found, noun, fault, remedy)]


def _naming(found: Iterable, noun: str, fault: str, remedy: str) -> list[str]:
    found = list(found)
    fault = fault if "{}" in fault else f"{fault} in {{}}"
    return [f"{fault.replace('{}', count(len(found), noun))}: {first(found)}. {remedy}"] if found else []


def check_shares(**shares: float) -> None:
    """Raise a ValueError where an option is no share, strictly between 0 and 1.

    Examples
    --------
    >>> check_shares(level=0.95, power=0.8)
    """
    for name, share in shares.items():
        if not 0 < share < 1:
            raise ValueError(f"{name} must lie between 0 and 1, not {share}.")


def check_whole(least: int, **numbers: float) -> None:
    """Raise a ValueError where an option is no whole number, or below the least that it can be.

    Examples
    --------
    >>> check_whole(1, draws=499)
    """
    for name, number in numbers.items():
        if not number >= least or number % 1:
            raise ValueError(f"{name} must be a whole number and at least {least}, not {number}.")


def unit_years(frame: pd.DataFrame, mask: pd.Series, values: pd.Series | None = None) -> list[str]:
    """Unit and year of each row of a mask, and what stands there: "v1 in 2019 ('none')"."""
    where = frame.loc[mask, ["unit", "time"]].itertuples(index=False) if mask.any() else ()
    places = [f"{unit} in {year}" for unit, year in where]
    if values is None:
        return places
    return [f"{place} ({value!r})" for place, value in zip(places, values[mask].tolist(), strict=True)]


def rows(frame: pd.DataFrame, mask: pd.Series, values: pd.Series | None = None) -> str:
    """Name rows: how many, and the first three by unit and year (and what stands there)."""
    places = unit_years(frame, mask, values)
    return f"{count(len(places), 'row')}: {first(places)}"


def reasons(dropped: Mapping[str, int]) -> str:
    """Rows left out, by reason: 24 (income missing)."""
    return ", ".join(f"{number:,} ({reason})" for reason, number in dropped.items()) or "none"


def amounts(*numbers: float) -> tuple[str, ...]:
    """Numbers shown together, such as an estimate and the ends of its interval, all with the same decimals.

    Half of what they span (an interval's half-width) is shown with two significant digits. Digits before the point
    are all kept; infinite and missing numbers are left out of the span. A number alone is shown as by `amount`.

    Examples
    --------
    >>> amounts(0.000137, 0.00011, 0.000164), amounts(16620.3, -11503.2, 44743.8)
    (('0.000137', '0.000110', '0.000164'), ('16,620', '−11,503', '44,744'))
    >>> amounts(0.1234, -0.0561, 0.3029), amounts(0.5, float("nan"), float("nan"))
    (('0.12', '−0.06', '0.30'), ('0.500', 'nan', 'nan'))
    """
    decimals = shared_decimals(*numbers)
    return tuple(amount(number) if decimals is None else fixed(number, decimals) for number in numbers)


def shared_decimals(*numbers: float) -> int | None:
    """Decimals of numbers shown together, by `amounts`; None where they are alike, or one alone is known."""
    known = [number for number in numbers if np.isfinite(number)]
    half = (max(known) - min(known)) / 2 if known else 0.0
    return decimals_of(half, 2) if round(half, MOST_DECIMALS) > 0 else None


def amount(number: float) -> str:
    """A number shown alone: whole if it is, or from 100 on; one decimal from 10 on, else three, or two digits.

    Use `amounts` for an estimate with its interval.

    Examples
    --------
    >>> amount(49028.4), amount(16.62), amount(0.0281), amount(-0.000137), amount(3.0)
    ('49,028', '16.6', '0.028', '−0.00014', '3')
    """
    if abs(number) >= 100 or round(float(number), MOST_DECIMALS).is_integer():
        return fixed(number, 0)
    return fixed(number, 1 if abs(number) >= 10 or np.isnan(number) else max(3, decimals_of(number, 2)))


def decimals_of(size: float, significant: int) -> int:
    """Decimals that show a size with so many significant digits, none of those before the point left out."""
    exponent = int(f"{size:.{significant - 1}e}".split("e")[1])
    return min(max(significant - 1 - exponent, 0), MOST_DECIMALS)


def fixed(number: float, decimals: int) -> str:
    """A number with so many decimals, thousands set off, a true minus sign, and none before a zero."""
    return f"{round(number, decimals) + 0.0:,.{decimals}f}".replace("-", "−").replace("inf", "∞")


def as_typed(text: str) -> str:
    r"""Markdown that shows a text as it is typed, on one line: no emphasis, formula, link or HTML begins in it.

    Examples
    --------
    >>> as_typed("a *b* <i>"), as_typed("Income rose by 5 % (p = 0.034).")
    ('a \\*b\\* \\<i\\>', 'Income rose by 5 % (p = 0.034).')
    >>> as_typed("$x$")
    '<span>$</span>x<span>$</span>'
    """
    escaped = re.sub(r"([\\`*_<>\[\]{}#~|&])", r"\\\1", " ".join(text.split()))
    # Some readers set formulas after Markdown: only in an element of its own does a dollar sign stay one.
    return escaped.replace("$", DOLLAR)


class Sentence:
    """A result whose repr is a sentence: notebooks show it with every character as it is typed."""

    def _repr_markdown_(self) -> str:
        return as_typed(repr(self))


@dataclass(frozen=True, repr=False)
class Said(Sentence):
    r"""A sentence that is all there is to a result.

    Examples
    --------
    >>> Said("Two villages are named."), Said("a *b*")._repr_markdown_()
    (Two villages are named., 'a \\*b\\*')
    """

    text: str

    def __repr__(self) -> str:
        return self.text


def in_sentence(label: str) -> str:
    """A label as it stands inside a sentence: Village income becomes village income, GDP per head stays.

    Examples
    --------
    >>> in_sentence("Village income"), in_sentence("GDP per head"), in_sentence("A share")
    ('village income', 'GDP per head', 'a share')
    """
    return label[:1].lower() + label[1:] if label.split(" ")[0][1:].islower() or label[1:2] in ("", " ") else label


def former_options(**options: str | tuple[str, Mapping] | None) -> Callable:
    """Decorate a function whose options changed: the former ones go on working for one version, with a warning.

    Parameters
    ----------
    **options
        For each former name the new one, the new one and what each value becomes, or None where it no longer counts.

    Examples
    --------
    >>> @former_options(log=("scale", {True: "log", False: "level"}))
    ... def verb(scale=None):
    ...     return scale
    >>> with warnings.catch_warnings(record=True, action="always") as said:
    ...     verb(log=True), str(said[0].message)
    ('log', "verb() takes log= until version 0.2 only. Write scale='log'.")
    """

    def decorate(function: Callable) -> Callable:
        name = function.__name__ if function.__name__ != "__init__" else function.__qualname__.split(".")[0]

        @functools.wraps(function)
        def taking_both(*args: Any, **given: Any) -> Any:
            for former in [option for option in given if option in options]:
                value, advice = given.pop(former), "It no longer changes anything."
                if renamed := options[former]:
                    new, values = renamed if isinstance(renamed, tuple) else (renamed, dict[Any, Any]())
                    if new in given:
                        raise TypeError(f"{name}() got {former}= and {new}=, the same. Write {new}=.")
                    given[new] = values.get(value, value)
                    advice = f"Write {new}={given[new]!r}."
                warnings.warn(f"{name}() takes {former}= until version 0.2 only. {advice}", FutureWarning, stacklevel=2)
            return function(*args, **given)

        return taking_both

    return decorate
