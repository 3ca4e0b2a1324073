"""On which scale an outcome is analysed where nobody asks, and in which unit readers see effects on it."""

import numpy as np
import pandas as pd
import pytest

from analysis import Outcome, Study, StudyError, did, load_study
from analysis.study.outcome import effect_in_words, shown, shown_unit

PER_CENT = [
    "CNY",
    "万元",
    "元/年",
    "CNY per year",
    "EUR",
    "US$",
    "£",
    "INR per person",
    "CNY per household",
    "persons",
    "户",
    "visits",
]
IN_UNIT = ["", "%", "persons per 1,000", "mu", "kg", "points", "index"]


@pytest.mark.parametrize(("scale", "units"), [("poisson", PER_CENT), ("level", IN_UNIT)])
def test_money_and_counts_are_analysed_in_per_cent_all_else_in_its_unit(scale, units):
    assert {unit: Outcome("y", unit=unit).usual_scale for unit in units} == dict.fromkeys(units, scale)


@pytest.mark.parametrize("unit", ["CNY", "%", ""])
@pytest.mark.parametrize("scale", ["level", "log", "poisson"])
def test_a_declared_scale_wins(unit, scale):
    assert Outcome("y", unit=unit, scale=scale).usual_scale == scale


def test_logarithms_are_analysed_as_they_are():
    logged = Outcome("y", unit="CNY", logged=True)
    assert (logged.unit, logged.usual_scale) == ("log points", "level")


def make_panel() -> pd.DataFrame:
    frame = pd.MultiIndex.from_product([range(8), range(2019, 2023)], names=["village", "year"]).to_frame(index=False)
    frame["village"] = "v" + frame["village"].astype(str)
    frame["start"] = frame["village"].isin(["v0", "v1", "v2"]).map({True: 2021.0, False: np.nan})
    return frame.assign(y=np.random.default_rng(2).lognormal(3, 0.2, len(frame)).round(3))


def from_frame(described: dict[str, object]) -> Study:
    roles = {"unit": "village", "time": "year", "first_treated": "start", "group": "village"}
    return Study.from_frame(make_panel(), **roles, outcomes={"y": Outcome("y", **described)})


def from_toml(described: dict[str, object], folder) -> Study:
    make_panel().astype({"start": "Int64"}).to_csv(folder / "panel.csv", index=False)
    said = "\n".join(
        f"{key} = {str(value).lower() if value is True else f'{value!r}'}" for key, value in described.items()
    )
    (folder / "study.toml").write_text(
        'title = "?"\npanel = "panel.csv"\n[columns]\nunit = "village"\ntime = "year"\nfirst_treated = "start"\n'
        f'group = "village"\n[outcomes.y]\ndefinition = "d"\n{said}\n',
        encoding="utf-8",
    )
    return load_study(folder / "study.toml")


@pytest.mark.parametrize(
    ("described", "scale", "unit"),
    [
        ({"unit": "CNY"}, "poisson", "log points"),
        ({"unit": "CNY", "scale": "level"}, "level", "CNY"),
        ({"unit": "CNY", "scale": "log"}, "log", "log points"),
        ({"unit": "kg"}, "level", "kg"),
        ({"unit": "kg", "scale": "poisson"}, "poisson", "log points"),
        ({"unit": "CNY", "logged": True}, "level", "log points"),
    ],
)
def test_a_frame_and_a_study_file_give_the_same(described, scale, unit, tmp_path):
    estimates = [did(study, "y") for study in (from_frame(described), from_toml(described, tmp_path))]
    assert [(one.scale, one.unit) for one in estimates] == [(scale, unit)] * 2
    assert estimates[0].value == estimates[1].value


def test_one_estimate_may_ask_for_another_scale():
    assert did(from_frame({"unit": "CNY"}), "y", scale="level").unit == "CNY"


def test_readers_see_log_points_as_per_cent():
    assert [shown_unit(unit) for unit in ("log points", "%", "CNY")] == ["%", "percentage points", "CNY"]
    assert shown("log points", np.log([0.5, 1.1])) == pytest.approx([-50, 10])
    assert effect_in_words("log points", np.log(1.25)) == "25.0 %"
    assert effect_in_words("", 2.0) == "2"


def test_outcomes_may_be_given_one_by_one():
    roles = {"unit": "village", "time": "year", "first_treated": "start", "group": "village"}
    visits = Outcome("y", unit="visits")
    for given in (visits, [visits], {"y": visits}):
        assert Study.from_frame(make_panel(), **roles, outcomes=given).describe("y") == visits


def test_the_outcome_under_another_name_is_no_control():
    roles = {"unit": "village", "time": "year", "first_treated": "start", "group": "village"}
    twice = make_panel().assign(again=lambda frame: frame["y"])
    with pytest.raises(StudyError, match="^The control 'again' has the values of the outcome 'y'. Leave it out.$"):
        Study.from_frame(twice, **roles, outcomes=["y"], controls=["again"])
