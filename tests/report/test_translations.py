"""The prose of notebooks in a report's language."""

import re
from pathlib import Path

import nbformat
import pytest
from babel.messages.pofile import read_po
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_text import english_runs

from analysis.report import translations
from analysis.report.notebooks import METADATA
from analysis.report.pages import write_report
from analysis.report.phrases import CATALOGUE, update_messages
from analysis.report.title_page import TitlePage
from analysis.report.translations import GLOSSARY, extracted, update_prose

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
# What a translation keeps as it is: code, and where links lead.
KEPT = re.compile(r"`[^`]+`|\]\([^)]*\)")
PROSE = "See `did` and [the next page](02-b.ipynb)."


@pytest.fixture
def notebooks(tmp_path: Path) -> list[Path]:
    """Two pages; the first has prose, and an output that says the same."""
    output = new_output("display_data", data={"text/markdown": PROSE, "text/plain": PROSE})
    cells = [new_markdown_cell(f"# 1. Why?\n\n{PROSE}"), new_code_cell("1", outputs=[output])]
    pages = {"01-a": cells, "02-b": [new_markdown_cell("# And then?")]}
    for name, found in pages.items():
        nbformat.write(new_notebook(cells=found, metadata=METADATA), tmp_path / f"{name}.ipynb")
    return sorted(tmp_path.glob("*.ipynb"))


def test_catalogues_follow_the_prose_and_keep_what_is_translated(notebooks: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "zh"
    first, _, glossary = update_prose(notebooks, folder)
    text = first.read_text("utf-8")
    assert [line for line in text.splitlines() if line] == [
        'msgid "1. Why?"',
        'msgstr ""',
        f'msgid "{PROSE}"',
        'msgstr ""',
    ], "each once, and no output"
    assert "Satterthwaite" in glossary.read_text("utf-8")
    first.write_text(text.replace('"1. Why?"\nmsgstr ""', '"1. Why?"\nmsgstr "为什么？"'), "utf-8")
    nbformat.write(new_notebook(cells=[new_markdown_cell("# 1. Why?\n\nNew.")]), notebooks[0])
    update_prose(notebooks, folder)
    changed = first.read_text("utf-8")
    assert '"1. Why?"\nmsgstr "为什么？"' in changed
    assert "New." in changed
    assert PROSE not in changed


def test_pages_speak_the_reports_language_and_outputs_stay(
    notebooks: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(translations, "PROSE", tmp_path / "prose")
    first, *_ = update_prose(notebooks, tmp_path / "prose" / "zh")
    text = first.read_text("utf-8")
    for said, chinese in (("1. Why?", "1. 为什么？"), (PROSE, "见 `did`（[下一页](02-b.ipynb)）。")):
        text = text.replace(f'"{said}"\nmsgstr ""', f'"{said}"\nmsgstr "{chinese}"')
    first.write_text(text, "utf-8")
    pages = {path.stem: nbformat.read(path, as_version=4) for path in notebooks}
    for language, heading, link in (("zh", "1. 为什么？", "下一页"), ("en", "1. Why?", "the next page")):
        write_report(pages, tmp_path / language, TitlePage("T", "D", language=language))
        html = (tmp_path / language / "01-a.html").read_text("utf-8")
        assert re.search(r"<h1>(.*?)<", html).group(1) == heading
        assert f">{heading}</a>" in (tmp_path / language / "02-b.html").read_text("utf-8"), "the sidebar"
        assert re.search(rf'href="02-b.html"><span class="[^"]*">{link}</span>', html)
        assert (tmp_path / language / "_static" / "hanzi-400.woff").is_file() == (language == "zh"), "with its hanzi"
        assert html.count("See <code>did</code>") == 1, "the output"
    assert capsys.readouterr().err == ""


def test_every_paragraph_has_a_translation_that_keeps_its_code_and_links() -> None:
    for name, found in extracted([*NOTEBOOKS, GLOSSARY]).items():
        with (translations.PROSE / "zh" / f"{name}.po").open("rb") as file:
            said = {message.id: message for message in read_po(file) if message.id}
        assert said.keys() == {message.id for message in found if message.id}, f"{name}: run make messages"
        assert [text for text, message in said.items() if message.fuzzy or not message.string] == [], name
        changed = {text for text, message in said.items() if kept(text) != kept(message.string)}
        assert changed == set(), name


@pytest.mark.parametrize(
    "catalogue", [CATALOGUE, *sorted(CATALOGUE.parents[4].glob("report/prose/zh/*.po"))], ids=lambda path: path.stem
)
def test_an_entry_has_one_translation(catalogue: Path) -> None:
    entries = catalogue.read_text(encoding="utf-8").split("\n\n")
    assert [one for one in entries if len(re.findall(r'^msgstr "', one, re.MULTILINE)) > 1] == []


def test_translated_prose_has_no_english_sentence() -> None:
    strings = [str(message.string) for _, messages in translations._translated("zh") for message in messages]
    assert english_runs("见 The quick brown fox 与`did it work at all`") == ["The quick brown fox"]
    assert [run for one in strings for run in english_runs(one)] == []


def kept(text: str) -> list[str]:
    return sorted(KEPT.findall(text))


def test_the_librarys_catalogue_follows_its_phrases(tmp_path: Path) -> None:
    file = tmp_path / "analysis.po"
    stored = CATALOGUE.read_text("utf-8")
    first = 'msgid "sheet"\nmsgstr "工作表"\n'
    assert first in stored
    file.write_text(stored.replace(first, 'msgid "{nobody} says this"\nmsgstr "{nobody}"\n'), "utf-8")
    changed = update_messages(file).read_text("utf-8")
    assert 'msgid "sheet"\nmsgstr ""\n' in changed, "what is new stays to be translated"
    assert "says this" not in changed
    file.write_text(stored, "utf-8")
    assert update_messages(file).read_text("utf-8") == stored, "run make messages"
