"""National panels: collapsed to averages, every answer is the one of all village-years, and counts are of these."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyfixest
import pytest

from analysis import Study, StudyError, did, event_study
from analysis.effects.estimate import Estimate
from analysis.effects.event_study import EventStudy
from analysis.regression import collapsing
from analysis.regression.regression import fit
from analysis.regression.sample import Sample
from analysis.robustness.one_group_alone import placements
from analysis.study.panel_rows import by_unit_and_time

# pyfixest uses a pandas keyword that is on its way out.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")

# Sums taken in another order differ by their rounding, about 1e-12 of the numbers here; this leaves a margin.
SAME = 1e-10
# Degrees of freedom and p-values pass through matrix roots and tail probabilities, which magnify it.
NEARLY = 1e-8
# Peak memory beside the panel, in panels: about 1.8 were measured, and 17 for the regression on all village-years.
PEAK_IN_PANELS = 3
YEARS = range(2015, 2025)
STARTS = {"one start": (2021,), "three starts": (2019, 2021, 2022)}
# What statsmodels says of a fit, beside coefficients and errors.
NUMBERS = ["nobs", "df_resid", "df_model", "df_resid_inference", "ssr", "scale", "centered_tss", "uncentered_tss"]
NUMBERS += ["rsquared", "rsquared_adj", "llf", "aic", "bic", "mse_resid", "mse_total"]


def make_panel(starts: tuple[int, ...], villages: int = 1200, seed: int = 690) -> pd.DataFrame:
    """Villages of uneven counties in six provinces, a third treated; 4 % of rows and 1 % of incomes missing."""
    draw = np.random.default_rng(seed)
    county = np.sort(draw.integers(0, 30, villages))
    panel = pd.DataFrame([(v, year) for v in range(villages) for year in YEARS], columns=["village", "year"])
    place = county[panel["village"]]
    panel["county"], panel["province"] = 990_000 + place, place // 5
    start = {c: starts[c // 3 % len(starts)] for c in range(0, 30, 3)}
    panel["start"] = pd.Series(place).map(start)
    panel["treated"] = (panel["start"] <= panel["year"]).astype(float)
    shock, level = draw.normal(size=(30, len(YEARS))), draw.normal(5, 3, villages)
    panel["income"] = 20 + level[panel["village"]] + shock[place, panel["year"] - YEARS[0]]
    panel["income"] += panel["treated"] + draw.normal(size=len(panel))
    panel.loc[draw.random(len(panel)) < 0.01, "income"] = np.nan
    panel["people"] = draw.uniform(1, 2, len(panel))
    return panel[draw.random(len(panel)) > 0.04].sample(frac=1, random_state=seed).reset_index(drop=True)


def make_study(panel: pd.DataFrame, **options: object) -> Study:
    names = {"unit": "village", "time": "year", "first_treated": "start", "group": "county", "stratum": "province"}
    return Study.from_frame(panel, **(names | options), outcomes=["income"])


@pytest.fixture(scope="module", params=STARTS.values(), ids=STARTS)
def study(request):
    return make_study(make_panel(request.param))


@pytest.fixture(scope="module", params=["two_way", "saturated"])
def effects(request, study):
    """`did` from averages, and from all village-years."""
    return [did(study, "income", estimator=request.param, collapse=collapse) for collapse in (True, False)]


@pytest.fixture(scope="module", params=["two_way", "saturated"])
def events(request, study):
    """The same for `event_study`."""
    return [event_study(study, "income", estimator=request.param, collapse=collapse) for collapse in (True, False)]


def assert_same(found: pd.DataFrame | pd.Series, wanted: pd.DataFrame | pd.Series, tolerance: float = SAME) -> None:
    compare = pd.testing.assert_frame_equal if isinstance(found, pd.DataFrame) else pd.testing.assert_series_equal
    compare(found, wanted, rtol=tolerance, atol=0, check_dtype=False)


def collapsed(result: Estimate | EventStudy) -> bool:
    return result.fitted.sample.rows > len(result.fitted.sample.frame)


def test_few_rows_stand_for_many(effects):
    averages, whole = (effect.fitted.sample for effect in effects)
    assert len(averages.frame) < len(whole.frame) / 2
    assert averages.rows == whole.rows == len(whole.frame)


def test_averages_leave_out_in_per_cent_what_village_years_do():
    """Villages always at zero, seen once, years of zeros and years without untreated villages, each counted."""
    panel = make_panel(STARTS["three starts"])
    panel["income"] = panel["income"].clip(lower=0)
    panel.loc[panel["village"] % 40 == 7, "income"] = 0
    panel.loc[panel["year"] == YEARS[1], "income"] = 0
    panel = panel[(panel["village"] % 90 != 4) | (panel["year"] == YEARS[3])]
    panel = panel[(panel["year"] != YEARS[-1]) | panel["start"].notna()]
    study = make_study(panel)
    averages, whole = (did(study, "income", scale="poisson", collapse=collapse) for collapse in (True, False))
    reasons = ["village zero in every year", "year zero for every village", "seen in one year only"]
    assert set(averages.fitted.sample.dropped) > set(reasons)
    assert averages.fitted.sample.dropped == whole.fitted.sample.dropped
    assert averages.amount == pytest.approx(whole.amount, rel=SAME)
    assert_same(averages.regression.bse, whole.regression.bse, NEARLY)
    assert repr(averages) == repr(whole)


def test_effects_errors_and_counts_are_those_of_all_village_years(effects):
    collapsed, whole = effects
    assert_same(collapsed.regression.params, whole.regression.params)
    assert_same(collapsed.regression.bse, whole.regression.bse)
    assert_same(collapsed.frame(), whole.frame(), NEARLY)
    assert collapsed.percent == pytest.approx(whole.percent, rel=SAME)
    counts = ["rows", "villages", "groups", "treated_groups", "dropped"]
    assert [getattr(collapsed, name) for name in counts] == [getattr(whole, name) for name in counts]
    assert collapsed.fitted.sample.dropped == whole.fitted.sample.dropped
    assert repr(collapsed) == repr(whole)


def test_intervals_and_tests_of_statsmodels_are_those_of_all_village_years(effects):
    averages, whole = (effect.regression for effect in effects)
    assert_same(averages.conf_int(), whole.conf_int(), NEARLY)
    hypothesis = np.eye(len(whole.params))[-1]
    assert float(averages.t_test(hypothesis).pvalue) == pytest.approx(
        float(whole.t_test(hypothesis).pvalue), rel=NEARLY
    )


@pytest.mark.parametrize("cluster", ["group", "stratum"])
def test_every_inference_is_that_of_all_village_years(effects, cluster):
    collapsed, whole = (effect.inference(cluster=cluster, draws=199) for effect in effects)
    assert collapsed["note"].equals(whole["note"])
    assert_same(collapsed.drop(columns="note"), whole.drop(columns="note"), NEARLY)


def test_villages_cannot_be_clusters_of_their_averages(effects):
    with pytest.raises(StudyError, match="^Villages alike were averaged, so errors cannot be clustered by unit"):
        effects[0].inference("cr1", cluster="unit")


def test_event_studies_are_those_of_all_village_years(events):
    collapsed, whole = events
    assert_same(collapsed.regression.params, whole.regression.params)
    assert_same(collapsed.regression.bse, whole.regression.bse)
    assert_same(collapsed.frame(), whole.frame(), NEARLY)
    assert repr(collapsed) == repr(whole)
    assert repr(collapsed.pretrend()) == repr(whole.pretrend())


def test_what_is_made_of_event_studies_is_too(study):
    collapsed, whole = (event_study(study, "income", estimator="saturated", collapse=c) for c in (True, False))
    assert_same(collapsed.covariance(), whole.covariance(), NEARLY)
    for by in ("cohort", "calendar"):
        ours, wanted = collapsed.aggregate(by), whole.aggregate(by)
        assert_same(ours.frame(), wanted.frame(), NEARLY)
        assert ours.overall.value == pytest.approx(wanted.overall.value, rel=SAME)


def test_placements_are_those_of_all_village_years(effects):
    collapsed, whole = (placements(effect.fitted.sample) for effect in effects)
    np.testing.assert_allclose(collapsed.effect, whole.effect, rtol=NEARLY)
    for name, values in vars(whole).items():
        if isinstance(values, np.ndarray) and values.dtype.kind == "i":
            assert np.array_equal(getattr(collapsed, name), values), name


def test_averages_hold_for_other_start_years_of_whole_groups(effects):
    """What shares regressors is worked out from the start years of the sample fitted, not of the one collapsed."""

    def refit(sample: Sample) -> pd.Series:
        even = (sample.frame["group"].astype(int) % 2 == 0).to_numpy()
        moved = sample.frame["first_treated"].where(~even, sample.frame["first_treated"] - 1)
        return fit(replace(sample, frame=sample.frame.assign(first_treated=moved)), "cohort_year").results.params

    collapsed, whole = (refit(effect.fitted.sample) for effect in effects)
    assert_same(collapsed, whole)
    assert not collapsed.index.equals(effects[0].regression.params.index)


def test_agrees_with_pyfixest_on_all_village_years():
    panel = make_panel((2021,))
    collapsed = did(make_study(panel), "income", collapse=True)
    theirs = pyfixest.feols("income ~ treated | village + year", panel, vcov={"CRV1": "county"})
    assert collapsed.value == pytest.approx(theirs.coef()["treated"], rel=NEARLY)
    assert collapsed.regression.bse["treated"] == pytest.approx(theirs.se()["treated"], rel=NEARLY)


def test_two_villages_alike_by_hand():
    # Two villages of county A (treated in 2021) rise by 9 and 11, two of B by 2 and 4: the effect is 10 - 3 = 7.
    rise = {"a1": 9, "a2": 11, "b1": 2, "b2": 4}
    rows = [
        (v, year, v[0], 2021 if v[0] == "a" else None, i + r * (year - 2020))
        for i, (v, r) in enumerate(rise.items())
        for year in (2020, 2021)
    ]
    panel = pd.DataFrame(rows, columns=["village", "year", "county", "start", "income"])
    with pytest.warns(UserWarning, match="^Only 1 treated group"):
        study = make_study(panel, stratum=None)
    averaged = did(study, "income", collapse=True)
    assert len(averaged.fitted.sample.frame) == 4
    assert (averaged.rows, averaged.villages) == (8, 4)
    assert averaged.value == pytest.approx(7, rel=SAME)


@pytest.mark.parametrize("seed", [1, 2])
def test_row_order_does_not_matter(study, seed):
    shuffled = study.frame.sample(frac=1, random_state=seed).reset_index(drop=True)
    names = {name: name for name in ("unit", "time", "first_treated", "group", "stratum")}
    again = did(Study.from_frame(shuffled, **names, outcomes=["income"]), "income", collapse=True)
    first = did(study, "income", collapse=True)
    assert again.regression.params.equals(first.regression.params)
    assert again.regression.bse.equals(first.regression.bse)


def test_large_panels_collapse_by_themselves(study, monkeypatch):
    rows = int(study.frame["income"].notna().sum())
    assert not collapsed(did(study, "income")), "a panel of study size is fitted as it stands"
    monkeypatch.setattr(collapsing, "COLLAPSE_ABOVE", rows - 1)
    assert collapsed(did(study, "income"))
    assert collapsed(event_study(study, "income"))
    for options in ({"weights": "people"}, {"controls": ["people"]}, {"estimator": "by_group"}):
        assert not collapsed(did(study, "income", **options))
    monkeypatch.setattr(collapsing, "COLLAPSE_ABOVE", rows)
    assert not collapsed(did(study, "income"))


@pytest.mark.parametrize("options", [{"weights": "people"}, {"controls": ["people"]}])
def test_what_villages_do_not_share_is_refused(study, options):
    with pytest.raises(StudyError, match="^Villages cannot be collapsed with controls, weights or more than 62 years"):
        did(study, "income", collapse=True, **options)


def test_more_years_than_bits_are_refused(study):
    sample = did(study, "income", collapse=False).fitted.sample
    frame = sample.frame.assign(time=sample.frame["time"].where(sample.frame["time"] > YEARS[0], YEARS[-1] - 62))
    assert not collapsing._possible(replace(sample, frame=frame))
    assert collapsing._possible(replace(sample, frame=frame.assign(time=frame["time"].clip(lower=YEARS[-1] - 61))))


def test_averages_are_group_means(study):
    sample = did(study, "income", collapse=False).fitted.sample
    frame = sample.frame.assign(income=sample.outcome)
    pattern = frame.groupby("unit")["time"].agg(tuple)
    keys = ["group", "stratum", "first_treated", frame["unit"].map(pattern), "time"]
    grouped = frame.groupby(keys, dropna=False)["income"]
    averages = collapsing.collapse(sample)
    assert sorted(averages.outcome) == pytest.approx(sorted(grouped.mean()), rel=SAME)
    assert sorted(averages.weights) == sorted(grouped.size())


def test_blocks_of_villages_do_not_show(study, monkeypatch):
    sample = did(study, "income", collapse=False).fitted.sample
    whole = collapsing.collapse(sample)
    monkeypatch.setattr(collapsing, "VILLAGES_AT_ONCE", 7)
    parts = collapsing.collapse(sample)
    assert parts.frame.equals(whole.frame)
    assert parts.outcome == pytest.approx(whole.outcome, rel=SAME)


@pytest.mark.parametrize("codes", ["numbers", "large numbers", "text", "categories"])
def test_rows_are_ordered_as_by_sorting(codes):
    draw = np.random.default_rng(5)
    frame = pd.DataFrame({"unit": draw.permutation(np.repeat(np.arange(60), 8)), "time": 0})
    frame["time"] = 2015 + frame.groupby("unit").cumcount()
    frame["value"] = draw.normal(size=len(frame))
    if codes == "large numbers":
        frame["unit"] *= 2**57  # too far apart to share a number with the row
    elif codes != "numbers":
        frame["unit"] = "v" + frame["unit"].astype(str)
    shuffled = frame.sample(frac=0.9, random_state=1)
    ordered, repeated = by_unit_and_time(shuffled)
    assert not repeated
    pd.testing.assert_frame_equal(ordered, shuffled.sort_values(["unit", "time"], ignore_index=True))
    assert by_unit_and_time(pd.concat([shuffled, shuffled.iloc[[3]]]))[1], "a row that stands twice is found"


def test_validation_holds_little_more_than_the_panel(tmp_path):
    """Peak of Python's own allocations while a panel of 400,000 rows is validated and estimated, in panels."""
    import tracemalloc

    villages = 40_000
    draw = np.random.default_rng(3)
    village = np.repeat(np.arange(villages), 10)
    panel = pd.DataFrame({"village": village, "year": np.tile(YEARS, villages), "county": village // 250})
    panel["start"] = np.where(panel["county"] % 10 == 0, 2021.0, np.nan)
    panel["income"] = draw.normal(size=len(panel))
    panel = panel[draw.random(len(panel)) > 0.02].sample(frac=1, random_state=3)
    size = panel.memory_usage(index=False).sum()
    tracemalloc.start()
    study = make_study(panel, stratum=None)
    estimate = did(study, "income")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert collapsed(estimate)
    assert peak < PEAK_IN_PANELS * size, peak / size
