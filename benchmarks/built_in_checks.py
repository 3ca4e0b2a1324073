"""What each check finds of what was built into the simulated panel; writes the table that notebook 11 shows.

    .venv/bin/python benchmarks/built_in_checks.py

Two hundred panels of each of five kinds take some thirty minutes on two cores. The numbers do not depend on the
number of cores. The seed of the demonstration panel is not among these seeds. The first panel of each kind is kept for
the tests, which compute it again.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Mapping
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from functools import partial  # noqa: E402

import joblib  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy.stats import binomtest  # noqa: E402

from analysis import (
    Outcome,
    Study,
    StudyError,
    by_district,
    did,
    event_study,
    load_study,
    neighbours,
    reweight,
    synthetic_did,
)
from analysis.design.replication import replicate  # noqa: E402
from analysis.effects.estimate import Estimate
from analysis.reading.prices import other_prices  # noqa: E402
from analysis.reading.read_files import DATA, read_table  # noqa: E402
from analysis.robustness.bunching import bunching
from analysis.robustness.dominance import dominance
from analysis.robustness.reweighting import WEIGHT  # noqa: E402
from analysis.simulation.simulate import CALIBRATION, Simulation, shock_groups, simulate_panel  # noqa: E402
from analysis.simulation.village_model import THRESHOLDS  # noqa: E402

REPLICATIONS = 200
SEED = 2023
OUTCOME = "collective_income_cny"
PRICED = {OUTCOME: Outcome(OUTCOME, "CNY", prices="constant 2022")}
DISTRICT = "chengbo-farmland"
UNMOVED = dataclasses.replace(CALIBRATION, moved_reports=0.0)
PANELS = {
    "as stored": {},
    "without effect": {"effect": False},
    "strong spillover": {"spillover": 0.15},
    "strong selection on trend": {"selection_trend": 0.05},
    "reports not moved": {"calibration": UNMOVED},
}
EFFECTS = ["effect", "effect, honest bounds", "effect against other towns", "effect, reweighted"]
EFFECTS += ["effect, synthetic comparison", "effect in one district", "spillover"]
QUANTITIES = [("log points", name) for name in [*EFFECTS, "slope before"]]
QUANTITIES += [("CNY", name) for name in EFFECTS] + [("share", "reports moved over a mark")]
RATIOS = ["effect", "effect on a typical village", "effect against other towns", "spillover", "slope before"]
QUANTITIES += [("%", name) for name in RATIOS]
FOUND = ["truth", "estimate", "low", "high"]
# Averages of placebo districts behind each synthetic interval; those of a study have 499.
PLACEBO_AVERAGES = 59
FIRST = Path(__file__).resolve().parents[1] / "tests" / "reference" / "built_in_checks_first_panel.csv"


Design = tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.DataFrame]


def design() -> Design:
    """Villages, members, groups that share shocks, and the default study's units."""
    villages, members = read_table("villages").query("committee == 'village_committee'"), read_table("membership")
    return villages, members, shock_groups(villages, members), load_study(DATA / "study.toml").units


def main() -> None:
    """Draw every kind of panel and write what the checks found."""
    began, parts, first, drawn_on = time.perf_counter(), [], [], design()
    with joblib.parallel_config(n_jobs=-1):
        for panel, switches in PANELS.items():
            found = replicate(partial(checks, drawn_on=drawn_on, switches=switches), REPLICATIONS, SEED, "panels")
            parts.append(summary(found).assign(panel=panel))
            first.append(one_panel(found[0]).assign(panel=panel))
            print(f"{panel}: {time.perf_counter() - began:.0f} s")
    columns = ["truth", "mean", "monte_carlo_error", "coverage", "median_width", "leaves_out_zero", "panels"]
    table = pd.concat(parts)[["panel", "unit", "quantity", *columns]].round(6)
    write = {"index": False, "encoding": "utf-8", "lineterminator": "\n"}
    table.to_csv(DATA / "simulated" / "simulated_built_in_checks.csv", **write)
    pd.concat(first)[["panel", "unit", "quantity", *FOUND]].round(9).to_csv(FIRST, **write)


def checks(
    generator: np.random.Generator, _replication: int, *, drawn_on: Design, switches: Mapping[str, object]
) -> np.ndarray:
    """One panel: truth, estimate, low and high of each quantity, shape (quantities, 4)."""
    villages, members, group, units = drawn_on
    draw = partial(simulate_panel, villages, members, group, seed=int(generator.integers(2**32)))
    drawn = draw(**switches)
    everything, positive = study_of(drawn.panel, units), study_of(drawn.panel.query(f"{OUTCOME} > 0"), units)
    answers = {("log points", name): answer for name, answer in of_study(positive, scale="log").items()}
    answers |= {("CNY", name): answer for name, answer in of_study(everything, scale="level").items()}
    answers |= {("%", name): list(100 * np.expm1(answer)) for name, answer in in_per_cent(everything).items()}
    answers["share", "reports moved over a mark"] = moved_reports(everything)
    unmoved = study_of(draw(**(switches | {"calibration": UNMOVED})).panel, units)
    clean, plain = ({**switches, "dirt": False, **more} for more in ({}, {"effect": False, "spillover": 0.0}))
    without = draw(**plain).panel[OUTCOME]
    truth = true_values(drawn, draw(**clean).panel[OUTCOME] - without, without, members, switches)
    truth["share", "reports moved over a mark"] = (
        answers["share", "reports moved over a mark"][0] - moved_reports(unmoved)[0]
    )
    rows = [[truth.get(key, truth.get((key[0], "effect"))), *answers[key]] for key in QUANTITIES]
    return np.array(rows, dtype=float)


