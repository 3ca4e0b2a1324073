"""Time 99,999 wild bootstrap draws on the study's panel, beside pyfixest (wildboottest), in one run."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyfixest

from analysis import did, load_study
from analysis.cluster_robust import cluster_codes, cluster_pieces
from analysis.regression import Regression
from analysis.wild_bootstrap import wild_bootstrap

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
            "treated": (fitted.membership >= 0).astype(float),
            "unit": pd.factorize(frame["unit"])[0],
            "year": frame["time"],
            "cluster": cluster_codes(fitted, cluster),
        }
    )


def compare(fitted: Regression, cluster: str, weights: str) -> None:
    """Print one row: what clusters and weights, both times, their ratio and both p-values."""
    contrast, clusters = fitted.contrast(np.ones(1)), cluster_codes(fitted, cluster)
    theirs = pyfixest.feols("outcome ~ treated | unit + year", panel(fitted, cluster), vcov={"CRV1": "cluster"})
    (our_time, our_p), (their_time, their_p) = fastest(
        lambda: wild_bootstrap(cluster_pieces(fitted, contrast, clusters), draws=DRAWS, weights=weights).p_value,
        lambda: theirs.wildboottest(param="treated", reps=DRAWS, weights_type=weights, seed=1)["Pr(>|t|)"],
    )
    what = f"{clusters.max() + 1} {cluster}s, {weights}"
    print(f"{what:<24} {our_time:8.3f} {their_time:12.3f} {their_time / our_time:6.1f} {our_p:8.4f} {their_p:8.4f}")


def main() -> None:
    study = load_study()
    fitted = did(study, OUTCOME, estimator="two_way").fitted
    print(f"{study.data_statement}\n{DRAWS:,} draws, {len(fitted.design):,} village-years")
    print(f"{'clusters, weights':<24} {'ours, s':>8} {'pyfixest, s':>12} {'ratio':>6} {'our p':>8} {'their p':>8}")
    for cluster in ("group", "unit"):
        for weights in ("rademacher", "webb"):
            compare(fitted, cluster, weights)
    print("Ours includes the interval by test inversion; pyfixest gives the p-value alone.")


if __name__ == "__main__":
    with warnings.catch_warnings(action="ignore"):
        main()
