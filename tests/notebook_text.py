"""What a notebook says: its code, its parsed prose, and the texts that its outputs show."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode

ENGLISH = re.compile(r"(?:[A-Za-z][A-Za-z'’-]*[ \u00a0]+){3,}[A-Za-z][A-Za-z'’-]*")


def english_runs(text: str) -> list[str]:
    """Runs of four or more English words, which no Chinese page should have; code, tags and links apart."""
    left = re.sub(r"(?s)<(style|code|pre|a|details|script)\b.*?</\1>|<[^>]*>|`[^`]*`|\[[^\]]*\]\([^)]*\)", " | ", text)
    return ENGLISH.findall(left)


def code_cells(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """Code cells with their place in the notebook, from 1."""
    return ((n, cell) for n, cell in enumerate(notebook.cells, start=1) if cell.cell_type == "code")


def markdown_tokens(notebook: NotebookNode) -> Iterator[tuple[int, list[Token]]]:
    """Parsed Markdown cells with their place in the notebook, from 1."""
    parser = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)
    for n, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "markdown":
            yield n, parser.parse(cell.source)


def headings(tokens: list[Token], level: str) -> list[str]:
    """Texts of the headings of one level ("h1")."""
    pairs = zip(tokens, tokens[1:], strict=False)
    return [inline.content for opening, inline in pairs if opening.type == "heading_open" and opening.tag == level]


def prose(tokens: list[Token]) -> str:
    """Text outside code, formulas and links."""
    words, depth = [], 0
    for child in (child for token in tokens for child in token.children or ()):
        depth += child.nesting if child.type in ("link_open", "link_close") else 0
        words += [child.content if child.type == "text" and depth == 0 else " "]
    return "".join(words)


def output_texts(cell: NotebookNode) -> Iterator[tuple[str, str]]:
    """Every text that a cell shows, with its kind; pictures are left out."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.name, output.text
        for kind, value in output.get("data", {}).items():
            if not kind.startswith("image/"):
                yield kind, str(value)
