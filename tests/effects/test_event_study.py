"""`event_study` against a hand computation, dummy-variable regressions and pyfixest's estimators."""

import numpy as np
import pandas as pd
import pyfixest
import pytest
import statsmodels.formula.api as smf

from analysis import Study, StudyError, did, event_study
from analysis.effects.event_study import EventStudy
from analysis.inference.methods import group_pieces
from analysis.messages import FewTreatedGroupsWarning

# pyfixest uses a pandas keyword that is on its way out.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")

# Two exact algorithms on some hundred rows differ by the rounding of their sums, about 1e-13; this leaves a margin.
EXACT = 1e-10
# pyfixest demeans iteratively in both directions and stops at 1e-6 to 1e-8.
ITERATED = 1e-6

DESIGN = {"unit": "village", "time": "year", "first_treated": "start", "group": "district"}
COLUMNS = ["estimate", "std_error", "low", "high", "p_value", "villages"]

# Two treated villages (from 2022) and two untreated ones.
#            2020 2021 2022 2023
# T1           14   16   23   25
# T2           18   20   27   33
# treated      16   18   25   29
# U1           12   14   14   16
# U2           16   14   18   20
# untreated    14   14   16   18
# gap           2    4    9   11
HAND = {"T1": [14, 16, 23, 25], "T2": [18, 20, 27, 33], "U1": [12, 14, 14, 16], "U2": [16, 14, 18, 20]}


def make_hand_study() -> Study:
    panel = pd.DataFrame(HAND, index=pd.RangeIndex(2020, 2024, name="year")).melt(
        ignore_index=False, var_name="village", value_name="income"
    )
    panel = panel.reset_index().assign(start=lambda p: p["village"].map({"T1": 2022, "T2": 2022}))
    with pytest.warns(FewTreatedGroupsWarning):
        return Study.from_frame(panel, unit="village", time="year", first_treated="start")


def make_panel(starts: tuple[int, ...] = (2018, 2020), unbalanced: bool = False) -> pd.DataFrame:
    """Forty villages in ten districts over six years, five districts treated, by turns in each start year."""
    draw = np.random.default_rng(410883)
    panel = pd.DataFrame([(f"v{v:02}", y) for v in range(40) for y in range(2016, 2022)], columns=["village", "year"])
    number = panel["village"].str[1:].astype(int)
    panel["district"] = "d" + (number % 10).astype(str)
    panel["start"] = (number % 10).map({group: starts[group % len(starts)] for group in range(5)}).astype("Int64")
    panel["rain"] = draw.normal(size=len(panel))
    panel["size"] = draw.uniform(0.5, 3, len(panel))
    effect = (panel["year"] - panel["start"] + 1).clip(lower=0).fillna(0).astype(float)
    panel["income"] = 5 + number / 10 + effect + panel["rain"] / 2 + draw.normal(size=len(panel))
    return panel[draw.uniform(size=len(panel)) > 0.1].reset_index(drop=True) if unbalanced else panel


def make_study(**options: object) -> Study:
    return Study.from_frame(make_panel(**options), **DESIGN)


def name_of(prefix: str, event_time: int) -> str:
    return f"{prefix}_{event_time}".replace("-", "m")


def fit_dummies(panel: pd.DataFrame, cells: dict[str, pd.Series], extra: str = "", weights: str | None = None):
    """Least squares with a dummy per village, year and cell, CR0 clustered by district."""
    panel = panel.assign(**{name: inside.fillna(False).astype(float) for name, inside in cells.items()})
    heft = panel[weights] if weights else pd.Series(1.0, index=panel.index)
    formula = f"income ~ {' + '.join(cells)} {extra} + C(village) + C(year)"
    groups = pd.factorize(panel["district"])[0]
    return smf.wls(formula, panel, weights=heft).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )


def nested_std_error(fit, weights: pd.Series, panel: pd.DataFrame) -> float:
    """CR1 of a contrast; K leaves out the village dummies beyond the constant, which are nested in the districts."""
    clusters, rows = panel["district"].nunique(), len(panel)
    parameters = len(fit.params) - (panel["village"].nunique() - 1)
    weights = weights.reindex(fit.params.index, fill_value=0.0)
    return float(
        np.sqrt(weights @ fit.cov_params() @ weights * clusters / (clusters - 1) * (rows - 1) / (rows - parameters))
    )


def cr1(result: EventStudy) -> pd.DataFrame:
    """Test of every event time with CR1 errors, whichever errors the result's own table shows."""
    return pd.concat({time: result.estimate(time).inference("cr1").loc["cr1"] for time in result.event_times}, axis=1).T


