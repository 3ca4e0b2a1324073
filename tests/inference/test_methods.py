"""Five inferences in one frame: published answers, any contrast and clustering, and what is said of few groups."""

import numpy as np
import pytest
from panels import small_panel, small_study
from published_studies import known_answers, published_estimate

from analysis import did, event_study
from analysis.inference.methods import COLUMNS, METHODS

pytestmark = pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")

# R's answers are stored with 13 digits.
R_TOLERANCE = 1e-9


@pytest.mark.parametrize("dataset", ["castle", "ezunem"])
def test_meets_the_published_answers(dataset):
    known, frame = known_answers()[dataset, "two_way"], published_estimate(dataset).inference(draws=99_999)
    for method in ("cr1", "cr2", "cr3"):
        assert frame.loc[method, "std_error"] == pytest.approx(known[f"{method}_se"], rel=R_TOLERANCE)
    assert frame.loc["cr1", "p_value"] == pytest.approx(known["cr1_p"], rel=R_TOLERANCE)
    assert frame.loc["cr2", "p_value"] == pytest.approx(known["cr2_p"], rel=R_TOLERANCE)
    assert frame.loc["cr2", "df"] == pytest.approx(known["cr2_df"], rel=R_TOLERANCE)
    p_value = known["wild_rademacher_p"]
    # Three Monte Carlo standard errors of the difference of two runs of 99,999 draws.
    assert frame.loc["wild_bootstrap", "p_value"] == pytest.approx(p_value, abs=3 * (2 * p_value / 99_999) ** 0.5)


def test_one_treated_county_is_where_the_methods_part():
    known, frame = known_answers()["cai2016", "two_way"], published_estimate("cai2016").inference()
    assert frame.loc["cr1", "p_value"] == pytest.approx(known["cr1_p"], rel=R_TOLERANCE)
    assert frame.loc["wild_bootstrap", "p_value"] == known["wild_rademacher_p"] == 1486 / 4096
    assert frame.loc["randomization", "p_value"] == known["randomization_t_p"] == 0.25
    assert np.isnan(frame.loc["cr3", "std_error"])
    for method in ("cr1", "cr2", "cr3", "wild_bootstrap"):
        assert "one treated group: not informative" in frame.loc[method, "note"]
    assert "smallest attainable p 0.083" in frame.loc["randomization", "note"]


def test_a_sentence_with_one_treated_group_gives_no_interval():
    sentence = repr(published_estimate("cai2016"))
    assert "(no interval: one treated group: not informative)" in sentence
    assert "randomization inference is the most that can be said" in sentence
    assert "95 % interval" not in sentence


def test_groups_never_seen_before_treatment_are_no_evidence():
    panel = small_panel(3, groups=12, treated=5, missing=0)
    unseen = panel["district"].isin(["g0", "g1", "g2", "g3"]) & (panel["year"] < panel["start"])
    estimate = did(small_study(panel[~unseen]), "income")
    assert estimate.treated_groups == 1
    assert "no interval: one treated group: not informative" in repr(estimate)
    assert "1 treated" in estimate.inference("cr1").loc["cr1", "note"]


def test_a_group_alone_behind_a_part_of_the_effect_leaves_no_interval():
    # Five groups, each with a start year of its own: every cohort's luck is its own, and CR2 would count none of it.
    panel = small_panel(3, groups=12, treated=5, starts=(2016, 2017, 2018, 2019, 2020))
    study = small_study(panel)
    for estimate in (did(study, "income"), event_study(study, "income").average()):
        assert "(no interval: 5 clusters alone behind a part of the effect, own noise not counted" in repr(estimate)
        assert estimate.frame()[["std_error", "p_value", "low", "high"]].isna().all(axis=None)
        assert estimate.inference().loc["randomization", "p_value"] > 0


@pytest.mark.parametrize("cluster", ["unit", "stratum"])
def test_one_treated_group_stays_one_whatever_errors_are_clustered_by(cluster):
    notes = did(small_study(small_panel(3, treated=1)), "income").inference(cluster=cluster, draws=199)["note"]
    assert notes.drop("randomization").str.startswith("one treated group: not informative").all()
    assert (notes.drop("randomization").str.count("one treated group") == 1).all()


