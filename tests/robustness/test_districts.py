"""`by_district` and the tables beside it: by hand, against dummy regressions and full enumeration, and exactness."""

import warnings
from dataclasses import replace
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from panels import districts_panel
from scipy.stats import hypergeom, loggamma

from analysis import Outcome, Study, StudyError, did, event_study, load_study
from analysis.design.variability import variability
from analysis.messages import FewTreatedGroupsWarning
from analysis.robustness.across_outcomes import across_outcomes
from analysis.robustness.districts import by_district
from analysis.robustness.estimands import estimands
from analysis.robustness.leave_one_out import leave_one_out
from analysis.robustness.one_group_alone import Placements, _deviation, placements, share_reaching

# Two exact algorithms on some hundred rows differ by the rounding of their sums, about 1e-13; this leaves a margin.
EXACT = 1e-10
# Bounds are bisected to 1e-9 of their size (`inversion.BISECTION_TOLERANCE`); beyond this distance they must differ.
BISECTED = 1e-6

DESIGN = {"unit": "village", "time": "year", "first_treated": "start", "group": "district"}


def quiet(frame: pd.DataFrame, **options: object) -> Study:
    """A study that may have one or two treated groups."""
    with warnings.catch_warnings(action="ignore", category=FewTreatedGroupsWarning):
        return Study.from_frame(frame, **DESIGN, **options)


# Districts A (villages 1, 2) and B (village 3) from 2022, C (4) and D (5) never.
#      2021 2022 2023   before after change
# 1      10   14   16      10    15      5
# 2      20   30   32      20    31     11
# A                        15    23      8
# 3      12   12   14      12    13      1
# 4      10   11   13      10    12      2
# 5      30   34   34      30    34      4
# C, D                     20    23      3
# Effects: A 8 - 3 = 5, B 1 - 3 = -2; over the six treated village-years (4 * 5 + 2 * -2) / 6 = 8 / 3.
HAND = {"1": [10, 14, 16], "2": [20, 30, 32], "3": [12, 12, 14], "4": [10, 11, 13], "5": [30, 34, 34]}
HAND_DISTRICT = {"1": "A", "2": "A", "3": "B", "4": "C", "5": "D"}


def make_hand_panel() -> pd.DataFrame:
    wide = pd.DataFrame(HAND, index=pd.RangeIndex(2021, 2024, name="year"))
    panel = wide.melt(ignore_index=False, var_name="village", value_name="income").reset_index()
    panel["district"] = panel["village"].map(HAND_DISTRICT)
    return panel.assign(start=panel["district"].map({"A": 2022, "B": 2022}).astype("Int64"))


def by_dummies(panel: pd.DataFrame, extra: str = "", weights: str | None = None) -> pd.Series:
    """Least squares with a dummy per village, year, and treated district-year; averages by treated village-years."""
    panel = panel.assign(heft=panel[weights] if weights else 1.0)
    treated = (panel["year"] >= panel["start"]).fillna(False)
    cells = (panel["district"] + "x" + panel["year"].astype(str)).where(treated, "none")
    names = sorted(set(cells) - {"none"})
    panel = panel.assign(**{name: (cells == name).astype(float) for name in names})
    formula = f"income ~ {' + '.join(names)} {extra} + C(village) + C(year)"
    fit = smf.wls(formula, panel, weights=panel["heft"]).fit()
    heft = panel["heft"].groupby(cells).sum()[names]
    district = pd.Series(names).str.split("x").str[0].to_numpy()
    return (fit.params[names] * heft).groupby(district).sum() / heft.groupby(district).sum()


def test_by_hand():
    result = by_district(quiet(make_hand_panel()), "income")
    frame = result.frame()
    np.testing.assert_allclose(frame["effect"], [5, -2], rtol=EXACT)
    assert result.overall.value == pytest.approx(8 / 3, rel=EXACT)
    # Counterfactual means: A 23 - 5 = 18, B 13 + 2 = 15.
    np.testing.assert_allclose(frame["per_cent"], [100 * 5 / 18, 100 * -2 / 15], rtol=EXACT)
    assert frame[["villages", "village_years"]].to_numpy().tolist() == [[2, 4], [1, 2]]
    assert frame.index.tolist() == ["A", "B"]
    assert (frame["smallest_p"] == 1 / 3).all()
    assert (frame["smallest_p_adjusted"] == 2 / 4).all()
    assert frame[["low", "high"]].to_numpy().tolist() == [[-np.inf, np.inf]] * 2, "three groups reject nothing at 5 %"


