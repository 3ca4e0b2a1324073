"""Randomization inference: every reassignment equals a refit, and the test does what its theory says."""

from dataclasses import replace
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Study, StudyError, did, event_study
from analysis.effects.estimate import Estimate
from analysis.effects.randomization import randomization
from analysis.inference.assignments import possible_assignments
from analysis.inference.cluster_pieces import cluster_codes
from analysis.inference.cluster_sums import cluster_sums
from analysis.inference.inversion import rejects
from analysis.inference.pretrends import slope_weights
from analysis.inference.reassignment import group_moments, refit
from analysis.regression.regression import weighted_sum

CAI = Path(__file__).parents[2] / "data" / "published" / "cai2016_county_year.csv"
# The two ways differ by solving in another order: about 1e-12 on data of size one.
SAME_REFIT = 1e-9
# One side of an interval's bound and the other: more than its bisection width, less than a step between p-values.
BESIDE = 1e-6

pytestmark = pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")


def small_panel(seed: int = 7, start: dict[int, int] | None = None, missing: float = 0.1) -> pd.DataFrame:
    """Nine groups of one to three villages in two strata over six years, unbalanced, with a control and weights."""
    start = start or {0: 2003, 2: 2003, 5: 2003}
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(9), [2, 1, 3, 2, 1, 2, 3, 1, 2])
    units = pd.DataFrame({"village": np.arange(len(groups)), "district": groups})
    frame = units.merge(pd.DataFrame({"year": np.arange(2000, 2006)}), how="cross")
    frame["town"] = np.where(frame["district"] < 5, "north", "south")
    frame["start"] = frame["district"].map(start).astype("Int64")
    noise = generator.normal(size=(4, len(frame)))
    frame["rain"] = noise[0] + 0.3 * frame["district"]
    frame["people"] = np.exp(0.5 * noise[1])
    frame["income"] = noise[2] + 0.5 * generator.normal(size=9)[frame["district"]] * frame["year"] + 0.4 * frame["rain"]
    return frame[(noise[3] > np.quantile(noise[3], missing)) | frame["year"].isin([2002, 2003])].reset_index(drop=True)


def study_of(frame: pd.DataFrame) -> Study:
    names = {"unit": "village", "time": "year", "first_treated": "start", "group": "district", "stratum": "town"}
    return Study.from_frame(frame, **names)


def slope(study: Study, **options: object) -> Estimate:
    """The line through the leads, each averaged by village-years: a contrast that sets years against each other."""
    events = event_study(study, "income", **options)
    leads = [effect for effect, time in zip(events.effects, events.event_times, strict=True) if time < 0]
    times = [*(time for time in events.event_times if time < 0), events.reference]
    return events.of(weighted_sum(leads, slope_weights(times)[:-1]))


STAGGERED = {0: 2003, 1: 2002, 5: 2003}
CASES = {
    "two-way": (None, lambda study: did(study, "income")),
    "controls": (None, lambda study: did(study, "income", controls=["rain"])),
    "weights and controls": (None, lambda study: did(study, "income", controls=["rain"], weights="people")),
    "pooled, two starts": (STAGGERED, lambda study: did(study, "income", estimator="two_way", weights="people")),
    "saturated": (STAGGERED, lambda study: did(study, "income", controls=["rain"], weights="people")),
    "lead": (None, lambda study: event_study(study, "income").estimate(-2)),
    "event time": (STAGGERED, lambda study: event_study(study, "income", weights="people").estimate(1)),
    "pooled event time": (STAGGERED, lambda study: event_study(study, "income", estimator="two_way").estimate(0)),
    "average": (STAGGERED, lambda study: event_study(study, "income", reference=-2).average()),
    "slope": (None, lambda study: slope(study, controls=["rain"])),
    "staggered slope": (STAGGERED, lambda study: slope(study, weights="people")),
}


