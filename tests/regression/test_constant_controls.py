"""Controls that never change within a village: times year, as a regression with their interactions has them."""

import numpy as np
import pandas as pd
import pyfixest
import pytest
import statsmodels.formula.api as smf
from panels import districts_panel

from analysis import Study, StudyError, did, event_study
from analysis.regression.regressors import control_columns
from analysis.robustness.one_group_alone import placements

# pyfixest uses a pandas keyword that is on its way out.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore::FutureWarning:pyfixest")

# Two exact algorithms on some hundred rows differ by the rounding of their sums; this leaves a margin.
EXACT = 1e-10
# pyfixest demeans iteratively in both directions, and stops at 1e-8.
COEFFICIENT, STD_ERROR = 1e-8, 1e-6
DESIGN = {"unit": "village", "time": "year", "first_treated": "start", "group": "district"}


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """Ten districts over seven years with gaps; the larger a village's land, the more it grew from 2018 on."""
    frame = districts_panel(gaps=0.1)
    draw = np.random.default_rng(3)
    units = frame["village"].unique()
    frame["land"] = frame["village"].map(dict(zip(units, draw.normal(1, 0.4, len(units)), strict=True)))
    frame["income"] += frame["land"] * (frame["year"] - 2015) * 0.4
    frame["treated"] = (frame["year"] >= frame["start"]).fillna(False).astype(float)
    frame["money"] = np.exp(frame["income"] / 3).round(2)
    return frame


@pytest.mark.parametrize("weights", [None, "size"])
def test_least_squares_with_the_control_in_every_year(panel, weights):
    heft = panel[weights] if weights else pd.Series(1.0, index=panel.index)
    by_year = " + ".join(f"I(land * (year == {year}))" for year in range(2016, 2022))
    formula = f"income ~ treated + rain + {by_year} + C(village) + C(year)"
    wanted = smf.wls(formula, panel, weights=heft).fit().params["treated"]
    estimate = did(Study.from_frame(panel, **DESIGN), "income", controls=["land", "rain"], weights=weights)
    assert estimate.value == pytest.approx(wanted, rel=EXACT)
    assert abs(wanted - did(Study.from_frame(panel, **DESIGN), "income", controls="rain").value) > 0.01


def test_poisson_with_the_control_in_every_year_and_its_cr1_error(panel):
    fit = pyfixest.fepois(
        "money ~ treated + i(year, land, ref=2015) | village + year", panel, vcov={"CRV1": "district"}, iwls_tol=1e-12
    )
    estimate = did(Study.from_frame(panel, **DESIGN), "money", controls=["land"], scale="poisson", estimator="two_way")
    assert estimate.value == pytest.approx(fit.coef()["treated"], abs=COEFFICIENT)
    assert estimate.inference("cr1").loc["cr1", "std_error"] == pytest.approx(fit.se()["treated"], rel=STD_ERROR)


@pytest.mark.parametrize("scale", ["level", "poisson"])
def test_every_year_but_the_first_has_a_coefficient(panel, scale):
    estimate = did(Study.from_frame(panel, **DESIGN), "money", controls=["land", "rain"], scale=scale)
    names = [name for name in estimate.regression.params.index if "land" in name]
    assert names == [f"land × {year}" for year in range(2016, 2022)]
    assert estimate.regression.params.index[-1] == "rain"


# What the unit of a control moves by rounding: columns of length 1e6 beside dummies, in products of their squares.
RESCALED = 1e-7


@pytest.mark.parametrize("verb", [did, event_study], ids=["did", "event study"])
@pytest.mark.parametrize("scale", ["level", "poisson"])
@pytest.mark.parametrize("factor", [1e-4, 1e6])
def test_the_unit_of_the_control_moves_nothing(panel, verb, scale, factor):
    def numbers(frame: pd.DataFrame) -> np.ndarray:
        result = verb(Study.from_frame(frame, **DESIGN), "money", controls=["land"], scale=scale)
        tests = result.inference(["cr1", "cr2", "randomization"], draws=99) if verb is did else result.frame()
        return tests.select_dtypes(float).to_numpy()

    np.testing.assert_allclose(numbers(panel.assign(land=factor * panel["land"])), numbers(panel), rtol=RESCALED)


def test_where_the_control_is_measured_from_moves_nothing(panel):
    study, moved = (Study.from_frame(panel.assign(land=panel["land"] + c), **DESIGN) for c in (0, 100))
    estimates = [did(one, "money", controls=["land"], scale="poisson").headline() for one in (study, moved)]
    assert estimates[1]["std_error"] == pytest.approx(estimates[0]["std_error"], rel=RESCALED)


def test_a_control_that_changes_in_one_village_is_one_column(panel):
    changed = panel.assign(land=panel["land"] + ((panel["village"] == "d09v1") & (panel["year"] > 2018)))
    sample = did(Study.from_frame(changed, **DESIGN), "income", controls=["land"]).fitted.sample
    assert control_columns(sample).columns.tolist() == ["land"]


def test_how_variable_a_district_was_leaves_out_growth_with_the_control(panel):
    # What a control takes up in every year is in nobody's effect, and in nobody's yearly changes before.
    noise = np.random.default_rng(1).normal(size=len(panel)) * 3 ** panel["district"].str[1:].astype(int)
    panel = panel.assign(income=panel["income"] + noise / 100)
    growing = panel.assign(income=panel["income"] + 9 * panel["land"] * (panel["year"] - 2015) ** 2)
    samples = [
        did(Study.from_frame(one, **DESIGN), "income", controls=["land"]).fitted.sample for one in (panel, growing)
    ]
    one, other = (placements(sample) for sample in samples)
    assert np.ptp(one.variability) > 0.1
    np.testing.assert_allclose(other.variability, one.variability, rtol=RESCALED)
    np.testing.assert_allclose(other.effect, one.effect, rtol=RESCALED)


def test_a_control_alike_in_all_villages_is_refused_by_name(panel):
    with pytest.raises(StudyError, match="^6 columns cannot be estimated beside the village and year effects: land × "):
        did(Study.from_frame(panel.assign(land=2.0), **DESIGN), "income", controls=["land"])


def test_a_control_that_is_who_was_treated_is_refused(panel):
    inside = panel["start"].notna().astype(float)
    with pytest.raises(StudyError, match="cannot be estimated beside the village and year effects: land × 20"):
        did(Study.from_frame(panel.assign(land=inside), **DESIGN), "income", controls=["land"], estimator="by_group")
