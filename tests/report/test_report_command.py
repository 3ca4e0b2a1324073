"""`python -m analysis report` on another study: whole where it can be, plain where it cannot, harmless, repeatable."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import sha256
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebook_text import english_runs
from openpyxl import load_workbook
from PIL import Image

import analysis
from analysis import StudyError, load_study
from analysis import __main__ as commands
from analysis.language.labels import say
from analysis.report import build
from analysis.report.build import OWN_STUDY, build_report, default_output
from analysis.report.manifest import SEED_OF_DRAWS
from analysis.report.notebooks import OF_THE_DEFAULT_STUDY, TITLE, NotebookError, notebook_paths, pages_on, run_notebook
from analysis.report.title_page import TitlePage, literal, to_html
from analysis.simulation.simulate import SEED

ROOT = Path(__file__).resolve().parents[2]
CM = 2.54
MOST_RUNS = 10
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>![x](https://host.invalid/x.png)"
STUDY = f"""
title = '''{ATTACK} ```
```{{raw}} html
孟州 {{raw}}`<b>`'''
language = "zh"
panel = "面板.csv"
provenance = "invented"
[columns]
unit = "village"
time = "year"
first_treated = "start"
group = "district"
[outcomes.income]
label_en = '{ATTACK} Income $\\text{{<script>alert(3)</script>}}$'
label_zh = '{ATTACK}收入'
unit = "CNY"
definition = '{ATTACK}'
prices = "nominal"
"""
FIRST = (
    "# First?",
    "import warnings\nfrom IPython.display import Markdown\nfrom matplotlib import pyplot as plt\nimport pandas as pd\n"
    "from analysis import Table, did, load_study, use_style\nuse_style()\nstudy = load_study()\nstudy",
    "sizes = study.frame.groupby('group').size().to_frame('rows')\n"
    "Table(sizes.assign(share=1 / 3), '=HYPERLINK(片区)')",
    "ax = plt.subplot()\nax.set(title=f'孟州市 {study.language}')\nax",
    "did(study, 'income')",
    "warnings.warn('Mind the gap.')\nMarkdown(f'**{study.label_of(\"income\")}**')",
)
SECOND = (
    "# Second?",
    "from analysis import StudyError, load_study\nstudy, total = load_study(), 1",
    "if study.starts == [2022]:\n    raise StudyError('Only <b>one</b> start. Bring more.')\ntotal = 5",
    "if study.starts == [2022]:\n    raise StudyError('Only <b>one</b> start. Bring more.')",
    "print(total, 'at last')",
)


def make_study(folder: Path, text: str = STUDY) -> Path:
    """Nine villages of three districts over four years; one district starts in 2022; its code is a formula."""
    places = [f"=1+{district}<b>" for district in range(3) for _ in range(3)]
    rows = [
        (f"v{at}", year, 2022 if at < 3 else None, place, 100 + 7 * at * (year - 2018) % 11 + 20 * (year >= 2022 > at))
        for at, place in enumerate(places)
        for year in range(2020, 2024)
    ]
    folder.mkdir(parents=True)
    panel = pd.DataFrame(rows, columns=["village", "year", "start", "district", "income"]).astype({"start": "Int64"})
    panel.to_csv(folder / "面板.csv", index=False, encoding="utf-8", lineterminator="\n")
    (folder / "study.toml").write_text(text, encoding="utf-8", newline="\n")
    return folder / "study.toml"


def make_notebooks(folder: Path, **notebooks: tuple[str, ...]) -> Path:
    """Write notebooks by name: the first cell of each is prose."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (prose, *sources) in notebooks.items():
        cells = [new_markdown_cell(prose), *map(new_code_cell, sources)]
        nbformat.write(new_notebook(cells=cells), folder / f"{name.replace('_', '-')}.ipynb")
    return folder


