"""Read a panel from the files people keep (CSV, Excel, Parquet, Stata); what would have to be guessed is refused."""

import csv
import io
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from analysis.messages import StudyError, count, refuse
from analysis.reading.clean_cells import clean_codes, clean_numbers, clean_starts, clean_years
from analysis.reading.header import column_names, column_places
from analysis.reading.read_stata import read_stata
from analysis.reading.read_workbook import UNREADABLE, read_workbook

FORMATS = (".csv", ".xlsx", ".parquet", ".dta")
NUMBERS = ("number", "percentage")
STATISTICS = (".sav", ".por", ".sas7bdat", ".rds", ".rdata", ".rda")
Cleaner = Callable[[pd.Series, str], tuple[pd.Series, list[str]]]
# A file read as text takes some ten times its size in memory.
LARGEST_CSV = 300_000_000
TOTAL = (
    r"(?i).{0,12}(?:合计|总计|小计|共计|总和|平均|均值)[值数]?(?:[:：(（].*)?|其中[:：].*|全[省市县区乡镇街道]+"
    r"|(?:grand|sub)?total|sum|mean|average"
)
"""Cells, without their spaces, that mark a row which is no village's: a sum, a mean, a part of one."""


@dataclass(frozen=True)
class Columns:
    """The columns asked for, indexed by the file's row numbers; the names of all; what was read and changed."""

    frame: pd.DataFrame
    names: list[str]
    notes: list[str]


def read_panel(path: Path, kinds: Mapping[str, str], *, never: Collection = (), sheet: str | None = None) -> Columns:
    """Read the named columns of a file, cleaned; a column the file lacks is left out.

    Use it for any table with a header row; `load_study` does so for the panel and the membership.

    Parameters
    ----------
    path : Path
        A .csv (UTF-8 or GB18030), .xlsx, .parquet or .dta file. Nothing in it is executed.
    kinds : mapping of str to str
        The columns, and what each holds: "code" (kept as text), "year", "start" (a first treated year), "number", or
        "percentage" (a number of which 35% is 35, else 0.35).
    never : collection, optional
        Values that stand for never treated among first treated years.
    sheet : str, optional
        Sheet of a workbook; needed where several hold data.

    Raises
    ------
    StudyError
        If the file cannot be read as it stands; the message says where and what to do.

    Examples
    --------
    >>> from analysis.reading.read_files import DATA
    >>> read_panel(DATA / "membership.csv", {"village_code": "code"}).frame.iloc[0, 0]
    '410883101215'
    """
    _check_file(path)
    cleaners: dict[str, Cleaner] = {"code": clean_codes, "year": clean_years, "number": clean_numbers}
    cleaners |= {"start": partial(clean_starts, never=never), "percentage": partial(clean_numbers, percent=True)}
    read = {".parquet": _read_parquet, ".dta": read_stata}.get(path.suffix.lower(), partial(_read_rows, sheet=sheet))
    columns, frame, note = read(path, kinds)
    blank = (frame.isna() | frame.eq("")).all(axis="columns")
    frame = frame[~blank]
    if frame.empty:
        raise StudyError(f"{path.name} has a header but no rows of data. Check that it is the file and sheet meant.")
    _check_totals(path.name, frame[[name for name in frame if kinds.get(name) not in NUMBERS]])
    notes = [f"{count(len(frame), 'row')} read{note}."]
    notes += [f"{count(sum(blank), 'blank row')} left out."] if any(blank) else []
    clean = {}
    for name in [name for name in kinds if name in frame]:
        clean[name], said = _clean_each_once(cleaners[kinds[name]], frame[name], repr(name))
        notes += said
    return Columns(pd.DataFrame(clean, index=frame.index), columns, [f"{path.name}: {note}" for note in notes])


def _clean_each_once(clean: Cleaner, cells: pd.Series, label: str) -> tuple[pd.Series, list[str]]:
    """Clean distinct cells, many times fewer than rows; but every row if there is one to count or to name."""
    codes, distinct = pd.factorize(cells, use_na_sentinel=False)
    try:
        cleaned, said = clean(pd.Series(distinct), label)
    except StudyError:
        said = [f"{label} is refused."]
    return clean(cells, label) if said else (pd.Series(cleaned.array.take(codes), cells.index), [])


