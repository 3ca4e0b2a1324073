"""Codes and names of a study that look like no village's: unknown, mistyped, or in another encoding."""

import re

import pandas as pd

from analysis.messages import count, first
from analysis.reading.misread import misread_gbk
from analysis.reading.read_files import read_table
from analysis.study.spellings import without_suffixes
from analysis.study.study import Study

DIVISION_CODE = 9
"""From so many digits on, a number is taken for a code of administrative divisions; all have the same length."""
FEW = 0.25
"""Up to this share of codes may be written unlike the others and still be pointed out."""
DENSE = 1.5
"""Codes that reach over at most this many times their number are counting numbers, of any length."""


def check_names(study: Study) -> list[str]:
    """What the codes and names of villages, groups and strata leave in doubt; "" where they leave none."""
    units = study.units
    return [_roster(units), _unlike(units.index), _misread(units)]


def _roster(units: pd.DataFrame) -> str:
    """How many units the roster of Mengzhou knows, by code, or by name and town (the stratum)."""
    roster = read_table("villages")
    by_code = units.index.isin(roster["village_code"])
    known = without_suffixes(roster["town_zh"], roster["village_zh"])
    by_name = without_suffixes(units["stratum"], units.index).isin(known) & ~by_code
    lost = units.index[~(by_code | by_name)]
    if len(lost) == len(units):
        return "Roster of Mengzhou: it has none of these villages, so names and codes were not compared."
    unknown = f"{len(lost):,} not found: {first(lost)}" if len(lost) else "all found"
    return f"Roster of Mengzhou: {by_code.sum():,} found by code, {by_name.sum():,} by town and name, {unknown}."


def _unlike(units: pd.Index) -> str:
    """Codes of another length or form than most, which may be mistyped or have lost a zero."""
    codes = pd.Series(units.astype("str"))
    form = codes.str.replace("[0-9]", "0", regex=True).str.replace("[A-Za-z]", "a", regex=True)
    usual = form.mode().iloc[0]
    same, digits, villages = form == usual, set(usual) == {"0"}, usual == 12 * "0"
    odd = codes[~same | (codes.str.endswith("000") & villages)]
    padded = codes[same].str.contains("(?<![0-9])0[0-9]").any()
    settled = padded or (digits and len(usual) >= DIVISION_CODE)
    few = max(1, (0.5 if settled else FEW) * len(codes))
    if odd.empty or not re.fullmatch("[ -~]*0[ -~]*", usual) or (~same).sum() > few or not settled and _counted(codes):
        return ""
    wanted = f"{len(usual)} digits" if digits else f"the form of {codes[same].iloc[0]}"
    towns = ", or with 000 at the end as towns have" if villages else ""
    found = f"{count(len(odd), 'code')} without {wanted} as the others have{towns}: {first(odd)}"
    return f"LOOK: {found}. A mistyped code makes a village of its own."


def _counted(codes: pd.Series) -> bool:
    """Whether codes are counting numbers, whose lengths differ."""
    numbers = [int(number) for code in codes if (number := re.sub("[^0-9]", "", code))]
    return max(numbers) - min(numbers) < DENSE * len(codes)


def _misread(units: pd.DataFrame) -> str:
    """Names in GBK that were read as Western letters before the study was read."""
    texts = pd.concat([pd.Series(units.index), units["group"].dropna(), units["stratum"]]).astype("str")
    if not (wrong := misread_gbk(texts.unique())):
        return ""
    read = (f"{name} (perhaps {chinese})" for name, chinese in wrong.items())
    found = f"{count(len(wrong), 'name')} may be Chinese read in another encoding: {first(read)}"
    return f"LOOK: {found}. Save the file in UTF-8 in the program it comes from."
