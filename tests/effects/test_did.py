"""`did` against a hand computation, against other software, and against what cannot change it."""

import linearmodels
import numpy as np
import pandas as pd
import pyfixest
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from analysis import Outcome, Study, StudyError, did
from analysis.effects.estimate import Estimate
from analysis.messages import FewTreatedGroupsWarning

# pyfixest uses a pandas keyword that is on its way out.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")

# Two exact algorithms on some hundred rows differ by the rounding of their sums, about 1e-13; this leaves a margin.
EXACT = 1e-10
# linearmodels and pyfixest demean iteratively in both directions and stop at 1e-6 to 1e-8.
ITERATED = 1e-6

DESIGN = {"unit": "village", "time": "year", "first_treated": "start", "group": "district"}

# Two treated villages (from 2022) and two untreated ones.
#            2020 2021 2022 2023   before after  change
# T1           14   16   23   25       15    24       9
# T2           18   20   27   33       19    30      11
# treated      16   18   25   29       17    27      10
# U1           12   14   14   16       13    15       2
# U2           16   14   18   20       15    19       4
# untreated    14   14   16   18       14    17       3
HAND = {"T1": [14, 16, 23, 25], "T2": [18, 20, 27, 33], "U1": [12, 14, 14, 16], "U2": [16, 14, 18, 20]}


def make_hand_panel() -> pd.DataFrame:
    panel = pd.DataFrame(HAND, index=pd.RangeIndex(2020, 2024, name="year")).melt(
        ignore_index=False, var_name="village", value_name="income"
    )
    panel = panel.reset_index().assign(start=lambda p: p["village"].map({"T1": 2022, "T2": 2022}))
    return panel.assign(district=panel["village"])


def make_hand_study(**options: object) -> Study:
    with pytest.warns(FewTreatedGroupsWarning):
        return Study.from_frame(make_hand_panel(), **DESIGN, **options)


def make_panel(starts: tuple[int, ...] = (2019,), unbalanced: bool = True) -> pd.DataFrame:
    """Forty villages in ten districts over seven years, five districts treated; a tenth of the rows gone at random."""
    draw = np.random.default_rng(410883)
    panel = pd.DataFrame([(f"v{v:02}", y) for v in range(40) for y in range(2015, 2022)], columns=["village", "year"])
    number = panel["village"].str[1:].astype(int)
    panel["district"] = "d" + (number % 10).astype(str)
    panel["start"] = (number % 10).map({group: starts[group % len(starts)] for group in range(5)})
    panel["treated"] = (panel["start"] <= panel["year"]).astype(float)
    panel["rain"] = draw.normal(size=len(panel)) + panel["treated"]
    panel["size"] = draw.uniform(0.5, 3, len(panel))
    shock = panel["district"].map(dict(zip(sorted(set(panel["district"])), draw.normal(size=10), strict=True)))
    trend = (panel["year"] - 2015) * shock
    panel["income"] = 5 + number / 10 + trend / 5 + panel["treated"] + panel["rain"] / 2 + draw.normal(size=len(panel))
    return panel[draw.uniform(size=len(panel)) > 0.1].reset_index(drop=True) if unbalanced else panel


def make_study(**options: object) -> Study:
    return Study.from_frame(make_panel(**options), **DESIGN)


def nested_std_error(fit, contrast: dict[str, float], groups: pd.Series, nested: int) -> float:
    """CR1 of a dummy-variable fit, with the factor that leaves out the unit effects nested in the clusters.

    Unit dummies beyond the constant are `nested` of the fit's parameters. The score of a cluster already sums to zero
    for each unit inside it, so these parameters cost no degrees of freedom between clusters: K leaves them out.
    """
    clusters, rows = groups.nunique(), int(fit.nobs)
    parameters = len(fit.params) - nested
    weights = pd.Series(0.0, index=fit.params.index)
    weights[list(contrast)] = list(contrast.values())
    uncorrected = weights @ fit.cov_params() @ weights
    return float(np.sqrt(uncorrected * clusters / (clusters - 1) * (rows - 1) / (rows - parameters)))


