"""Read the project's own tables as ``datapackage.json`` describes them."""

import json
from pathlib import Path

import pandas as pd

DATA = Path(__file__).resolve().parents[3] / "data"
"""The project's data folder, beside ``src``."""


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
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    resources = {resource["name"]: resource for resource in package["resources"]}
    if name not in resources:
        raise KeyError(f"No table {name!r} in datapackage.json. Use one of: {', '.join(resources)}.")
    fields, path = resources[name]["schema"]["fields"], folder / resources[name]["path"]
    dtypes = {field["name"]: _dtype(field) for field in fields}
    found = pd.read_csv(path, nrows=0, encoding="utf-8").columns
    if list(found) != list(dtypes):
        right = f"datapackage.json: {', '.join(dtypes)}. Rename or reorder them."
        raise ValueError(f"{path.name} has the columns {', '.join(found)}, not those of {right}")
    try:
        return pd.read_csv(path, dtype=dtypes, encoding="utf-8", keep_default_na=False, na_values=[""])
    except ValueError as error:
        fault = f"{path.name}: a value does not fit its column's type ({error})"
        raise ValueError(f"{fault}. Correct the value, or the type in datapackage.json.") from error


def _dtype(field: dict) -> str:
    if field["type"] == "integer":
        return "int64" if field.get("constraints", {}).get("required") else "Int64"
    return {"string": "str", "number": "float64"}[field["type"]]