def study_of(panel: pd.DataFrame, units: pd.DataFrame) -> Study:
    """The panel with the default study's groups and start years."""
    codes = panel["village_code"]
    placed = {"group": codes.map(units["group"]), "start": codes.map(units["first_treated"])}
    names = {"unit": "village_code", "time": "year", "first_treated": "start", "group": "group", "stratum": "town_code"}
    return Study.from_frame(panel.assign(**placed), **names, outcomes=PRICED)


def of_study(study: Study, *, scale: str) -> dict[str, list[float]]:
    """Estimate, low and high by each check; missing where a check has no answer."""
    events, beside = event_study(study, OUTCOME, scale=scale), neighbours(study, OUTCOME, scale=scale)
    bounds = events.honest_bounds(values=[1.0]).frame.iloc[0]
    return {
        "effect": tested(did(study, OUTCOME, scale=scale)),
        "effect, honest bounds": [events.average().value, bounds["low"], bounds["high"]],
        "effect against other towns": tested(beside.treated),
        "effect, reweighted": reweighted(study, scale),
        "effect, synthetic comparison": synthetic(study, scale),
        "effect in one district": [
            *by_district(study, OUTCOME, scale=scale).frame().loc[DISTRICT, ["effect", *FOUND[2:]]]
        ],
        "spillover": tested(beside.spillover),
        "slope before": tested(events.pretrend().slope),
    }


def in_per_cent(study: Study) -> dict[str, np.ndarray]:
    """Estimate, low and high of the Poisson regressions, in log points."""
    beside, events = neighbours(study, OUTCOME), event_study(study, OUTCOME)
    estimates = [did(study, OUTCOME), dominance(study, OUTCOME)["a typical village"], beside.treated, beside.spillover]
    return {
        name: np.array(tested(one)) for name, one in zip(RATIOS, [*estimates, events.pretrend().slope], strict=True)
    }


def true_values(
    drawn: Simulation, gain: pd.Series, without: pd.Series, members: pd.DataFrame, switches: Mapping[str, object]
) -> dict[tuple[str, str], float]:
    """Means over the village-years under treatment, or beside it: of log points, and of what villages gained in CNY.

    In per cent it is the gain of all together over what they would have had.
    """
    truth = drawn.true_effects.assign(gain=gain.to_numpy(), without=without.to_numpy())
    district = truth["village_code"].map(members.set_index("village_code")["district_id"])
    inside = truth[district.notna() & (truth["year"] >= 2023)]
    beside = truth[truth["spillover_log_points"] > 0]
    return {
        ("log points", "effect"): inside["effect_log_points"].mean(),
        ("log points", "spillover"): beside["spillover_log_points"].mean(),
        ("log points", "slope before"): switches.get("selection_trend", 0.005),
        ("%", "effect"): 100 * inside["gain"].sum() / inside["without"].sum(),
        ("%", "effect on a typical village"): 100 * np.expm1(inside["effect_log_points"].mean()),
        ("%", "spillover"): 100 * beside["gain"].sum() / max(beside["without"].sum(), 1.0),
        ("%", "slope before"): 100 * np.expm1(switches.get("selection_trend", 0.005)),
        ("CNY", "effect"): inside["gain"].mean(),
        ("CNY", "effect in one district"): inside.loc[district == DISTRICT, "gain"].mean(),
        ("CNY", "spillover"): beside["gain"].mean(),
    }


def tested(estimate: Estimate) -> list[float]:
    """An estimate with its headline interval."""
    test = estimate.headline()
    return [estimate.value, test["low"], test["high"]]


def reweighted(study: Study, scale: str) -> list[float]:
    """The effect against reweighted villages; missing where no weights balance."""
    try:
        return tested(did(reweight(study, OUTCOME, scale=scale).study, OUTCOME, scale=scale, weights=WEIGHT))
    except StudyError:
        return [np.nan] * 3


def synthetic(study: Study, scale: str) -> list[float]:
    """The average synthetic effect; missing where a district has no village seen in all years."""
    try:
        test = synthetic_did(study, OUTCOME, scale=scale, draws=PLACEBO_AVERAGES).frame().loc["average"]
    except StudyError:
        return [np.nan] * 3
    return [test["estimate"], test["low"], test["high"]]


def moved_reports(study: Study) -> list[float]:
    """Share of the reports near the campaigns' marks that lie above them, beyond one half, with its interval."""
    above, below = bunching(other_prices(study, OUTCOME), OUTCOME, THRESHOLDS)[["above", "below"]].sum()
    interval = binomtest(above, above + below).proportion_ci(0.95)
    return [above / (above + below) - 0.5, interval.low - 0.5, interval.high - 0.5]


def one_panel(found: np.ndarray) -> pd.DataFrame:
    """What was found in one panel, one row per quantity."""
    return pd.DataFrame(QUANTITIES, columns=["unit", "quantity"]).join(pd.DataFrame(found, columns=FOUND))


def summary(found: np.ndarray) -> pd.DataFrame:
    """Means over panels with their Monte Carlo errors, and how often intervals hold the truth."""
    found = np.where(np.isnan(found).any(axis=2, keepdims=True), np.nan, found)
    truth, value, low, high = np.moveaxis(found, 2, 0)
    panels = (~np.isnan(value)).sum(axis=0)
    return pd.DataFrame(QUANTITIES, columns=["unit", "quantity"]).assign(
        truth=np.nanmean(truth, axis=0),
        mean=np.nanmean(value, axis=0),
        monte_carlo_error=np.nanstd(value, axis=0, ddof=1) / np.sqrt(panels),
        coverage=((low <= truth) & (truth <= high)).sum(axis=0) / panels,
        median_width=np.nanmedian(high - low, axis=0),
        leaves_out_zero=((low > 0) | (high < 0)).sum(axis=0) / panels,
        panels=panels,
    )


if __name__ == "__main__":
    main()