def test_a_bootstrapped_event_study_with_one_treated_group_shows_no_intervals():
    events = event_study(published_estimate("cai2016").study, "y")
    assert events.frame("wild_bootstrap")[["low", "high", "p_value"]].isna().all(axis=None)
    assert events.frame("randomization")["p_value"].drop(-1).notna().all()


def test_few_treated_groups_left_in_the_sample_are_said_in_the_sentence():
    panel = small_panel(3, groups=12, treated=4, missing=0)
    panel.loc[panel["district"].isin(["g0"]), "income"] = np.nan
    assert "Caution: 3 groups treated: too few for a reliable interval." in repr(did(small_study(panel), "income"))


def test_an_event_study_with_one_treated_group_shows_no_errors():
    frame = event_study(published_estimate("cai2016").study, "y").frame()
    assert frame[["std_error", "low", "high", "p_value"]].isna().all(axis=None)
    assert frame["estimate"].notna().all()
    sentence = repr(event_study(published_estimate("cai2016").study, "y").pretrend())
    assert "(no interval, one treated group: not informative). " in sentence
    assert "All leads together: refused: " in sentence


@pytest.mark.parametrize("cluster", ["group", "stratum", "unit"])
def test_serves_any_contrast_with_controls_weights_and_gaps(cluster):
    study = small_study(small_panel(3))
    options = {"controls": ["rain"], "weights": "people"}
    events = event_study(study, "income", **options)
    contrasts = [did(study, "income", **options), events.average(), *map(events.estimate, events.event_times)]
    for estimate in contrasts:
        frame = estimate.inference(cluster=cluster, draws=199)
        assert frame.index.tolist() == list(METHODS)
        assert frame.columns.tolist() == COLUMNS
        assert frame.loc["cr1", "statistic"] == pytest.approx(estimate.value / frame.loc["cr1", "std_error"])
        assert frame["p_value"].between(0, 1).all()
        assert ((frame["low"] <= estimate.value) & (estimate.value <= frame["high"])).all()


def test_clustering_by_village_is_called_too_sure_of_itself():
    estimate = did(small_study(small_panel(3)), "income")
    notes = estimate.inference(cluster="unit", draws=199)["note"]
    assert notes.str.contains("finer than the groups that were treated").tolist() == [True] * 4 + [False]
    assert not estimate.inference(draws=199)["note"].str.contains("finer").any()


def test_p_and_interval_agree():
    estimate = did(small_study(small_panel(3)), "income")
    for level in (0.5, 0.8, 0.9, 0.95, 0.99):
        frame = estimate.inference(level=level, draws=399)
        outside = (frame["low"] > 0) | (frame["high"] < 0)
        assert (outside == (frame["p_value"] < 1 - level)).all()


def test_draws_and_seed_are_the_callers():
    estimate = did(small_study(small_panel(3, groups=14, treated=5)), "income")
    drawn = [estimate.inference("wild_bootstrap", draws=399, seed=seed).loc["wild_bootstrap"] for seed in (1, 1, 2)]
    assert drawn[0].equals(drawn[1])
    assert drawn[0]["p_value"] != drawn[2]["p_value"]
    assert drawn[0]["note"].startswith("399 Webb draws")


def test_refused_randomization_is_missing_with_its_reason():
    panel = small_panel(3)
    mixed = panel["district"].eq(panel["district"].iloc[0]) & panel["village"].eq(panel["village"].iloc[0])
    panel.loc[mixed, "start"] = np.nan
    frame = did(small_study(panel), "income").inference()
    assert frame.loc["randomization", COLUMNS[:-1]].isna().all()
    assert "mixes" in frame.loc["randomization", "note"] or "treated" in frame.loc["randomization", "note"]
    assert frame.drop(index="randomization")["p_value"].notna().all()


def test_wrong_options_are_named():
    estimate = did(small_study(small_panel(3)), "income")
    with pytest.raises(ValueError, match=r"^Unknown method 'cr4'; choose from cr1, cr2, cr3, wild_bootstrap, random"):
        estimate.inference(["cr1", "cr4"])
    with pytest.raises(ValueError, match=r"^level must lie between 0 and 1, such as 0.95, not 95.$"):
        estimate.inference(level=95)
    with pytest.raises(ValueError, match="cluster must be 'group', 'stratum' or 'unit', not 'town'"):
        estimate.inference(cluster="town")
