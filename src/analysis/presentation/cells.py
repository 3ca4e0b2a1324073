"""Cells of a table as text: an effect with the digits of its interval, decimals that stand below each other."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from unicodedata import east_asian_width

import numpy as np
import pandas as pd

from analysis.effects.sentence import signed
from analysis.language.labels import say
from analysis.messages import amount, amounts, decimals_of, fixed, shared_decimals
from analysis.presentation.headings import heading, named

SMALLEST_P_SHOWN = 0.001
EFFECTS = ("estimate", "effect", "per_cent", "percent")
"""Columns of effects: the first of them that a table has is the one whose interval it shows."""
P_VALUES = r"(^|_)p(_|$)"
"""In the names of columns that hold p-values: p_value, smallest_p, p_holm."""
YEARS = {"year", "first", "last", "start", "starts", "first_treated", "time", "cohort"}
SMALLEST_AMOUNT, SMALLEST_CODE = 10_000, 10**8
"""Row names that are numbers of this size are amounts (thresholds); smaller ones may be years, larger ones codes."""
WIDEST_RANGE = 100
"""Numbers of a column that differ by more than this factor have decimals each for itself."""
DIGIT, POINT = "\u2007", "\u2008"
"""Spaces as wide as a digit and as a decimal point."""


@dataclass(frozen=True)
class Column:
    """A column as it is read: heading and cells as text, numbers to the right; `name` is that of the frame."""

    name: object
    heading: str
    cells: list[str]
    numeric: bool


def columns_of(frame: pd.DataFrame, language: str, noun: str = "village") -> list[Column]:
    """Columns as they are read, row names first; the study's own noun stands where texts say village."""
    texts = {str(text) for text in (*frame.index, *frame.to_numpy().ravel())} if noun != "village" else ()
    own = {named(language, text): named(language, text, noun) for text in texts}
    return [
        replace(one, heading=heading(language, one.name, noun), cells=[own.get(cell, cell) for cell in one.cells])
        for one in _columns(frame, language)
    ]


def spread(frame: pd.DataFrame, language: str) -> str:
    """Where the effects of a frame lie, all rows together; nothing where it has none.

    Examples
    --------
    >>> spread(pd.DataFrame({"effect": range(41)}), "en")
    'Of all 41 effects half lie between 10 and 30; they range from 0 to 40.'
    """
    effect = next((name for name in EFFECTS if name in frame), None)
    if effect is None:
        return ""
    least, lower, upper, most = amounts(*frame[effect].quantile([0, 0.25, 0.75, 1]))
    said = "Of all {number} effects half lie between {lower} and {upper}; they range from {least} to {most}."
    ends = {"least": least, "lower": lower, "upper": upper, "most": most}
    return say(language, said, number=fixed(frame[effect].count(), 0), **ends)


def _columns(frame: pd.DataFrame, language: str) -> list[Column]:
    """Both ends of an interval are one column."""
    interval = {"low", "high"} <= {*frame.columns}
    together = _together(frame) if interval else {}
    columns = [*_row_names(frame, language)]
    for name in frame.columns:
        if interval and name == "low":
            cells = [_interval(language, *ends) for ends in _signed(together)]
            columns += [Column("interval", heading(language, "interval"), cells, True)] * any(cells)
        elif not (interval and name == "high"):
            text = together[name] if name in together else _text(frame[name], language)
            numeric = name in together or _is_number(frame[name])
            columns.append(Column(name, heading(language, name), text, numeric))
    return columns


def _row_names(frame: pd.DataFrame, language: str) -> Iterator[Column]:
    """Levels of the index, each name once where it repeats; none where rows are only numbered."""
    if isinstance(frame.index, pd.RangeIndex) and frame.index.name is None:
        return
    before: list[tuple] = [(None,)] * len(frame)
    for level, name in enumerate(frame.index.names):
        values = frame.index.get_level_values(level)
        after = [(*upper, value) for upper, value in zip(before, values, strict=True)]
        last = level == frame.index.nlevels - 1
        new = [last or at == 0 or one != after[at - 1] for at, one in enumerate(after)]
        shown = [_name(value, language) if is_new else "" for value, is_new in zip(values, new, strict=True)]
        yield Column(name, heading(language, name), shown, pd.api.types.is_numeric_dtype(values.dtype))
        before = after


def _name(value: object, language: str) -> str:
    if isinstance(value, tuple):
        return say(language, ", ").join(_name(one, language) for one in value)
    if isinstance(value, str):
        return named(language, value)
    if isinstance(value, int | float | np.number) and SMALLEST_AMOUNT <= abs(float(value)) < SMALLEST_CODE:
        return fixed(float(value), 0)
    return (f"{value:g}" if isinstance(value, float) else f"{value}").replace("-", "−")


