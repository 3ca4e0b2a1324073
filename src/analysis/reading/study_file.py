"""Read a study from its ``study.toml``: what the file says, the panel it names, and what was changed on the way."""

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.language.labels import LANGUAGES
from analysis.language.units import MONEY, MONEY_NAMES, convert_unit
from analysis.messages import StudyError, count, first, refuse
from analysis.reading.read_files import DATA
from analysis.reading.read_panel import Columns, read_panel
from analysis.reading.toml_mistakes import read_toml
from analysis.study.labels import join_columns
from analysis.study.outcome import SCALES, Outcome
from analysis.study.panel_checks import DESIGN_COLUMNS, RepeatedRowsError
from analysis.study.specification import NONE, as_names
from analysis.study.study import Study

OPTIONS = {"title", "provenance", "noun", "placebo_group_size", "start", "never", "leave_out", "years"}
OPTIONS |= {"controls", "weights"}
STUDY_KEYS = OPTIONS | {"assumptions", "language", "panel", "sheet", "membership", "columns", "outcomes"}
PRICES = r"nominal|constant (?:19|20)\d\d"
RENAMED = {"pseudo_groups": ("placebo_group_size", {}), "log": ("scale", {True: '"log"', False: '"level"'})}
LOG_NAME = r"(?i)^(?:ln|lg|log(?!ist|in))|[_. ](?:ln|lg|log)$|对数"
YEAR_IN_NAME = r"(?<!\d)(?:19|20)\d\d(?!\d)"
SECTIONS = ("columns", "outcomes")
KINDS: dict[str, tuple[type, str]] = {
    "logged": (bool, "true or false"),
    "placebo_group_size": (int, "a whole number"),
    "start": (int, "a year, such as 2018"),
    "never": (list, "a list of values, such as [0, 9999]"),
    "controls": (list, 'a list of columns, such as ["耕地面积"]'),
    "leave_out": (list, 'a list of units, such as ["全市"]'),
    "years": (list, "the first and the last year to take, such as [2010, 2019]"),
}
"""What a key holds where that is no text."""


def load_study(path: str | Path | None = None, language: str | None = None) -> Study:
    """Read a study from its ``study.toml``: the panel it names, the design, the outcomes.

    Use it to begin any analysis. Paths inside the file are relative to the file's folder; nothing in that folder
    is executed or changed. `Study.reading` says what was read, converted, cleaned and left out.

    Parameters
    ----------
    path
        A ``study.toml``. Default: the file named by the environment variable ``STUDY``, else the
        project's own study, whose panel is simulated.
    language : {"en", "zh"}, optional
        Language of labels. Default: the environment variable ``STUDY_LANGUAGE``, else the file's own, else "en".

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        If a file, key or column is absent, a cell cannot be read, the language is not known, or the panel or its
        design is wrong.

    Examples
    --------
    >>> study = load_study()
    >>> study.provenance, study.primary_outcome
    ('simulated', 'collective_income_cny')
    """
    path = Path(path or os.environ.get("STUDY") or DATA / "study.toml").resolve()
    if not path.is_file():
        fault = "is a folder" if path.is_dir() else "is not there"
        raise StudyError(f"{path.name!r} in the folder {path.parent.name!r} {fault}. Name the study.toml itself.")
    settings = _read_settings(path)
    language = language or os.environ.get("STUDY_LANGUAGE") or settings["language"]
    _check_language(language, "The language asked for is")
    cells, reading = _read_frame(path.parent, settings)
    columns = settings["columns"]
    outcomes, values = {}, {}
    for name, described in settings["outcomes"].items():
        column = described.get("column", name)
        rest = {key: value for key, value in described.items() if key != "column"}
        outcomes[name], factor, said = _outcome(path.name, Outcome(name, **rest), column)
        values[name] = cells[column] * factor if factor != 1 else cells[column]
        reading += said
    design = [*dict.fromkeys(columns.values())]
    values |= {name: cells[name] for name in _specified(settings) if name in cells and name not in design}
    frame = pd.concat([cells[design], pd.DataFrame(values)], axis="columns")
    options = {key: settings[key] for key in OPTIONS & settings.keys()}
    make = partial(Study.from_frame, **columns, **options, outcomes=outcomes)
    try:
        study = make(frame)
    except RepeatedRowsError:
        study = make(_with_other_columns(frame, path.parent / settings["panel"], settings))
    about = {"language": language, "assumptions": settings.get("assumptions", "")}
    return dataclasses.replace(study, **about, reading=(*reading, *study.reading))


def _with_other_columns(frame: pd.DataFrame, path: Path, settings: dict) -> pd.DataFrame:
    """The frame with the columns of its file that the study does not name: they may tell rows apart."""
    time, sheet = settings["columns"]["time"], settings.get("sheet")
    used = {*frame, *DESIGN_COLUMNS, "treated", *(one.get("column") for one in settings["outcomes"].values())}
    others = [name for name in read_panel(path, {time: "year"}, sheet=sheet).names if name and name not in used]
    try:
        cells = read_panel(path, {**dict.fromkeys(others, "code"), time: "year"}, sheet=sheet).frame
    except StudyError:
        return frame
    return frame.assign(**{name: cells[name].array for name in others}) if len(cells) == len(frame) else frame


