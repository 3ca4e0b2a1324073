"""What readers must know of a design's groups: few of them on a side, or groups that hold both kinds of units."""

import warnings
from collections.abc import Iterable
from typing import Any

import pandas as pd

from analysis.language.labels import of_units
from analysis.language.texts import Text, count, first
from analysis.messages import FewTreatedGroupsWarning
from analysis.study.panel_rows import first_rows


def design_notes(frame: pd.DataFrame, stacklevel: int = 4) -> tuple[str, ...]:
    """What readers must know of the design, one sentence each; rows in order of unit."""
    units = frame[["first_treated", "group"]].iloc[first_rows(frame)]
    return few_treated_groups(units, stacklevel) + mixed_groups(units)


def grouped(frame: pd.DataFrame) -> bool:
    """Whether treatment was given to groups of units."""
    return bool((frame["group"].astype(str) != frame["unit"].astype(str)).any())


def in_own_words(study: Any, text: str, labels: Iterable[str] = ()) -> str:
    """A text on villages and districts in the words of a study, which may have other units and no districts."""
    return of_units(study.language, text, study.noun, labels, districts=has_districts(study))


def has_districts(study: Any) -> bool:
    """Whether treatment was given to groups of villages: only these are called districts."""
    return study.noun == "village" and grouped(study.frame)


def mixed_groups(units: pd.DataFrame) -> tuple[str, ...]:
    """A note where groups hold treated and untreated units, so that treatment was not given to whole groups."""
    kinds = units["first_treated"].notna().groupby(units["group"]).nunique()
    mixed = kinds.index[kinds > 1]
    if not len(mixed):
        return ()
    sentence = (
        "{groups} hold both treated and untreated units ({found}): treatment was not given to whole groups, and "
        "randomization of groups cannot serve."
    )
    if len(mixed) == 1:
        sentence = (
            "{groups} holds both treated and untreated units ({found}): treatment was not given to whole groups, and "
            "randomization of groups cannot serve."
        )
    return (Text(sentence, groups=count(len(mixed), "group"), found=first(mixed)),)


def few_treated_groups(units: pd.DataFrame, stacklevel: int = 3) -> tuple[str, ...]:
    """Warn, and keep the note, when fewer than three groups are treated, or fewer than three are untreated."""
    treated = units["first_treated"].notna()
    sides = {"treated": units.loc[treated, "group"].unique(), "untreated": units.loc[~treated, "group"].unique()}
    kind, groups = min(sides.items(), key=lambda side: len(side[1]))
    if len(groups) >= 3:
        return ()
    meaning = (
        "with two, standard errors rest on two numbers: usual tests reject far too often, careful ones hardly ever"
    )
    if len(groups) == 1 and kind == "treated":
        meaning = (
            "with one, its own luck cannot be told from the effect, and no standard error says how sure one can be"
        )
    elif len(groups) == 1:
        meaning = "with one, its own luck moves every comparison, and no standard error says how sure one can be"
    # Two treated groups are worth two by their totals only where these are the same.
    best = "randomization inference"
    if kind == "treated" and len(groups) == 2:
        best = "randomization inference, in levels or logs alone,"
    note = Text(
        "Only {groups} ({found}): {meaning}. Read the estimate as a description; {best} is the most that can be said.",
        best=Text(best),
        groups=count(len(groups), f"{kind} group"),
        found=first(groups),
        meaning=Text(meaning),
    )
    warnings.warn(note, FewTreatedGroupsWarning, stacklevel=stacklevel)
    return (note,)