@pytest.mark.parametrize(
    ("panel", "options", "extra", "weights"),
    [
        ({}, {}, "", None),
        ({"gaps": 0.1}, {}, "", None),
        ({"starts": {"d00": 2018, "d01": 2020, "d02": 2020}, "gaps": 0.1}, {}, "", None),
        ({"gaps": 0.1}, {"controls": ["rain"], "weights": "size"}, "+ rain", "size"),
    ],
)
def test_effects_are_those_of_a_dummy_per_district_and_year(panel, options, extra, weights):
    panel = districts_panel(**panel)
    result = by_district(quiet(panel), "income", **options)
    np.testing.assert_allclose(result.frame()["effect"], by_dummies(panel, extra, weights), rtol=EXACT)


@pytest.mark.parametrize("starts", [None, {"d00": 2018, "d01": 2020, "d02": 2020, "d03": 2018}])
def test_average_is_did_on_a_balanced_panel(starts):
    study = quiet(districts_panel(starts, sizes=(3, 5)))
    result = by_district(study, "income")
    frame = result.frame()
    assert np.average(frame["effect"], weights=frame["village_years"]) == pytest.approx(result.overall.value, rel=EXACT)
    assert result.overall.value == did(study, "income").value
    assert did(study, "income", estimator="by_group").value == pytest.approx(result.overall.value, rel=EXACT)


def test_each_effect_is_that_district_against_the_untreated_on_a_balanced_panel():
    panel = districts_panel(sizes=(3, 5))
    frame = by_district(quiet(panel), "income").frame()
    for district in frame.index:
        alone = quiet(panel[panel["start"].isna() | (panel["district"] == district)])
        assert frame.loc[district, "effect"] == pytest.approx(did(alone, "income").value, rel=EXACT)


def test_log_is_of_the_outcome_and_missing_values_are_left_out():
    panel = districts_panel().assign(income=lambda p: np.exp(p["income"]))
    panel.loc[3, "income"] = np.nan
    result = by_district(quiet(panel), "income", scale="log")
    logged = panel.assign(income=np.log(panel["income"])).dropna(subset="income")
    np.testing.assert_allclose(result.frame()["effect"], by_dummies(logged), rtol=EXACT)
    assert (result.frame()["unit"] == "log points").all()
    assert result.overall.dropped == 1


# The tests behind the p-values.


def variability_by_hand(panel: pd.DataFrame) -> pd.Series:
    """Standard deviation of each district's yearly changes before 2019 around all villages', shrunk."""
    before = panel[panel["year"] < 2019].pivot(index="village", columns="year", values="income")
    changes = before.diff(axis=1).iloc[:, 1:]
    means = (changes - changes.mean()).groupby(panel.groupby("village")["district"].first()).mean()
    years = means.notna().sum(axis=1)
    log_error = pd.Series({district: loggamma(number / 2).mean() for district, number in years.items()})
    noise = pd.Series({district: loggamma(number / 2).var() for district, number in years.items()})
    logs = np.log((means**2).mean(axis=1)) - log_error + np.log(years / 2)
    between = max(0, logs.var() - noise.mean())
    return np.exp((logs.mean() + between / (between + noise) * (logs - logs.mean())) / 2)


def placed_alone(panel: pd.DataFrame, kept: tuple[str, ...] = ()) -> pd.Series:
    """Size of every district's effect from 2019, refitted with nobody else treated; `kept` ones keep their own cells.

    It is divided by the district's variability before, and by nothing for size, so districts must be alike in size.
    """
    cell = (panel["district"] + "x" + panel["year"].astype(str)).where(panel["district"].isin(kept))
    dummies = pd.get_dummies(cell[panel["year"] >= 2019], dtype=float).reindex(panel.index, fill_value=0.0)
    effects = {}
    for district in sorted(set(panel["district"]) - set(kept)):
        start = pd.Series(2019, index=panel.index).where(panel["district"] == district).astype("Int64")
        study = quiet(panel.assign(start=start).join(dummies))
        effects[district] = did(study, "income", estimator="saturated", controls=list(dummies)).value
    return pd.Series(effects).abs() / variability_by_hand(panel)[list(effects)]


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_p_values_are_those_of_refits_and_full_enumeration(gaps):
    panel = districts_panel(groups=9, gaps=gaps)
    treated = ["d00", "d01", "d02"]
    frame = by_district(quiet(panel), "income").frame()
    for district in treated:
        alone = placed_alone(panel, tuple(other for other in treated if other != district))
        assert frame.loc[district, "p_value"] == pytest.approx((alone >= alone[district]).mean(), rel=EXACT)
        size = alone[district] * variability_by_hand(panel)[district]
        assert abs(frame.loc[district, "effect"]) == pytest.approx(size, rel=EXACT)
    size, left, floor = placed_alone(panel), treated, 0.0
    while left:
        strongest = size[left].idxmax()
        maxima = [max(size[list(chosen)]) for chosen in combinations(size.index, len(left))]
        floor = max(floor, np.mean(np.array(maxima) >= size[strongest]))
        expected = max(floor, frame.loc[strongest, "p_value"])
        assert frame.loc[strongest, "p_adjusted"] == pytest.approx(expected, rel=EXACT)
        left = [district for district in left if district != strongest]
        size = placed_alone(panel, tuple(set(treated) - set(left)))
    assert np.ptp(frame["p_value"]) > 0, "the design tells the districts apart"


