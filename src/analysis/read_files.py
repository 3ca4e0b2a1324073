"""Read files: a study as its ``study.toml`` describes it, and the project's tables as ``datapackage.json`` does."""

from __future__ import annotations

import dataclasses
import json
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from analysis.messages import StudyError, count, first
from analysis.panel_checks import DESIGN_COLUMNS
from analysis.study import Outcome, Study

DATA = Path(__file__).resolve().parents[2] / "data"
"""The project's data folder, beside ``src``."""


STUDY_KEYS = {"title", "language", "panel", "membership", "provenance", "pseudo_groups", "columns", "outcomes"}


def load_study(path: str | Path | None = None) -> Study:
    """Read a study from its ``study.toml``: the panel it names, the design, the outcomes.

    Use it to begin any analysis. Paths inside the file are relative to the file's folder.

    Parameters
    ----------
    path
        A ``study.toml``. Default: the file named by the environment variable ``STUDY``, else the
        project's own study, whose panel is simulated.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        If a file, key or column is absent, or the panel or its design is wrong.

    Examples
    --------
    >>> study = load_study()
    >>> study.provenance, study.primary_outcome
    ('simulated', 'collective_income_cny')
    """
    path = Path(path or os.environ.get("STUDY") or DATA / "study.toml").resolve()
    if not path.is_file():
        raise StudyError(f"There is no study file {path.name!r} in the folder {path.parent.name!r}. Check its path.")
    settings = _read_settings(path)
    outcomes, renamed = {}, {}
    for name, described in settings["outcomes"].items():
        renamed[described.pop("column", name)] = name
        outcomes[name] = Outcome(name, **described)
    return Study.from_frame(
        _read_panel(path.parent, settings).rename(columns=renamed),
        **settings["columns"],
        outcomes=outcomes,
        pseudo_groups=settings.get("pseudo_groups"),
        provenance=settings.get("provenance", "yours"),
        title=settings.get("title", ""),
    )


def _read_settings(path: Path) -> dict:
    """The study file's content, with every key known and every necessary one there."""
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise StudyError(f"{path.name} is not valid TOML in UTF-8: {error}. Correct that place.") from error
    _check_settings(path, "", settings, STUDY_KEYS, ["panel", "columns", "outcomes"])
    _check_settings(path, "columns", settings["columns"], DESIGN_COLUMNS, ["unit", "time", "first_treated"])
    _check_settings(path, "outcomes", settings["outcomes"], settings["outcomes"], [])
    described = {"column", *(field.name for field in dataclasses.fields(Outcome) if field.name != "name")}
    for name, outcome in settings["outcomes"].items():
        _check_settings(path, f"outcomes.{name}", outcome, described, [])
    return settings


def _check_settings(path: Path, section: str, settings: dict, known: Iterable[str], needed: Iterable[str]) -> None:
    where = f"[{section}] of {path.name}" if section else path.name
    if not isinstance(settings, dict):
        raise StudyError(f"{where} is not a section with keys of its own. Write [{section}], then its keys.")
    if unknown := sorted(set(settings) - set(known)):
        raise StudyError(
            f"{where} has {count(len(unknown), 'unknown key')}: {first(unknown)}. "
            f"Known keys: {', '.join(sorted(known))}."
        )
    if lost := [key for key in needed if key not in settings]:
        raise StudyError(f"{where} lacks {', '.join(lost)}. Add what is missing.")


def _read_panel(folder: Path, settings: dict) -> pd.DataFrame:
    """The panel, with the membership file's columns joined by unit where one is named."""
    columns = settings["columns"]
    codes = {columns[key]: "str" for key in ("unit", "group", "stratum") if key in columns}
    panel = _read_csv(folder / settings["panel"], codes)
    if "membership" not in settings:
        return panel
    members = _read_csv(folder / settings["membership"], codes)
    unit, file = columns["unit"], settings["membership"]
    for name, table in ((settings["panel"], panel), (file, members)):
        if unit not in table:
            raise StudyError(f"{name} has no column {unit!r} (for unit). It has: {', '.join(table)}.")
    if unknown := sorted(set(members[unit].dropna()) - set(panel[unit])):
        raise StudyError(
            f"{file} names {count(len(unknown), 'unit')} that the panel does not have: "
            f"{first(unknown)}. Correct the codes."
        )
    if (twice := members[unit].duplicated()).any():
        raise StudyError(
            f"{file} repeats a unit in {count(int(twice.sum()), 'row')}: {first(members.loc[twice, unit])}. "
            "Keep one row per unit."
        )
    joined = [columns[key] for key in ("group", "first_treated", "stratum") if columns.get(key) in members]
    if both := [name for name in joined if name in panel]:
        raise StudyError(
            f"{count(len(both), 'column')} in {settings['panel']} and in {file} alike: {first(both)}. "
            "Keep each in one of the two."
        )
    return panel.merge(members[[unit, *joined]], on=unit, how="left")


