"""Size of every method in per cent over the grid of notebook 05, outcomes skewed and some at zero; writes a table.

    .venv/bin/python benchmarks/poisson_grid.py

Four hundred replications of each of 24 designs take some twenty minutes on one core. The numbers do not depend on the
number of cores.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from itertools import product

import dominance_grid
import joblib
import numpy as np
import pandas as pd
from dominance_grid import DATA, OWN, SEED, SHARED, p_values, panel, rates
from size_grid import CORRELATIONS, TREATED_GROUPS, TREATED_SCALES

from analysis.design.replication import replicate

REPLICATIONS = 400
# The library gives no interval below two effective districts, and cautions below three.
BANDS = {"below 2": (0, 2), "2 to 3": (2, 3), "3 or more": (3, np.inf)}


def main(jobs: int = -1) -> None:
    """Fill the grid and write it beside the simulated panel, each design by the effective districts that were drawn."""
    began, parts, size = time.perf_counter(), [], np.hypot(SHARED, OWN)
    with joblib.parallel_config(n_jobs=jobs):
        for number, (treated, scale, correlation) in enumerate(product(TREATED_GROUPS, TREATED_SCALES, CORRELATIONS)):
            sizes = {"shared": size * np.sqrt(correlation), "own": size * np.sqrt(1 - correlation)}
            design = {"treated_groups": treated, "treated_scale": scale, "correlation": correlation}
            draw = partial(panel, design=dominance_grid.DESIGNS["spread as drawn"], treated=treated, **sizes)
            task = partial(p_values, draw=partial(draw, treated_scale=scale))
            found = replicate(task, REPLICATIONS, SEED + number, str(design))
            for band, (least, most) in BANDS.items():
                inside = found[(found[:, 0] >= least) & (found[:, 0] < most), 1:]
                if len(inside):
                    parts.append(pd.DataFrame({**design, "effective_districts": band, **rates(inside)}))
            print(
                f"{treated} treated, SD x {scale:g}, correlation {correlation:g}: {time.perf_counter() - began:.0f} s"
            )
    grid = pd.concat(parts).round({"rejection_rate": 6, "monte_carlo_error": 6})
    path = DATA / "simulated" / "simulated_rejection_rates_poisson.csv"
    grid.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