def test_step_down_finds_no_more_than_it_may_beside_a_district_with_an_effect():
    """One district gains beyond doubt; the other's adjusted p, over all places it may have had, keeps its level."""
    panel = districts_panel({}, groups=9, sizes=(2, 5, 3))
    panel.loc[(panel["district"] == "d00") & (panel["year"] >= 2019), "income"] += 100
    others = sorted(set(panel["district"]) - {"d00"})
    p_values = []
    for other in others:
        given = panel["district"].map({"d00": 2019, other: 2019}).astype("Int64")
        frame = by_district(quiet(panel.assign(start=given)), "income").frame()
        assert frame.loc["d00", "p_adjusted"] == pytest.approx(2 / 9, rel=EXACT)
        p_values.append(frame.loc[other, "p_adjusted"])
    for level in np.unique(p_values):
        assert np.mean(np.array(p_values) <= level + EXACT) <= level + EXACT


def test_a_district_taken_first_is_in_nobodys_comparison():
    """However much the strongest gains, the others' tests stay what they are, also where groups are of unlike size."""
    panel = districts_panel(groups=20, sizes=(12, 1, 2))
    gains = (panel["district"] == "d00") & (panel["year"] >= 2019)
    frames = [
        by_district(quiet(panel.assign(income=panel["income"] + gain * gains)), "income").frame() for gain in (30, 1e4)
    ]
    assert [frame["step"].idxmin() for frame in frames] == ["d00", "d00"]
    others = ["p_value", "p_adjusted", "step", "low", "high"]
    pd.testing.assert_frame_equal(*[frame.loc[["d01", "d02"], others] for frame in frames], rtol=BISECTED)
    assert frames[0].loc["d01", "p_adjusted"] > frames[0].loc["d01", "p_value"]


def test_the_strongest_is_named_though_adjusted_p_values_tie():
    result = by_district(load_study(), "collective_income_cny")
    frame = result.frame().sort_values("step")
    assert frame["p_adjusted"].is_monotonic_increasing
    assert sorted(frame["step"]) == [1, 2, 3, 4, 5]
    placed = placements(did(load_study(), "collective_income_cny", estimator="by_group").fitted.sample)
    sizes = pd.Series(placed.of_treated(placed.statistics()), placed.groups[placed.treated])
    assert frame.index[0] == sizes.idxmax()
    assert f"the strongest is {sizes.idxmax()}: p = {frame['p_value'].iloc[0]:.3f} alone" in repr(result)


def test_years_two_apart_tell_how_much_groups_moved_as_years_one_apart_do():
    panel = districts_panel(groups=9)
    frame = by_district(quiet(panel), "income").frame()
    apart = panel.assign(year=2 * panel["year"] - 2015, start=2 * panel["start"] - 2015)
    pd.testing.assert_frame_equal(by_district(quiet(apart), "income").frame(), frame)
    assert by_district(quiet(panel), "income").divided


def test_effects_that_cannot_be_divided_are_said_to_be_so():
    panel = districts_panel(groups=9)
    once = by_district(quiet(panel[panel["year"] >= 2018]), "income")
    assert not once.divided
    assert repr(once).endswith("tests find too much in groups that vary more.")


def test_only_groups_that_can_be_placed_are_counted():
    panel = districts_panel(groups=9)
    late = panel[(panel["district"] == "d08") & (panel["year"] >= 2019)].assign(district="d09")
    late["village"] += "b"
    more = by_district(quiet(pd.concat([panel, late], ignore_index=True)), "income")
    assert more.groups == by_district(quiet(panel), "income").groups == 9


def test_an_outcome_that_never_moves_gives_no_interval():
    frame = by_district(quiet(districts_panel(groups=9).assign(income=0.0)), "income").frame()
    assert frame[["low", "high"]].isna().all(axis=None)
    assert (frame["p_value"] == 1).all()


@pytest.mark.parametrize(("years", "ways"), [((2019, 2019), combinations), ((2018, 2020), permutations)])
def test_step_down_is_exact_over_all_assignments_of_a_panel_without_effects(years, ways):
    """Were any assignment as likely, no p-value (nor the smallest adjusted one) is at a level oftener than it says."""
    panel = districts_panel({}, groups=5, sizes=(2, 5, 3), gaps=0.05)
    smallest, alone = [], []
    for chosen in ways(sorted(panel["district"].unique()), 2):
        given = panel["district"].map(dict(zip(chosen, years, strict=True))).astype("Int64")
        frame = by_district(quiet(panel.assign(start=given)), "income").frame()
        smallest.append(frame["p_adjusted"].min())
        alone.append(frame.loc[list(chosen), "p_value"])
    for p_values in (np.array(smallest), np.ravel(alone)):
        for level in np.unique(p_values):
            assert (p_values <= level + EXACT).mean() <= level + EXACT
    assert min(smallest) == pytest.approx(2 / 5, rel=EXACT) or years[0] != years[1], "the floor is reached"
    assert min(smallest) >= frame["smallest_p_adjusted"].iloc[0] - EXACT
    assert (np.array(alone).min(axis=1) <= np.array(smallest) + EXACT).all(), "adjusting never helps"