class TestByHand:
    def test_estimates(self):
        # each gap less the gap of 2021, which is 4
        frame = event_study(make_hand_study(), "income").frame()
        assert frame["estimate"].to_dict() == pytest.approx({-2: 2 - 4, -1: 0, 0: 9 - 4, 1: 11 - 4}, abs=EXACT)

    def test_another_reference(self):
        # each gap less the gap of 2020, which is 2
        frame = event_study(make_hand_study(), "income", reference=-2).frame()
        assert frame["estimate"].to_dict() == pytest.approx({-2: 0, -1: 4 - 2, 0: 9 - 2, 1: 11 - 2}, abs=EXACT)

    def test_average_differs_from_did_by_its_baseline(self):
        study = make_hand_study()
        average = event_study(study, "income").average()
        assert average.value == pytest.approx((5 + 7) / 2, rel=EXACT)
        assert average.baseline == "the year at event time −1"
        assert did(study, "income").value == pytest.approx((9 + 11) / 2 - (2 + 4) / 2, rel=EXACT)
        assert did(study, "income").baseline == "all years before"

    def test_per_cent_of_each_event_time(self):
        # in 2023 the treated have 29, without the effect of 7 they would have 22
        assert event_study(make_hand_study(), "income").estimate(1).percent == pytest.approx(100 * 7 / 22, rel=EXACT)

    def test_std_error(self):
        # With village and year effects removed, event time 1 compares 2023 with 2021. The scores' squares: each treated
        # village's own change from 2021 to 2023 (9 and 13) less their mean, halved, and the same for the untreated
        # (2 and 6): four times (2/2)^2 = 4. K: constant, three years, three event times; 4/3 * (16-1)/(16-7) = 20/9.
        assert cr1(event_study(make_hand_study(), "income")).loc[1, "std_error"] == pytest.approx(
            (4 * 20 / 9) ** 0.5, rel=EXACT
        )

    def test_villages_behind_each_estimate(self):
        assert event_study(make_hand_study(), "income").frame()["villages"].tolist() == [2, 2, 2, 2]

    def test_sentence(self):
        result = event_study(make_hand_study(), "income")
        assert repr(result) == (
            "Event study with 1 year before the reference (event time −1) and 2 treated years. "
            f"Average over treated years: {result.average()!r}"
        )
        assert ", against the year at event time −1; " in result.average().small_print()
        assert result.small_print() == result.average().small_print()
        assert result._repr_markdown_() == f"{result!r}\n\n*{result.small_print()}*"


class TestFrame:
    @pytest.mark.parametrize("estimator", ["two_way", "saturated"])
    def test_columns_and_index(self, estimator):
        frame = event_study(make_study(), "income", estimator=estimator).frame()
        assert frame.columns.tolist() == COLUMNS
        assert frame.index.name == "event_time"
        assert frame.index.tolist() == list(range(-4, 4))
        assert frame["villages"].dtype == int
        # starts 2018 (districts 0, 2, 4) and 2020 (1, 3), four villages each; seen from 2016 to 2021
        assert frame["villages"].tolist() == [8, 8, 20, 20, 20, 20, 12, 12]

    def test_reference_row(self):
        reference = event_study(make_study(), "income").frame().loc[-1]
        assert reference["estimate"] == 0
        assert reference[["std_error", "low", "high", "p_value"]].isna().all()

    @pytest.mark.parametrize("method", ["cr1", "cr2"])
    def test_rows_are_the_estimates(self, method):
        result = event_study(make_study(), "income")
        assert isinstance(result, EventStudy)
        frame = result.frame(method, level=0.9)
        assert frame.equals(result.frame(level=0.9)) == (method == "cr2")
        for event_time in result.event_times:
            estimate = result.estimate(event_time)
            test = estimate.inference(method, level=0.9).loc[method, ["std_error", "low", "high", "p_value"]]
            assert frame.loc[event_time, COLUMNS[:5]].tolist() == [estimate.value, *test]

    def test_villages_counts_those_observed(self):
        panel = make_panel()
        panel.loc[(panel["village"] == "v00") & (panel["year"] == 2019), "income"] = np.nan
        assert event_study(Study.from_frame(panel, **DESIGN), "income").frame().loc[1, "villages"] == 20 - 1


