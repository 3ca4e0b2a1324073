"""Show executed notebooks as HTML pages that open offline, on any machine."""

import io
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from functools import partial
from html import escape
from pathlib import Path

import nbformat
from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
from nbformat import NotebookNode
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.locale import translators
from sphinx.util.docutils import docutils_namespace

from analysis.language.labels import say
from analysis.presentation.style import HANZI_FAMILY, INSIDE, hanzi_font
from analysis.report.notebooks import NotebookError
from analysis.report.title_page import THEME, TitlePage, to_html
from analysis.report.translations import GLOSSARY, prose_settings, theme_labels, translated_prose

FONT_STACK = f"'{HANZI_FAMILY}', -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
CODE_FONT_STACK = f"'{HANZI_FAMILY}', ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
LOOK = {"font-stack": FONT_STACK, "font-stack--monospace": CODE_FONT_STACK}
LOOK |= {"color-brand-primary": INSIDE, "color-brand-content": INSIDE}
HANZI_FROM = 0x2E80
"""First code point that is drawn with the embedded font: CJK radicals; all hanzi lie above."""

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LABEL = re.compile(r'(aria-label="|<title>)([^"<]+)')
FIGURE_TITLE = re.compile(r"<Axes: title=\{'\w+': (['\"])(.*?)\1\}")
_LEFTOVERS = (".buildinfo", "objects.inv", "genindex.html")


def write_report(
    pages: Mapping[str, NotebookNode], output: Path, title_page: TitlePage, *, beside: Path | None = None
) -> Path:
    """Write executed notebooks as a report, without running anything; returns its title page, ``index.html``.

    Parameters
    ----------
    pages : mapping of str to nbformat.NotebookNode
        Page name, without ending, to executed notebook, in the order to show.
    output : pathlib.Path
        Folder to write; an older report there is replaced.
    title_page : TitlePage
    beside : pathlib.Path, optional
        Folder whose content goes beside the pages: pictures of the title page, files to take along.

    Raises
    ------
    NotebookError
        If a page cannot be built.
    FileExistsError
        If `output` holds something that is not a report.
    """
    refuse_other_folder(output)
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder, "source"), Path(folder, "built")
        _write_sources(source, pages, title_page)
        _run_sphinx(source, built, title_page.title, title_page.language)
        for name in _LEFTOVERS:
            (built / name).unlink(missing_ok=True)
        shutil.rmtree(built / "_sources", ignore_errors=True)
        _translate_labels(built, title_page.language)
        if beside is not None:
            shutil.copytree(beside, built, dirs_exist_ok=True)
        _replace(output, built)
    return output / "index.html"


