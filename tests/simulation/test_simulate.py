"""The simulated panel: calibrated as stated, each switch does one thing, and the stored files are its output."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from analysis.reading.prices import price_index
from analysis.reading.read_files import DATA, read_table
from analysis.simulation.simulate import SEED, shock_groups, simulate_panel, simulated_gains, write_simulated
from analysis.simulation.village_model import INCOME, Calibration

VILLAGES = read_table("villages").query("committee == 'village_committee'")
MEMBERSHIP = read_table("membership")
GROUPS = shock_groups(VILLAGES, MEMBERSHIP)
KEY = ["village_code", "year"]

DRAWS = 150
# Target and simulation are both means of as many draws: four standard errors of their difference almost never fail.
STANDARD_ERRORS = 4 * np.sqrt(2)
# Both panels of a ratio are rounded to whole yuan, and no village earns less than 5,000 yuan in these draws.
YUAN_ROUNDING = 1 / 5_000
# Without the cap every switch is an exact factor.
UNCAPPED = replace(Calibration(), income_cap_cny=np.inf)
CLEAN = {"zero_reports": 0.0, "moved_reports": 0.0, "missing_reports": 0.0, "missing_rows": 0.0, "merged_in": 2100}


def simulate(**options):
    return simulate_panel(VILLAGES, MEMBERSHIP, GROUPS, **{"seed": 7, "calibration": UNCAPPED, **options})


def log_income(**options):
    panel = simulate(dirt=False, **options).panel
    assert panel["collective_income_cny"].min() > 1 / YUAN_ROUNDING
    return np.log(panel.pivot(index="village_code", columns="year", values="collective_income_cny"))


def inside():
    return pd.Series(VILLAGES["village_code"].isin(MEMBERSHIP["village_code"]).to_numpy(), VILLAGES["village_code"])


@pytest.fixture(scope="module")
def draws():
    return [simulate(seed=seed, dirt=False, calibration=Calibration()).panel for seed in range(DRAWS)]


def assert_near(values, target, digit):
    """The mean over draws is the target, as far as draws and the target's last digit can tell."""
    tolerance = STANDARD_ERRORS * np.std(values) / np.sqrt(len(values)) + digit / 2
    assert np.mean(values) == pytest.approx(target, abs=tolerance)


@pytest.mark.parametrize(
    ("statistic", "target", "digit"),
    [
        (lambda income: (income > 5).mean(), 0.841, 0.001),
        (lambda income: (income > 10).mean(), 0.441, 0.001),
        (lambda income: (income > 50).mean(), 0.042, 0.001),
        (np.median, 9.1, 0.1),
        (np.mean, 15.7, 0.1),
    ],
    ids=["above 50,000", "above 100,000", "above 500,000", "median", "mean"],
)
def test_distribution_of_2021_meets_its_targets(draws, statistic, target, digit):
    incomes = [panel.loc[panel["year"] == 2021, "collective_income_cny"].to_numpy() / 1e4 for panel in draws]
    assert_near([statistic(income) for income in incomes], target, digit)


def test_changes_of_neighbours_are_correlated_as_stated(draws):
    group = pd.Series(GROUPS.to_numpy(), VILLAGES["village_code"])
    assert_near([intra_group_correlation(panel, group) for panel in draws], 0.32, 0.01)


def intra_group_correlation(panel, group):
    """One-way analysis of variance of the change in log income, 2016-22 to 2023-24, beyond inside and outside."""
    logs = np.log(panel.pivot(index="village_code", columns="year", values="collective_income_cny"))
    change = logs[[2023, 2024]].mean(axis=1) - logs.loc[:, :2022].mean(axis=1)
    change -= change.groupby(inside()).transform("mean")
    means, sizes = change.groupby(group).transform("mean"), group.value_counts()
    within = ((change - means) ** 2).sum() / (len(change) - len(sizes))
    between = (means**2).sum() / (len(sizes) - 2)
    excess = (between - within) / sizes.mean()
    return excess / (excess + within)


