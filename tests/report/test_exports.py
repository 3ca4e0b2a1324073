"""What goes into a paper: cells that run nothing, numbers in full, figures as drawn, the same bytes again."""

import io
import json
import re
from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
from docx import Document
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from nbformat.v4 import new_code_cell, new_notebook, new_output
from openpyxl import load_workbook
from PIL import Image

from analysis import Table
from analysis.report.exports.paper import (
    PRINT_DPI,
    TABLE,
    Exports,
    figure_for_paper,
    in_print,
    table_for_paper,
    take_exports,
)
from analysis.report.exports.word import write_text
from analysis.report.exports.workbook import harmless
from analysis.report.manifest import hashes


def contents(folder: Path) -> Mapping[str, bytes]:
    """Every file of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("value", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", " =1", "\t=1", "\tcmd", "\rcmd"])
def test_text_like_a_formula_is_neutralised(value: str) -> None:
    assert harmless(value) == f"'{value}"


@pytest.mark.parametrize("value", ["-5", "+1.5", "-", "南庄", "", 5, -5, None, "-12%", True])
def test_other_cells_are_written_as_they_are(value: object) -> None:
    assert harmless(value) is value


def test_what_a_workbook_cannot_hold_is_left_out() -> None:
    assert harmless("\x00=1\x07") == "'=1"


def test_table_for_paper_keeps_headings_and_says_what_is_missing() -> None:
    columns = pd.MultiIndex.from_tuples([("income", "mean"), ("income", "n")])
    index = pd.MultiIndex.from_tuples([("镇", 2020), ("镇", 2021)], names=["town", None])
    frame = pd.DataFrame([[0.1 + 0.2, 1], [float("nan"), 2]], index=index, columns=columns)
    table = table_for_paper(Table(frame, "C"))
    assert table["columns"] == ["town", "", "income / mean", "income / n"]
    assert table["rows"] == [["镇", 2020, 0.1 + 0.2, 1], ["镇", 2021, None, 2]]
    json.dumps(table, allow_nan=False)


def test_small_figure_is_not_enlarged_and_the_same_bytes_come_again() -> None:
    small = Figure(figsize=(2, 1))
    small.subplots().set(title="Income (\\$)")
    first = figure_for_paper(small)
    assert first["title"] == "Income ($)"
    assert first == figure_for_paper(small)
    with Image.open(io.BytesIO(b64decode(first["png"]))) as image:
        assert image.width / PRINT_DPI == pytest.approx(2, abs=0.5), "its own size, less or more its margins"


def test_exports_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    table = table_for_paper(Table(pd.DataFrame({"a": [1]}), "C"))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        Exports({"page-1": table}, {}).write(tmp_path / name, "Data.")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert load_workbook(tmp_path / "one" / "tables.xlsx").properties.modified.year == 2000, "no time of making"


def test_hashes_name_no_folder_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.csv").write_text("a", encoding="utf-8")
    found = hashes([tmp_path / "elsewhere.csv"], tmp_path / "study")
    assert found == {"elsewhere.csv": sha256(b"a").hexdigest()}


def test_latex_caption_may_hold_any_sign() -> None:
    latex = Table(pd.DataFrame({"p_value": [0.5]}), "95 % & #1 _a_ {b} $ ~^ \\input").to_latex()
    signs = r"\caption{95 \% \& \#1 \_a\_ \{b\} \$ \textasciitilde{}\textasciicircum{} \textbackslash{}input}"
    assert signs in latex
    assert "\np \\\\\n" in latex
    assert r"\label{tab:table}" in latex


def test_a_very_small_p_value_is_shown_as_less_than_a_thousandth_and_kept_in_the_workbook() -> None:
    table = Table(pd.DataFrame({"p_value": [0.0002, 0.04, float("nan")], "estimate": [0.0002, 1.0, 2.0]}), "C")
    assert repr(table).splitlines()[2].split() == ["<0.001", "0.00020"]
    assert ">&lt;0.001</td>" in table._repr_html_()
    assert r"\textless{}0.001 & 0.00020" in table.to_latex()
    assert repr(table).count("nan") == 0
    assert table_for_paper(table)["rows"][0] == [0.0002, 0.0002]


RESULTS = pd.DataFrame(
    {"estimate": [12.34, 5678.9], "low": [1.1, 4000.0], "high": [23.6, 7000.0], "year": [2023, 2024]},
    index=pd.Index(["甲村", "乙村"], name="village"),
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One table and one figure of a user's own data, as files beside a Chinese report."""
    folder = tmp_path_factory.mktemp("written")
    drawn = Figure(figsize=(2, 1))
    axes = drawn.subplots()
    axes.plot([2023, 2024], [1.5, 2.5], label="inside")
    axes.axvline(2023)
    axes.set_title("Income (your data)")
    table = Table(RESULTS, "收入（您的数据）", "zh", note="一行一村。")
    Exports({"page-1": table_for_paper(table)}, {"page-1": figure_for_paper(drawn)}).write(folder, "说明。", "zh")
    return folder


