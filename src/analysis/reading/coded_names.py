"""Units by numbers in the place of names, for offices that may not publish names."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.language.texts import Listed, Text, count
from analysis.messages import StudyError
from analysis.study.study import Study
from analysis.study.unit_names import are_names


def with_codes(study: Study, order: pd.Series) -> Study:
    """The study with units by number, in the order in which they first stand in its file; units with codes keep them.

    What was said on reading the files names them by number, too.
    """
    if not are_names(units := study.units.index):
        return study
    codes = _numbers([name for name in dict.fromkeys(order.astype(str)) if name in units])
    frame = study.frame.assign(unit=study.frame["unit"].map(codes))
    frame["group"] = study.frame["group"].map(lambda group: codes.get(group, group))
    told = Text(
        '{units} shown by number, in the order of the file, as names = "codes" asks.',
        units=count(len(codes), study.noun),
    )
    reading = (*(_coded(note, codes) for note in study.reading), told)
    notes = tuple(_coded(note, codes) for note in study.notes)
    return replace(study, frame=frame.sort_values(["unit", "time"], ignore_index=True), reading=reading, notes=notes)


def name_by_number(error: StudyError, order: pd.Series) -> None:
    """An error of a panel says its units by number too, in the order of the file; units with codes keep them."""
    names = pd.Index(order.dropna().astype(str).unique())
    if are_names(names):
        error.args = (_coded(error.args[0], _numbers([*names])),)


def _numbers(names: list[str]) -> dict[str, str]:
    return {name: f"{place:0{len(str(len(names)))}d}" for place, name in enumerate(names, start=1)}


def _coded(said: Any, codes: Mapping[str, str]) -> Any:
    """A text with the numbers of units in the place of their names."""
    if isinstance(said, Listed):
        joint, (values, more), _ = said.made_of
        return Listed([_coded(value, codes) for value in values], joint, more)
    if type(said) is Text:
        template, places, values = said.made_of
        coded = {name: _coded(value, codes) for name, value in values.items()}
        return Text(template, *(_coded(place, codes) for place in places), **coded)
    if isinstance(said, str) and not isinstance(said, Text):
        names = "|".join(map(re.escape, sorted(codes, key=len, reverse=True)))
        return re.sub(names, lambda found: codes[found[0]], said)
    return said
