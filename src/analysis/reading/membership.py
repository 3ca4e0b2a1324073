"""Who belongs to which group, from a file beside the panel: matched by code, or by town and name."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import pandas as pd

from analysis.language.texts import Listed, Text, count, first
from analysis.messages import refuse
from analysis.reading.vocabulary import first_with
from analysis.study.unit_names import JOINED_BY, plain, without_suffixes

Key = tuple[str, ...]
NO_START = "{file}: {units} without a first treated year, read as never treated."
NOT_THERE = "{file}: {units} of the panel not in it ({absent}), read as never treated."


def with_members(
    frame: pd.DataFrame, members: pd.DataFrame, unit: str, file: str, columns: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    """The panel with what the membership file says of each unit, and who is taken as never treated.

    Raises
    ------
    StudyError
        If the file names a unit that the panel does not have (with the nearest that it has), or one twice.
    """
    members, said = _in_the_panels_words(frame, members, unit, file)
    twice = members.loc[members[unit].duplicated(), unit]
    refuse(twice, "row", "{file} repeats a unit", "Keep one row per unit.", file=file)
    treatment = columns.get("first_treated") or columns.get("treated")
    never = members.get(treatment, members[unit]).isna().sum()
    absent = sorted(set(frame[unit]) - set(members[unit]))
    for number, sentence in ((never, NO_START), (len(absent), NOT_THERE)):
        found = {"units": count(number, "unit"), "absent": first(absent)}
        said += [Text(sentence, file=file, **found)] if number else []
    added = [name for name in members if name == unit or name not in frame]
    joined = frame.merge(members[added], on=unit, how="left")
    return joined.fillna({columns["treated"]: "0"} if columns.get("treated") in added else {}), said


def names_of(columns: Iterable[str]) -> list[str]:
    """The columns of town and village name of a file, where it has a column of names."""
    columns = list(columns)
    name = first_with("name", columns)
    return [one for one in (first_with("stratum", columns), name) if one] if name else []


def _in_the_panels_words(
    frame: pd.DataFrame, members: pd.DataFrame, unit: str, file: str
) -> tuple[pd.DataFrame, list[str]]:
    """The members under the names by which the panel knows units."""
    if by_name := unit not in members:
        units = frame[[unit, *names_of(frame)]].drop_duplicates()
        known = _keyed([units[name] for name in names_of(frame)], units[unit])
        named = _keys([members[name] for name in names_of(members)])
    else:
        known = {tuple(one.split(JOINED_BY)): one for one in frame[unit].dropna().unique()}
        named = [tuple(str(one).split(JOINED_BY)) for one in members[unit]]
    found, loosely = _matched(named, known)
    names = [" ".join(key) for key in known]
    lost = [_with_nearest(" ".join(key), names) for key in dict.fromkeys(named) if key not in found]
    remedy = "Correct the names." if any("(" in one for one in lost) or by_name else "Correct the codes."
    refuse(lost, "unit", "{file} names {} that the panel does not have", remedy, file=file)
    matched = {"file": file, "units": count(len(named), "unit"), "names": Listed(names_of(members), " and ")}
    said: list[str] = [Text("{file}: {units} matched by {names}.", **matched)] if by_name else []
    if loosely:
        matched = {"file": file, "names": count(len(loosely), "name"), "found": first(loosely)}
        said.append(Text("{file}: {names} matched apart from 村, 镇 or the like: {found}.", **matched))
    return members.assign(**{unit: [found[key] for key in named]}), said


def _keys(names: list[pd.Series]) -> list[Key]:
    return [*zip(*(one.astype("str") for one in names), strict=True)]


def _keyed(names: list[pd.Series], units: pd.Series) -> dict[Key, str]:
    keys = pd.Series(_keys(names))
    twice = [" ".join(key) for key in keys[keys.duplicated()].unique()]
    refuse(twice, "name", "The panel has several codes for {}", "Name the members by their codes.")
    return dict(zip(keys, units, strict=True))


def _matched(named: list[Key], known: Mapping[Key, str]) -> tuple[dict[Key, str], list[str]]:
    """For each name the unit: of the same name, or the only one whose name differs by 村, 镇 or the like; and these."""
    found = {key: known[key] for key in named if key in known}
    if len(found) == len(set(named)):
        return found, []
    loose: dict[Key, list[str]] = {}
    for key, unit in zip(_loose([*known]), known.values(), strict=True):
        loose.setdefault(key, []).append(unit)
    others = [key for key in dict.fromkeys(named) if key not in found]
    alone = {
        key: loose[bare][0] for key, bare in zip(others, _loose(others), strict=True) if len(loose.get(bare, [])) == 1
    }
    return found | alone, [Text("{name} as {unit}", name=" ".join(key), unit=unit) for key, unit in alone.items()]


def _loose(keys: list[Key]) -> list[Key]:
    """Names without their final 村, 镇 or the like; codes as they are."""
    parts = [without_suffixes(plain(pd.Series(one, dtype="str"))) for one in zip(*keys, strict=True)]
    bare = [*zip(*parts, strict=True)] if parts else []
    return [key if "".join(key).isascii() else one for key, one in zip(keys, bare, strict=True)]


def _with_nearest(name: str, known: list[str]) -> str:
    """A name that is not known, with the nearest one that is."""
    near = [] if name.isascii() else get_close_matches(name, known, n=1, cutoff=0.7)
    return Text("{name} (nearest: {near})", name=name, near=near[0]) if near else name
