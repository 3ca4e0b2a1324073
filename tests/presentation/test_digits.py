"""Numbers in tables and on axes keep the digits that count."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from analysis import Study, Table, did, event_study, plot_event_study, plot_trends
from analysis.presentation.cells import DIGIT, POINT, columns_of
from analysis.presentation.tables import FEW_ROWS, MANY_ROWS, captioned, estimates_table
from analysis.report.exports.paper import table_for_paper


def written(frame: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Headings and cells as they are read, without the spaces that align them and without row names."""
    columns = columns_of(frame.reset_index(drop=True), "en")
    return [(column.heading, [cell.strip(DIGIT + POINT) for cell in column.cells]) for column in columns]


def rates(effect: float) -> Study:
    """Twelve groups of four villages, five treated in 2019; a rate of two in a thousand with little noise."""
    index = pd.MultiIndex.from_product([range(12), range(4), range(2015, 2023)], names=["g", "v", "year"])
    frame = index.to_frame(index=False)
    frame["v"] += 10 * frame["g"]
    frame["start"] = np.where(frame["g"] < 5, 2019.0, np.nan)
    noise = np.random.default_rng(1).normal(scale=1e-6, size=len(frame))
    frame["rate"] = 0.002 + noise + effect * (frame["year"] >= frame["start"])
    return Study.from_frame(frame, unit="v", time="year", first_treated="start", group="g", outcomes=["rate"])


def test_an_effect_of_one_in_ten_thousand_is_no_zero():
    study = rates(effect=0.000137)
    estimate = did(study, "rate")
    # The interval is about 0.000137 give or take 0.0000005: two digits of that are the eighth decimal.
    shown = dict(written(estimates_table({"all": estimate}).frame))
    assert shown["estimate"] == [f"{estimate.value:.8f}"]
    low, high = estimate.headline()[["low", "high"]]
    assert shown["95 % interval"] == [f"{low:.8f} to {high:.8f}"]
    assert f"{estimate.value:.8f}" in repr(estimate)


def test_effect_error_and_ends_have_the_digits_of_their_own_interval():
    frame = pd.DataFrame({"estimate": [0.1234, 16620.3, 0.1234], "std_error": [0.0921, 14000.7, np.nan]})
    frame["low"], frame["high"] = [-0.0561, -11503.2, np.nan], [0.3029, 44743.8, np.nan]
    frame["p_value"], frame["smallest_p"] = [0.1814, 0.0034, np.nan], [0.0002, 0.012345, 1.0]
    assert written(frame) == [
        ("estimate", ["0.12", "16,620", "0.123"]),
        ("standard error", ["0.09", "14,001", ""]),
        ("95 % interval", ["−0.06 to +0.30", "−11,503 to +44,744", ""]),
        ("p", ["0.181", "0.003", ""]),
        ("smallest possible p", ["<0.001", "0.012", "1.000"]),
    ]
    assert table_for_paper(Table(frame, "C"))["rows"][1][0] == 16620.3


def test_intervals_of_like_width_have_the_same_decimals_and_all_numbers_stand_on_the_point():
    frame = pd.DataFrame({"estimate": [12.34, -0.51], "low": [3.04, -8.25], "high": [21.64, 7.2]})
    assert written(frame) == [("estimate", ["12.3", "−0.5"]), ("95 % interval", ["+3.0 to +21.6", "−8.2 to +7.2"])]
    apart = columns_of(pd.DataFrame({"estimate": [1234.0, 0.5], "low": [1100.0, 0.1], "high": [1368.0, 0.9]}), "en")
    assert apart[0].cells == [f"1,234{POINT}{2 * DIGIT}", "0.50"]


def test_what_is_no_number_is_left_empty_and_no_end_is_said_so():
    frame = pd.DataFrame({"estimate": [1.0, np.nan], "low": [-np.inf, np.nan], "high": [2.0, np.nan]})
    assert written(frame) == [("estimate", ["1.00", ""]), ("95 % interval", ["−∞ to +2.00", ""])]
    frame = pd.DataFrame({"effect": [np.nan, 7.0], "low": [np.nan] * 2, "high": [np.nan] * 2, "known": [True, None]})
    assert written(frame) == [("effect", ["", "7"]), ("known", ["yes", ""])]