def _read_settings(path: Path) -> dict:
    """The study file's content, with every key known and every necessary one there."""
    settings = read_toml(path)
    _refuse_preferred(path.name, settings)
    _check_settings(path, "", settings, STUDY_KEYS, ["panel", "columns", "outcomes"])
    _check_settings(path, "columns", settings["columns"], [*DESIGN_COLUMNS, "treated"], ["unit", "time"])
    settings["controls"] = [*map(str, settings.get("controls", []))]
    _check_language(settings.setdefault("language", LANGUAGES[0]), f"{path.name} has the language")
    _check_settings(path, "outcomes", settings["outcomes"], settings["outcomes"], [])
    described = {"column", *(field.name for field in dataclasses.fields(Outcome) if field.name != "name")}
    for name, outcome in settings["outcomes"].items():
        _check_settings(path, f"outcomes.{name}", outcome, described, [])
    return settings


def _refuse_preferred(file: str, settings: dict) -> None:
    """An old section [preferred]: what it held goes to lines that every estimate follows."""
    if not isinstance(held := settings.get("preferred"), dict):
        return
    chosen = {choice: as_names(str(held.get(choice, NONE)).split(", ")) for choice in ("controls", "weights")}
    quoted = {choice: ", ".join(f'"{name}"' for name in names) for choice, names in chosen.items() if names}
    lines = [f"{choice} = {f'[{names}]' if choice == 'controls' else names}" for choice, names in quoted.items()]
    said = [f"{' and '.join(lines)} above the first section"] if lines else []
    outcome = next(iter(settings.get("outcomes", {})), "x")
    said += [f'scale = "{held["scale"]}" in [outcomes.{outcome}]'] if "scale" in held else []
    write = f"Write {', and '.join(said)}, and delete the section." if said else "Delete the section."
    rest = [choice for choice in ("sample", "comparison") if choice in held]
    rows = f" Its {' and '.join(rest)} are rows of the specification curve, not the headline." if rest else ""
    raise StudyError(
        f"{file} has a section [preferred], which nothing reads now: what is chosen beforehand is every estimate's. "
        f"{write}{rows}"
    )


def _specified(settings: Mapping[str, Any]) -> dict[str, str]:
    """Columns of controls and weights that no outcome describes, and what each is."""
    named = dict.fromkeys(settings["controls"], "a control")
    named |= dict.fromkeys(as_names(settings.get("weights")), "the weights")
    return {name: role for name, role in named.items() if name not in settings["outcomes"]}


def _check_language(language: str, said: str) -> None:
    if language not in LANGUAGES:
        raise StudyError(f"{said} {language!r}. Write one of: {', '.join(LANGUAGES)}.")


def _check_settings(path: Path, section: str, settings: dict, known: Iterable[str], needed: Iterable[str]) -> None:
    where = f"[{section}] of {path.name}" if section else path.name
    if not isinstance(settings, dict):
        raise StudyError(f"{where} is not a section with keys of its own. Write [{section}], then its keys.")
    for old in set(settings) & set(RENAMED) - set(known):
        (new, values), value = RENAMED[old], settings[old]
        raise StudyError(f"{where}: {old} is called {new} now. Write: {new} = {values.get(value, value)}")
    unknown = sorted(set(settings) - set(known))
    refuse(unknown, "unknown key", f"{where} has {{}}", f"Known keys: {', '.join(sorted(known))}.")
    if lost := [key for key in needed if key not in settings]:
        raise StudyError(f"{where} lacks {', '.join(lost)}. Add what is missing.")
    for key in [key for key in settings if key not in SECTIONS and section != "outcomes"]:
        kind, words = KINDS.get(key, (str, "text in quotes"))
        several = (section, key) == ("columns", "unit") and isinstance(settings[key], list)
        found = settings[key] if several and settings[key] else [settings[key]]
        if not all(isinstance(one, kind) and isinstance(one, bool) == (kind is bool) for one in found):
            raise StudyError(f"{where} has {key} = {settings[key]!r}. Write {words}.")