def fit_dummies(panel: pd.DataFrame, formula: str, weights: str | None = None):
    """Least squares with a dummy per village and year, CR0 clustered by district."""
    heft = panel[weights] if weights else pd.Series(1.0, index=panel.index)
    return smf.wls(f"{formula} + C(village) + C(year)", panel, weights=heft).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(panel["district"])[0], "use_correction": False}
    )


class TestByHand:
    def test_value(self):
        # change inside 10, change outside 3
        assert did(make_hand_study(), "income").value == pytest.approx(10 - 3, rel=EXACT)

    def test_std_error(self):
        # The treatment, cleared of village and year means, is +1/4 for treated after and untreated before, else -1/4;
        # its squares add up to 16/16 = 1. A village's score is 1/4 of (its sum after - its sum before), less the mean
        # of its side: treated 18 and 22, untreated 4 and 8, so all four scores are -+1/2 and their squares add up to 1.
        # K: constant, three years, treatment. CR1 = 1 * 4/3 * (16-1)/(16-5) = 20/11, with t(4-1).
        result = did(make_hand_study(), "income").inference("cr1").loc["cr1"]
        assert result["std_error"] == pytest.approx((20 / 11) ** 0.5, rel=EXACT)
        assert result["statistic"] == pytest.approx(7 / (20 / 11) ** 0.5, rel=EXACT)
        assert result["df"] == 3
        assert result["p_value"] == pytest.approx(2 * stats.t.sf(7 / (20 / 11) ** 0.5, 3), rel=EXACT)

    def test_per_cent_of_the_counterfactual_mean(self):
        # treated after 27, without the effect 27 - 7 = 20
        assert did(make_hand_study(), "income").percent == pytest.approx(100 * 7 / 20, rel=EXACT)

    def test_weights_by_hand(self):
        # T2 and U2 count three times: inside (9 + 3*11)/4 = 10.5, outside (2 + 3*4)/4 = 3.5; the treated
        # have (24 + 3*30)/4 = 28.5 after, without the effect of 7 they would have 21.5
        panel = make_hand_panel().assign(size=lambda p: p["village"].map({"T1": 1, "T2": 3, "U1": 1, "U2": 3}))
        with pytest.warns(FewTreatedGroupsWarning):
            estimate = did(Study.from_frame(panel, **DESIGN), "income", weights="size")
        assert estimate.value == pytest.approx(10.5 - 3.5, rel=EXACT)
        assert estimate.percent == pytest.approx(100 * 7 / 21.5, rel=EXACT)

    def test_per_cent_of_logs(self):
        panel = make_hand_panel().assign(income=lambda p: np.exp(p["income"] / 10))
        with pytest.warns(FewTreatedGroupsWarning):
            estimate = did(Study.from_frame(panel, **DESIGN), "income", scale="log")
        assert estimate.value == pytest.approx(0.7, rel=EXACT)
        assert estimate.percent == pytest.approx(100 * (np.exp(0.7) - 1), rel=EXACT)
        assert estimate.unit == "log points"

    def test_no_per_cent_where_the_counterfactual_is_not_positive(self):
        below = Study.from_frame(make_panel().assign(income=lambda p: p["income"] - 1000), **DESIGN)
        assert np.isnan(did(below, "income").percent)
        assert "%" not in repr(did(below, "income")).replace("95 %", "")

    def test_sentence(self):
        outcomes = {"income": Outcome("income", unit="CNY", label_en="Village income", scale="level")}
        estimate = did(make_hand_study(outcomes=outcomes, provenance="simulated"), "income")
        # CR2 is Welch's: the changes 9, 11 and 2, 4 have variance 2 each, so 2/2 + 2/2 = 2; Satterthwaite's degrees of
        # freedom with equal variances are (1/2 + 1/2)^2 / (1/(4 * 1) + 1/(4 * 1)) = 2
        margin = stats.t.ppf(0.975, 2) * 2**0.5
        assert repr(estimate) == (
            f"Simulated data: effect on village income 7.0 CNY (95 % interval {7 - margin:.1f} to {7 + margin:.1f}), "
            "35.0 % of the counterfactual mean. "
            "Caution: 2 groups treated, 2 groups untreated: too few for a reliable interval. "
            "Only 2 treated groups (T1, T2): with two, standard errors rest on two numbers: usual tests reject far too "
            "often, careful ones hardly ever. Read the estimate as a description; randomization inference, in "
            "levels or logs alone, is the most that can be said."
        )
        small = (
            "Linear regression, two-way fixed effects, against all years before; CR2 errors with Satterthwaite degrees "
            "of freedom (2.0), 4 groups, 2 treated; 4 villages, 16 village-years."
        )
        assert estimate.small_print() == small
        assert estimate._repr_markdown_() == f"{estimate!r}\n\n*{small}*"

    def test_frame_is_one_row(self):
        estimate = did(make_hand_study(), "income")
        frame = estimate.frame()
        about = ["estimator", "baseline", "rows", "villages", "groups", "treated_groups", "dropped"]
        about += ["controls", "weights", "data"]
        test = ["std_error", "statistic", "df", "p_value", "low", "high"]
        sizes = [f"{size}{end}" for size in ("percent", "amount") for end in ("", "_low", "_high")]
        assert frame.columns.tolist() == ["outcome", "unit", "estimate", "per_cent", "method", *test, *sizes, *about]
        assert len(frame) == 1
        row = frame.iloc[0]
        assert row["estimate"] == estimate.value
        assert row["std_error"] == estimate.inference("cr2").loc["cr2", "std_error"]
        assert row["rows":"data"].tolist() == [16, 4, 4, 2, 0, "", "", "your data"]