def test_thousands_are_set_off_and_years_are_not():
    frame = pd.DataFrame({"year": [2023, 2024], "village_years": [1234567, 12], "mean": [12.346, 3.1]})
    assert written(frame) == [
        ("year", ["2023", "2024"]),
        ("village-years", ["1,234,567", "12"]),
        ("mean", ["12.35", "3.10"]),
    ]
    assert written(pd.DataFrame({"mean": [27.21, 25.3, 1.074]})) == [("mean", ["27.21", "25.30", "1.07"])]
    assert written(pd.DataFrame({"rate": [0.15, 0.03, 0.005]})) == [("rate", ["0.150", "0.030", "0.005"])]
    assert written(pd.DataFrame({"mean": [255341.2, 2.0371]})) == [("mean", ["255,341", "2.037"])]


def test_a_table_of_counties_in_chinese_has_no_villages_and_no_districts_but_keeps_names():
    first, second = columns_of(pd.DataFrame({"villages": [3, 4]}, index=["inside", "赵村片区"]), "zh", "county")
    assert (first.cells, second.heading) == (["处理组", "赵村片区"], "县数")


def test_thresholds_among_row_names_are_amounts_and_years_and_codes_are_not():
    frame = pd.DataFrame({"n": [1, 2, 3, 4]}, index=[50000, 2023, 410883104202, -1])
    assert columns_of(frame, "en")[0].cells == ["50,000", "2023", "410883104202", "−1"]


def test_a_page_shows_twelve_rows_and_says_how_many_there_are_more():
    table = Table(pd.DataFrame({"size": range(1034)}), "C", note="A row is a place.")
    said = "… and 1,022 more rows, in the CSV of this table."
    assert repr(table).splitlines()[-3:] == ["  11", said, "A row is a place."]
    assert table._repr_html_().count("<td") == 12
    assert f"<p class=note>{said}</p>" in table._repr_html_()
    assert len(table_for_paper(table)["rows"]) == 1034
    assert r"\footnotesize A row is a place." in table.to_latex()


@pytest.mark.parametrize(("treated", "rows"), [(FEW_ROWS, FEW_ROWS), (FEW_ROWS + 1, MANY_ROWS)])
def test_a_page_shows_more_rows_where_many_groups_are_treated(treated, rows):
    index = pd.MultiIndex.from_product([range(20), [2020, 2021]], names=["unit", "year"]).to_frame(index=False)
    frame = index.assign(start=np.where(index["unit"] < treated, 2021.0, np.nan), income=1.0)
    study = Study.from_frame(frame, unit="unit", time="year", first_treated="start", outcomes=["income"])
    table = captioned(pd.DataFrame({"size": range(40)}), study, "Rows ({data})")
    assert table._repr_html_().count("<td") == rows
    assert f"… and {40 - rows} more rows, in the CSV of this table." in repr(table)


def test_hanzi_take_two_columns_of_plain_text():
    lines = repr(Table(pd.DataFrame({"p_value": [0.5, 0.25]}, index=["赵和镇", "v1"]), "C")).splitlines()
    assert lines[2:] == ["赵和镇  0.500", "v1      0.250"]


def test_an_error_does_not_widen_the_interval_whose_digits_count():
    frame = pd.DataFrame({"std_error": [0.255], "low": [10.25], "high": [11.25]})
    assert written(frame) == [("standard error", ["0.26"]), ("95 % interval", ["10.25 to 11.25"])]


def labels(axis: object) -> list[str]:
    axis.axes.figure.canvas.draw()
    return [label.get_text() for label in axis.get_ticklabels() if label.get_text()]


def test_axes_have_no_exponents_or_offsets():
    study = rates(effect=0.000137)
    for ax in (plot_event_study(event_study(study, "rate")), plot_trends(study, "rate")):
        shown = labels(ax.yaxis)
        assert len(set(shown)) == len(shown) > 2
        assert all(label.lstrip("−").replace(".", "").isdigit() for label in shown)
        assert ax.yaxis.get_offset_text().get_text() == ""
        pyplot.close(ax.figure)


def test_a_logarithmic_axis_has_plain_numbers():
    ax = plot_trends(rates(effect=0.1), "rate", log=True)
    assert "0.01" in labels(ax.yaxis)
    pyplot.close(ax.figure)
