"""Read a Stata file: value labels of codes, %ty as years, and Chinese text of old versions."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from analysis.messages import StudyError, first
from analysis.reading.header import column_places
from analysis.reading.misread import misread_gbk


def read_stata(path: Path, wanted: Mapping[str, str]) -> tuple[list[str], pd.DataFrame, str]:
    """Column names, the wanted columns, and a note on labels and encoding; `wanted` says of which kind each is.

    Raises
    ------
    StudyError
        If the file cannot be read, or one label stands for two values.
    """
    try:
        with warnings.catch_warnings(action="ignore"), pd.read_stata(path, iterator=True) as file:
            names = list(file.variable_labels())
            chinese = misread_gbk(names)
            header = [chinese.get(name, name) for name in names]
            kept = [names[place] for place in column_places(path.name, [header], wanted)]
            values = file.read(columns=kept, convert_categoricals=False, convert_dates=False)
            labelled = pd.read_stata(path, columns=kept)
    except StudyError:
        raise
    except Exception as error:
        fault, remedy = "cannot be read as Stata: it is damaged, or of another kind", "Save it again in Stata"
        if "are not unique" in str(error):
            fault, remedy = "gives two values of a column one label", "Make the labels differ, or take them off"
        raise StudyError(f"{path.name} {fault}. {remedy}.") from error
    codes = [name for name in kept if wanted.get(chinese.get(name, name), "code") == "code"]
    codes = [name for name in codes if not values[name].isin([0, 1]).all()]
    frame = pd.DataFrame({name: _column(values[name], labelled[name], name in codes) for name in kept})
    texts = frame.select_dtypes(exclude=["number", "datetime"])
    chinese |= misread_gbk(text for name in texts for text in texts[name].unique() if isinstance(text, str))
    for name in texts:
        frame[name] = frame[name].replace(chinese) if chinese else frame[name]
    frame = frame.rename(columns=chinese)
    frame.index += 1
    used = [chinese.get(name, name) for name in codes if labelled[name].dtype == "category"]
    note = f" (value labels of {first(used)})" if used else ""
    return header, frame, f"{note} (GB18030)" if chinese else note


def _column(values: pd.Series, labelled: pd.Series, code: bool) -> pd.Series:
    """Labels of codes, and of all where labels are other numbers (text once encoded); else the values."""
    if labelled.dtype == "category":
        labels = pd.to_numeric(labelled.astype("str"), errors="coerce")
        return labelled.astype(object) if code or (labels.notna() & (labels != values)).any() else values
    if labelled.dtype.kind == "M":
        years = labelled.dt.year.where(labelled.notna(), values)
        return values if (years == values)[values.notna()].all() else labelled
    return labelled
