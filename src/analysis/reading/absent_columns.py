"""The columns that a study needs are there and filled in; of one that is not there, what may be meant."""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from analysis.language.texts import Listed, Text, first
from analysis.messages import StudyError, refuse
from analysis.reading.header import YEAR, years_in
from analysis.reading.read_panel import Columns
from analysis.reading.sheets import YEAR_IN_NAME


def require(file: str, columns: Columns, names: Mapping[str, str]) -> None:
    """Every column is there, and every unit, year and stratum filled in."""
    for name, role in names.items():
        found = years_in(columns.frame.columns, name) if YEAR in name else name in columns.frame
        if not found:
            shown, hint = Listed(filter(None, columns.names)), _hint(columns, name, role)
            fault = "{file} has no column {name!r} (for {role}). It has: {shown}.{hint}"
            raise StudyError(fault, file=file, name=name, role=Text(role), shown=shown, hint=hint)
        empty = columns.frame.index[columns.frame[name].isna()] if role in ("unit", "time", "stratum") else []
        remedy = "Fill it in on every row, also where cells were merged; delete notes below the table."
        rows = [Text("row {row}", row=row) for row in empty]
        refuse(rows, "row", "{file}: {name!r} is empty", remedy, file=file, name=name)


def _hint(columns: Columns, name: str, role: str) -> str:
    """What may be meant by a column that is not there, and what to write."""
    alike = get_close_matches(name, columns.names, n=1, cutoff=0.7) or [
        one for one in columns.names if name in one or (one and one in name)
    ]
    years = [one for one in columns.names if re.search(YEAR_IN_NAME, one)]
    patterns = {re.sub(YEAR_IN_NAME, YEAR, one, count=1): one for one in reversed(years)}
    if role == "first_treated":
        return Text(
            " First treated years are a column of the panel, or of a membership file beside it (membership = "
            '"成员.xlsx"), or one year for all units with a group: first_treated = 2022, without quotes.'
        )
    if (role == "time" or YEAR in name) and patterns:
        return Text(
            ' Years stand beside each other ({years}): leave time out, and write column = "{pattern}" in the section '
            "of the outcome.",
            years=first(years),
            pattern=[*patterns][-1],
        )
    return Text(" Did you mean {name!r}?", name=alike[0]) if alike else ""
