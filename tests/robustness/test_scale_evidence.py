"""Which scale untreated villages support: their growth by hand, and nothing of the treated ones."""

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

from analysis import Outcome, Study, StudyError, scale_evidence

YEARS, START = range(2018, 2024), 2022
POOR, RICH = {"p1": 90.0, "p2": 100.0, "p3": 110.0}, {"r1": 280.0, "r2": 300.0, "r3": 320.0}
# Arithmetic alone, in per cent; a Poisson fit stops at relative changes of about 1e-10.
BY_HAND = 1e-6


def in_per_cent(value: float) -> float:
    """A fifth more from the start on: proportional growth."""
    return 0.2 * value


def in_money(value: float) -> float:
    """Twenty more from the start on, whoever one is."""
    return 20.0


def make_panel(gain=in_per_cent) -> pd.DataFrame:
    """Three poor and three rich villages that were never treated, alike in all years before, and three treated."""
    villages = POOR | RICH | {"t1": 150.0, "t2": 250.0, "t3": 350.0}
    rows = [(name, year, usual + (year >= START) * gain(usual)) for name, usual in villages.items() for year in YEARS]
    panel = pd.DataFrame(rows, columns=["village", "year", "income"])
    panel["start"] = panel["village"].str.startswith("t").map({True: START, False: np.nan})
    return panel.assign(place=panel["village"])


def make_study(panel: pd.DataFrame, **described: object) -> Study:
    outcomes = {"income": Outcome("income", **{"unit": "CNY"} | described)}
    return Study.from_frame(panel, unit="village", time="year", first_treated="start", group="place", outcomes=outcomes)


def evidence(panel: pd.DataFrame):
    return scale_evidence(make_study(panel), "income")


def gains(panel: pd.DataFrame) -> dict[str, float]:
    return evidence(panel).frame()["estimate"].to_dict()


@pytest.mark.parametrize(
    ("gain", "in_levels", "as_per_cent", "supported"),
    [
        # The rich, 300 before, have 360 and would have had 320; in per cent both sides gain a fifth.
        (in_per_cent, 100 * 40 / 320, 0.0, "poisson"),
        # The rich have 320, and would have had 360 had they grown as 100 to 120 does.
        (in_money, 0.0, 100 * (320 / 360 - 1), "level"),
    ],
)
def test_growth_by_hand(gain, in_levels, as_per_cent, supported):
    found = evidence(make_panel(gain))
    assert found.frame()["estimate"].to_dict() == {
        "in levels": pytest.approx(in_levels, abs=BY_HAND),
        "in per cent": pytest.approx(as_per_cent, abs=BY_HAND),
    }
    assert (found.rich, found.poor) == (3, 3)
    # Without noise the scale that holds leaves nothing to learn from: no interval, and no verdict.
    assert (found.supported, evidence(noisy(gain)).supported) == ("", supported)
    assert "(no interval: no residual variation to learn from)" in repr(found)
    assert repr(found).endswith(" (95 % intervals). Without both intervals these villages favour neither scale.")


def noisy(gain=in_per_cent) -> pd.DataFrame:
    panel = make_panel(gain)
    return panel.assign(income=panel["income"] * np.exp(np.random.default_rng(5).normal(0, 0.02, len(panel))))


def test_treated_villages_say_nothing():
    panel = noisy()
    treated, later = panel["start"].notna(), panel["year"] >= START
    richer = panel.assign(income=panel["income"] * np.where(treated, 7.0 + later, 1.0))
    assert evidence(richer).frame().equals(evidence(panel).frame())


def test_the_first_two_years_sort_and_nothing_else():
    panel, first = noisy(), 2019
    moved = panel.assign(income=panel["income"] * np.where(panel["year"] <= first, 3.0, 1.0))
    assert evidence(moved).frame().equals(evidence(panel).frame())
    swapped = panel["village"].replace({"p1": "r1", "r1": "p1"})
    sorted_otherwise = panel.merge(panel.assign(village=swapped), on=["village", "year"], suffixes=("", "_swapped"))
    early = sorted_otherwise["year"] <= first
    sorted_otherwise.loc[early, "income"] = sorted_otherwise.loc[early, "income_swapped"]
    assert gains(sorted_otherwise[panel.columns]) != gains(panel)


def test_villages_unknown_in_the_first_two_years_are_left_out():
    panel = noisy()
    late = panel[panel["village"] == "r3"].assign(village="late", income=lambda one: one["income"] * 5)
    late.loc[late["year"] <= 2019, "income"] = np.nan
    found = evidence(pd.concat([panel, late], ignore_index=True))
    assert (found.rich, found.poor) == (3, 3)
    assert found.frame().equals(evidence(panel).frame())


