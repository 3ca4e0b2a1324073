"""The prose of the notebooks in other languages: a catalogue a page, which Sphinx lays over it in a report."""

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import nbformat
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

PROSE = Path(__file__).parent / "prose"
GLOSSARY = Path(__file__).parent / "theme" / "glossary.md"
SPHINX_LANGUAGES = {"en": "en", "zh": "zh_CN"}
"""How Sphinx names the languages of reports; its own words come in them too."""
NUMBERED = re.compile(r"^(\d+)\.")
"""How a page's title begins; alone it would read as a list."""


def prose_settings(language: str, source: Path) -> dict[str, object]:
    """Sphinx settings under which pages speak a language; their compiled catalogues are written beside the source."""
    if language == "en":
        return {"language": "en"}
    folder = source / "locale" / SPHINX_LANGUAGES[language] / "LC_MESSAGES"
    folder.mkdir(parents=True)
    for name, catalogue in _translated(language):
        for message in catalogue:
            message.string = NUMBERED.sub(r"\1\\.", str(message.string))
        with (folder / f"{name}.mo").open("wb") as compiled:
            write_mo(compiled, catalogue)
    return {
        "language": SPHINX_LANGUAGES[language],
        "locale_dirs": ["locale"],
        "gettext_compact": False,
        "gettext_auto_build": False,
    }


def translated_prose(language: str) -> str:
    """All that pages say in a language other than English."""
    return "".join(str(message.string) for _, catalogue in _translated(language) for message in catalogue)


def theme_labels(language: str) -> dict[str, str]:
    """What the theme of the pages says, by its English; nothing in English."""
    found = (catalogue for name, catalogue in _translated(language) if name == "sphinx")
    return {str(message.id): str(message.string) for catalogue in found for message in catalogue if message.id}


def _translated(language: str) -> Iterator[tuple[str, Catalog]]:
    return ((file.stem, _read(file)) for file in sorted((PROSE / language).glob("*.po")))


def update_prose(notebooks: Iterable[Path], folder: Path = PROSE / "zh") -> list[Path]:
    """Bring the catalogues of a folder up to the notebooks and the glossary; what is new stays to be translated.

    Returns
    -------
    list of pathlib.Path
        The catalogues, one a page; of paragraphs that are gone nothing is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, found in extracted([*notebooks, GLOSSARY]).items():
        file = folder / f"{name}.po"
        catalogue = _read(file) if file.is_file() else Catalog(locale=folder.name, fuzzy=False)
        catalogue.update(found, no_fuzzy_matching=True)
        with file.open("wb") as opened:
            write_po(opened, catalogue, width=0, omit_header=True, no_location=True, ignore_obsolete=True)
        written.append(file)
    return written


def extracted(pages: Iterable[Path]) -> Mapping[str, Catalog]:
    """By page, its paragraphs, headings and list items as Sphinx finds them; of a notebook its markdown cells only."""
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder, "source"), Path(folder, "built")
        source.mkdir()
        sources = {path.stem: path for path in pages}
        for path in sources.values():
            (source / path.name).write_text(_prose(path), encoding="utf-8")
        toctree = "\n".join(["# Pages", "```{toctree}", *sources, "```"])
        (source / "index.md").write_text(toctree, encoding="utf-8")
        settings = {"extensions": ["myst_nb"], "nb_execution_mode": "off", "gettext_compact": False}
        with docutils_namespace():
            Sphinx(source, None, built, Path(folder, "doctrees"), "gettext", settings, None, None).build()
        return {name: _read(built / f"{name}.pot") for name in sources}


def _prose(page: Path) -> str:
    if page.suffix != ".ipynb":
        return page.read_text(encoding="utf-8")
    notebook = nbformat.read(page, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    return nbformat.writes(notebook)


def _read(file: Path) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened, locale=None if file.suffix == ".pot" else "zh")