def _check_file(path: Path) -> None:
    """The file is there, of a kind that can be read, not empty, and not open in a spreadsheet program."""
    if path.suffix.lower() not in FORMATS:
        program = "Save it as .csv (UTF-8) or .dta in the program that wrote it."
        remedy = program if path.suffix.lower() in STATISTICS else "Open it in Excel or WPS and save it as .xlsx."
        raise StudyError(f"{path.name} is not {' or '.join(FORMATS)}. {remedy}")
    if not path.is_file():
        raise StudyError(f"There is no file {path.name!r} beside the study file. Check the name in it.")
    for lock in (f"~${path.name}", f".~{path.name}", f".~lock.{path.name}#"):
        if (path.parent / lock).exists():
            raise StudyError(f"{path.name} is open elsewhere ({lock}). Save and close it there, or delete that file.")
    if not (size := path.stat().st_size):
        raise StudyError(f"{path.name} is empty. Check that it was saved, and that it is the file meant.")
    if path.suffix.lower() == ".csv" and size > LARGEST_CSV:
        raise StudyError(f"{path.name} is too large to be read as text ({size // 1_000_000:,} MB). Save it as Parquet.")
    try:
        path.open("rb").close()
    except OSError as error:
        reason = f"{path.name} may not be read ({error.strerror})"
        raise StudyError(f"{reason}. Close it in other programs, or ask for the right to read it.") from error


def _read_parquet(path: Path, wanted: Collection[str]) -> tuple[list[str], pd.DataFrame, str]:
    from pyarrow import ArrowException, parquet

    try:
        header = parquet.read_schema(path).names
        kept = [header[place] for place in column_places(path.name, [header], wanted)]
        frame = parquet.read_table(path, columns=kept).to_pandas(ignore_metadata=True)
    except (ArrowException, OSError) as error:
        raise StudyError(f"{path.name} cannot be read as Parquet: {str(error).strip('. ')}. Write it again.") from error
    frame.index += 1
    return header, frame, ""


def _read_rows(path: Path, wanted: Mapping[str, str], *, sheet: str | None) -> tuple[list[str], pd.DataFrame, str]:
    shown = [name for name, kind in wanted.items() if kind not in NUMBERS]
    rows, note = read_workbook(path, shown, sheet) if path.suffix.lower() == ".xlsx" else _read_csv(path)
    places = column_places(path.name, rows, wanted)
    header = column_names(rows[0])
    odd = [f"row {at} ({len(row)} cells)" for at, row in enumerate(rows, 1) if len(row) not in (0, len(header))]
    remedy = 'Put a cell that holds a comma in double quotes, as in "1,200".'
    refuse(odd, "row", f"{path.name} has {len(header)} columns, but not so many cells", remedy)
    body = [[row[place] if row else "" for place in places] for row in rows[1:]]
    for mark, (fault, remedy) in UNREADABLE.items():
        lost = [text[1:] for row in body for text in row if str(text).startswith(mark)]
        refuse(lost, "cell", f"{path.name} has {{}} {fault}", remedy)
    return header, pd.DataFrame(body, range(2, len(rows) + 1), [header[at] for at in places]), note


def _read_csv(path: Path) -> tuple[list[list[str]], str]:
    """Rows of a file in UTF-8 or GB18030; UTF-8 with a broken place is not taken for GB18030."""
    raw = path.read_bytes()
    if b"\0" in raw:
        raise StudyError(f"{path.name} is in UTF-16 (“Unicode text” in Excel) or no text. Save it as CSV UTF-8.")
    for encoding, note in (("utf-8-sig", ""), ("gb18030", " (GB18030)")):
        try:
            rows = list(csv.reader(io.StringIO(raw.decode(encoding), newline=""), strict=True))
        except csv.Error as error:
            raise StudyError(f"{path.name} cannot be read as CSV: {error}. Check its quotation marks.") from error
        except UnicodeDecodeError:
            continue
        if not note or not _mostly_utf8(raw[:100_000]):
            return rows, note
    fault = f"{path.name} is neither in UTF-8 nor in GB18030 throughout."
    raise StudyError(f"{fault} In its program, save it as CSV UTF-8.")


def _mostly_utf8(raw: bytes) -> bool:
    text = raw.decode("utf-8", errors="replace")
    return 10 * text.count("\ufffd") < sum(character > "\u07ff" for character in text)


def _check_totals(file: str, frame: pd.DataFrame) -> None:
    """No row holds a sum of other rows."""
    places: dict[int, str] = {}
    for _, column in frame.select_dtypes(exclude="number").astype("str").items():
        marks = [cell for cell in column.dropna().unique() if re.fullmatch(TOTAL, "".join(cell.split()))]
        places |= column[column.isin(marks)].to_dict()
    found = [f"row {row} ({places[row]})" for row in sorted(places)]
    refuse(found, "row", f"{file} has {{}} of totals or means", "Delete these rows.")
