"""Read a study from its ``study.toml``: what the file says, the panel it names, and what was changed on the way."""

import dataclasses
import locale
import os
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.language.labels import LANGUAGES
from analysis.language.texts import Listed, Text
from analysis.messages import StudyError, refuse
from analysis.reading.coded_names import name_by_number, with_codes
from analysis.reading.header import YEAR
from analysis.reading.outcomes import described_outcome, unit_of
from analysis.reading.read_files import DATA
from analysis.reading.read_frame import Cells, read_frame, specified
from analysis.reading.read_panel import read_panel
from analysis.reading.toml_mistakes import read_toml
from analysis.study.outcome import Outcome
from analysis.study.panel_checks import DESIGN_COLUMNS, RepeatedRowsError
from analysis.study.specification import NONE, as_names
from analysis.study.study import Study

OPTIONS = {"title", "provenance", "noun", "placebo_group_size", "start", "never", "leave_out", "years"}
OPTIONS |= {"controls", "weights"}
SAID = ("title", "assumptions", "definition")
"""Keys that may stand once more for a language: title_zh is the title of a study that speaks Chinese."""
STUDY_KEYS = {f"{key}_{language}" for key in SAID[:2] for language in LANGUAGES} | OPTIONS
STUDY_KEYS |= {"assumptions", "language", "names", "panel", "sheet", "membership", "columns", "outcomes"}
RENAMED = {"pseudo_groups": ("placebo_group_size", {}), "log": ("scale", {True: '"log"', False: '"level"'})}
SECTIONS = ("columns", "outcomes")
KINDS: dict[str, tuple[type, str]] = {
    "logged": (bool, "true or false"),
    "placebo_group_size": (int, "a whole number"),
    "start": (int, "a year, such as 2018"),
    "never": (list, "a list of values, such as [0, 9999]"),
    "controls": (list, 'a list of columns, such as ["耕地面积"]'),
    "where": (dict, 'columns and the text they hold, such as { "指标" = "村集体经济收入(万元)" }'),
    "leave_out": (list, 'a list of units, such as ["全市"]'),
    "years": (list, "the first and the last year to take, such as [2010, 2019]"),
}
"""What a key holds where that is no text."""


