"""The report opens from a folder, offline, in a real browser: figures, tables and Chinese names are there."""

import contextlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import nbformat
import pytest
from fontTools.ttLib import TTFont
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image
from playwright.sync_api import Browser, Page
from sphinx.errors import SphinxError
from stored_figures import FIGURE_TOLERANCE, difference

from analysis.report import pages
from analysis.report.manifest import MANIFEST, _commit
from analysis.report.notebooks import NotebookError, notebook_paths, run_notebooks
from analysis.report.pages import write_report
from analysis.report.title_page import TitlePage

ROOT = Path(__file__).resolve().parents[2]
STORED = sorted((ROOT / "notebooks").glob("*.ipynb"))
STATEMENT = "**Simulated** panel on the real roster of 孟州市."
TITLE_PAGE = TitlePage("Report", STATEMENT)
OUTSIDE_CODE = """article => {
    const copy = article.cloneNode(true);
    copy.querySelectorAll("pre, code").forEach(code => code.remove());
    return copy.textContent;
}"""
HANZI = re.compile(r"[\u4e00-\u9fff]")
NAMES = "孟州市 赵和镇 槐树乡 源沟"
PROSE = f"""# Did the gap move in 孟州市?

Villages of {NAMES} inside and **outside 城伯镇**, see [the data](../data/README.md) and [next](02-next.ipynb).
It fell from $5 to $4.
"""
FIGURE = """import matplotlib.pyplot as plt
from analysis.presentation.style import use_style
use_style()
ax = plt.subplot(title="赵和镇")
ax.plot([-1, 1], [-2, 2])
ax"""
TABLE = """import pandas as pd
pd.DataFrame({"镇": ["赵和镇"], "income, CNY": [12345.6]})"""
SENTENCE = """from IPython.display import Markdown
Markdown("Villages of 南庄镇 earned **more** (p < 1, $5).")"""


