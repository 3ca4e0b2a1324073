"""What `read_panel` cleans, and that it says so; what it leaves as it is."""

# ruff: noqa: E501 (hanzi count double)

import codecs

import openpyxl
import pandas as pd
import pytest

from analysis import load_study
from analysis.language.units import convert_unit
from analysis.reading.clean_cells import clean_codes, clean_numbers, clean_years
from analysis.reading.read_panel import read_panel

MONEY = 'definition = "总收入"\nprices = "nominal"\n'


def cells(*values: str) -> pd.Series:
    """Text cells as they stand in a file, from row 2 on."""
    return pd.Series(values, index=range(2, len(values) + 2), dtype="str")


def test_numbers_are_cleaned_and_counted():
    numbers, notes = clean_numbers(
        cells("1,200.5", "１２．５", "－3", "1 200", " 7 ", "—", "无", "n/a", ".", "…", ""), "income"
    )
    assert numbers.iloc[:5].tolist() == [1200.5, 12.5, -3, 1200, 7]
    assert numbers.iloc[5:].isna().all()
    assert notes == [
        "income: 2 numbers with thousands separators read.",
        "income: 2 numbers with full-width characters read.",
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
    years, notes = clean_years(cells("2021", "2021年", "２０２１", "2021.0", "2021年度", "", "无"), "year")
    assert years.iloc[:5].tolist() == [2021] * 5
    assert years.iloc[5:].isna().all()
    assert notes == ["year: 3 years written another way (such as 2021年) read.", "year: 1 cell taken as missing (无)."]


def test_codes_stay_text_and_restoring_is_counted():
    codes, notes = clean_codes(
        cells("001", "410883001201.0", "４１０", " 12\t", '="0012"', "'0013", "（一）", "无"), "village"
    )
    assert codes.iloc[:7].tolist() == ["001", "410883001201", "410", "12", "0012", "0013", "（一）"]
    assert notes == [
        "village: 2 codes with spaces or full-width characters cleaned.",
        "village: 2 codes taken out of a quotation for spreadsheets.",
        "village: 1 code that had become a decimal number restored (12.0 is 12).",
        "village: 1 cell taken as missing (无).",
    ]


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
    read = read_panel(tmp_path / "村 表.csv", codes=["村代码"], numbers={"收入": False})
    assert read.frame["村代码"].tolist() == ["001", "赵和镇", "镕𠮷"]
    assert read.frame["收入"].tolist() == [1, 2, 3]
    assert read.frame.index.tolist() == [2, 4, 6]
    assert read.notes[1:] == [
        "村 表.csv: 2 blank rows left out.",
        "村 表.csv: '村代码': 1 code with spaces or full-width characters cleaned.",
    ]


def test_workbook_cells_are_read_as_they_are_meant(tmp_path):
    book = openpyxl.Workbook()
    for row in (["码", "年", "率", "备注"], [410883001201, "2021年", 0.07, "=1+1"], [7.0, 2022, "12%", None]):
        book.active.append(row)
    book.active["C2"].number_format = "0.0%"
    book.save(tmp_path / "a.xlsx")
    read = read_panel(tmp_path / "a.xlsx", codes=["码"], years=["年"], numbers={"率": False})
    assert read.frame.to_numpy().tolist() == [["410883001201", 2021, 0.07], ["7", 2022, 0.12]]
    assert read.columns == ["码", "年", "率", "备注"], "a formula without a result does no harm where it is not used"


def test_parquet_keeps_its_numbers_and_reads_only_what_is_named(tmp_path):
    table = pd.DataFrame({"code": [410883001201.0, 2.0], "year": [2021, 2022], "value": [0.1, None], "other": [1, 2]})
    table.to_parquet(tmp_path / "a.parquet")
    read = read_panel(tmp_path / "a.parquet", codes=["code"], years=["year"], numbers={"value": False})
    assert read.frame["code"].tolist() == ["410883001201", "2"]
    assert read.frame["value"].iloc[0] == 0.1
    assert list(read.frame) == ["code", "year", "value"]
    assert "a.parquet: 'code': 2 codes that had become a decimal number restored (12.0 is 12)." in read.notes


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


def test_money_is_converted_once_and_said(tmp_path):
    study = write(tmp_path, f'unit = "万元"\n{MONEY}', ("1", "2", "3", "1", "0.35", "—"))
    assert study.column("income").tolist()[:5] == [10_000, 20_000, 30_000, 10_000, 3_500]
    assert study.describe("income").unit == "CNY"
    assert (study.language, study.noun) == ("zh", "county")
    assert study.reading == (
        "panel.csv: 6 rows read.",
        "panel.csv: 'value': 1 cell taken as missing, not as zero (—).",
        "income: 万元 converted to CNY (times 10,000).",
    )


def test_unknown_unit_stays_and_is_said(tmp_path):
    study = write(tmp_path, 'unit = "担"\n')
    assert study.reading[-1] == "income: the unit 担 is not known here and stays as written."


def test_two_outcomes_may_read_one_column(tmp_path):
    study = write(tmp_path, f'unit = "万元"\n{MONEY}[outcomes.again]\ncolumn = "value"\n')
    assert (study.column("income") == 10_000 * study.column("again")).all()


def test_nothing_in_a_study_folder_is_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("conftest.py", "pandas.py", "sitecustomize.py"):
        (tmp_path / name).write_text("raise SystemExit('executed')\n", encoding="utf-8")
    assert write(tmp_path, 'unit = "人"\n').describe("income").unit == "persons"