def test_word_has_the_table_with_three_rules_its_number_and_its_note(written: Path) -> None:
    document = Document(str(written / "tables.docx"))
    assert [paragraph.text for paragraph in document.paragraphs] == ["说明。", "表1　收入", "一行一村。"]
    (table,) = document.tables
    cells = [[cell.text.strip() for cell in row.cells] for row in table.rows]
    assert cells[0] == ["村", "估计值", "95%置信区间", "年份"]
    assert cells[1:] == [["甲村", "12", "1至24", "2023"], ["乙村", "5,679", "4,000至7,000", "2024"]]
    rules = [re.findall(r"<w:(top|bottom) ", row._tr.xml) for row in table.rows]
    assert rules == [["top", "bottom"] * 4, [], ["bottom"] * 4]


def test_a_workbook_shows_numbers_with_the_digits_of_the_page_and_keeps_all(written: Path) -> None:
    sheet = load_workbook(written / "tables.xlsx")["page-1"]
    assert [cell.value for cell in sheet[3]] == ["甲村", 12.34, 1.1, 23.6, 2023]
    assert [cell.number_format for cell in sheet[3]] == ["General", *["#,##0;−#,##0"] * 3, "General"]
    assert sheet["A5"].value == "一行一村。"


def test_each_table_and_figure_has_its_numbers_as_text(written: Path) -> None:
    lines = (written / "tables" / "page-1.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines == [
        "村,估计值,95%置信区间下限,95%置信区间上限,年份",
        "甲村,12.34,1.1,23.6,2023",
        "乙村,5678.9,4000.0,7000.0,2024",
    ]
    lines = (written / "figures" / "page-1.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines == ["panel,series,x,y,x end,y end", "1,inside,2023.0,1.5,,", "1,inside,2024.0,2.5,,"]
    assert r"\label{tab:page-1}" in (written / "tables" / "page-1.tex").read_text(encoding="utf-8")
    assert (written / "figures" / "page-1.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_intervals_bars_and_cells_have_their_numbers_too() -> None:
    figure = Figure()
    intervals, bars, cells = figure.subplots(3)
    none = float("nan")
    intervals.errorbar([2023, 2024], [1.0, 4.0], yerr=[[0.5, none], [2.0, none]], capsize=3, label="effect")
    bars.hist([1.0, 1.5, 3.0], bins=[1, 2, 4])
    cells.imshow([[0, 1]], ListedColormap(["#ff0000", "#00ff00"]), extent=(2022.5, 2024.5, 1, 0))
    figure.legend(handles=[Patch(color="#ff0000", label="no report")])
    assert figure_for_paper(figure)["rows"] == [
        [1, "effect", 2023.0, 1.0, None, None],
        [1, "effect", 2024.0, 4.0, None, None],
        [1, "effect", 2023.0, 0.5, 2023.0, 3.0],
        [2, "", 1.0, 2.0, 2.0, 2.0],
        [2, "", 2.0, 1.0, 4.0, 1.0],
        [3, "no report", 2023.0, 0.5, None, None],
        [3, "", 2024.0, 0.5, None, None],
    ]


def test_print_says_nothing_of_your_data_and_all_of_simulated_ones() -> None:
    figure = Figure()
    title = figure.subplots().set_title("Income (your\ndata; dashed: start)")
    assert figure_for_paper(figure)["title"] == "Income (dashed: start)"
    assert title.get_text() == "Income (your\ndata; dashed: start)", "the page still says it"
    assert in_print("收入（元；您的数据）") == "收入（元）"
    assert in_print("Income (simulated data)") == "Income (simulated data)"


def test_what_two_pages_show_has_a_name_on_each() -> None:
    content = table_for_paper(Table(RESULTS, "C"))
    outputs = [new_output("display_data", data={TABLE: [content]}) for _ in range(2)]
    pages = {
        name: new_notebook(cells=[new_code_cell(outputs=[output])]) for name, output in zip("ab", outputs, strict=True)
    }
    assert [*take_exports(pages).tables] == ["a-1", "b-1"]
    assert 'href="tables/b-1.csv"' in pages["b"].cells[0].outputs[-1]["data"]["text/html"]


def test_markdown_becomes_a_document_with_its_picture(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    write_text(tmp_path / "a.docx", "## Sum\n\n**Answer.** 5 \\* 3\n\n![t](a.png)\n\n- one\n\nlast", tmp_path)
    document = Document(str(tmp_path / "a.docx"))
    said = [(paragraph.style.name, paragraph.text) for paragraph in document.paragraphs]
    assert said == [
        ("Heading 1", "Sum"),
        ("Normal", "Answer. 5 * 3"),
        ("Normal", ""),
        ("List Bullet", "one"),
        ("Normal", "last"),
    ]
    assert [run.text for run in document.paragraphs[1].runs if run.bold] == ["Answer."]
    assert len(document.inline_shapes) == 1