def _is_number(column: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(column):
        return False
    kinds = {type(value) for value in column if not (value is None or value is pd.NA or value == "")}
    return pd.api.types.is_numeric_dtype(column) or (bool(kinds) and not kinds & {str, bool, tuple, list})


def _text(column: pd.Series, language: str) -> list[str]:
    """A column that has no interval, as text."""
    name, numbers = str(column.name), _is_number(column)
    if not numbers:
        return [_cell(value, language) for value in column]
    values = pd.to_numeric(column.replace("", np.nan), errors="coerce").to_numpy(float, na_value=np.nan)
    if re.search(P_VALUES, name):
        return _aligned([_p(value) for value in values])
    return _aligned([show(value) for show, value in zip(_forms(values, name), values, strict=True)])


def _cell(value: object, language: str) -> str:
    if isinstance(value, bool | np.bool_):
        return say(language, "yes" if value else "no")
    if isinstance(value, str | tuple):
        return _name(value, language)
    if value is None or pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    return amount(float(value)) if isinstance(value, int | float | np.number) else str(value)


def _p(value: float) -> str:
    return "" if np.isnan(value) else f"<{SMALLEST_P_SHOWN}" if value < SMALLEST_P_SHOWN else fixed(value, 3)


def _forms(values: np.ndarray, name: str) -> list[Callable[[float], str]]:
    """How each number of a column is written: alike, unless they are of very different size."""
    known = np.abs(values[np.isfinite(values) & (values != 0)])
    if name in YEARS and (known % 1 == 0).all():
        return [lambda value: "" if np.isnan(value) else f"{value:.0f}"] * len(values)
    if name == "df":
        return [lambda value: "" if np.isnan(value) else fixed(value, 1)] * len(values)
    if not len(known) or known.max() > WIDEST_RANGE * known.min():
        return [lambda value: "" if np.isnan(value) else amount(value)] * len(values)
    decimals = min(_decimals_of_all(known), next(d for d in range(10) if np.allclose(known, known.round(d), atol=1e-9)))
    return [lambda value: "" if np.isnan(value) else fixed(value, decimals)] * len(values)


def _decimals_of_all(sizes: np.ndarray) -> int:
    """Decimals that show three digits of the middle number and enough of the smallest to tell it from zero."""
    middle, smallest = float(np.median(sizes)), float(sizes.min())
    of_smallest = 3 if smallest >= 1 else 2 if smallest >= 0.1 else 1
    return max(decimals_of(middle, 3 if middle >= 0.1 else 2), decimals_of(smallest, of_smallest))


def _together(frame: pd.DataFrame) -> dict[object, list[str]]:
    """An effect, its error and the ends of its interval as text, with two digits of the interval's half-width."""
    effect = next((name for name in EFFECTS if name in frame), None)
    names = [name for name in (effect, "against_last_year", "std_error", "low", "high") if name and name in frame]
    rows = frame[names].astype(float).to_dict("records")
    own = [shared_decimals(*(row[name] for name in (effect, "low", "high") if name)) for row in rows]
    if not any(one is not None for one in own):
        return {"low": [""] * len(rows), "high": [""] * len(rows)}
    known = [one for one in own if one is not None]
    alike = max(known) - min(known) <= 1
    decimals = [max(known) if alike else one for one in own]
    return {
        name: _aligned([_with_decimals(row[name], digits) for row, digits in zip(rows, decimals, strict=True)])
        for name in names
    }


def _with_decimals(number: float, decimals: int | None) -> str:
    return "" if np.isnan(number) else amount(number) if decimals is None else fixed(number, decimals)


def _signed(together: dict[object, list[str]]) -> list[tuple[str, str]]:
    """Both ends, each with its sign where any end is below zero."""
    ends = [(low.strip(), high.strip()) for low, high in zip(together["low"], together["high"], strict=True)]
    if not any(end.startswith("−") for row in ends for end in row):
        return ends
    return [(signed(low), signed(high)) for low, high in ends]


def _interval(language: str, low: str, high: str) -> str:
    return say(language, "{low} to {high}", low=low, high=high) if low and high else low or high


def _aligned(texts: list[str]) -> list[str]:
    """Numbers with spaces for the decimals that others have and they lack."""
    places = [len(text.partition(".")[2]) for text in texts]
    most = max(places, default=0)
    spaces = [POINT * (own == 0 < most) + DIGIT * (most - own) for own in places]
    return [text + (space if text else "") for text, space in zip(texts, spaces, strict=True)]


def width(text: str) -> int:
    """How many columns a text takes where letters are all as wide: hanzi take two."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def plain(columns: list[Column]) -> str:
    """Columns as plain text: numbers to the right, text to the left."""
    lines = [[column.heading, *column.cells] for column in columns]
    padded = []
    for column, texts in zip(columns, lines, strict=True):
        widest = max(map(width, texts))
        spaces = [" " * (widest - width(text)) for text in texts]
        pairs = zip(spaces, texts, strict=True)
        padded.append([space + text if column.numeric else text + space for space, text in pairs])
    return "\n".join("  ".join(row).rstrip(" ") for row in zip(*padded, strict=True))
