"""How often the effect said to be found 80 % of the time is found, on villages whose shocks are drawn anew.

    .venv/bin/python benchmarks/stated_power.py

Each study has villages of its own, drawn from the simulated panel's model of incomes without effects, spillovers or
faults of reporting. From one panel of them the detectable effect is stated in each scale; their shocks are then drawn
many times more, and every panel answered by the headline inference. It writes a section of README.md.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from dataclasses import replace  # noqa: E402
from functools import partial  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import sections  # noqa: E402
from scipy import stats  # noqa: E402
from tqdm import tqdm  # noqa: E402

from analysis import Study, load_study, minimum_detectable_effect  # noqa: E402
from analysis.design.null_draws import LinearDesign, planned_design  # noqa: E402
from analysis.design.poisson_draws import PoissonDesign  # noqa: E402
from analysis.design.replication import replicate  # noqa: E402
from analysis.inference.cluster_pieces import cluster_codes, cluster_pieces  # noqa: E402
from analysis.simulation.simulate import CALIBRATION, SELECTION_LEVEL  # noqa: E402
from analysis.simulation.village_model import Places, untreated_income  # noqa: E402

OUTCOME = "collective_income_cny"
STUDIES, PANELS, DRAWS, SEED = 24, 150, 400, 10_000
SCALES = ("poisson", "log", "level")
VILLAGES = ("tail", "group_level", "village_level")
LUCK = ("group_shock", "village_shock", "town_shock", "noise")


def incomes(study: Study, villages: int, luck: np.random.Generator) -> np.ndarray:
    """Incomes in the study's rows, of villages with this number and of one draw of shocks."""
    units, frame = study.units, study.frame
    group, town = (pd.factorize(units[name])[0] for name in ("group", "stratum"))
    numbered = np.random.default_rng([SEED, villages])
    streams = dict(zip(VILLAGES, numbered.spawn(len(VILLAGES)), strict=True))
    streams |= dict(zip(LUCK, luck.spawn(len(LUCK)), strict=True))
    years = np.unique(frame["time"])
    places = Places(group, town, units["first_treated"].notna().to_numpy())
    drawn = untreated_income(streams, places, years, SELECTION_LEVEL, 0.0, CALIBRATION)
    return drawn[units.index.get_indexer(frame["unit"]), np.searchsorted(years, frame["time"])]


def one_study(_: np.random.Generator, number: int, *, study: Study) -> np.ndarray:
    """Stated effects of a study, and how often each is found: gain and loss by Poisson and shifted, logs, levels."""
    lots = np.random.default_rng([SEED, number, 1]).spawn(PANELS + 1)
    panel = replace(study, frame=study.frame.assign(**{OUTCOME: incomes(study, number, lots[0])}))
    said = {scale: minimum_detectable_effect(panel, OUTCOME, scale=scale, replications=DRAWS) for scale in SCALES}
    design = planned_design(panel, OUTCOME)
    clusters = cluster_codes(design.fitted, "group")
    pieces = cluster_pieces(design.fitted, design.effect, clusters)
    poisson, linear = PoissonDesign.of(design, pieces), LinearDesign.of(design, pieces, clusters)
    effects, fits = (0.0, said["poisson"].value, -said["poisson"].loss), []
    for luck in tqdm(lots[1:], disable=None, leave=False):
        drawn = incomes(study, number, luck)
        ratios = [poisson.headline(drawn, effect) for effect in effects]
        fits.append([*ratios, linear.headline(np.log(drawn)), linear.headline(drawn)])
    none, gain, loss, log, level = np.array(fits).transpose(1, 2, 0)
    rows = [
        [said["poisson"].percent, none[0].mean(), found(gain), found(none, effects[1])],
        [said["poisson"].loss_percent, none[0].mean(), found(loss), found(none, effects[2])],
        [said["log"].value, log[0].mean(), *[both(log, said["log"].value)] * 2],
        [said["level"].value, level[0].mean(), *[both(level, said["level"].value)] * 2],
    ]
    return np.array(rows)


def found(fits: np.ndarray, effect: float = 0.0) -> float:
    """Share of panels whose effect, shifted by another one, has an interval without zero."""
    value, error, df = fits
    return float((np.abs(value + effect) >= stats.t.ppf(0.975, df) * error).mean())


def both(fits: np.ndarray, effect: float) -> float:
    """The same for panels counted with both signs, the estimate's average over panels taken out."""
    value, error, df = fits
    return float(np.mean([found(np.array([sign * (value - value.mean()), error, df]), effect) for sign in (-1, 1)]))


def main() -> None:
    """State effects, draw anew, and write the section."""
    drawn = replicate(partial(one_study, study=load_study()), STUDIES, SEED, "studies").transpose(1, 2, 0)
    names = ["poisson, gain (%)", "poisson, loss (%)", "log (log points)", "level (CNY)"]
    rows = {}
    for name, form, (stated, bias, power, _shifted) in zip(
        names, ["{:.1f}", "{:.1f}", "{:.3f}", "{:,.0f}"], drawn, strict=True
    ):
        low, high = np.quantile(power, [0.1, 0.9])
        rows[name] = {
            "stated effect, mean": form.format(stated.mean()),
            "bias of the estimate": ("{:,.0f}" if "CNY" in name else "{:.3f}").format(bias.mean()),
            "found, mean": f"{power.mean():.0%}",
            "found in eight studies of ten": f"{low:.0%} to {high:.0%}",
        }
    apart = 100 * np.abs(drawn[:2, 2] - drawn[:2, 3]).mean()
    sections.write(
        "stated_power",
        "The power that is stated",
        "An effect that a study is said to find 80 % of the time is found about so often. The column of means says how "
        "often in each scale; single studies, which know the size of shocks from one panel, are farther off.",
        sections.table(pd.DataFrame(rows).T, "{}", "scale"),
        f"Notes: {STUDIES} studies of 274 villages, drawn from the simulated panel's model of incomes. Each states the "
        f"effect from one panel; found is the share of {PANELS} panels of the same villages. Poisson regressions are "
        "fitted anew with the effect in the panel. Shifting the estimate instead changes the share by "
        f"{apart:.1f} percentage points on average. In levels and logs the estimate's bias is taken out.",
    )


if __name__ == "__main__":
    main()
