"""What `read_panel` cleans, and that it says so; what it leaves as it is."""

# ruff: noqa: E501 (hanzi count double)

import codecs
import datetime

import openpyxl
import pandas as pd
import pytest

from analysis import StudyError, load_study
from analysis.language.units import convert_unit
from analysis.reading.clean_cells import clean_codes, clean_numbers, clean_years
from analysis.reading.read_panel import read_panel

MONEY = 'definition = "总收入"\nprices = "nominal"\n'


def cells(*values: str) -> pd.Series:
    """Text cells as they stand in a file, from row 2 on."""
    return pd.Series(values, index=range(2, len(values) + 2), dtype="str")


def test_numbers_are_cleaned_and_counted():
    numbers, notes = clean_numbers(
        cells("1,200.5", "１２．５", "－3", "༡༢", "٣٤", "1 200", " 7 ", "—", "无", "n/a", ".", "…", ""), "income"
    )
    assert numbers.iloc[:7].tolist() == [1200.5, 12.5, -3, 12, 34, 1200, 7]
    assert numbers.iloc[7:].isna().all()
    assert notes == [
        "income: 2 numbers with thousands separators read.",
        "income: 4 numbers in full-width characters or another script read.",
        "income: 5 cells taken as missing, not as zero (—, 无, n/a, ., …).",
    ]


def test_full_width_thousands_separators_are_read():
    assert clean_numbers(cells("１，２００", "1,234,567"), "income")[0].tolist() == [1200, 1234567]


def test_plain_numbers_are_exact_and_silent():
    numbers, notes = clean_numbers(cells("0.1", "3", "1e3"), "income")
    assert (numbers.tolist(), notes) == ([0.1, 3, 1000], [])


@pytest.mark.parametrize(
    ("percent", "read", "how"), [(False, 0.35, "read as shares (35% is 0.35)"), (True, 35, "kept in per cent")]
)
def test_percent_signs_follow_the_unit(percent, read, how):
    numbers, notes = clean_numbers(cells("35%", "３５％", "—"), "rate", percent=percent)
    assert numbers.iloc[:2].tolist() == [read, read]
    assert f"rate: 2 percentages {how}." in notes


def test_years_are_read_from_text_and_counted():
    years, notes = clean_years(
        cells("2021", "2021年", "２０２１", "2021.0", "2021年度", "༢༠༢༡", "٢٠٢١", "𝟐𝟎𝟐𝟏", "", "无"), "year"
    )
    assert years.iloc[:8].tolist() == [2021] * 8
    assert years.iloc[8:].isna().all()
    assert notes == ["year: 6 years written another way (such as 2021年) read.", "year: 1 cell taken as missing (无)."]


def test_codes_stay_text_and_restoring_is_counted():
    codes, notes = clean_codes(
        cells("001", "410883001201.0", "４１０", " 12\t", '="0012"', "'0013", "（一）", "无"), "village"
    )
    assert codes.iloc[:7].tolist() == ["001", "410883001201", "410", "12", "0012", "0013", "（一）"]
    assert notes == [
        "village: 2 codes with spaces, full-width or odd characters cleaned.",
        "village: 2 codes taken out of a quotation for spreadsheets.",
        "village: 1 code that had become a decimal number restored (12.0 is 12).",
        "village: 1 cell taken as missing (无).",
    ]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("5e+05", "500000"),
        ("5E+05", "500000"),
        ("5e+11", "500000000000"),
        ("4.10883001201E11", "410883001201"),
        ("1.5E+1", "15"),
        ("４１０\u200b８\ufe0f\u00ad", "4108"),
        ("٤١٠", "410"),
    ],
)
def test_codes_are_restored_where_no_digit_can_be_lost(written, code):
    assert clean_codes(cells(written), "village")[0].tolist() == [code]


@pytest.mark.parametrize(
    "written", ["5E+11", "1.23457E+11", "1.23457e+11", "5.00E+05", "1.5e+07", "4e+17", "4.1088300120112352E+16"]
)
def test_codes_in_exponent_form_that_may_have_lost_digits_are_refused(written):
    with pytest.raises(StudyError, match=r"^village lost digits in 1 row: row 2 \(") as refusal:
        clean_codes(cells(written), "village")
    assert ("In R, set options(scipen = 15)" in str(refusal.value)) == ("e" in written)