def _read_csv(path: Path, dtypes: dict[str, str]) -> pd.DataFrame:
    if not path.is_file():
        raise StudyError(f"There is no file {path.name!r} beside the study file. Check the name in it.")
    try:
        return pd.read_csv(path, dtype=dtypes, encoding="utf-8-sig")
    except ValueError as error:
        raise StudyError(
            f"{path.name} cannot be read as a CSV file in UTF-8: {str(error).strip()}. Save it again as CSV UTF-8."
        ) from error


def read_table(name: str, folder: Path = DATA) -> pd.DataFrame:
    """Read one table of the data package with the column types its schema declares.

    Use it for every CSV file under ``data/``: codes stay strings, missing stays missing.

    Parameters
    ----------
    name
        Name of a resource in ``datapackage.json``, such as ``"villages"``.
    folder
        Folder that holds ``datapackage.json``.

    Returns
    -------
    pandas.DataFrame
        One column per schema field: ``string`` is str, ``number`` float64, ``integer`` int64 where
        the schema requires a value and nullable Int64 where it does not.

    Raises
    ------
    KeyError
        If the data package has no resource of that name.
    ValueError
        If the file's columns are not those of the schema, or a value does not fit its column's type.

    Examples
    --------
    >>> read_table("villages").shape
    (289, 8)
    """
    resource = _resource(name, folder)
    fields = resource["schema"]["fields"]
    path = folder / resource["path"]
    _check_columns(path, expected=[field["name"] for field in fields])
    dtypes = {field["name"]: _dtype(field) for field in fields}
    try:
        return pd.read_csv(path, dtype=dtypes, encoding="utf-8", keep_default_na=False, na_values=[""])
    except ValueError as error:
        raise ValueError(
            f"{resource['path']}: a value does not fit its column's type ({error}). "
            f"Correct the value, or the type in datapackage.json."
        ) from error


def describe_table(name: str, folder: Path = DATA) -> pd.DataFrame:
    """Return the codebook of one table: its columns, types, units, rules and meaning.

    Examples
    --------
    >>> describe_table("simulated_true_effects")["column"].tolist()
    ['village_code', 'year', 'effect_log_points', 'spillover_log_points']
    """
    fields = _resource(name, folder)["schema"]["fields"]
    return pd.DataFrame(
        {
            "column": [field["name"] for field in fields],
            "type": [field["type"] for field in fields],
            "unit": [field.get("unit", "") for field in fields],
            "rules": [_rules(field.get("constraints", {})) for field in fields],
            "meaning": [field["description"] for field in fields],
        }
    )


def _resource(name: str, folder: Path) -> dict:
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    resources = {resource["name"]: resource for resource in package["resources"]}
    if name not in resources:
        raise KeyError(f"No table {name!r} in datapackage.json. Use one of: {', '.join(resources)}.")
    return resources[name]


def _check_columns(path: Path, expected: list[str]) -> None:
    found = pd.read_csv(path, nrows=0, encoding="utf-8").columns.tolist()
    if found != expected:
        missing = [column for column in expected if column not in found]
        unknown = [column for column in found if column not in expected]
        raise ValueError(
            f"{path.name}: the columns are not those of datapackage.json: {len(missing)} missing {missing[:3]}, "
            f"{len(unknown)} unknown {unknown[:3]}{'' if missing or unknown else ', in another order'}. "
            f"Rename or reorder the file's columns to {', '.join(expected)}."
        )


def _dtype(field: dict) -> str:
    if field["type"] == "integer":
        return "int64" if field.get("constraints", {}).get("required") else "Int64"
    return {"string": "str", "number": "float64"}[field["type"]]


def _rules(constraints: dict) -> str:
    shown = {"required": "required", "unique": "unique"}
    return "; ".join(shown.get(rule, f"{rule} {_listed(value)}") for rule, value in constraints.items())


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else f"`{value}`"
