"""Units, groups and strata that may be one under two spellings, such as 002 and 2, or 赵和 and 赵和镇."""

import pandas as pd

from analysis.language.characters import CODE_WIDTH
from analysis.messages import count, first
from analysis.study.panel_rows import first_rows

SUFFIXES = r"(?:村民委员会|居民委员会|村委会|居委会|村|社区|街道办事处|街道|镇|乡|市|县|区)$"


def alike_names(frame: pd.DataFrame) -> list[str]:
    """A sentence on names that look alike, beside each other; rows in order of unit."""
    units = frame.iloc[first_rows(frame)]
    within = {"unit": [units["stratum"]] if "stratum" in units else []}
    said = []
    for kind in [kind for kind in ("unit", "group", "stratum") if kind in units and not _of_one_form(units[kind])]:
        names = units[kind].dropna().astype("str")
        if kind != "unit":
            names = names.drop_duplicates()
        around = [plain(one) for one in within.get(kind, [])]
        alike = dict.fromkeys([*_sets(names, plain(names)), *_sets(names, without_suffixes(*around, plain(names)))])
        if alike and not (kind == "group" and names.tolist() == units["unit"].astype("str").tolist()):
            found = f"{count(len(alike), kind)} may stand under several names: {first(alike)}"
            said.append(f"LOOK: {found}. Each spelling makes a {kind} of its own: keep one of them.")
    return said


def _of_one_form(labels: pd.Series) -> bool:
    """Numbers, and digits of one length, are different where they look different."""
    if pd.api.types.is_numeric_dtype(labels.dtype):
        return True
    text = labels.dropna().astype("str")
    return bool((text.str.len() == text.str.len().max()).all() and text.str.fullmatch("[0-9]+").all())


def _sets(names: pd.Series, key: pd.Index) -> list[str]:
    """Names that share a key, beside each other."""
    twice = key.duplicated(keep=False)
    return [" / ".join(alike) for _, alike in names[twice].groupby(pd.factorize(key[twice])[0])]


def plain(names: pd.Series) -> pd.Index:
    """Names without what the eye passes over: width, case, invisible characters, spaces, zeros before a number.

    Examples
    --------
    >>> plain(pd.Series(["002", "Ｖ０ 2"])).tolist()
    ['2', 'v2']
    """
    text = pd.Index(names).astype("str").str.translate(CODE_WIDTH).str.normalize("NFKC").str.casefold()
    return text.str.replace(r"\s+", "", regex=True).str.replace(r"(?<![0-9])0+(?=[0-9])", "", regex=True)


def without_suffixes(*names: pd.Series | pd.Index) -> pd.MultiIndex:
    """Towns and names without a final 镇, 村, 县 or the like, row by row."""
    return pd.MultiIndex.from_arrays(
        [pd.Index(one).astype("str").str.replace(SUFFIXES, "", regex=True) for one in names]
    )
