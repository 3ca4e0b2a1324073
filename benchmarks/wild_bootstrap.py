"""Time 99,999 wild bootstrap draws on the study's panel, beside pyfixest (wildboottest), in one run.

Run from the project's folder: python benchmarks/wild_bootstrap.py. It writes its section of README.md.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyfixest
import sections

from analysis import did, load_study
from analysis.inference.cluster_pieces import cluster_codes, cluster_pieces
from analysis.inference.wild_bootstrap import wild_bootstrap
from analysis.regression.regression import Regression

DRAWS = 99_999
OUTCOME = "rural_income_per_head_cny"
# The fastest of this many timed runs of each, taken in turns, after one that warms up caches and compilers.
REPEATS = 5


def fastest(*runs: Callable[[], float]) -> list[tuple[float, float]]:
    """Seconds of the fastest turn of each run, and what it returned."""
    answers = [run() for run in runs]
    seconds = np.empty((REPEATS, len(runs)))
    for repeat in range(REPEATS):
        for number, run in enumerate(runs):
            start = time.perf_counter()
            run()
            seconds[repeat, number] = time.perf_counter() - start
    return list(zip(seconds.min(axis=0), answers, strict=True))


def panel(fitted: Regression, cluster: str) -> pd.DataFrame:
    """The same rows for pyfixest."""
    frame = fitted.sample.frame
    return pd.DataFrame(
        {
            "outcome": fitted.sample.outcome,
            "treated": (fitted.cell_of_row >= 0).astype(float),
            "unit": pd.factorize(frame["unit"])[0],
            "year": frame["time"],
            "cluster": cluster_codes(fitted, cluster),
        }
    )


def compare(fitted: Regression, cluster: str, weights: str) -> dict[str, float]:
    """Both times, their ratio and both p-values."""
    contrast, clusters = fitted.combination(np.ones(1)), cluster_codes(fitted, cluster)
    theirs = pyfixest.feols("outcome ~ treated | unit + year", panel(fitted, cluster), vcov={"CRV1": "cluster"})
    (our_time, our_p), (their_time, their_p) = fastest(
        lambda: wild_bootstrap(cluster_pieces(fitted, contrast, clusters), draws=DRAWS, weights=weights).p_value,
        lambda: theirs.wildboottest(param="treated", reps=DRAWS, weights_type=weights, seed=1)["Pr(>|t|)"],
    )
    times = {"ours, s": our_time, "pyfixest, s": their_time, "ratio": their_time / our_time}
    return times | {"our p": our_p, "their p": their_p}


def main() -> None:
    study = load_study()
    fitted = did(study, OUTCOME, estimator="two_way", scale="level").fitted
    rows = {}
    for cluster, number in (("group", "groups"), ("unit", "villages")):
        for weights in ("rademacher", "webb"):
            clusters = cluster_codes(fitted, cluster).max() + 1
            rows[f"{clusters} {number}, {weights.capitalize()}"] = compare(fitted, cluster, weights)
    formats = {"ours, s": "{:.3f}", "pyfixest, s": "{:.3f}", "ratio": "{:.1f}", "our p": "{:.4f}", "their p": "{:.4f}"}
    table = pd.DataFrame.from_dict(rows, orient="index")
    sections.write(
        "wild_bootstrap",
        "Wild cluster bootstrap",
        f"Ours is {table['ratio'].min():.0f} to {table['ratio'].max():.0f} times as fast as pyfixest (wildboottest). "
        "It includes the interval by test inversion. Theirs is the p-value alone.",
        sections.table(table, formats, "clusters, weights"),
        f"Notes: {DRAWS:,} draws on {len(fitted.design):,} village-years, the fastest of {REPEATS} runs in turns. "
        f"{sections.machine(['numpy', 'pyfixest', 'wildboottest'])}",
    )


if __name__ == "__main__":
    with warnings.catch_warnings(action="ignore"):
        main()
