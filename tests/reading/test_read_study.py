"""`load_study`: what a study.toml may say, and what is said when it is wrong."""

import re
from pathlib import Path

import pytest
from openpyxl import Workbook

from analysis import Outcome, StudyError, did, load_study

STUDY = """
title = "Did it help?"
panel = "panel.csv"
membership = "members.csv"
provenance = "published"
placebo_group_size = 2

[columns]
unit = "village"
time = "year"
first_treated = "start"
group = "district"
stratum = "town"

[outcomes.income]
column = "收入"
unit = "CNY"
label_en = "Income"
definition = "total income (总收入)"
prices = "nominal"
scale = "log"
"""
VILLAGES = [f"{number:03}" for number in range(1, 10)]
PANEL = "village,year,town,收入\n" + "".join(
    f"{village},{year},t1,{10 + number + (year - 2020) * (number % 4)}\n"
    for number, village in enumerate(VILLAGES)
    for year in (2021, 2022, 2023)
)
MEMBERS = "village,district,start\n001,A,2023\n002,B,2023\n003,C,2023\n"


PREFERRED = """[preferred]
scale = "log"
sample = "all years"
comparison = "all untreated villages"
weights = "people"
controls = "land, rain"
"""
WHOLE = "\n".join(
    line + (",district,start" if at == 0 else ",A,2023" if line < "004" else ",,")
    for at, line in enumerate(PANEL.splitlines())
)


def write(folder: Path, study: str = STUDY, panel: str = PANEL, members: str = MEMBERS) -> Path:
    """Write a study with its two tables; returns the study file."""
    for name, text in (("study.toml", study), ("panel.csv", panel), ("members.csv", members)):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return folder / "study.toml"


def test_study_is_read_as_its_file_says(tmp_path):
    study = load_study(write(tmp_path))
    assert study.title == "Did it help?"
    assert study.outcomes == {
        "income": Outcome(
            "income", unit="CNY", label_en="Income", definition="total income (总收入)", prices="nominal", scale="log"
        )
    }
    assert (study.language, study.noun) == ("en", "village")
    assert study.reading == (
        "panel.csv: 27 rows read.",
        "members.csv: 3 rows read.",
        "members.csv: 6 units of the panel not in it (004, 005, 006, ...), read as never treated.",
    )
    assert study.units.index.tolist() == VILLAGES, "codes keep their leading zeros"
    assert study.units["group"].tolist()[:3] == ["A", "B", "C"]
    assert study.frame.columns[5:].tolist() == ["income"]
    assert repr(study) == (
        "Published data: 9 villages (3 treated in 3 groups, 6 untreated in 3 groups, all of them placebo groups of "
        "about 2 villages cut by code order), 2021-2023."
    )


def test_texts_stand_in_each_language_and_the_study_takes_its_own(tmp_path):
    text = STUDY.replace("definition", 'definition_zh = "总收入"\ndefinition').replace(
        "title", 'title_zh = "有效果吗？"\nassumptions_zh = "假定。"\ntitle'
    )
    said = {}
    for language in ("en", "zh"):
        study = load_study(write(tmp_path, text), language=language)
        said[language] = study.title, study.assumptions, study.describe("income").definition
    assert said == {"en": ("Did it help?", "", "total income (总收入)"), "zh": ("有效果吗？", "假定。", "总收入")}


NAMES = dict(zip(VILLAGES, ["丙村", "甲村", "乙村", "丁村", "戊村", "己村", "庚村", "辛村", "壬村"], strict=True))


def test_names_that_may_not_be_published_become_numbers_everywhere(tmp_path):
    tables = {"panel": PANEL, "members": MEMBERS}
    for code, name in NAMES.items():
        tables = {key: table.replace(f"\n{code},", f"\n{name},") for key, table in tables.items()}
    named, coded = (load_study(write(tmp_path, line + STUDY, **tables)) for line in ("", 'names = "codes"\n'))
    assert set(named.units.index) == set(NAMES.values())
    assert coded.units.index.tolist() == [str(place) for place in range(1, 10)], "in the order of the file"
    said = [*map(str, coded.reading), *(note.said("zh") for note in coded.reading)]
    assert [name for name in NAMES.values() for note in said if name in note] == []
    assert "members.csv: 6 units of the panel not in it (4, 9, 6, ...), read as never treated." in coded.reading
    assert coded.placebo_order == "name", "as they were cut"
    assert coded.reading[-1].startswith("9 villages shown by number")
    assert did(coded, "income").value == pytest.approx(did(named, "income").value, rel=1e-12)
    assert load_study(write(tmp_path, 'names = "codes"\n' + STUDY)).units.index.tolist() == VILLAGES, "codes stay"
    with pytest.raises(StudyError, match=r'^study\.toml has names = \'all\'\. Write names = "codes"'):
        load_study(write(tmp_path, 'names = "all"\n' + STUDY))


