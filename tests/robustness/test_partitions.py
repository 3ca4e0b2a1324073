"""Random cuts of placebo groups: what changes, what must not, and what is reported."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import Study, StudyError, did
from analysis.effects.other_cuts import CUTS, p_values_of_other_cuts
from analysis.robustness.partitions import _recut, partition_sensitivity


@pytest.fixture
def study() -> Study:
    return cut_study(3)


def cut_study(seed: int, effect: float = 0.0) -> Study:
    """Three treated districts, and untreated villages that are cut into placebo groups."""
    generator = np.random.default_rng(seed)
    units = pd.DataFrame({"village": np.arange(60), "town": np.repeat(["a", "b", "c"], 20)})
    units["district"] = (
        (units["village"] // 5).where(units["village"] % 20 < 5).map(lambda x: f"d{x}", na_action="ignore")
    )
    units["start"] = units["district"].map(lambda _: 2003, na_action="ignore").astype("Int64")
    frame = units.merge(pd.DataFrame({"year": np.arange(2000, 2006)}), how="cross")
    frame["income"] = generator.normal(size=len(frame))
    frame["income"] += effect * (frame["start"] <= frame["year"]).fillna(False)
    names = {"unit": "village", "time": "year", "first_treated": "start", "group": "district", "stratum": "town"}
    return Study.from_frame(frame, **names)


def test_cut_keeps_strata_sizes_and_treated_groups(study: Study) -> None:
    again = _recut(study, 5, np.random.default_rng(1))
    before, after = study.units, again.units
    treated = before["first_treated"].notna()
    pd.testing.assert_series_equal(before.loc[treated, "group"], after.loc[treated, "group"], check_dtype=False)
    assert after.groupby("group")["stratum"].nunique().eq(1).all()
    assert after["group"].value_counts().eq(5).all()
    assert (before.loc[~treated, "group"] != after.loc[~treated, "group"]).any()
    assert again.placebo_group_count == study.placebo_group_count == 9


def test_cut_into_other_sizes(study: Study) -> None:
    again = _recut(study, 3, np.random.default_rng(1))
    assert again.units.loc[again.units["first_treated"].isna(), "group"].value_counts().between(2, 4).all()
    assert again.placebo_group_count == 15


def test_summary_of_cuts_equals_p_values_cut_by_cut(study: Study) -> None:
    table = partition_sensitivity(study, "income", cuts=5, seed=8, methods=["cr1"])
    generator = np.random.default_rng(8)
    estimates = [did(_recut(study, 5, generator), "income") for _ in range(5)]
    p_values = [estimate.inference(["cr1"])["p_value"].iloc[0] for estimate in estimates]
    own = did(study, "income")
    expected = [own.inference(["cr1"])["p_value"].iloc[0], np.median(p_values), min(p_values), max(p_values)]
    assert table.loc["cr1"].tolist() == expected
    assert table.columns.tolist() == ["declared", "median", "lowest", "highest"]
    assert [estimate.value for estimate in estimates] == pytest.approx([own.value] * 5)
    assert min(p_values) < max(p_values)


def test_study_without_placebo_groups_is_refused(study: Study) -> None:
    names = {"unit": "unit", "time": "time", "first_treated": "first_treated"}
    bare = Study.from_frame(study.frame.drop(columns=["group", "stratum"]), **names)
    with pytest.raises(StudyError, match="no placebo groups"):
        partition_sensitivity(bare, "income")
    with pytest.raises(ValueError, match="cuts must be a whole number and at least 1, not 0"):
        partition_sensitivity(study, "income", cuts=0)


def test_p_values_of_other_cuts_are_those_of_studies_cut_anew(study: Study) -> None:
    own = did(study, "income")
    table = partition_sensitivity(study, "income", cuts=CUTS, methods=["cr2"]).loc["cr2"]
    found = p_values_of_other_cuts(study, own.fitted, own.effect)
    assert [np.median(found), found.min(), found.max()] == pytest.approx(table[["median", "lowest", "highest"]])
    assert len(p_values_of_other_cuts(study, did(study, "income", collapse=True).fitted, own.effect)) == 0


def test_a_sentence_names_the_range_where_other_cuts_move_it_over_the_level() -> None:
    moved = did(cut_study(73, effect=0.65), "income")
    spread = partition_sensitivity(moved.study, "income", cuts=CUTS, methods=["cr2"]).loc["cr2"]
    declared, low, high = (f"{spread[name]:.3f}" for name in ("declared", "lowest", "highest"))
    assert spread["declared"] < 0.05 < spread["highest"]
    said = f" With this cut into placebo groups p is {declared}, with 10 other cuts {low} to {high}."
    assert repr(moved).endswith(said)
    chinese = replace(moved, study=replace(moved.study, language="zh"))
    assert f"p为{declared}" in repr(chinese)
    assert f"{low}至{high}" in repr(chinese)


@pytest.mark.parametrize(("seed", "effect"), [(3, 0.0), (3, 3.0)])
def test_a_sentence_says_nothing_of_cuts_that_move_it_not_over_the_level(seed: int, effect: float) -> None:
    assert "placebo groups p is" not in repr(did(cut_study(seed, effect), "income"))
