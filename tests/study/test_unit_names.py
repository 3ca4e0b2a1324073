"""Groups and strata are found by every verb, however they are labelled, and codes are in one order."""

import datetime
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import Study, StudyError, by_district, did, load_study, synthetic_did
from analysis.effects.cohorts import with_starts
from analysis.messages import FewTreatedGroupsWarning
from analysis.study.unit_names import unit_in_words

DESIGN = {"unit": "village", "time": "year", "first_treated": "start"}
LABELS = {"tuples": lambda g: ("town", g), "numbers": float, "dates": lambda g: datetime.date(2000, 1, g)}


@pytest.mark.parametrize(("kind", "category"), [("tuples", True), ("tuples", False), ("numbers", False)])
def test_every_verb_finds_groups_labelled_in_any_way(kind, category):
    units = np.repeat(range(1, 25), 4)
    panel = pd.DataFrame({"village": units, "year": [2020, 2021, 2022, 2023] * 24})
    group = (panel["village"] + 1) // 2
    panel["start"] = np.where(group <= 4, 2022, np.nan)
    panel["income"] = np.random.default_rng(20230102).normal(10, 1, len(panel))
    panel["district"] = pd.Series([LABELS[kind](g) for g in group], dtype="category" if category else None)
    panel["county"] = panel["district"]
    study = Study.from_frame(panel, **DESIGN, group="district", stratum="county")
    plain = Study.from_frame(panel.assign(district=group.map("g{:02}".format)), **DESIGN, group="district")
    assert study.frame["group"].dtype == study.frame["stratum"].dtype == "str"
    effects = by_district(study, "income").frame()["effect"]
    assert set(effects.index) == set(study.units["group"][study.units["first_treated"].notna()])
    assert sorted(effects) == pytest.approx(sorted(by_district(plain, "income").frame()["effect"]), rel=1e-9)
    assert synthetic_did(study, "income", draws=9).value == pytest.approx(synthetic_did(plain, "income", draws=9).value)
    assert with_starts(study, {LABELS[kind](1): 2023}).starts == [2022, 2023]


def test_labels_that_read_alike_as_text_are_refused():
    panel = pd.DataFrame({"village": [1, 1, 2, 2], "year": [2022, 2023] * 2, "start": None})
    panel["district"] = panel["village"].map({1: (1,), 2: ("1",)})
    with pytest.raises(StudyError) as refusal:
        Study.from_frame(panel, **DESIGN, group="district")
    assert str(refusal.value) == (
        "'district' (group) has 2 labels that read alike as text: (1,), ('1',). Write each label one way, and "
        "different labels differently."
    )


@pytest.mark.parametrize("kind", [int, float, str, object, "category", "Int64"])
def test_one_panel_has_one_cut_into_placebo_groups_however_codes_are_stored(kind):
    panel = pd.DataFrame([(unit, year) for unit in (1, 2, 9, 10, 11, 100, 101) for year in range(2020, 2024)])
    panel.columns = ["village", "year"]
    panel["start"] = np.where(panel["village"] < 2, 2022, np.nan)
    panel["district"] = np.where(panel["village"] < 2, "one", None)
    panel["village"] = panel["village"].astype(kind)
    with pytest.warns(FewTreatedGroupsWarning):
        study = Study.from_frame(panel.sample(frac=1, random_state=1), **DESIGN, group="district", placebo_group_size=2)
    assert study.units.index.astype(str).tolist() == ["1", "2", "9", "10", "11", "100", "101"]
    assert study.units["group"].tolist() == ["one", *(f"placebo all-{n}" for n in (1, 1, 2, 2, 3, 3))]
    assert "cut by code order" in study.data_statement


def test_no_unit_is_named_beside_simulated_numbers() -> None:
    simulated = load_study()
    assert unit_in_words(simulated, "410883104202") == "one village"
    assert unit_in_words(simulated, "410883104202").said("zh") == "某个村"
    assert unit_in_words(replace(simulated, provenance="yours"), "410883104202") == "410883104202"
    assert "410883104202" not in did(simulated, simulated.primary_outcome).small_print()
