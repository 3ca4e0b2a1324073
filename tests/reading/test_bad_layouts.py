"""Layouts that cannot be read, or not in one way only: each has its message."""

# ruff: noqa: E501 (a message is quoted as it is printed, and hanzi count double)

import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from analysis import StudyError, load_study

HEADER = ["村代码", "乡镇", "村名", "片区", "加入年份", "年份", "收入"]
VILLAGES = [
    [
        f"4108{at:02}",
        "赵和镇" if at < 8 else "槐树乡",
        f"{'东西南北'[at % 4]}{'李王'[at // 4 % 2]}村",
        f"区{at // 2}" if at < 8 else "",
        2021 if at < 8 else "",
    ]
    for at in range(16)
]
ROWS = [[*village, year, 10 + at + year % 7] for at, village in enumerate(VILLAGES) for year in (2020, 2021, 2022)]
STUDY = """
panel = "数据.xlsx"
[columns]
unit = "村代码"
time = "年份"
first_treated = "加入年份"
group = "片区"
[outcomes.income]
column = "收入"
unit = "万元"
definition = "总收入"
prices = "nominal"
"""
WIDE = STUDY.replace('time = "年份"\n', "")
OF_YEAR = [HEADER[:5] + ["收入"], *([*row[:5], row[6]] for row in ROWS if row[5] == 2021)]
BESIDE = [
    [*HEADER[:5], "2020年收入", "2021年收入"],
    *([*village, 10 + at, 12 + at] for at, village in enumerate(VILLAGES)),
]
BY_INDICATOR = [
    [*HEADER[:6], "指标", "数值"],
    *([*row[:6], "总收入（万元）", row[6]] for row in ROWS),
    *([*row[:6], "户数", 200] for row in ROWS),
]
WHERE = STUDY.replace('column = "收入"', 'column = "数值"\nwhere = { "指标" = "总收入（万元）" }')


def book(sheets: dict[str, list[list]], *merged: str, name: str = "数据.xlsx") -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        written = openpyxl.Workbook()
        written.remove(written.active)
        for title, rows in sheets.items():
            sheet = written.create_sheet(title)
            for row in rows:
                sheet.append([None if value == "" else value for value in row])
            for area in merged:
                sheet.merge_cells(area)
        written.save(folder / name)

    return make


