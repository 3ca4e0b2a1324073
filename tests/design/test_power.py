"""What a design can detect: against the two-sample t test, refits, and shocks that are known."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from panels import noise_panel as panel
from panels import study_of
from statsmodels.stats.power import TTestIndPower

from analysis import Study, StudyError, did
from analysis.design.null_draws import null_draws, planned_design
from analysis.design.power import _smallest, minimum_detectable_effect, power_curve
from analysis.design.shocks import DrawnOutcomes, Shocks
from analysis.design.untreated_shocks import untreated_shocks
from analysis.reading.published_studies import famine

# Simulated answers lie within this many of their Monte Carlo errors of the exact one, but for one seed in 400.
MONTE_CARLO_ERRORS = 3
# A regression fitted anew and products taken from one basis differ by rounding alone.
ROUNDING = 1e-9
REPLICATIONS = 1000


def known_shocks(study: Study, **sizes: float) -> Shocks:
    """Shocks of these sizes, alike in every village."""
    none = dict.fromkeys(["group", "group_persistence", "unit", "unit_persistence", "passing"], 0.0)
    units = study.units.rename(str)
    return Shocks(**none | sizes, scale=pd.Series(1.0, units.index), treated=units["first_treated"].notna())


def test_meets_the_two_sample_t_test():
    # With as many equal groups on both sides and independent noise, each group's change is one normal number with
    # variance 1/3 + 1/3, CR2 is the two-sample t test, and its power is that of the noncentral t.
    study = study_of(panel())
    null = null_draws(planned_design(study, "income"), known_shocks(study, passing=1.0), 4000, 1)
    assert null.df == pytest.approx(18, rel=ROUNDING)
    exact = TTestIndPower().solve_power(nobs1=10, alpha=0.05, power=0.8) * np.sqrt(2 / 3)
    found = null.power(exact, 0.95)
    assert found == pytest.approx(0.8, abs=MONTE_CARLO_ERRORS * np.sqrt(0.8 * 0.2 / 4000))
    assert null.power(_smallest(null, 0.8, 0.95), 0.95) == pytest.approx(0.8, abs=1e-3)


def test_the_detectable_effect_is_within_its_stated_error_of_the_exact_one():
    # 4,000 village changes a lag pin the size of shocks down to about one per cent, added to the simulation's error.
    study = study_of(panel(groups=20, villages=1, years=60, start=2070))
    shocks = untreated_shocks(study, "income")
    # Noise over sixty years leaves room for growth of less than a hundredth of a standard deviation a year.
    assert shocks.unit_growth < 0.01
    shocks = dataclasses.replace(shocks, unit_growth=0.0)
    found = minimum_detectable_effect(study, "income", shocks=shocks, replications=REPLICATIONS)
    exact = TTestIndPower().solve_power(nobs1=10, alpha=0.05, power=0.8) * np.sqrt(1 / 53 + 1 / 7)
    assert found.value == pytest.approx(exact, abs=MONTE_CARLO_ERRORS * (found.monte_carlo_error + 0.02 * exact))


@pytest.mark.parametrize("alone", [0, 2])
def test_a_draw_is_what_a_refit_would_give(alone):
    frame = panel(groups=12, treated=6, villages=3).sample(frac=0.9, random_state=1)
    frame["start"] = frame["start"].mask(frame["group"] < alone, 2019 + 2 * frame["group"])
    study = study_of(frame)
    shocks = known_shocks(study, group=0.5, group_persistence=0.5, unit=1.0, unit_persistence=0.8, passing=0.3)
    design = planned_design(study, "income")
    null = null_draws(design, shocks, 3, 7)
    frame = design.fitted.sample.frame.copy()
    frame = frame.iloc[np.argsort(pd.factorize(frame["group"])[0], kind="stable")]
    generator = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(2,)))
    codes = [pd.factorize(frame[name])[0] for name in ("group", "unit")]
    frame["value"] = shocks.draw(generator, *codes, (frame["time"] - 2017).to_numpy())
    estimate = did(Study(frame.sort_values(["unit", "time"], ignore_index=True)), "value")
    test = estimate.inference(["cr2"]).loc["cr2"]
    assert null.estimates[2] == pytest.approx(estimate.value, rel=ROUNDING)
    assert null.errors[2] == pytest.approx(test["std_error"], rel=ROUNDING)
    assert null.df == pytest.approx(test["df"], rel=ROUNDING)


def specified_panel(**options: int) -> pd.DataFrame:
    """With rain that varies, land that never does, and people, who grow."""
    frame = panel(**options)
    generator = np.random.default_rng(11)
    village = pd.factorize(frame["village"])[0]
    frame["rain"] = generator.normal(size=len(frame))
    frame["land"] = generator.normal(size=village.max() + 1)[village]
    frame["people"] = generator.uniform(1, 5, village.max() + 1)[village] * 1.02 ** (frame["year"] - 2017)
    return frame


def study_with(frame: pd.DataFrame, **specified: object) -> Study:
    return dataclasses.replace(study_of(frame), **specified)


def test_the_design_has_the_studys_controls_and_weights():
    frame = specified_panel(groups=12, treated=4, villages=2, years=8, start=2022)
    study = study_with(frame, controls=("rain", "land"), weights="people")
    design = planned_design(study, "income")
    null = null_draws(design, known_shocks(study, unit=1.0), 3, 7)
    drawn = DrawnOutcomes.of(design.fitted.sample.frame, known_shocks(study, unit=1.0))
    value = drawn.draw(np.random.default_rng(np.random.SeedSequence(7, spawn_key=(2,))))
    estimate = did(dataclasses.replace(design.study, frame=design.study.frame.assign(value=value)), "value")
    test = estimate.inference(["cr2"]).loc["cr2"]
    found = [null.estimates[2], null.errors[2], null.df[2]]
    assert found == pytest.approx([estimate.value, test["std_error"], test["df"]], rel=ROUNDING)


def test_what_controls_explain_is_no_shock():
    frame = specified_panel(groups=12, treated=4, villages=2, years=8, start=2022)
    moved = frame.assign(income=frame["income"] + 5 * frame["rain"] + frame["land"] * (frame["year"] - 2017) ** 1.5)
    specified = study_with(moved, controls=("rain", "land"))
    found = minimum_detectable_effect(specified, "income", replications=50)
    expected = minimum_detectable_effect(study_with(frame, controls=("rain", "land")), "income", replications=50)
    # A regression on both controls leaves the same residuals, whatever the controls explain.
    assert found.value == pytest.approx(expected.value, rel=1e-6)
    assert ", controls rain, land (times year: 7 coefficients)." in found.small_print()
    without = minimum_detectable_effect(specified, "income", controls=(), replications=50)
    assert without.value > 2 * found.value
    assert "controls" not in without.small_print()
    weighed = minimum_detectable_effect(specified, "income", weights="people", replications=50)
    assert ", weights people." in weighed.small_print()
    assert weighed.value != pytest.approx(found.value, rel=1e-3)


def test_controls_that_nobody_knows_in_planned_years_are_left_out_and_named():
    frame = specified_panel(groups=12, treated=4, villages=2, years=8, start=2022)
    study = study_with(frame, controls=("rain", "land"), weights="people")
    found = minimum_detectable_effect(study, "income", years_after=2, replications=20)
    assert found.last_year == 2026
    assert ", controls land (times year: 9 coefficients), weights people." in found.small_print()
    assert " The design is without rain, unknown" in repr(found)
    planned = planned_design(study, "income", after=2).study.frame
    known = planned["unit"].str[:-2].map(frame.groupby("village")[["land", "people"]].last()["people"])
    assert planned["people"][planned["time"] > 2024].to_numpy() == pytest.approx(known[planned["time"] > 2024])
    # Rain that is forecast for the years to plan stays.
    forecast = frame.assign(income=frame["income"].mask(frame["year"] == 2024))
    curve = power_curve(study_with(forecast, controls=("rain",)), "income", [1.0], replications=20)
    assert curve.attrs["caution"] == ""
    unknown = study_with(forecast.assign(rain=frame["rain"].mask(frame["year"] == 2024)), controls=("rain",))
    curve = power_curve(unknown, "income", [1.0], replications=20)
    assert curve.attrs["caution"] == "The design is without rain, unknown in a planned year."


def test_shocks_are_recovered():
    truth = Shocks(0.5, 0.5, 1.0, 0.8, 0.5, pd.Series(dtype=float), pd.Series(dtype=bool))
    frame = panel(groups=400, treated=5, villages=5, years=10, start=2026).sort_values(["group", "village", "year"])
    codes = [pd.factorize(frame[name])[0] for name in ("group", "village", "year")]
    frame["income"] = truth.draw(np.random.default_rng(3), *codes) + codes[1]
    found = untreated_shocks(study_of(frame), "income")
    # Standard errors of these moments with 400 groups are about two per cent of the variances; persistences are on
    # a grid of 0.05, and trade off against sizes.
    assert found.group == pytest.approx(truth.group, rel=0.1)
    assert found.group_persistence == pytest.approx(0.5, abs=0.1)
    total = found.unit**2 * (1 - found.unit_persistence) + found.passing**2
    assert total == pytest.approx(1 - 0.8 + 0.25, rel=0.1)


def test_moments_by_hand():
    # Two villages of one group, three years before; the year's mean change over all four villages is zero.
    # Changes: a +1 +1, b +1 +1, c -1 -1, d -1 -1: half the mean square is 1/2 at lag 1 and 2 at lag 2; the villages of
    # a group move as one, so all of it is shared, and it grows with the square of the lag: growth of one a year.
    frame = pd.DataFrame(
        {"village": list("aaaabbbbccccdddd"), "year": [2017, 2018, 2019, 2020] * 4, "group": list("p" * 8 + "q" * 8)}
    )
    frame["start"] = np.where(frame["group"] == "p", 2020, np.nan)
    frame["income"] = [0.0, 1, 2, 9] * 2 + [0.0, -1, -2, np.nan] * 2
    with pytest.warns(match="treated group"):
        shocks = untreated_shocks(study_of(frame), "income")
    assert (shocks.unit, shocks.passing, shocks.unit_growth) == pytest.approx((0, 0, 0), abs=1e-6)
    assert (shocks.group, shocks.group_growth) == pytest.approx((0, 1), abs=1e-6)
    assert shocks.scale.tolist() == pytest.approx([1.0] * 4)


def test_an_outcome_in_another_unit_gives_the_same_answer_in_it():
    frame = panel(groups=12, treated=4, villages=3, years=8, start=2022)
    one = minimum_detectable_effect(study_of(frame), "income", replications=50)
    thousand = minimum_detectable_effect(
        study_of(frame.assign(income=1000 * frame["income"])), "income", replications=50
    )
    assert thousand.value == pytest.approx(1000 * one.value, rel=1e-6)
    assert thousand.percent == pytest.approx(one.percent, rel=1e-6)


def test_larger_villages_have_larger_shocks():
    frame = panel(groups=60, treated=4, villages=5, years=8, start=2022)
    large = frame["group"] < 4
    frame["income"] = np.where(large, 10, 1) * frame["income"]
    shocks = untreated_shocks(study_of(frame), "income")
    inside = shocks.scale.index.str.split("-").str[0].astype(int) < 4
    assert (shocks.scale[inside] / shocks.scale[~inside].mean()).mean() == pytest.approx(10, rel=0.2)


@pytest.fixture(scope="module")
def study() -> Study:
    return study_of(panel(groups=12, treated=4, villages=3, years=8, start=2022))


def test_what_would_change_it(study):
    options = {"outcome": "income", "replications": REPLICATIONS}
    as_is = minimum_detectable_effect(study, **options)
    shocks = untreated_shocks(study, "income")
    sizes = ("group", "unit", "passing", "group_growth", "unit_growth")
    halved = {name: getattr(shocks, name) / 2 for name in sizes}
    steadier = minimum_detectable_effect(study, shocks=dataclasses.replace(shocks, **halved), **options)
    assert steadier.value == pytest.approx(as_is.value / 2, rel=1e-3)
    assert (as_is.years_seen, steadier.years_seen) == (8, 0)
    districts = minimum_detectable_effect(study, treated_copies=2, **options)
    assert (districts.treated_groups, districts.groups, districts.villages) == (8, 16, 48)
    outside = minimum_detectable_effect(study, untreated_copies=3, **options)
    assert (outside.treated_groups, outside.groups) == (4, 28)
    years = minimum_detectable_effect(study, years_after=4, **options)
    earlier = minimum_detectable_effect(study, years_before=8, **options)
    assert years.villages == earlier.villages == as_is.villages
    assert max(districts.value, years.value, earlier.value) < as_is.value
    assert minimum_detectable_effect(study, power=0.9, **options).value > as_is.value


def test_power_rises_from_the_size_of_the_test(study):
    curve = power_curve(study, "income", replications=REPLICATIONS)["power"]
    assert curve.loc[0] < 0.1
    assert curve.is_monotonic_increasing
    middle = curve.index[len(curve) // 2]
    found = minimum_detectable_effect(study, "income", replications=REPLICATIONS)
    assert middle == pytest.approx(found.value)
    assert curve[middle] == pytest.approx(0.8, abs=2e-3)


def test_the_sentence_says_what_it_rests_on(study):
    simulated = dataclasses.replace(study, provenance="simulated")
    found = minimum_detectable_effect(simulated, "income", replications=50)
    assert repr(found).startswith("Simulated data: an effect on income of ")
    assert (
        " is found 80 % of the time, at the 5 % level, with 4 treated of 12 groups and 36 villages, 2017–2024."
        in repr(found)
    )
    assert (
        "Shocks are seen over at most 8 years of a village without treatment, so their size is itself uncertain."
        in found.small_print()
    )


def test_designs_that_cannot_be_judged_are_refused():
    with pytest.raises(StudyError, match=r"^2 years without treatment cannot tell lasting shocks from passing"):
        minimum_detectable_effect(study_of(panel(years=2, start=2018)), "income")
    with pytest.warns(match="treated group"):
        one = study_of(panel(treated=1))
    with pytest.raises(StudyError, match=r"^No standard error of this design can be believed, .* one treated group"):
        minimum_detectable_effect(one, "income")
    with pytest.raises(ValueError, match="power must lie between 0 and 1, not 80"):
        minimum_detectable_effect(one, "income", power=80)


def test_a_county_that_has_only_planned_the_years_after():
    """Rows after the start without an outcome count as planned; the same rows with one change nothing but the seed."""
    frame = panel(groups=12, treated=4, villages=3, years=8, start=2022)
    planned = study_of(frame.assign(income=frame["income"].where(frame["year"] < 2022)))
    options = {"outcome": "income", "shocks": untreated_shocks(planned, "income"), "replications": 200}
    before, after = (minimum_detectable_effect(one, **options) for one in (planned, study_of(frame)))
    assert before.value == pytest.approx(after.value, rel=ROUNDING)
    assert before.percent == pytest.approx(after.percent, rel=ROUNDING)
    assert repr(before) == repr(after)


def test_a_county_that_has_only_a_roster_takes_anothers_shocks(study):
    frame = panel(groups=12, treated=4, villages=3, years=8, start=2022).assign(income=np.nan)
    roster, shocks = study_of(frame), untreated_shocks(study, "income")
    found = minimum_detectable_effect(roster, "income", shocks=shocks, replications=200)
    same = minimum_detectable_effect(study, "income", shocks=shocks, replications=200)
    assert found.value == pytest.approx(same.value, rel=ROUNDING)
    assert np.isnan(found.percent)
    assert power_curve(roster, "income", [0, 100], shocks=shocks, replications=200)["power"].iloc[1] == 1


def test_missing_outcomes_of_known_years_are_no_rows():
    frame = panel(groups=12, treated=4, villages=3, years=8, start=2022)
    gaps = frame.assign(income=frame["income"].where(np.random.default_rng(2).random(len(frame)) > 0.2))
    known = planned_design(study_of(gaps), "income").fitted.sample.frame
    assert len(known) == gaps["income"].notna().sum()
    lost = frame.assign(income=frame["income"].where(frame["year"] != 2019))
    known = planned_design(study_of(lost), "income").fitted.sample.frame
    assert 2019 not in set(known["time"]), "a year that nobody reported is lost, not planned"


def test_further_years_follow_the_villages_of_the_two_years_beside_them():
    frame = panel(groups=12, treated=4, villages=3, years=8, start=2022)
    left = (frame["village"] == "5-0") & (frame["year"] > 2021)
    late = (frame["village"] == "6-0") & (frame["year"] == 2024)
    rows = planned_design(study_of(frame[~left & ~late]), "income", after=2).fitted.sample.frame
    added = rows.loc[rows["time"] > 2024, "unit"].str.split(" ").str[0]
    assert added.value_counts().eq(2).all()
    assert set(frame["village"]) - set(added) == {"5-0"}
    gone = frame[frame["start"].isna() | (frame["year"] < 2023)]
    with pytest.raises(StudyError, match=r"^No treated village is seen in the panel's last two years"):
        minimum_detectable_effect(study_of(gone), "income", years_after=1)
    for wrong in ({"years_after": -1}, {"treated_copies": 0}, {"years_after": 1.5}, {"untreated_copies": 1.5}):
        with pytest.raises(ValueError, match=r"must be a whole number and at least [01], not "):
            minimum_detectable_effect(study_of(frame), "income", **wrong)


def test_per_cent_is_of_the_treated_villages_before(study):
    level = minimum_detectable_effect(study, "income", replications=50)
    last = study.frame[(study.frame["time"] == 2021) & study.frame["first_treated"].notna()]
    assert level.percent == pytest.approx(100 * level.value / last["income"].mean(), rel=ROUNDING)
    logs = minimum_detectable_effect(study, "income", scale="log", replications=50)
    assert logs.percent == pytest.approx(100 * np.expm1(logs.value), rel=ROUNDING)


def test_the_stated_error_is_the_spread_over_seeds(study):
    found = [minimum_detectable_effect(study, "income", replications=150, seed=seed) for seed in range(30)]
    spread = np.std([one.value for one in found], ddof=1)
    stated = np.mean([one.monte_carlo_error for one in found])
    # A standard deviation from thirty draws is itself known to about an eighth.
    assert stated == pytest.approx(spread, rel=0.4)


def test_power_by_refits_with_two_starts_gaps_and_a_large_group():
    """Refits by `did` at the effect said to be found 80 % of the time, on outcomes drawn village by village."""
    frame = panel(groups=24, treated=6, villages=2, years=8, start=2021)
    frame["start"] += (frame["group"] < 2) * 1.0
    large = pd.concat([frame[frame["group"] == 0].assign(village=f"0-{n}") for n in range(2, 9)])
    frame = pd.concat([frame, large]).drop_duplicates(["village", "year"]).sample(frac=0.9, random_state=4)
    unlike = study_of(frame)
    shocks = known_shocks(unlike, group=0.5, group_persistence=0.5, unit=1.0, unit_persistence=0.6, passing=0.4)
    scale = pd.Series(np.random.default_rng(8).uniform(0.5, 2, len(unlike.units)), unlike.units.index.astype(str))
    shocks = dataclasses.replace(shocks, scale=scale)
    found = minimum_detectable_effect(unlike, "income", shocks=shocks, replications=REPLICATIONS)
    generator, rows = np.random.default_rng(9), unlike.frame
    size = rows["unit"].astype(str).map(scale).to_numpy()
    treated = (rows["time"] >= rows["first_treated"]).fillna(False).to_numpy(dtype=bool)
    group, unit = (pd.factorize(rows[name])[0] for name in ("group", "unit"))
    year, rejected = (rows["time"] - 2017).to_numpy(), []
    refits = 200
    for _ in range(refits):
        paths = []
        for codes, deviation, persistence in ((group, 0.5, 0.5), (unit, 1.0, 0.6)):
            path = generator.normal(size=(codes.max() + 1, 8))
            for t in range(1, 8):
                path[:, t] = persistence * path[:, t - 1] + np.sqrt(1 - persistence**2) * path[:, t]
            paths.append(deviation * path[codes, year])
        drawn = size * (sum(paths) + 0.4 * generator.normal(size=len(rows))) + found.value * treated
        estimate = did(dataclasses.replace(unlike, frame=rows.assign(income=drawn)), "income")
        rejected.append(estimate.inference(["cr2"])["p_value"].iloc[0] < 0.05)
    assert np.mean(rejected) == pytest.approx(
        0.8, abs=MONTE_CARLO_ERRORS * np.sqrt(0.16 * (1 / refits + 1 / REPLICATIONS))
    )


def test_sizes_of_shocks_where_few_changes_are_known():
    # Village 0-0 never moves, 1-0 is seen every other year before; all other treated villages are seen once before.
    frame = panel(groups=8, treated=4, villages=2, years=8, start=2022)
    frame.loc[(frame["village"] == "0-0") & (frame["year"] < 2022), "income"] = 7.0
    frame = frame[(frame["village"] != "1-0") | (frame["year"] >= 2022) | (frame["year"] % 2 == 1)]
    seen_once = frame["start"].notna() & ~frame["village"].isin(["0-0", "1-0"])
    frame = frame[~seen_once | (frame["year"] >= 2021)]
    scale = untreated_shocks(study_of(frame), "income").scale
    assert scale.notna().all()
    untreated = [f"{group}-{village}" for group in range(4, 8) for village in range(2)]
    assert (scale[untreated] > 0.3).all()
    assert np.isfinite(minimum_detectable_effect(study_of(frame), "income", replications=50).value)


def test_villages_unseen_before_the_policy_vary_as_their_kind_does():
    frame = panel(groups=20, treated=10, villages=3, years=8, start=2022)
    frame["income"] = np.where(frame["start"].notna(), 10 * frame["income"], frame["income"])
    late = frame["village"].isin([f"{group}-0" for group in range(5)]) & (frame["year"] < 2022)
    frame["start"] += (frame["group"] == 0) * 1.0
    frame.loc[late, "income"] = np.nan
    scale = untreated_shocks(study_of(frame), "income").scale
    unseen, seen = [f"{group}-0" for group in range(1, 5)], [f"{group}-1" for group in range(10)]
    assert np.ptp(scale[unseen]) == pytest.approx(0, abs=ROUNDING)
    assert scale[unseen].iloc[0] == pytest.approx(np.sqrt((scale[seen] ** 2).mean()), rel=0.1)


def test_shocks_of_another_study_are_taken_by_kind():
    frame = panel(groups=20, treated=8, villages=3, years=8, start=2022)
    frame["income"] = np.where(frame["start"].notna(), 5 * frame["income"], frame["income"])
    ours = study_of(frame)
    shocks = untreated_shocks(ours, "income")
    renamed = study_of(frame.assign(village="x" + frame["village"], income=np.nan))
    turned = study_of(
        frame.assign(
            group=19 - frame["group"],
            village=(19 - frame["group"]).astype(str) + "-" + frame["village"].str[-1],
            income=np.nan,
        )
    )
    options = {"shocks": shocks, "replications": 200}
    found = [minimum_detectable_effect(study, "income", **options).value for study in (ours, renamed, turned)]
    assert found[1] == pytest.approx(found[0], rel=0.1), "kinds differ five times, villages of a kind little"
    assert found[2] == pytest.approx(found[0], rel=0.1)


def test_shocks_are_learnt_from_every_village_year_that_no_treatment_touched():
    frame = panel(groups=20, treated=8, villages=2, years=10, start=2022)
    frame["start"] += (frame["group"] < 3) * 2.0
    learnt = untreated_shocks(study_of(frame), "income")
    for touched, same in ((frame["year"] >= frame["start"], True), (frame["year"] >= 2024, False)):
        changed = frame.assign(income=frame["income"] * np.where(touched, 1000, 1))
        other = untreated_shocks(study_of(changed), "income")
        assert (other.passing == pytest.approx(learnt.passing, rel=ROUNDING)) == same
        assert (other.scale.to_numpy() == pytest.approx(learnt.scale.to_numpy(), rel=ROUNDING)) == same


def test_calm_years_before_make_no_calm_villages():
    """Untreated villages move ten times as much after the start; treated ones, known before it only, count as alike."""
    frame = panel(groups=200, treated=100, years=8, start=2021)
    frame["income"] = np.where(frame["year"] < 2021, 1, 10) * (frame["income"] - 100)
    shocks = untreated_shocks(study_of(frame), "income")
    by_kind = (shocks.scale**2).groupby(shocks.treated).mean()
    # A hundred mean squares of three changes and of seven, the calm years' alike.
    assert by_kind[True] == pytest.approx(by_kind[False], rel=0.2)
    found = minimum_detectable_effect(study_of(frame), "income", replications=500)
    error = did(study_of(frame), "income").headline()["std_error"]
    assert found.value == pytest.approx(2.8 * error, rel=0.15)


def test_what_cannot_be_planned_says_what_to_leave_empty():
    frame = panel(groups=12, treated=4, villages=3, years=8, start=2022)
    early = frame["start"].isna() & (frame["year"] == 2024)
    frame["income"] = frame["income"].where((frame["year"] < 2022) | early)
    message = r"^No village under treatment has 'income', and only years after the last one .*\(2024\) count as planned"
    with pytest.raises(StudyError, match=message):
        minimum_detectable_effect(study_of(frame), "income")
    nowhere = study_of(frame.assign(income=np.nan))
    with pytest.raises(StudyError, match="Bring at least 3 years, or the shocks of another study or outcome"):
        minimum_detectable_effect(nowhere, "income")


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (power_curve, {"level": 95}, "level must lie between 0 and 1, not 95"),
        (power_curve, {"level": 1.0}, "level must lie between 0 and 1, not 1.0"),
        (minimum_detectable_effect, {"replications": 1}, "replications must be a whole number and at least 2, not 1"),
    ],
)
def test_options_out_of_range_are_refused(study, function, options, message):
    with pytest.raises(ValueError, match=message):
        function(study, "income", **options)


def test_a_group_of_treated_and_untreated_units_stays_one_in_a_planned_design():
    study = famine()
    design = planned_design(study, "mortality_per_1000", untreated=2)
    assert design.study.frame["group"].nunique() == 13 * 2, "the copy of the untreated has groups of its own"
    assert planned_design(study, "mortality_per_1000").groups == 13
