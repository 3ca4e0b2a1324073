"""One study in the layouts that offices and vendors keep: each is read, said, and gives the same effect."""

# ruff: noqa: E501 (a message is quoted as it is printed, and hanzi count double)

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from analysis import did, load_study
from analysis.report.manifest import input_files

YEARS = (2020, 2021, 2022, 2023)
TOWNS = {"赵和镇": 8, "槐树乡": 8}
Maker = Callable[[Path], str]


def villages() -> pd.DataFrame:
    """Sixteen invented villages in two towns; four districts of two are treated from 2022."""
    rows = []
    for town, number in TOWNS.items():
        for at in range(number):
            district = f"{town[:2]}{'东西'[at // 2]}片区" if at < 4 else ""
            rows.append(
                (
                    f"4108831{len(rows):05}",
                    town,
                    f"{town[0]}{'一二三四五六七八'[at]}村",
                    district,
                    2022 if district else None,
                )
            )
    return pd.DataFrame(rows, columns=["村代码", "乡镇", "村名", "片区", "加入年份"]).astype({"加入年份": "Int64"})


def income(village: int, year: int) -> float:
    """An amount in 万元 with four digits after the point."""
    return round(
        8 + 1.37 * village + 0.61 * (year - 2020) * (1 + village % 3) + (year >= 2022) * (village % 8 < 4) * 2.3331, 4
    )


def long() -> pd.DataFrame:
    frame = pd.concat([villages().assign(年份=year) for year in YEARS], ignore_index=True)
    number = frame.groupby("年份").cumcount()
    return frame.assign(
        收入=[income(*one) for one in zip(number, frame["年份"], strict=True)],
        户数=200 + 3 * number + frame["年份"] % 7,
    )


STUDY = """
panel = "PANEL"
[columns]
unit = "村代码"
time = "年份"
first_treated = "加入年份"
group = "片区"
stratum = "乡镇"
[outcomes.income]
column = "收入"
unit = "万元"
definition = "总收入"
prices = "nominal"
[outcomes.households]
column = "户数"
unit = "户"
"""
IN_NAMES = STUDY.replace('time = "年份"\n', "")


def put(
    path: Path, sheets: dict[str, list[list]], edit: Callable[[openpyxl.Workbook], object] = lambda book: None
) -> str:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append([None if value is pd.NA or value == "" else value for value in row])
    edit(book)
    book.save(path)
    return path.name


def table(frame: pd.DataFrame) -> list[list]:
    return [list(frame), *(list(row) for row in frame.astype(object).where(frame.notna(), "").itertuples(index=False))]


def tidy(folder: Path) -> str:
    put(folder / "数据.xlsx", {"数据": table(long())})
    return STUDY.replace("PANEL", "数据.xlsx")


def with_titles_and_totals(folder: Path) -> str:
    """A title, a line of the unit, a header in two lines, merged towns, subtotals, blank rows, a hidden row, notes."""
    rows = [["孟州市各村集体收入统计表（2020—2023年）"], ["", "", "", "", "", "", "单位：万元"]]
    rows += [
        ["乡镇", "村代码", "片区", "加入年份", "年份", "收支", "", "其他"],
        ["", "", "", "", "", "收入", "", "户数"],
    ]
    merges = ["A1:H1", "A3:A4", "B3:B4", "C3:C4", "D3:D4", "E3:E4", "F3:G3"]
    for town, of_town in long().groupby("乡镇", sort=False):
        begin = len(rows) + 1
        rows += [
            [town, one.村代码, one.片区, one.加入年份, one.年份, one.收入, "", one.户数] for one in of_town.itertuples()
        ]
        for row in rows[begin:]:
            row[0] = ""
        merges.append(f"A{begin}:A{len(rows)}")
        rows += [["小 计", "", "", "", "", of_town["收入"].sum(), "", of_town["户数"].sum()], [""] * 8]
    rows += [
        ["合计", "", "", "", "", long()["收入"].sum(), "", 1],
        [""] * 8,
        ["注：数据来自村级年报。"],
        ["填表人：张三", "", "", "审核人：李四"],
    ]

    def edit(book: openpyxl.Workbook) -> None:
        for area in merges:
            book.active.merge_cells(area)
        book.active.row_dimensions[7].hidden = True

    put(folder / "台账.xlsx", {"Sheet1": rows}, edit)
    return STUDY.replace("PANEL", "台账.xlsx")


def years_in_columns(folder: Path) -> str:
    wide = villages()
    for year in YEARS:
        of_year = long()[long()["年份"] == year]
        wide[f"{year}年收入（万元）"], wide[f"{year}年户数"] = of_year["收入"].to_numpy(), of_year["户数"].to_numpy()
    put(folder / "横表.xlsx", {"Sheet1": [["各村收入"], *table(wide), ["合计", *[""] * 4, *[1] * 8]]})
    return (
        IN_NAMES.replace("PANEL", "横表.xlsx")
        .replace('"收入"\nunit = "万元"', '"{year}年收入（万元）"')
        .replace('"户数"', '"{year}年户数"')
    )


def years_on_sheets(folder: Path) -> str:
    sheets = {f"{year}年": table(long()[long()["年份"] == year].drop(columns="年份")) for year in YEARS}
    put(folder / "分年.xlsx", {"说明": [["本表由各乡镇填报"]], **sheets})
    return 'sheet = "{year}年"\n' + IN_NAMES.replace("PANEL", "分年.xlsx")