def test_an_error_of_a_panel_names_units_by_number_too(tmp_path):
    tables = {"panel": PANEL, "members": MEMBERS}
    for code, name in NAMES.items():
        tables = {key: table.replace(f"\n{code},", f"\n{name},") for key, table in tables.items()}
    tables["panel"] += tables["panel"].splitlines()[-1] + "\n"
    said = {}
    for line in ("", 'names = "codes"\n'):
        with pytest.raises(StudyError) as error:
            load_study(write(tmp_path, line + STUDY, **tables))
        said[line] = [error.value.said(language) for language in ("en", "zh")]
    named, coded = said.values()
    assert all(any(name in one for name in NAMES.values()) for one in named)
    assert not any(name in one for name in NAMES.values() for one in coded)
    assert re.search(r"repeated in 1 row: \d in 2023", coded[0]), coded


def test_controls_and_weights_are_outcomes_or_other_columns_of_either_file(tmp_path):
    settings = 'controls = ["land", "rain"]\nweights = "people"\n' + STUDY + '[outcomes.people]\ncolumn = "人口"\n'
    rows = [f"{line},{number % 7},{number + 1}" for number, line in enumerate(PANEL.splitlines()[1:])]
    members = "village,district,start,land\n" + "".join(
        f"{village},{'ABC'[at] if at < 3 else ''},{2023 if at < 3 else ''},{at}%\n"
        for at, village in enumerate(VILLAGES)
    )
    study = load_study(write(tmp_path, settings, "\n".join([PANEL.splitlines()[0] + ",rain,人口", *rows]), members))
    assert (study.controls, study.weights) == (("land", "rain"), "people")
    assert study.frame.columns[5:].tolist() == ["income", "people", "land", "rain"]
    assert study.column("land").tolist() == [at / 100 for at in range(9) for _ in range(3)]
    assert study.column("rain").tolist() == [number % 7 for number in range(27)]


def test_everything_can_stand_in_the_panel(tmp_path):
    settings = "\n".join(
        line for line in STUDY.splitlines() if not line.startswith(("membership", "provenance", "group", "placebo"))
    )
    lines = PANEL.splitlines()
    started = [f"{line},{2023 if line < '004' else ''}" for line in lines[1:]]
    study = load_study(write(tmp_path, settings, "\n".join([lines[0] + ",start", *started])))
    assert study.starts == [2023]
    assert study.label == "your data"


