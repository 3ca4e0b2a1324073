"""Clean cells as people type them into numbers, years and codes: every change is counted, doubtful ones are refused."""

import datetime
import re
from collections.abc import Collection
from decimal import Decimal

import numpy as np
import pandas as pd

from analysis.language.characters import CODE_WIDTH, HALF_WIDTH
from analysis.language.texts import Listed, Text, count, first
from analysis.language.units import INNER_SPACE
from analysis.messages import StudyError, refuse
from analysis.study.treatment import indicator_of, is_indicator, read_never

MISSING = r"(?i)[-—–/.…]+|无|缺失?|暂无|不详|n/?a|#n/a|nan|null|none"
"""What stands for "no value"; never read as zero."""
DATES = (datetime.date, datetime.time, datetime.timedelta)
ROUNDED = r"\d\.\d+[eE]\+?\d+|\d[eE]\+\d+"
# The power of a single digit, as R writes 500000.
SINGLE_DIGIT = r"\d(?:e\+(?:0\d|1[0-4])|E\+(?:0?\d|10))"
SPREADSHEET_DIGITS = 15
ERROR = r"#[A-Z0-9/]+[!?]"
WRAPPED = r"""^(?:="(.*)"|'(.+))$"""
GROUPED = r"[+-]?\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?"
MONTH = r"\d{4}\s*年?[-/.]?\s*(?:第?[一二三四1-4]季度?|[Qq][1-4]|0?[1-9]月|0[1-9]|1[0-2]月?)|\d{4}[-/.年][1-9]"
KEPT_IN_PER_CENT = "{label}: {many} kept in per cent."
READ_AS_SHARES = "{label}: {many} read as shares (35% is 0.35)."
CLEANED = "{label}: {many} with spaces, full-width or odd characters cleaned."
NO_DECIMALS = "{label}: {many} that had become a decimal number restored (12.0 is 12)."
TAKEN_AS_MISSING = "{label}: {many} taken as missing ({marks})."
FROM_R = " In R, set options(scipen = 15) before writing the file."
YEAR, TWO_DIGITS = r"(\d{4}|0)(?:\.0+)?\s*(?:年度?)?", r"['‘’]?\d\d(?:\.0+)?\s*(?:年度?)?"


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
    advice = "Write numbers only; the unit belongs in the study file."
    refuse(_places(odd[read.isna() & ~missing]), "row", "{label} is not a number", advice, label=label)
    if without := numbers.notna().sum() + (~signed & ~missing).sum():
        known = {"label": label, "numbers": count(without, "number")}
        advice = "{numbers} without: write all of them one way."
        refuse(_places(odd[signed]), "row", "{label} has a percent sign", advice, **known)
    numbers[odd.index] = read.where(~signed | percent, read / 100)
    return numbers, [
        *_note(label, grouped, "number", "{label}: {many} with thousands separators read."),
        *_note(
            label,
            ~missing & (plain != odd),
            "number",
            "{label}: {many} in full-width characters or another script read.",
        ),
        *_note(label, signed, "percentage", KEPT_IN_PER_CENT if percent else READ_AS_SHARES),
        *_missing_note(label, odd[missing], "{label}: {many} taken as missing, not as zero ({marks})."),
    ]


def clean_years(values: pd.Series, label: str) -> tuple[pd.Series, list[str]]:
    """Whole years of a column as Int64; 2021年 and digits of any script are read, dates and two digits are refused.

    Examples
    --------
    >>> clean_years(pd.Series(["2021年", "2022"]), "year")[0].tolist()
    [2021, 2022]
    """
    values = _text(values)
    text = values.str.translate(HALF_WIDTH).str.strip()
    missing = text.str.fullmatch(f"{MISSING}|")
    years = text.str.extract(f"^{YEAR}$", expand=False)
    short = values[text.str.fullmatch(TWO_DIGITS)]
    advice = "Write all four digits, such as 2018 for 18 (never treated: nothing)."
    refuse(_places(short), "row", "{label} is a year of two digits", advice, label=label)
    odd = years.isna() & ~missing
    if odd.any() and text[odd].str.fullmatch(MONTH).all():
        advice = (
            "Sum them to one row per village and year first: in Excel or WPS a pivot table with villages and years as "
            "rows and the sum of each amount as values; of a stock (households) keep the year's last."
        )
        refuse(_places(values[odd]), "row", "{label} is a quarter or a month", advice, label=label)
    advice = "Write the year only, such as 2023 (never treated: nothing). Dates and months are not cut to years."
    refuse(_places(values[odd]), "row", "{label} is not a year", advice, label=label)
    changed = ~missing & (years != values.str.removesuffix(".0"))
    return pd.to_numeric(years).astype("Int64"), [
        *_note(label, changed, "year", "{label}: {many} written another way (such as 2021年) read."),
        *_missing_note(label, values[missing]),
    ]


