"""Texts that can be said in any language: English sentences that keep their template and the values in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from analysis.language.catalogues import catalogue
from analysis.language.numbers import fixed


class Text(str):
    """An English sentence that can still be said in another language, as can those of its values that are texts.

    Use it for what is put into words before the reader's language is known: errors, and notes on how files were read.

    Examples
    --------
    >>> text = Text("The outcome {name!r} is also a control. Leave it out of the controls.", name="income")
    >>> text.split(".")[0], said("zh", text)
    ("The outcome 'income' is also a control", '指标“income”同时列为控制变量。请将其从controls中去掉。')
    """

    def __new__(cls, template: str, /, *places: object, **values: object) -> Text:
        """Fill the places of the template."""
        text = super().__new__(cls, template.format(*places, **values) if places or values else template)
        text.made_of = template, places, values
        return text

    made_of: tuple[str, tuple[Any, ...], dict[str, Any]]

    def __getnewargs_ex__(self) -> tuple[tuple, dict]:
        template, places, values = self.made_of
        return (template, *places), values

    def said(self, language: str) -> str:
        """The text in a language; English where that has no translation."""
        template, places, values = self.made_of
        return said_with(catalogue(language).gettext(template), language, *places, **values)


class Counted(Text):
    """A number with its noun: 1 village, 2 villages, 3 counties, 4 strata."""

    def __new__(cls, number: int, noun: str) -> Counted:
        """Count what the noun names."""
        text = str.__new__(cls, counted("en", number, noun))
        text.made_of = "", (number, noun), {}
        return text

    def __getnewargs_ex__(self) -> tuple[tuple, dict]:
        return self.made_of[1:]

    def said(self, language: str) -> str:
        """The number with its noun in a language."""
        return counted(language, *self.made_of[1])


class Listed(Text):
    """Several values as a list, each said in the reader's language, with dots where there are more."""

    def __new__(cls, values: Iterable, joint: str = ", ", more: str = "") -> Listed:
        """Join the values."""
        values = tuple(values)
        text = str.__new__(cls, joint.join(map(str, values)) + more)
        text.made_of = joint, (values, more), {}
        return text

    def __getnewargs_ex__(self) -> tuple[tuple, dict]:
        joint, (values, more), _ = self.made_of
        return (values, joint, more), {}

    def said(self, language: str) -> str:
        """The list in a language."""
        joint, (values, more), _ = self.made_of
        say = catalogue(language).gettext
        return say(joint).join(str(said(language, one)) for one in values) + (say(more) if more else "")


class Several(Text):
    """What a noun names, in the plural or not, without a number."""

    def __new__(cls, noun: str, many: bool = True) -> Several:
        """Put the noun into the plural where there are many."""
        nouns = {"ty": f"{noun[:-1]}ies", "um": f"{noun[:-2]}a"}.get(noun[-2:], f"{noun}s")
        text = str.__new__(cls, nouns if many else noun)
        text.made_of = noun, (many,), {}
        return text

    def said(self, language: str) -> str:
        """The noun in a language, without the measure word that a number takes in Chinese."""
        return str(self) if language == "en" else counted(language, 1, self.made_of[0]).strip("1 ").removeprefix("个")


def said(language: str, value: Any) -> Any:
    """A text in a language; anything else as it is."""
    return value.said(language) if isinstance(value, Text) else value


def said_with(template: str, language: str, /, *places: object, **values: object) -> str:
    """A template that is in a language already, filled with values said in it."""
    if not (places or values):
        return template
    known = {name: said(language, value) for name, value in values.items()}
    return template.format(*(said(language, one) for one in places), **known)


def plural(noun: str) -> Text:
    """Several of what a noun names: villages, counties, strata."""
    return Several(noun)


def singular(noun: str) -> Text:
    """One of what a noun names, as it is said in the reader's language."""
    return Several(noun, many=False)


def count(number: int, noun: str) -> Text:
    """A number with its noun: 1 village, 2 villages, 3 counties, 4 strata."""
    return Counted(number, noun)


def first(values: Iterable) -> Text:
    """The first three of many, with dots where there are more."""
    values = list(values)
    return Listed(values[:3], more=", ..." if len(values) > 3 else "")


def counted(language: str, number: int, noun: str) -> str:
    """A number with what it counts: 25 villages, or 25个村.

    Examples
    --------
    >>> counted("en", 1, "village-year"), counted("zh", 25, "village"), counted("zh", 3, "village-year")
    ('1 village-year', '25个村', '3条记录')
    """
    one, many = f"{{}} {noun}", f"{{}} {plural(noun)}"
    words = catalogue(language).ngettext(one, many, int(number))
    if language != "en" and words in (one, many):
        measured = "{number} records" if noun.endswith("-year") else "{number} {noun}"
        words = catalogue(language).gettext(measured).format(number="{}", noun=noun)
    return words.replace("{}", fixed(number, 0, language), 1)