@pytest.mark.parametrize("reached", [0, 1, 4])
def test_share_reaching_is_hypergeometric_with_one_start_year(reached):
    statistics = np.arange(20.0)[:, None]
    share = share_reaching(statistics, [5], bar=20 - reached)
    assert share == pytest.approx(hypergeom.sf(0, 20, reached, 5), rel=EXACT)


def test_share_reaching_is_full_enumeration_with_several_start_years():
    statistics = np.random.default_rng(7).normal(size=(6, 2))
    statistics[2, 1] = np.nan
    for bar in (-0.5, 0.3, 1.0):
        hits = [
            max(statistics[a, 0], statistics[b, 0], statistics[c, 1]) >= bar
            for a, b, c in permutations(range(6), 3)
            if c != 2
        ]
        assert share_reaching(statistics, [2, 1], bar) == pytest.approx(np.mean(hits), rel=EXACT)


def test_deviation_meets_a_variance_that_is_a_plus_b_over_villages():
    villages = np.array([1, 1, 2, 4, 10, 10])
    truth = np.sqrt(2 + 3 / villages)
    np.testing.assert_allclose(_deviation(truth * [1, -1, 1, 1, -1, 1], villages), truth, rtol=EXACT)
    np.testing.assert_allclose(_deviation(np.append(truth, np.nan), np.append(villages, 5))[-1], np.sqrt(2 + 3 / 5))
    # More variable in larger groups: no negative part, one deviation for all.
    assert np.ptp(_deviation(np.array([1.0, 2.0, 3.0]), np.array([1, 2, 3]))) == pytest.approx(0, abs=EXACT)


def test_variability_by_hand():
    # Mean squares 1, 81 and 1 over two years: logs 0, 4.39 and 0, variance 6.44; chance alone gives trigamma(1) = 1.64.
    changes = np.array([[1.0, -9.0, 1.0], [-1.0, 9.0, -1.0]])
    spread = np.log(81) ** 2 / 3
    own = np.exp((1 - np.pi**2 / 6 / spread) * np.log(81) / 2 * np.array([-1 / 3, 2 / 3, -1 / 3]))
    np.testing.assert_allclose(variability(changes, np.array([5, 5, 5])), own, rtol=EXACT)
    alike = changes / [1, 8, 1]
    np.testing.assert_allclose(variability(alike, np.array([5, 5, 5])), 1, rtol=EXACT)
    # No years, one that did not move, too few groups: nothing but size is known.
    for unknown in (changes[:0], changes * [1, 0, 1], np.full((2, 3), np.nan)):
        assert variability(unknown, np.array([1, 5, 9])).tolist() == [1, 1, 1]
    # Groups that follow size alone are on its line; variances fall at most as one over the villages, and never rise.
    sizes = np.array([1.0, 4.0, 16.0, 64.0])
    for power, kept in ((-0.25, -0.25), (-0.6, -0.5), (0.1, 0)):
        found = variability(np.outer([1, -1], sizes**power), sizes)
        np.testing.assert_allclose(found[1:] / found[:-1], 4**kept, rtol=EXACT)


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_tests_keep_their_size_where_districts_differ_in_scale(spread):
    """Many districts in one panel, every third twice as variable: how often each kind alone is among the strongest."""
    draw = np.random.default_rng(11)
    scale = np.where(np.arange(300) % 3 == 0, 1 + 2 * spread, 1.0)
    paths = draw.normal(size=(9, 300)) * scale
    effect = (paths[7:].mean(axis=0) - paths[:7].mean(axis=0))[:, None]
    changes = np.diff(paths[:7], axis=0)
    own = variability(changes - changes.mean(axis=1, keepdims=True), np.full(300, 5))
    given = np.where(np.arange(300) == 0, 0, -1)
    placed = Placements(effect, effect, own, np.full(300, 5), pd.RangeIndex(300), given)
    strongest = placed.statistics()[:, 0] >= np.quantile(placed.statistics(), 0.9)
    # Of 100 variable districts 10 are expected, and 16 two standard errors above; unscaled 30 would be.
    assert strongest[::3].sum() <= 16
    unscaled = replace(placed, variability=np.ones(300)).statistics()[:, 0]
    assert ((unscaled >= np.quantile(unscaled, 0.9))[::3].sum() > 16) == bool(spread)


