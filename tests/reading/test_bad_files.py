"""Files as people really send them: each is refused with a message that says what, where and what to do."""

# ruff: noqa: E501 (a message is quoted as it is printed, and hanzi count double)

import datetime
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from openpyxl.chart import LineChart

from analysis import StudyError, load_study
from analysis.reading import read_text, spreadsheets

STUDY = """
panel = "PANEL"
[columns]
unit = "村代码"
time = "年份"
first_treated = "加入年份"
group = "片区"
[outcomes.income]
column = "收入"
unit = "人"
"""
YEAR_ONLY = ". Write the year only, such as 2023 (never treated: nothing). Dates and months are not cut to years."
HEADER = ["村代码", "村名", "年份", "加入年份", "片区", "收入"]
ROWS = [
    [
        f"41088300120{number}",
        f"村{number}",
        year,
        2022 if number < 4 else "",
        f"区{number}",
        100 + 7 * number + year % 5,
    ]
    for number in range(1, 8)
    for year in (2020, 2021, 2022)
]
CODE, NAME, YEAR, START, GROUP, INCOME = range(6)
Maker = Callable[[Path], str]


def changed(column: int, *values: object, header: list = HEADER) -> list[list]:
    """Header and rows, with other values in the first rows of one column."""
    rows = [list(row) for row in ROWS]
    for row, value in zip(rows, values, strict=False):
        row[column] = value
    return [header, *rows]


def text(rows: list[list], separator: str = ",") -> str:
    return "".join(separator.join(map(str, row)) + "\n" for row in rows)


def csv(content: str | bytes | list[list], name: str = "数据.csv") -> Maker:
    """A study on a CSV file."""
    content = text(content) if isinstance(content, list) else content

    def make(folder: Path) -> str:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return name

    return make


def xlsx(
    rows: list[list], edit: Callable[[openpyxl.Workbook], object] = lambda book: None, name: str = "数据.xlsx"
) -> Maker:
    """A study on a workbook, edited before it is saved."""

    def make(folder: Path) -> str:
        book = openpyxl.Workbook()
        book.active.title = "数据"
        for row in rows:
            book.active.append([None if value == "" else value for value in row])
        edit(book)
        book.save(folder / name)
        return name

    return make


OPEN, STRICT = (f"http://{place}".encode() for place in ("schemas.openxmlformats.org/", "purl.oclc.org/ooxml/"))


def rewritten(maker: Maker, part: str, *changes: tuple[bytes, bytes]) -> Maker:
    """A study on a workbook of which one part is changed as bytes."""

    def make(folder: Path) -> str:
        name = maker(folder)
        with zipfile.ZipFile(folder / name) as old:
            parts = {one: old.read(one) for one in old.namelist()}
        for one in parts:
            for before, after in changes if one.endswith(part) else ():
                parts[one] = parts[one].replace(before, after)
        with zipfile.ZipFile(folder / name, "w") as new:
            for one, content in parts.items():
                new.writestr(one, content)
        return name

    return make


def parquet(rows: list[list]) -> Maker:
    def make(folder: Path) -> str:
        pd.DataFrame(rows[1:], columns=rows[0]).to_parquet(folder / "数据.parquet")
        return "数据.parquet"

    return make


def beside(maker: Maker, companion: str) -> Maker:
    """The same study, with another file beside it."""

    def make(folder: Path) -> str:
        (folder / companion).write_bytes(b"lock")
        return maker(folder)

    return make


def shown_as(book: openpyxl.Workbook, column: str, number_format: str) -> None:
    """Give the numbers of a column a format."""
    for cell in book.active[column][1:]:
        cell.number_format = number_format


GOOD = changed(INCOME)
TWICE = [*GOOD, *ROWS[:2]]


