"""Markdown that may carry text from data, as HTML: nothing in it can become a tag, a directive or a request."""

import re

from markdown_it import MarkdownIt

from analysis.messages import DOLLAR

_LIVE = ["html_block", "html_inline", "link", "autolink", "reference"]
_OWN_PICTURE = re.compile(r"[\w-]+\.png")


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
