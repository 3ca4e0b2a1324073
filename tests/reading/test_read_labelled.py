"""Stata files: value labels, dates, years, and Chinese text of old versions."""

# ruff: noqa: E501 (hanzi count double)

import numpy as np
import pandas as pd
import pytest

from analysis import StudyError
from analysis.reading.read_labelled import misread_gbk
from analysis.reading.read_panel import read_panel

PANEL = pd.DataFrame(
    {
        "village": ["a", "a", "b", "b"],
        "year": [2021, 2022] * 2,
        "start": [2022, 2022, np.nan, np.nan],
        "g": [1, 1, 2, 2],
    }
)


def read(folder, frame, **options):
    frame.to_stata(folder / "p.dta", write_index=False, **({"version": 118} | options))
    kinds = {"village": "code", "g": "code", "year": "year", "start": "year", "y": "number"}
    return read_panel(folder / "p.dta", kinds)


@pytest.mark.parametrize("version", [114, 117, 118])
def test_a_panel_is_read_and_missing_stays_missing(tmp_path, version):
    cells = read(tmp_path, PANEL.assign(y=[0.5, 1, np.nan, 2]), version=version)
    assert cells.names == ["village", "year", "start", "g", "y"]
    assert cells.frame["village"].tolist() == ["a", "a", "b", "b"]
    assert cells.frame["year"].tolist() == [2021, 2022] * 2
    assert cells.frame["start"].isna().tolist() == [False, False, True, True]
    assert cells.frame["y"].fillna(-1).tolist() == [0.5, 1, -1, 2]
    assert cells.frame.index.tolist() == [1, 2, 3, 4]


def test_value_labels_are_read_for_codes_and_said(tmp_path):
    cells = read(tmp_path, PANEL, value_labels={"g": {1: "东片区", 2: "西片区"}})
    assert cells.frame["g"].tolist() == ["东片区", "东片区", "西片区", "西片区"]
    assert cells.notes == ["4 rows read (value labels of g)."]


def test_indicators_and_years_keep_their_values(tmp_path):
    frame = PANEL.assign(g=[0, 1, 0, 0], start=[2022, 2022, 0, 0])
    cells = read(tmp_path, frame, value_labels={"g": {0: "对照", 1: "处理"}, "start": {0: "从未"}})
    assert cells.frame["g"].tolist() == ["0", "1", "0", "0"]
    assert cells.frame["start"].tolist() == [2022, 2022, 0, 0]
    encoded = read(tmp_path, PANEL.assign(year=[1, 2, 1, 2]), value_labels={"year": {1: "2021", 2: "2022"}})
    assert encoded.frame["year"].tolist() == [2021, 2022] * 2


def test_values_without_a_label_keep_their_number(tmp_path):
    assert read(tmp_path, PANEL, value_labels={"g": {1: "东片区"}}).frame["g"].tolist() == [
        "东片区",
        "东片区",
        "2",
        "2",
    ]


def test_one_label_of_two_values_is_refused(tmp_path):
    with pytest.raises(StudyError) as refusal:
        read(tmp_path, PANEL, value_labels={"g": {1: "片区", 2: "片区"}})
    assert str(refusal.value) == (
        "p.dta gives two values of a column one label. Make the labels differ, or take them off."
    )


def test_numbers_keep_their_values_unless_labels_are_other_numbers(tmp_path):
    frame = PANEL.assign(y=[1, 2, 1, 2])
    assert read(tmp_path, frame, value_labels={"y": {1: "否", 2: "是"}}).frame["y"].tolist() == [1, 2, 1, 2]
    encoded = read(tmp_path, frame, value_labels={"y": {1: "120.5", 2: "130"}})
    assert encoded.frame["y"].tolist() == [120.5, 130, 120.5, 130]


def test_years_in_the_format_of_years_are_years_and_days_are_not(tmp_path):
    days = PANEL.assign(year=pd.to_datetime(PANEL["year"].astype("str")))
    assert read(tmp_path, days, convert_dates={"year": "ty"}).frame["year"].tolist() == [2021, 2022] * 2
    with pytest.raises(StudyError, match=r"^'year' is not a year in 4 rows: row 1 \(2021-01-01\)"):
        read(tmp_path, days, convert_dates={"year": "td"})


def test_days_as_groups_are_refused(tmp_path):
    days = PANEL.assign(g=pd.Timestamp(2024, 2, 1))
    with pytest.raises(StudyError, match=r"^'g' is a date or time in 4 rows: row 1 \(2024-02-01\)"):
        read(tmp_path, days, convert_dates={"g": "td"})


def test_codes_rounded_to_a_short_float_are_refused(tmp_path):
    with pytest.raises(StudyError, match=r"^'g' lost digits in 4 rows: row 1 \(410882998272\)"):
        read(tmp_path, PANEL.assign(g=np.float32(410883001201)))


@pytest.mark.parametrize("version", [114, 117])
def test_names_in_gbk_of_an_old_file_are_read_and_said(tmp_path, version):
    def old(text):
        return text.encode("gb18030").decode("latin-1")

    frame = PANEL.assign(village=[old("孟州"), old("孟州"), old("镕村a"), "b"])
    frame.to_stata(tmp_path / "p.dta", write_index=False, version=version)
    raw = (tmp_path / "p.dta").read_bytes()
    (tmp_path / "p.dta").write_bytes(raw.replace(b"village\0", "村名1\0\0\0".encode("gb18030")))
    cells = read_panel(tmp_path / "p.dta", {"村名1": "code"})
    assert cells.frame["村名1"].tolist() == ["孟州", "孟州", "镕村a", "b"]
    assert cells.notes == ["4 rows read (GB18030)."]


def test_western_names_are_not_taken_for_chinese():
    assert misread_gbk(["São Paulo", "Orléans", "Åland", "Köln"]) == {}
    assert misread_gbk(["孟州", "b"]) == {}
