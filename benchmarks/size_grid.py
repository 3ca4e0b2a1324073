"""Size of every method on the default study's design, over a grid; writes the table that notebook 05 shows.

    .venv/bin/python benchmarks/size_grid.py

Two thousand replications of each of 24 designs take some nine minutes on two cores. The numbers do not depend on
the number of cores.
"""

from __future__ import annotations

import os
import time
from itertools import product

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import joblib  # noqa: E402
import pandas as pd  # noqa: E402

from analysis import load_study, rejection_rates  # noqa: E402
from analysis.reading.read_files import DATA  # noqa: E402

TREATED_GROUPS = (3, 5, 10)
TREATED_SCALES = (1.0, 2.0)
CORRELATIONS = (0.0, 0.1, 0.3, 0.6)
REPLICATIONS = 2000
SEED = 410883


def main() -> None:
    """Fill the grid and write it beside the simulated panel."""
    study = load_study(DATA / "study.toml")
    began, parts = time.perf_counter(), []
    with joblib.parallel_config(n_jobs=-1):
        for number, (groups, scale, correlation) in enumerate(product(TREATED_GROUPS, TREATED_SCALES, CORRELATIONS)):
            rates = rejection_rates(
                study,
                study.primary_outcome,
                treated_groups=groups,
                treated_scale=scale,
                correlation=correlation,
                replications=REPLICATIONS,
                seed=SEED + number,
            )
            design = {"treated_groups": groups, "treated_scale": scale, "correlation": correlation}
            parts.append(rates.reset_index().assign(**design))
            print(f"{groups} treated, SD x {scale:g}, correlation {correlation:g}: {time.perf_counter() - began:.0f} s")
    columns = ["treated_groups", "treated_scale", "correlation", "method", "rejection_rate", "monte_carlo_error"]
    grid = pd.concat(parts)[[*columns, "replications", "missing"]].round({"monte_carlo_error": 6})
    path = DATA / "simulated" / "simulated_rejection_rates.csv"
    grid.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


if __name__ == "__main__":
    main()
