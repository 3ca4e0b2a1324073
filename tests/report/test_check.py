"""``python -m analysis check``: each finding by its words, and what the exit status says."""

# ruff: noqa: E501 (a message is quoted as it is printed, and hanzi count double)

import os
import subprocess
import sys

import pytest

from analysis import StudyError, read_table
from analysis.__main__ import main
from analysis.reading.read_files import DATA
from analysis.reading.template import EXAMPLE
from analysis.report.check import Findings, check_study
from analysis.report.deliberate_errors import deliberate_errors

COLUMNS = """
title = "试验"
panel = "panel.csv"
[columns]
unit = "unit"
time = "year"
first_treated = "start"
group = "group"
stratum = "town"
"""
OUTCOME = '[outcomes.value]\nunit = "人"\n'
ROSTER = read_table("villages").query("committee == 'village_committee'")


def write(folder, rows, settings=COLUMNS + OUTCOME):
    """A study from rows of unit, year, start, group, town, value."""
    lines = ["unit,year,start,group,town,value", *(",".join(map(str, row)) for row in rows)]
    (folder / "panel.csv").write_text("\n".join(lines), encoding="utf-8", newline="\n")
    (folder / "study.toml").write_text(settings, encoding="utf-8", newline="\n")
    return folder / "study.toml"


def panel(units=None, treated=5, per_group=3, towns=None, years=(2019, 2020, 2021, 2022)):
    """Rows of groups of equal size, the first of them treated from 2021."""
    units = units or [f"u{number:02}" for number in range(30)]
    return [
        [
            unit,
            year,
            2021 if number < treated * per_group else "",
            f"g{number // per_group}",
            (towns or {}).get(unit, "t"),
            12.5,
        ]
        for number, unit in enumerate(units)
        for year in years
    ]


def finding(file, start):
    """The one finding that begins so."""
    (found,) = [line for line in check_study(file) if line.startswith(start)]
    return found


def test_a_sound_study_in_full(tmp_path):
    assert check_study(write(tmp_path, panel())) == [
        "试验",
        "Your data: 30 villages (15 treated in 5 groups, 15 untreated in 5 groups), 2019-2022.",
        "panel.csv: 120 rows read.",
        "value: 人 is called persons.",
        "Years: 2 years before the first start (2021), 2 from it on.",
        "Gaps: 0 village-years without a row.",
        "value (persons): 120 values, 0 missing, 0 zero. Effects in per cent (Poisson), as money and counts "
        "grow in per cent.",
        "Which scale untreated villages support shows from 3 years before the first start (2021) and one from it on; "
        "'value' is known in 2 years before and 2 from it on.",
        "5 treated groups: intervals rest on them, not on the number of villages.",
        "This study can run.",
    ]


def test_start_years_strata_treated_whole_and_outcomes_to_come_are_said(tmp_path):
    rows = panel(towns={f"u{number:02}": "a" if number < 15 else "b" for number in range(30)})
    for row in rows:
        row[2] = 2022 if row[3] == "g4" else row[2]
        row[5] = "" if row[1] >= 2021 else row[5]
    found = check_study(write(tmp_path, rows))
    assert "Treatment begins in 2021 in 4 groups, 2022 in 1 group." in found
    assert any(
        line.startswith("LOOK: value is known to 2020, before any treatment: no effect can be") for line in found
    )
    assert any(line.startswith("Every stratum with a treated group is treated as a whole:") for line in found)


def test_villages_are_matched_to_the_roster_by_code(tmp_path):
    codes = [*ROSTER["village_code"][:28], "410883999001", "410883999002"]
    assert finding(write(tmp_path, panel(codes)), "Roster") == (
        "Roster of Mengzhou: 28 found by code, 0 by town and name, 2 not found: 410883999001, 410883999002."
    )


def test_villages_are_matched_to_the_roster_by_town_and_name(tmp_path):
    some = ROSTER.drop_duplicates("village_zh")[:29]
    names = [f"{name.removesuffix('村')}村委会" for name in some["village_zh"]]
    towns = dict(zip(names, some["town_zh"].str[:2], strict=True))
    assert finding(write(tmp_path, panel([*names, "无此村"], towns=towns)), "Roster") == (
        "Roster of Mengzhou: 0 found by code, 29 by town and name, 1 not found: 无此村."
    )


def test_the_same_name_in_another_town_is_no_match(tmp_path):
    names = ROSTER["village_zh"].drop_duplicates().tolist()[:30]
    assert not [line for line in check_study(write(tmp_path, panel(names))) if "Mengzhou" in line]


