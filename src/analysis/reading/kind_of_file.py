"""What a file is by its content, whatever it is called: an .xls that is HTML, a .csv that is a workbook."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.language.texts import Listed, Text
from analysis.messages import StudyError

FORMATS = (".csv", ".xlsx", ".xls", ".ods", ".parquet", ".dta", ".sav")
ENDINGS = {".txt": ".csv", ".tsv": ".csv", ".xlsm": ".xlsx", ".et": ".xls", ".htm": ".html"}
STATISTICS = (".por", ".sas7bdat", ".rds", ".rdata", ".rda")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WITHIN = {"xl/workbook.bin": ".xlsb", "xl/workbook.xml": ".xlsx", "content.xml": ".ods"}
RESAVE = "Open it in Excel or WPS and save it as .xlsx."


@contextmanager
def opening(file: str, fault: str) -> Iterator[None]:
    """Whatever goes wrong within is said by one sentence, with its reason; a refusal stays as it is.

    Examples
    --------
    >>> with opening("a.csv", "{file} cannot be read: {reason}."):
    ...     int("x1")
    Traceback (most recent call last):
    analysis.messages.StudyError: a.csv cannot be read: invalid literal for int() with base 10: 'x1'.
    """
    try:
        yield
    except (StudyError, MemoryError):
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error).strip(". ")
        raise StudyError(fault, file=file, reason=reason) from error


def kind_of_file(path: Path) -> tuple[str, str]:
    """The ending that a file's content deserves, and a note where it has another.

    Raises
    ------
    StudyError
        If it is of no kind that can be read, absent, empty, or open in a spreadsheet program.
    """
    ending = ENDINGS.get(path.suffix.lower(), path.suffix.lower())
    _check_there(path, ending)
    with path.open("rb") as file:
        start = file.read(4096)
    kind = _kind(path, start)
    if kind in (".xlsb", ".xml"):
        what = {".xlsb": "a binary workbook (.xlsb)", ".xml": "an XML spreadsheet of 2003"}[kind]
        raise StudyError(
            "{file} is {what}, which is not read. {remedy}", file=path.name, what=Text(what), remedy=Text(RESAVE)
        )
    text = ending in (".csv", ".html") or (ending == ".xls" and b"\0" not in start)
    kind = kind or (".csv" if text else ending)
    note = Text(" (by its content {kind}, not {ending})", kind=kind, ending=ending)
    return kind, note if kind != ending else ""


def _check_there(path: Path, ending: str) -> None:
    """The file is there, of a kind that can be read, not empty, and not open in a spreadsheet program."""
    if ending not in (*FORMATS, ".xlsb", ".html"):
        program = "Save it as .csv (UTF-8) or .dta in the program that wrote it."
        known = {"formats": Listed(FORMATS, " or "), "remedy": Text(program if ending in STATISTICS else RESAVE)}
        raise StudyError("{file} is not {formats}. {remedy}", file=path.name, **known)
    if not path.is_file():
        raise StudyError("There is no file {file!r} beside the study file. Check the name in it.", file=path.name)
    for lock in (f"~${path.name}", f".~{path.name}", f".~lock.{path.name}#"):
        if (path.parent / lock).exists():
            fault = "{file} is open elsewhere ({lock}). Save and close it there, or delete that file."
            raise StudyError(fault, file=path.name, lock=lock)
    if not path.stat().st_size:
        raise StudyError("{file} is empty. Check that it was saved, and that it is the file meant.", file=path.name)
    fault = "{file} may not be read ({reason}). Close it in other programs, or ask for the right to read it."
    with opening(path.name, fault):
        path.open("rb").close()


def _kind(path: Path, start: bytes) -> str:
    """The kind that the first bytes tell, or nothing."""
    if start.startswith(b"PK") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as parts:
            return next((kind for part, kind in WITHIN.items() if part in parts.namelist()), "")
    if start.startswith(OLE):
        locked = "EncryptedPackage".encode("utf-16-le") in path.read_bytes()
        return "" if locked and path.suffix.lower() != ".xls" else ".xls"
    if start.startswith((b"PAR1", b"<stata_dta>", b"$FL")):
        return {b"PAR": ".parquet", b"<st": ".dta", b"$FL": ".sav"}[start[:3]]
    text = start.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if b"urn:schemas-microsoft-com:office:spreadsheet" in text and text.startswith(b"<?xml"):
        return ".xml"
    return ".html" if text.startswith((b"<html", b"<!doctype html", b"<table", b"<meta", b"<style", b"<head")) else ""
