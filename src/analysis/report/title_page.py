"""The title page of a report: of which data, what was found in brief, the questions, and the files to take along."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from analysis.messages import count
from analysis.report.exports import WORKBOOK, Exports
from analysis.report.manifest import MANIFEST
from analysis.report.markdown import literal, to_html
from analysis.report.unsupported import unsupported_html


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
    summary : str
        Markdown for readers who open nothing else.
    unsupported : mapping
        See `analysis.report.unsupported.unsupported_steps`.
    exports : Exports, optional
        Files that lie beside the page.
    """

    title: str
    data_statement: str
    reading: Sequence[str] = ()
    summary: str = ""
    unsupported: Mapping[str, list[str]] = field(default_factory=dict)
    exports: Exports | None = None

    def files(self, pages: Iterable[str]) -> dict[str, str]:
        """The page's sources by file name; text that comes from data is HTML by then, and escaped."""
        return {"index.md": self._markdown(pages), "front.html": self._front(), "files.html": self._files()}

    def _markdown(self, pages: Iterable[str]) -> str:
        listing = "\n".join(pages)
        files = "" if self.exports is None else "\n## Files to take along\n\n" + _raw("files.html")
        return f"""# {literal(self.title)}

{_raw("front.html")}
## The questions, one page each

Every number in them was computed when the report was made.

```{{toctree}}
:maxdepth: 1

{listing}
```
{files}"""

    def _front(self) -> str:
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.reading)
        reading = f"<details><summary>How its files were read</summary><ul>{items}</ul></details>" if items else ""
        statement = (
            '<div class="admonition note data-statement"><p class="admonition-title">The data of this report</p>'
            f"{to_html(self.data_statement)}{reading}</div>"
        )
        summary = f'<div class="summary">{to_html(self.summary)}</div>' if self.summary else ""
        return statement + summary + unsupported_html(self.unsupported)

    def _files(self) -> str:
        """Links to the files, which work from a folder without a network."""
        if self.exports is None:
            return ""
        tables, figures = len(self.exports.tables), len(self.exports.figures)
        pictures = "".join(
            f"<li>{escape(figure['title'])} {_picture_links(name)}</li>"
            for name, figure in self.exports.figures.items()
        )
        return f"""<ul class="files">
<li><a href="{WORKBOOK}">{WORKBOOK}</a>: {count(tables, "table")} in one workbook, with numbers in full;
on its page, each table also leads to a file for LaTeX</li>
<li>{count(figures, "figure")} for print, as PDF and as PNG of 300 dots per inch:<ul>{pictures}</ul></li>
<li><a href="{MANIFEST}">{MANIFEST}</a>: the versions, files (by their SHA-256) and seeds behind this report</li>
</ul>"""


def _picture_links(name: str) -> str:
    return " ".join(f'<a href="figures/{name}.{ending}">{ending.upper()}</a>' for ending in ("pdf", "png"))


def _raw(file: str) -> str:
    return f"```{{raw}} html\n:file: {file}\n```\n"
