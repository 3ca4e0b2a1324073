"""Measured size: placebo districts and simulated outcomes, the same on one core, two, or a cluster."""

import os
import re
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
from panels import small_panel, small_study

from analysis import (
    StudyError,
    load_study,
    minimum_detectable_effect,
    power_curve,
    read_table,
    rejection_rates,
    synthetic_did,
)
from analysis.design.rejection_rates import PERSISTENCE, _shocks
from analysis.design.replication import CHUNK, replicate
from analysis.inference.methods import METHODS
from analysis.presentation.sizes import plot_rejection_rates, size_in_per_cent, size_under_dominance
from analysis.report.exports import figure_data
from analysis.simulation.simulate import simulated_gains

pytestmark = pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")

FAST = {"methods": ["cr1", "cr2", "wild_bootstrap"], "draws": 49}


@pytest.fixture(scope="module")
def study():
    return small_study(small_panel(5, groups=16, treated=4))


def test_rates_are_shares_with_their_error(study):
    rates = rejection_rates(study, "income", replications=20, draws=49)
    assert rates.index.tolist() == list(METHODS)
    share = rates["rejection_rate"]
    assert (share * 20 == (share * 20).round()).all()
    likely = (share * 20 + 2) / 24
    assert rates["monte_carlo_error"].to_numpy() == pytest.approx(np.sqrt(likely * (1 - likely) / 24))
    assert (rates["replications"] + rates["missing"] == 20).all()


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> int:
    """Small chunks, so that few replications make several."""
    monkeypatch.setattr("analysis.design.replication.CHUNK", 4)
    return 4