def test_dates_in_groups_are_refused_and_texts_that_look_like_dates_are_not():
    days = [datetime.date(2024, 2, 1), "2-2", datetime.time(1, 30), datetime.timedelta(hours=30), None]
    with pytest.raises(StudyError) as refusal:
        clean_codes(pd.Series(days), "group")
    assert str(refusal.value) == (
        "group is a date or time in 3 rows: row 0 (2024-02-01), row 2 (01:30:00), row 3 (1 day, 6:00:00). A spreadsheet "
        "turns text such as 2-1 into a date: format the column as text, then type it again."
    )
    assert clean_codes(cells("2-1", "2024-02-01"), "group")[0].tolist() == ["2-1", "2024-02-01"]


@pytest.mark.parametrize("days", [["2024-02-01", None], ["2024-02-01 10:30"]])
def test_columns_of_dates_are_refused_as_codes(days):
    for column in (pd.to_datetime(pd.Series(days)), pd.to_datetime(pd.Series(days), utc=True)):
        with pytest.raises(StudyError, match=r"^group is a date or time in 1 row: row 0 \(2024-02-01"):
            clean_codes(column, "group")


@pytest.mark.parametrize(("dtype", "code"), [("float32", 410883001201), ("float64", 2.0**53)])
def test_codes_beyond_the_digits_of_their_type_are_refused(dtype, code):
    with pytest.raises(
        StudyError, match=r"^village lost digits in 1 row: row 1 \(\d+\)\. A float of this size is rounded"
    ):
        clean_codes(pd.Series([12, code], dtype=dtype), "village")
    assert clean_codes(pd.Series([410883.0, 12], dtype=dtype), "village")[0].tolist() == ["410883", "12"]


@pytest.mark.parametrize(
    ("unit", "converted"),
    [
        ("元", ("CNY", 1)),
        ("万元", ("CNY", 10_000)),
        ("亿元", ("CNY", 100_000_000)),
        ("千元", ("CNY", 1_000)),
        ("万元/户", ("CNY per household", 10_000)),
        ("CNY per person", ("CNY per person", 1)),
        ("RMB", ("CNY", 1)),
        ("户", ("households", 1)),
        ("亩", ("mu", 1)),
        ("（万元）", ("CNY", 10_000)),
        (" 万 元 / 人 ", ("CNY per person", 10_000)),
        ("公顷", ("hectares", 1)),
        ("担", ("担", 1)),
        ("log points", ("log points", 1)),
        ("", ("", 1)),
    ],
)
def test_units(unit, converted):
    assert convert_unit(unit)[:2] == converted


@pytest.mark.parametrize("known", ["CNY", "CNY per person", "households", "visits", "%", ""])
def test_a_canonical_unit_needs_no_remark(known):
    assert convert_unit(known)[2] == ""


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-8"),
        lambda text: codecs.BOM_UTF8 + text.encode("utf-8"),
        lambda text: text.encode("gb18030"),
    ],
    ids=["UTF-8", "UTF-8 with mark", "GB18030"],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_encodings_and_line_endings(tmp_path, encode, ending):
    lines = ["村代码,收入", "001,1", "", '"赵和\n镇",2', ",", "镕𠮷,3", ""]
    (tmp_path / "村 表.csv").write_bytes(encode(ending.join(lines)))
    read = read_panel(tmp_path / "村 表.csv", {"村代码": "code", "收入": "number"})
    assert read.frame["村代码"].tolist() == ["001", "赵和镇", "镕𠮷"]
    assert read.frame["收入"].tolist() == [1, 2, 3]
    assert read.frame.index.tolist() == [2, 4, 6]
    assert read.notes[1:] == [
        "2 blank rows left out.",
        "'村代码': 1 code with spaces, full-width or odd characters cleaned.",
    ]


