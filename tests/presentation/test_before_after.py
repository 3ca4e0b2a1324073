"""Four means as a figure, and the textbook's formula beside `did`."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from matplotlib import pyplot
from panels import small_panel, small_study

from analysis import Study, StudyError, did, four_means
from analysis.presentation.before_after import by_hand, gap_moved, plot_four_means, two_by_two

# Two programs that solve the same least squares differ by rounding; iterated Poisson fits stop at 1e-8.
ROUNDING, ITERATED = 1e-9, 1e-6


def positive(seed: int = 3, **options):
    panel = small_panel(seed, missing=0, **options)
    return small_study(panel.assign(income=np.exp(panel["income"] - panel["income"].mean())))


@pytest.fixture(autouse=True)
def _closed():
    yield
    pyplot.close("all")


def test_formula_in_levels_is_did():
    data = two_by_two(positive(), "income", "level")
    fitted = smf.ols("outcome ~ inside * after", data.frame).fit()
    assert fitted.params["inside:after"] == pytest.approx(data.estimate.value, rel=ROUNDING)
    assert data.estimate.value == did(positive(), "income", scale="level").value


def test_formula_with_a_poisson_family_is_did_in_per_cent():
    data = two_by_two(positive(), "income", "poisson")
    fitted = smf.glm("outcome ~ inside * after", data.frame, family=sm.families.Poisson()).fit()
    assert fitted.params["inside:after"] == pytest.approx(data.estimate.value, rel=ITERATED)
    assert data.estimate.percent == did(positive(), "income", scale="poisson").percent


def test_formula_is_refused_where_start_years_differ():
    with pytest.raises(StudyError, match=r"^The formula inside \* after is for one start year, and this study has 2: "):
        two_by_two(positive(starts=(2017, 2018), groups=9, treated=4), "income")


def test_the_dashed_line_ends_where_the_change_outside_leads():
    study = positive()
    means = four_means(study, "income").frame
    (axes,) = plot_four_means(study, "income")
    (dashed,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    inside, outside = means.loc["inside"], means.loc["outside"]
    assert dashed.get_ydata()[1] == pytest.approx(inside["before"] + outside["after"] - outside["before"])


def test_every_start_year_has_its_panel():
    study = positive(starts=(2017, 2018), groups=9, treated=4)
    assert [axes.get_xticklabels()[1].get_text() for axes in plot_four_means(study, "income")] == [
        "from 2017",
        "from 2018",
    ]


@pytest.mark.parametrize(
    ("growth", "said"),
    [
        (40, "excludes zero: chance alone"),
        (-20, "excludes zero: chance alone"),
        (10, "cannot tell the effect from none"),
    ],
)
def test_whether_the_gap_moved_follows_the_interval(growth, said):
    random, rows = np.random.default_rng(3), []
    for number in range(20):
        start = 2021 if number < 8 else None
        moved = growth if start else 10
        rows += [
            (f"v{number:02}", start, y, 100 + moved * (y >= 2021) + random.normal(0, 3)) for y in range(2018, 2023)
        ]
    panel = pd.DataFrame(rows, columns=["village", "start", "year", "income"]).assign(place=lambda one: one["village"])
    names = {"unit": "village", "time": "year", "first_treated": "start", "group": "place"}
    assert said in repr(gap_moved(Study.from_frame(panel, **names, outcomes=["income"]), "income"))


@pytest.mark.parametrize("scale", ["level", "poisson"])
def test_four_means_and_the_regression_are_said_with_the_same_digits(scale):
    study = positive()
    outcome = replace(study.describe("income"), scale=scale)
    said = repr(by_hand(replace(study, outcomes={"income": outcome}), "income"))
    hand, regression = re.search(r"the four means give (.*), the regression (.*)\.$", said).groups()
    assert hand == regression
    assert hand.endswith(" %") == (scale == "poisson")
