"""Units, groups and strata by one name each: labels of any kind as text, their order, and spellings that are alike."""

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.language.characters import CODE_WIDTH
from analysis.messages import Text, look, refuse, singular

JOINED_BY = " · "
KEEP_ONE = {
    "unit": "Each spelling makes a unit of its own: keep one of them.",
    "group": "Each spelling makes a group of its own: keep one of them.",
    "stratum": "Each spelling makes a stratum of its own: keep one of them.",
}
SUFFIXES = r"(?:村民委员会|居民委员会|村委会|居委会|村|社区|街道办事处|街道|镇|乡|市|县|区)$"


def text_label(label: object) -> str:
    """A label of any hashable kind as text.

    Examples
    --------
    >>> [text_label(one) for one in (("town", 3), 3.0, datetime.date(2019, 7, 1), pd.Timestamp("2019-07-01"), "a")]
    ['town · 3', '3', '2019-07-01', '2019-07-01', 'a']
    """
    if isinstance(label, tuple | frozenset):
        return JOINED_BY.join(map(text_label, label))
    if isinstance(label, float | np.floating) and label.is_integer():
        return f"{label:.0f}"
    if isinstance(label, datetime.datetime) and label.time() == datetime.time():
        return str(label.date())
    return str(label)


def unit_in_words(study: Any, unit: str) -> Text | str:
    """What a sentence calls a unit: its name; only "one village" where the numbers beside it are simulated."""
    return Text("one {noun}", noun=singular(study.noun)) if study.provenance == "simulated" else unit


def as_text(labels: pd.Series, column: str) -> pd.Series:
    """Labels as text, missing where they are: none blank or padded with spaces, and no two of them alike."""
    codes, distinct = pd.factorize(labels)
    text = pd.Series([*map(text_label, distinct)], dtype="str")
    remedy = "Write each label one way, and different labels differently."
    alike = distinct[text.duplicated(keep=False)]
    refuse(map(repr, alike), "label", "{column} has {} that read alike as text", remedy, column=column)
    remedy = "Remove the spaces, and leave missing codes empty."
    padded = text[(text.str.strip() != text) | (text == "")]
    refuse(map(repr, padded), "code", "{column} has spaces around, or nothing in, {}", remedy, column=column)
    if isinstance(labels.dtype, pd.StringDtype):
        return labels
    return pd.Series(pd.array([*text, None], dtype="str").take(codes), labels.index)


def join_columns(frame: pd.DataFrame, names: str | Sequence[str]) -> tuple[pd.DataFrame, str]:
    """The frame with several columns joined as one text, such as "province · county", and that column's name."""
    if isinstance(names, str) or not isinstance(names, Sequence) or not set(names) <= set(frame):
        return frame, names if isinstance(names, str) or not isinstance(names, Sequence) else names[0]
    parts = frame[list(names)]
    labels = parts.drop_duplicates()
    text = [text_label(tuple(label)) for label in labels.itertuples(index=False)]
    joined = pd.Series(text, dtype="str").where(labels.notna().all(axis="columns").to_numpy())
    where = parts.groupby(list(names), sort=False, dropna=False).ngroup()
    name = JOINED_BY.join(map(str, names))
    return frame.assign(**{name: joined.array.take(where)}), name


def code_order(labels: pd.Index | pd.Series) -> np.ndarray:
    """Positions of distinct labels in order: codes of digits by their value, then as text; then names as text.

    Examples
    --------
    >>> codes = pd.Index(["b", "10", "9", "009"])
    >>> codes[code_order(codes)].tolist()
    ['009', '9', '10', 'b']
    """
    if pd.api.types.is_numeric_dtype(labels.dtype):
        return np.argsort(labels.to_numpy(), kind="stable")
    text = pd.Series(labels).astype("str").reset_index(drop=True)
    length = text.str.len()
    if length.min() == length.max():
        return pd.Index(text).argsort()
    digits = text.str.fullmatch("[0-9]+")
    keys = [(not number, int(one) if number else 0, one) for number, one in zip(digits, text, strict=True)]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__))


def are_names(labels: pd.Index) -> bool:
    """Whether units go by names: most labels hold no digit."""
    return not pd.api.types.is_numeric_dtype(labels.dtype) and labels.astype("str").str.contains(r"\d").mean() < 0.5


def alike_names(units: pd.DataFrame) -> list[str]:
    """A sentence on names that look alike, such as 002 and 2, or 赵和 and 赵和镇, beside each other; a row per unit."""
    said: list[str] = []
    shown: set[str] = set()
    for kind in [kind for kind in ("unit", "group", "stratum") if kind in units and not _of_one_form(units[kind])]:
        names = units[kind].dropna().astype("str")
        names = names if kind == "unit" else names.drop_duplicates()
        key = plain(names)
        if not without_suffixes(key).has_duplicates:
            continue
        around = [plain(units["stratum"])] if kind == "unit" and "stratum" in units else []
        alike = dict.fromkeys([*_sets(names, key), *_sets(names, without_suffixes(*around, key))])
        new = [one for one in alike if one not in shown]
        said += look(new, kind, "{} may stand under several names", KEEP_ONE[kind])
        shown |= set(alike)
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


def without_suffixes(*names: pd.Series | pd.Index) -> pd.Index:
    """Names, or towns and names, without a final 镇, 村, 县 or the like, row by row."""
    short = [pd.Index(one).astype("str").str.replace(SUFFIXES, "", regex=True) for one in names]
    return short[0] if len(short) == 1 else pd.MultiIndex.from_arrays(short)