def contents(folder: Path) -> Mapping[str, bytes]:
    """Every file of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study whose text is hostile, two notebooks, the report, and what the command said."""
    home = tmp_path_factory.mktemp("a home") / "孟州 study"
    file = make_study(home / "panel")
    notebooks = make_notebooks(home / "notebooks", first_1=FIRST, second_2=SECOND)
    before = contents(home)
    said = build_report(file, notebooks=notebooks)
    (home / "said.txt").write_text("\n".join(said), encoding="utf-8")
    unchanged = {name: content for name, content in contents(home).items() if name in before}
    assert unchanged == before, "notebooks and inputs are not touched"
    assert {path.name for path in home.iterdir()} == {"panel", "notebooks", "panel-report", "said.txt"}
    return home


@pytest.fixture(scope="module")
def report(home: Path) -> Path:
    return home / "panel-report"


class Page(HTMLParser):
    """Tags with their attributes, and the text that a reader sees."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data if self.tags and self.tags[-1][0] not in ("script", "style") else ""

    def attributes(self, name: str) -> Iterator[str]:
        yield from (attributes[name] or "" for _, attributes in self.tags if name in attributes)


@pytest.fixture(scope="module")
def pages(report: Path) -> Mapping[str, Page]:
    return {path.stem: Page(path) for path in report.glob("*.html")}


def test_what_the_command_says(home: Path, report: Path) -> None:
    assert (home / "said.txt").read_text(encoding="utf-8").splitlines() == [
        f"Open {report / 'index.html'} in a browser.",
        "Beside it: tables.xlsx and tables.docx with 1 table, tables/ as LaTeX and CSV, figures/ with 1 figure as PDF, "
        "SVG and PNG, versions-and-files.json.",
        "1 step left out, which this study cannot support; the title page lists them.",
    ]


def test_unsupported_step_says_why_and_the_rest_goes_on(pages: Mapping[str, Page]) -> None:
    text = pages["second-2"].text
    title = say("zh", TITLE)
    assert text.count(title) == 1, "of two steps that are refused alike the first says it"
    assert f"{title}Only <b>one</b> start. Bring more." in text.replace("\n", "")
    assert "1 at last" in text
    assert "Traceback" not in text


def test_title_page_lists_what_is_left_out(pages: Mapping[str, Page]) -> None:
    text = pages["index"].text
    assert text.count("Only <b>one</b> start. Bring more.") == 1


def test_title_page_opens_with_the_data_and_a_summary_in_both_languages(pages: Mapping[str, Page]) -> None:
    text = pages["index"].text
    marks = ["虚构数据：9个村", "摘要", "Summary", "First?", "可下载的文件"]
    places = [text.index(mark, text.index("本报告所用数据")) for mark in marks]
    assert places == sorted(places)
    assert text.count("Summary") == 2, "as what unfolds it, and as its heading"
    assert ("回到顶部" in text, "Back to top" in text) == (True, False), "the theme's own words"


def test_screen_readers_hear_the_reports_language(pages: Mapping[str, Page]) -> None:
    read = {label for page in pages.values() for label in page.attributes("aria-label")}
    assert {label for label in read if label.isascii()} == set()
    assert "显示或隐藏导航栏" in read
    assert "搜索需要启用JavaScript。" in pages["search"].text
    assert "孟州市 zh" in pages["first-1"].attributes("alt"), "a figure is read by its title"


def test_a_chinese_report_has_hardly_an_english_sentence(report: Path) -> None:
    """The notebooks' prose and outputs are looked at where they are translated and run."""
    bodies = {path.stem: path.read_text(encoding="utf-8").partition("<body")[2] for path in report.glob("*.html")}
    found = {name: english_runs(body) for name, body in bodies.items()}
    assert {"index", "glossary", "search"} <= found.keys()
    assert sum(map(len, found.values())) < MOST_RUNS, found


