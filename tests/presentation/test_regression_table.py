"""Regressions side by side: our numbers and statsmodels' in one row, what each rests on, stars only when asked."""

import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from maketables import ETable
from panels import districts_panel

from analysis import Outcome, Study, StudyError, did, regression_table

ROLES = {"unit": "village", "time": "year", "first_treated": "start", "group": "district"}


@pytest.fixture(scope="module")
def study() -> Study:
    panel = districts_panel().assign(income=lambda frame: np.exp(frame["income"] / 4))
    return Study.from_frame(panel, **ROLES, outcomes={"income": Outcome("income", unit="CNY", label_en="Income")})


@pytest.fixture(scope="module")
def textbook(study: Study):
    frame = study.frame.assign(
        inside=study.frame["first_treated"].notna().astype(int),
        after=(study.frame["time"] >= study.starts[0]).astype(int),
    )
    groups = pd.factorize(frame["group"])[0]
    formula = "income ~ inside:after + C(unit) + C(time)"
    return smf.ols(formula, frame).fit(cov_type="cluster", cov_kwds={"groups": groups})


def test_columns_hold_coefficient_error_and_what_they_rest_on(study):
    level, per_cent = did(study, "income", scale="level"), did(study, "income")
    table = regression_table({"level": level, "per cent": per_cent})
    error = level.headline()["std_error"]
    decimals = max(0, 1 - int(np.floor(np.log10(error))))
    assert table.frame.columns.tolist() == ["(1) level", "(2) per cent"]
    assert table.frame["(1) level"].tolist()[:2] == [f"{level.value:.{decimals}f}", f"({error:.{decimals}f})"]
    rows = table.frame.iloc[2:]
    shown = rows.loc["effect (%)", "(2) per cent"]
    effect, low, high = re.findall(r"[+−]?[\d.]+", shown)
    assert f"{effect} % (95 % interval {low} to {high} %)" in repr(per_cent), "as its sentence has it"
    assert "of the mean that treated villages would have had" in table.note
    assert rows.loc["scale"].tolist() == ["in levels", "in per cent (Poisson)"]
    assert rows.loc["rows"].tolist() == [f"{level.rows:,}"] * 2
    assert rows.loc["groups (treated)"].tolist() == [f"{level.groups} ({level.treated_groups})"] * 2
    assert "controls" not in rows.index, "what no model has is no row"
    assert "CR2" in table.note
    assert "*" not in repr(table)


def test_a_textbook_regression_stands_in_the_same_row(study, textbook):
    ours = did(study, "income", scale="level")
    frame = regression_table({"did": ours, "ols": textbook}, keep="inside:after").frame
    assert frame.index[0] == "inside × after"
    assert len({*frame.iloc[0]}) == 1, "the same coefficient, with digits of its own error each"


def test_maketables_takes_an_estimate_beside_a_result_of_statsmodels(study, textbook):
    ours = did(study, "income", scale="level")
    laid = ETable([ours, textbook], keep="inside:after").df
    first = laid.xs("coef").iloc[0].astype(str).tolist()
    assert [float(cell.split()[0].rstrip("*").replace(",", "")) for cell in first] == pytest.approx(
        [ours.value] * 2, rel=1e-3
    ), "three decimals are shown"
    assert laid.xs("stats").loc["Observations"].tolist() == [f"{ours.rows:,}"] * 2


def test_stars_and_intervals_only_when_asked(study):
    strong = did(study, "income")
    starred = regression_table({"per cent": strong}, stars=True, interval=True)
    p_value = strong.headline()["p_value"]
    assert starred.frame.iloc[0, 0].count("*") == sum(p_value < limit for limit in (0.1, 0.05, 0.01)) > 0
    assert " to " in starred.frame.iloc[1, 0]
    assert "*** p < 0.01" in starred.note


def test_a_refusal_is_said_in_the_note(study):
    table = regression_table({"per cent": did(study, "income"), "log": StudyError("Some are zero.")})
    assert table.frame.columns.tolist() == ["(1) per cent"]
    assert table.note.endswith("log: Some are zero.")
