"""Read a table kept as text: CSV in the encodings of Chinese programs, and the HTML that offices call .xls."""

import csv
import io
import re
from pathlib import Path
from typing import Any

from analysis.language.texts import Text
from analysis.messages import StudyError
from analysis.reading.grid import Area, Grid
from analysis.reading.kind_of_file import opening

# A file read as text takes some ten times its size in memory.
LARGEST_CSV = 300_000_000
ENCODINGS = (("utf-8-sig", ""), ("gb18030", " (GB18030)"))
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read_csv(path: Path) -> list[Grid]:
    """The rows of a file with commas, or with tabs as Excel's Unicode text has them.

    Raises
    ------
    StudyError
        If the encoding or the quotation marks cannot be read.
    """
    if (size := path.stat().st_size) > LARGEST_CSV:
        fault = "{file} is too large to be read as text ({size:,} MB). Save it as Parquet."
        raise StudyError(fault, file=path.name, size=size // 1_000_000)
    text, note = _decoded(path)
    tabs = "\t" in text.split("\n", 1)[0] and "," not in text.split("\n", 1)[0]
    with opening(path.name, "{file} cannot be read as CSV: {reason}. Check its quotation marks."):
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True, delimiter="\t" if tabs else ","))
    return [Grid("", rows, note=Text("{note} (columns separated by tabs)", note=note) if tabs else note)]


def _decoded(path: Path) -> tuple[str, str]:
    """Text in UTF-8, GB18030 or UTF-16; UTF-8 with a broken place is not taken for GB18030."""
    raw = path.read_bytes()
    if raw.startswith(UTF_16):
        return raw.decode("utf-16"), " (UTF-16)"
    if b"\0" in raw:
        raise StudyError("{file} is no text. Save it as CSV UTF-8.", file=path.name)
    for encoding, note in ENCODINGS:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not note or not _mostly_utf8(raw[:100_000]):
            return text, note
    fault = "{file} is neither in UTF-8 nor in GB18030 throughout. In its program, save it as CSV UTF-8."
    raise StudyError(fault, file=path.name)


def _mostly_utf8(raw: bytes) -> bool:
    text = raw.decode("utf-8", errors="replace")
    return 10 * text.count("\ufffd") < sum(character > "\u07ff" for character in text)


def read_html(path: Path) -> list[Grid]:
    """The tables of a web page, as web sites export under the name of a workbook."""
    from lxml import html

    text, note = _decoded(path)
    page = html.document_fromstring(text.encode(), html.HTMLParser(encoding="utf-8", huge_tree=True))
    tables = enumerate(map(_table, page.iter("table")), 1)
    return [Grid(f"table {at}", rows, merged=tuple(areas), note=note) for at, (rows, areas) in tables if rows]


def _table(table: Any) -> tuple[list[list[str]], list[Area]]:
    """Rows and merged cells of a table."""
    rows: list[list[str]] = []
    areas: list[Area] = []
    for at, line in enumerate(table.iter("tr")):
        cells: list[str] = []
        for cell in line.iterchildren("td", "th"):
            while any(top < at <= bottom and left <= len(cells) <= right for top, left, bottom, right in areas):
                cells.append("")
            down, right = (int(re.sub("[^0-9]", "", cell.get(key, "")) or 1) for key in ("rowspan", "colspan"))
            if down > 1 or right > 1:
                areas.append((at, len(cells), at + down - 1, len(cells) + right - 1))
            for line_break in cell.iter("br"):
                line_break.tail = f"\n{line_break.tail or ''}"
            cells += [cell.text_content().strip(), *[""] * (right - 1)]
        rows.append(cells)
    return rows, areas
