"""Outcomes that hold logarithms already: never logged again, and in per cent as logs are."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Outcome, Study, StudyError, check_study, did, load_study, minimum_detectable_effect


def make_panel() -> pd.DataFrame:
    panel = pd.DataFrame([(f"v{unit:02}", year) for unit in range(16) for year in range(2015, 2022)])
    panel.columns = ["v", "year"]
    panel["start"] = panel["v"].map(dict.fromkeys([f"v{unit:02}" for unit in range(5)], 2018)).astype("Int64")
    treated = (panel["start"] <= panel["year"]).fillna(False)
    panel["income"] = np.exp(np.random.default_rng(4).normal(9, 0.3, len(panel)) + 0.2 * treated)
    panel["ln_income"] = np.log(panel["income"])
    return panel


def make_study(**described: object) -> Study:
    outcomes = {"income": Outcome("income", unit="CNY"), "ln_income": Outcome("ln_income", **described)}
    return Study.from_frame(make_panel(), unit="v", time="year", first_treated="start", outcomes=outcomes)


def test_a_logged_column_gives_what_logs_of_the_column_give():
    study = make_study(unit="CNY", logged=True)
    want, found = did(study, "income", scale="log"), did(study, "ln_income")
    assert found.value == pytest.approx(want.value, rel=1e-9)
    assert found.percent == pytest.approx(100 * np.expm1(found.value), rel=1e-12)
    assert (found.unit, found.percent) == (want.unit, pytest.approx(want.percent, rel=1e-9))
    assert repr(found).split("ln_income", 1)[1] == repr(want).split("income", 1)[1]


def test_power_of_a_logged_outcome_is_in_per_cent_as_logs_are():
    study = make_study(logged=True)
    found = minimum_detectable_effect(study, "ln_income", replications=50)
    assert found.percent == pytest.approx(100 * np.expm1(found.value), rel=1e-12)
    assert "mean" not in repr(found)


@pytest.mark.parametrize("scale", ["log", "poisson"])
def test_no_logs_are_taken_of_logs(scale):
    with pytest.raises(StudyError) as refusal:
        did(make_study(logged=True), "ln_income", scale=scale)
    assert str(refusal.value) == (
        f"'ln_income' is in logs already (logged = true), so scale=\"{scale}\" would take the log of a log. Leave "
        "scale out: the effect in per cent is exp(effect) - 1."
    )


def write(folder: Path, name: str, described: str, values: str = "ln_income") -> Path:
    make_panel().rename(columns={values: name}).to_csv(folder / "p.csv", index=False)
    columns = '[columns]\nunit = "v"\ntime = "year"\nfirst_treated = "start"\n'
    text = f'title = "t"\npanel = "p.csv"\n{columns}[outcomes."{name}"]\n{described}'
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder / "study.toml"


@pytest.mark.parametrize("name", ["ln_income", "lnGDP", "Log income", "lg收入", "人均收入对数", "income_ln", "loggdp"])
def test_a_name_of_logs_is_pointed_out_unless_it_is_said(tmp_path, name):
    looks = [one for one in check_study(write(tmp_path, name, 'scale = "log"\n')) if one.startswith("LOOK")]
    assert looks == [
        f"LOOK: {name} may hold logarithms, by its name. If so, write logged = true in [outcomes.{name}], so that no "
        "logs are taken of logs and effects in per cent are right."
    ]
    assert not [one for one in check_study(write(tmp_path, name, "logged = true\n")) if one.startswith("LOOK")]


@pytest.mark.parametrize("name", ["income", "logistics", "logins", "balance", "catalog"])
def test_other_names_are_not(tmp_path, name):
    assert not [one for one in check_study(write(tmp_path, name, "", "income")) if "logarithms" in one]


def test_money_as_small_as_logs_is_pointed_out(tmp_path):
    described = 'unit = "元"\nprices = "nominal"\ndefinition = "income"\n'
    assert (
        "LOOK: y is in CNY, but nowhere above 30. If these are logarithms, write logged = true in [outcomes.y]."
    ) in check_study(write(tmp_path, "y", described))


def test_logged_with_a_scale_is_refused(tmp_path):
    file = write(tmp_path, "y", 'logged = true\nscale = "log"\n')
    with pytest.raises(StudyError) as refusal:
        load_study(file)
    assert str(refusal.value) == (
        "[outcomes.y] of study.toml has logged = true and scale = 'log'. Leave scale out: no logs are taken of logs."
    )
