"""Where a treated group drops out of an event time, figure and table say so."""

from dataclasses import replace
from functools import partial

import numpy as np
from matplotlib import pyplot
from panels import small_panel, small_study

from analysis import StudyError, did, event_study, plot_event_study
from analysis.effects.comparison import alternatives
from analysis.effects.estimate import Estimate
from analysis.presentation.event_studies import plot_honest_bounds
from analysis.presentation.tables import event_study_table, inference_table


def test_event_times_that_rest_on_fewer_groups_are_marked_in_figure_and_table():
    several = event_study(small_study(small_panel(3, groups=12, treated=6, starts=(2017, 2019))), "income")
    behind = several.groups_behind()
    assert event_study_table(several).frame["groups"].tolist() == behind.tolist()
    marked = [line for line in plot_event_study(several).lines if line.get_marker() == "s"]
    assert [line.get_label() for line in marked] == ["fewer treated groups"]
    assert set(marked[0].get_xdata()) == set(behind.index[behind < behind.max()])


def test_event_times_that_all_rest_on_the_same_groups_are_not_marked():
    one = event_study(small_study(small_panel(3, groups=12, treated=6, missing=0)), "income")
    assert "groups" not in event_study_table(one).frame
    assert not [line for line in plot_event_study(one).lines if line.get_marker() == "s"]


def test_figure_and_tables_say_once_why_there_is_no_interval():
    frame = small_panel(3, groups=12, treated=6, missing=0)
    frame["income"] = np.exp(frame["income"] - frame["income"].mean()) * np.where(frame["district"] == "g0", 1e4, 1.0)
    rich = event_study(small_study(frame), "income", scale="poisson")
    reason = rich.average().dominance
    assert reason.startswith("one group has most of the treated total, which is worth 1.")
    assert rich.no_interval == f"no interval: {reason}"
    assert event_study_table(rich).caption.endswith(f"; no interval: {reason} (your data)")
    average = did(small_study(frame), "income", scale="poisson")
    assert inference_table(average).caption.startswith(f"Caution, {average.dominance}. ")
    axes = plot_event_study(rich)
    assert axes.get_ylabel().endswith("no intervals")
    assert " ".join(axes.get_xlabel().splitlines()[1:]) == rich.no_interval
    late = small_panel(3, groups=12, treated=6, missing=0, starts=(2017, 2018))
    late.loc[(late["start"] == 2017) & (late["district"] != "g0"), "start"] = 2018
    one = event_study(small_study(late), "income")
    last = max(one.event_times)
    assert one.groups_behind()[last] == 1
    assert f"no interval at event time {last}: one treated group: not informative" in one.no_interval
    assert one.no_interval in event_study_table(one).caption
    assert event_study(small_study(small_panel(3, groups=12, treated=6)), "income").no_interval == ""
    pyplot.close("all")


def positive_study(groups=12, **options):
    panel = small_panel(3, groups=groups, treated=6, missing=0, **options)
    return small_study(panel.assign(income=np.exp(panel["income"] - panel["income"].mean())))


def test_several_estimators_stand_side_by_side_and_what_is_not_drawn_is_named():
    study = positive_study()
    axes = plot_event_study(alternatives(partial(event_study, estimator="two_way"), study, "income"))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["in levels"]
    lines = axes.get_xlabel().splitlines()[1:]
    assert lines == [f"Not drawn: {name}, its unit is %" for name in ("in per cent (Poisson)", "in logs")]
    ratios = {name: event_study(study, "income", scale=name) for name in ("poisson", "log")}
    axes = plot_event_study(ratios | {"lost": StudyError("No village is treated.")})
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["poisson", "log"]
    assert axes.get_xlabel().endswith("\nNot drawn: lost, No village is treated.")
    pyplot.close("all")


def test_alternatives_pool_start_years_only_where_there_are_several_and_count_zeros():
    several = positive_study(starts=(2017, 2019))
    assert "start years pooled (two-way fixed effects)" in alternatives(did, several, "income")
    frame = several.frame.assign(income=several.frame["income"].where(several.frame.index > 0, 0.0))
    tried = alternatives(did, replace(several, frame=frame), "income")
    assert "in logs, without 1 village-year not above zero" in tried
    assert all(isinstance(one, Estimate) for one in tried.values())


def test_the_reference_left_out_is_the_last_year_seen_before():
    frame = small_panel(3, groups=12, treated=6, missing=0)
    assert event_study(small_study(frame), "income").reference == -1
    assert event_study(small_study(frame[frame["year"] != 2017]), "income").reference == -2


def test_honest_bounds_are_drawn_where_they_are():
    events = event_study(positive_study(groups=24), "income")
    axes = plot_honest_bounds(events)
    bounds = events.honest_bounds("relative_magnitudes").frame
    drawn = axes[0].collections[0].get_segments()
    assert [segment[:, 1].tolist() for segment in drawn[:-1]] == bounds[["low", "high"]].to_numpy().tolist()
    pyplot.close("all")