@pytest.mark.parametrize("weights", [None, "size"])
@pytest.mark.parametrize("unbalanced", [False, True], ids=["balanced", "unbalanced"])
class TestAgainstDummies:
    def test_two_way_leads_and_lags(self, unbalanced, weights):
        panel = make_panel(unbalanced=unbalanced)
        event_time = panel["year"] - panel["start"]
        times = [time for time in range(-4, 4) if time != -1]
        cells = {name_of("e", time): event_time == time for time in times}
        fit = fit_dummies(panel, cells, "+ rain", weights)
        study = Study.from_frame(panel, **DESIGN)
        result = event_study(study, "income", estimator="two_way", controls=["rain"], weights=weights)
        errors = [nested_std_error(fit, pd.Series({name: 1.0}), panel) for name in cells]
        np.testing.assert_allclose(result.frame()["estimate"].drop(-1), fit.params[list(cells)], rtol=EXACT)
        np.testing.assert_allclose(cr1(result)["std_error"].astype(float), errors, rtol=EXACT)

    def test_saturated_is_sun_and_abraham(self, unbalanced, weights):
        panel = make_panel(unbalanced=unbalanced)
        event_time = panel["year"] - panel["start"]
        cells, share, of_time = {}, {}, {}
        for cohort, time in sorted(set(zip(panel["start"].dropna(), event_time.dropna(), strict=True))):
            if time != -1:
                name = name_of(f"c{cohort}", time)
                cells[name] = (panel["start"] == cohort) & (event_time == time)
                inside = cells[name].fillna(False)
                share[name] = panel.loc[inside, weights].sum() if weights else inside.sum()
                of_time[name] = time
        share, of_time = pd.Series(share, dtype=float), pd.Series(of_time)
        fit = fit_dummies(panel, cells, "+ rain", weights)
        result = event_study(Study.from_frame(panel, **DESIGN), "income", controls=["rain"], weights=weights)
        assert result.estimator == "saturated"
        frame = result.frame()
        for time in result.event_times:
            chosen = share[of_time == time] / share[of_time == time].sum()
            assert frame.loc[time, "estimate"] == pytest.approx(chosen @ fit.params[chosen.index], rel=EXACT)
            error = nested_std_error(fit, chosen, panel)
            assert cr1(result).loc[time, "std_error"] == pytest.approx(error, rel=EXACT)
        treated = share[of_time >= 0] / share[of_time >= 0].sum()
        average = result.average()
        assert average.value == pytest.approx(treated @ fit.params[treated.index], rel=EXACT)
        error = nested_std_error(fit, treated, panel)
        assert average.inference("cr1").loc["cr1", "std_error"] == pytest.approx(error, rel=EXACT)


def test_saturated_is_the_weighted_cohort_comparison():
    # Sun & Abraham by hand, balanced: each cohort's change since its reference year less that of the never treated.
    panel = make_panel()
    wide = panel.pivot_table(index="village", columns="year", values="income")
    start = panel.groupby("village")["start"].first()
    never = wide[start.isna()].mean()
    effects, villages = {}, {}
    for cohort in (2018, 2020):
        own = wide[start == cohort].mean()
        for year in wide.columns:
            change = (own[year] - own[cohort - 1]) - (never[year] - never[cohort - 1])
            effects[cohort, year - cohort] = change
            villages[cohort, year - cohort] = int((start == cohort).sum())
    effects, villages = pd.Series(effects), pd.Series(villages)
    result = event_study(Study.from_frame(panel, **DESIGN), "income")
    for time, row in result.frame().drop(index=-1).iterrows():
        by_cohort, heft = effects.xs(time, level=1), villages.xs(time, level=1)
        assert row["estimate"] == pytest.approx((by_cohort * heft).sum() / heft.sum(), rel=EXACT)
    after = effects.index.get_level_values(1) >= 0
    simple = (effects * villages)[after].sum() / villages[after].sum()
    assert result.average().value == pytest.approx(simple, rel=EXACT), "Callaway & Sant'Anna's simple aggregate"


@pytest.mark.parametrize("unbalanced", [False, True], ids=["balanced", "unbalanced"])
def test_two_way_is_pyfixest_i(unbalanced):
    panel = make_panel(unbalanced=unbalanced)
    panel["event_time"] = (panel["year"] - panel["start"]).fillna(-1).astype(int)
    fit = pyfixest.feols(
        "income ~ i(event_time, ref=-1) | village + year", panel, vcov={"CRV1": "district"}, fixef_rm="none"
    )
    theirs = fit.tidy().rename(index=lambda name: int(name.split("::")[1].rstrip("]").removeprefix("T.")))
    ours = event_study(Study.from_frame(panel.drop(columns="event_time"), **DESIGN), "income", estimator="two_way")
    frame = ours.frame().drop(index=-1)
    theirs = theirs.loc[frame.index]
    np.testing.assert_allclose(frame["estimate"], theirs["Estimate"], rtol=ITERATED)
    test = cr1(ours).astype({"std_error": float, "p_value": float})
    np.testing.assert_allclose(test["std_error"], theirs["Std. Error"], rtol=ITERATED)
    np.testing.assert_allclose(test["p_value"], theirs["Pr(>|t|)"], rtol=ITERATED)


def test_default_estimator_depends_on_the_starts():
    assert event_study(make_study(starts=(2019,)), "income").estimator == "two_way"
    assert event_study(make_study(), "income").estimator == "saturated"