def load_study(path: str | Path | None = None, language: str | None = None) -> Study:
    """Read a study from its ``study.toml``: the panel it names, the design, the outcomes.

    Use it to begin any analysis. Paths inside the file are relative to the file's folder; nothing in that folder
    is executed or changed. `Study.reading` says what was read, cleaned and left out.

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
    language = language or os.environ.get("STUDY_LANGUAGE") or ""
    settings: dict[str, Any] = {}
    try:
        _check_language(language or LANGUAGES[0], "The language asked for is {language!r}. Write one of: {languages}.")
        settings |= _read_toml(path)
        study = _study(path, _in_language(_checked(path, settings), language or settings["language"]))
    except StudyError as error:
        error.told = _language_of_errors(language, settings)
        raise
    return dataclasses.replace(study, language=language or settings["language"])


def _language_of_errors(language: str, settings: Mapping[str, Any]) -> str:
    """The language asked for, else the file's own; the console's, where neither is known."""
    console = "zh" if (locale.getlocale()[0] or "").startswith(("zh", "Chinese")) else "en"
    own = settings.get("language", LANGUAGES[0] if settings else console)
    return next((one for one in (language, own) if one in LANGUAGES), console)


def _in_language(settings: dict[str, Any], language: str) -> dict[str, Any]:
    """The settings with texts in a language, where the file has them."""
    for section in (settings, *settings["outcomes"].values()):
        for key in SAID:
            said = {one: section.pop(f"{key}_{one}", "") for one in LANGUAGES}
            section |= {key: said[language]} if said[language] else {}
    return settings


def _study(path: Path, settings: dict[str, Any]) -> Study:
    """The study that checked settings describe."""
    cells = read_frame(path.parent, settings)
    columns, reading = cells.columns, cells.notes
    outcomes, values, said = _outcomes(path.name, settings["outcomes"], cells)
    reading += said
    design = [*dict.fromkeys(columns.values())]
    values |= {name: cells.frame[name] for name in specified(settings) if name in cells.frame and name not in design}
    frame = pd.concat([cells.frame[design], pd.DataFrame(values)], axis="columns")
    options = {key: settings[key] for key in OPTIONS & settings.keys()}
    make = partial(Study.from_frame, **columns, **options, outcomes=outcomes)
    try:
        try:
            study = make(frame)
        except RepeatedRowsError:
            if YEAR in settings["panel"] + settings.get("sheet", ""):
                raise
            study = make(_with_other_columns(frame, path.parent / settings["panel"], settings))
    except StudyError as error:
        if settings.get("names") == "codes":
            name_by_number(error, frame[columns["unit"]])
        raise
    assumptions = settings.get("assumptions", "")
    study = dataclasses.replace(study, assumptions=assumptions, reading=(*reading, *study.reading))
    return with_codes(study, frame[columns["unit"]]) if settings.get("names") == "codes" else study


def _outcomes(
    file: str, described: Mapping[str, dict], cells: Cells
) -> tuple[dict[str, Outcome], dict[str, pd.Series], list[str]]:
    """Each outcome in its unit, its values as given, and what is said of both."""
    outcomes, values, said = {}, {}, []
    for name, one in described.items():
        unit, read = unit_of(name, one, cells.units.get(name, ("", "")))
        rest = {key: value for key, value in one.items() if key not in ("column", "where")} | {"unit": unit}
        outcomes[name], doubts = described_outcome(file, Outcome(name, **rest), one.get("column", name))
        values[name] = cells.outcomes[name]
        said += read + doubts
    return outcomes, values, said


def _with_other_columns(frame: pd.DataFrame, path: Path, settings: dict) -> pd.DataFrame:
    """The frame with the columns of its file that the study does not name: they may tell rows apart."""
    sheet = settings.get("sheet")
    if not (time := settings["columns"].get("time")):
        return frame
    used = {*frame, *DESIGN_COLUMNS, "treated", *(one.get("column") for one in settings["outcomes"].values())}
    others = [name for name in read_panel(path, {time: "year"}, sheet=sheet).names if name and name not in used]
    try:
        cells = read_panel(path, {**dict.fromkeys(others, "code"), time: "year"}, sheet=sheet).frame
    except StudyError:
        return frame
    return frame.assign(**{name: cells[name].array for name in others}) if len(cells) == len(frame) else frame


def _read_toml(path: Path) -> dict:
    if not path.is_file():
        fault = "{file!r} in the folder {folder!r} is not there. Name the study.toml itself."
        if path.is_dir():
            fault = "{file!r} in the folder {folder!r} is a folder. Name the study.toml itself."
        raise StudyError(fault, file=path.name, folder=path.parent.name)
    return read_toml(path)


def _checked(path: Path, settings: dict) -> dict:
    """The study file's content, with every key known and every necessary one there."""
    _refuse_preferred(path.name, settings)
    _check_settings(path, "", settings, STUDY_KEYS, ["panel", "columns", "outcomes"])
    _check_settings(path, "columns", settings["columns"], [*DESIGN_COLUMNS, "treated"], ["unit"])
    settings["controls"] = [*map(str, settings.get("controls", []))]
    if settings.get("names", "codes") != "codes":
        fault = '{file} has names = {names!r}. Write names = "codes" to show units by number, or leave the line out.'
        raise StudyError(fault, file=path.name, names=settings["names"])
    fault = "{file} has the language {language!r}. Write one of: {languages}."
    _check_language(settings.setdefault("language", LANGUAGES[0]), fault, file=path.name)
    _check_settings(path, "outcomes", settings["outcomes"], settings["outcomes"], [])
    described = {"column", "where", *(f"definition_{language}" for language in LANGUAGES)}
    described |= {*(field.name for field in dataclasses.fields(Outcome) if field.name != "name")}
    for name, outcome in settings["outcomes"].items():
        _check_settings(path, f"outcomes.{name}", outcome, described, [])
    _check_when(path.name, settings)
    return settings