def test_a_small_district_must_gain_more_than_a_large_one():
    """Villages vary independently, so the effect of a district of one village is more likely chance."""
    draw = np.random.default_rng(2)
    sizes = [1] * 15 + [20] * 15
    rows = [(f"d{g:02}", f"d{g:02}v{v}", y) for g, n in enumerate(sizes) for v in range(n) for y in (2018, 2019)]
    panel = pd.DataFrame(rows, columns=["district", "village", "year"])
    panel["income"] = draw.normal(size=len(panel))
    panel["start"] = panel["district"].map({"d00": 2019, "d15": 2019}).astype("Int64")
    for district in ("d00", "d15"):
        inside = panel["district"] == district
        effect = by_district(quiet(panel), "income").frame().loc[district, "effect"]
        panel.loc[inside & (panel["year"] == 2019), "income"] += 1.5 - effect
    frame = by_district(quiet(panel), "income").frame()
    np.testing.assert_allclose(frame["effect"], 1.5, rtol=0.1)
    assert frame.loc["d15", "p_value"] == frame.loc["d15", "smallest_p"]
    assert frame.loc["d00", "p_value"] > 0.2


def test_interval_ends_where_the_test_begins_to_reject():
    panel = districts_panel({"d00": 2019}, groups=25, sizes=(2, 5, 3), gaps=0.05)
    low, high = by_district(quiet(panel), "income").frame().loc["d00", ["low", "high"]]
    treated = (panel["year"] >= panel["start"]).fillna(False)

    def p_value(effect: float) -> float:
        moved = panel.assign(income=panel["income"] - effect * treated)
        return by_district(quiet(moved), "income").frame().loc["d00", "p_value"]

    for bound, outward in ((low, -1), (high, 1)):
        assert p_value(bound - outward * BISECTED) > 0.05
        assert p_value(bound + outward * BISECTED) <= 0.05


def test_order_names_and_units_do_not_matter():
    panel = districts_panel(sizes=(3, 5), gaps=0.05)
    frame = by_district(quiet(panel), "income").frame()
    shuffled = panel.sample(frac=1, random_state=1)
    renamed = shuffled.assign(district="z" + shuffled["district"].str[::-1], income=1000 * shuffled["income"])
    other = by_district(quiet(renamed), "income").frame()
    other.index = other.index.str[:0:-1]
    scaled = ["effect", "amount", "low", "high"]
    other[scaled] /= 1000
    pd.testing.assert_frame_equal(other.sort_index(), frame, rtol=BISECTED, check_names=False)


def test_groups_may_be_numbers():
    panel = districts_panel()
    numbers = by_district(quiet(panel.assign(district=panel["district"].str[1:].astype(int))), "income").frame()
    assert numbers.index.tolist() == ["0", "1", "2"]
    np.testing.assert_allclose(numbers["effect"], by_district(quiet(panel), "income").frame()["effect"], rtol=EXACT)


def test_group_that_cannot_have_treatment_is_no_placement():
    panel = districts_panel()
    late = panel[(panel["district"] != "d09") | (panel["year"] >= 2019)]
    frame = by_district(quiet(late), "income").frame()
    assert (frame["smallest_p"] == 1 / 7).all(), "six of the seven untreated groups, and the district itself"


def test_mengzhou_says_that_no_district_can_reach_five_per_cent():
    result = by_district(load_study(), "collective_income_cny")
    frame = result.frame()
    assert (result.groups, len(frame)) == (56, 5)
    np.testing.assert_allclose(frame["smallest_p"], 1 / 52)
    np.testing.assert_allclose(frame["smallest_p_adjusted"], 5 / 56)
    assert (frame["p_adjusted"] >= 5 / 56).all()
    assert (frame["p_adjusted"] >= frame["p_value"]).all()
    least = f"(smallest adjusted p {frame['p_adjusted'].min():.3f})"
    assert repr(result).startswith(f"Simulated data: no treated group's effect can be told from chance {least}. ")
    assert ". Effects on village collective income of 5 treated groups, in %: " in repr(result)
    whole = f"{did(load_study(), 'collective_income_cny').amount:.2g}"
    assert f", {float(whole):,.0f} over all. " in repr(result), "as the headline says"
    assert "Compared with 51 untreated groups the strongest is " in repr(result)
    assert "(smallest attainable 0.019, 1 of 52). As the strongest of 5 among all 56 groups, p = " in repr(result)
    assert "smallest attainable 0.089, so that no group can reach 0.05" in repr(result)
    assert "so that no group" not in repr(replace(result, level=0.9))