def _outcome(file: str, outcome: Outcome, column: str) -> tuple[Outcome, int, list[str]]:
    """The outcome in its canonical unit, the factor to it, and the sentence that says so."""
    unit, factor, remark = convert_unit(outcome.unit)
    money, scale, prices = unit.startswith(MONEY), outcome.scale, outcome.prices
    lost = [key for key in ("definition", "prices") if not getattr(outcome, key)]
    faults = {
        f"has the unit {unit!r}, money of an unknown size. Write 元, 千元, 万元, 百万元 or 亿元, alone or with /人, "
        "/户 or the like.": re.search(MONEY_NAMES, unit) and not money,
        f"is money and lacks {' and '.join(lost)}. Say which money is counted (总收入, total income, and 经营收益, "
        "operating surplus, are different things), and in which prices: "
        '"nominal", or "constant 2022".': money and lost,
        f"has scale = {scale!r}. Write one of: {', '.join(SCALES)}, or leave it out.": scale not in (None, *SCALES),
        f"has prices = {prices!r}. "
        'Write "nominal", or "constant" with the year whose prices they are, such as "constant 2022".': prices
        and not re.fullmatch(PRICES, prices),
        f"has logged = true and scale = {scale!r}. Leave scale out: no logs are taken of logs.": outcome.logged
        and scale not in (None, "level"),
    }
    for fault in [fault for fault, found in faults.items() if found]:
        raise StudyError(f"[outcomes.{outcome.name}] of {file} {fault}")
    said = [f"{outcome.name}: {remark}."] if remark else []
    if not outcome.logged and any(re.search(LOG_NAME, name) for name in (outcome.name, outcome.label_zh, column)):
        said.append(
            f"LOOK: {outcome.name} may hold logarithms, by its name. If so, write logged = true in [outcomes."
            f"{outcome.name}], so that no logs are taken of logs and effects in per cent are right."
        )
    return dataclasses.replace(outcome, unit=unit), factor, said


def _read_frame(folder: Path, settings: dict) -> tuple[pd.DataFrame, list[str]]:
    """The panel, with the membership file's columns joined by unit where one is named; and what was changed."""
    columns, files = settings["columns"], [settings[key] for key in ("panel", "membership") if key in settings]
    unit, never = columns["unit"], settings.get("never", [])
    keys = dict.fromkeys(unit if isinstance(unit, list) else [unit], "unit")
    percent = {one.get("column", name): one.get("unit") == "%" for name, one in settings["outcomes"].items()}
    roles = _specified(settings) | keys
    roles |= {name: key for key, name in columns.items() if key != "unit"} | dict.fromkeys(percent, "an outcome")
    kind_of = {"time": "year", "first_treated": "start", "a control": "number", "the weights": "number"}
    kinds = {name: kind_of.get(role, "code") for name, role in roles.items()}
    kinds |= {name: "percentage" if percentage else "number" for name, percentage in percent.items()}
    panel = read_panel(folder / files[0], kinds, never=never, sheet=settings.get("sheet"))
    of_units = {name: role for name, role in roles.items() if role not in ("unit", "time", "an outcome")}
    elsewhere = {name: role for name, role in of_units.items() if files[1:] and name not in panel.frame}
    _require(files[0], panel, {name: role for name, role in roles.items() if name not in elsewhere})
    frame, columns["unit"] = join_columns(panel.frame, unit)
    if not files[1:]:
        return frame, panel.notes
    members = read_panel(folder / files[1], {name: kinds[name] for name in keys | of_units}, never=never)
    both = [name for name in members.frame if name not in keys and name in panel.frame]
    refuse(both, "column", f"{{}} in {files[0]} and in {files[1]} alike", "Keep each in one of the two.")
    _require(files[1], members, keys | elsewhere)
    joined, said = _with_members(frame, *join_columns(members.frame, unit), files[1], columns)
    return joined, [*panel.notes, *members.notes, *said]


def _with_members(
    frame: pd.DataFrame, members: pd.DataFrame, unit: str, file: str, columns: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    """The panel with what the membership file says of each unit, and who is taken as never treated."""
    unknown = sorted(set(members[unit]) - set(frame[unit]))
    refuse(unknown, "unit", f"{file} names {{}} that the panel does not have", "Correct the codes.")
    refuse(members.loc[members[unit].duplicated(), unit], "row", f"{file} repeats a unit", "Keep one row per unit.")
    treatment = columns.get("first_treated") or columns.get("treated")
    never = members.get(treatment, members[unit]).isna().sum()
    absent = sorted(set(frame[unit]) - set(members[unit]))
    lacking = {"without a first treated year": never, f"of the panel not in it ({first(absent)})": len(absent)}
    said = [f"{file}: {count(n, 'unit')} {which}, read as never treated." for which, n in lacking.items() if n]
    added = [name for name in members if name == unit or name not in frame]
    joined = frame.merge(members[added], on=unit, how="left")
    return joined.fillna({columns["treated"]: "0"} if columns.get("treated") in added else {}), said


def _require(file: str, columns: Columns, names: Mapping[str, str]) -> None:
    """Every column is there, and every unit, year and stratum filled in."""
    for name, role in names.items():
        if name not in columns.frame:
            alike = get_close_matches(name, columns.names, n=1, cutoff=0.7) or [c for c in columns.names if name in c]
            years = [one for one in columns.names if re.search(YEAR_IN_NAME, one)]
            hint = f" Did you mean {alike[0]!r}?" if alike else ""
            if role == "time" and len(years) > 1:
                hint = f" Years stand beside each other ({first(years)}): turn the table, to one row per unit and year."
            raise StudyError(f"{file} has no column {name!r} (for {role}). It has: {', '.join(columns.names)}.{hint}")
        empty = columns.frame.index[columns.frame[name].isna()] if role in ("unit", "time", "stratum") else []
        remedy = "Fill it in on every row, also where cells were merged; delete notes below the table."
        refuse([f"row {row}" for row in empty], "row", f"{file}: {name!r} is empty", remedy)