def test_environment_variable_names_the_study(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY", str(write(tmp_path)))
    assert load_study().title == "Did it help?"
    monkeypatch.setenv("STUDY", "")
    assert load_study().provenance == "simulated", "empty means the project's own study"


def test_the_argument_comes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY", str(tmp_path / "absent.toml"))
    assert load_study(str(write(tmp_path))).title == "Did it help?"


def test_paths_are_relative_to_the_file_and_may_be_chinese(tmp_path, monkeypatch):
    folder = tmp_path / "孟州 数据"
    folder.mkdir()
    write(folder)
    monkeypatch.chdir(tmp_path)
    assert load_study("孟州 数据/study.toml").title == "Did it help?"


def test_byte_order_marks_are_read_over(tmp_path):
    write(tmp_path)
    for file in tmp_path.iterdir():
        file.write_text(file.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert load_study(tmp_path / "study.toml").units.index.tolist() == VILLAGES


REFUSED = {
    "unknown key": (
        {"study": STUDY.replace("title", "titel").replace("panel =", "panal =")},
        "study.toml has 2 unknown keys: panal, titel. Known keys: assumptions, assumptions_en, assumptions_zh, "
        "columns, controls, language, leave_out, membership, names, never, noun, outcomes, panel, placebo_group_size, "
        "provenance, sheet, start, title, title_en, title_zh, weights, years.",
    ),
    "necessary key absent": (
        {"study": 'title = "Did it help?"\n'},
        "study.toml lacks panel, columns, outcomes. Add what is missing.",
    ),
    "unknown column role": (
        {"study": STUDY.replace('group = "district"', 'cluster = "district"')},
        "[columns] of study.toml has 1 unknown key: cluster. Known keys: first_treated, group, stratum, time, "
        "treated, unit.",
    ),
    "necessary column absent": (
        {"study": STUDY.replace('time = "year"', "")},
        "[columns] of study.toml lacks time. Add what is missing. Where years stand in names, write {year} in their "
        'place: column = "{year}年收入", sheet = "{year}年" or panel = "{year}.xlsx".',
    ),
    "unknown outcome key": (
        {"study": STUDY.replace("label_en", "label")},
        "[outcomes.income] of study.toml has 1 unknown key: label. "
        "Known keys: column, definition, definition_en, definition_zh, label_en, label_zh, logged, "
        "prices, scale, unit, where.",
    ),
    "outcome is no section": (
        {"study": STUDY.split("[outcomes")[0] + '[outcomes]\nincome = "收入"\n'},
        "[outcomes.income] of study.toml is not a section with keys of its own. "
        "Write [outcomes.income], then its keys.",
    ),
    "outcomes are a list": (
        {"study": 'outcomes = ["income"]\n' + STUDY.split("[outcomes")[0]},
        "[outcomes] of study.toml is not a section with keys of its own. Write [outcomes], then its keys.",
    ),
    "no TOML": (
        {"study": STUDY.replace('"CNY"', "CNY")},
        'study.toml, line 17: Text stands in quotes. Write: unit = "CNY"',
    ),
    "file absent": (
        {"study": STUDY.replace('"panel.csv"', '"panel2.csv"')},
        "There is no file 'panel2.csv' beside the study file. Check the name in it.",
    ),
    "empty file": ({"panel": ""}, "panel.csv is empty. Check that it was saved, and that it is the file meant."),
    "unit column absent from the membership": (
        {"members": MEMBERS.replace("village,", "code,")},
        "members.csv has no column 'village' (for unit). It has: code, district, start.",
    ),
    "unit column absent from the panel": (
        {"panel": PANEL.replace("village,", "code,")},
        "panel.csv has no column 'village' (for unit). It has: code, year, town, 收入.",
    ),
    "members that the panel does not have": (
        {"members": MEMBERS + "010,D,2023\n011,D,2023\n012,D,2023\n013,D,2023\n"},
        "members.csv names 4 units that the panel does not have: 010, 011, 012, .... Correct the codes.",
    ),
    "member twice": (
        {"members": MEMBERS + "002,C,2023\n"},
        "members.csv repeats a unit in 1 row: 002. Keep one row per unit.",
    ),
    "column in both files": (
        {"panel": PANEL.replace("town", "district").replace("t1", "A")},
        "1 column in panel.csv and in members.csv alike: district. Keep each in one of the two.",
    ),
    "language": ({"study": 'language = "fr"\n' + STUDY}, "study.toml has the language 'fr'. Write one of: en, zh."),
    "text without quotes": (
        {"study": STUDY.replace('"village"', "1")},
        "[columns] of study.toml has unit = 1. Write text in quotes.",
    ),
    "truth in quotes": (
        {"study": STUDY.replace('scale = "log"', "log = true")},
        '[outcomes.income] of study.toml: log is called scale now. Write: scale = "log"',
    ),
    "number in quotes": (
        {"study": STUDY.replace("placebo_group_size = 2", 'placebo_group_size = "2"')},
        "study.toml has placebo_group_size = '2'. Write a whole number.",
    ),
    "old name of a key": (
        {"study": STUDY.replace("placebo_group_size", "pseudo_groups")},
        "study.toml: pseudo_groups is called placebo_group_size now. Write: placebo_group_size = 2",
    ),
    **{
        f"{found} for text in quotes": (
            {"study": STUDY.replace('unit = "CNY"', f"unit = {found}")},
            f"[outcomes.income] of study.toml has unit = {found}. Write text in quotes.",
        )
        for found in ("['x']", "[]", "2022")
    },
    "a list that is not of names": (
        {"study": STUDY.replace('unit = "village"', "unit = [1, 2]")},
        "[columns] of study.toml has unit = [1, 2]. Write text in quotes.",
    ),
    "an empty list of names": (
        {"study": STUDY.replace('unit = "village"', "unit = []")},
        "[columns] of study.toml has unit = []. Write text in quotes.",
    ),
    "a truth for a year": (
        {"study": "start = true\n" + STUDY},
        "study.toml has start = True. Write a year, such as 2018.",
    ),
    "a year in quotes": (
        {"study": 'start = "2023"\n' + STUDY},
        "study.toml has start = '2023'. Write a year, such as 2018.",
    ),
    "one value for never": (
        {"study": "never = 9999\n" + STUDY},
        "study.toml has never = 9999. Write a list of values, such as [0, 9999].",
    ),
    "an indicator in the place of a year": (
        {"members": MEMBERS.replace(",2023", ",1")},
        "'start' (first_treated) holds only 0 and 1: it is an indicator of treatment, not a first year. Write "
        'treated = "start" in the place of first_treated, and, if it is 1 in all years of treated units, also '
        "start = 2018 (the first treated year).",
    ),
    "one control as text": (
        {"study": 'controls = "land"\n' + STUDY},
        "study.toml has controls = 'land'. Write a list of columns, such as [\"耕地面积\"].",
    ),
    "control absent": (
        {"study": 'controls = ["land"]\n' + STUDY.replace('membership = "members.csv"\n', ""), "panel": WHOLE},
        "panel.csv has no column 'land' (for a control). It has: village, year, town, 收入, district, start.",
    ),
    "control absent from both files": (
        {"study": 'controls = ["lnad"]\n' + STUDY, "members": "village,district,start,land\n001,A,2023,4\n"},
        "members.csv has no column 'lnad' (for a control). It has: village, district, start, land. "
        "Did you mean 'land'?",
    ),
    "control that is text": (
        {"study": 'controls = ["town"]\n' + STUDY.replace('stratum = "town"\n', "")},
        "'town' is not a number in 27 rows: row 2 (t1), row 3 (t1), row 4 (t1), .... Write numbers only; the unit "
        "belongs in the study file.",
    ),
    "weights of zero": (
        {
            "study": 'weights = "people"\n' + STUDY,
            "panel": PANEL.replace("收入", "people,收入").replace(",t1,", ",t1,0,"),
        },
        "The weight 'people' is zero or negative in 27 rows: 001 in 2021, 001 in 2022, 001 in 2023, .... Weights must "
        "be positive; leave out rows that should not count.",
    ),
    "primary outcome among the controls": (
        {"study": 'controls = ["income"]\n' + STUDY},
        "The outcome 'income' is also a control. Leave it out of the controls.",
    ),
    "preferred": (
        {"study": STUDY + PREFERRED},
        "study.toml has a section [preferred], which nothing reads now: what is chosen beforehand is every estimate's. "
        'Write controls = ["land", "rain"] and weights = "people" above the first section, and scale = "log" in '
        "[outcomes.income], and delete the section. Its sample and comparison are rows of the specification curve, not "
        "the headline.",
    ),
    "preferred that held nothing": (
        {"study": STUDY + '[preferred]\nweights = "none"\ncontrols = "none"\n'},
        "study.toml has a section [preferred], which nothing reads now: what is chosen beforehand is every estimate's. "
        "Delete the section.",
    ),
    "prices of what is no money": (
        {"study": STUDY.replace('"CNY"', '"户"')},
        "[outcomes.income] of study.toml has prices = 'nominal', but households are no money. Leave prices out.",
    ),
    "no first treated year": (
        {"study": STUDY.replace('first_treated = "start"\n', "")},
        "[columns] of study.toml lacks first_treated: a column of the panel, or of a membership file beside it "
        '(membership = "成员.xlsx"), with the first treated year; or one year for all units with a group, '
        "first_treated = 2022; or treated, a column of 0 and 1.",
    ),
    "one start without a group": (
        {
            "study": STUDY.replace('"start"', "2023")
            .replace('group = "district"\nstratum = "town"', "")
            .replace("placebo", "# ")
        },
        "first_treated = 2023 goes with a group: it is the first year of units with one. Name the column that only "
        "treated units have filled in as group.",
    ),
    **{
        f"money as {unit}": (
            {"study": STUDY.replace('"CNY"', f'"{unit}"')},
            f"[outcomes.income] of study.toml has the unit {unit!r}, money of an unknown size. Write 元, 千元, 万元, "
            "百万元 or 亿元, alone or with /人, /户 or the like.",
        )
        for unit in ("万元人民币", "10,000 yuan", "万CNY", "美元", "万", "万人民币", "￥")
    },
    "prices that say nothing": (
        {"study": STUDY.replace('prices = "nominal"', 'prices = "as reported"')},
        '[outcomes.income] of study.toml has prices = \'as reported\'. Write "nominal", or "constant" with the year '
        'whose prices they are, such as "constant 2022".',
    ),
    "outcome column absent": (
        {"study": STUDY.replace('column = "收入"', 'column = "总收入"')},
        "panel.csv has no column '总收入' (for an outcome). It has: village, year, town, 收入. Did you mean '收入'?",
    ),
    "outcome with the name of a design column": (
        {"study": STUDY.replace("outcomes.income", "outcomes.year")},
        "1 column name used twice: year. Rename or remove one of each.",
    ),
    "first treated year nowhere": (
        {"members": MEMBERS.replace("start", "since")},
        "members.csv has no column 'start' (for first_treated). It has: village, district, since. First treated "
        'years are a column of the panel, or of a membership file beside it (membership = "成员.xlsx"), or one year '
        "for all units with a group: first_treated = 2022, without quotes.",
    ),
}


@pytest.mark.parametrize(("files", "message"), REFUSED.values(), ids=REFUSED)
def test_refusal_says_what_where_and_what_to_do(tmp_path, files, message):
    with pytest.raises(StudyError) as refusal:
        load_study(write(tmp_path, **files))
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            MEMBERS + ",D,2023\n",
            "members.csv: 'village' is empty in 1 row: row 5. Fill it in on every row, also where cells were merged; "
            "delete notes below the table.",
        ),
        ("village,district,start\n001,A,2023\n002,,2023\n", "No group for 1 treated unit: 002."),
    ],
)
def test_a_member_without_its_code_or_district_is_refused(tmp_path, members, message):
    with pytest.raises(StudyError) as refusal:
        load_study(write(tmp_path, members=members))
    assert str(refusal.value).startswith(message)