BAD = {
    # The file as a whole.
    "absent": (lambda folder: "资料.csv", "There is no file '资料.csv' beside the study file. Check the name in it."),
    "empty CSV": (csv(""), "数据.csv is empty. Check that it was saved, and that it is the file meant."),
    "header only": (
        csv([HEADER]),
        "数据.csv has a header but no rows of data. Check that it is the file and sheet meant.",
    ),
    "empty workbook": (xlsx([]), "数据.xlsx is empty: no sheet holds a value. Check that it is the file meant."),
    **{
        f"format {name}": (
            csv(b"x", f"数据.{name}"),
            f"数据.{name} is not .csv or .xlsx or .xls or .ods or .parquet or .dta or .sav. Open it in Excel or WPS and save it as .xlsx.",
        )
        for name in ("wps", "numbers", "docx")
    },
    **{
        f"damaged {name}": (
            csv(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, f"数据.{name}"),
            f"数据.{name} cannot be opened as .xls: it is damaged, has a password, or is of another kind. Open it in Excel or "
            "WPS, remove the password, and save it as .xlsx.",
        )
        for name in ("xls", "et", "xlsx")
    },
    "workbook with a password": (
        csv(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "数据.xlsx"),
        "数据.xlsx cannot be opened: it is damaged, has a password, or is an older format under a "
        "new name. Open it in Excel or WPS, remove the password, and save it as .xlsx.",
    ),
    "file of another statistics program": (
        csv(b"x", "数据.sas7bdat"),
        "数据.sas7bdat is not .csv or .xlsx or .xls or .ods or .parquet or .dta or .sav. Save it as .csv (UTF-8) or .dta in the program that wrote it.",
    ),
    "damaged SPSS file": (
        csv(b"$FL2 no more", "数据.sav"),
        "数据.sav cannot be read as SPSS: it is damaged, or of another kind. Save it again in SPSS.",
    ),
    "damaged Stata file": (
        csv(b"no Stata", "数据.dta"),
        "数据.dta cannot be read as Stata: it is damaged, or of another kind. Save it again in Stata.",
    ),
    "strict workbook": (
        rewritten(xlsx(GOOD), "workbook.xml", (OPEN, STRICT)),
        "数据.xlsx is a Strict Open XML workbook, which few programs read. In Excel, choose Save as and the type “Excel "
        "Workbook (.xlsx)”, without Strict.",
    ),
    "open in Excel": (
        beside(xlsx(GOOD), "~$数据.xlsx"),
        "数据.xlsx is open elsewhere (~$数据.xlsx). Save and close it there, or delete that file.",
    ),
    "open in WPS": (
        beside(xlsx(GOOD), ".~数据.xlsx"),
        "数据.xlsx is open elsewhere (.~数据.xlsx). Save and close it there, or delete that file.",
    ),
    "open in LibreOffice": (
        beside(csv(GOOD), ".~lock.数据.csv#"),
        "数据.csv is open elsewhere (.~lock.数据.csv#). Save and close it there, or delete that file.",
    ),
    "damaged Parquet": (
        csv(b"PAR1 no more", "数据.parquet"),
        "数据.parquet cannot be read as Parquet: Parquet magic bytes not found in footer. Either the file is corrupted or "
        "this is not a parquet file. Write it again.",
    ),
    # Encoding and separators of CSV.
    "Latin-1": (
        csv(b"caf\xe9,a\n1,2\n"),
        "数据.csv is neither in UTF-8 nor in GB18030 throughout. In its program, save it as CSV UTF-8.",
    ),
    "UTF-8 with a broken place": (
        csv(text(GOOD).encode("utf-8").replace("村5".encode(), b"\xe6\x9d5", 1)),
        "数据.csv is neither in UTF-8 nor in GB18030 throughout. In its program, save it as CSV UTF-8.",
    ),
    "semicolons": (
        csv(text(GOOD, ";")),
        "数据.csv separates its columns by semicolons. Save it as CSV with commas, or as .xlsx.",
    ),
    "full-width commas": (
        csv(text(GOOD, "，")),
        "数据.csv separates its columns by full-width commas. Save it as CSV with commas, or as .xlsx.",
    ),
    "unclosed quotation mark": (
        csv(text(GOOD).replace("村3", '"村3', 1)),
        "数据.csv cannot be read as CSV: unexpected end of data. Check its quotation marks.",
    ),
    "thousands separators without quotes": (
        csv(changed(INCOME, "1,200", "1,300")),
        "数据.csv has 6 columns, but not so many cells in 2 rows: row 2 (7 cells), row 3 (7 cells). Put a cell that holds "
        'a comma in double quotes, as in "1,200".',
    ),
    # Header and shape.
    **{
        f"title above other names in {name}": (
            make(
                [
                    ["1-3 各村主要指标", "", "", "", "", ""],
                    ["（2022年）", "", "", "", "单位：万元", ""],
                    ["村", "村名", "年度", "开始年份", "区", "总收入"],
                    *ROWS,
                ]
            ),
            f"数据.{name} has none of the columns asked for (村代码, 年份, 加入年份, ...). Its column names seem to stand in row 3: "
            "村, 村名, 年度, 开始年份, 区, 总收入. Write these names in the study file.",
        )
        for name, make in (("csv", csv), ("xlsx", xlsx))
    },
    "column absent": (
        csv(changed(INCOME, header=[*HEADER[:5], "收入（元）"])),
        "数据.csv has no column '收入' (for an outcome). It has: 村代码, 村名, 年份, 加入年份, 片区, 收入（元）. "
        "Did you mean '收入（元）'?",
    ),
    "years beside each other": (
        xlsx([["村代码", "加入年份", "片区", "2020年", "2021年收入"], ["410883001201", 2021, "区1", 100, 107]]),
        "数据.xlsx has no column '年份' (for time). It has: 村代码, 加入年份, 片区, 2020年, 2021年收入. Years stand beside each "
        'other (2020年, 2021年收入): leave time out, and write column = "{year}年" in the section of the outcome.',
    ),
    "column absent, another alike": (
        csv(changed(INCOME, header=["村 代码", *HEADER[1:]])),
        "数据.csv has no column '村代码' (for unit). It has: 村 代码, 村名, 年份, 加入年份, 片区, 收入. "
        "Did you mean '村 代码'?",
    ),
    "column twice": (
        csv(changed(INCOME, header=["村代码", "收入", *HEADER[2:]])),
        "数据.csv has 1 column name twice: 收入. Rename one of each.",
    ),
    "formats to the last row": (
        xlsx(GOOD, lambda book: setattr(book.active.cell(1_048_576, 6), "number_format", "0.00")),
        "数据.xlsx has a sheet, 数据, of 1,048,576 rows and 6 columns. Delete the empty ones that hold only a format; if the "
        "table is so large, save it as CSV UTF-8 or Parquet.",
    ),
    "formulas without results": (
        xlsx(changed(INCOME, "=1+1", "=E2*2")),
        "数据.xlsx has 2 cells with a formula but no stored result: F2, F3. Open it in Excel or WPS, let it calculate, and save it; "
        "or paste the values.",
    ),
    **{
        f"numbers shown divided by {form}": (
            xlsx(changed(INCOME, 123_000), lambda book, form=form: shown_as(book, "F", form)),
            "数据.xlsx has 21 cells whose format divides what is shown, as 12.3万 for 123000: F2, F3, F4, .... Give these "
            "cells a plain number format, and see that the unit in the study file is that of the numbers.",
        )
        for form in ('0!.0,"万"', '0"."0000"万元"', "0\\.0,", '#,##0,"千元"')
    },
    # Codes.
    "codes in scientific notation": (
        csv(changed(CODE, "4.10883E+11", "4.10883E+11")),
        "'村代码' lost digits in 2 rows: row 2 (4.10883E+11), row 3 (4.10883E+11): a spreadsheet turned codes into rounded "
        "numbers. Go back to the source, and format the column as text before filling it in.",
    ),
    "codes in scientific notation without a plus": (
        csv(changed(CODE, "4.10883E11")),
        "'村代码' lost digits in 1 row: row 2 (4.10883E11): a spreadsheet turned codes into rounded numbers. Go back to the "
        "source, and format the column as text before filling it in.",
    ),
    "codes beyond a spreadsheet's digits": (
        xlsx(changed(CODE, 410883001201123520, 410883001201123520)),
        "'村代码' lost digits in 2 rows: row 2 (4.1088300120112352E+17), row 3 (4.1088300120112352E+17): a spreadsheet "
        "turned codes into rounded numbers. Go back to the source, and format the column as text before filling it in.",
    ),
    "dates for groups in Excel": (
        xlsx(changed(GROUP, datetime.date(2024, 2, 1), datetime.datetime(2024, 2, 1, 8, 30), datetime.time(2, 1))),
        "'片区' is a date or time in 3 rows: row 2 (2024-02-01), row 3 (2024-02-01 08:30:00), row 4 (02:01:00). A spreadsheet "
        "turns text such as 2-1 into a date: format the column as text, then type it again.",
    ),
    "dates for codes in Parquet": (
        parquet(
            [
                HEADER,
                *[
                    [pd.Timestamp(2024, 1, number // 3 + 1), *row[1:3], 2022, *row[4:]]
                    for number, row in enumerate(ROWS)
                ],
            ]
        ),
        "'村代码' is a date or time in 21 rows: row 1 (2024-01-01), row 2 (2024-01-01), row 3 (2024-01-01), .... A spreadsheet "
        "turns text such as 2-1 into a date: format the column as text, then type it again.",
    ),
    "errors of formulas for codes": (
        xlsx(changed(CODE, "#REF!", "#NAME?")),
        "'村代码' is an error of a formula in 2 rows: row 2 (#REF!), row 3 (#NAME?). Correct the formula.",
    ),
    "duplicated village": (
        csv(TWICE),
        "A unit-year is repeated in 2 rows: 410883001201 in 2020, 410883001201 in 2021. Keep one row per unit and year.",
    ),
    "one code with and without spaces": (
        csv([*GOOD, ["4108830 01201", *ROWS[0][1:]]]),
        "A unit-year is repeated in 1 row: 410883001201 in 2020. Keep one row per unit and year.",
    ),
    "village without a code": (
        csv(changed(CODE, "", "无")),
        "数据.csv: '村代码' is empty in 2 rows: row 2, row 3. Fill it in on every row, also where cells were merged; delete "
        "notes below the table.",
    ),
    "village only on its first row": (
        xlsx([HEADER, *[[row[CODE] if row[YEAR] == 2020 else "", *row[1:]] for row in ROWS]]),
        "数据.xlsx: '村代码' is empty in 14 rows: row 3, row 4, row 6, .... Fill it in on every row, also where cells were "
        "merged; delete notes below the table.",
    ),
    "district only on its first row": (
        xlsx([HEADER, *[[*row[:GROUP], row[GROUP] if row[YEAR] == 2020 else "", row[INCOME]] for row in ROWS]]),
        "More than one group ('片区') in 7 units: 410883001201, 410883001202, 410883001203, ...; 410883001201 has 区1, "
        "(empty). Give each unit one value in all its years.",
    ),
    "number below the data": (
        xlsx(GOOD, lambda book: book.active.cell(30, 6, 2345)),
        "数据.xlsx: '村代码' is empty in 1 row: row 30. Fill it in on every row, also where cells were merged; delete notes "
        "below the table.",
    ),
    # Years.
    "years of two digits": (
        csv(changed(YEAR, "20", "21年")),
        "'年份' is a year of two digits in 2 rows: row 2 (20), row 3 (21年). Write all four digits, such as 2018 for 18 (never treated: nothing).",
    ),
    "years of two digits as numbers": (
        parquet([HEADER, *[[*row[:2], row[YEAR] - 2000, 22, *row[4:]] for row in ROWS]]),
        "'年份' is a year of two digits in 21 rows: row 1 (20), row 2 (21), row 3 (22), .... Write all four digits, such as 2018 for 18 (never treated: nothing).",
    ),
    "years in hanzi": (
        csv(changed(YEAR, "二〇二〇", "2020年底")),
        f"'年份' is not a year in 2 rows: row 2 (二〇二〇), row 3 (2020年底){YEAR_ONLY}",
    ),
    "dates for years": (
        csv(changed(YEAR, "2020-12-31", "2021/12/31", "2022年12月", "20201231")),
        f"'年份' is not a year in 4 rows: row 2 (2020-12-31), row 3 (2021/12/31), row 4 (2022年12月), ...{YEAR_ONLY}",
    ),
    "date cells for years": (
        xlsx(changed(YEAR, datetime.date(2020, 1, 1))),
        f"'年份' is not a year in 1 row: row 2 (2020-01-01){YEAR_ONLY}",
    ),
    "dates in Parquet": (
        parquet([HEADER, *[[*row[:2], pd.Timestamp(row[2], 1, 1), 2022, *row[4:]] for row in ROWS]]),
        f"'年份' is not a year in 21 rows: row 1 (2020-01-01), row 2 (2021-01-01), row 3 (2022-01-01), ...{YEAR_ONLY}",
    ),
    "start in words": (csv(changed(START, "从未")), f"'加入年份' is not a year in 1 row: row 2 (从未){YEAR_ONLY}"),
    "9999 for never": (
        csv(changed(START, *[row[START] or 9999 for row in ROWS])),
        "'加入年份' (first_treated) is 9999 in 4 units: 410883001204, 410883001205, 410883001206, .... If that stands for never treated, write "
        "never = [9999]; else correct it.",
    ),
    # Numbers.
    "text in numbers": (
        csv(changed(INCOME, "12万", "约15", "12²", "¥12")),
        "'收入' is not a number in 4 rows: row 2 (12万), row 3 (约15), row 4 (12²), .... Write numbers only; the unit belongs "
        "in the study file.",
    ),
    "decimal comma": (
        csv(changed(INCOME, '"1,5"')),
        "'收入' is not a number in 1 row: row 2 (1,5). Write numbers only; the unit belongs in the study file.",
    ),
    "error values": (
        xlsx(changed(INCOME, "#DIV/0!")),
        "'收入' is not a number in 1 row: row 2 (#DIV/0!). Write numbers only; the unit belongs in the study file.",
    ),
    "some percent signs": (
        csv(changed(INCOME, "12%", "0.5%")),
        "'收入' has a percent sign in 2 rows: row 2 (12%), row 3 (0.5%). 19 numbers without: write all of them one way.",
    ),
}


def study_of(folder: Path, make: Maker, study: str = STUDY) -> Path:
    (folder / "study.toml").write_text(study.replace("PANEL", make(folder)), encoding="utf-8", newline="\n")
    return folder / "study.toml"


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD)
def test_each_bad_file_gets_its_message(tmp_path, make, message):
    with pytest.raises(StudyError) as refusal:
        load_study(study_of(tmp_path, make))
    assert str(refusal.value) == message


def test_there_are_at_least_thirty():
    assert len(BAD) >= 30


@pytest.mark.parametrize(
    "make", [csv(GOOD), xlsx(GOOD), parquet([HEADER, *[[*r[:3], r[3] or None, *r[4:]] for r in ROWS]])]
)
def test_the_same_panel_without_the_error_is_read(tmp_path, make):
    study = load_study(study_of(tmp_path, make))
    assert study.frame["income"].tolist() == [row[INCOME] for row in ROWS]


def test_missing_sheet_lists_the_sheets(tmp_path):
    file = study_of(tmp_path, xlsx(GOOD), 'sheet = "2023年"\n' + STUDY)
    with pytest.raises(
        StudyError,
        match=r"^数据\.xlsx has no sheet '2023年' with data\. Its sheets with data: 数据\. Write: sheet = \"数据\"$",
    ):
        load_study(file)


def test_spaces_around_the_name_of_a_sheet_do_no_harm(tmp_path):
    make = xlsx(GOOD, lambda book: setattr(book.active, "title", "数据 "))
    assert len(load_study(study_of(tmp_path, make, 'sheet = " 数据"\n' + STUDY)).frame) == len(ROWS)


def test_a_sheet_of_notes_needs_no_name_for_the_other(tmp_path):
    study = load_study(study_of(tmp_path, xlsx(GOOD, lambda book: book.create_sheet("空")), 'sheet = "数据"\n' + STUDY))
    assert len(study.frame) == len(ROWS)


def test_a_very_large_csv_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(read_text, "LARGEST_CSV", 100)
    with pytest.raises(StudyError) as refusal:
        load_study(study_of(tmp_path, csv(GOOD)))
    assert str(refusal.value) == "数据.csv is too large to be read as text (0 MB). Save it as Parquet."


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    file = study_of(tmp_path, xlsx(GOOD))
    opened = Path.open

    def locked(path: Path, *arguments: object, **options: object) -> object:
        if path.suffix == ".xlsx":
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", locked)
    with pytest.raises(StudyError) as refusal:
        load_study(file)
    assert str(refusal.value) == (
        "数据.xlsx may not be read (Permission denied). Close it in other programs, or ask for the right to read it."
    )


def hide(book: openpyxl.Workbook) -> None:
    for row in (3, 4, 40):
        book.active.row_dimensions[row].hidden = True


ALIKE = {
    "header with line breaks and spaces": xlsx(
        changed(INCOME, header=["村代码 ", "村名", "年\n份", "加入\r\n 年份　", "片区", " 收入"])
    ),
    "two byte-order marks": csv(b"\xef\xbb\xbf\xef\xbb\xbf" + text(GOOD).encode("utf-8")),
    "carriage returns alone": csv(text(GOOD).replace("\n", "\r")),
    "empty columns and rows around": xlsx([["", *row, "", ""] for row in [*GOOD, [""] * 6, [""] * 6]]),
    "blank rows between": csv([*GOOD[:5], [""] * 6, *GOOD[5:]]),
    "codes padded and grouped": csv(changed(CODE, " 410883001201", "4108830 01201", "４１０８８３００１２０１")),
    "spaces within a name": csv(changed(GROUP, "区　1", "区 1")),
    "a format that divides elsewhere": xlsx(GOOD, lambda book: shown_as(book, "B", "0.0,")),
    "thousands shown": xlsx(GOOD, lambda book: shown_as(book, "F", "#,##0.00_);(#,##0.00)")),
    "a formula whose result is empty text": rewritten(
        xlsx(changed(START, *[row[START] or '=""' for row in ROWS])),
        "sheet1.xml",
        (b'><f>""</f><v /></c>', b' t="str"><f>""</f><v></v></c>'),
        (b'><f>""</f><v></v></c>', b' t="str"><f>""</f><v></v></c>'),
    ),
    "a percent sign that is only drawn": xlsx(GOOD, lambda book: shown_as(book, "F", '0.0"%"')),
    "a chart sheet": xlsx(GOOD, lambda book: book.create_chartsheet("图").add_chart(LineChart())),
    "hidden rows": xlsx(GOOD, hide),
    "ending in capitals": xlsx(GOOD, name="数据.XLSX"),
}


@pytest.mark.parametrize("make", ALIKE.values(), ids=ALIKE)
def test_what_does_no_harm_is_read_alike(tmp_path, make):
    study = load_study(study_of(tmp_path, make))
    assert study.frame["income"].tolist() == [row[INCOME] for row in ROWS]
    assert study.units["group"].dropna().tolist() == [f"区{number}" for number in range(1, 8)]


def test_hidden_rows_are_read_and_counted(tmp_path):
    study = load_study(study_of(tmp_path, xlsx(GOOD, hide)))
    assert study.reading[0] == "数据.xlsx: 21 rows read (2 of them hidden in the sheet)."


def test_a_very_large_workbook_is_refused_before_it_is_opened(tmp_path, monkeypatch):
    name = xlsx(GOOD)(tmp_path)
    with zipfile.ZipFile(tmp_path / name) as archive:
        size = sum(part.file_size for part in archive.infolist())
    monkeypatch.setattr(spreadsheets, "LARGEST_WORKBOOK", size - 1)
    with pytest.raises(
        StudyError, match=r"^数据\.xlsx is too large \(0 MB unpacked\)\. Save it as CSV UTF-8 or Parquet\.$"
    ):
        load_study(study_of(tmp_path, lambda _: name))
