"""How often the effect said to be found 80 % of the time is found, on panels whose truth is known.

    .venv/bin/python benchmarks/stated_power.py

Panels are drawn from the simulated panel's model without effects, spillovers or faults of reporting. Each stated
effect is held against the estimates and CR2 errors of all panels, counted with both signs; the estimate's average
over panels, its bias, is taken out, because power is of an effect and not of a bias. It writes a section of README.md.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import dataclasses  # noqa: E402
from functools import partial  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import sections  # noqa: E402
from scipy import stats  # noqa: E402
from tqdm import tqdm  # noqa: E402

from analysis import Study, did, load_study, minimum_detectable_effect, read_table  # noqa: E402
from analysis.design.replication import replicate  # noqa: E402
from analysis.simulation.simulate import shock_groups, simulate_panel  # noqa: E402

OUTCOME = "collective_income_cny"
PANELS, STATED, DRAWS, FIRST_SEED = 250, 40, 500, 10_000
SCALES = ("level", "log")


def draw(study: Study, seed: int) -> Study:
    """The study's villages and years with incomes drawn anew."""
    villages = read_table("villages").query("committee == 'village_committee'")
    membership = read_table("membership")
    quiet = {"effect": False, "selection_trend": 0.0, "spillover": 0.0, "dirt": False}
    panel = simulate_panel(villages, membership, shock_groups(villages, membership), seed=seed, **quiet).panel
    drawn = panel.set_index(["village_code", "year"])[OUTCOME].reindex(
        pd.MultiIndex.from_frame(study.frame[["unit", "time"]])
    )
    return dataclasses.replace(study, frame=study.frame.assign(**{OUTCOME: drawn.to_numpy()}))


def estimates(_: np.random.Generator, number: int, *, study: Study) -> np.ndarray:
    """Estimate, CR2 error, degrees of freedom and (of the first panels) the stated effect, for each scale."""
    panel, found = draw(study, FIRST_SEED + number), []
    for scale in SCALES:
        estimate = did(panel, OUTCOME, scale=scale)
        test, stated = estimate.headline(), np.nan
        if number < STATED:
            stated = minimum_detectable_effect(panel, OUTCOME, scale=scale, replications=DRAWS).value
        found.append([estimate.value, test["std_error"], test["df"], stated])
    return np.array(found)


def found_at(effect: float, value: np.ndarray, error: np.ndarray, df: np.ndarray) -> float:
    """Share of panels, with both signs, in which an effect of this size leaves zero outside the interval."""
    bar = stats.t.ppf(0.975, df) * error
    return float(np.mean([np.abs(sign * value + effect) >= bar for sign in (-1, 1)]))


def main() -> None:
    """Draw, hold the stated effects against all panels, and write the section."""
    study, rows = load_study(), {}
    drawn = replicate(partial(estimates, study=study), PANELS, FIRST_SEED, "panels")
    for scale, one in tqdm(zip(SCALES, drawn.transpose(1, 0, 2), strict=True), disable=None):
        value, error, df, stated = one.T
        stated = stated[~np.isnan(stated)]
        power = np.array([found_at(effect, value - value.mean(), error, df) for effect in stated])
        low, high = np.quantile(power, [0.1, 0.9])
        text = "{:,.3f}" if scale == "log" else "{:,.0f}"
        rows[scale] = {
            "stated effect, mean": text.format(stated.mean()),
            "bias of the estimate": text.format(value.mean()),
            "found, mean": f"{power.mean():.0%}",
            "found in eight panels of ten": f"{low:.0%} to {high:.0%}",
        }
    sections.write(
        "stated_power",
        "The power that is stated",
        f"Of {STATED} panels from the simulated panel's model of incomes the effect said to be found 80 % of the time, "
        f"and how often it is found over {PANELS} panels, the estimate's bias taken out. In levels rich villages make "
        "rare and large shocks, and grow by more money: what a few years show of that is too little.",
        sections.table(pd.DataFrame(rows).T, "{}", "scale"),
    )


if __name__ == "__main__":
    main()
