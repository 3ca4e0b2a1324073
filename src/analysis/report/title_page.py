"""The title page of a report: of which data, what was found in brief, the questions, and the files to take along."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from analysis.language.labels import say
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
    doubts : sequence of str
        What a check of the study found odd: plain sentences.
    summary : str
        Markdown for readers who open nothing else.
    failures : sequence of str
        Which notebooks have no page, and why: plain sentences.
    unsupported : mapping
        See `analysis.report.unsupported.unsupported_steps`.
    exports : Exports, optional
        Files that lie beside the page.
    language : {"en", "zh"}
        Of the page's own words.
    """

    title: str
    data_statement: str
    reading: Sequence[str] = ()
    doubts: Sequence[str] = ()
    summary: str = ""
    failures: Sequence[str] = ()
    unsupported: Mapping[str, list[str]] = field(default_factory=dict)
    exports: Exports | None = None
    language: str = "en"

    def files(self, pages: Iterable[str]) -> dict[str, str]:
        """The page's sources by file name; text that comes from data is HTML by then, and escaped."""
        return {"index.md": self._markdown(pages), "front.html": self._front(), "files.html": self._files()}

    def _markdown(self, pages: Iterable[str]) -> str:
        listing = "\n".join(pages)
        files = "" if self.exports is None else f"\n## {self._say('Files to take along')}\n\n{_raw('files.html')}"
        return f"""# {literal(self.title)}

{_raw("front.html")}
## {self._say("The questions, one page each")}

{self._say("Every number in them was computed when the report was made.")}

```{{toctree}}
:maxdepth: 1

{listing}
```
{files}"""

    def _front(self) -> str:
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.reading)
        doubts = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.doubts)
        doubts = f"<p>{self._say('Look at this first')}:</p><ul>{doubts}</ul>" if doubts else ""
        how = self._say("How its files were read")
        reading = f"<details><summary>{how}</summary><ul>{items}</ul></details>" if items else ""
        statement = (
            '<div class="admonition note data-statement">'
            f'<p class="admonition-title">{self._say("The data of this report")}</p>'
            f"{to_html(self.data_statement)}{doubts}{reading}</div>"
        )
        summary = f'<div class="summary">{to_html(self.summary)}</div>' if self.summary else ""
        return self._failed() + statement + summary + unsupported_html(self.unsupported)

    def _failed(self) -> str:
        """Which pages are missing, before all else."""
        if not self.failures:
            return ""
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.failures)
        title = self._say("Pages that could not be made")
        return f'<div class="admonition error failed"><p class="admonition-title">{title}</p><ul>{items}</ul></div>'

    def _files(self) -> str:
        """Links to the files, which work from a folder without a network."""
        if self.exports is None:
            return ""
        tables, figures = len(self.exports.tables), len(self.exports.figures)
        pictures = "".join(
            f"<li>{escape(figure['title'])} {_picture_links(name)}</li>"
            for name, figure in self.exports.figures.items()
        )
        book = "{tables} tables in one workbook, with numbers in full; on its page, each table also leads to LaTeX"
        drawn = "{figures} figures for print, as PDF and as PNG of 300 dots per inch"
        behind = "the versions, files (by their SHA-256) and seeds behind this report"
        return f"""<ul class="files">
<li><a href="{WORKBOOK}">{WORKBOOK}</a>: {self._say(book, tables=tables)}</li>
<li>{self._say(drawn, figures=figures)}:<ul>{pictures}</ul></li>
<li><a href="{MANIFEST}">{MANIFEST}</a>: {self._say(behind)}</li>
</ul>"""

    def _say(self, phrase: str, **values: object) -> str:
        return say(self.language, phrase, **values)


def _picture_links(name: str) -> str:
    return " ".join(f'<a href="figures/{name}.{ending}">{ending.upper()}</a>' for ending in ("pdf", "png"))


def _raw(file: str) -> str:
    return f"```{{raw}} html\n:file: {file}\n```\n"
