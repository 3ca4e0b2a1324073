"""Codes and names of a study that look like no village's, or like one village's under two spellings."""

import re

import pandas as pd

from analysis.messages import count, first
from analysis.reading.clean_cells import CODE_WIDTH
from analysis.reading.misread import misread_gbk
from analysis.reading.read_files import read_table
from analysis.study.placebo_groups import PLACEBO
from analysis.study.study import Study

DIVISION_CODE = 9
"""From so many digits on, a number is taken for a code of administrative divisions; all have the same length."""
FEW = 0.25
"""Up to this share of codes may be written unlike the others and still be pointed out."""
DENSE = 1.5
"""Codes that reach over at most this many times their number are counting numbers, of any length."""
SUFFIXES = r"(?:村民委员会|居民委员会|村委会|居委会|村|社区|街道办事处|街道|镇|乡|市|县|区)$"


def check_names(study: Study) -> list[str]:
    """What the codes and names of villages, groups and strata leave in doubt; "" where they leave none."""
    units = study.units
    return [_roster(units), _unlike(units.index), *_alike(study), _misread(units)]


def _roster(units: pd.DataFrame) -> str:
    """How many units the roster of Mengzhou knows, by code, or by name and town (the stratum)."""
    roster = read_table("villages")
    by_code = units.index.isin(roster["village_code"])
    known = _town_and_name(roster["town_zh"], roster["village_zh"])
    by_name = _town_and_name(units["stratum"], units.index).isin(known) & ~by_code
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


def _alike(study: Study) -> list[str]:
    """Villages, groups and strata that may be one under two spellings, beside each other."""
    units, groups = study.units, pd.Index(study.units["group"].astype("str").unique())
    own = len(groups) == len(units) and groups.isin(units.index.astype("str")).all()
    found = {
        study.noun: (units["stratum"], units.index),
        "group": (groups[~groups.str.startswith(PLACEBO) & (not own)],),
        "stratum": (pd.Index(units["stratum"].unique()),),
    }
    said = []
    for noun, names in found.items():
        spellings = pd.Series(names[-1].astype("str"))
        sets = [*_sets(spellings, _plain(spellings)), *_sets(spellings, _town_and_name(*map(_plain, names)))]
        if pairs := list(dict.fromkeys(sets)):
            ways = f"{count(len(pairs), noun)} may stand under several names: {first(pairs)}"
            said.append(f"LOOK: {ways}. Each spelling makes a {noun} of its own: keep one of them.")
    return said


def _sets(spellings: pd.Series, key: pd.Index) -> list[str]:
    """Spellings that share a key, beside each other."""
    twice = key.duplicated(keep=False)
    return [" / ".join(alike) for _, alike in spellings[twice].groupby(pd.factorize(key[twice])[0])]


def _plain(names: pd.Series | pd.Index) -> pd.Index:
    """Names without what the eye passes over: width, case, invisible characters, spaces, zeros before a number."""
    plain = pd.Index(names).astype("str").str.translate(CODE_WIDTH).str.normalize("NFKC").str.casefold()
    return plain.str.replace(r"\s+|(?<![0-9])0+(?=[0-9])", "", regex=True)


def _town_and_name(*names: pd.Series | pd.Index) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays(
        [pd.Index(one).astype("str").str.replace(SUFFIXES, "", regex=True) for one in names]
    )


def _misread(units: pd.DataFrame) -> str:
    """Names in GBK that were read as Western letters before the study was read."""
    texts = pd.concat([pd.Series(units.index), units["group"].dropna(), units["stratum"]]).astype("str")
    if not (wrong := misread_gbk(texts.unique())):
        return ""
    read = (f"{name} (perhaps {chinese})" for name, chinese in wrong.items())
    found = f"{count(len(wrong), 'name')} may be Chinese read in another encoding: {first(read)}"
    return f"LOOK: {found}. Save the file in UTF-8 in the program it comes from."
