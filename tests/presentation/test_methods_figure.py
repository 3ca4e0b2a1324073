"""One effect by every method, effects of other groups, and the design in pictures: what they show of small panels."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from panels import districts_panel, small_panel, small_study

from analysis import StudyError, did, load_study, minimum_detectable_effect, read_table, use_style
from analysis.design.power import share_of_larger_errors
from analysis.design.reassigned import reassigned_effects
from analysis.effects.ratio_of_totals import as_large_elsewhere, large_shares
from analysis.messages import FewTreatedGroupsWarning
from analysis.presentation import methods
from analysis.presentation.design_pictures import MOST_DOTS, MOST_ROWS, plot_coverage, plot_design
from analysis.presentation.methods import (
    centre_of_reassigned,
    how_sure,
    other_assumptions,
    plot_methods,
    plot_reassigned,
    trusted,
)
from analysis.presentation.sizes import plot_rejection_rates
from analysis.report.exports.paper import figure_for_paper
from analysis.robustness import partitions


@pytest.fixture(autouse=True)
def _style() -> None:
    use_style()


def drawn(ax) -> str:
    ax.figure.draw_without_rendering()
    return " | ".join(text.get_text() for text in ax.texts)


def test_every_method_stands_with_its_p_value_and_without_false_positives_unless_asked() -> None:
    estimate = did(small_study(small_panel(3)), "income")
    ax, tests = plot_methods(estimate), estimate.inference()
    assert [label.get_text() for label in ax.get_yticklabels()][:3] == ["CR1", "CR2", "CR3"]
    said = drawn(ax)
    assert f"{tests.loc['cr2', 'p_value']:.3f} | –" in said


def test_intervals_without_end_or_number_keep_their_row_and_reason() -> None:
    with pytest.warns(FewTreatedGroupsWarning):
        estimate = did(small_study(small_panel(3, treated=1)), "income")
    ax = plot_methods(estimate)
    assert drawn(ax).split(" | ")[:8] == ["–"] * 8
    assert estimate.no_interval in " ".join(ax.get_xlabel().split())
    assert repr(trusted(estimate)).startswith("Your data: no interval here can be believed: ")


def test_the_sentence_on_intervals_says_degrees_of_freedom_and_how_the_panel_is_unusual(monkeypatch) -> None:
    study = load_study()
    estimate = did(study, study.primary_outcome)
    tests, said = estimate.inference(["cr1", "cr2", "cr3"]), repr(trusted(estimate))
    degrees = tests["df"]
    assert f"CR2 counts {degrees['cr2']:.1f} degrees of freedom, CR1 and CR3 {degrees['cr3']:.0f}." in said
    assert degrees["cr3"] == degrees["cr1"]
    wider = round(100 * share_of_larger_errors(estimate))
    assert f"CR2 errors are larger in {wider} % of panels drawn." in said
    known = minimum_detectable_effect(study, study.primary_outcome, replications=400).beside_own_error
    assert f"This panel's error is smaller than in {wider} % of draws." in known
    ((side, _, share),) = large_shares(estimate.fitted, estimate.effect)
    assert side == "treated"
    often = as_large_elsewhere(estimate.fitted, share)
    assert f"One village has {100 * share:.0f} % of the treated total. " in said
    assert f" In {100 * often:.0f} % of draws for false positives a village has as much. " in said
    assert said.endswith("So these false positives say little of this panel."), "few draws are like it"
    monkeypatch.setattr(methods, "as_large_elsewhere", lambda *_: 0.5)
    assert repr(trusted(estimate)).endswith(" In 50 % of draws for false positives a village has as much.")


def test_a_village_as_large_is_looked_for_among_as_many_untreated_groups() -> None:
    panel = small_panel(3, groups=9, treated=3, missing=0.0)
    panel["income"] = 1.0
    rich = panel["village"] == panel.loc[panel["start"].isna(), "village"].iloc[0]
    fitted = did(small_study(panel), "income", scale="poisson").fitted
    assert as_large_elsewhere(fitted, 0.6) == 0
    fitted = did(small_study(panel.assign(income=np.where(rich, 1000.0, 1.0))), "income", scale="poisson").fitted
    assert as_large_elsewhere(fitted, 0.6) == pytest.approx(3 / 6, abs=0.05), "three of six groups are drawn"
    assert as_large_elsewhere(fitted, 0.999) == 0


def test_the_answer_says_whether_the_interval_tells_a_gain_from_a_loss() -> None:
    panel = small_panel(3, groups=9, treated=4)
    estimate = did(small_study(panel), "income")
    low, high = estimate.headline()[["low", "high"]]
    assert low < 0 < high
    assert repr(how_sure(estimate)).startswith("Your data: with 4 treated groups the 95 % interval reaches from −")
    assert repr(how_sure(estimate)).endswith("cannot tell the effect from none.")
    gained = panel["income"] + 1000 * (panel["year"] >= panel["start"]).fillna(False)
    sure = repr(how_sure(did(small_study(panel.assign(income=gained)), "income")))
    assert sure.startswith("Your data: with 4 treated groups the 95 % interval reaches from +")
    assert sure.endswith("chance alone is an unlikely explanation.")


def test_where_draws_within_strata_centre_and_why() -> None:
    study = load_study()
    estimate = did(study, study.primary_outcome)
    effects = reassigned_effects(study, study.primary_outcome, draws=99)
    said = repr(centre_of_reassigned(estimate, effects, draws=99))
    assert f"these effects centre on {100 * np.expm1(effects.mean()):.1f} %".replace("-", "−") in said
    assert said.endswith("Groups there grew less than elsewhere.")
    assert repr(centre_of_reassigned(estimate, effects + 0.2, draws=99)).endswith("grew more than elsewhere.")
    near = effects - effects.mean()
    assert "grew" not in repr(centre_of_reassigned(estimate, near, draws=99)), "less than twice the simulation error"


def test_columns_of_the_methods_figure_are_headed_above_and_false_positives_have_a_title() -> None:
    ax = plot_methods(did(small_study(small_panel(3)), "income"))
    assert {text.get_position()[1] for text in ax.texts if text.get_text() in ("p", "false\npositives")} == {-1}
    assert ax.get_ylim()[1] < -1, "within the axes, above the first method"
    figure = plot_rejection_rates(read_table("simulated_rejection_rates"))[0, 0].figure
    assert figure_for_paper(figure)["title"] == "False positives by method, without an effect (simulated data)"


def test_few_treated_strata_are_pointed_out(monkeypatch) -> None:
    study = load_study()
    estimate = did(study, study.primary_outcome)
    assert other_assumptions(estimate).note.startswith("Only 4 strata are treated: ")
    monkeypatch.setattr(methods, "ENOUGH", 4)
    assert other_assumptions(estimate).note == ""


def test_the_declared_cut_lies_within_lowest_and_highest() -> None:
    frame = partitions.partition_table(load_study(), "collective_income_cny", cuts=3).frame
    assert (frame["declared"] <= frame["highest"]).all()
    assert (frame["declared"] >= frame["lowest"]).all()
    assert (frame["declared"] == frame["highest"]).any(), "the others are all below"


def test_reassigned_effects_leave_out_the_observed_assignment_and_are_estimates() -> None:
    study = small_study(small_panel(5, groups=7, treated=3))
    effects = reassigned_effects(study, "income", draws=50)
    own = did(study, "income").value
    assert len(effects) > 0
    assert np.abs(effects - own).min() > 1e-6, "the estimate itself is none of them"
    assert plot_reassigned(did(study, "income"), effects).get_title("left").endswith(f"{len(effects)} draws)")


def test_reassigned_effects_need_others_to_give_treatment_to() -> None:
    panel = small_panel(5, groups=6, treated=3).assign(
        town=lambda frame: frame["start"].notna().map({True: "a", False: "b"})
    )
    with pytest.raises(StudyError, match="^Treatment could have gone to no other groups: "):
        reassigned_effects(small_study(panel), "income", draws=9)


def test_other_assumptions_say_why_where_they_have_no_answer() -> None:
    panel = small_panel(5, groups=6, treated=3).assign(
        town=lambda frame: frame["start"].notna().map({True: "a", False: "b"})
    )
    frame = other_assumptions(did(small_study(panel), "income")).frame
    assert frame["p_value"].isna().tolist() == [False, False, True, False]
    assert frame["note"].dropna().iloc[0].startswith("Treatment could have gone to no other groups: ")


def test_cuts_that_move_the_headline_over_five_per_cent_are_cautioned_against(monkeypatch) -> None:
    panel = districts_panel(sizes=(3,))
    panel["district"] = panel["district"].where(panel["start"].notna())
    study = small_study(panel.assign(town="t", income=panel.select_dtypes(float).iloc[:, -1]))
    for highest, cautioned in ((0.077, True), (0.04, False)):
        spread = pd.DataFrame(
            {"declared": 0.029, "median": 0.03, "lowest": 0.02, "highest": highest}, ["cr2", "randomization"]
        )
        monkeypatch.setattr(partitions, "partition_sensitivity", lambda *args, spread=spread, **more: spread)
        caption = partitions.partition_table(study, "income").caption
        assert ("Caution: they move the CR2 p-value from 0.020 to 0.077, over 0.05." in caption) == cautioned


def test_a_dot_stands_for_several_where_a_stratum_is_large_and_strata_beyond_thirty_are_counted() -> None:
    rows = [
        (f"v{stratum}-{n}", year, 2002 if n == 0 and stratum < 3 else None, f"g{stratum}-{n}", f"s{stratum:02}")
        for stratum in range(MOST_ROWS + 2)
        for n in range(2 * MOST_DOTS if stratum == 0 else 2)
        for year in (2001, 2002)
    ]
    panel = pd.DataFrame(rows, columns=["village", "year", "start", "district", "town"]).assign(income=1.0)
    panel["start"] = panel["start"].astype("Int64")
    title = plot_design(small_study(panel)).get_title("left")
    assert title.startswith("One dot for 2 villages: 3 inside (blue), 179 outside (orange)")
    assert title.endswith("2 more are not drawn")


def test_coverage_tells_before_from_after_and_missing_from_absent() -> None:
    panel = small_panel(3, missing=0.0)
    gone = (panel["village"] == "v01") & (panel["year"] == 2016)
    panel = panel[~gone].assign(
        income=lambda frame: frame["income"].mask((frame["village"] == "v02") & (frame["year"] == 2015))
    )
    inside = np.asarray(plot_coverage(small_study(panel), "income").images[0].get_array())
    plt.close("all")
    assert inside[0].tolist() == [2, 0, 2, 3, 3, 3]
    assert inside[1].tolist() == [4, 2, 2, 3, 3, 3]
