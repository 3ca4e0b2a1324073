"""Whose effect it is: findings say what their estimates hold, and show them as a table."""

from dataclasses import replace

import numpy as np
import pytest
from panels import small_panel, small_study

from analysis import Outcome, did, event_study, reweight
from analysis.presentation.forest import plot_balance
from analysis.robustness.check import with_interval
from analysis.robustness.leave_one_out import leave_one_out
from analysis.robustness.whose_effect import averages, every_outcome, per_village_and_in_total, without_each_district
from analysis.study.outcome import effect_in_words

# An amount and its multiples are the same numbers up to rounding.
ROUNDING = 1e-9


@pytest.fixture(scope="module")
def study():
    panel = small_panel(3, groups=9, treated=4, missing=0)
    panel["income"] = np.exp(panel["income"] - panel["income"].mean())
    return replace(
        small_study(panel.assign(households=100.0)), outcomes={"income": Outcome("income"), "rain": Outcome("rain")}
    )


def test_the_districts_that_move_the_effect_most_are_named(study):
    found, frame = without_each_district(study, "income"), leave_one_out(study, "income")
    rest = frame["estimate"].drop("none")
    unit = study.effect_unit("income")
    least, most = effect_in_words(unit, rest.min()), effect_in_words(unit, rest.max())
    assert f"is {least} (without {rest.idxmin()}) to {most} (without {rest.idxmax()}). " in found.found
    assert [one.value for one in found.estimates.values()] == frame["estimate"].tolist()
    assert found.tables[0].caption in found._repr_html_()


def test_totals_of_an_effect_in_per_cent_are_its_amount_times_villages(study):
    in_per_cent = replace(study, outcomes={"income": Outcome("income", scale="poisson")})
    frame = per_village_and_in_total(in_per_cent, "income").tables[0].frame
    amount, treated = did(in_per_cent, "income").amount, int(study.units["first_treated"].notna().sum())
    found = frame.loc[["village_mean", "yearly_total", "per_household"], "estimate"].tolist()
    assert found == pytest.approx([amount, treated * amount, amount / 100], rel=ROUNDING)
    assert per_village_and_in_total(study, "income").tables[0].frame["estimate"].iloc[0] == did(study, "income").value


def test_outcomes_that_differ_are_named(study):
    found = every_outcome(study)
    assert found.found.endswith("(Holm)."), "no outcome differs"
    gained = study.frame["income"] + 1000 * (study.frame["time"] >= study.frame["first_treated"]).fillna(False)
    found = every_outcome(replace(study, frame=study.frame.assign(income=gained)))
    ((name, row),) = found.tables[0].frame.query("p_holm < 0.05").iterrows()
    effect = with_interval("en", row["unit"], *row[["estimate", "low", "high"]])
    assert effect.startswith("+")
    assert found.found.endswith(f" {name}: {effect}. An effect, another difference between both sides, or chance.")


def test_outcomes_without_an_interval_are_not_counted_as_tested(study):
    frame = study.frame.assign(none=study.frame["income"].where(study.frame["first_treated"].isna()))
    more = replace(study, frame=frame, outcomes={name: Outcome(name) for name in ("income", "none")})
    assert every_outcome(more).found.startswith("1 of 2 outcomes can be tested. At the 5 % level ")


def test_averages_are_those_of_the_event_study_and_did(study):
    estimates = list(averages(study, "income").estimates.values())
    assert estimates[0].value == event_study(study, "income").average().value
    assert estimates[-1].value == did(study, "income").value


def test_balance_is_drawn_before_and_after_reweighting(study):
    frame = reweight(study, "income").frame()
    drawn = [line.get_xdata().tolist() for line in plot_balance(frame, study).lines if line.get_marker() == "o"]
    assert drawn == [frame[name].tolist() for name in ("normalised difference", "reweighted difference")]
