"""Read a table kept as text: CSV in the encodings of Chinese programs, and the HTML that offices call .xls."""

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

from analysis.language.texts import Text
from analysis.messages import StudyError
from analysis.reading.grid import Area, Grid

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
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True, delimiter="\t" if tabs else ","))
    except csv.Error as error:
        fault = "{file} cannot be read as CSV: {reason}. Check its quotation marks."
        raise StudyError(fault, file=path.name, reason=str(error)) from error
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
    tables, (text, note) = _Tables(), _decoded(path)
    tables.feed(text)
    found = enumerate(tables.found, 1)
    return [Grid(f"table {at}", rows, merged=tuple(areas), note=note) for at, (rows, areas) in found if rows]


class _Tables(HTMLParser):
    """Rows and merged cells of each table."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[list[list[str]], list[Area]]] = []
        self.cell: list[str] | None = None
        self.span = (1, 1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.found.append(([], []))
        elif tag == "tr" and self.found:
            self.found[-1][0].append([])
        elif tag in ("td", "th") and self.found and self.found[-1][0]:
            given = dict(attrs)
            down, right = (int(re.sub("[^0-9]", "", given.get(key) or "") or 1) for key in ("rowspan", "colspan"))
            self.cell, self.span = [], (down, right)
        elif tag == "br" and self.cell is not None:
            self.cell.append("\n")

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("td", "th") or self.cell is None:
            return
        rows, areas = self.found[-1]
        at, (down, right) = len(rows) - 1, self.span
        covered = {column for top, left, bottom, end in areas if top < at <= bottom for column in range(left, end + 1)}
        while len(rows[at]) in covered:
            rows[at].append("")
        if down > 1 or right > 1:
            areas.append((at, len(rows[at]), at + down - 1, len(rows[at]) + right - 1))
        rows[at] += ["".join(self.cell).strip(), *[""] * (right - 1)]
        self.cell = None
