"""What was built into simulated panels stands beside what was found, in a sentence and a table."""

import numpy as np
import pytest

from analysis import did, load_study, read_table
from analysis.robustness.known_truth import KINDS, known_panels, truth_beside_found


def test_truth_stands_beside_what_was_found():
    beside, study = truth_beside_found(), load_study()
    table = beside.tables[0].frame
    # 0.12 in the first treated year and 0.18 in the second, in log points, of villages seen in both.
    assert table["truth"].tolist() == pytest.approx([100 * np.expm1(0.15)] * 2 + [0] * 3, abs=1e-9)
    headline = did(study, study.primary_outcome)
    assert table["estimate"].iloc[0] == pytest.approx(headline.percent, abs=1e-9)
    held = ((table["low"] <= table["truth"]) & (table["truth"] <= table["high"])).sum()
    assert f"Of {table['low'].count()} intervals {held} contain the true value" in repr(beside)


def test_false_positives_and_missing_intervals_of_the_one_panel_are_named():
    beside = truth_beside_found()
    table = beside.tables[0].frame
    nothing = table[table["truth"] == 0]
    (wrong,) = nothing.index[nothing["low"] * nothing["high"] > 0]
    assert f"Nothing was built into {wrong[0].lower()}{wrong[1:]}, and the interval excludes zero" in repr(beside)
    (without,) = table.index[table["low"].isna()]
    assert f"{without} has no interval: one group has most of the treated total" in repr(beside)


def test_what_the_page_says_of_its_panels_is_so():
    rows = read_table("simulated_built_in_checks").set_index(["panel", "unit", "quantity"])
    assert (
        rows["coverage"].loc[["as stored", "without effect"]].xs("%", level="unit").xs("effect", level=1) > 0.97
    ).all()
    nothing = rows.loc["without effect"]
    assert (nothing.loc[[("%", "spillover"), ("%", "slope before")], "truth"] > 0).all(), "stay built in"
    assert nothing.loc[("share", "reports moved over a mark"), "truth"] > 0
    money = nothing.loc[("CNY", "effect")]
    assert money["mean"] > 5 * money["monte_carlo_error"], "off in yuan"
    assert money["median_width"] > 4 * money["mean"], "contains zero because it is wide"


def test_log_points_stand_beside_their_per_cent():
    said = repr(known_panels("strong selection on trend", beside=["effect, reweighted"]))
    assert "built in 0.15 log points (16.2 %), found 0.31 log points (36.6 %)" in said


@pytest.mark.parametrize("kind", KINDS)
def test_panels_of_a_kind_show_what_the_stored_table_holds(kind):
    stored = read_table("simulated_built_in_checks").query("panel == @kind and unit == '%'").set_index("quantity")
    found = known_panels(kind)
    table = found.tables[0].frame
    assert table.loc["effect", ["truth", "mean"]].tolist() == stored.loc["effect", ["truth", "mean"]].tolist()
    assert f"excludes zero in {100 * stored.loc['effect', 'leaves_out_zero']:.0f} %. Of all checks" in repr(found)
    left = 200 - int(stored.loc["effect", "panels"])
    assert f"In the other {left} of 200 one village has most of the money" in repr(found)
    assert len(table) == 10
    assert table.shape[1] + 1 <= 7


def test_rows_that_are_asked_for_are_said_too():
    row = read_table("simulated_built_in_checks").query("panel == 'strong spillover' and unit == '%'")
    row = row.set_index("quantity").loc["spillover"]
    said = repr(known_panels("strong spillover", beside=["spillover"]))
    assert (
        f"“spillover”: built in {row['truth']:.1f} %, found {row['mean']:.1f} %; the interval contains the true value "
        f"in {100 * row['coverage']:.0f} % and excludes zero in {100 * row['leaves_out_zero']:.0f} %."
    ) in said
    assert "of 200" not in repr(known_panels("without effect", "CNY")), "none was left out"