@pytest.mark.parametrize("correlation", [None, 0.4])
def test_same_numbers_on_one_core_and_two(study, correlation, few_at_once):
    options = {**FAST, "correlation": correlation, "replications": 2 * few_at_once + 3}
    one = rejection_rates(study, "income", **options)
    with joblib.parallel_config(n_jobs=2):
        two = rejection_rates(study, "income", **options)
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_same_numbers_on_a_dask_cluster(study, few_at_once):
    distributed = pytest.importorskip("distributed")
    rates = partial(rejection_rates, study, "income", **FAST, correlation=0.4, replications=2 * few_at_once)
    detectable = partial(minimum_detectable_effect, load_study(), "households", replications=2 * few_at_once)
    gains = partial(simulated_gains, 2 * few_at_once)
    curve = partial(power_curve, load_study(), "households", [0, 1], replications=2 * few_at_once)
    synthetic = partial(synthetic_did, load_study(), "households", draws=2 * few_at_once)
    workers = partial(replicate, lambda *_: np.array([os.getpid()]), 8 * few_at_once, 1, "replications")
    here = rates(), detectable().frame(), gains(), curve(), synthetic().frame()
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
        there = rates(), detectable().frame(), gains(), curve(), synthetic().frame()
        processes = set(workers().ravel())
    assert processes
    assert os.getpid() not in processes
    for one, other in zip(here, there, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_more_replications_begin_with_the_same_ones(study):
    first = replicate(lambda generator, _: generator.normal(size=2), 10, 1, "draws")
    assert (replicate(lambda generator, _: generator.normal(size=2), 3 * CHUNK, 1, "draws")[:10] == first).all()
    assert not (replicate(lambda generator, _: generator.normal(size=2), 10, 2, "draws") == first).any()


def die(generator: np.random.Generator, _: int, parent: int) -> np.ndarray:
    if os.getpid() != parent:
        os._exit(1)
    return generator.normal(size=1)


def test_a_dead_worker_is_an_error():
    with joblib.parallel_config(n_jobs=2), pytest.raises(RuntimeError, match="replications did not come back"):
        replicate(partial(die, parent=os.getpid()), 4 * CHUNK, 1, "replications")


def test_placebo_districts_never_look_at_the_treated(study):
    options = {**FAST, "replications": 20}
    treated = study.frame["first_treated"].notna()
    shifted = study.frame.assign(income=study.frame["income"].where(~treated, 1e9))
    other = type(study)(shifted, noun=study.noun)
    pd.testing.assert_frame_equal(
        rejection_rates(study, "income", **options), rejection_rates(other, "income", **options)
    )


def test_simulated_outcomes_do_not_look_at_the_real_one(study):
    options = {**FAST, "replications": 20, "correlation": 0.3}
    other = type(study)(study.frame.assign(income=study.frame["income"] ** 2), noun=study.noun)
    pd.testing.assert_frame_equal(
        rejection_rates(study, "income", **options), rejection_rates(other, "income", **options)
    )


def test_shocks_have_the_correlation_and_persistence_asked_for():
    frame = pd.DataFrame(
        [(f"g{g}", f"g{g}v{v}", y) for g in range(2000) for v in range(2) for y in (1, 2)],
        columns=["group", "unit", "time"],
    )
    shocks = _shocks(np.random.default_rng(1), frame, 0.3).reshape(2000, 2, 2)
    # A correlation of 2,000 pairs has a standard error of at most 1/sqrt(2000) = 0.022; four of them.
    assert np.corrcoef(shocks[:, 0, 0], shocks[:, 1, 0])[0, 1] == pytest.approx(0.3, abs=0.09)
    assert np.corrcoef(shocks[:, 0, 0], shocks[:, 0, 1])[0, 1] == pytest.approx(PERSISTENCE, abs=0.09)
    assert shocks.var() == pytest.approx(1, abs=0.09)


def test_rejects_more_often_where_treated_groups_vary_more(study):
    # CR1 with four treated groups of sixteen; the difference is some 10 points, its Monte Carlo error below 5.
    rates = [
        rejection_rates(study, "income", methods=["cr1"], correlation=0.3, treated_scale=scale, replications=120)
        for scale in (1, 3)
    ]
    assert rates[1].loc["cr1", "rejection_rate"] > rates[0].loc["cr1", "rejection_rate"]


def test_few_placebo_districts_are_taken_once_each():
    # Nine untreated groups of which one is treated on paper: nine choices, no Monte Carlo error, shares of ninths.
    few = small_study(small_panel(5, groups=10, treated=1))
    rates = rejection_rates(few, "income", methods=["cr1", "cr3", "randomization"], replications=500)
    assert rates.loc["cr1", "replications"] == 9
    assert (rates.loc[["cr1", "randomization"], "monte_carlo_error"] == 0).all()
    assert (rates.loc["cr1", "rejection_rate"] * 9) % 1 == pytest.approx(0)
    assert np.isnan(rates.loc["cr3", "rejection_rate"])
    assert rates.loc["cr3", "missing"] == 9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"correlation": 1.2}, "correlation must lie between 0 and 1, or be None for placebo districts, not 1.2."),
        ({"methods": ["cr9"]}, "Unknown method 'cr9'; choose from cr1, cr2, cr3, wild_bootstrap, randomization."),
        ({"replications": 0}, "replications must be a whole number and at least 1, not 0."),
    ],
)
def test_wrong_options_are_named(study, options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        rejection_rates(study, "income", **options)


def test_too_few_groups_are_refused(study):
    with pytest.raises(StudyError, match=r"^Only 12 groups are at hand to treat 11 of them on paper and compare them"):
        rejection_rates(study, "income", treated_groups=11)


class TestGrid:
    """The stored table of notebook 05."""

    def grid(self):
        return read_table("simulated_rejection_rates")

    def test_is_whole(self):
        designs = self.grid().groupby(["treated_groups", "treated_scale", "correlation"])["method"].agg(list)
        assert len(designs) == 3 * 2 * 4
        assert all(methods == list(METHODS) for methods in designs)
        assert (self.grid()["replications"] + self.grid()["missing"] == 2000).all()

    def test_headline_keeps_its_size_with_five_treated_groups_or_more(self):
        grid = self.grid()
        headline = grid[(grid["method"] == "cr2") & (grid["treated_groups"] >= 5)]
        margin = 2 * headline["monte_carlo_error"]
        assert (headline["rejection_rate"] >= 0.03 - margin).all()
        assert (headline["rejection_rate"] <= 0.07 + margin).all()

    def test_is_what_the_code_gives_today(self):
        study = load_study()
        rates = rejection_rates(
            study, study.primary_outcome, methods=["cr1", "cr2"], treated_groups=5, correlation=0.6, replications=200
        )
        stored = (
            self.grid().query("treated_groups == 5 and treated_scale == 1 and correlation == 0.6").set_index("method")
        )
        for method in ("cr1", "cr2"):
            rate = stored.loc[method, "rejection_rate"]
            # Four standard errors of 200 replications; the stored 2,000 add little.
            assert rates.loc[method, "rejection_rate"] == pytest.approx(rate, abs=4 * (rate * (1 - rate) / 200) ** 0.5)


class TestPoissonGrid:
    """The same in per cent, by how many equally rich districts the treated total is worth."""

    def grid(self):
        return read_table("simulated_rejection_rates_poisson")

    def test_is_whole(self):
        methods = self.grid().groupby(["treated_groups", "treated_scale", "correlation", "effective_districts"])
        assert all(found == list(METHODS) for found in methods["method"].agg(list))
        replications = self.grid().assign(all=self.grid()["replications"] + self.grid()["missing"])
        designs = replications.groupby(["treated_groups", "treated_scale", "correlation", "method"])["all"].sum()
        assert len(designs) == 3 * 2 * 4 * len(METHODS)
        assert (designs == 400).all()

    def test_headline_keeps_its_size_from_three_effective_districts_and_is_careful_below(self):
        headline = self.grid().query("method == 'cr2'")
        margin = 2 * headline["monte_carlo_error"]
        enough = headline["effective_districts"] == "3 or more"
        assert (headline["rejection_rate"] >= 0.03 - margin)[enough].all()
        assert (headline["rejection_rate"] <= np.where(enough, 0.07, 0.09) + margin).all()

    def test_headline_keeps_its_size_over_all_designs_together(self):
        """Without the margin of a single design: some 6,000 panels from three effective districts on."""
        headline = self.grid().query("method == 'cr2'").eval("panels = replications + missing")
        headline["rejected"] = headline["rejection_rate"] * headline["panels"]
        sums = headline.groupby(["effective_districts", "treated_scale"])[["rejected", "panels"]].sum()
        rate = sums["rejected"] / sums["panels"]
        assert rate["3 or more"].between(0.03, 0.07).all()
        assert (rate["2 to 3"] <= 0.09).all()


class TestSizesAsShown:
    """What notebook 05 says of the tables of simulated sizes."""

    def test_rows_below_three_are_mostly_of_three_treated_groups(self):
        below, few, others = (int(one.replace(",", "")) for one in re.findall(r"[\d,]+(?= )", size_in_per_cent().note))
        assert below + others == 24 * 400
        assert 0.95 * below < few < below
        grid = read_table("simulated_rejection_rates_poisson")
        assert grid.query("effective_districts == '3 or more'")["treated_groups"].min() > 3

    def test_lines_of_the_figure_are_named_in_its_data(self):
        figure = plot_rejection_rates(read_table("simulated_rejection_rates"))[0, 0].figure
        rows = [row for row in figure_data.drawn(figure) if row[0] == 1]
        assert [row[1] for row in rows[:5]] == ["CR1"] * 4 + ["CR2"]

    def test_under_dominance_the_headline_and_the_wild_bootstrap_hold_longest(self):
        frame = size_under_dominance().frame.droplevel(1)
        worse = frame.loc[["spread as drawn", "one village 50 %", "one village 80 %"]]
        rising = worse[["CR1", "CR3", "randomization test"]]
        assert (rising.loc["one village 50 %"] > rising.loc["spread as drawn"] + 3).all()
        assert (worse.loc["one village 50 %", ["CR2", "wild cluster bootstrap"]] < 8).all()
        assert frame.loc["one village 50 %", "randomization test"] == 12.5
        assert "% of 200 panels each" in size_under_dominance().caption


@pytest.mark.parametrize("correlation", [None, 0.3])
def test_in_per_cent_the_tests_are_those_of_the_poisson_regression(correlation):
    money = small_panel(5, groups=16, treated=4)
    money["income"] = np.exp(money["income"] / 20)
    options = {"methods": ["cr1", "cr2"], "replications": 60, "correlation": correlation, "scale": "poisson"}
    rates = rejection_rates(small_study(money), "income", **options)
    assert (rates["replications"] == 60).all()
    # Three standard errors of sixty replications at the most that CR2 was seen to reject.
    assert rates.loc["cr2", "rejection_rate"] < 0.08 + 3 * np.sqrt(0.08 * 0.92 / 60)
    thousand = money.assign(income=1000 * money["income"])
    pd.testing.assert_frame_equal(rejection_rates(small_study(thousand), "income", **options), rates)


def test_groups_that_tell_nothing_are_never_treated_on_paper(study):
    once = [(f"s{n}", 2015 + n % 6, None, f"s{n}", "s0", 50.0 + n, 0.0, 1.0) for n in range(30)]
    panel = small_panel(5, groups=16, treated=4)
    more = small_study(pd.concat([panel, pd.DataFrame(once, columns=panel.columns)], ignore_index=True))
    options = {"methods": ["cr1", "cr2"], "replications": 30}
    pd.testing.assert_frame_equal(
        rejection_rates(more, "income", **options), rejection_rates(study, "income", **options)
    )
    late = panel[(panel["district"] >= "g4") & (panel["year"] >= 2018)]
    late = late.assign(village=late["village"] + "b", district=late["district"] + "b")
    rates = rejection_rates(small_study(pd.concat([panel, late], ignore_index=True)), "income", **options)
    assert (rates["missing"] == 0).all()