class TestAgainstOtherSoftware:
    def test_two_by_two_is_the_interaction_regression(self):
        panel = make_panel(unbalanced=False)
        panel["inside"] = panel["start"].notna()
        panel["after"] = panel["year"] >= 2019
        means = panel.groupby(["inside", "after"])["income"].mean()
        by_hand = (means[True, True] - means[True, False]) - (means[False, True] - means[False, False])
        interaction = smf.ols("income ~ inside * after", panel).fit().params["inside[T.True]:after[T.True]"]
        value = did(Study.from_frame(panel.drop(columns=["inside", "after"]), **DESIGN), "income").value
        assert by_hand == pytest.approx(interaction, rel=EXACT)
        assert value == pytest.approx(by_hand, rel=EXACT)

    @pytest.mark.parametrize("weights", [None, "size"])
    @pytest.mark.parametrize("controls", [[], ["rain"]], ids=["no control", "control"])
    def test_dummy_variable_regression(self, controls, weights):
        panel = make_panel()
        fit = fit_dummies(panel, " + ".join(["income ~ treated", *controls]), weights)
        estimate = did(Study.from_frame(panel, **DESIGN), "income", controls=controls, weights=weights)
        nested = panel["village"].nunique() - 1
        error = nested_std_error(fit, {"treated": 1}, panel["district"], nested)
        assert estimate.value == pytest.approx(fit.params["treated"], rel=EXACT)
        assert estimate.inference("cr1").loc["cr1", "std_error"] == pytest.approx(error, rel=EXACT)
        assert estimate.regression.bse.iloc[7] == pytest.approx(error, rel=EXACT), "statsmodels' own error agrees"

    @pytest.mark.parametrize("weights", [None, "size"])
    def test_saturated_is_a_dummy_per_cohort_and_year(self, weights):
        panel = make_panel(starts=(2018, 2020))
        cells = {}
        for cohort, year in panel.loc[panel["treated"] == 1, ["start", "year"]].drop_duplicates().itertuples(False):
            name = f"cell_{cohort:.0f}_{year}"
            inside = (panel["start"] == cohort) & (panel["year"] == year)
            panel[name] = inside.astype(float)
            cells[name] = panel.loc[inside, weights].sum() if weights else inside.sum()
        share = {name: heft / sum(cells.values()) for name, heft in cells.items()}
        fit = fit_dummies(panel, f"income ~ rain + {' + '.join(cells)}", weights)
        estimate = did(Study.from_frame(panel, **DESIGN), "income", controls="rain", weights=weights)
        assert estimate.estimator == "saturated"
        assert len(cells) == 4 + 2
        assert estimate.value == pytest.approx(sum(fit.params[name] * share[name] for name in cells), rel=EXACT)
        error = nested_std_error(fit, share, panel["district"], panel["village"].nunique() - 1)
        assert estimate.inference("cr1").loc["cr1", "std_error"] == pytest.approx(error, rel=EXACT)

    @pytest.mark.parametrize("weights", [None, "size"])
    def test_linearmodels(self, weights):
        panel = make_panel()
        indexed = panel.set_index(["village", "year"])
        model = linearmodels.PanelOLS.from_formula(
            "income ~ treated + rain + EntityEffects + TimeEffects",
            indexed,
            weights=indexed[weights] if weights else None,
        )
        estimate = did(Study.from_frame(panel, **DESIGN), "income", controls="rain", weights=weights)
        assert estimate.value == pytest.approx(model.fit().params["treated"], rel=ITERATED)

    @pytest.mark.parametrize("weights", [None, "size"])
    @pytest.mark.parametrize("starts", [(2019,), (2018, 2020)], ids=["one start", "two starts"])
    def test_pyfixest(self, starts, weights):
        panel = make_panel(starts=starts)
        fit = pyfixest.feols(
            "income ~ treated + rain | village + year",
            panel,
            vcov={"CRV1": "district"},
            weights=weights,
            ssc=pyfixest.ssc(k_adj=True, k_fixef="nonnested", G_adj=True, G_df="min"),
            fixef_rm="none",
        )
        study = Study.from_frame(panel, **DESIGN)
        estimate = did(study, "income", estimator="two_way", controls="rain", weights=weights)
        result = estimate.inference("cr1").loc["cr1"]
        assert estimate.value == pytest.approx(fit.coef()["treated"], rel=ITERATED)
        assert result["std_error"] == pytest.approx(fit.se()["treated"], rel=ITERATED)
        assert result["p_value"] == pytest.approx(fit.pvalue()["treated"], rel=ITERATED)