def test_every_link_of_the_report_leads_to_a_file(report: Path, pages: Mapping[str, Page]) -> None:
    links = {link for page in pages.values() for name in ("href", "src") for link in page.attributes(name)}
    files = {link.partition("#")[0].partition("?")[0] for link in links if not link.startswith(("http", "data:", "#"))}
    taken = {"tables.xlsx", "versions-and-files.json", "figures/first-1-1.pdf", "tables/first-1-1.tex"}
    taken |= {f"tables/first-1-1.{ending}" for ending in ("csv", "tex")} | {"tables.docx"}
    taken |= {f"figures/first-1-1.{ending}" for ending in ("pdf", "svg", "png")}
    assert taken | {f"summary-{name}" for name in ("en.png", "zh.png", "en.docx", "zh.docx")} <= files
    assert [file for file in files if file and not (report / file).is_file()] == []


def test_text_of_the_study_is_shown_and_never_live(pages: Mapping[str, Page]) -> None:
    for page in pages.values():
        assert [name for _, attributes in page.tags for name in attributes if name.startswith("on")] == []
        assert [link for link in page.attributes("src") if "host.invalid" in link or link == "x"] == []
        assert "u" not in {tag for tag, _ in page.tags}
        assert ATTACK in page.text, "in the sidebar, where the title stands"
    scripts = (page.rawdata for page in pages.values())
    assert not [text for text in scripts if re.search(r"<script[^>]*>\s*alert", text)]
    assert f"{ATTACK}收入" in pages["first-1"].text


def test_nothing_that_is_private_or_of_the_machine_is_on_a_page(home: Path, pages: Mapping[str, Page]) -> None:
    for page in pages.values():
        assert "vnd.analysis" not in page.rawdata
        assert home.parent.name not in page.rawdata
        assert "ipykernel" not in page.rawdata
    assert "Mind the gap." in pages["first-1"].text


def test_workbook_has_every_table_with_caption_and_full_numbers(report: Path) -> None:
    book = load_workbook(report / "tables.xlsx")
    assert book.sheetnames == ["tables", "first-1-1"]
    listing, sheet = book["tables"], book["first-1-1"]
    assert listing["A1"].value.startswith("虚构数据：9个村")
    assert (listing["A3"].value, listing["B3"].value) == ("first-1-1", "'=HYPERLINK(片区)")
    assert listing["A3"].hyperlink.location == "'first-1-1'!A1"
    assert [cell.value for cell in sheet["A"]] == ["'=HYPERLINK(片区)", "group", "'=1+0<b>", "'=1+1<b>", "'=1+2<b>"]
    assert [cell.value for cell in sheet[3]] == ["'=1+0<b>", 12, 1 / 3]
    assert {cell.data_type for row in sheet for cell in row} == {"s", "n"}, "no formula"


def test_latex_is_written_for_each_table(report: Path) -> None:
    text = (report / "tables" / "first-1-1.tex").read_text(encoding="utf-8")
    assert text.startswith("% Needs \\usepackage{booktabs")
    assert "\\toprule" in text
    assert "片区" in text


def test_figures_are_for_print(report: Path) -> None:
    pdf = (report / "figures" / "first-1-1.pdf").read_bytes()
    assert set(re.findall(rb"/Subtype /(Type\d|CIDFontType\d|TrueType)", pdf)) == {b"Type3"}, "glyphs as outlines"
    assert b"NotoSansCJKsc" in pdf
    assert b"CreationDate" not in pdf
    with Image.open(report / "figures" / "first-1-1.png") as image:
        assert [round(density) for density in image.info["dpi"]] == [300, 300]
        assert 15.5 < image.width / 300 * CM <= 16, "a page of A4 less its margins"