def test_codes_unlike_the_others_are_pointed_out(tmp_path):
    codes = [f"4108830012{number:02}" for number in range(1, 28)]
    odd = ["41O883001231", "41088300123", "410883001000"]
    assert finding(write(tmp_path, panel([*codes, *odd])), "LOOK") == (
        "LOOK: 3 codes without 12 digits as the others have, or with 000 at the end as towns have: 41088300123, 410883001000, "
        "41O883001231. A mistyped code makes a village of its own."
    )


def test_one_name_written_two_ways_is_pointed_out(tmp_path):
    names = [*[f"虚构{number:02}村" for number in range(28)], "虚构03村委会", "虚构０７"]
    towns = {"虚构０７": "another town"}
    assert finding(write(tmp_path, panel(names, towns=towns)), "LOOK") == (
        "LOOK: 1 unit may stand under several names: 虚构03村 / 虚构03村委会. Each spelling makes a unit of its own: "
        "keep one of them."
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("002", "2"),
        ("v002", "v2"),
        ("v002", "V002"),
        ("甲村（东）", "甲村(东)"),
        ("east hill", "Easthill"),
        ("赵和02村", "赵和2村"),
        ("⼀村", "一村"),
        ("甲", "甲村"),
        ("甲镇", "甲街道"),
        ("孟州市", "孟州"),
        ("沁阳县", "沁阳"),
        ("中站区", "中站"),
    ],
)
@pytest.mark.parametrize("noun", ["unit", "group", "stratum"])
def test_names_that_look_alike_are_shown_beside_each_other(tmp_path, noun, one, other):
    at = {"unit": 0, "group": 3, "stratum": 4}[noun]
    rows = panel()
    for row in rows:
        for name, unit in ((one, "u20"), (other, "u21")):
            row[at] = name if row[0] == unit else row[at]
    found = [line for line in check_study(write(tmp_path, rows)) if line.startswith(f"LOOK: 1 {noun} may stand")]
    assert sorted(found[0].split(": ")[2].split(". Each")[0].split(" / ")) == sorted((one, other))
    assert len(found) == 1


@pytest.mark.parametrize(("one", "other"), [("甲村", "乙村"), ("v002", "v020"), ("甲东村", "甲西村"), ("20", "2")])
def test_names_that_differ_are_left_alone(tmp_path, one, other):
    rows = [[{"u20": one, "u21": other}.get(row[0], row[0]), *row[1:]] for row in panel()]
    assert not [line for line in check_study(write(tmp_path, rows)) if "may stand under" in line]


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([*range(101, 129), 11, 12], "2 codes without 3 digits as the others have: 11, 12"),
        ([*range(410801, 410830), 41083], "1 code without 6 digits as the others have: 41083"),
        ([*(f"{n:03}" for n in range(40, 69)), "7"], "1 code without 3 digits as the others have: 7"),
        (
            [*(f"v{n:03}" for n in range(28)), "v31", "v3x"],
            "2 codes without the form of v000 as the others have: v31, v3x",
        ),
    ],
)
def test_codes_of_another_length_or_form_are_pointed_out(tmp_path, codes, said):
    found = finding(write(tmp_path, panel(list(map(str, codes)))), "LOOK")
    assert found == f"LOOK: {said}. A mistyped code makes a village of its own."


@pytest.mark.parametrize(
    "codes", [range(1, 31), range(90, 120), [f"v{n}" for n in range(1, 31)], [f"村{n}" for n in range(1, 31)]]
)
def test_counting_numbers_may_have_any_length(tmp_path, codes):
    assert not [line for line in check_study(write(tmp_path, panel(list(map(str, codes))))) if "LOOK" in line]


def test_chinese_read_in_another_encoding_is_pointed_out(tmp_path):
    rows = [[*row[:3], row[3].replace("g", "ÃÏÖÝ"), *row[4:]] for row in panel()]
    assert finding(write(tmp_path, rows), "LOOK") == (
        "LOOK: 10 names may be Chinese read in another encoding: ÃÏÖÝ0 (perhaps 孟州0), ÃÏÖÝ1 (perhaps 孟州1), "
        "ÃÏÖÝ2 (perhaps 孟州2), .... Save the file in UTF-8 in the program it comes from."
    )


