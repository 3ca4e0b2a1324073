"""How the library speaks: errors say what is wrong, where and what to do; numbers keep the digits that count."""

import functools
import re
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import pandas as pd

from analysis.language.numbers import MOST_DECIMALS as MOST_DECIMALS
from analysis.language.numbers import amount as amount
from analysis.language.numbers import amounts as amounts
from analysis.language.numbers import decimals_of as decimals_of
from analysis.language.numbers import fixed as fixed
from analysis.language.numbers import floored as floored
from analysis.language.numbers import p_of as p_of
from analysis.language.numbers import shared_decimals as shared_decimals
from analysis.language.texts import Listed, Text, count, first, said
from analysis.language.texts import plural as plural
from analysis.language.texts import singular as singular

DOLLAR = "<span>$</span>"


class StudyError(ValueError):
    """The panel or its design cannot support the analysis asked for; the message says what to do.

    It is made of an English sentence with named places, and their values. It is said in the language that it was
    `told`, else in that of the first study that one of the functions it passed was asked about, else in English.

    Examples
    --------
    >>> error = StudyError("The outcome {name!r} is also a control. Leave it out of the controls.", name="y")
    >>> print(error), print(error.said("zh"))
    The outcome 'y' is also a control. Leave it out of the controls.
    指标“y”同时列为控制变量。请将其从controls中去掉。
    (None, None)
    """

    told = ""

    def __init__(self, sentence: str, /, **values: object) -> None:
        super().__init__(sentence if isinstance(sentence, Text) else Text(sentence, **values))

    def said(self, language: str) -> str:
        """The message in a language."""
        return said(language, self.args[0])

    @property
    def language(self) -> str:
        """In which language the message is said where none is asked for."""
        for frame, _ in traceback.walk_tb(None if self.told else self.__traceback__):
            ours = frame.f_globals.get("__name__", "").startswith("analysis.")
            asked = next(iter(frame.f_locals.values()), None) if ours else None
            language = getattr(getattr(asked, "study", asked), "language", None)
            if isinstance(language, str):
                return language
        return self.told or "en"

    def __str__(self) -> str:
        return self.said(self.language)


class FewTreatedGroupsWarning(UserWarning):
    """Fewer than three treated groups: most inference is uninformative, and the message says how."""


def refuse(found: Iterable, noun: str, fault: str, remedy: str, /, **values: object) -> None:
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
    **values
        What stands in the named places of both.

    Examples
    --------
    >>> refuse([], "village", "The outcome is missing", "Fill it in.")
    >>> refuse(["v1", "v2"], "village", "The {name} is missing", "Fill it in.", name="income")
    Traceback (most recent call last):
    analysis.messages.StudyError: The income is missing in 2 villages: v1, v2. Fill it in.
    """
    for sentence in _naming(found, noun, fault, remedy, values):
        raise StudyError(sentence)


def look(found: Iterable, noun: str, fault: str, remedy: str, /, **values: object) -> list[str]:
    """What is to be looked at before a study is run, named as by `refuse`: one sentence, or none.

    Examples
    --------
    >>> look(["v1", "v2"], "village", "{} without a value", "Leave them out."), look([], "village", "{} left", "")
    (['LOOK: 2 villages without a value: v1, v2. Leave them out.'], [])
    """
    return [Text("LOOK: {doubt}", doubt=sentence) for sentence in _naming(found, noun, fault, remedy, values)]


def _naming(found: Iterable, noun: str, fault: str, remedy: str, values: Mapping) -> list[Text]:
    if not (found := list(found)):
        return []
    many, what = count(len(found), noun), Text(remedy, **values)
    if "{}" in fault:
        return [Text("{fault}: {found}. {remedy}", fault=Text(fault, many, **values), found=first(found), remedy=what)]
    named = {"fault": Text(fault, **values), "many": many, "found": first(found), "remedy": what}
    return [Text("{fault} in {many}: {found}. {remedy}", **named)]


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
    if values is None:
        return [Text("{unit} in {year}", unit=unit, year=year) for unit, year in where]
    pairs = zip(where, values[mask].tolist(), strict=True)
    return [Text("{unit} in {year} ({value!r})", unit=unit, year=year, value=value) for (unit, year), value in pairs]


def rows(frame: pd.DataFrame, mask: pd.Series, values: pd.Series | None = None) -> Text:
    """Name rows: how many, and the first three by unit and year (and what stands there)."""
    places = unit_years(frame, mask, values)
    return Text("{many}: {found}", many=count(len(places), "row"), found=first(places))


def reasons(dropped: Mapping[str, int]) -> Text:
    """Rows left out, by reason: 24 (income missing)."""
    each = [Text("{number} ({reason})", number=fixed(number, 0), reason=reason) for reason, number in dropped.items()]
    return Listed(each) if each else Text("none")


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


class InLanguage:
    """A result that can be said in another language than its study's."""

    def in_language(self, language: str) -> Self:
        """The same result, said in a language."""
        parts = {one.name: getattr(self, one.name) for one in fields(self) if one.init}  # type: ignore[arg-type]
        return replace(self, **_spoken(parts, language))  # type: ignore[type-var]


def _spoken(part: Any, language: str) -> Any:
    """A part of a result in a language, and what it holds; as it is, where it does not speak."""
    if isinstance(part, dict):
        return {name: _spoken(one, language) for name, one in part.items()}
    if isinstance(getattr(part, "language", None), str):
        return replace(part, language=language)
    return part.in_language(language) if hasattr(part, "in_language") else part


class Sentence(InLanguage):
    """A result whose repr is a sentence: notebooks show it as it is typed, above its small print."""

    def small_print(self) -> str:
        """How the result was computed, in a line; "" where there is nothing to add."""
        return ""

    def _repr_markdown_(self) -> str:
        small = self.small_print()
        return as_typed(repr(self)) + (f"\n\n*{as_typed(small)}*" if small else "")


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
    ('log', "verb() takes log= until version 0.3 only. Write scale='log'.")
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
                warnings.warn(f"{name}() takes {former}= until version 0.3 only. {advice}", FutureWarning, stacklevel=2)
            return function(*args, **given)

        return taking_both

    return decorate
