"""Clean cells as people type them into numbers, years and codes: every change is counted, doubtful ones are refused."""

import pandas as pd

from analysis.language.units import INNER_SPACE
from analysis.messages import StudyError, count, first

MISSING = r"(?i)[-—–/.…]+|无|缺失?|暂无|n/?a|#n/a|nan|null|none"
"""What stands for "no value"; never read as zero."""
HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
SPACES = {0x3000: 0x20, 0xA0: 0x20, 0xFEFF: None, 0x200B: None}
CODE_WIDTH = {wide: narrow for wide, narrow in HALF_WIDTH.items() if chr(narrow).isalnum()} | SPACES
HALF_WIDTH |= {0x2212: 0x2D} | SPACES
ROUNDED = r"\d\.\d+[eE]\+?\d+|\d[eE]\+\d+"
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
    numbers = pd.to_numeric(text, errors="coerce")
    odd = text[numbers.isna() & (text != "")]
    plain = odd.str.translate(HALF_WIDTH).str.strip()
    missing, grouped = plain.str.fullmatch(MISSING), plain.str.fullmatch(GROUPED)
    signed = plain.str.fullmatch(r"[+-]?[\d.]+ ?%")
    bare = plain.where(~grouped, plain.str.replace("[, ]", "", regex=True))
    bare = bare.where(~signed, bare.str.rstrip("% "))
    read = pd.to_numeric(bare.where(~missing), errors="coerce")
    advice = ". Write numbers only; the unit belongs in the study file."
    _refuse(label, "is not a number", odd[read.isna() & ~missing], advice)
    if without := numbers.notna().sum() + (~signed & ~missing).sum():
        advice = f", but {count(without, 'number')} without. Write all of them one way."
        _refuse(label, "has a percent sign", odd[signed], advice)
    numbers[odd.index] = read.where(~signed | percent, read / 100)
    return numbers, [
        *_note(label, grouped, "number", "with thousands separators read"),
        *_note(label, ~missing & (plain != odd), "number", "with full-width characters read"),
        *_note(label, signed, "percentage", "kept in per cent" if percent else "read as shares (35% is 0.35)"),
        *_missing_note(label, odd[missing], ", not as zero"),
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
    missing = text.str.fullmatch(f"{MISSING}|")
    years = text.str.extract(f"^{YEAR}$", expand=False)
    advice = ". Write the year only, such as 2023 (never treated: nothing). Dates and months are not cut to years."
    _refuse(label, "is not a year", values[years.isna() & ~missing], advice)
    changed = ~missing & (years != values.str.removesuffix(".0"))
    return pd.to_numeric(years).astype("Int64"), [
        *_note(label, changed, "year", "written another way (such as 2021年) read"),
        *_missing_note(label, values[missing]),
    ]


def clean_codes(values: pd.Series, label: str) -> tuple[pd.Series, list[str]]:
    """Codes and names as text; what Excel did to codes is undone where no digit was lost, else refused.

    Examples
    --------
    >>> clean_codes(pd.Series(["410883001201.0", " ００１"]), "village")[0].tolist()
    ['410883001201', '001']
    """
    if values.dtype.kind == "i":
        return values.astype("str"), []
    values = _text(values)
    plain = values.str.translate(CODE_WIDTH).str.strip().str.replace(INNER_SPACE, "", regex=True)
    bare = plain.str.replace(WRAPPED, lambda match: match[1] or match[2], regex=True)
    advice = ": a spreadsheet turned codes into rounded numbers. Go back to the source, and format the column as text "
    advice += "before filling it in."
    _refuse(label, "lost digits", values[bare.str.fullmatch(ROUNDED)], advice)
    whole = bare.str.replace(r"^(\d+)\.0+$", r"\1", regex=True)
    missing = whole.str.fullmatch(f"{MISSING}|")
    return whole.where(~missing, None), [
        *_note(label, (plain != values) & ~missing, "code", "with spaces or full-width characters cleaned"),
        *_note(label, bare != plain, "code", "taken out of a quotation for spreadsheets"),
        *_note(label, whole != bare, "code", "that had become a decimal number restored (12.0 is 12)"),
        *_missing_note(label, values[missing]),
    ]


def _text(values: pd.Series) -> pd.Series:
    return values.astype("str").fillna("")


def _refuse(label: str, fault: str, wrong: pd.Series, advice: str) -> None:
    if len(wrong):
        places = first(f"row {row} ({value})" for row, value in wrong.items())
        raise StudyError(f"{label} {fault} in {count(len(wrong), 'row')}: {places}{advice}")


def _note(label: str, changed: pd.Series, noun: str, done: str) -> list[str]:
    number = int(changed.sum())
    return [f"{label}: {count(number, noun)} {done}."] if number else []


def _missing_note(label: str, cells: pd.Series, more: str = "") -> list[str]:
    marks = cells[cells != ""]
    return _note(label, marks.notna(), "cell", f"taken as missing{more} ({', '.join(marks.unique())})")