def test_a_code_before_and_after_it_lost_its_zeros_is_pointed_out(tmp_path):
    rows = [[row[0].replace("u", "0"), *row[1:]] for row in panel()]
    for row in rows:
        row[0] = row[0].lstrip("0") if row[0] in ("020", "021") and row[1] > 2020 else row[0]
    assert finding(write(tmp_path, rows), "LOOK: 2 units may stand") == (
        "LOOK: 2 units may stand under several names: 020 / 20, 021 / 21. Each spelling makes a unit of its own: "
        "keep one of them."
    )


@pytest.mark.parametrize(
    ("years", "message"),
    [
        (
            (2019, 2020, 2021, 2022),
            "A unit-year is repeated in 4 rows: u05 in 2019, u05 in 2020, u05 in 2021, .... These rows "
            'differ in \'town\' (t, u): 1 unit may share a name with another. Write unit = ["town", "unit"] to tell '
            "them apart, or take a column of codes as unit.",
        ),
        (
            (2023, 2024),
            "More than one stratum ('town') in 1 unit: u05; u05 has t, u. Give each unit one value in all its years; where "
            'units of several strata share a name, write unit = ["town", "unit"].',
        ),
    ],
)
def test_a_name_shared_by_two_towns_is_explained(tmp_path, years, message):
    rows = panel()
    rows += [["u05", year, *rows[20][2:4], "u", 12.5] for year in years]
    with pytest.raises(StudyError) as refusal:
        check_study(write(tmp_path, rows))
    assert str(refusal.value) == message


def test_one_group_for_all_untreated_villages_is_pointed_out(tmp_path):
    rows = [[*row[:3], row[3] if row[2] else "区外", *row[4:]] for row in panel()]
    rows = [[*row[:3], "区外" if row[0] >= "u15" else row[3], *row[4:]] for row in rows]
    assert finding(write(tmp_path, rows), "LOOK") == (
        "LOOK: every untreated village is in one group (区外), so nothing shows how much groups differ by chance. Leave the "
        "group of untreated units empty, and placebo groups of like size are cut."
    )


def test_the_verdict_is_said_in_the_language_of_the_study(tmp_path):
    file = write(tmp_path, panel(), 'language = "zh"\n' + COLUMNS + OUTCOME)
    assert check_study(file)[-1] == "本研究可以运行。"


def test_the_studys_own_controls_and_weights_are_said_once(tmp_path):
    rows = [[*row, row[1] % 7, "" if row[0] == "u01" else row[0][-1], 3 + row[1] % 2] for row in panel()]
    file = write(tmp_path, rows, 'controls = ["rain", "land"]\nweights = "people"\n' + COLUMNS + OUTCOME)
    text = (tmp_path / "panel.csv").read_text(encoding="utf-8").replace("value\n", "value,rain,land,people\n")
    (tmp_path / "panel.csv").write_text(text, encoding="utf-8", newline="\n")
    assert finding(file, "Every estimate") == (
        "Every estimate controls for rain and land (never changes within a village, so enters times year; 4 missing) "
        "and weighs by people."
    )


def test_gaps_and_absent_years(tmp_path):
    rows = [row for row in panel(years=(2018, 2019, 2021, 2022)) if row[:2] not in (["u03", 2022], ["u05", 2018])]
    found = check_study(write(tmp_path, rows))
    assert "No village has data in 1 year: 2020." in found
    assert "Gaps: 2 village-years without a row, in 2 villages: u03, u05." in found


def test_one_year_before(tmp_path):
    found = check_study(write(tmp_path, panel(years=(2020, 2021))))
    assert "Years: 1 year before the first start (2021), 1 from it on." in found
    assert "With one year before, nobody can see whether the groups had moved alike." in found


def test_missing_and_zero_outcomes_are_counted(tmp_path):
    rows = panel()
    rows[0][-1], rows[1][-1], rows[2][-1] = "", "无", 0
    assert finding(write(tmp_path, rows), "value (").startswith("value (persons): 118 values, 2 missing, 1 zero.")


@pytest.mark.parametrize("factor", [10_000, 1 / 10_000])
def test_a_jump_between_years_is_pointed_out(tmp_path, factor):
    rows = panel()
    for row in rows[20:40]:
        row[-1] *= factor if row[1] >= 2021 else 1
    jump = finding(write(tmp_path, rows), "LOOK")
    end = {10_000: "125,000", 1 / 10_000: "0.0013"}[factor]
    assert jump == (
        "LOOK: value changes by a factor of 1,000 or more between years in 5 places: "
        f"u05 in 2021 (12.5 to {end}), u06 in 2021 (12.5 to {end}), u07 in 2021 (12.5 to {end}), .... "
        "Perhaps 元 and 万元 are mixed."
    )