@dataclass
class Visit:
    """A page and all that it asked for or complained about."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: Path) -> Page:
        self.page.goto(path.as_uri())
        self.page.evaluate("document.fonts.ready")
        return self.page

    @property
    def outside(self) -> list[str]:
        return [url for url in self.requests if not url.startswith(("file:", "data:"))]


def make_notebook(path: Path, *cells: str) -> Path:
    """Write a notebook: cells that begin with # or Markdown prose are text, the rest is code."""
    kinds = [new_markdown_cell(cell) if cell.startswith("#") else new_code_cell(cell) for cell in cells]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=kinds), path)
    return path


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in a folder with a space and Chinese characters in its name, with its report built."""
    root = tmp_path_factory.mktemp("a folder") / "孟州 study"
    notebooks = root / "notebooks"
    make_notebook(notebooks / "01-gap.ipynb", PROSE, FIGURE, TABLE, SENTENCE, "## What this does not show")
    make_notebook(notebooks / "02-next.ipynb", "# What comes next?", "1 + 1")
    runs = {path.stem: notebook for path, notebook in run_notebooks(notebook_paths(notebooks))}
    write_report(runs, root / "reports", TITLE_PAGE)
    return root


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    one = Visit(context.new_page())
    one.page.on("request", lambda request: one.requests.append(request.url))
    one.page.on("console", lambda message: one.complaints.append(message.text))
    one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
    one.page.on("requestfailed", lambda request: one.complaints.append(request.url))
    yield one
    context.close()


def embedded_glyphs(page: Page, selector: str) -> int:
    """Glyphs of the first such element that the browser took from a font of the page, not of the machine."""
    session = page.context.new_cdp_session(page)
    for domain in ("DOM", "CSS"):
        session.send(f"{domain}.enable")
    document = session.send("DOM.getDocument")["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": document, "selector": selector})["nodeId"]
    fonts = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    return int(sum(font["glyphCount"] for font in fonts if font["isCustomFont"]))


def test_title_page_says_at_the_top_which_data(tree: Path, visit: Visit) -> None:
    page = visit.open(tree / "reports" / "index.html")
    statement = page.locator(".data-statement")
    first_section = page.locator("article section > *").nth(1)
    assert "Simulated panel on the real roster of 孟州市." in statement.inner_text()
    assert "data-statement" in first_section.get_attribute("class")
    assert statement.bounding_box()["y"] < 300
    titles = ["Did the gap move in 孟州市?", "What comes next?", "Words used in this report"]
    assert page.locator(".toctree-wrapper a").all_inner_texts() == titles
    assert (visit.outside, visit.complaints) == ([], [])


def test_page_is_whole_without_network(tree: Path, visit: Visit) -> None:
    page = visit.open(tree / "reports" / "index.html")
    page.locator(".toctree-wrapper a").first.click()
    page.wait_for_url("**/01-gap.html")
    page.evaluate("document.fonts.ready")
    assert "It fell from $5 to $4." in page.locator("article").inner_text(), "amounts of money are no formula"
    assert page.locator(".cell_output img").evaluate("image => image.naturalWidth") > 0
    assert page.locator("table.dataframe td").all_inner_texts() == ["赵和镇", "12345.6"]
    assert "Villages of 南庄镇 earned more (p < 1, $5)." in page.locator("article p").all_inner_texts()
    assert "<Axes" not in page.locator("article").inner_text()
    assert (visit.outside, visit.complaints) == ([], [])


@pytest.mark.parametrize(
    "selector", ["h1", "article section > p", "article p strong", "table.dataframe td", ".cell_output p"]
)
def test_hanzi_are_drawn_from_the_embedded_font(tree: Path, visit: Visit, selector: str) -> None:
    page = visit.open(tree / "reports" / "01-gap.html")
    wanted = len(HANZI.findall(page.locator(selector).first.inner_text()))
    assert wanted > 0
    assert embedded_glyphs(page, selector) == wanted


def test_lost_font_would_be_noticed(tree: Path, visit: Visit, tmp_path: Path) -> None:
    stylesheet = tree / "reports" / "_static" / "hanzi.css"
    rules = stylesheet.read_text(encoding="utf-8")
    try:
        stylesheet.write_text("", encoding="utf-8")
        page = visit.open(tree / "reports" / "01-gap.html")
        assert embedded_glyphs(page, "h1") == 0
    finally:
        stylesheet.write_text(rules, encoding="utf-8")


def test_request_to_the_outside_would_be_noticed(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<script src='https://host.invalid/x.js'></script>", encoding="utf-8")
    visit.open(path)
    assert visit.outside == ["https://host.invalid/x.js"]
    assert visit.complaints


def test_links_lead_on_within_the_report(tree: Path, visit: Visit) -> None:
    page = visit.open(tree / "reports" / "01-gap.html")
    links = page.locator("article section > p a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert links == ["02-next.html"]
    assert "see the data and next" in page.locator("article").inner_text()


def test_narrow_screen_does_not_scroll_sideways(tree: Path, visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 420, "height": 800})
    page = visit.open(tree / "reports" / "01-gap.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_report_holds_only_what_a_reader_needs(tree: Path) -> None:
    reports = tree / "reports"
    names = {path.name for path in reports.rglob("*")}
    assert names.isdisjoint({".buildinfo", ".doctrees", "_sources", "objects.inv", "genindex.html"})
    scripts = [path.read_text(encoding="utf-8") for path in reports.rglob("*.html")]
    assert not [text for text in scripts if re.search(r"<(script|link)[^>]+(src|href)=[\"']?(https?:)?//", text)]


def test_stored_notebooks_are_not_touched(tree: Path) -> None:
    stored = nbformat.read(tree / "notebooks" / "01-gap.ipynb", as_version=4)
    assert all(cell.execution_count is None for cell in stored.cells if cell.cell_type == "code")


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A folder that holds an older report."""
    (tmp_path / "reports" / "_static").mkdir(parents=True)
    (tmp_path / "reports" / "_static" / "report.css").touch()
    (tmp_path / "reports" / "gone.html").write_text("old", encoding="utf-8")
    return tmp_path / "reports"


def test_older_report_is_replaced_whole(older: Path) -> None:
    write_report({"01-page": new_notebook(cells=[new_markdown_cell("# Title")])}, older, TITLE_PAGE)
    assert not (older / "gone.html").exists()
    assert (older / "index.html").exists()
    assert [path.name for path in older.parent.iterdir()] == ["reports"]


def test_older_report_stays_whole_while_one_of_its_files_is_open(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise PermissionError("used by another process")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError, match="another process"):
        write_report({"01-page": new_notebook(cells=[new_markdown_cell("# Title")])}, older, TITLE_PAGE)
    assert (older / "gone.html").read_text(encoding="utf-8") == "old"


def test_page_that_cannot_be_built_is_said_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise SphinxError("No such theme.")

    monkeypatch.setattr(pages, "Sphinx", fail)
    with pytest.raises(NotebookError, match="No such theme"):
        write_report({"01-page": new_notebook()}, tmp_path / "reports", TITLE_PAGE)
    assert not (tmp_path / "reports").exists()