def clean_starts(values: pd.Series, label: str, *, never: Collection = ()) -> tuple[pd.Series, list[str]]:
    """First treated years as Int64; missing where a cell is empty or stands for never treated.

    An indicator of treatment, 0 and 1, is passed on as it is: `Study` says what to write for it.

    Examples
    --------
    >>> clean_starts(pd.Series(["2021", "9999", ""]), "start", never=[9999])[0].tolist()
    [2021, <NA>, <NA>]
    """
    kept, said = read_never(values, never, label)
    if is_indicator(kept):
        return indicator_of(kept).astype("Int64"), said
    years, changed = clean_years(kept, label)
    return years, said + changed


def clean_codes(values: pd.Series, label: str) -> tuple[pd.Series, list[str]]:
    """Codes and names as text; what Excel did to codes is undone where no digit was lost, else refused.

    Examples
    --------
    >>> clean_codes(pd.Series(["410883001201.0", " ００１"]), "village")[0].tolist()
    ['410883001201', '001']
    """
    if values.dtype.kind in "iu":
        return values.astype("str"), []
    _refuse_lost(values, label)
    values = _text(values)
    plain = values.str.translate(CODE_WIDTH).str.strip().str.replace(INNER_SPACE, "", regex=True)
    bare = plain.str.replace(WRAPPED, lambda match: match[1] or match[2], regex=True)
    errors = _places(values[bare.str.fullmatch(ERROR)])
    refuse(errors, "row", "{label} is an error of a formula", "Correct the formula.", label=label)
    exponent = bare.str.fullmatch(ROUNDED)
    power = bare[exponent].map(_whole_power).reindex(bare.index)
    rounded = values[exponent & power.isna()]
    if len(rounded):
        from_r = Text(FROM_R) if rounded.str.contains("e", regex=False).any() else ""
        fault = (
            "{label} lost digits in {many}: {found}: a spreadsheet turned codes into rounded numbers. Go back to the "
            "source, and format the column as text before filling it in.{from_r}"
        )
        many, found = count(len(rounded), "row"), first(_places(rounded))
        raise StudyError(fault, label=label, many=many, found=found, from_r=from_r)
    whole = bare.str.replace(r"^(\d+)\.0+$", r"\1", regex=True).mask(power.notna(), power)
    missing = whole.str.fullmatch(f"{MISSING}|")
    return whole.where(~missing, None), [
        *_note(label, (plain != values) & ~missing, "code", CLEANED),
        *_note(label, bare != plain, "code", "{label}: {many} taken out of a quotation for spreadsheets."),
        *_note(label, power.notna(), "code", "{label}: {many} written as a power of ten restored (5e+05 is 500000)."),
        *_note(label, (whole != bare) & power.isna(), "code", NO_DECIMALS),
        *_missing_note(label, values[missing]),
    ]


def _refuse_lost(values: pd.Series, label: str) -> None:
    """No code has become a date, nor a number of more digits than its type holds."""
    if isinstance(values.dtype, pd.StringDtype):
        return
    cells = values.dropna()
    dates = cells if values.dtype.kind in "mM" else cells[[isinstance(cell, DATES) for cell in cells]]
    remedy = "A spreadsheet turns text such as 2-1 into a date: format the column as text, then type it again."
    refuse(_places(_text(dates)), "row", "{label} is a date or time", remedy, label=label)
    if values.dtype.kind == "f":
        beyond = values[values.abs() >= 2.0 ** (np.finfo(values.dtype).nmant + 1)]
        remedy = "A float of this size is rounded: store codes as text, or as whole numbers (long, double, int64)."
        refuse(_places(beyond.map("{:.0f}".format)), "row", "{label} lost digits", remedy, label=label)


def _whole_power(code: str) -> str | None:
    """The whole number that a code in exponent form is, where no digit can have been lost."""
    number = Decimal(code)
    _, digits, exponent = number.as_tuple()
    every_digit = exponent == 0 and len(digits) <= SPREADSHEET_DIGITS
    return f"{number:f}" if every_digit or re.fullmatch(SINGLE_DIGIT, code) else None


def _places(cells: pd.Series) -> list[str]:
    return [Text("row {row} ({cell})", row=row, cell=cell) for row, cell in cells.items()]


def _text(values: pd.Series) -> pd.Series:
    return values.astype("str").fillna("")


def _note(label: str, changed: pd.Series, noun: str, sentence: str, **values: object) -> list[str]:
    number = int(changed.sum())
    return [Text(sentence, label=label, many=count(number, noun), **values)] if number else []


def _missing_note(label: str, cells: pd.Series, sentence: str = TAKEN_AS_MISSING) -> list[str]:
    marks = cells[cells != ""]
    return _note(label, marks.notna(), "cell", sentence, marks=Listed(marks.unique()))