@pytest.mark.parametrize("factor", [10_000, 1 / 10_000])
def test_a_village_in_another_unit_in_all_years_is_pointed_out(tmp_path, factor):
    rows = panel()
    for row in rows[:8]:
        row[-1] *= factor
    value = {10_000: "125,000", 1 / 10_000: "0.0013"}[factor]
    assert finding(write(tmp_path, rows), "LOOK") == (
        f"LOOK: value is 500 times above or below the middle village's (12.5) in 2 villages: u00 ({value}), "
        f"u01 ({value}). Perhaps 元 and 万元 are mixed."
    )


@pytest.mark.parametrize(
    ("treated", "said"),
    [(8, "2 untreated groups: too few"), (6, "4 untreated groups: fewer"), (5, "5 treated groups: intervals")],
)
def test_the_smaller_side_of_the_comparison_is_said(tmp_path, treated, said):
    assert finding(write(tmp_path, panel(treated=treated)), said)


def test_negative_money_is_refused_with_both_ways_out(tmp_path):
    rows = panel()
    rows[5][-1] = -999
    with pytest.raises(StudyError) as raised:
        check_study(write(tmp_path, rows))
    assert str(raised.value) == (
        "'value' is analysed in per cent, as money and counts grow in per cent, but is negative in 1 row: u01 in 2020 "
        '(-999.0). Leave codes such as -999 empty and correct mistakes; where losses are meant, write scale = "level" '
        "in [outcomes.value]."
    )


def test_the_scale_is_said_with_its_reason(tmp_path):
    for settings, said in {
        OUTCOME: "Effects in per cent (Poisson), as money and counts grow in per cent.",
        OUTCOME.replace("人", "%"): "Effects in levels, as its unit is no money or count.",
        OUTCOME + 'scale = "log"\n': "Effects in logs, as declared.",
        OUTCOME + "logged = true\n": "Effects in levels, as the column holds logarithms.",
    }.items():
        assert finding(write(tmp_path, panel(), COLUMNS + settings), "value (").endswith(said)


def test_what_untreated_villages_say_of_the_scale_is_said(tmp_path):
    rows = panel(years=range(2016, 2023))
    for row in rows:
        # The rich half starts at twenty times the poor; everybody grows by a tenth a year, but not alike by chance.
        number = int(row[0][1:])
        row[-1] = (100 if number % 2 else 2000 + number) * 1.1 ** (row[1] - 2016) * (1 + (number * row[1]) % 7 / 100)
    assert "The gap in per cent is nearer zero, which favours effects in per cent." in finding(
        write(tmp_path, rows), "Your data: no treatment reached the untreated villages"
    )


def test_negative_values_in_levels_are_pointed_out(tmp_path):
    rows = panel()
    rows[5][-1] = -999
    assert finding(write(tmp_path, rows, COLUMNS + OUTCOME + 'scale = "level"\n'), "LOOK") == (
        "LOOK: value is negative in 1 row: u01 in 2020 (-999.0). Right for a loss, not for a code (-999)."
    )


def test_named_groups_without_a_start_are_pointed_out(tmp_path):
    named = {f"g{number}" for number in range(6)}
    rows = [[*row[:3], row[3] if row[3] in named else "", *row[4:]] for row in panel()]
    assert finding(write(tmp_path, rows), "LOOK: 1 group named") == (
        "LOOK: 1 group named but never treated, while other untreated villages have no group: g5. If treated, fill in "
        "the first treated year."
    )


@pytest.mark.parametrize(("largest", "looks"), [(1, True), (1.2, False)])
def test_shares_in_per_cent_are_pointed_out(tmp_path, largest, looks):
    rows = [[*row[:-1], 0.35] for row in panel()]
    rows[0][-1] = largest
    found = check_study(write(tmp_path, rows, COLUMNS + OUTCOME.replace("人", "%")))
    assert ("LOOK: value is in %, but nowhere above 1. Perhaps these are shares, 0.35 for 35%." in found) == looks


def test_a_hundredfold_jump_is_left_alone(tmp_path):
    rows = panel()
    rows[3][-1] = 900
    assert not [line for line in check_study(write(tmp_path, rows)) if line.startswith("LOOK")]


@pytest.mark.parametrize(
    ("treated", "said"),
    [
        (1, "Only 1 treated group (g0): with one, its own luck cannot be told"),
        (2, "Only 2 treated groups (g0, g1): with two, standard errors rest on two numbers"),
        (3, "3 treated groups: fewer than five are few; read CR2 beside randomization inference."),
        (5, "5 treated groups: intervals rest on them"),
    ],
)
def test_what_the_number_of_treated_groups_means(tmp_path, treated, said):
    assert finding(write(tmp_path, panel(treated=treated)), said)