def summarize(study: Study, **options: object) -> np.ndarray:
    estimate = did(study, "income", **options)
    return np.array([estimate.value, estimate.inference("cr1").loc["cr1", "std_error"]])


def village_number(panel: pd.DataFrame) -> pd.Series:
    return panel["village"].str[1:].astype(int)


UNCHANGED = {
    "rows in another order": lambda p: p.sample(frac=1, random_state=3),
    "villages renamed": lambda p: p.assign(village=village_number(p).map(lambda number: f"x{(number * 7) % 40:02}")),
    "districts renamed": lambda p: p.assign(district=p["district"].map(lambda name: {"d3": "zz"}.get(name, name))),
    "a constant added": lambda p: p.assign(income=p["income"] + 1000),
    "a constant per village added": lambda p: p.assign(income=p["income"] + 10 * village_number(p)),
    "a constant per year added": lambda p: p.assign(income=p["income"] + np.sin(p["year"]) * 50),
    "a control in other units": lambda p: p.assign(rain=p["rain"] * 1e10),
    "a control in tiny units": lambda p: p.assign(rain=p["rain"] * 1e-10),
    "a constant added to the control": lambda p: p.assign(rain=p["rain"] + 100),
    "weights in other units": lambda p: p.assign(size=p["size"] * 1e5),
    "a village seen once": lambda p: pd.concat([p, p.iloc[[-1]].assign(village="new", income=99.0)]),
}


@pytest.mark.parametrize("estimator", ["two_way", "saturated"])
@pytest.mark.parametrize("rewrite", UNCHANGED.values(), ids=UNCHANGED)
def test_what_cannot_change_the_answer(rewrite, estimator):
    panel = make_panel(starts=(2018, 2020))
    options = {"controls": ["rain"], "weights": "size", "estimator": estimator}
    before, after = (summarize(Study.from_frame(frame, **DESIGN), **options) for frame in (panel, rewrite(panel)))
    np.testing.assert_allclose(after, before, rtol=EXACT)


@pytest.mark.parametrize("factor", [-1, 1e-6, 1e8])
def test_scaling_the_outcome_scales_the_answer(factor):
    panel = make_panel()
    scaled = Study.from_frame(panel.assign(income=panel["income"] * factor), **DESIGN)
    expected = summarize(make_study()) * [factor, abs(factor)]
    np.testing.assert_allclose(summarize(scaled), expected, rtol=EXACT)


