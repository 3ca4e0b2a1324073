"""Read a TOML file as people type it; a mistake is named, and its line shown as it should be."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

from analysis.language.texts import Listed, Text
from analysis.messages import StudyError

STRAIGHT = dict.fromkeys(map(ord, "“”„‟＂「」『』"), '"') | dict.fromkeys(map(ord, "‘’＇"), "'")
HALF_WIDTH = str.maketrans("＝［］【】｛｝＃。．，\u3000", "=[][]{}#..,\u0020")
QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'[^']*')""")
PATHS = ("panel", "membership")
OTHER_FILE = "Name the study.toml that describes the panel, not the panel itself."
BACKSLASH = r"A backslash in double quotes begins a code, as \t for a tab"


def read_toml(path: Path) -> dict:
    """The content of a study file, its paths with / where Windows writes a backslash.

    Raises
    ------
    StudyError
        If it is no TOML in UTF-8, or a path in it holds a code that a backslash made; the message shows the right line.
    """
    text = _decoded(path)
    try:
        settings = tomllib.loads(text)
    except ValueError as error:
        if path.suffix != ".toml":
            fault = "{file} is not valid TOML: {reason}. {remedy}"
            raise StudyError(fault, file=path.name, reason=str(error), remedy=Text(OTHER_FILE)) from error
        raise StudyError(_mistake(path.name, text, str(error))) from error
    for key in [key for key in PATHS if isinstance(settings.get(key), str)]:
        if re.search(r"[\x00-\x1f\x7f]", settings[key]):
            lines = enumerate(text.splitlines(), 1)
            at, line = next((at, line) for at, line in lines if re.match(rf"\s*[\"']?{key}\b", line))
            raise StudyError(_corrected(path.name, at, [BACKSLASH], _without_backslashes(line)))
        settings[key] = settings[key].replace("\\", "/")
    return settings


def _decoded(path: Path) -> str:
    raw = path.read_bytes()
    text, chinese = (raw.decode(encoding, errors="replace") for encoding in ("utf-8-sig", "gb18030"))
    if not {"\ufffd", "\0"} & set(text):
        return text
    if path.suffix != ".toml":
        raise StudyError("{file} is not valid TOML in UTF-8. {remedy}", file=path.name, remedy=Text(OTHER_FILE))
    encoding = "another encoding" if "\ufffd" in chinese else "GB18030 (“ANSI” in Notepad)"
    encoding = "UTF-16 (“Unicode” in Notepad)" if b"\0" in raw else encoding
    fault = "{file} is in {encoding}, not in UTF-8. Save it again with the encoding UTF-8."
    raise StudyError(fault, file=path.name, encoding=Text(encoding))


def _corrected(file: str, at: int, causes: list[str], line: str) -> Text:
    fault = "{file}, line {line}: {causes}. Write: {corrected}"
    return Text(fault, file=file, line=at, causes=Listed(map(Text, causes), ". "), corrected=line.strip())


def _mistake(file: str, text: str, error: str) -> Text:
    """The cause and the corrected line where one line is at fault, else the parser's own words."""
    lines = text.splitlines()
    place = re.search(r"at line (\d+)", error)
    at = int(place[1]) if place else max((at for at, line in enumerate(lines, 1) if line.strip()), default=1)
    line = lines[at - 1] if lines else ""
    causes: list[str] = []
    for cause, correct in CORRECTIONS.items():
        if (corrected := correct(line)) != line:
            line, causes = corrected, [*causes, cause]
        if causes and _is_toml(line):
            return _corrected(file, at, causes, line)
    return Text("{file} is not valid TOML: {reason}. Correct that place.", file=file, reason=error)


def _is_toml(line: str) -> bool:
    try:
        tomllib.loads(line)
    except ValueError:
        return False
    return True


def _outside_quotes(correct: Callable[[str], str]) -> Callable[[str], str]:
    """The correction made where no straight quotes stand around."""
    return lambda line: "".join(part if at % 2 else correct(part) for at, part in enumerate(QUOTED.split(line)))


def _with_quoted_names(line: str) -> str:
    """Names before = and between brackets in quotes, unless they are plain."""
    match = re.match(r"(\s*\[{0,2}\s*)([^=\]#]+?)(\s*(?:\]{1,2}|=).*)$", line)
    if not match:
        return line
    names = [name.strip() for name in QUOTED.sub(lambda quoted: quoted[0].replace(".", "\0"), match[2]).split(".")]
    quoted = [name if re.fullmatch(r"[\"'].*[\"']|[A-Za-z0-9_-]+", name) else f'"{name}"' for name in names]
    return match[1] + ".".join(quoted).replace("\0", ".") + match[3]


def _without_backslashes(line: str) -> str:
    """Paths with / and other text in single quotes, where text in double quotes holds a backslash."""
    path = re.match(rf"\s*[\"']?(?:{'|'.join(PATHS)})\b", line)
    corrected = (lambda text: text[0].replace("\\", "/")) if path else (lambda text: f"'{text[1]}'")
    return re.sub(r'"([^"]*\\[^"]*)"', corrected, line)


def _with_quoted_value(line: str) -> str:
    """A bare word as text in quotes, or as true or false, and an open quote closed."""
    match = re.match(r"""([^=#]+=\s*)"?([^\s"'\[{#][^"'\[{#]*?)(\s*(?:#.*)?)$""", line)
    if not match:
        return line
    value = match[2].lower() if match[2].lower() in ("true", "false") else f'"{match[2]}"'
    return match[1] + value + match[3]


CORRECTIONS: dict[str, Callable[[str], str]] = {
    "Text stands between straight quotes": _outside_quotes(lambda part: part.translate(STRAIGHT)),
    "Signs such as = and [ ] are half-width": _outside_quotes(lambda part: part.translate(HALF_WIDTH)),
    BACKSLASH: _without_backslashes,
    "A name with other signs than Latin letters, digits, _ and - stands in quotes": _with_quoted_names,
    "Text stands in quotes": _with_quoted_value,
}