def test_members_without_a_start_are_counted(tmp_path):
    study = load_study(write(tmp_path, members=MEMBERS + "004,,\n005,,\n"))
    assert study.reading[-2:] == (
        "members.csv: 2 units without a first treated year, read as never treated.",
        "members.csv: 4 units of the panel not in it (006, 007, 008, ...), read as never treated.",
    )


def test_a_folder_is_no_study_file(tmp_path):
    write(tmp_path)
    with pytest.raises(StudyError) as refusal:
        load_study(tmp_path)
    assert str(refusal.value) == (
        f"{tmp_path.name!r} in the folder {tmp_path.parent.name!r} is a folder. Name the study.toml itself."
    )


def test_absent_study_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError) as refusal:
        load_study("mine.toml")
    assert str(refusal.value) == (
        f"'mine.toml' in the folder {tmp_path.name!r} is not there. Name the study.toml itself."
    )


def test_panel_in_gb18030(tmp_path):
    file = write(tmp_path)
    (tmp_path / "panel.csv").write_bytes(PANEL.encode("gb18030"))
    study = load_study(file)
    assert study.frame["income"].sum() == load_study(write(tmp_path)).frame["income"].sum()
    assert study.reading[0] == "panel.csv: 27 rows read (GB18030)."


def test_membership_may_be_a_workbook(tmp_path):
    file = write(tmp_path, STUDY.replace("members.csv", "成员.xlsx"))
    book = Workbook()
    for line in MEMBERS.splitlines():
        book.active.append(line.split(","))
    book.save(tmp_path / "成员.xlsx")
    assert load_study(file).frame.equals(load_study(write(tmp_path)).frame)