def test_estimates_of_single_groups_give_no_standard_error():
    result = by_district(quiet(districts_panel()), "income")
    assert np.isnan(result.estimates["d00"].frame()["std_error"].iloc[0])
    assert "no interval: one treated group: not informative" in repr(result.estimates["d00"])
    assert result.overall.frame()["std_error"].iloc[0] > 0


def test_randomization_and_event_study_refuse_what_by_group_cannot_give():
    study = quiet(districts_panel())
    note = did(study, "income", estimator="by_group").inference("randomization").loc["randomization", "note"]
    assert note == (
        "Every treated group has cells of its own here, which no other group can fill. Test single groups with "
        "by_district, and their average with did."
    )
    with pytest.raises(StudyError, match=r"^estimator must be one of two_way, saturated, not 'by_group'\.$"):
        event_study(study, "income", estimator="by_group")


def test_group_with_treated_and_untreated_villages_is_refused():
    panel = districts_panel()
    panel.loc[panel["village"] == "d00v0", "start"] = pd.NA
    with pytest.raises(StudyError, match=r"meet in 1 group: d00\. Treatment was not given to whole groups there"):
        by_district(quiet(panel), "income")


# Side by side.


def test_leave_one_out_is_did_without_that_district():
    panel = districts_panel(sizes=(3, 5), gaps=0.05)
    with pytest.warns(FewTreatedGroupsWarning, match="Only 2 treated groups"):
        frame = leave_one_out(quiet(panel), "income", controls=["rain"])
    assert frame.index.tolist() == ["none", "d00", "d01", "d02"]
    assert frame["treated_groups"].tolist() == [3, 2, 2, 2]
    assert frame.loc["none", "estimate"] == did(quiet(panel), "income", controls=["rain"]).value
    alone = did(quiet(panel[panel["district"] != "d01"]), "income", controls=["rain"]).frame().iloc[0]
    assert frame.loc["d01", ["estimate", "low", "high", "p_value"]].tolist() == pytest.approx(
        alone[["estimate", "low", "high", "p_value"]].tolist(), rel=EXACT
    )


def test_rows_without_an_interval_say_why():
    panel = districts_panel({"d00": 2018, "d01": 2020, "d02": 2020})
    with pytest.warns(FewTreatedGroupsWarning, match="Only 2 treated groups"):
        frame = leave_one_out(quiet(panel), "income")
    alone = "1 cluster alone behind a part of the effect, own noise not counted"
    assert frame["note"].to_dict() == {
        "none": alone,
        "d00": "",
        "d01": "2 clusters" + alone[9:],
        "d02": "2 clusters" + alone[9:],
    }
    assert frame["low"].isna().to_numpy().tolist() == (frame["note"] != "").tolist()
    assert across_outcomes(quiet(panel), ["income"])["note"].tolist() == [alone]
    cohorts = event_study(quiet(panel), "income").aggregate("cohort").frame()
    assert cohorts["note"].tolist() == ["one treated group: not informative", "", ""], (
        "overall, the lone one carries a third"
    )


def test_leaving_out_the_only_district_is_refused():
    with pytest.raises(StudyError, match=r"^Only one group is treated \(d00\): without it there is no effect"):
        leave_one_out(quiet(districts_panel({"d00": 2019})), "income")


def test_across_outcomes_is_holm_by_hand():
    draw = np.random.default_rng(3)
    panel = districts_panel(groups=12)
    treated = (panel["year"] >= panel["start"]).fillna(False).astype(float)
    panel = panel.assign(**{f"y{n}": n * treated + draw.normal(size=len(panel)) for n in range(3)})
    frame = across_outcomes(quiet(panel, outcomes=["y0", "y1", "y2"]))
    assert frame.index.tolist() == ["y0", "y1", "y2"]
    p_values = frame["p_value"].sort_values()
    by_hand = np.minimum(np.maximum.accumulate(p_values * [3, 2, 1]), 1)
    np.testing.assert_allclose(frame.loc[p_values.index, "p_holm"], by_hand, rtol=EXACT)
    assert frame["p_holm"].min() < 0.05 < frame["p_holm"].max()


def test_outcomes_without_a_p_value_are_not_counted():
    frame = across_outcomes(quiet(districts_panel({"d00": 2019})), ["income", "size"])
    assert frame[["p_value", "p_holm"]].isna().all().all()
    assert frame["estimate"].notna().all()


def make_sized_panel() -> pd.DataFrame:
    return make_hand_panel().assign(
        households=lambda p: p["village"].map({"1": 100, "2": 300, "3": 200, "4": 100, "5": 300}).astype(float)
    )