def test_log_is_the_logarithm():
    panel = make_panel()
    logged = Study.from_frame(panel.assign(income=np.log(panel["income"] + 50)), **DESIGN)
    plain = Study.from_frame(panel.assign(income=panel["income"] + 50), **DESIGN)
    np.testing.assert_allclose(summarize(plain, scale="log"), summarize(logged), rtol=EXACT)


def test_default_estimator_depends_on_the_starts_and_is_said():
    one, two = (did(make_study(starts=starts), "income") for starts in ((2019,), (2018, 2020)))
    assert (one.estimator, two.estimator) == ("two_way", "saturated")
    assert "regression, two-way fixed effects, against" in one.small_print()
    assert "regression, start-year cohorts saturated, against" in two.small_print()


def test_with_one_start_saturated_averages_the_years():
    # balanced: the average over treated years of the yearly effects is the textbook coefficient
    study = make_study(unbalanced=False)
    estimates = [did(study, "income", estimator=estimator).value for estimator in ("two_way", "saturated")]
    assert estimates[0] == pytest.approx(estimates[1], rel=EXACT)


def test_counts():
    panel = make_panel()
    panel.loc[[0, 1, 2], "income"] = np.nan
    panel.loc[[2, 3], "rain"] = np.nan
    panel.loc[[3, 4, 5, 6], "size"] = np.nan
    estimate = did(Study.from_frame(panel, **DESIGN), "income", controls=["rain"], weights="size")
    assert isinstance(estimate, Estimate)
    assert estimate.fitted.sample.dropped == {"income missing": 3, "rain missing": 1, "size missing": 3}
    assert estimate.dropped == 7
    assert estimate.rows == len(panel) - 7 == estimate.regression.nobs
    assert (estimate.villages, estimate.groups, estimate.treated_groups) == (39, 10, 5), "v00 has no row left"
    left_out = "7 village-years left out (income missing: 3, rain missing: 1, size missing: 3)."
    assert f"{len(panel) - 7:,} village-years, {left_out}" in estimate.small_print()


def test_rows_left_out_are_as_if_they_were_not_there():
    panel = make_panel()
    gaps = panel.assign(income=panel["income"].where(panel.index % 9 != 0))
    with_gaps, without = Study.from_frame(gaps, **DESIGN), Study.from_frame(gaps.dropna(subset="income"), **DESIGN)
    np.testing.assert_array_equal(summarize(with_gaps), summarize(without))


def test_groups_lost_with_their_rows_are_not_counted():
    panel = make_panel()
    panel.loc[panel["district"].isin(["d0", "d9"]), "income"] = np.nan
    estimate = did(Study.from_frame(panel, **DESIGN), "income")
    assert (estimate.villages, estimate.groups, estimate.treated_groups) == (32, 8, 4)


def refuse(panel: pd.DataFrame, **options: object) -> str:
    study = Study.from_frame(panel, **DESIGN)
    with pytest.raises(StudyError) as refusal:
        did(study, "income", **options)
    return str(refusal.value)


def test_log_of_zero_or_less_is_refused():
    panel = make_panel().assign(income=lambda p: p["income"].abs() + 1)
    panel.loc[[0, 10, 20, 30], "income"] = [0, -1, 0, -2]
    where = ", ".join(f"{panel.loc[row, 'village']} in {panel.loc[row, 'year']}" for row in (0, 10, 20))
    assert refuse(panel, scale="log") == (
        f"scale=\"log\" needs values above zero, but 'income' is zero or negative in 4 rows: {where}, .... "
        'Effects in per cent that keep zeros come from scale="poisson"; log(1 + y) would make the answer depend on '
        "the unit."
    )


@pytest.mark.parametrize("bad", [0, -1.5])
def test_weights_must_be_positive(bad):
    panel = make_panel()
    panel.loc[5, "size"] = bad
    where = f"{panel.loc[5, 'village']} in {panel.loc[5, 'year']}"
    assert refuse(panel, weights="size") == (
        f"The weight 'size' is zero or negative in 1 row: {where}. "
        "Weights must be positive; leave out rows that should not count."
    )