def test_workbook_cells_are_read_as_they_are_meant(tmp_path):
    book = openpyxl.Workbook()
    for row in (["码", "年", "率", "备注"], [410883001201, "2021年", 0.07, "=1+1"], [7.0, 2022, "12%", None]):
        book.active.append(row)
    book.active["C2"].number_format = "0.0%"
    book.save(tmp_path / "a.xlsx")
    read = read_panel(tmp_path / "a.xlsx", {"码": "code", "年": "year", "率": "number"})
    assert read.frame.to_numpy().tolist() == [["410883001201", 2021, 0.07], ["7", 2022, 0.12]]
    assert read.names == ["码", "年", "率", "备注"], "a formula without a result does no harm where it is not used"


def test_codes_and_years_are_read_as_their_format_shows_them(tmp_path):
    book = openpyxl.Workbook()
    for row in (["码", "年", "值"], ["002", "2018年", 2], [2, 2018, 2], [0, 18, 2], [12, 2019, 2]):
        book.active.append(row)
    for row, shown in enumerate(("000", "000", '"V"000'), 3):
        for column, form in zip("ABC", (shown, '0"年"' if row != 4 else '"20"00', "000"), strict=True):
            book.active[f"{column}{row}"].number_format = form
    book.save(tmp_path / "a.xlsx")
    read = read_panel(tmp_path / "a.xlsx", {"码": "code", "年": "year", "值": "number"})
    assert read.frame.to_numpy().tolist() == [["002", 2018, 2], ["002", 2018, 2], ["000", 2018, 2], ["V012", 2019, 2]]


def test_parquet_keeps_its_numbers_and_reads_only_what_is_named(tmp_path):
    table = pd.DataFrame({"code": [410883001201.0, 2.0], "year": [2021, 2022], "value": [0.1, None], "other": [1, 2]})
    table.to_parquet(tmp_path / "a.parquet")
    read = read_panel(tmp_path / "a.parquet", {"code": "code", "year": "year", "value": "number"})
    assert read.frame["code"].tolist() == ["410883001201", "2"]
    assert read.frame["value"].iloc[0] == 0.1
    assert list(read.frame) == ["code", "year", "value"]
    assert "'code': 2 codes that had become a decimal number restored (12.0 is 12)." in read.notes


def write(folder, outcome, values=("1", "2", "3", "1", "2", "4")):
    """A two-village study with one outcome."""
    rows = [f"{unit},{year},{2022 if unit == 'a' else ''}," for unit in "ab" for year in (2020, 2021, 2022)]
    lines = ["unit,year,start,value", *(row + value for row, value in zip(rows, values, strict=True))]
    (folder / "panel.csv").write_text("\n".join(lines), encoding="utf-8")
    columns = '[columns]\nunit = "unit"\ntime = "year"\nfirst_treated = "start"\n'
    text = f'panel = "panel.csv"\nlanguage = "zh"\nnoun = "county"\n{columns}[outcomes.income]\ncolumn = "value"\n{outcome}'
    (folder / "study.toml").write_text(text, encoding="utf-8")
    with pytest.warns(UserWarning, match="Only 1 treated group"):
        return load_study(folder / "study.toml")


def test_money_stays_in_the_unit_given(tmp_path):
    study = write(tmp_path, f'unit = "万元"\n{MONEY}', ("1", "2", "3", "1", "0.35", "—"))
    assert study.column("income").tolist()[:5] == [1, 2, 3, 1, 0.35]
    assert study.describe("income").unit == "万元"
    assert study.scale_of("income") == "poisson", "money, whatever its unit"
    assert (study.language, study.noun) == ("zh", "county")
    assert study.reading == ("panel.csv: 6 rows read.", "panel.csv: 'value': 1 cell taken as missing, not as zero (—).")


def test_unknown_unit_stays_and_is_said(tmp_path):
    study = write(tmp_path, 'unit = "担"\n')
    assert study.reading[-1] == "income: the unit 担 is not known here and stays as written."


def test_two_outcomes_may_read_one_column(tmp_path):
    study = write(tmp_path, f'unit = "万元"\n{MONEY}[outcomes.again]\ncolumn = "value"\n')
    assert (study.column("income") == study.column("again")).all()


def test_nothing_in_a_study_folder_is_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("conftest.py", "pandas.py", "sitecustomize.py"):
        (tmp_path / name).write_text("raise SystemExit('executed')\n", encoding="utf-8")
    assert write(tmp_path, 'unit = "人"\n').describe("income").unit == "persons"
