"""Numbers in tables and on axes keep the digits that count."""

import numpy as np
import pandas as pd
from matplotlib import pyplot

from analysis import Study, Table, did, event_study, plot_event_study, plot_trends
from analysis.presentation.tables import estimates_table


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
    shown = estimates_table({"all": estimate})._shown().loc["all"]
    assert shown["estimate"] == f"{estimate.value:.8f}"
    assert [shown["low"], shown["high"]] == [f"{end:.8f}" for end in estimate.headline()[["low", "high"]]]
    assert f"{estimate.value:.8f}" in repr(estimate)


def test_effect_error_and_ends_have_the_digits_of_their_own_interval():
    frame = pd.DataFrame({"estimate": [0.1234, 16620.3, 0.1234], "std_error": [0.0921, 14000.7, np.nan]})
    frame["low"], frame["high"] = [-0.0561, -11503.2, np.nan], [0.3029, 44743.8, np.nan]
    frame["p_value"], frame["smallest_p"] = [0.1814, 0.0034, np.nan], [0.0002, 0.012345, 1.0]
    assert Table(frame, "C")._shown().to_numpy().tolist() == [
        ["0.12", "0.09", "-0.06", "0.30", "0.181", "<0.001"],
        ["16,620", "14,001", "-11,503", "44,744", "0.003", "0.012"],
        ["0.123", "", "", "", "", "1"],
    ]
    assert Table(frame, "C")._shown(in_full=True)["estimate"].tolist() == [0.1234, 16620.3, 0.1234]


def test_an_error_does_not_widen_the_interval_whose_digits_count():
    frame = pd.DataFrame({"std_error": [0.255], "low": [10.25], "high": [11.25]})
    assert Table(frame, "C")._shown().to_numpy().tolist() == [["0.26", "10.25", "11.25"]]


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