def test_estimands_by_hand():
    study = quiet(make_sized_panel(), outcomes={"income": Outcome("income", unit="CNY")})
    frame = estimands(study, "income")
    # Weighted changes: treated (100 * 5 + 300 * 11 + 200 * 1) / 600 = 4000 / 600, untreated (100 * 2 + 300 * 4) / 400.
    village, weighted = 8 / 3, 4000 / 600 - 1400 / 400
    expected = [village, weighted, village * 3, village / 200]
    np.testing.assert_allclose(frame["estimate"], expected, rtol=EXACT)
    assert frame["unit"].tolist() == ["CNY per village", "CNY per village", "CNY per year", "CNY per household"]
    assert frame["weight"].tolist() == [
        "every village-year alike",
        "households before treatment",
        "village mean x 3 treated villages",
        "village mean / 200.0 households of a treated village",
    ]
    assert frame["left_out"].tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(frame["low"].iloc[2:] / frame["low"].iloc[0], [3, 1 / 200], rtol=EXACT)
    assert (frame["p_value"].iloc[2:] == frame["p_value"].iloc[0]).all()


def test_households_after_treatment_do_not_count():
    panel = make_sized_panel()
    after = panel.assign(households=panel["households"].where(panel["year"] < 2022, panel["households"] * 9))
    frames = [estimands(quiet(version), "income") for version in (panel, after)]
    pd.testing.assert_frame_equal(*frames)


def test_villages_without_households_are_counted():
    panel = make_sized_panel()
    panel.loc[(panel["village"].isin(["1", "4"])) & (panel["year"] < 2022), "households"] = np.nan
    frame = estimands(quiet(panel), "income")
    assert frame["left_out"].tolist() == [0, 2, 0, 1]
    assert frame["villages"].tolist() == [5, 3, 5, 5]
    # Treated (300 * 11 + 200 * 1) / 500 = 7, untreated 4; mean households of the treated (300 + 200) / 2.
    np.testing.assert_allclose(frame["estimate"], [8 / 3, 3, 8, 8 / 3 / 250], rtol=EXACT)
    whose = "a treated village, over the 2 that have them"
    assert frame.loc["per_household", "weight"] == f"village mean / 250.0 households of {whose}"
    panel.loc[panel["start"].notna(), "households"] = np.nan
    with pytest.raises(StudyError, match=r"^No treated village has 'households' before 2022, so effects cannot"):
        estimands(quiet(panel), "income")


def test_yearly_total_counts_villages_from_their_own_start():
    panel = make_sized_panel()
    panel.loc[panel["district"] == "B", "start"] = 2023
    frame = estimands(quiet(panel), "income")
    # Two villages for two years and one for one: five village-years in two years.
    assert frame.loc["yearly_total", "estimate"] == pytest.approx(frame.loc["village_mean", "estimate"] * 2.5)


def test_the_smallest_adjusted_p_is_that_of_each_start_year():
    starts = {"d00": 2019, "d01": 2019, "d02": 2019, "d03": 2020, "d04": 2020}
    panel = districts_panel(starts, groups=45)
    # An effect so large that only the places of its start year tell it from chance: 3 of 45, or 2 of 45.
    for group, floor in (("d00", 3 / 45), ("d03", 2 / 45)):
        huge = panel["income"] + 1e3 * ((panel["district"] == group) & (panel["year"] >= starts[group]))
        result = by_district(quiet(panel.assign(income=huge)), "income")
        assert ("so that it cannot reach 0.05" in repr(result)) == (floor > 0.05)
        frame = result.frame()
        assert frame.loc[group, "p_adjusted"] == pytest.approx(floor, rel=EXACT)
        assert frame.loc[group, "smallest_p_adjusted"] == pytest.approx(floor, rel=EXACT)


def test_a_district_without_the_outcome_under_treatment_is_named():
    panel = districts_panel()
    panel.loc[(panel["district"] == "d01") & (panel["year"] >= 2019), "income"] = np.nan
    message = (
        r"^The outcome is known in no treated year in 1 treated group: d01\. Fill it in, or leave these groups out\.$"
    )
    with pytest.raises(StudyError, match=message):
        by_district(quiet(panel), "income")


def test_a_district_without_the_outcome_before_treatment_is_named():
    panel = districts_panel()
    panel.loc[(panel["district"] == "d01") & (panel["year"] < 2019), "income"] = np.nan
    message = r"^The outcome is known in no year before treatment in 1 treated group: d01\. Fill it in, or leave"
    with pytest.raises(StudyError, match=message):
        by_district(quiet(panel), "income")


def test_an_outcome_that_cannot_be_estimated_keeps_its_row_and_says_why():
    panel = districts_panel().assign(zero=lambda p: p["income"].where(p["year"] > 2015, 0.0))
    outcomes = {"income": Outcome("income"), "zero": Outcome("zero", unit="CNY", scale="log")}
    frame = across_outcomes(quiet(panel, outcomes=outcomes))
    assert frame.loc["zero", ["estimate", "p_value", "p_holm"]].isna().all()
    assert frame.loc["zero", "note"].startswith(
        "scale=\"log\" needs values above zero, but 'zero' is zero or negative in 40"
    )
    assert frame.loc["income", "p_holm"] == frame.loc["income", "p_value"]
    with pytest.raises(StudyError, match='scale="log" needs values above zero'):
        across_outcomes(quiet(panel, outcomes=outcomes), ["zero"])