def test_other_outcomes_meet_their_targets(draws):
    def of_2021(column):
        return [panel.loc[panel["year"] == 2021, column].to_numpy() for panel in draws]

    rural, income = of_2021("rural_income_per_head_cny"), of_2021("collective_income_cny")
    assert_near([values.mean() for values in rural], 22_180, 0)
    assert_near([np.log(values).std() for values in rural], 0.22, 0.001)
    assert_near([np.corrcoef(np.log(a), np.log(b))[0, 1] for a, b in zip(rural, income, strict=True)], 0.3, 0.01)
    households, within = of_2021("households"), inside().to_numpy()
    assert_near([values[within].mean() for values in households], 180, 1)
    assert_near([values[~within].mean() for values in households], 230, 1)
    assert_near([panel[INCOME[1]].sum() / panel[INCOME[0]].sum() for panel in draws], 0.38, 0.001)


def test_tourists_come_to_few_villages_and_half_as_many_in_2020_to_2022():
    visits = simulate(dirt=False).panel.pivot(index="village_code", columns="year", values="tourist_visits")
    visited = visits[(visits > 0).any(axis=1)]
    assert len(visited) == 18
    assert (visited > 0).all(axis=None)
    quiet = np.log(visited[[2020, 2021, 2022]]).mean(axis=1) - np.log(visited[[2019, 2023]]).mean(axis=1)
    noise = Calibration().tourist_noise_sd * np.sqrt(1 / 3 + 1 / 2) / np.sqrt(len(visited))
    assert quiet.mean() == pytest.approx(np.log(0.5), abs=4 * noise)


def test_effect_multiplies_district_income_by_the_stored_truth():
    with_effect, without = simulate(dirt=False), simulate(dirt=False, effect=False)
    truth = with_effect.true_effects["effect_log_points"]
    for column in INCOME:
        change = np.log(with_effect.panel[column] / without.panel[column])
        rounding = 2 / np.minimum(with_effect.panel[column], without.panel[column])
        assert (np.abs(change - truth) <= rounding).all()
    untouched = [column for column in with_effect.panel if column not in INCOME]
    pd.testing.assert_frame_equal(with_effect.panel[untouched], without.panel[untouched])


def test_true_effects_are_those_of_the_design():
    truth = simulate().true_effects.set_index(KEY)
    effect = truth["effect_log_points"].unstack()
    assert (effect[inside()].loc[:, 2023:] == [0.12, 0.18]).all(axis=None)
    assert (effect[inside()].loc[:, :2022] == 0).all(axis=None)
    assert (effect[~inside()] == 0).all(axis=None)
    spillover = truth["spillover_log_points"].unstack()
    towns = set(MEMBERSHIP["village_code"].str[:9])
    neighbours = ~inside() & spillover.index.str[:9].isin(towns)
    assert neighbours.sum() == 108
    assert (spillover[neighbours].loc[:, 2023:] == 0.03).all(axis=None)
    assert spillover.to_numpy().sum() == pytest.approx(108 * 2 * 0.03)


def test_switches_off_leave_no_effect_of_their_kind():
    truth = simulate(effect=False, spillover=0.0).true_effects
    assert (truth[["effect_log_points", "spillover_log_points"]] == 0).all(axis=None)
    change = log_income(effect=False) - log_income(effect=False, spillover=0.0)
    assert change.loc[:, :2022].eq(0).all(axis=None)
    stored = simulate().true_effects.set_index(KEY)["spillover_log_points"].unstack()
    assert (change - stored).abs().max(axis=None) < YUAN_ROUNDING


def test_effects_follow_each_villages_own_start():
    early = MEMBERSHIP.assign(first_treated=MEMBERSHIP["district_id"].map(lambda d: 2022 if "huaishu" in d else 2023))
    truth = simulate_panel(VILLAGES, early, GROUPS).true_effects.set_index(KEY)["effect_log_points"].unstack()
    huaishu = inside() & truth.index.str.startswith("410883201")
    assert (truth[huaishu].loc[:, 2021:] == [0, 0.12, 0.18, 0.18]).all(axis=None)


def test_selection_on_level_is_a_recentred_constant():
    change = log_income() - log_income(selection_level=0.0)
    assert (change - 0.35 * (inside() - 25 / 274).to_numpy()[:, None]).abs().max(axis=None) < YUAN_ROUNDING


def test_selection_on_trend_is_a_recentred_slope_that_is_zero_in_2021():
    change = log_income(selection_trend=0.02) - log_income(selection_trend=0.0)
    expected = np.outer((inside() - 25 / 274).to_numpy(), 0.02 * (np.arange(2016, 2025) - 2021))
    assert (change - expected).abs().max(axis=None) < YUAN_ROUNDING


