"""The forest plot: a row for everything that was asked, one axis, and reasons in the place of what is missing."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from panels import small_panel, small_study

from analysis import StudyError, by_district, did, plot_forest
from analysis.presentation.forest import MOST_ROWS, plot_districts


@pytest.fixture(scope="module")
def estimate():
    return did(small_study(small_panel(3)), "income")


@pytest.fixture(autouse=True)
def _closed():
    yield
    pyplot.close("all")


def words(axes) -> list[str]:
    axes.figure.canvas.draw()
    return [text.get_text() for text in axes.texts]


def points(axes) -> list[float]:
    """Where effects are drawn, those of the marked row last."""
    drawn = [value for line in axes.lines if line.get_marker() == "o" for value in line.get_xdata()]
    return [value for value in drawn if np.isfinite(value)]


def title(axes) -> str:
    """What stands above, wherever the style in use puts it."""
    return axes.get_title("left") or axes.get_title()


def test_every_row_is_drawn_where_the_estimate_is(estimate):
    axes = plot_forest({"all": estimate, "again": estimate})
    assert [label.get_text() for label in axes.get_yticklabels()] == ["all", "again"]
    assert points(axes) == [estimate.value] * 2
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the first stands at the top"


def test_effects_of_logs_are_drawn_in_per_cent(estimate):
    positive = small_panel(3).assign(income=lambda frame: frame["income"] - frame["income"].min() + 1)
    logs = did(small_study(positive), "income", scale="log")
    axes = plot_forest({"logs": logs})
    assert axes.get_xlabel() == "Effect (%), 95 % intervals"
    assert points(axes) == [pytest.approx(logs.percent)]


def test_a_refusal_keeps_its_row_with_its_reason(estimate):
    axes = plot_forest({"all": estimate, "other": StudyError("No village is treated. Bring some.")})
    assert [label.get_text() for label in axes.get_yticklabels()] == ["all", "other"]
    assert words(axes) == ["No village is treated. Bring some."]


def test_another_unit_is_said_and_not_drawn(estimate):
    positive = small_panel(3).assign(income=lambda frame: frame["income"] - frame["income"].min() + 1)
    logs = did(small_study(positive), "income", scale="log")
    axes = plot_forest({"all": logs, "other": estimate})
    assert words(axes) == ["in another unit:"]
    assert points(axes) == [pytest.approx(logs.percent)]


def test_beyond_thirty_rows_the_others_are_counted(estimate):
    axes = plot_forest({str(number): estimate for number in range(MOST_ROWS + 5)})
    assert len(axes.get_yticklabels()) == MOST_ROWS
    assert "\n5 more are not drawn\nOf all 35 effects half lie between " in title(axes)
    assert "more are not drawn" not in title(plot_forest({"all": estimate}))


def test_where_nothing_is_known_the_first_reason_is_raised():
    with pytest.raises(StudyError, match="^Not known.$"):
        plot_forest({"one": StudyError("Not known."), "two": StudyError("Neither.")})


def test_names_are_drawn_as_they_are_typed(estimate):
    axes = plot_forest({"$x$ and $y$": estimate})
    axes.figure.canvas.draw()
    assert axes.get_yticklabels()[0].get_text() == r"\$x\$ and \$y\$"


def test_districts_stand_before_the_range_of_untreated_groups():
    result = by_district(small_study(small_panel(3)), "income")
    axes = plot_districts(result)
    (grey,) = axes.collections
    assert [segment[1, 0] for segment in grey.get_segments()] == list(result.usual.values())
    assert points(axes) == result.frame()["effect"].tolist()
    beyond = result.frame()["effect"].abs() > pd.Series(result.usual)
    assert not (beyond & (result.frame()["p_value"] > 0.5)).any()