def a_file_a_year(folder: Path) -> str:
    for year in YEARS:
        one = long()[long()["年份"] == year].drop(columns="年份")
        one.to_csv(folder / f"{year}年报.csv", index=False, encoding="gb18030")
    return IN_NAMES.replace("PANEL", "{year}年报.csv")


def like_csmar(folder: Path) -> str:
    names = {
        "村代码": "Vlgcd",
        "年份": "Year",
        "加入年份": "Start",
        "片区": "District",
        "乡镇": "Town",
        "收入": "Income",
        "户数": "Hshd",
    }
    frame = long()[[*names]]
    header = [
        [*names.values()],
        ["村代码", "会计年度", "加入年份", "片区", "乡镇", "总收入", "户数"],
        [*["没有单位"] * 5, "万元", "户"],
    ]
    put(folder / "CSMAR.xlsx", {"sheet1": header + table(frame)[1:]})
    study = (
        STUDY.replace("PANEL", "CSMAR.xlsx").replace('unit = "万元"\n', "").replace('time = "年份"', 'time = "Year"')
    )
    return study.replace('column = "收入"', 'column = "Income"')


def like_cnrds(folder: Path) -> str:
    parts = [
        long().assign(指标=name, 数值=long()[column])[["村代码", "乡镇", "片区", "加入年份", "年份", "指标", "数值"]]
        for name, column in (("村集体经济收入(万元)", "收入"), ("户数", "户数"))
    ]
    parts += [parts[1].assign(指标="耕地（亩）", 数值="不详")]
    pd.concat(parts).sample(frac=1, random_state=1).to_csv(folder / "CNRDS.csv", index=False, encoding="utf-8")
    study = (
        STUDY.replace("PANEL", "CNRDS.csv")
        .replace('unit = "万元"\n', "")
        .replace('column = "户数"', 'column = "数值"\nwhere = { "指标" = "户数" }')
    )
    return study.replace('column = "收入"', 'column = "数值"\nwhere = { "指标" = "村集体经济收入（万元）" }')


LAYOUTS = [tidy, with_titles_and_totals, years_in_columns, years_on_sheets, a_file_a_year, like_csmar, like_cnrds]


def study_in(folder: Path, layout: Callable[[Path], str]):
    (folder / "study.toml").write_text(layout(folder), encoding="utf-8", newline="\n")
    return load_study(folder / "study.toml")


def effects(study) -> list[tuple[float, float]]:
    return [(did(study, name).value, did(study, name).inference(["cr2"])["p_value"].iloc[0]) for name in study.outcomes]


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    return study_in(tmp_path_factory.mktemp("tidy"), tidy)


@pytest.mark.parametrize("layout", LAYOUTS[1:])
def test_seven_layouts_of_one_study_give_one_effect_to_the_last_digit(tmp_path, layout, truth):
    study = study_in(tmp_path, layout)
    pd.testing.assert_frame_equal(study.frame, truth.frame, check_exact=True, check_dtype=False)
    assert effects(study) == effects(truth)


def test_which_years_and_sheets_were_read_is_said(tmp_path):
    assert study_in(tmp_path, years_on_sheets).reading[:3] == (
        "Years 2020, 2021, 2022, ... read from the names of 4 tables.",
        "Each of 分年.xlsx, sheet 2020年, 分年.xlsx, sheet 2021年, 分年.xlsx, sheet 2022年, ...: 16 rows read.",
        "分年.xlsx, sheet 2020年: 1 sheet of another name left out: 说明.",
    )


def test_files_of_years_are_listed_in_the_reports_manifest(tmp_path):
    study_in(tmp_path, a_file_a_year)
    named = [path.name for path in input_files(tmp_path / "study.toml")]
    assert named == ["study.toml", *(f"{year}年报.csv" for year in YEARS)]


@pytest.mark.parametrize(("unit", "read"), [("", 35.0), ('unit = "%"\n', 35.0), ('unit = "share"\n', 0.35)])
def test_per_cent_by_the_name_of_a_column_is_per_cent(tmp_path, unit, read):
    def layout(folder: Path) -> str:
        frame = long().assign(**{"占比（%）": "35%"})
        put(folder / "数据.xlsx", {"数据": table(frame)})
        return (
            STUDY.split("[outcomes")[0].replace("PANEL", "数据.xlsx") + f'[outcomes.rate]\ncolumn = "占比（%）"\n{unit}'
        )

    assert set(study_in(tmp_path, layout).column("rate")) == {read}


def test_what_stood_around_the_table_is_said(tmp_path):
    assert study_in(tmp_path, with_titles_and_totals).reading[:7] == (
        "台账.xlsx: 64 rows read (1 of them hidden in the sheet).",
        "台账.xlsx: 2 rows above the column names left out: 孟州市各村集体收入统计表（2020—2023年）, 单位：万元.",
        "台账.xlsx: Column names in rows 3 to 4 joined.",
        "台账.xlsx: 3 blank rows left out.",
        "台账.xlsx: 3 rows of totals or means left out: row 37 (小 计), row 71 (小 计), row 73 (合计).",
        "台账.xlsx: 2 notes around the table left out: row 75 (注：数据来自村级年报。), row 76 (填表人：张三).",
        "台账.xlsx: '乡镇': 2 merged areas filled down their rows: A5:A36, A39:A70.",
    )
