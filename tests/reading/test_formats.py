"""Kinds of file beside .xlsx and CSV, and files under another name: the same study from each.

`files/ledger.xls` was written by xlwt 1.3 and `files/ledger.ods` by odfpy 1.4 from the workbook of
`with_titles_and_totals` in test_layouts.py, with a column 比重 of 35.0% (0.35) and a column 编号 of 7 shown as 007.
"""

import sys
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from analysis import StudyError, load_study
from analysis.reading.read_panel import read_panel

FILES = Path(__file__).parent / "files"
KINDS = {"村代码": "code", "乡镇": "code", "年份": "year", "收入": "number"}
SMALL = [["村代码", "年份", "收入"], ["007", 2020, 1.5], ["007", 2021, 2], ["008", 2020, 3]]


@pytest.mark.parametrize("name", ["ledger.xls", "ledger.ods"])
def test_formats_merged_cells_and_hidden_rows_are_read(name):
    read = read_panel(FILES / name, KINDS | {"片区": "code", "加入年份": "start", "比重": "number", "编号": "code"})
    assert len(read.frame) == 64
    assert read.frame["乡镇"].tolist() == ["赵和镇"] * 32 + ["槐树乡"] * 32
    assert set(read.frame["比重"]) == {0.35}
    assert set(read.frame["编号"]) == {"007"}
    assert read.frame["收入"].iloc[0] == 8.0
    assert read.frame["年份"].tolist()[:2] == [2020, 2020]
    assert read.units["收入"] == ("万元", "row 2 (单位：万元)")
    assert read.notes[0] == "64 rows read (1 of them hidden in the sheet)."


@pytest.mark.parametrize("name", ["ledger.xls", "ledger.ods"])
def test_per_cent_stays_per_cent_where_that_is_the_unit(name):
    assert set(read_panel(FILES / name, KINDS | {"比重": "percentage"}).frame["比重"]) == {35.0}


def small(folder: Path, kind: str) -> Path:
    path = folder / f"数据{kind}"
    if kind == ".xlsx":
        book = openpyxl.Workbook()
        for row in SMALL:
            book.active.append(row)
        book.save(path)
    elif kind == ".html":
        rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in SMALL)
        head = "<html><meta charset=gbk><table><tr><td colspan=3>各村收入</td></tr>"
        path.write_bytes(f"{head}{rows}</table></html>".encode("gb18030"))
    else:
        text = "".join("\t".join(map(str, row)) + "\n" for row in SMALL)
        path.write_bytes(text.encode("utf-16" if kind == ".txt" else "utf-8"))
    return path


@pytest.mark.parametrize(
    ("kind", "dress", "said"),
    [
        (".html", ".xls", " (GB18030) (by its content .html, not .xls)"),
        (".xlsx", ".xls", " (by its content .xlsx, not .xls)"),
        (".xlsx", ".csv", " (by its content .xlsx, not .csv)"),
        (".tsv", ".xls", None),
        (".tsv", ".csv", " (columns separated by tabs)"),
        (".txt", ".csv", " (UTF-16) (columns separated by tabs)"),
    ],
)
def test_a_file_in_another_dress_is_known_by_its_content(tmp_path, kind, dress, said):
    path = small(tmp_path, kind).rename(tmp_path / f"另存{dress}")
    read = read_panel(path, {"村代码": "code", "年份": "year", "收入": "number"})
    assert read.frame.to_numpy().tolist() == [["007", 2020, 1.5], ["007", 2021, 2.0], ["008", 2020, 3.0]]
    assert said is None or read.notes[0] == f"3 rows read{said}."


def test_cells_that_span_rows_of_a_web_page_and_cells_left_open(tmp_path):
    path = tmp_path / "网页.xls"
    path.write_text(
        "<table><tr><th>乡镇<th>村名</th><th>收入</th></tr>"
        "<tr><td rowspan='2'>赵和镇</td><td>甲村</td><td>1</td></tr><tr><td>乙村</td><td>2<br></td></tr>"
        "<tr><td>槐树乡</td><td>丙村</td><td>3</td></tr></table>",
        encoding="utf-8",
    )
    read = read_panel(path, {"乡镇": "code", "村名": "code", "收入": "number"})
    assert read.frame.to_numpy().tolist() == [["赵和镇", "甲村", 1], ["赵和镇", "乙村", 2], ["槐树乡", "丙村", 3]]
    assert read.notes[1] == "'乡镇': 1 merged area filled down their rows: A2:A3."


def test_spss_files_with_their_value_labels(tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat")
    frame = pd.DataFrame(
        {"village": [1.0, 1, 2, 2], "year": [2020.0, 2021] * 2, "start": [2021, 2021, None, None], "y": [1, 2, 3, 4.5]}
    )
    labels = {"village": {1: "甲村", 2: "乙村"}}
    pyreadstat.write_sav(frame, tmp_path / "数据.sav", variable_value_labels=labels)
    (tmp_path / "study.toml").write_text(
        'panel = "数据.sav"\n[columns]\nunit = "village"\ntime = "year"\nfirst_treated = "start"\n[outcomes.y]\n',
        encoding="utf-8",
    )
    with pytest.warns(UserWarning, match="Only 1 treated group"):
        study = load_study(tmp_path / "study.toml")
    assert study.units.index.tolist() == ["乙村", "甲村"]
    assert study.reading[0] == "数据.sav: 4 rows read (value labels of village)."


def test_numbers_shown_divided_are_seen_in_ods(tmp_path):
    with zipfile.ZipFile(FILES / "ledger.ods") as old, zipfile.ZipFile(tmp_path / "a.ods", "w") as new:
        new.writestr("content.xml", old.read("content.xml").replace(b">8<", ">0.0008万<".encode(), 1))
    with pytest.raises(
        StudyError, match=r"^a\.ods has 1 cell whose format divides what is shown, .*: 0\.0008万 for 8\."
    ):
        read_panel(tmp_path / "a.ods", KINDS)


def test_spss_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    (tmp_path / "数据.sav").write_bytes(b"$FL2 and so on")
    with pytest.raises(StudyError) as refusal:
        read_panel(tmp_path / "数据.sav", KINDS)
    assert str(refusal.value) == (
        "数据.sav is of SPSS, which needs the package pyreadstat. Install it, or save the file as .dta or .csv in SPSS."
    )
