"""Clean cells as people type them into numbers, years and codes: every change is counted, doubtful ones are refused."""

from __future__ import annotations

import re

import pandas as pd

from analysis.messages import StudyError, count, first

MISSING = r"(?i)[-—–/.…]+|无|缺失?|暂无|n/?a|#n/a|nan|null|none"
"""What stands for "no value"; never read as zero."""
HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
SPACES = {0x3000: 0x20, 0xA0: 0x20, 0xFEFF: None, 0x200B: None}
CODE_WIDTH = {wide: narrow for wide, narrow in HALF_WIDTH.items() if chr(narrow).isalnum()} | SPACES
HALF_WIDTH |= {0x2212: 0x2D} | SPACES
WRAPPED = r"""^(?:="(.*)"|'(.+))$"""
GROUPED = r"[+-]?\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?"
YEAR = r"(\d{4}|0)(?:\.0+)?\s*(?:年度?)?"


def clean_numbers(values: pd.Series, label: str, *, percent: bool = False) -> tuple[pd.Series, list[str]]:
    """Numbers of a column, missing where a mark says so, and sentences on what was changed.

    Parameters
    ----------
    values : Series
        Text cells indexed by the file's row numbers; numbers pass as they are.
    label : str
        What messages call the column.
    percent : bool
        Whether the unit is per cent, so that 35% is 35; else it is 0.35.

    Raises
    ------
    StudyError
        For text that is no number, and for a column with and without percent signs.

    Examples
    --------
    >>> numbers, notes = clean_numbers(pd.Series(["1,200", "１２", "无"], index=[2, 3, 4]), "income")
    >>> numbers.tolist(), notes[0]
    ([1200.0, 12.0, nan], 'income: 1 number with thousands separators read.')
    """
    if pd.api.types.is_numeric_dtype(values):
        return values, []
    text = _text(values).str.strip()
    numbers = pd.to_numeric(text.where(text != ""), errors="coerce")
    odd = text[numbers.isna() & (text != "")]
    if odd.empty:
        return numbers, []
    numbers = numbers.astype("float64")
    plain = odd.str.translate(HALF_WIDTH).str.strip()
    missing, grouped = plain.str.fullmatch(MISSING), plain.str.fullmatch(GROUPED)
    signed = plain.str.fullmatch(r"[+-]?[\d.]+ ?%")
    bare = plain.where(~grouped, plain.str.replace("[, ]", "", regex=True)).str.rstrip("% ")
    read = pd.to_numeric(bare.where(~missing), errors="coerce")
    if (wrong := read.isna() & ~missing).any():
        raise StudyError(
            f"{label} is not a number in {_places(odd[wrong])}. Write numbers only; the unit belongs in the study file."
        )
    without = numbers.notna().sum() + (~signed & ~missing).sum()
    if signed.any() and without:
        raise StudyError(
            f"{label} has a percent sign in {_places(odd[signed])}, but {count(without, 'number')} without. "
            "Write all of them one way."
        )
    numbers[odd.index] = read.where(~signed | percent, read / 100)
    wide = ~missing & (plain != odd)
    marks = ", ".join(dict.fromkeys(odd[missing]))
    return numbers, [
        *_note(label, grouped, "number", "with thousands separators read"),
        *_note(label, wide, "number", "with full-width characters read"),
        *_note(label, signed, "percentage", "kept in per cent" if percent else "read as shares (35% is 0.35)"),
        *_note(label, missing, "cell", f"taken as missing, not as zero ({marks})"),
    ]


def clean_years(values: pd.Series, label: str) -> tuple[pd.Series, list[str]]:
    """Whole years of a column as Int64; 2021年 and full-width digits are read, dates are refused.

    Examples
    --------
    >>> clean_years(pd.Series(["2021年", "2022"]), "year")[0].tolist()
    [2021, 2022]
    """
    values = _text(values)
    text = values.str.translate(HALF_WIDTH).str.strip()
    missing = text.eq("") | text.str.fullmatch(MISSING)
    years = text.str.extract(f"^{YEAR}$", expand=False)
    if (wrong := years.isna() & ~missing).any():
        raise StudyError(
            f"{label} is not a year in {_places(values[wrong])}. Write the year only, such as 2023: "
            "dates and months are not cut to years."
        )
    dropped = values[missing & values.ne("")]
    return pd.to_numeric(years).astype("Int64"), [
        *_note(
            label,
            ~missing & (years != values.str.removesuffix(".0")),
            "year",
            "written another way (such as 2021年) read",
        ),
        *_note(label, dropped.notna(), "cell", f"taken as missing ({', '.join(dropped.unique())})"),
    ]


def clean_codes(values: pd.Series, label: str) -> tuple[pd.Series, list[str]]:
    """Codes and names as text; what Excel did to codes is undone where no digit was lost, else refused.

    Examples
    --------
    >>> clean_codes(pd.Series(["410883001201.0", " ００１"]), "village")[0].tolist()
    ['410883001201', '001']
    """
    values = _text(values)
    plain = values.str.translate(CODE_WIDTH).str.strip()
    bare = plain.str.replace(WRAPPED, lambda match: match[1] or match[2], regex=True)
    if (lost := bare.str.fullmatch(r"\d(?:\.\d+)?[eE]\+\d+")).any():
        raise StudyError(
            f"{label} lost digits in {_places(values[lost])}: a spreadsheet turned codes into rounded numbers. "
            "Go back to the source, and format the column as text before filling it in."
        )
    whole = bare.str.replace(r"^(\d+)\.0+$", r"\1", regex=True)
    missing = whole.eq("") | whole.str.fullmatch(MISSING)
    dropped = values[missing & values.ne("")]
    return whole.where(~missing, None), [
        *_note(label, (plain != values) & ~missing, "code", "with spaces or full-width characters cleaned"),
        *_note(label, bare != plain, "code", "taken out of a quotation for spreadsheets"),
        *_note(label, whole != bare, "code", "that had become a decimal number restored (12.0 is 12)"),
        *_note(label, dropped.notna(), "cell", f"taken as missing ({', '.join(dropped.unique())})"),
    ]


def harmless(value: object) -> object:
    """Text that a spreadsheet would run as a formula, with an apostrophe before it; all else unchanged.

    Use it on every cell of a table written for Excel, as CSV or as a workbook.

    Examples
    --------
    >>> harmless("=1+1"), harmless("-5"), harmless("示例村")
    ("'=1+1", '-5', '示例村')
    """
    risky = isinstance(value, str) and value.lstrip().startswith(("=", "+", "-", "@"))
    return f"'{value}" if risky and not re.fullmatch(r"[+-]?[\d.,]+%?|[-+]", value.strip()) else value


def _text(values: pd.Series) -> pd.Series:
    return values.astype("str").fillna("")


def _note(label: str, changed: pd.Series, noun: str, done: str) -> list[str]:
    number = int(changed.sum())
    return [f"{label}: {count(number, noun)} {done}."] if number else []


def _places(values: pd.Series) -> str:
    return f"{count(len(values), 'row')}: {first(f'row {row} ({value})' for row, value in values.items())}"