def dirty(**kinds):
    """A panel with only these kinds of dirt, and the clean panel it was made from."""
    return simulate(calibration=replace(UNCAPPED, **CLEAN | kinds)).panel, simulate(dirt=False).panel


def test_without_any_kind_of_dirt_reports_are_the_accounts():
    got, accounts = dirty(merged_in=2025)
    pd.testing.assert_frame_equal(got, accounts)


def test_a_share_of_reports_says_zero_in_both_incomes():
    got, accounts = dirty(zero_reports=0.03)
    zero = got["collective_income_cny"] == 0
    binomial = np.sqrt(0.03 * 0.97 / len(got))
    assert zero.mean() == pytest.approx(0.03, abs=4 * binomial)
    assert (got.loc[zero, "operating_income_cny"] == 0).all()
    pd.testing.assert_frame_equal(got[~zero], accounts[~zero])


def test_moved_reports_come_from_a_little_below_a_threshold_and_land_just_over_it():
    got, accounts = dirty(moved_reports=0.04)
    level = got["year"].map(price_index(2022))
    before, after = accounts["collective_income_cny"] * level, got["collective_income_cny"] * level
    moved = accounts["collective_income_cny"] != got["collective_income_cny"]
    assert moved.sum() == round(0.04 * len(got))
    threshold = np.where(after[moved] < 60_000, 50_000, 100_000)
    assert before[moved].between(0.8 * threshold, threshold, inclusive="left").all()
    assert after[moved].between(threshold, 1.03 * threshold).all()
    pd.testing.assert_series_equal(got["operating_income_cny"], accounts["operating_income_cny"])


def test_a_merged_village_ends_and_its_neighbour_absorbs_it():
    got, accounts = dirty(merged_in=2024)
    ended = accounts.merge(got[KEY], how="left", indicator=True).query("_merge == 'left_only'")
    assert ended["year"].tolist() == [2024]
    code = ended["village_code"].item()
    assert code not in set(MEMBERSHIP["village_code"])
    before, after = accounts.set_index(KEY), got.set_index(KEY)
    changed = after.index[(after != before.loc[after.index]).any(axis=1)]
    [(neighbour, year)] = changed
    codes = VILLAGES["village_code"].tolist()
    assert (neighbour, year) == (codes[codes.index(code) + 1], 2024)
    assert neighbour[:9] == code[:9]
    assert neighbour not in set(MEMBERSHIP["village_code"])
    sums = [*INCOME, "households", "tourist_visits"]
    parts = before.loc[[(code, 2024), (neighbour, 2024)]]
    assert after.loc[(neighbour, 2024), sums].tolist() == parts[sums].sum().tolist()
    per_head = np.average(parts["rural_income_per_head_cny"], weights=parts["households"])
    assert after.loc[(neighbour, 2024), "rural_income_per_head_cny"] == round(per_head)


def test_gaps_are_missing_rows_and_missing_incomes():
    got, accounts = dirty(missing_rows=0.01, missing_reports=0.01)
    binomial = np.sqrt(0.01 * 0.99 / len(accounts))
    assert 1 - len(got) / len(accounts) == pytest.approx(0.01, abs=4 * binomial)
    blank = got[INCOME].isna()
    assert blank.mean().tolist() == pytest.approx([0.01, 0.01], abs=4 * binomial)
    assert (blank[INCOME[0]] == blank[INCOME[1]]).all()
    assert got.drop(columns=INCOME).notna().all(axis=None)


def test_operating_income_is_a_part_of_the_total():
    for dirt in (True, False):
        panel = simulate(dirt=dirt).panel.dropna()
        assert panel["operating_income_cny"].between(0, panel["collective_income_cny"]).all()


def test_stored_files_are_what_the_simulation_writes_today(tmp_path):
    write_simulated(tmp_path)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(written) == ["simulated_panel.csv", "simulated_true_effects.csv"]
    assert written == {name: (DATA / "simulated" / name).read_bytes() for name in written}


def test_a_seed_fixes_the_panel_and_another_seed_changes_it():
    pd.testing.assert_frame_equal(simulate(seed=SEED).panel, simulate(seed=SEED).panel)
    assert not simulate(seed=SEED).panel.equals(simulate(seed=SEED + 1).panel)


