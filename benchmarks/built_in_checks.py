"""What each check finds of what was built into the simulated panel; writes the table that notebook 07 shows.

    .venv/bin/python benchmarks/built_in_checks.py

Two hundred panels of each of four kinds take some two minutes on two cores. The numbers do not depend on the
number of cores. The seed of the demonstration panel is not among these seeds.
"""

from __future__ import annotations

import os
import time

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

from functools import partial  # noqa: E402

import joblib  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from analysis import Study, did, event_study, load_study  # noqa: E402
from analysis.reading.read_files import DATA, read_table  # noqa: E402
from analysis.replication import replicate  # noqa: E402
from analysis.robustness.reweighting import WEIGHT, reweight  # noqa: E402
from analysis.robustness.spillover import neighbours  # noqa: E402
from analysis.simulate import shock_groups, simulate_panel  # noqa: E402

REPLICATIONS = 200
SEED = 2023
OUTCOME = "collective_income_cny"
PANELS = {
    "as stored": {},
    "without effect": {"effect": False},
    "strong spillover": {"spillover": 0.15},
    "strong selection on trend": {"selection_trend": 0.05},
}
QUANTITIES = {
    "effect": "effect",
    "effect, honest bounds": "effect",
    "effect against other towns": "effect",
    "effect, reweighted": "effect",
    "spillover": "spillover",
    "slope before": "slope",
}


def main() -> None:
    """Draw every kind of panel and write what the checks found."""
    villages = read_table("villages").query("committee == 'village_committee'")
    members = read_table("membership")
    study = load_study(DATA / "study.toml")
    design = {
        "villages": villages,
        "membership": members,
        "group": shock_groups(villages, members),
        "units": study.units,
    }
    began, parts = time.perf_counter(), []
    with joblib.parallel_config(n_jobs=-1):
        for panel, switches in PANELS.items():
            found = replicate(partial(checks, **design, switches=switches), REPLICATIONS, SEED, "panels")
            parts.append(summary(found).assign(panel=panel))
            print(f"{panel}: {time.perf_counter() - began:.0f} s")
    found = ["truth", "mean", "monte_carlo_error", "coverage", "median_width", "leaves_out_zero"]
    table = pd.concat(parts)[["panel", "quantity", *found, "panels"]].round(6)
    path = DATA / "simulated" / "simulated_built_in_checks.csv"
    table.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def checks(
    generator: np.random.Generator,
    _replication: int,
    *,
    villages: pd.DataFrame,
    membership: pd.DataFrame,
    group: pd.Series,
    units: pd.DataFrame,
    switches: dict,
) -> np.ndarray:
    """One panel: truth, estimate, low and high of each quantity, in logs, shape (quantities, 4)."""
    seed = int(generator.integers(2**32))
    drawn = simulate_panel(villages, membership, group, seed=seed, **switches)
    panel = drawn.panel.merge(drawn.true_effects, on=["village_code", "year"]).query(f"{OUTCOME} > 0")
    design = panel["village_code"].map(units["group"]), panel["village_code"].map(units["first_treated"])
    study = Study.from_frame(
        panel.assign(group=design[0], start=design[1]),
        unit="village_code",
        time="year",
        first_treated="start",
        group="group",
        stratum="town_code",
    )
    events, beside = event_study(study, OUTCOME, log=True), neighbours(study, OUTCOME, log=True)
    weighted = reweight(study, OUTCOME, log=True).study
    bounds = events.honest_bounds(values=[1.0]).frame.iloc[0]
    found = {
        "effect": tested(did(study, OUTCOME, log=True)),
        "effect, honest bounds": [events.average().value, bounds["low"], bounds["high"]],
        "effect against other towns": tested(beside.treated),
        "effect, reweighted": tested(did(weighted, OUTCOME, log=True, weights=WEIGHT)),
        "spillover": tested(beside.spillover),
        "slope before": tested(events.pretrend().slope),
    }
    treated = panel[panel["effect_log_points"] > 0] if switches.get("effect", True) else panel.iloc[:0]
    reached = panel[panel["spillover_log_points"] > 0]
    truth = {"effect": treated["effect_log_points"].mean() if len(treated) else 0.0}
    truth |= {"spillover": reached["spillover_log_points"].mean(), "slope": switches.get("selection_trend", 0.005)}
    return np.array([[truth[kind], *found[name]] for name, kind in QUANTITIES.items()], dtype=float)


def tested(estimate) -> list[float]:  # noqa: ANN001
    """An estimate with its headline interval."""
    test = estimate.headline()
    return [estimate.value, test["low"], test["high"]]


def summary(found: np.ndarray) -> pd.DataFrame:
    """Means over panels with their Monte Carlo errors, and how often intervals hold the truth."""
    truth, value, low, high = np.moveaxis(found, 2, 0)
    return pd.DataFrame(
        {
            "quantity": list(QUANTITIES),
            "truth": truth.mean(axis=0),
            "mean": value.mean(axis=0),
            "monte_carlo_error": value.std(axis=0, ddof=1) / np.sqrt(len(value)),
            "coverage": ((low <= truth) & (truth <= high)).mean(axis=0),
            "median_width": np.median(high - low, axis=0),
            "leaves_out_zero": ((low > 0) | (high < 0)).mean(axis=0),
            "panels": len(value),
        }
    )


if __name__ == "__main__":
    main()
