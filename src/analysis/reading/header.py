"""Where a table's column names stand, and what is refused where they do not stand in the first row."""

import re
from collections.abc import Collection

from analysis.language.characters import SPACES
from analysis.messages import StudyError, count, first, refuse

SEPARATORS = {";": "semicolons", "\t": "tabs", "，": "full-width commas", "|": "bars"}
HEADER_SEARCH = 10


def column_names(row: list) -> list[str]:
    """Column names without line breaks and the spaces around them."""
    return ["".join(part.strip() for part in str(name).translate(SPACES).splitlines()) for name in row]


def column_places(file: str, top: list[list], wanted: Collection[str]) -> list[int]:
    """Where the first column (totals are marked there) and the wanted ones stand, once the header is a header."""
    names = [column_names(row) for row in top[:HEADER_SEARCH]]
    header = names[0]
    if len(header) == 1 and (found := [name for mark, name in SEPARATORS.items() if mark in header[0]]):
        raise StudyError(f"{file} separates its columns by {found[0]}. Save it as CSV with commas, or as .xlsx.")
    _refuse_rows_above(file, names, wanted)
    twice = [name for name in wanted if header.count(name) > 1]
    refuse(twice, "column name", f"{file} has {{}} twice", "Rename one of each.")
    places = [header.index(name) for name in wanted if name in header]
    second = names[1] if len(names) > 1 else []
    if any(second) and places and not second[places[0]] and not re.search(r"\d", "".join(second)):
        raise StudyError(f"{file} has a second header row. Keep one row of names, with data from row 2 on.")
    return sorted({0, *places})


def _refuse_rows_above(file: str, names: list[list[str]], wanted: Collection[str]) -> None:
    """Nothing stands above the row with most of the wanted names, or, where none has any, the first full row."""
    found = [len(set(wanted) & set(row)) for row in names]
    if row := found.index(max(found)):
        raise StudyError(f"{file} has its column names in row {row + 1}. Delete the {count(row, 'row')} above them.")
    filled = [sum(map(bool, row)) for row in names]
    row = next(at for at, number in enumerate(filled) if 2 * number >= max(filled))
    if row and not max(found):
        raise StudyError(
            f"{file} has none of the columns asked for ({first(wanted)}). Its column names seem to stand in row "
            f"{row + 1}: {', '.join(filter(None, names[row]))}. Delete the {count(row, 'row')} above them, and write "
            "these names in the study file."
        )
