"""The title page of a report: of which data, what was found in brief, the questions, and the files to take along."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from analysis.language.labels import say
from analysis.messages import DOLLAR
from analysis.report.exports.paper import DOCUMENT, WORKBOOK, Exports
from analysis.report.manifest import MANIFEST

THEME = Path(__file__).parent / "theme"
_LIVE = ["html_block", "html_inline", "link", "autolink", "reference"]
_OWN_PICTURE = re.compile(r"[\w-]+\.png")


@dataclass(frozen=True)
class TitlePage:
    """What stands on the title page.

    Attributes
    ----------
    title : str
        Plain text.
    data_statement : str
        Markdown that says which data the report was made from.
    reading : sequence of str
        What was read from the study's files, converted and left out: plain sentences.
    doubts : sequence of str
        What a check of the study found odd: plain sentences.
    summary : mapping
        For readers who open nothing else: Markdown in each language, the report's own first.
    failures : sequence of str
        Which notebooks have no page, and why: plain sentences.
    unsupported : mapping
        See `analysis.report.notebooks.unsupported_steps`.
    method : sequence of str
        Names of the pages on the method, which stand behind those on the study.
    noun : str
        What the study calls a unit, which the pages call a village.
    exports : Exports, optional
        Files that lie beside the page.
    language : {"en", "zh"}
        Of the page's own words.
    """

    title: str
    data_statement: str
    reading: Sequence[str] = ()
    doubts: Sequence[str] = ()
    summary: Mapping[str, str] = field(default_factory=dict)
    failures: Sequence[str] = ()
    unsupported: Mapping[str, list[str]] = field(default_factory=dict)
    method: Sequence[str] = ()
    noun: str = "village"
    exports: Exports | None = None
    language: str = "en"

    def markdown(self, pages: Iterable[str]) -> str:
        """The page's source, which leads to other pages by their names."""
        jinja = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
        jinja.filters |= {"html": lambda text: Markup(to_html(text)), "literal": lambda text: Markup(literal(text))}
        template = jinja.from_string((THEME / "title_page.md.jinja").read_text(encoding="utf-8"))
        words = {"say": partial(say, self.language), "workbook": WORKBOOK, "document": DOCUMENT, "manifest": MANIFEST}
        return template.render(page=self, pages=pages, **words)


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802
        return bool(_OWN_PICTURE.fullmatch(url))


_PARSER = _Parser("commonmark", {"html": False}).disable(_LIVE).enable("table")


def to_html(markdown: str) -> str:
    r"""
    Render prose, lists and tables; raw HTML, directives, formulas and links come out as the text they are.

    Pictures must lie beside the page. Use it for whatever a notebook computes or a study says.

    Examples
    --------
    >>> to_html("a **gain** of <script>alert(1)</script>")
    '<p>a <strong>gain</strong> of &lt;script&gt;alert(1)&lt;/script&gt;</p>\n'
    """
    return _PARSER.render(markdown.replace(DOLLAR, r"\$"))


def literal(text: str) -> str:
    r"""
    Escape a text so that Markdown shows it as it is, on one line.

    Examples
    --------
    >>> print(literal("a *b*: {raw} <i>"))
    a \*b\*\: \{raw\} \<i\>
    """
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))