def both(*makers: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda folder: [make(folder) for make in makers]


def raw(content: bytes, name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content)


def zipped(part: str, name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        with zipfile.ZipFile(folder / name, "w") as parts:
            parts.writestr(part, b"x")

    return make


DATA = book({"数据": [HEADER, *ROWS]})
MEMBERS = 'membership = "成员.xlsx"\n' + STUDY.replace("数据.xlsx", "数据.xlsx")


def apart(members: list[list], panel: list[list] | None = None) -> Callable[[Path], None]:
    """Panel and membership in files of their own."""
    rows = panel or [[row[0], row[1], row[2], row[5], row[6]] for row in [HEADER, *ROWS]]
    return both(book({"数据": rows}), book({"成员": members}, name="成员.xlsx"))


BAD = {
    "one number for several villages": (
        book({"数据": [HEADER, *ROWS]}, "G2:G4"),
        STUDY,
        "数据.xlsx has 1 merged area over numbers ('收入'): G2:G4. One number for several cells does not say what each of them is: split them and fill in each.",
    ),
    "one number for several years": (
        book({"数据": BESIDE}, "F3:G3", "F5:G5"),
        WIDE.replace('"收入"', '"{year}年收入"'),
        "数据.xlsx has 2 merged areas over numbers ('2020年收入'): F3:G3, F5:G5. One number for several cells does not say what each of them is: split them and fill in each.",
    ),
    "no sheet of a year": (
        book({"一": OF_YEAR, "二": OF_YEAR}),
        'sheet = "{year}年"\n' + WIDE,
        "数据.xlsx has no sheet like '{year}年'. Its sheets with data: 一, 二.",
    ),
    "no file of a year": (
        DATA,
        WIDE.replace("数据.xlsx", "{year}.xlsx"),
        "There is no file like '{year}.xlsx' beside the study file. It has: study.toml, 数据.xlsx.",
    ),
    "no column of a year": (
        book({"数据": BESIDE}),
        WIDE.replace('"收入"', '"{year}收入"'),
        "数据.xlsx has no column '{year}收入' (for an outcome). It has: 村代码, 乡镇, 村名, 片区, 加入年份, 2020年收入, 2021年收入. Years stand beside each other (2020年收入, 2021年收入): leave time out, and write column = \"{year}年收入\" in the section of the outcome.",
    ),
    "years beside each other, and one column named": (
        book({"数据": BESIDE}),
        STUDY,
        "数据.xlsx has no column '年份' (for time). It has: 村代码, 乡镇, 村名, 片区, 加入年份, 2020年收入, 2021年收入. Years stand beside each other (2020年收入, 2021年收入): leave time out, and write column = \"{year}年收入\" in the section of the outcome.",
    ),
    "the year said twice": (
        book({"数据": BESIDE}),
        STUDY.replace('"收入"', '"{year}年收入"'),
        "'{year}年收入' says the year, and so does time. Leave time out of [columns].",
    ),
    "several sheets with the columns": (
        book({"甲": [HEADER, *ROWS], "乙": [HEADER, *ROWS]}),
        STUDY,
        '数据.xlsx has data in 2 sheets: 甲, 乙. Name the one meant, such as: sheet = "甲".',
    ),
    "a sheet for each year": (
        book({"2020年": OF_YEAR, "2021年": OF_YEAR}),
        STUDY,
        '数据.xlsx has data in 2 sheets: 2020年, 2021年. Name the one meant, such as: sheet = "2020年". If each sheet holds a year, write sheet = "{year}年" and leave time out.',
    ),
    "a sheet of another name": (
        book({"数据表": [HEADER, *ROWS], "说明": [["注"]]}),
        'sheet = "数据"\n' + STUDY,
        "数据.xlsx has no sheet '数据' with data. Its sheets with data: 数据表, 说明. Write: sheet = \"数据表\"",
    ),
    "one name under two others": (
        book(
            {
                "数据": [
                    ["村代码", "乡镇", "村名", "片区", "加入年份", "年份", "集体", "", "农户", ""],
                    [*[""] * 6, "收入", "支出", "收入", "支出"],
                    *([*row, 1, 2, 3] for row in ROWS),
                ]
            },
            "G1:H1",
            "I1:J1",
        ),
        STUDY,
        "数据.xlsx has 1 column name twice: 收入. Rename one of each, or write its name with that of the line above.",
    ),
    "a binary workbook": (
        zipped("xl/workbook.bin", "数据.xlsb"),
        STUDY.replace("xlsx", "xlsb"),
        "数据.xlsb is a binary workbook (.xlsb), which is not read. Open it in Excel or WPS and save it as .xlsx.",
    ),
    "a binary workbook in another dress": (
        zipped("xl/workbook.bin", "数据.xlsx"),
        STUDY,
        "数据.xlsx is a binary workbook (.xlsb), which is not read. Open it in Excel or WPS and save it as .xlsx.",
    ),
    "an XML spreadsheet of 2003": (
        raw(b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "数据.xls"),
        STUDY.replace("xlsx", "xls"),
        "数据.xls is an XML spreadsheet of 2003, which is not read. Open it in Excel or WPS and save it as .xlsx.",
    ),
    "a damaged OpenDocument spreadsheet": (
        raw(b"PK no more", "数据.ods"),
        STUDY.replace("xlsx", "ods"),
        "数据.ods cannot be opened: it is damaged, or has a password. Open it in its program, remove the password, and save it as .xlsx.",
    ),
    "an indicator that is not there": (
        book({"数据": BY_INDICATOR}),
        WHERE.replace("总收入（万元）", "村总收入（万元）"),
        "数据.xlsx has no row with 指标 = '村总收入（万元）'. It has: 总收入（万元）. Write one of them.",
    ),
    "a column of indicators that is not there": (
        book({"数据": BY_INDICATOR}),
        WHERE.replace('"指标"', '"指标名称"'),
        "数据.xlsx has no column '指标名称' (for where). It has: 村代码, 乡镇, 村名, 片区, 加入年份, 年份, 指标, 数值. Did you mean '指标'?",
    ),
    "an outcome without its indicator": (
        book({"数据": BY_INDICATOR}),
        WHERE + '[outcomes.households]\ncolumn = "数值"\n',
        "1 outcome without where, while others have it: households. In a file with a row for each indicator every outcome says which it is. Write where in each.",
    ),
    "an indicator twice for a village and year": (
        book({"数据": [*BY_INDICATOR, BY_INDICATOR[1]]}),
        WHERE,
        "income has several values for a unit and year in 1 row: 410800 in 2020. Keep one of each.",
    ),
    "files in different units": (
        both(
            *(
                book({"数据": [[f"单位：{unit}"], *OF_YEAR]}, name=f"{year}.xlsx")
                for year, unit in ((2020, "元"), (2021, "万元"))
            )
        ),
        WIDE.replace("数据.xlsx", "{year}.xlsx"),
        "income stands in several units: 元 by row 1 (单位：元) in 2020.xlsx; 万元 by row 1 (单位：万元) in 2021.xlsx. Convert them to one.",
    ),
    "quarters": (
        book(
            {
                "数据": [
                    HEADER,
                    *([*row[:5], f"{row[5]}年第{quarter}季度", row[6]] for row in ROWS for quarter in "一二三四"),
                ]
            }
        ),
        STUDY,
        "'年份' is a quarter or a month in 192 rows: row 2 (2020年第一季度), row 3 (2020年第二季度), row 4 (2020年第三季度), .... Sum them to one row per village and year first: in Excel or WPS a pivot table with villages and years as rows and the sum of each amount as values; of a stock (households) keep the year's last.",
    ),
    "two villages of one name": (
        book(
            {
                "数据": [
                    HEADER[1:],
                    *(
                        [*row[1:2], f"{row[2]}{row[0]}" if row[0] not in ("410800", "410808") else row[2], *row[3:]]
                        for row in ROWS
                    ),
                ]
            }
        ),
        STUDY.replace("村代码", "村名"),
        'A unit-year is repeated in 3 rows: 东李村 in 2020, 东李村 in 2021, 东李村 in 2022. These rows differ in \'乡镇\' (赵和镇, 槐树乡): 1 unit may share a name with another. Write unit = ["乡镇", "村名"] to tell them apart, or take a column of codes as unit.',
    ),
    "two villages of one name and no town": (
        book({"数据": [[HEADER[2], *HEADER[5:]], *([row[2], *row[5:]] for row in ROWS)]}),
        STUDY.replace("村代码", "村名").replace('"加入年份"\ngroup = "片区"', '"年份"'),
        'A unit-year is repeated in 24 rows: 东李村 in 2020, 东李村 in 2021, 东李村 in 2022, .... Two villages may share this name in one year: give codes, or town and name (unit = ["乡镇", "村名"]). If they are parts of one village, add them up.',
    ),
    "no start anywhere": (
        book({"数据": [[*HEADER[:4], *HEADER[5:]], *([*row[:4], *row[5:]] for row in ROWS)]}),
        STUDY,
        "数据.xlsx has no column '加入年份' (for first_treated). It has: 村代码, 乡镇, 村名, 片区, 年份, 收入. First treated years are a column of the panel, or of a membership file beside it (membership = \"成员.xlsx\"), or one year for all units with a group: first_treated = 2022, without quotes.",
    ),
    "members under other names": (
        apart(
            [
                ["乡镇", "村名", "片区", "加入年份"],
                ["赵和镇", "东李村", "区0", 2021],
                ["赵和镇", "北王庄村", "区1", 2021],
                ["槐树乡", "张庄", "区2", 2021],
            ]
        ),
        MEMBERS,
        "成员.xlsx names 2 units that the panel does not have: 赵和镇 北王庄村 (nearest: 赵和镇 北王村), 槐树乡 张庄. Correct the names.",
    ),
    "members without code and name": (
        apart([["片区", "加入年份"], ["区0", 2021]]),
        MEMBERS,
        "成员.xlsx has no column '村代码' (for unit). It has: 片区, 加入年份.",
    ),
    "names that two codes share": (
        apart(
            [["村名", "片区", "加入年份"], ["东李村", "区0", 2021]],
            [[row[0], row[2], row[5], row[6]] for row in [HEADER, *ROWS]],
        ),
        MEMBERS,
        "The panel has several codes for 8 names: 东李村, 西李村, 南李村, .... Name the members by their codes.",
    ),
}


def study_in(folder: Path, make: Callable[[Path], None], study: str) -> Path:
    (folder / "study.toml").write_text(study, encoding="utf-8", newline="\n")
    make(folder)
    return folder / "study.toml"


@pytest.mark.parametrize(("make", "study", "message"), BAD.values(), ids=BAD)
def test_each_bad_layout_gets_its_message(tmp_path, make, study, message):
    with pytest.raises(StudyError) as refusal:
        load_study(study_in(tmp_path, make, study))
    assert str(refusal.value) == message


def test_there_are_at_least_twenty():
    assert len(BAD) >= 20


ASKED = {
    "unit in the name and in the study file": (
        book({"数据": [[*HEADER[:6], "收入（元）"], *ROWS]}),
        STUDY.replace('"收入"', '"收入（元）"'),
        "LOOK: income is in 万元 by study.toml, but in 元 by the column's name in 数据.xlsx. 万元 is taken: correct [outcomes.income] if the file is right.",
    ),
    "unit of the sheet and in the study file": (
        book({"数据": [["单位：元"], HEADER, *ROWS]}),
        STUDY,
        "LOOK: income is in 万元 by study.toml, but in 元 by row 1 (单位：元) in 数据.xlsx. 万元 is taken: correct [outcomes.income] if the file is right.",
    ),
    "unit of the sheet for what may be no money": (
        book({"数据": [["单位：万元"], [*HEADER[:6], "指数"], *ROWS]}),
        STUDY.replace('"收入"', '"指数"').replace('unit = "万元"\n', ""),
        "LOOK: income has no unit, and 万元 by row 1 (单位：万元) in 数据.xlsx may not be meant for it. Write unit in [outcomes.income].",
    ),
    "an outcome without a year": (
        book({"数据": [[*BESIDE[0], "2022年户数"], *([*row, 200] for row in BESIDE[1:])]}),
        WIDE.replace('"收入"', '"{year}年收入"') + '[outcomes.households]\ncolumn = "{year}年户数"\n',
        "LOOK: income has no column for 1 year: 2022. Correct the names of columns if it should.",
    ),
    "money of no definition": (
        DATA,
        STUDY.replace('definition = "总收入"\nprices = "nominal"\n', ""),
        'LOOK: income is money without definition and prices in [outcomes.income]. Say which money is counted (总收入, total income, is not 经营收益, operating surplus), and in which prices: "nominal", or such as "constant 2022".',
    ),
}


@pytest.mark.parametrize(("make", "study", "doubt"), ASKED.values(), ids=ASKED)
def test_where_two_readings_are_possible_both_are_shown(tmp_path, make, study, doubt):
    assert doubt in load_study(study_in(tmp_path, make, study)).reading


def test_a_line_with_the_unit_is_read_where_the_study_file_gives_none(tmp_path):
    make = book({"数据": [["各村收入"], ["", "", "单位：万元"], HEADER, *ROWS]})
    study = load_study(study_in(tmp_path, make, STUDY.replace('unit = "万元"\n', "")))
    assert study.describe("income").unit == "万元"
    assert study.column("income").iloc[0] == ROWS[0][6]
    assert (
        "income: the unit 万元 is that of row 2 (单位：万元) in 数据.xlsx, as study.toml gives none." in study.reading
    )


def test_one_year_for_all_villages_with_a_group(tmp_path):
    study = load_study(study_in(tmp_path, DATA, STUDY.replace('"加入年份"', "2022")))
    assert study.starts == [2022]
    assert study.units["first_treated"].notna().sum() == 8
    assert (
        "8 units with 片区 filled in taken as treated from 2022; 8 units without it as never treated." in study.reading
    )


def test_members_are_matched_by_town_and_name(tmp_path):
    members = [
        ["乡镇", "村名", "片区", "加入年份"],
        *(row[1:5] for row in VILLAGES[:7]),
        ["赵和", "北王村委会", "区3", 2021],
    ]
    by_name = load_study(study_in(tmp_path, apart(members), MEMBERS))
    assert by_name.reading[2:5] == (
        "成员.xlsx: 8 units matched by 乡镇 and 村名.",
        "成员.xlsx: 1 name matched apart from 村, 镇 or the like: 赵和 北王村委会 as 410807.",
        "成员.xlsx: 8 units of the panel not in it (410808, 410809, 410810, ...), read as never treated.",
    )
    whole = load_study(study_in(tmp_path, DATA, STUDY))
    assert by_name.frame.equals(whole.frame)


def test_villages_known_by_name_need_no_codes(tmp_path):
    members = [["乡镇", "村名", "片区", "加入年份"], *(row[1:5] for row in VILLAGES[:8])]
    study = MEMBERS.replace('"村代码"', '["乡镇", "村名"]')
    rows = [[*row[1:3], *row[5:]] for row in [HEADER, *ROWS]]
    units = load_study(study_in(tmp_path, apart(members, rows), study)).units
    assert units.index.tolist()[0] == "槐树乡 · 东李村"
    assert (len(units), units["first_treated"].notna().sum()) == (16, 8)


@pytest.mark.parametrize(
    "rows",
    [
        [*[HEADER], *ROWS[:9], HEADER, *ROWS[9:]],
        [HEADER, ["code", "town", "name", "district", "start", "year", "income"], *ROWS],
        [HEADER, [*[""] * 6, "（万元）"], *ROWS],
        [HEADER, *ROWS, ["", "注：数据来自年报", *[""] * 5]],
        [HEADER, *ROWS, ["数据由各乡镇填报", *[""] * 6]],
        [["孟州市"], HEADER, *ROWS, ["", "", "合计", "", "", 2020, 999]],
    ],
    ids=[
        "names on every page",
        "names in English below",
        "units below",
        "note",
        "note without a mark",
        "title and total",
    ],
)
def test_what_stands_around_is_left_out(tmp_path, rows):
    study = load_study(study_in(tmp_path, book({"数据": rows}), STUDY))
    assert study.column("income").tolist() == [row[6] for row in ROWS]


def test_a_sheet_of_notes_needs_no_naming(tmp_path):
    study = load_study(study_in(tmp_path, book({"说明": [["请勿改动"]], "数据": [HEADER, *ROWS]}), STUDY))
    assert "数据.xlsx: Sheet 数据 read, which alone has these columns; 说明 left out." in study.reading