def _check_when(file: str, settings: Mapping[str, Any]) -> None:
    """The study says which year a row is of, and when treatment begins."""
    columns, outcomes = settings["columns"], settings["outcomes"]
    places = [settings["panel"], settings.get("sheet", ""), *(one.get("column", "") for one in outcomes.values())]
    if "time" not in columns and not any(YEAR in place for place in places):
        raise StudyError(
            "[columns] of {file} lacks time. Add what is missing. Where years stand in names, write {{year}} in their "
            'place: column = "{{year}}年收入", sheet = "{{year}}年" or panel = "{{year}}.xlsx".',
            file=file,
        )
    if not {"first_treated", "treated"} & {*columns}:
        raise StudyError(
            "[columns] of {file} lacks first_treated: a column of the panel, or of a membership file beside it "
            '(membership = "成员.xlsx"), with the first treated year; or one year for all units with a group, '
            "first_treated = 2022; or treated, a column of 0 and 1.",
            file=file,
        )


def _refuse_preferred(file: str, settings: dict) -> None:
    """An old section [preferred]: what it held goes to lines that every estimate follows."""
    if not isinstance(held := settings.get("preferred"), dict):
        return
    chosen = {choice: as_names(str(held.get(choice, NONE)).split(", ")) for choice in ("controls", "weights")}
    quoted = {choice: ", ".join(f'"{name}"' for name in names) for choice, names in chosen.items() if names}
    lines = [f"{choice} = {f'[{names}]' if choice == 'controls' else names}" for choice, names in quoted.items()]
    said = [Text("{lines} above the first section", lines=Listed(lines, " and "))] if lines else []
    outcome = next(iter(settings.get("outcomes", {})), "x")
    if "scale" in held:
        said.append(Text('scale = "{scale}" in [outcomes.{outcome}]', scale=held["scale"], outcome=outcome))
    write = Text("Write {lines}, and delete the section.", lines=Listed(said, ", and "))
    rest = [choice for choice in ("sample", "comparison") if choice in held]
    rows = Text(" Its {choices} are rows of the specification curve, not the headline.", choices=Listed(rest, " and "))
    raise StudyError(
        "{file} has a section [preferred], which nothing reads now: what is chosen beforehand is every estimate's. "
        "{write}{rows}",
        file=file,
        write=write if said else Text("Delete the section."),
        rows=rows if rest else "",
    )


def _check_language(language: str, fault: str, **values: str) -> None:
    if language not in LANGUAGES:
        raise StudyError(fault, language=language, languages=", ".join(LANGUAGES), **values)


def _check_settings(path: Path, section: str, settings: dict, known: Iterable[str], needed: Iterable[str]) -> None:
    where = Text("[{section}] of {file}", section=section, file=path.name) if section else path.name
    if not isinstance(settings, dict):
        fault = "{where} is not a section with keys of its own. Write [{section}], then its keys."
        raise StudyError(fault, where=where, section=section)
    for old in set(settings) & set(RENAMED) - set(known):
        (new, values), value = RENAMED[old], settings[old]
        line = f"{new} = {values.get(value, value)}"
        raise StudyError("{where}: {old} is called {new} now. Write: {line}", where=where, old=old, new=new, line=line)
    unknown, keys = sorted(set(settings) - set(known)), Listed(sorted(known))
    refuse(unknown, "unknown key", "{where} has {}", "Known keys: {keys}.", where=where, keys=keys)
    if lost := [key for key in needed if key not in settings]:
        raise StudyError("{where} lacks {keys}. Add what is missing.", where=where, keys=Listed(lost))
    for key in [key for key in settings if key not in SECTIONS and section != "outcomes"]:
        kind, words = KINDS.get(key, (str, "text in quotes"))
        if (section, key) == ("columns", "first_treated") and type(settings[key]) is int:
            continue
        several = (section, key) == ("columns", "unit") and isinstance(settings[key], list)
        found = settings[key] if several and settings[key] else [settings[key]]
        if not all(isinstance(one, kind) and isinstance(one, bool) == (kind is bool) for one in found):
            fault = "{where} has {key} = {value!r}. Write {words}."
            raise StudyError(fault, where=where, key=key, value=settings[key], words=Text(words))