def reassigned(study: Study, code: np.ndarray, starts: np.ndarray) -> Study:
    """The same study, had every group got the start year its code names."""
    groups = study.frame["group"].drop_duplicates().tolist()
    start = pd.array([pd.NA if c < 0 else starts[c] for c in code], dtype="Int64")
    return replace(
        study,
        frame=study.frame.assign(
            first_treated=study.frame["group"].map(dict(zip(groups, start, strict=True))).astype("Int64")
        ),
    )


def every_cluster_cr1(estimate: Estimate) -> float:
    """CR1 over all clusters and the saturated fit's residuals, by which reassignments are studentized."""
    fitted = estimate.fitted
    sums = cluster_sums(fitted, cluster_codes(fitted, "group"))
    scores = sums.scores @ np.linalg.solve(sums.triangle.T, fitted.parameter_weights(estimate.effect.gradient)[1:])
    (groups, parameters), rows = sums.scores.shape, estimate.rows
    factor = groups / (groups - 1) * (rows - 1) / (rows - parameters - 1)
    return float(np.sqrt(factor * scores @ scores))


@pytest.mark.parametrize("within", ["stratum", None])
@pytest.mark.parametrize("case", CASES)
def test_every_reassignment_equals_a_refit(case: str, within: str | None) -> None:
    start, estimator = CASES[case]
    study = study_of(small_panel(start=start))
    estimate = estimator(study)
    assignments = possible_assignments(study.frame, within, 10_000, 0)
    codes = assignments.codes[:: max(1, len(assignments.codes) // 40)]
    fast = refit(group_moments(estimate.fitted, estimate.effect.gradient, assignments.starts), codes)
    for number, code in enumerate(codes):
        try:
            slow = estimator(reassigned(study, code, assignments.starts))
        except StudyError:
            assert not fast.estimable[number]
            continue
        assert fast.estimable[number]
        error = every_cluster_cr1(slow)
        assert fast.coefficient[number, 0] == pytest.approx(slow.value, rel=SAME_REFIT, abs=SAME_REFIT)
        assert np.sqrt(fast.variance[number, 0]) == pytest.approx(error, rel=SAME_REFIT)


@pytest.mark.parametrize("statistic", ["studentized", "coefficient"])
def test_p_value_equals_full_enumeration_by_hand(statistic: str) -> None:
    study = study_of(small_panel())
    estimate = did(study, "income", controls=["rain"], weights="people")
    north, south = [0, 1, 2, 3, 4], [5, 6, 7, 8]
    statistics = []
    for first in north:
        for second in [group for group in north if group > first]:
            for third in south:
                start = (
                    study.frame["group"]
                    .astype(str)
                    .isin([str(first), str(second), str(third)])
                    .map({True: 2003, False: pd.NA})
                )
                refitted = did(
                    replace(study, frame=study.frame.assign(first_treated=start.astype("Int64"))),
                    "income",
                    controls=["rain"],
                    weights="people",
                )
                scale = every_cluster_cr1(refitted) if statistic == "studentized" else 1.0
                statistics.append(abs(refitted.value) / scale)
                if (first, second, third) == (0, 2, 5):
                    observed = statistics[-1]
    test = randomization(estimate, statistic=statistic)
    assert len(statistics) == comb(5, 2) * comb(4, 1)
    assert test.p_value == sum(np.array(statistics) >= observed * (1 - SAME_REFIT)) / len(statistics)
    assert abs(test.statistic) == pytest.approx(observed, rel=SAME_REFIT)
    assert "40 assignments" in test.note
    assert "all enumerated" in test.note


def test_jiangxi_crop_insurance_where_one_county_of_twelve_was_treated() -> None:
    panel = pd.read_csv(CAI, encoding="utf-8")
    panel["start"] = panel["county"].map(panel[panel["T"] == 1].groupby("county")["year"].min())
    estimate = did(Study.from_frame(panel, unit="county", time="year", first_treated="start"), "y")
    for statistic in ("studentized", "coefficient"):
        test = randomization(estimate, statistic=statistic)
        assert test.p_value == 3 / 12  # enumerated in R
        assert (test.low, test.high) == (-np.inf, np.inf)  # no p-value can be below 1/12
        assert "smallest attainable p 0.083" in test.note
    assert estimate.inference(["cr1"])["p_value"].iloc[0] < 0.001


def test_level_is_exact_whichever_assignment_is_the_true_one() -> None:
    study = study_of(small_panel(missing=0.0))
    assignments = possible_assignments(study.frame, "stratum", 10_000, 0)
    for statistic in ("studentized", "coefficient"):
        p_values = np.array(
            [
                randomization(did(reassigned(study, code, assignments.starts), "income"), statistic=statistic).p_value
                for code in assignments.codes
            ]
        )
        for size in np.unique(p_values):
            assert (p_values <= size).mean() <= size + SAME_REFIT
        assert p_values.min() == 1 / len(assignments.codes)


@pytest.mark.parametrize("statistic", ["studentized", "coefficient"])
@pytest.mark.parametrize("case", ["weights and controls", "saturated", "lead"])
def test_interval_ends_where_the_test_of_shifted_data_begins_to_reject(case: str, statistic: str) -> None:
    start, estimator = CASES[case]
    frame = small_panel(start=start)
    level = 0.8
    estimate = estimator(study_of(frame))
    test = randomization(estimate, statistic=statistic, level=level)
    affected = pd.Series(np.isin(estimate.fitted.cell_of_row, np.flatnonzero(estimate.effect.gradient)))
    assert np.isfinite([test.low, test.high]).all()
    for bound, outward in ((test.low, -1), (test.high, 1)):
        inside, outside = (
            randomization(
                estimator(study_of(frame.assign(income=frame["income"] - (bound + step * outward) * affected))),
                statistic=statistic,
            ).p_value
            for step in (-BESIDE, BESIDE)
        )
        assert not rejects(inside, level)
        assert rejects(outside, level)


def test_drawn_p_value_is_near_the_enumerated_one_and_repeats() -> None:
    estimate = did(study_of(small_panel()), "income")
    exact = randomization(estimate, within=None)
    drawn = randomization(estimate, within=None, draws=80)
    assert "84 assignments of whole groups over all groups, all enumerated" in exact.note
    assert "80 drawn" in drawn.note
    assert drawn.p_value * 81 == pytest.approx(round(drawn.p_value * 81))
    # Three Monte Carlo standard errors of a proportion.
    assert abs(drawn.p_value - exact.p_value) < 3 * np.sqrt(exact.p_value * (1 - exact.p_value) / 80) + 1 / 81
    assert drawn == replace(randomization(estimate, within=None, draws=80), df=drawn.df)
    assert drawn.p_value != randomization(estimate, within=None, draws=80, seed=2).p_value


@pytest.mark.parametrize("draws", [9999, 39])
def test_nothing_depends_on_row_order_names_or_scale(draws: int) -> None:
    frame = small_panel()
    test = randomization(did(study_of(frame), "income", controls=["rain"]), draws=draws)
    names = {group: f"district {(5 * group) % 9}" for group in range(9)}
    other = frame.assign(
        district=frame["district"].map(names),
        town=frame["town"].map({"north": "z", "south": "a"}),
        income=1000 * frame["income"] + 7,
        rain=frame["rain"] / 100,
    ).sample(frac=1, random_state=1)
    again = randomization(did(study_of(other), "income", controls=["rain"]), draws=draws)
    assert again.p_value == test.p_value
    assert again.note == test.note
    # Bounds are bisected to 1e-9 of the standard error.
    assert [again.low / 1000, again.high / 1000] == pytest.approx([test.low, test.high], rel=1e-7)


def test_mirror_images_tie_and_double_the_smallest_p_value() -> None:
    frame = small_panel(start={0: 2003, 1: 2003}, missing=0.0)
    study = study_of(frame[frame["district"] < 4].assign(town="one"))
    test = randomization(did(study, "income"), level=0.5)
    assert "6 assignments" in test.note
    assert f"smallest attainable p {2 / 6:.2g}" in test.note
    assert round(test.p_value * 6) in (2, 4, 6)


def test_cell_the_data_do_not_hold_is_averaged_like_the_others() -> None:
    frame = small_panel(start={0: 2003, 5: 2003}, missing=0.0)
    study = study_of(frame[~(frame["district"].isin([0, 5]) & (frame["year"] == 2005))])
    estimate = did(study, "income", estimator="saturated")
    assignments = possible_assignments(study.frame, None, 10_000, 0)
    fast = refit(group_moments(estimate.fitted, estimate.effect.gradient, assignments.starts), assignments.codes)
    refits = [did(reassigned(study, c, assignments.starts), "income", estimator="saturated") for c in assignments.codes]
    assert fast.coefficient[:, 0] == pytest.approx([r.value for r in refits], rel=SAME_REFIT)
    assert max(len(r.fitted.cells) for r in refits) > len(estimate.fitted.cells)


def test_assignment_without_comparison_is_left_out_and_counted() -> None:
    frame = small_panel(start={0: 2003, 5: 2003}, missing=0.0)
    study = study_of(frame[~((frame["district"] == 3) & (frame["year"] == 2002))])  # group 3 lacks the reference
    test = randomization(event_study(study, "income").estimate(0))
    assert "assignment" in test.note
    assert "left out" not in test.note  # group 5 or another in its place still holds the reference year
    alone = study_of(frame[(frame["district"] < 5) & ~((frame["district"] == 3) & (frame["year"] == 2002))])
    test = randomization(event_study(alone, "income").estimate(0))
    assert "1 assignment left out" in test.note
    assert test.p_value * 4 == pytest.approx(round(test.p_value * 4))


def test_assignment_without_the_event_time_is_left_out() -> None:
    frame = small_panel(start={0: 2003}, missing=0.0)
    frame = frame[(frame["district"] < 5) & ~((frame["district"] == 3) & (frame["year"] == 2005))]
    estimate = event_study(study_of(frame), "income").estimate(2)
    assert "1 assignment left out" in randomization(estimate).note
    assignments = possible_assignments(estimate.study.frame, None, 100, 0)
    estimable = refit(
        group_moments(estimate.fitted, estimate.effect.gradient, assignments.starts), assignments.codes
    ).estimable
    assert assignments.codes[~estimable].tolist() == [[-1, -1, -1, 0, -1]]


def test_fixed_stratum_is_named() -> None:
    frame = small_panel(start={0: 2003, 5: 2003, 6: 2003, 7: 2003, 8: 2003})
    assert "stratum south can be assigned in one way only" in randomization(did(study_of(frame), "income")).note


def test_errors_say_what_to_do() -> None:
    frame = small_panel(start={5: 2003, 6: 2003, 7: 2003, 8: 2003})
    with pytest.raises(StudyError, match=r"could have gone to no other groups.*\(south\).*within=None"):
        randomization(did(study_of(frame), "income"))
    frame = small_panel()
    frame.loc[frame["village"] == 0, "start"] = pd.NA
    with pytest.raises(StudyError, match=r"or several start years, meet in 1 group: 0\."):
        randomization(did(study_of(frame), "income"))
    frame = small_panel()
    frame.loc[frame["village"] == 0, "town"] = "south"
    with pytest.raises(StudyError, match="More than one stratum meets in 1 group: 0"):
        randomization(did(study_of(frame), "income"))
    frame = small_panel(missing=0.0)
    exact = did(study_of(frame.assign(income=(frame["year"] >= frame["start"]).fillna(False).astype(float))), "income")
    with pytest.raises(StudyError, match="no residual"):
        randomization(exact)
    test = randomization(exact, statistic="coefficient")
    assert test.p_value == 1 / 40
    assert (test.low, test.high) == pytest.approx((1, 1), abs=SAME_REFIT)
    for wrong in ({"statistic": "t"}, {"within": "town"}, {"level": 1.0}, {"draws": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            randomization(exact, **wrong)
