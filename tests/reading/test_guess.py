"""`python -m analysis template FILE`: a study.toml from a file as it is, which check then passes."""

# ruff: noqa: E501 (lines are quoted as they are written, and hanzi count double)

import pandas as pd
import pytest
from openpyxl import Workbook

from analysis import load_study
from analysis.__main__ import main
from analysis.reading.guess import guess_study, write_guess
from analysis.reading.template import EXAMPLE
from analysis.report.check import check_study

TOWNS = ("赵和镇", "槐树乡")
VILLAGES = [
    (f"41088312{at:04}", TOWNS[at // 8], f"{'甲乙丙丁戊己庚辛'[at % 8]}村", f"区{at // 2}" if at % 8 < 4 else "")
    for at in range(16)
]
YEARS = (2020, 2021, 2022)


def value(at: int, year: int) -> float:
    return 10 + at + (year - 2020) * (1 + at % 3) / 2


LONG = [
    [
        "统计代码",
        "所属乡镇",
        "行政村",
        "片区名称",
        "启动年份",
        "年度",
        "序号",
        "村集体经济收入（万元）",
        "户数",
        "备注",
    ],
    *(
        [code, town, name, group, 2021 if group else None, year, at, value(at, year), 200 + at, ""]
        for at, (code, town, name, group) in enumerate(VILLAGES)
        for year in YEARS
    ),
]
WIDE = [
    ["乡镇", "村名", "片区", "加入年份", *(f"{year}年经营收益" for year in YEARS)],
    *(
        [town, name, group, 2021 if group else None, *(value(at, year) for year in YEARS)]
        for at, (_, town, name, group) in enumerate(VILLAGES)
    ),
]


def save(path, rows, title="Sheet1"):
    book = Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_names_in_use_need_no_edit(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = save(tmp_path / "台账.xlsx", [["孟州市村集体经济台账"], *LONG, ["合计", *[""] * 6, 999]])
    before = file.read_bytes()
    assert main(["template", "台账.xlsx"]) == 0
    assert main(["check", "台账-study/study.toml"]) == 0
    assert capsys.readouterr().out.endswith("本研究可以运行。\n")
    assert file.read_bytes() == before
    assert (tmp_path / "台账-study" / "study.toml").read_text(encoding="utf-8").splitlines()[3:] == [
        'title = "孟州市村集体经济台账"',
        'language = "zh"',
        'panel = "../台账.xlsx"  # your file',
        "",
        "[columns]",
        'unit = "统计代码"  # a usual name of the column of village codes',
        'time = "年度"  # a usual name of the column of years',
        'first_treated = "启动年份"  # a usual name of the column of first treated years',
        'group = "片区名称"  # a usual name of the column of districts: where treatment was decided',
        'stratum = "所属乡镇"  # a usual name of the column of towns',
        "",
        "[outcomes.income]",
        'column = "村集体经济收入（万元）"',
        'label_zh = "村集体经济收入"',
        'unit = "万元"  # in the column\'s name',
        '# definition = ""  # FILL IN: which money is counted',
        '# prices = ""  # FILL IN: "nominal", or such as "constant 2022"',
        "",
        "[outcomes.households]",
        'column = "户数"',
        'label_zh = "户数"',
        'unit = "户"  # by the column\'s name',
    ]


def test_villages_known_by_name_and_years_in_columns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = write_guess(save(tmp_path / "横表.xlsx", [["单位：万元"], *WIDE]))
    text = written.read_text(encoding="utf-8")
    assert 'unit = ["乡镇", "村名"]  #' in text
    assert 'column = "{year}年经营收益"' in text
    assert 'unit = "万元"  # 单位：万元 in row 1' in text
    assert "time" not in text
    assert load_study(written).column("surplus").iloc[-1] > 10


def test_what_is_not_found_is_a_blank(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = write_guess(
        save(tmp_path / "a.xlsx", [["地块", "年份", "产量"], ["a", 2020, 1.5], ["a", 2021, 2]])
    ).read_text(encoding="utf-8")
    for key in ("unit", "first_treated", "group", "stratum"):
        assert f'\n# {key} = ""  # FILL IN: ' in text
    assert '\ntime = "年份"' in text
    assert '[outcomes.outcome]\ncolumn = "产量"\nlabel_zh = "产量"\n# unit = ""  # FILL IN' in text


def test_columns_of_statistics_programs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(
        {"village_id": [1, 1, 2, 2], "year": [2020, 2021] * 2, "treated": [0, 1, 0, 0], "income": [1.5, 2, 3, 4]}
    )
    frame.to_stata(tmp_path / "a.dta", write_index=False)
    frame.to_parquet(tmp_path / "b.parquet")
    for name in ("a.dta", "b.parquet"):
        written = write_guess(tmp_path / name)
        assert 'treated = "treated"  # a usual name of a column of 0 and 1' in written.read_text(encoding="utf-8")
        assert check_study(written)[-1] == "This study can run."


def test_a_study_file_is_never_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = save(tmp_path / "a.xlsx", LONG)
    write_guess(file)
    with pytest.raises(FileExistsError, match=r"is there already\. Delete or rename it; nothing was written\.$"):
        write_guess(file)


def test_a_name_that_is_no_file_is_a_folder_to_make(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["template", "mine"]) == 0
    assert "Fill in the workbook beside" in capsys.readouterr().out


def test_years_and_villages_without_a_usual_name_are_known_by_their_values(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    at = [0, 6, 1, 3, 4, 5, 7]
    rows = [[row[one] for one in at] for row in LONG]
    rows[0] = ["甲栏", "序号", "所属乡镇", "片区名称", "启动年份", "乙栏", "村集体经济收入（万元）"]
    file = write_guess(save(tmp_path / "台账.xlsx", rows))
    text = file.read_text(encoding="utf-8")
    assert 'unit = "甲栏"  # by its values: one row of each in a year\n' in text
    assert 'time = "乙栏"  # by its values: years that repeat\n' in text
    assert "FILL IN: the column" not in text
    assert len(load_study(file).units) == len(VILLAGES)
    assert text.count("[outcomes.") == 1, "years are no outcome"


def test_the_head_says_in_both_languages_what_to_do_with_blanks():
    head = guess_study(EXAMPLE / "invented-数据.xlsx", EXAMPLE).splitlines()[:3]
    assert "delete their leading #" in head[1]
    assert "去掉行首的 #" in head[2]
