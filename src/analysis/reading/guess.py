"""Guess a study.toml from a file of a researcher's own: each line with its reason, what is not found as a blank."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from analysis.language.texts import first
from analysis.language.units import CONVERSIONS
from analysis.reading.grid import Grid
from analysis.reading.header import (
    YEAR,
    Header,
    as_unit,
    best_header,
    find_header,
    header_lines,
    unit_above,
    unit_of_column,
    years_in,
)
from analysis.reading.sheets import YEAR_IN_NAME, grids_of
from analysis.reading.vocabulary import MONEY_LIKE, ROLES, first_with, role_of

LABELS = {"收益": "surplus", "收入": "income", "户数": "households", "人口": "population", "支出": "spending"}
NUMBER, MOST_ROWS, MOST_OUTCOMES = r"[-+]?[\d,.]+%?", 500, 5
ONE_YEAR = r"(?:19|20)\d\d(?:\.0)?\s*年?"
BY_VALUES = {"time": "years that repeat", "unit": "one row of each in a year"}
NO_OUTCOME = r"(?i)序号|编号|排名|备注|no\.?|rank|.*(?:代码|编码|电话)"
MONEY_BLANKS = ['# definition = ""  # FILL IN: which money is counted']
MONEY_BLANKS += ['# prices = ""  # FILL IN: "nominal", or such as "constant 2022"']
BLANKS = {
    "unit": "the column of village codes, or of names; [town, name] where names repeat",
    "time": "the column of years",
    "first_treated": "the column of first treated years, or one year for all villages with a group, such as 2022",
    "group": "the column of districts: where treatment was decided",
    "stratum": "the column of towns (may stay away)",
}


def guess_study(file: Path, folder: Path) -> str:
    """The text of a study.toml, to stand in a folder, for a file as it is.

    Raises
    ------
    StudyError
        If the file cannot be read.
    """
    grids, kind = grids_of(file)
    grids = grids or [_as_grid(file, kind)]
    grid = max(grids, key=lambda one: _score(best_header(header_lines(one), _score)))
    header = best_header(header_lines(grid), _score)
    known = {one: "year" if role_of(one) == "time" else "code" for one in header.names if role_of(one)}
    header = find_header(file.name, grid, known) if known else header
    names = [next((one for one in answers if role_of(one)), answers[0]) for answers in header.answers]
    files = _years_beside(one.name for one in file.parent.iterdir() if one.suffix == file.suffix)
    files = {pattern: names for pattern, names in files.items() if file.name in names}
    sheets, beside = _years_beside(one.title for one in grids), _years_beside(names)
    panel = os.path.relpath(file.with_name(next(iter(files), file.name)), folder)
    language = "zh" if re.search("[\u3400-\u9fff]", "".join(names)) else "en"
    lines = [*HEAD, f'title = "{_title(grid, header)}"', f'language = "{language}"']
    lines.append(f'panel = "{Path(panel).as_posix()}"  # {_why(files, "files")}')
    lines += [f'sheet = "{next(iter(sheets))}"  # {_why(sheets, "sheets")}'] if sheets else []
    if len(grids) > 1 and not sheets:
        lines.append(f'sheet = "{grid.title}"  # of {first(one.title for one in grids)} the one with most known names')
    in_names = bool(sheets or files or beside)
    body = [row for row in grid.rows[header.first + header.lines :] if len(row) == len(names)]
    cells = {name: [row[at].strip() for row in body] for at, name in enumerate(names) if name}
    seen = _by_values(cells, in_names=in_names)
    lines += ["", "[columns]", *_columns(names, seen, in_names=in_names)]
    free = {name: column for name, column in cells.items() if name not in seen.values()}
    answers, above = dict(zip(names, header.answers, strict=True)), unit_above(grid, header)
    indicator = first_with("indicator", names)
    lines += _of_indicators(cells, indicator) if indicator else _outcomes(free, answers, above, patterns=bool(beside))
    return "\n".join(_numbered([*lines, ""]))


HEAD = [
    "# Guessed from the file, which was only read. What stands behind # says why; correct what is wrong.",
    "# Fill in the lines marked FILL IN, and delete their leading #.",
    "# 由数据文件推断而成；# 之后是理由，请核对。标有 FILL IN 的行须填写并去掉行首的 #。",
]


def _as_grid(file: Path, kind: str) -> Grid:
    """The first rows of a file of columns as a sheet."""
    readers = {".parquet": pd.read_parquet, ".sav": pd.read_spss}
    frame = readers.get(kind, partial(pd.read_stata, convert_categoricals=False))(file).head(MOST_ROWS)
    return Grid("", [list(frame), *frame.astype("str").fillna("").to_numpy().tolist()])


def _score(header: Header) -> int:
    """How many known names, or names with a year, the first line of a header has."""
    firsts = {answers[1] for answers in header.answers if len(answers) > 1}
    return sum(bool(role_of(one) or re.search(YEAR_IN_NAME, one)) for one in firsts)


def _pattern(name: str) -> str:
    return re.sub(YEAR_IN_NAME, YEAR, name, count=1)


def _years_beside(names: Iterable[str]) -> dict[str, list[str]]:
    """Patterns with {year} that fit several names, and these."""
    names = list(names)
    number = Counter(_pattern(name) for name in names if re.search(YEAR_IN_NAME, name))
    return {pattern: [*years_in(names, pattern).values()] for pattern, many in number.items() if many > 1}


def _why(found: dict[str, list[str]], what: str) -> str:
    return f"a year each: {what} {first(next(iter(found.values())))}" if found else "your file"


def _title(grid: Grid | None, header: Header) -> str:
    above = [[*filter(None, row)] for row in (grid.rows[: header.first] if grid else [])]
    return next((row[0].strip() for row in above if len(row) == 1 and "单位" not in row[0]), "").replace('"', "'")


def _without_role(cells: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The columns whose names say nothing of the design."""
    return {name: column for name, column in cells.items() if not (role_of(name) or re.fullmatch(NO_OUTCOME, name))}