def test_other_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(FileExistsError, match="not a report; choose an empty folder"):
        write_report({}, tmp_path, TITLE_PAGE)
    assert (tmp_path / "thesis.txt").exists()


def test_no_notebook_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="No notebook"):
        notebook_paths(tmp_path)


@pytest.fixture(scope="module")
def whole_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own report, from the stored outputs (compared with a fresh run elsewhere), and what was warned."""
    stored = {path.stem: nbformat.read(path, as_version=4) for path in STORED}
    home = tmp_path_factory.mktemp("report")
    with contextlib.redirect_stderr(io.StringIO()) as warned:
        report = write_report(stored, home / "reports", TITLE_PAGE).parent
    (home / "warned.txt").write_text(warned.getvalue(), encoding="utf-8")
    return report


def test_own_report_builds_without_warning(whole_report: Path) -> None:
    assert (whole_report.parent / "warned.txt").read_text(encoding="utf-8") == ""


def test_report_of_the_command_shows_what_notebooks_store(whole_report: Path) -> None:
    """The pages of `make report` show what the notebooks store."""
    written = ROOT / "reports"
    made_from = json.loads((written / MANIFEST).read_text("utf-8"))["project"] if (written / MANIFEST).exists() else {}
    if made_from.get("changed_since", True) or made_from != {"version": made_from["version"], **_commit(ROOT)}:
        said = "NO REPORT OF THIS COMMIT WAS COMPARED WITH STORED OUTPUTS: run `make report` first"
        pytest.fail(said) if os.environ.get("REQUIRE_REPORT") else pytest.skip(said)
    for path in STORED:
        assert shown_on(written / f"{path.stem}.html", whole_report / f"{path.stem}.html") == [], path.stem


def shown_on(fresh: Path, stored: Path) -> list[str]:
    """What differs between the articles of two pages: in the text, or in figures by more than a shade.

    The lines that lead to tables and figures for a paper are left out: stored outputs have none.
    """
    pages = [re.search(r"<article.*</article>", one.read_text("utf-8"), re.DOTALL).group() for one in (fresh, stored)]
    pages = [re.sub(r'\s*<p class="to-take">.*?</p>', "", page, flags=re.DOTALL) for page in pages]
    lines, others = ([line.strip() for line in re.sub(r"<[^>]+>", "", page).splitlines()] for page in pages)
    changed = [f"{line!r}, stored {other!r}" for line, other in zip_longest(lines, others) if line != other]
    images, known = (re.findall(r'<img[^>]* src="([^"]+)"', page) for page in pages)
    if len(images) != len(known):
        return [*changed, f"{len(images)} figures, stored {len(known)}"]
    pairs = (
        ((fresh.parent / one).read_bytes(), (stored.parent / other).read_bytes())
        for one, other in zip(images, known, strict=True)
    )
    return changed + [f"figure {n}" for n, pair in enumerate(pairs, 1) if difference(*pair) > FIGURE_TOLERANCE]


def test_a_page_that_shows_another_number_or_figure_is_noticed(tree: Path, tmp_path: Path) -> None:
    page, copy = tree / "reports" / "01-gap.html", tmp_path / "reports"
    shutil.copytree(tree / "reports", copy)
    assert shown_on(page, copy / page.name) == []
    text = page.read_text("utf-8")
    (copy / page.name).write_text(text.replace("12345.6", "12345.7"), "utf-8")
    assert len(shown_on(page, copy / page.name)) == text.count("12345.6") > 0
    (copy / page.name).write_text(text, "utf-8")
    for picture in (copy / "_images").glob("*.png"):
        Image.new("RGBA", Image.open(picture).size, "white").save(picture)
    assert shown_on(page, copy / page.name) == ["figure 1"]


@pytest.mark.parametrize("name", ["index", *(path.stem for path in STORED)])
def test_own_page_is_whole_without_network(whole_report: Path, visit: Visit, name: str) -> None:
    page = visit.open(whole_report / f"{name}.html")
    pictures = page.locator("article img").evaluate_all("images => images.map(image => image.naturalWidth)")
    article = page.locator("article")
    assert min([*pictures, 1]) > 0
    assert not re.search(r"\$[^$]*\\[a-z]+", article.evaluate(OUTSIDE_CODE)), "a formula left as it was written"
    glyphs = TTFont(whole_report / "_static" / "hanzi-400.woff").getBestCmap()
    assert {char for char in HANZI.findall(article.inner_text()) if ord(char) not in glyphs} == set()
    assert (visit.outside, visit.complaints) == ([], [])
