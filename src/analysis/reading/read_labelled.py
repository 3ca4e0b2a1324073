"""Read a Stata or SPSS file: value labels of codes, %ty as years, and Chinese text of old versions."""

import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from analysis.language.texts import Text, first
from analysis.messages import StudyError
from analysis.reading.header import pick_names

WESTERN = re.compile(r"[\x80-\xff]+")
NOT_CHINESE = re.compile(r"[^\x00-\x7f\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
PROGRAMS = {".dta": "Stata", ".sav": "SPSS"}


def read_labelled(path: Path, wanted: Mapping[str, str], kind: str = ".dta") -> tuple[list[str], pd.DataFrame, str]:
    """Column names, the wanted columns, and a note on labels and encoding; `wanted` says of which kind each is.

    Raises
    ------
    StudyError
        If the file cannot be read, one label stands for two values, or SPSS files need a package that is not there.
    """
    program = PROGRAMS[kind]
    try:
        with warnings.catch_warnings(action="ignore"):
            chinese = misread_gbk(names := _names(path, kind))
            place = {chinese.get(name, name): name for name in names}
            header = [*place]
            kept = [place[name] for name in pick_names(path.name, header, wanted)]
            values, labelled = _values(path, kind, kept)
    except StudyError:
        raise
    except ImportError as error:
        raise StudyError(
            "{file} is of SPSS, which needs the package pyreadstat. Install it, or save the file as .dta or .csv in "
            "SPSS.",
            file=path.name,
        ) from error
    except Exception as error:
        fault = "{file} cannot be read as {program}: it is damaged, or of another kind. Save it again in {program}."
        if "are not unique" in str(error):
            fault = "{file} gives two values of a column one label. Make the labels differ, or take them off."
        raise StudyError(fault, file=path.name, program=program) from error
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
    note = Text(" (value labels of {columns})", columns=first(used)) if used else ""
    return header, frame, Text("{note} (GB18030)", note=note) if chinese else note


def _names(path: Path, kind: str) -> list[str]:
    if kind == ".dta":
        with pd.read_stata(path, iterator=True) as file:
            return list(file.variable_labels())
    from pyreadstat import read_sav

    return list(read_sav(path, metadataonly=True)[1].column_names)


def _values(path: Path, kind: str, kept: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The columns as numbers, and with their labels."""
    if kind == ".dta":
        values = pd.read_stata(path, columns=kept, convert_categoricals=False, convert_dates=False)
        return values, pd.read_stata(path, columns=kept)
    from pyreadstat import read_sav

    values, labelled = (read_sav(path, usecols=kept, apply_value_formats=applied)[0] for applied in (False, True))
    return values[kept], labelled[kept]


def _column(values: pd.Series, labelled: pd.Series, code: bool) -> pd.Series:
    """Labels of codes, and of all where labels are other numbers (text once encoded); else the values."""
    if labelled.dtype == "category":
        labels = pd.to_numeric(labelled.astype("str"), errors="coerce")
        return labelled.astype(object) if code or (labels.notna() & (labels != values)).any() else values
    if labelled.dtype.kind == "M":
        years = labelled.dt.year.where(labelled.notna(), values)
        return values if (years == values)[values.notna()].all() else labelled
    return labelled


def misread_gbk(texts: Iterable[str]) -> dict[str, str]:
    """What texts say in GBK, where half the texts with Western letters are hanzi then; else nothing.

    Use it on all names of a file: hanzi are pairs of such letters, as hardly a Western name is.

    Examples
    --------
    >>> misread_gbk(["ÃÏÖÝ", "v1"]), misread_gbk(["São Paulo", "Orléans"])
    ({'ÃÏÖÝ': '孟州'}, {})
    """
    western = [text for text in dict.fromkeys(texts) if WESTERN.search(text)]
    read = {text: chinese for text in western if (chinese := _in_gbk(text))}
    paired = [text for text in read if all(len(run) % 2 == 0 for run in WESTERN.findall(text))]
    return read if 2 * len(paired) >= len(western) else {}


def _in_gbk(text: str) -> str:
    try:
        read = text.encode("latin-1").decode("gb18030")
    except UnicodeError:
        return ""
    return "" if NOT_CHINESE.search(read) else read