def _by_values(cells: Mapping[str, list[str]], *, in_names: bool) -> dict[str, str]:
    """Year and unit where no usual name has them: a column of years that repeat, one that names each row of a year."""
    free = _without_role(cells)
    years = (name for name, column in free.items() if all(re.fullmatch(ONE_YEAR, cell) for cell in column))
    found, time = dict[str, str](), first_with("time", cells)
    if not time and not in_names and (time := next((name for name in years if _repeats(free[name])), "")):
        found["time"] = time
    if time and not first_with("code", cells) and not first_with("name", cells):
        year = cells[time]
        one_row = (name for name in free if name != time and len({*zip(free[name], year, strict=True)}) == len(year))
        if unit := next((name for name in one_row if _repeats(free[name]) and all(free[name])), ""):
            found["unit"] = unit
    return found


def _repeats(cells: list[str]) -> bool:
    """Whether a column holds several values, each of them more than once."""
    return len({*cells}) > 1 and min(Counter(cells).values()) > 1


def _columns(names: list[str], seen: dict[str, str], *, in_names: bool) -> list[str]:
    """The design's columns, by their names, or else by their values."""
    found = {role: first_with(role, names) for role in ROLES}
    town = found["stratum"]
    unit = found["code"] or (f'["{town}", "{found["name"]}"]' if town and found["name"] else found["name"])
    given = {"unit": unit, "time": found["time"], "first_treated": found["first_treated"]}
    given |= {"group": found["group"], "stratum": town}
    lines = []
    for key, name in given.items():
        quoted = name if name.startswith("[") else f'"{name}"'
        if key in seen:
            lines.append(f'{key} = "{seen[key]}"  # by its values: {BY_VALUES[key]}')
        elif name:
            lines.append(f"{key} = {quoted}  # a usual name of {BLANKS[key].split(',')[0].split(' (')[0]}")
        elif key == "first_treated" and found["treated"]:
            lines.append(f'treated = "{found["treated"]}"  # a usual name of a column of 0 and 1')
        elif key != "time" or not in_names:
            lines.append(f'# {key} = ""  # FILL IN: {BLANKS[key]}')
    return lines


def _of_indicators(cells: Mapping[str, list[str]], indicator: str) -> list[str]:
    """A section for each indicator with numbers that a column names."""
    value = first_with("value", cells)
    pairs = zip(cells[indicator], cells[value], strict=True)
    numeric = [*dict.fromkeys(one for one, cell in pairs if re.fullmatch(NUMBER, cell))][:MOST_OUTCOMES]
    wheres = {one: f'where = {{ "{indicator}" = "{one}" }}' for one in numeric}
    return [line for one, where in wheres.items() for line in _outcome(value, [one] * 2, ("", 0), where)]


def _outcomes(
    cells: Mapping[str, list[str]], answers: Mapping[str, list[str]], above: tuple[str, int], *, patterns: bool
) -> list[str]:
    """A section for each column of numbers without a role, money first."""
    kept: dict[str, list[str]] = {}
    for name, column in _without_role(cells).items():
        filled = [cell for cell in column if cell]
        if 2 * sum(bool(re.fullmatch(NUMBER, cell)) for cell in filled) > len(filled):
            kept.setdefault(_pattern(name) if patterns else name, answers[name])
    ordered = sorted(kept, key=lambda name: not re.search(MONEY_LIKE, name))
    return [line for name in ordered for line in _outcome(name, kept[name], above)]


def _outcome(column: str, answers: list[str], above: tuple[str, int], where: str = "") -> list[str]:
    """The section of one outcome; its key is numbered afterwards."""
    named = answers[0]
    key = next((label for part, label in LABELS.items() if part in named), "outcome")
    own, (line, row) = unit_of_column(answers), above
    counted = next((unit for unit in ("户", "人") if unit in CONVERSIONS and re.search(f"{unit}(?:数|口)", named)), "")
    unit, why = (own, "in the column's name") if own else (counted, "by the column's name")
    if not unit and as_unit(line) and re.search(MONEY_LIKE, named):
        unit, why = line, f"单位：{line} in row {row}"
    label = re.sub(r"[（(].*[)）]$|^\{year\}年?", "", named if where else column).strip() or column
    lines = ["", f"[outcomes.{key}]", f'column = "{column}"', *([where] if where else []), f'label_zh = "{label}"']
    lines.append(f'unit = "{unit}"  # {why}' if unit else '# unit = ""  # FILL IN: 元, 万元, 户, 人, 亩, % or the like')
    return lines + (MONEY_BLANKS if re.search(MONEY_LIKE, named) else [])


def _numbered(lines: list[str]) -> list[str]:
    """Sections of one name with a number behind, from the second on."""
    seen: Counter[str] = Counter()
    numbered = []
    for line in lines:
        seen[line] += line.startswith("[outcomes.")
        numbered.append(line if seen[line] < 2 else f"{line[:-1]}_{seen[line]}]")
    return numbered


def write_guess(file: Path) -> Path:
    """Write the guess into FILE-study/study.toml in the working folder; the file itself is only read.

    Raises
    ------
    FileExistsError
        If that study.toml is there already.
    StudyError
        If the file cannot be read.
    """
    target = Path(f"{file.stem}-study") / "study.toml"
    if target.exists():
        raise FileExistsError(f"{target} is there already. Delete or rename it; nothing was written.")
    text = guess_study(file.resolve(), target.parent.resolve())
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8", newline="\n")
    return target