def test_errors_are_clustered_by_village_whatever_the_groups():
    panel, villages = noisy(), [*POOR, *RICH]
    grouped = make_study(panel.assign(place=panel["village"].replace(dict(zip(villages, "aabbcc", strict=True)))))
    found = scale_evidence(grouped, "income")
    assert {one.groups for one in found.estimates.values()} == {6}
    assert found.frame().equals(evidence(panel).frame())


def bounded(found, **ends):
    """The same evidence with other intervals by scale, and the gap in their middle."""
    estimates = {}
    for scale, (low, high) in ends.items():
        row = {"percent": (low + high) / 2, "percent_low": low, "percent_high": high, "p_value": 0.5}
        frame = pd.DataFrame([row])
        estimates[scale] = Mock(wraps=found.estimates[scale], percent=row["percent"], no_interval="", specified="")
        estimates[scale].frame = lambda frame=frame: frame
    return replace(found, estimates=estimates)


KEPT = " The study keeps effects in per cent, the scale fixed beforehand."


@pytest.mark.parametrize(
    ("level", "poisson", "near", "zero", "kept"),
    [
        ((4, 20), (-3, 5), "in per cent", "Only the interval in per cent contains zero.", ""),
        ((-2, 4), (-9, 3), "in levels", "Both intervals contain zero, so neither scale is ruled out.", KEPT),
        ((1, 3), (-9, -4), "in levels", "Neither interval contains zero, so neither scale fits well.", KEPT),
    ],
)
def test_the_sentence_says_which_gap_is_nearer_zero_and_which_interval_contains_it(level, poisson, near, zero, kept):
    found = evidence(noisy())
    assert "the gain of the 3 richer on the 3 poorer in income is " in repr(found)
    verdict = f"The gap {near} is nearer zero, which favours effects {near}. {zero}{kept}"
    assert repr(bounded(found, level=level, poisson=poisson)).endswith(verdict)


def test_the_studys_own_controls_and_weights_are_named():
    panel = noisy().assign(people=100.0, rain=np.random.default_rng(6).normal(size=len(noisy())))
    said = repr(scale_evidence(replace(make_study(panel), controls=("rain",), weights="people"), "income"))
    assert " in per cent (95 % intervals, controls rain, weights people). " in said


def test_a_half_without_later_values_is_said_to_have_none():
    panel = noisy()
    gone = panel["village"].isin(POOR) & (panel["year"] >= START)
    with pytest.raises(StudyError) as refusal:
        evidence(panel.assign(income=panel["income"].mask(gone)))
    assert str(refusal.value).endswith(
        "in the first 2 years of 'income', and in later ones before and from 2022 on, there are 3 and 0."
    )
    with pytest.raises(StudyError, match="which scale they support: No poorer village has a usable 'income'; rows le"):
        evidence(panel.assign(income=panel["income"].where(~panel["village"].isin(POOR), 0.0)))


@pytest.mark.parametrize(
    ("years", "known"),
    [((2020, 2023), "2 years before and 2 from it on"), ((2018, 2021), "4 years before and 0 from it on")],
)
def test_too_few_years_are_refused(years, known):
    panel = make_panel()
    unseen = panel["start"].isna() & ~panel["year"].between(*years)
    with pytest.raises(StudyError) as refusal:
        evidence(panel.assign(income=panel["income"].mask(unseen)))
    assert str(refusal.value) == (
        "Which scale untreated villages support shows from 3 years before the first start (2022) and one from it on; "
        f"'income' is known in {known}."
    )


@pytest.mark.parametrize(
    ("villages", "known"), [(["r2", "r3", "p3"], "1 and 2"), (["r2"], "2 and 3"), (["p1", "p2", "p3"], "1 and 2")]
)
def test_too_few_villages_are_refused(villages, known):
    panel = make_panel()
    with pytest.raises(StudyError) as refusal:
        evidence(panel[~panel["village"].isin(villages)])
    assert str(refusal.value) == (
        "Which scale untreated villages support shows from 3 richer and 3 poorer ones; in the first 2 years of "
        f"'income' there are {known}."
    )


def test_values_below_zero_and_logarithms_are_refused():
    panel = make_panel()
    with pytest.raises(StudyError, match='scale="poisson" needs values of zero or more'):
        evidence(panel.assign(income=panel["income"].mask(panel["village"] == "p1", -1.0)))
    with pytest.raises(StudyError):
        scale_evidence(make_study(panel.assign(income=np.log(panel["income"])), unit="", logged=True), "income")
