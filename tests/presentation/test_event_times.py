"""Where a treated group drops out of an event time, figure and table say so."""

from panels import small_panel, small_study

from analysis import event_study, plot_event_study
from analysis.presentation.tables import event_study_table


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