def test_in_per_cent_districts_totals_add_up_to_the_overall_effect():
    study = load_study()
    result = by_district(study, "collective_income_cny", scale="poisson")
    observed, counterfactual = result.overall.fitted.cell_totals()
    parts = [estimate.effect.gradient != 0 for estimate in result.estimates.values()]
    assert np.sum(parts, axis=0).tolist() == [1] * len(observed)
    for inside, estimate in zip(parts, result.estimates.values(), strict=True):
        assert estimate.value == pytest.approx(np.log(observed[inside].sum() / counterfactual[inside].sum()))
    assert result.overall.value == pytest.approx(np.log(observed.sum() / counterfactual.sum()))


@pytest.mark.parametrize("scale", ["poisson", "level"])
def test_districts_add_up_to_all_of_them_and_tell_whether_one_differs(scale):
    panel = districts_panel()
    panel["income"] = np.exp(panel["income"] / 3)
    districts = by_district(quiet(panel), "income", scale=scale)
    frame, overall = districts.frame(), districts.overall
    assert frame["share"].sum() == pytest.approx(1, rel=EXACT)
    effect = frame["per_cent"] if scale == "poisson" else frame["effect"]
    whole = overall.percent if scale == "poisson" else overall.value
    assert frame["share"] @ effect == pytest.approx(whole, rel=EXACT)
    mean = frame["village_years"] @ frame["amount"] / frame["village_years"].sum()
    assert mean == pytest.approx(overall.amount, rel=EXACT)
    # What is asked of a district is asked once the overall effect is taken out of all.
    treated = (panel["year"] >= panel["start"]).fillna(False).to_numpy(dtype=bool)
    less = panel["income"] * np.exp(-overall.value) if scale == "poisson" else panel["income"] - overall.value
    rest = by_district(quiet(panel.assign(income=np.where(treated, less, panel["income"]))), "income", scale=scale)
    assert frame["p_differs"].tolist() == rest.frame()["p_value"].tolist()
    odd = frame["p_differs"].idxmin()
    assert f" {odd} differs most: p = {frame['p_differs'].min():.3f} alone." in repr(districts)
    assert (" per village and year, " in repr(districts)) == (scale == "poisson")


def test_in_per_cent_a_district_of_large_effect_is_the_strongest_and_tests_need_no_unit():
    study, outcome = load_study(), "collective_income_cny"
    treated = (study.frame["time"] >= study.frame["first_treated"]).fillna(False)
    strong = treated & (study.frame["group"] == "zhaohe-millet")
    income = study.frame[outcome] * np.where(strong, 5, 1)
    studies = [replace(study, frame=study.frame.assign(**{outcome: values})) for values in (income, income / 10_000)]
    frames = [by_district(one, outcome, scale="poisson").frame() for one in studies]
    assert frames[0]["p_adjusted"].idxmin() == "zhaohe-millet"
    assert frames[0].loc["zhaohe-millet", "p_value"] == frames[0]["smallest_p"].min()
    assert frames[0]["effect"].to_numpy() == pytest.approx(frames[1]["effect"].to_numpy(), rel=1e-8)
    assert frames[0]["p_value"].to_numpy() == pytest.approx(frames[1]["p_value"].to_numpy())
    assert frames[0][["low", "high"]].isna().all(axis=None)


def test_of_many_treated_groups_those_whose_luck_moves_the_estimate_most_are_left_out(monkeypatch):
    study = quiet(districts_panel({f"d{n:02}": 2019 for n in range(5)}, groups=12, sizes=(3, 9, 2)))
    every = leave_one_out(study, "income")
    monkeypatch.setitem(leave_one_out.__globals__, "MOST_LEFT_OUT", 2)
    some = leave_one_out(study, "income")
    moved = (every["estimate"] - every.loc["none", "estimate"]).abs().drop("none")
    assert some.index.tolist() == ["none", *sorted(moved.nlargest(2).index)]
    pd.testing.assert_frame_equal(some.drop(columns="note"), every.loc[some.index].drop(columns="note"))
    assert some.loc["none", "note"] == "of 5 treated groups the 2 of most influence are left out"


def test_more_treated_groups_than_can_have_effects_of_their_own_are_refused(monkeypatch):
    study = quiet(districts_panel(groups=8))
    monkeypatch.setitem(did.__wrapped__.__globals__, "MOST_OF_THEIR_OWN", 2)
    with pytest.raises(
        StudyError, match=r"^3 of 8 groups are treated, too many to look at .* about 0\.38 at best\. Name"
    ):
        by_district(study, "income")
    assert did(study, "income").treated_groups == 3