def test_small_groups_are_pointed_out(tmp_path):
    rows = panel()
    for row in rows[-4:]:
        row[3] = "alone"
    assert finding(write(tmp_path, rows), "LOOK") == (
        "LOOK: 2 groups of fewer than 3 villages: alone, g9. Hardly more than one village makes such a group's mean."
    )


def test_villages_as_groups_are_said(tmp_path):
    settings = COLUMNS.replace('group = "group"\n', "") + OUTCOME
    assert finding(write(tmp_path, panel(), settings), "Every village is its own group: right only if treatment")


def test_groups_with_treated_and_untreated_villages_are_said(tmp_path):
    rows = [[*row[:2], "" if row[0] == "u00" else row[2], *row[3:]] for row in panel()]
    assert finding(write(tmp_path, rows), "1 group holds both treated and untreated units (g0)")


def test_placebo_groups_are_said(tmp_path):
    rows = [[*row[:3], row[3] if row[2] else "", *row[4:]] for row in panel()]
    assert "of them placebo groups of about 3 villages cut by code order" in check_study(write(tmp_path, rows))[1]


@pytest.mark.parametrize(
    ("value", "outcome", "message"),
    [
        (
            "0",
            OUTCOME + 'scale = "log"\n',
            "'value' has scale = \"log\" but is zero or negative in 1 row: u00 in 2019 (0.0). "
            'Correct these values, or write scale = "poisson", which keeps zeros, or "level".',
        ),
        (
            "inf",
            OUTCOME,
            "The outcome 'value' is infinite in 1 row: u00 in 2019. "
            "Infinite values often come from a division by zero; correct them or leave them empty.",
        ),
        (None, OUTCOME, "'value' has no value in any row. Check that the column named for it is the one meant."),
    ],
)
def test_an_outcome_that_cannot_run_is_refused(tmp_path, value, outcome, message):
    rows = panel()
    rows[0][-1] = value
    if value is None:
        rows = [[*row[:-1], "—"] for row in rows]
    with pytest.raises(StudyError) as refusal:
        check_study(write(tmp_path, rows, COLUMNS + outcome))
    assert str(refusal.value) == message


def test_exit_status_says_whether_it_can_run(tmp_path, capsys):
    assert main(["check", str(write(tmp_path, panel()))]) == 0
    assert capsys.readouterr().out.endswith("This study can run.\n")
    (tmp_path / "panel.csv").write_text("", encoding="utf-8")
    assert main(["check", str(tmp_path / "study.toml")]) == 1
    assert "StudyError: panel.csv is empty." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "status", "encoding"), [("study.toml", 0, "gbk"), ("with-errors/text-in-numbers.toml", 1, "ascii")]
)
def test_output_never_fails_on_the_console(tmp_path, name, status, encoding):
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [sys.executable, "-X", "warn_default_encoding", "-W", "error::EncodingWarning:analysis"]
    run = subprocess.run(
        [*command, "-m", "analysis", "check", str(DATA / "example" / name)],
        capture_output=True,
        env=environment,
        check=False,
    )
    assert run.returncode == status, run.stderr
    assert b"Traceback" not in run.stderr
    shown = (run.stdout + run.stderr).decode(encoding)
    assert ("村" if encoding == "gbk" else "\\u6751") in shown


def test_template_command_names_the_file_to_fill_in(tmp_path, capsys):
    assert main(["template", str(tmp_path / "new")]) == 0
    assert (
        capsys.readouterr().out
        == f"Fill in the workbook beside {tmp_path / 'new' / 'study.toml'}, then check that file.\n"
    )
    assert main(["template", str(tmp_path / "new")]) == 1
    assert "is not an empty folder" in capsys.readouterr().err


def test_each_deliberate_error_is_told_in_a_row():
    table = deliberate_errors()
    assert table.frame.index.tolist() == sorted(path.stem for path in (EXAMPLE / "with-errors").glob("*.toml"))
    assert table.frame.loc["totals-row"].item() == "totals-row.csv: 1 row of totals or means left out: row 182 (合计)."
    assert (table.frame != "").all(axis=None)


def test_findings_show_a_line_each():
    found = Findings(["One *star*.", "Two."])
    assert repr(found) == "One *star*.\nTwo."
    assert found._repr_markdown_() == "- One \\*star\\*.\n- Two."