def test_collinear_controls_are_refused_by_name():
    panel = make_panel()
    panel["price"] = panel["year"] - 2000
    panel["twin"] = 2 * panel["rain"] + panel["price"]
    assert refuse(panel, controls=["rain", "price", "twin"]) == (
        "2 columns cannot be estimated beside the village and year effects: price, twin. A control that moves alike in "
        "all villages, or a treated cell with no comparison left (rows left out: none), must be removed or its data "
        "filled in."
    )


def test_cohort_with_no_year_before_is_refused():
    panel = make_panel(starts=(2018, 2019))
    panel.loc[(panel["start"] == 2019) & (panel["year"] < 2019), "income"] = np.nan
    assert refuse(panel) == (
        "No village is observed before its start in 1 start-year cohort: 2019. Add earlier years, or remove these "
        "villages."
    )


@pytest.mark.parametrize("name", ["treated", "constant", "year_2017"])
def test_control_named_like_a_regressor_is_refused(name):
    panel = make_panel().drop(columns="treated").rename(columns={"rain": name})
    assert refuse(panel, controls=[name]) == (
        f"1 control named like a column of the regression itself: {name}. Rename it in the panel."
    )


def test_outcome_as_its_own_control_is_refused():
    message = "The outcome 'income' is also a control. Leave it out of the controls."
    assert refuse(make_panel(), controls=["rain", "income"]) == message


def test_unknown_estimator_is_refused():
    assert (
        refuse(make_panel(), estimator="twfe") == "estimator must be one of two_way, saturated, by_group, not 'twfe'."
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("start.notna()", "No treated village has a usable 'income'; rows left out: {} (income missing)."),
        ("start.isna()", "No untreated village has a usable 'income'; rows left out: {} (income missing)."),
        ("treated == 1", "No village-year under treatment has a usable 'income'; rows left out: {} (income missing)."),
    ],
)
def test_nothing_left_to_compare_is_refused(query, message):
    panel = make_panel()
    lost = panel.query(query).index
    panel.loc[lost, "income"] = np.nan
    remedy = " Fill in the missing values, or choose another outcome."
    assert refuse(panel) == message.format(len(lost)) + remedy


def test_more_coefficients_than_rows_are_refused():
    panel = make_panel().query("village in ['v00', 'v01', 'v02', 'v05'] and year in [2018, 2019]")
    controls = {f"x{number}": np.random.default_rng(number).normal(size=len(panel)) for number in range(7)}
    message = refuse(panel.assign(**controls), controls=list(controls))
    assert message == f"{len(panel)} rows cannot support 10 coefficients. Rows left out: none."


def test_one_group_for_all_is_refused():
    panel = make_panel().assign(district="all")
    with pytest.warns(FewTreatedGroupsWarning):
        message = refuse(panel)
    assert message == (
        f"All {len(panel)} village-years used are in one group (all). Errors are clustered by group: "
        "give the groups that were treated and those that were not."
    )


@pytest.mark.parametrize("level", [0, 1, 95])
def test_level_must_be_a_share(level):
    with pytest.raises(ValueError, match=rf"^level must lie between 0 and 1, such as 0\.95, not {level}\.$"):
        did(make_study(), "income").inference(level=level)


def test_unknown_method_lists_the_known():
    with pytest.raises(ValueError, match=r"^Unknown method 'robust'; choose from cr1"):
        did(make_study(), "income").inference("robust")


@pytest.mark.parametrize("estimator", ["two_way", "saturated", "by_group"])
def test_a_year_without_untreated_villages_is_left_out_by_every_estimator(estimator):
    panel = make_panel(starts=(2018,))
    last = panel["year"].max()
    unseen = panel[panel["start"].notna() | (panel["year"] < last)]
    found = did(Study.from_frame(unseen, **DESIGN), "income", estimator=estimator)
    expected = did(Study.from_frame(panel[panel["year"] < last], **DESIGN), "income", estimator=estimator)
    assert (found.value, found.percent) == pytest.approx((expected.value, expected.percent), rel=EXACT)
    assert f"({last} has no untreated village)" in found.small_print()


def test_no_year_with_a_comparison_is_refused():
    panel = make_panel(starts=(2018,))
    unseen = panel[panel["start"].notna() | (panel["year"] < 2018)]
    with pytest.raises(StudyError, match="No village-year under treatment.*2018 has no untreated village"):
        did(Study.from_frame(unseen, **DESIGN), "income")
