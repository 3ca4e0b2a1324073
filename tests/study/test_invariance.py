"""The same panel gives the same numbers, however it is labelled, ordered, stored and written."""

import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis import Study, StudyError, check_study, did, load_study
from analysis.messages import FewTreatedGroupsWarning

# Drawn alike in every run, and few: each example is a study read and estimated.
BOUNDED = settings(derandomize=True, max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
YEARS = range(2018, 2024)
METHODS = ["cr1", "cr2", "wild_bootstrap"]
# Sums in another order of rows differ in their last digits.
SAME = {"rel": 1e-7, "abs": 1e-9}


@st.composite
def panels(draw: st.DrawFn) -> pd.DataFrame:
    """Villages in groups and towns over six years, some years missing, treated from one or two years."""
    groups, size = draw(st.integers(7, 10)), draw(st.integers(2, 4))
    treated, seed = draw(st.integers(3, 4)), draw(st.integers(0, 10_000))
    random = np.random.default_rng(seed)
    rows = [(unit, unit // size, year) for unit in range(groups * size) for year in YEARS]
    panel = pd.DataFrame(rows, columns=["v", "g", "year"])
    starts = {group: 2020 + (group % 2) * draw(st.integers(0, 1)) for group in range(treated)}
    panel["start"] = panel["g"].map(starts).astype("Int64")
    panel["p"] = panel["g"] % 2
    effect = (panel["start"] <= panel["year"]).fillna(False) * 2
    panel["y"] = (
        panel["v"].map(dict(enumerate(random.normal(30, 5, groups * size)))) + random.normal(0, 1, len(panel)) + effect
    ).round(3)
    gaps = panel["year"].between(2022, 2022) & (random.random(len(panel)) < 0.1)
    panel = panel[~gaps].reset_index(drop=True)
    # Codes of unlike lengths, in whose order groups are cut where they are left empty.
    return panel.assign(v=panel["v"] * 7 + 1, g=panel["g"].where(panel["start"].notna() | draw(st.booleans())) + 1)


def read(panel: pd.DataFrame) -> Study:
    with warnings.catch_warnings(action="ignore", category=FewTreatedGroupsWarning):
        return Study.from_frame(
            panel, unit="v", time="year", first_treated="start", group="g", stratum="p", outcomes=["y"]
        )


def answer(study: Study) -> list[float]:
    """Everything that must not change: the effect, its intervals by formula and by draws, and the design's size."""
    estimate = did(study, "y")
    tests = estimate.inference(METHODS, draws=99)[["p_value", "low", "high"]]
    return [estimate.value, estimate.villages, estimate.rows, estimate.groups, *tests.fillna(-1).to_numpy().ravel()]


def written(panel: pd.DataFrame, suffix: str, folder: Path) -> Path:
    write = {".csv": panel.to_csv, ".xlsx": panel.to_excel, ".parquet": panel.to_parquet}[suffix]
    write(folder / f"p{suffix}", index=False)
    columns = 'unit = "v"\ntime = "year"\nfirst_treated = "start"\ngroup = "g"\nstratum = "p"'
    text = f'title = "t"\npanel = "p{suffix}"\n[columns]\n{columns}\n[outcomes.y]\n'
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder / "study.toml"


@BOUNDED
@given(panels(), st.integers(0, 1000))
def test_the_order_of_rows_and_columns_changes_no_number(panel, seed):
    shuffled = panel.sample(frac=1, random_state=seed)[[*panel.columns[::-1]]]
    assert answer(read(shuffled)) == pytest.approx(answer(read(panel)), **SAME)


STORED = {
    "v": ["int32", "float64", "str", "object", "category", "Int64"],
    "g": ["float64", "str", "object", "category"],
    "p": ["int8", "float32", "str", "category", "bool"],
    "year": ["int16", "float64", "Int64"],
    "start": ["float64", "object", "Int64"],
    "y": ["float64", "object", "Float64"],
}


@BOUNDED
@given(panels(), st.fixed_dictionaries({name: st.sampled_from(kinds) for name, kinds in STORED.items()}))
def test_the_type_of_a_column_changes_no_number(panel, kinds):
    assert answer(read(panel.astype(kinds))) == pytest.approx(answer(read(panel)), **SAME)


@BOUNDED
@given(panels(), st.sampled_from(["{:04}", "村{:04}", "v-{:04}"]))
def test_other_labels_in_the_same_order_change_no_number(panel, form):
    labels = {name: panel[name].map(form.format, na_action="ignore") for name in ("v", "p")}
    labels["g"] = panel["g"].astype("Int64").map(form.format, na_action="ignore").astype("str")
    assert answer(read(panel.assign(**labels))) == pytest.approx(answer(read(panel)), **SAME)


@BOUNDED
@given(panels())
def test_villages_without_values_change_no_effect_and_are_named(panel):
    silent = panel[panel["v"] == panel["v"].max()].assign(v=9_999, y=np.nan)
    more = pd.concat([panel, silent], ignore_index=True)
    given_groups = panel["g"].notna().all()
    found, want = did(read(more), "y"), did(read(panel), "y")
    assert found.value == pytest.approx(want.value, **SAME)
    if given_groups:
        assert found.headline()["p_value"] == pytest.approx(want.headline()["p_value"], **SAME)
    with tempfile.TemporaryDirectory() as folder:
        said = check_study(written(more, ".csv", Path(folder)))
    assert any(one.startswith("LOOK: 1 village without any value: 9999.") for one in said)


@BOUNDED
@given(panels(), st.sampled_from([".csv", ".xlsx", ".parquet"]))
def test_files_give_the_numbers_of_the_frame(panel, suffix):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        found = load_study(written(panel, suffix, Path(folder)))
    assert answer(found) == pytest.approx(answer(read(panel)), **SAME)
    assert found.units.index.tolist() == read(panel).units.index.astype(str).tolist()


SPELLINGS = {
    "spaces": lambda code: f" {code} ",
    "full width": lambda code: str(code).translate({48 + digit: 0xFF10 + digit for digit in range(10)}),
    "a decimal": lambda code: f"{code}.0",
    "leading zeros": lambda code: f"000{code}",
    "a quotation": lambda code: f"'{code}",
}


@BOUNDED
@given(panels(), st.sampled_from(sorted(SPELLINGS)), st.integers(0, 1000))
def test_one_code_in_two_spellings_is_never_two_villages_in_silence(panel, spelling, seed):
    chosen = panel["v"] == panel["v"].drop_duplicates().sample(1, random_state=seed).iloc[0]
    codes = panel["v"].astype("str").mask(chosen & (panel["year"] > 2020), panel["v"].map(SPELLINGS[spelling]))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        file = written(panel.assign(v=codes), ".csv", Path(folder))
        try:
            found = load_study(file)
        except StudyError:
            return
        pointed_out = any(one.startswith("LOOK") for one in check_study(file))
    same = len(found.units) == panel["v"].nunique() and answer(found) == pytest.approx(answer(read(panel)), **SAME)
    assert same or pointed_out
