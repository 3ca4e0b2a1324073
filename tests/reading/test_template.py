"""The example and the template: plainly invented, as their code writes them, and ready to run."""

# ruff: noqa: E501 (a message is quoted as it is printed, and hanzi count double)

import re

import openpyxl
import pandas as pd
import pytest
from example_study import FIRST_TREATED, FOLDER, WORKBOOK, example_panel, write_example

from analysis import StudyError, did, event_study, load_study
from analysis.reading.template import write_template
from analysis.report.check import check_study

README = (FOLDER / "README.md").read_text(encoding="utf-8")
BROKEN = {path.stem: path for path in sorted((FOLDER / "with-errors").glob("*.toml"))}
SAID = {
    "dates-for-years": "'年份' is not a year in 180 rows: row 2 (2018-12-31), row 3 (2019-12-31), row 4 (2020-12-31), .... "
    "Write the year only, such as 2023 (never treated: nothing). Dates and months are not cut to years.",
    "duplicated-village": "A unit-year is repeated in 6 rows: 990000001002 in 2018, 990000001002 in 2019, "
    "990000001002 in 2020, .... Keep one row per unit and year.",
    "rounded-codes": "'村代码' lost digits in 6 rows: row 2 (9.9E+11), row 3 (9.9E+11), row 4 (9.9E+11), ...: a spreadsheet "
    "turned codes into rounded numbers. Go back to the source, and format the column as text before filling it in.",
    "text-in-numbers": "'村集体经济收入' is not a number in 2 rows: row 5 (12万), row 9 (约15). Write numbers only; the unit "
    "belongs in the study file.",
    "two-start-years": "More than one first treated year ('加入年份') in 1 unit: 990000001001; 990000001001 has 2020, 2021. "
    "Give each unit one value in all its years.",
}
IN_CHINESE = {
    "dates-for-years": "“年份”不是年份，共180行：第2行（2018-12-31）、第3行（2019-12-31）、第4行（2020-12-31）等。"
    "请只写年份，如2023（从未处理的留空）。日期和月份不会自动截成年份。",
    "duplicated-village": "个体—年份重复，共6行：990000001002（2018年）、990000001002（2019年）、990000001002（2020年）等。"
    "请每个个体每年只留一行。",
    "rounded-codes": "“村代码”丢失了末尾的数字，共6行：第2行（9.9E+11）、第3行（9.9E+11）、第4行（9.9E+11）等："
    "电子表格把代码变成了四舍五入后的数字。请回到原始数据，先把该列设为文本格式再填写。",
    "text-in-numbers": "“村集体经济收入”不是数字，共2行：第5行（12万）、第9行（约15）。请只写数字，单位写在研究设置文件里。",
    "two-start-years": "1个个体有不止一个开始年份（“加入年份”）：990000001001；990000001001有2020、2021。"
    "请让每个个体在各年取同一个值。",
}


def sheets(path):
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in openpyxl.load_workbook(path)}


def test_the_stored_example_is_what_its_code_writes(tmp_path):
    write_example(tmp_path)
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    stored = {path.relative_to(FOLDER) for path in FOLDER.rglob("*") if path.is_file()}
    assert {path.as_posix() for path in stored - written} == {"README.md"}
    for path in written:
        if path.suffix == ".xlsx":
            assert sheets(tmp_path / path) == sheets(FOLDER / path)
        else:
            assert (tmp_path / path).read_bytes() == (FOLDER / path).read_bytes(), path


def test_the_workbook_holds_no_time_of_day(tmp_path):
    for name in ("a", "b"):
        write_example(tmp_path / name)
    assert (tmp_path / "a" / WORKBOOK).read_bytes() == (tmp_path / "b" / WORKBOOK).read_bytes()


def test_readme_names_every_file():
    files = [path.name for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".csv"]
    assert [name for name in files if f"`{name}`" not in README and name != "README.md"] == []