def test_shock_groups_are_districts_and_blocks_of_about_five_within_towns():
    sizes = GROUPS.value_counts()
    assert len(sizes) == 56
    assert sizes.between(4, 6).all()
    assert (sizes[MEMBERSHIP["district_id"].unique()] == 5).all()
    outside = GROUPS.str.startswith("placebo")
    towns = VILLAGES["town_code"].groupby(GROUPS).nunique()
    assert outside.sum() == 249
    assert (towns == 1).all()


def test_every_parameter_names_a_published_fact_or_says_it_is_assumed():
    sources = pd.Series([parameter.metadata["source"] for parameter in fields(Calibration)])
    cited = sources.str.findall(r"F\d{3}")
    assert (cited.str.len().gt(0) | sources.str.match("assumed|chosen")).all()
    assert set(cited.explode().dropna()) <= set(read_table("published_facts")["fact_id"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"membership": pd.DataFrame({"village_code": ["999"], "first_treated": [2023]})},
            r"The villages table has no row in 1 member village: 999\. Add their rows to `villages`, or take them out",
        ),
        ({"group": GROUPS[:3]}, r"3 groups for 274 villages\. Give one group per row of `villages`\."),
        (
            {"membership": pd.concat([MEMBERSHIP, MEMBERSHIP[:1]])},
            r"The code in `membership` is used before in 1 row: 410883101215\. Keep one row each\.",
        ),
        ({"years": range(2015, 2025)}, r"years is range\(2015, 2025\)\. Give consecutive years from 2016 to 2024\."),
        ({"years": range(2016, 2025, 2)}, r"Give consecutive years from 2016 to 2024\."),
    ],
)
def test_errors_say_what_where_and_what_to_do(changes, message):
    inputs = {"villages": VILLAGES, "membership": MEMBERSHIP, "group": GROUPS, **changes}
    with pytest.raises(ValueError, match=message):
        simulate_panel(**inputs)


def test_gains_without_effect_are_those_of_the_panel():
    drawn = simulated_gains(400, seed=3)
    assert drawn.shape == (400, 5)
    pd.testing.assert_frame_equal(drawn.iloc[:5], simulated_gains(5, seed=3))
    assert (simulated_gains(5, seed=4) != drawn.iloc[:5]).all(axis=None)
    assert (simulated_gains(3, before=2023) == 0).all(axis=None)
    for years in ({"before": 2015}, {"after": 2030}, {"before": 2024, "after": 2023}):
        with pytest.raises(ValueError, match="before and after must be years from 2016 to 2024, in order, not"):
            simulated_gains(3, **years)


def best_three(gains):
    return np.sort(np.asarray(gains), axis=1)[:, -3:].sum(axis=1)


@pytest.mark.parametrize(("selection", "growth"), [(True, True), (False, False)])
def test_gains_are_those_of_panels_with_the_same_random_numbers(selection, growth, monkeypatch):
    switches = {} if selection else {"selection_level": 0.0, "selection_trend": 0.0}
    path = Calibration().income_path if growth else (0.0,) * 9
    switches |= {"calibration": replace(Calibration(), income_path=path)}
    district, gains = VILLAGES["village_code"].map(MEMBERSHIP.set_index("village_code")["district_id"]), []
    for seed in range(5):
        still = {"effect": False, "spillover": 0.0, "dirt": False, "years": range(2016, 2024)}
        panel = simulate(seed=seed, **still | switches).panel
        income = panel.pivot(index="village_code", columns="year", values="collective_income_cny")
        gain = (income[2023] - income[2022]).loc[VILLAGES["village_code"]]
        gains.append(gain.groupby(district.to_numpy()).sum())
    monkeypatch.setattr("analysis.simulation.simulate.replicate", with_seeds_of_panels)
    found = simulated_gains(5, selection=selection, growth=growth)
    # Panels are in whole yuan: a gain of n villages is rounded 2n times by half a yuan at most.
    assert (found - pd.DataFrame(gains)).abs().max(axis=None) <= district.value_counts().max()


def with_seeds_of_panels(task, replications, _seed, _unit):
    return np.array([task(np.random.default_rng(seed), seed) for seed in range(replications)])


def test_gains_without_growth_and_selection_are_chance_alone():
    chance = simulated_gains(1000, selection=False, growth=False)
    error = chance.mean(axis="columns").std() / len(chance) ** 0.5
    assert chance.to_numpy().mean() == pytest.approx(0, abs=4 * error)
    assert (best_three(chance) >= 1_030_000).mean() < (best_three(simulated_gains(1000)) >= 1_030_000).mean() / 2
