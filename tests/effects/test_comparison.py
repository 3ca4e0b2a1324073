"""Effects side by side: the numbers of each estimate alone, and refusals that keep their row."""

import numpy as np
import pytest
from panels import small_panel, small_study

from analysis import StudyError, compare, did
from analysis.effects.comparison import COLUMNS, estimate_or_refusal
from analysis.presentation.tables import estimates_table


@pytest.fixture(scope="module")
def study():
    return small_study(small_panel(3))


def test_a_row_is_the_estimate_with_its_headline(study):
    estimate = did(study, "income")
    row = compare({"all": estimate}, about=["villages"]).loc["all"]
    test = estimate.headline()
    assert [row[name] for name in ("low", "high", "p_value", "std_error", "df")] == [
        test[name] for name in ("low", "high", "p_value", "std_error", "df")
    ]
    assert (row["estimate"], row["unit"], row["note"]) == (estimate.value, estimate.unit, "")
    assert row["villages"] == estimate.villages


def test_a_refusal_is_a_row_with_its_reason_and_blanks(study):
    refused = estimate_or_refusal(did, study, "nothing")
    row = compare({"all": did(study, "income"), "other": refused}, about=["villages"]).loc["other"]
    assert row["note"] == str(refused)
    assert row["note"].startswith("The panel has no column 'nothing'")
    assert row.drop(["note", "unit"]).isna().all()


def test_what_is_no_refusal_is_raised(study):
    with pytest.raises(TypeError):
        estimate_or_refusal(did, study, "income", never=1)


def test_groups_may_be_named_by_numbers_or_pairs(study):
    estimate = did(study, "income")
    assert compare({(1, "a"): estimate, 2: estimate}).index.tolist() == [(1, "a"), 2]


def test_columns_are_those_that_verbs_share(study):
    assert compare({"all": did(study, "income")}).columns.tolist() == [*COLUMNS, "note"]


def test_a_table_of_estimates_shows_a_refusal_beside_them(study):
    table = estimates_table({"all": did(study, "income"), "other": StudyError("Not known.")})
    assert table.frame["note"].tolist() == ["", "Not known."]
    assert np.isnan(table.frame.loc["other", "estimate"])
    assert "nan" not in repr(table).lower()
    assert "villages: " in table.caption