def _translate_labels(built: Path, language: str) -> None:
    """Say to screen readers in the report's language what the theme has in English alone."""
    said = theme_labels(language)
    for page in built.glob("*.html") if said else ():
        text = LABEL.sub(lambda found: found[1] + said.get(found[2], found[2]), page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8", newline="\n")


def refuse_other_folder(output: Path) -> None:
    """
    Raise where a folder holds anything but a report, which may be replaced.

    Raises
    ------
    FileExistsError
    """
    if output.exists() and any(output.iterdir()) and not (output / "_static" / "report.css").is_file():
        raise FileExistsError(f"{output} holds something that is not a report; choose an empty folder.")


def _replace(output: Path, built: Path) -> None:
    """Put the new report in the old one's place, which stays whole if a file of it is open or the disk is full."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".report-") as folder:
        new = Path(shutil.copytree(built, Path(folder, "new")))
        if output.exists():
            output.rename(Path(folder, "old"))
        new.rename(output)


def _write_sources(source: Path, pages: Mapping[str, NotebookNode], title_page: TitlePage) -> None:
    files = {f"{name}.ipynb": nbformat.writes(_for_reading(notebook)) for name, notebook in pages.items()}
    files[GLOSSARY.name] = GLOSSARY.read_text(encoding="utf-8")
    files["index.md"] = title_page.markdown(pages)
    source.mkdir()
    for name, text in files.items():
        (source / name).write_text(text, encoding="utf-8", newline="\n")
    shutil.copytree(THEME / "static", source / "_static")
    _write_hanzi_font(source / "_static", [*files.values(), translated_prose(title_page.language)])


def _for_reading(notebook: NotebookNode) -> NotebookNode:
    """Fold the code, make sentences HTML, and put a figure's title in the place of the text that stands for it."""
    page = nbformat.from_dict(notebook)
    for cell in page.cells:
        if cell.cell_type == "code":
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
            titles = FIGURE_TITLE.findall("".join(one.get("data", {}).get("text/plain", "") for one in cell.outputs))
            if titles:
                cell.metadata["mystnb"] = {"image": {"alt": titles[0][1].replace(r"\n", " ").replace("\\", "")}}
            cell.outputs = [output for output in cell.outputs if not _stands_for_figure(output)]
            for data in (output.data for output in cell.outputs if "text/markdown" in output.get("data", {})):
                data["text/html"] = to_html(data.pop("text/markdown"))
    return page


def _stands_for_figure(output: NotebookNode) -> bool:
    data = output.get("data", {})
    return set(data) == {"text/plain"} and "<Axes: " in data["text/plain"]


def _write_hanzi_font(static: Path, texts: Iterable[str]) -> None:
    """Embed the glyphs in use; first in the stack, so that no machine draws boxes or another font."""
    hanzi = sorted({char for text in texts for char in text if ord(char) >= HANZI_FROM})
    ranges = ",".join(f"U+{ord(char):X}" for char in hanzi)
    rules = []
    for weight, number in {"Regular": 400, "Bold": 700}.items() if hanzi else ():
        options = subset.Options(flavor="woff", notdef_outline=True, layout_features=["*"])
        font = TTFont(hanzi_font(weight), recalcTimestamp=False)
        subsetter = subset.Subsetter(options)
        subsetter.populate(text="".join(hanzi))
        subsetter.subset(font)
        subset.save_font(font, str(static / f"hanzi-{number}.woff"), options)
        face = f"font-family: '{HANZI_FAMILY}'; font-weight: {number}; src: url('hanzi-{number}.woff') format('woff')"
        rules.append(f"@font-face {{ {face}; unicode-range: {ranges}; }}")
    (static / "hanzi.css").write_text("\n".join(rules), encoding="utf-8", newline="\n")


def _run_sphinx(source: Path, built: Path, title: str, language: str) -> None:
    settings = tomllib.loads((THEME / "settings.toml").read_text(encoding="utf-8"))
    settings |= {
        "project": escape(title),
        "html_title": escape(title),
        "html_theme_options": {"light_css_variables": LOOK},
        "nb_code_prompt_show": say(language, "Show the code"),
        "nb_code_prompt_hide": say(language, "Hide the code"),
        **prose_settings(language, source),
    }
    warnings = io.StringIO()
    translators.clear()  # Sphinx keeps the catalogues of the last report of this process.
    try:
        with docutils_namespace():
            app = Sphinx(source, None, built, source.parent / "doctrees", "html", settings, None, warnings)
            app.connect("doctree-read", partial(_drop_outside_links, source))
            app.build()
    except SphinxError as error:
        raise NotebookError(str(error)) from error
    for line in warnings.getvalue().splitlines():
        print(COLOUR.sub("", line).replace(f"{source}{os.sep}", ""), file=sys.stderr)


def _drop_outside_links(source: Path, _app: Sphinx, doctree: nodes.document) -> None:
    """Show ``../data/README.md``, or a page that this report lacks, as text: no such file lies beside it."""
    for link in list(doctree.findall(pending_xref)):
        target = link.get("reftarget", "").partition("#")[0]
        lacking = target.endswith(".ipynb") and not (source / target).exists()
        if link["reftype"] == "myst" and (lacking or target.startswith("../")):
            link.replace_self(link.children)