def test_manifest_says_what_the_report_rests_on(home: Path, report: Path) -> None:
    text = (report / "versions-and-files.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    expected = {name: sha256(content).hexdigest() for name, content in contents(home / "panel").items()}
    assert manifest["study_files"] == expected
    assert (manifest["language"], manifest["seeds"]) == ("zh", {"draws": 2023}), "nothing of it was simulated"
    assert {"numpy", "pandas", "statsmodels"} <= set(manifest["packages"])
    assert manifest["project_files"]["data/villages.csv"]
    assert home.parent.name not in text
    assert not re.search(r"\d\d:\d\d:\d\d", text)


def test_seeds_of_the_manifest_are_those_of_everything_public_that_draws() -> None:
    moved = [getattr(import_module(f"analysis.{room}"), name) for name, room in analysis.MOVED.items()]
    public = [getattr(analysis, name) for name in analysis.__all__]
    verbs = [one for one in (*public, *moved) if inspect.isfunction(one)]
    parameters = {verb.__name__: inspect.signature(verb).parameters for verb in verbs}
    seeds = {name: found["seed"].default for name, found in parameters.items() if "seed" in found}
    assert {"randomization", "simulate_panel"} <= set(seeds)
    assert seeds == {name: SEED if "simul" in name else SEED_OF_DRAWS for name in seeds}


def run(folder: Path, *sources: str, **options: bool) -> NotebookNode:
    """Run a notebook that has these cells."""
    return run_notebook(make_notebooks(folder, a=("# A", *sources)) / "a.ipynb", **options)


def test_project_itself_forgives_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match=r"a.ipynb, cell 3 .*StudyError: No."):
        run(tmp_path, "from analysis import StudyError", "raise StudyError('No.')")


def test_a_notebook_that_fails_costs_its_page_and_not_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dead = ("# Dead?", "import os", "os._exit(1)  # <b>")
    pages = {"a": ("# Failing?", "1 / 0"), "b": dead, "c": ("# Whole?", "2 + 2")}
    notebooks = make_notebooks(tmp_path / "notebooks", **pages)
    monkeypatch.setattr(build, "build_report", partial(build_report, notebooks=notebooks))
    monkeypatch.setattr(build, "_summary", lambda *_: "")
    assert commands.main(["report", str(make_study(tmp_path / "panel"))]) == 1
    reasons = [
        "a.ipynb, cell 2 ('1 / 0'): ZeroDivisionError: division by zero",
        "b.ipynb, cell 3 ('os._exit(1)  # <b>'): the kernel died (out of memory?)",
    ]
    report = tmp_path / "panel-report"
    said = capsys.readouterr().err.splitlines()[-3:]
    assert said == [
        f"NotebookError: 2 pages of 3 could not be made; the others are in {report / 'index.html'}.",
        *reasons,
    ]
    assert {path.stem for path in report.glob("?.html")} == {"c"}
    text = Page(report / "index.html").text
    places = [text.index(mark) for mark in ("未能生成的页面", *reasons, "本报告所用数据")]
    assert places == sorted(places)


def test_other_errors_fail_the_report_of_any_study(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match=r"a.ipynb, cell 2 \('1 / 0'\): ZeroDivisionError"):
        run(tmp_path, "1 / 0", tolerant=True)


def test_study_error_while_a_result_is_shown_is_forgiven(tmp_path: Path) -> None:
    shown = "class Late:\n    def __repr__(self):\n        raise StudyError('Late.')\n\nLate()"
    cells = run(tmp_path, "from analysis import StudyError", shown, tolerant=True).cells
    assert [output.data["text/plain"] for output in cells[2].outputs] == [f"{TITLE}: Late."]


def test_cells_of_the_default_study_are_no_part_of_another_ones_report(tmp_path: Path) -> None:
    path = make_notebooks(tmp_path, a=("# A", "1 / 0", "2 + 2")) / "a.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].metadata["tags"] = [OF_THE_DEFAULT_STUDY]
    nbformat.write(notebook, path)
    assert [cell.source for cell in run_notebook(path, tolerant=True).cells] == ["# A", "2 + 2"]


def test_pages_on_the_method_stand_behind_those_on_the_study_and_others_are_left_out() -> None:
    on_study, on_method = pages_on(notebook_paths(ROOT / "notebooks"))
    assert [path.stem[:2] for path in on_study] == ["02", "03", "04", "05", "06", "07", "08"]
    assert [path.stem[:2] for path in on_method] == ["09", "11"]
    page = TitlePage("T", "D", method=["09-b"]).markdown(["02-a", "09-b"])
    assert page.index("02-a") < page.index("## About the method") < page.index("09-b") < page.index("glossary")


