"""A design means the same through every door: a frame, CSV, Excel and Parquet."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Study, StudyError, check_study, did, load_study

FRAME, FILES = "frame", [".csv", ".xlsx", ".parquet"]
YEARS = range(2015, 2022)


def make_panel() -> pd.DataFrame:
    """Twelve villages in seven years, four of them treated from 2018 or 2019, treatment coded in several columns."""
    panel = pd.DataFrame([(f"v{unit:02}", year) for unit in range(12) for year in YEARS], columns=["v", "year"])
    panel["start"] = panel["v"].map({"v00": 2018, "v01": 2018, "v02": 2019, "v03": 2019}).astype("Int64")
    panel["did"] = (panel["start"] <= panel["year"]).fillna(False).astype(int)
    panel["same"] = (panel["v"] < "v04").astype(int)
    panel["coded"] = panel["start"].fillna(10_000)
    panel["y"] = np.random.default_rng(7).normal(10, 1, len(panel)).round(3) + 3 * panel["did"]
    return panel


def settings(suffix: str, columns: str, more: str = "") -> str:
    return f'title = "t"\npanel = "p{suffix}"\n{more}\n[columns]\ntime = "year"\n{columns}\n[outcomes.y]\n'


def load(folder: Path, panel: pd.DataFrame, suffix: str, columns: str, more: str = "") -> Study:
    """The study of a panel written to a file."""
    write = {".csv": panel.to_csv, ".xlsx": panel.to_excel, ".parquet": panel.to_parquet}[suffix]
    write(folder / f"p{suffix}", index=False)
    (folder / "study.toml").write_text(settings(suffix, columns, more), encoding="utf-8")
    return load_study(folder / "study.toml")


def read(folder: Path, panel: pd.DataFrame, suffix: str, unit: str | list[str] = "v") -> Study:
    """The study of a panel as it is, or written to a file."""
    if suffix == FRAME:
        return Study.from_frame(panel, unit=unit, time="year", first_treated="start", outcomes=["y"])
    return load(folder, panel, suffix, f'unit = {json.dumps(unit)}\nfirst_treated = "start"')


CODED = {"by row": ('treated = "did"', ""), "with values for never": ('first_treated = "coded"', "never = [0, 10000]")}


@pytest.mark.parametrize("suffix", FILES)
@pytest.mark.parametrize(("columns", "more"), CODED.values(), ids=CODED)
def test_treatment_is_read_as_it_is_coded(tmp_path, suffix, columns, more):
    panel = make_panel()
    want = Study.from_frame(panel, unit="v", time="year", first_treated="start", outcomes=["y"])
    found = load(tmp_path, panel, suffix, f'unit = "v"\n{columns}', more)
    assert found.units["first_treated"].to_dict() == want.units["first_treated"].to_dict()
    assert did(found, "y").value == pytest.approx(did(want, "y").value, rel=1e-12)


@pytest.mark.parametrize("suffix", FILES)
def test_an_indicator_by_unit_takes_its_year_from_the_file(tmp_path, suffix):
    found = load(tmp_path, make_panel(), suffix, 'unit = "v"\ntreated = "same"', "start = 2018")
    assert found.starts == [2018]
    assert found.units["first_treated"].notna().sum() == 4


@pytest.mark.parametrize("suffix", FILES)
def test_an_indicator_under_first_treated_gets_the_line_to_write(tmp_path, suffix):
    with pytest.raises(StudyError, match=r'Write treated = "did" in the place of first_treated'):
        load(tmp_path, make_panel(), suffix, 'unit = "v"\nfirst_treated = "did"')


@pytest.mark.parametrize("suffix", FILES)
def test_years_are_taken_and_units_left_out_as_the_file_says(tmp_path, suffix):
    more = 'years = [2016, 2020]\nleave_out = ["v11"]'
    found = load(tmp_path, make_panel(), suffix, 'unit = "v"\nfirst_treated = "start"', more)
    assert len(found.frame) == 11 * 5
    assert found.reading == (
        f"p{suffix}: 84 rows read.",
        "1 unit left out as asked: v11 (7 rows).",
        "Years 2016 to 2020 taken; 22 rows of other years left out.",
    )


def with_rows(panel: pd.DataFrame, name: str, values: pd.Series | float) -> pd.DataFrame:
    rows = panel[panel["v"] == "v11"].assign(v=name, y=values)
    return pd.concat([panel, rows], ignore_index=True)


@pytest.mark.parametrize("suffix", FILES)
def test_a_total_under_the_region_s_name_is_refused_and_can_be_left_out(tmp_path, suffix):
    panel = make_panel()
    more = with_rows(panel, "清河市", panel.groupby("year")["y"].sum().to_numpy())
    with pytest.raises(StudyError, match=r'write leave_out = \["清河市"\]\.$'):
        load(tmp_path, more, suffix, 'unit = "v"\nfirst_treated = "start"')
    found = load(tmp_path, more, suffix, 'unit = "v"\nfirst_treated = "start"', 'leave_out = ["清河市"]')
    want = Study.from_frame(panel, unit="v", time="year", first_treated="start", outcomes=["y"])
    assert did(found, "y").value == pytest.approx(did(want, "y").value, rel=1e-12)


def test_a_unit_without_any_value_is_pointed_out(tmp_path):
    more = with_rows(make_panel(), "资料来源：统计年鉴", np.nan)
    load(tmp_path, more, ".csv", 'unit = "v"\nfirst_treated = "start"')
    assert (
        "LOOK: 1 village without any value: 资料来源：统计年鉴. If these are notes or headings of the table, write "
        'leave_out = ["资料来源：统计年鉴"].'
    ) in check_study(tmp_path / "study.toml")


DEEPER = {
    "by sex": (["sex"], [["f"], ["m"]], "'sex' (f, m)"),
    "by age and sex": (["age", "sex"], [[1, "f"], [1, "m"], [2, "f"], [2, "m"]], "'age' (1, 2) and 'sex' (f, m)"),
    "by firm": (["firm"], [["企业7"], ["企业8"], ["企业9"]], "'firm' (企业7, 企业8, 企业9)"),
}


@pytest.mark.parametrize("suffix", [FRAME, *FILES])
@pytest.mark.parametrize(("names", "kinds", "said"), DEEPER.values(), ids=DEEPER)
def test_rows_below_the_unit_are_not_thrown_away(tmp_path, suffix, names, kinds, said):
    panel = make_panel()
    parts = [panel.assign(**dict(zip(names, kind, strict=True)), y=panel["y"] + at) for at, kind in enumerate(kinds)]
    deep = pd.concat(parts, ignore_index=True)
    with pytest.raises(StudyError) as refusal:
        read(tmp_path, deep, suffix)
    assert f"The rows go deeper than unit and year: they differ in {said}. Add them up" in str(refusal.value)
    assert "Keep one row" not in str(refusal.value)


@pytest.mark.parametrize("suffix", [FRAME, *FILES])
def test_units_that_share_a_name_are_told_apart_by_the_line_to_write(tmp_path, suffix):
    panel = make_panel()
    panel["province"] = panel["v"].map(lambda name: "河南" if name < "v06" else "河北")
    shared = panel.assign(v=panel["v"].replace({"v05": "鼓楼区", "v08": "鼓楼区"}))

    with pytest.raises(StudyError, match=r'1 unit may share a name with another\. Write unit = \["province", "v"\] to'):
        read(tmp_path, shared, suffix)
    found = read(tmp_path, shared, suffix, ["province", "v"])
    assert {"河南 · 鼓楼区", "河北 · 鼓楼区"} < set(found.units.index)
    want = Study.from_frame(panel, unit="v", time="year", first_treated="start", outcomes=["y"])
    assert did(found, "y").value == pytest.approx(did(want, "y").value, rel=1e-12)


def test_rows_that_differ_in_values_alone_are_not_halved():
    panel = make_panel()
    with pytest.raises(StudyError, match=r"No column tells these rows apart, yet their values differ: add them up if"):
        Study.from_frame(
            pd.concat([panel, panel.assign(y=1.5)]), unit="v", time="year", first_treated="start", outcomes=["y"]
        )
