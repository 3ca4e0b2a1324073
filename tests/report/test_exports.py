"""What goes into a paper: cells that run nothing, numbers in full, figures as drawn, the same bytes again."""

import io
import json
from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from openpyxl import load_workbook
from PIL import Image

from analysis import Table
from analysis.report.exports import PRINT_DPI, Exports, figure_for_paper, harmless, table_for_paper
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
    table = {"caption": "C", "columns": ["a"], "rows": [[1]], "latex": "x"}
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