def test_with_one_start_both_estimators_agree():
    study = make_study(starts=(2019,), unbalanced=True)
    frames = [event_study(study, "income", estimator=estimator).frame() for estimator in ("two_way", "saturated")]
    np.testing.assert_allclose(*frames, rtol=EXACT)


def test_two_way_average_weighs_by_treated_observations():
    result = event_study(make_study(), "income", estimator="two_way")
    lags = result.frame().loc[0:]
    expected = (lags["estimate"] * lags["villages"]).sum() / lags["villages"].sum()
    assert result.average().value == pytest.approx(expected, rel=EXACT)


def refuse(panel: pd.DataFrame, **options: object) -> str:
    study = Study.from_frame(panel, **DESIGN)
    with pytest.raises(StudyError) as refusal:
        event_study(study, "income", **options)
    return str(refusal.value)


@pytest.mark.parametrize("reference", [0, 3])
def test_reference_must_lie_before(reference):
    message = f"reference must be an event time before treatment, such as -1, not {reference}."
    assert refuse(make_panel(), reference=reference) == message


def test_every_cohort_must_be_seen_at_the_reference():
    assert refuse(make_panel(), reference=-3) == (
        "No village is observed at the reference event time -3 in 1 start-year cohort: 2018. "
        "Choose another reference, such as reference=-1, or remove these villages."
    )
    assert refuse(make_panel(starts=(2017, 2018, 2019)), reference=-3) == (
        "No village is observed at the reference event time -3 in 2 start-year cohorts: 2017, 2018. "
        "Choose another reference, such as reference=-1, or remove these villages."
    )


def test_pooled_needs_one_cohort_at_the_reference():
    study = make_study()
    assert event_study(study, "income", estimator="two_way", reference=-3).frame().loc[-3, "villages"] == 8
    assert refuse(make_panel(), estimator="two_way", reference=-9) == (
        "No village is observed at the reference event time -9 in 2 start-year cohorts: 2018, 2020. "
        "Choose another reference, such as reference=-1, or remove these villages."
    )


def test_event_time_not_estimated():
    with pytest.raises(StudyError) as refusal:
        event_study(make_study(), "income").estimate(-1)
    assert str(refusal.value) == "Event time -1 is not estimated; choose from [-4, -3, -2, 0, 1, 2, 3]."


def test_a_treated_year_is_needed():
    panel = make_panel().assign(income=lambda p: p["income"].mask(p["year"] >= p["start"].fillna(9999)))
    # twelve villages for four years and eight for two
    assert refuse(panel) == (
        "No village-year under treatment has a usable 'income'; rows left out: 64 (income missing). "
        "Fill in the missing values, or choose another outcome."
    )


def test_log_is_the_logarithm():
    panel = make_panel().assign(income=lambda p: p["income"].abs() + 1)
    logged = Study.from_frame(panel.assign(income=np.log(panel["income"])), **DESIGN)
    plain = event_study(Study.from_frame(panel, **DESIGN), "income", scale="log")
    np.testing.assert_allclose(plain.frame(), event_study(logged, "income").frame(), rtol=EXACT)
    assert plain.average().unit == "log points"


@pytest.mark.filterwarnings("ignore:The SaturatedEventStudyClass", r"ignore:\s*\d+ variables dropped")
def test_saturated_is_pyfixest_saturated():
    panel = make_panel()
    panel["number"] = panel["village"].str[1:].astype(int)
    panel["first"] = panel["start"].fillna(0).astype(int)
    theirs = pyfixest.event_study(
        panel.drop(columns="start"),
        yname="income",
        idname="number",
        tname="year",
        gname="first",
        estimator="saturated",
        cluster="number",
    ).aggregate()
    study = Study.from_frame(make_panel(), unit="village", time="year", first_treated="start")
    result = event_study(study, "income")
    frame = result.frame().drop(index=-1)
    assert theirs.index.tolist() == frame.index.tolist()
    np.testing.assert_allclose(frame["estimate"], theirs["Estimate"].astype(float), rtol=ITERATED)
    errors = cr1(result)["std_error"].astype(float)
    # pyfixest counts all 40 villages and their rows, this library those that tell of an event time.
    pieces = [group_pieces(result.fitted, result.estimate(time).effect) for time in frame.index]
    rows, parameters = result.fitted.design.shape
    whole = 40 / 39 * (rows - 1) / (rows - parameters)
    factor = np.sqrt([piece.cr1_factor / whole for piece in pieces])
    assert min(len(piece.treated) for piece in pieces) < 40
    np.testing.assert_allclose(errors, factor * theirs["Std. Error"].astype(float), rtol=ITERATED)
