"""Units, groups and strata by one name each: labels of any kind as text, and the order of codes."""

import datetime
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.messages import StudyError, count, first

JOINED_BY = " · "


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


def as_text(labels: pd.Series, column: str) -> pd.Series:
    """Labels as text, missing where they are; each distinct label is written once."""
    if isinstance(labels.dtype, pd.StringDtype):
        return labels
    codes, distinct = pd.factorize(labels)
    text = pd.array([*map(text_label, distinct), None], dtype="str")
    if len(twice := distinct[pd.Index(text[:-1]).duplicated(keep=False)]):
        raise StudyError(
            f"{column} has {count(len(twice), 'label')} that read alike as text: {first(map(repr, twice))}. "
            "Write different labels differently."
        )
    return pd.Series(text.take(codes), labels.index)


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
    value = text.where(digits, "").str.lstrip("0")
    keys = pd.DataFrame({"name": ~digits, "length": value.str.len(), "value": value, "text": text})
    return keys.sort_values(list(keys)).index.to_numpy()


def are_names(labels: pd.Index) -> bool:
    """Whether units go by names: most labels hold no digit."""
    return not pd.api.types.is_numeric_dtype(labels.dtype) and labels.astype("str").str.contains(r"\d").mean() < 0.5