def test_both_forms_of_the_example_are_one_study():
    workbook, table = (load_study(FOLDER / name) for name in ("study.toml", "study-gb18030.toml"))
    pd.testing.assert_frame_equal(workbook.frame, table.frame)
    panel = example_panel()
    assert workbook.column("income").tolist() == panel["村集体经济收入"].tolist()
    assert workbook.starts == [FIRST_TREATED]
    assert workbook.label == "invented data"
    assert workbook.language == "zh"


@pytest.mark.parametrize("name", SAID)
def test_each_broken_copy_says_its_error(name):
    with pytest.raises(StudyError) as refusal:
        check_study(BROKEN[name])
    assert refusal.value.said("en") == SAID[name]
    assert str(refusal.value) == IN_CHINESE[name]


def test_mixed_units_can_run_but_are_pointed_out():
    assert set(BROKEN) == {*SAID, "mixed-units", "totals-row"}
    assert (
        "LOOK: income changes by a factor of 1,000 or more between years in 1 place: 990000001001 in 2023 "
        "(31.8 to 327,500). Perhaps 元 and 万元 are mixed."
    ) in check_study(BROKEN["mixed-units"], "en")


def test_a_row_of_totals_is_left_out_and_named():
    found = check_study(BROKEN["totals-row"], "en")
    assert "totals-row.csv: 1 row of totals or means left out: row 182 (合计)." in found
    assert found[-1] == "This study can run."


def test_template_is_ready_to_run(tmp_path):
    study_file = write_template(tmp_path / "我的 研究")
    assert sorted(path.name for path in study_file.parent.iterdir()) == ["study.toml", "数据.xlsx"]
    assert check_study(study_file)[-1] == "本研究可以运行。"
    study = load_study(study_file)
    assert repr(did(study, study.primary_outcome)).startswith("虚构数据：对村集体经济收入的效应为+")
    assert len(event_study(study, "surplus").frame()) == 6
    assert "虚构" in sheets(study_file.parent / "数据.xlsx")["说明"][0][1]
    assert 'provenance = "invented"              # said with every result; delete' in study_file.read_text(
        encoding="utf-8"
    )


def test_the_workbook_explains_every_column_in_both_languages(tmp_path):
    book = openpyxl.load_workbook(write_template(tmp_path).with_name("数据.xlsx"))
    data, notes = book["数据"], list(book["说明"].iter_rows(values_only=True))
    assert [row[0] for row in notes if row[0]] == [cell.value for cell in data[1]]
    explained = [row for row in notes if any(row)]
    assert all(re.search(r"[\u4e00-\u9fff]", zh) and re.search("[a-z]{3}", en) for _, zh, en in explained)
    assert any("年份若横排" in zh and "side by side" in en for _, zh, en in explained)
    assert {cell.number_format for cell in data["A"]} == {"@"}, "codes typed into the column stay text"


def test_the_changes_that_its_notes_offer_work(tmp_path):
    file = write_template(tmp_path)
    text = file.read_text(encoding="utf-8")
    for offered, change in (
        (r'provenance = "invented".*\n', ""),
        (r'"nominal"  (.*)or "constant 2022"', r'"constant 2022"  \1or "nominal"'),
        (r'unit = "万元"(.*亿元)', r'unit = "亿元"\1'),
    ):
        text, changed = re.subn(offered, change, text)
        assert changed == 1, offered
    file.write_text(text, encoding="utf-8", newline="\n")
    study = load_study(file)
    assert (study.label, study.describe("income").prices) == ("your data", "constant 2022")
    assert study.describe("income").unit == "亿元"


def test_template_never_overwrites(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"is not an empty folder\. Name a new one; nothing was written\.$"):
        write_template(tmp_path)
    with pytest.raises(FileExistsError):
        write_template(tmp_path / "mine.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_template_takes_an_empty_folder(tmp_path):
    assert write_template(tmp_path).parent == tmp_path