def test_kernels_of_stored_notebooks_add_nothing(tmp_path: Path) -> None:
    source = "import pandas as pd\nfrom analysis import Table\nTable(pd.DataFrame({'a': [1]}), 'A')"
    assert set(run(tmp_path, source).cells[1].outputs[0].data) == {"text/html", "text/plain"}


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("```{raw} html\n<script>\n```", '<pre><code class="language-{raw}">&lt;script&gt;\n</code></pre>\n'),
        ("{raw}`<b>` $\\text{<b>}$", "<p>{raw}<code>&lt;b&gt;</code> $\\text{&lt;b&gt;}$</p>\n"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        ("<https://host.invalid>", "<p>&lt;https://host.invalid&gt;</p>\n"),
        ("![x](//host.invalid/x.png) ![x](../x.png)", "<p>![x](//host.invalid/x.png) ![x](../x.png)</p>\n"),
        ("![x](own.png)", '<p><img src="own.png" alt="x" /></p>\n'),
    ],
)
def test_markdown_of_data_is_only_text(markdown: str, html: str) -> None:
    assert to_html(markdown) == html


@pytest.mark.parametrize("text", [ATTACK, "*a* _b_ `c` # d", "1. a | b", "&lt; \\ $x$ ~~~"])
def test_literal_text_is_shown_as_it_is(text: str) -> None:
    shown = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert to_html(literal(text)) == f"<p>{shown}</p>\n"


def test_no_sentence_closes_the_fence_that_it_stands_in() -> None:
    page = TitlePage("Title", "Data.", reading=["a\n```\n# b"], summary={"en": "~~~\n```\n~~~"})
    assert page.markdown([]).count("```") == 6, "the title page's own: HTML and two lists of pages"


def test_title_page_says_what_villages_and_districts_stand_for() -> None:
    said = "Where their text says village, read county; where it says district, read treated group."
    assert said in TitlePage("A study", "Data.", noun="county").markdown([])
    assert "read treated group" not in TitlePage("A study", "Data.").markdown([])


def test_report_goes_beside_the_study_or_into_reports() -> None:
    assert default_output(OWN_STUDY) == ROOT / "reports"
    assert default_output(Path("a", "b", "study.toml")) == Path("a", "b-report")


@pytest.mark.parametrize(("output", "how"), [("panel", "into"), ("panel/out", "into"), (".", "over")])
def test_report_is_never_written_where_the_study_lies(tmp_path: Path, output: str, how: str) -> None:
    file = make_study(tmp_path / "panel")
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "report.css").touch()
    (tmp_path / "panel" / "_static").mkdir()
    (tmp_path / "panel" / "_static" / "report.css").touch()
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match=rf"{how} the study's folder.*--output"):
        build_report(file, tmp_path / output, notebooks=tmp_path)
    assert contents(tmp_path) == before


@pytest.fixture
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "run_notebooks", lambda *_args, **_options: pytest.fail("a notebook was run"))
    monkeypatch.setattr(commands, "_prepare_environment", lambda: None)


@pytest.mark.usefixtures("_nothing_runs")
def test_bad_study_is_said_before_anything_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = make_study(tmp_path / "panel", STUDY.replace('"district"', '"片区"'))
    assert commands.main(["report", str(file)]) == 1
    assert "StudyError: 面板.csv中没有列“片区”" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["panel"]


@pytest.mark.usefixtures("_nothing_runs")
def test_command_passes_on_what_it_is_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "build_report", lambda *given: map(str, given))
    assert commands.main(["report", "a.toml", "--output", "out", "--language", "zh"]) == 0
    assert commands.main(["report"]) == 0
    assert capsys.readouterr().out.split() == ["a.toml", "out", "zh", "None", "None", "None"]


def test_summary_that_the_study_cannot_support_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> str:
        raise StudyError("No <b>outcome</b>.")

    monkeypatch.setattr(build, "write_summary", fail)
    (summary,) = map(to_html, build._summary(load_study(), tmp_path, OWN_STUDY).values())
    assert summary == f"<p><strong>{TITLE}.</strong> No &lt;b&gt;outcome&lt;/b&gt;.</p>\n"
