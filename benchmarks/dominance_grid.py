"""Size of every method in per cent, where a village or a district carries the money; writes a table of notebook 05.

    .venv/bin/python benchmarks/dominance_grid.py

Two hundred replications of each of seven designs take some two minutes on two cores. The numbers do not depend on the
number of cores.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import joblib  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from analysis import Outcome, Study, did  # noqa: E402
from analysis.design.replication import replicate  # noqa: E402
from analysis.inference.inversion import rejects  # noqa: E402
from analysis.inference.methods import METHODS, infer  # noqa: E402
from analysis.reading.read_files import DATA  # noqa: E402

GROUPS, VILLAGES, TREATED, YEARS, START = 56, 5, 5, range(2016, 2025), 2023
REPLICATIONS, DRAWS, SEED, LEVEL = 200, 399, 410883, 0.95
# Standard deviations in log points: of villages' usual incomes, and of what groups and villages are shaken by.
USUAL, SHARED, OWN, PERSISTENCE, ZEROS = 0.9, 0.17, 0.22, 0.6, 0.03


def one_of(share: float, villages: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Usual incomes of which some villages together have this share of their side's total."""

    def richer(usual: np.ndarray) -> np.ndarray:
        chosen = villages(np.arange(len(usual)))
        treated = np.arange(len(usual)) < TREATED * VILLAGES
        side = treated if treated[chosen].any() else ~treated
        rest = usual[side & ~chosen].sum()
        return np.where(chosen, usual * share / (1 - share) * rest / usual[chosen].sum(), usual)

    return richer


DESIGNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "spread as drawn": lambda usual: usual,
    "one village 25 %": one_of(0.25, lambda village: village == 0),
    "one village 50 %": one_of(0.50, lambda village: village == 0),
    "one village 80 %": one_of(0.80, lambda village: village == 0),
    "one district 65 %": one_of(0.65, lambda village: village < VILLAGES),
    "one district 80 %": one_of(0.80, lambda village: village < VILLAGES),
    "an untreated village 50 %": one_of(0.50, lambda village: village == TREATED * VILLAGES),
}


def main() -> None:
    """Fill the grid and write it beside the simulated panel."""
    began, parts = time.perf_counter(), []
    with joblib.parallel_config(n_jobs=-1):
        for name, design in DESIGNS.items():
            found = replicate(partial(p_values, draw=partial(panel, design=design)), REPLICATIONS, SEED, name)
            design_is = {"treated_total": name, "effective_districts": found[:, 0].mean()}
            parts.append(pd.DataFrame({**design_is, **rates(found[:, 1:])}))
            print(f"{name}: {time.perf_counter() - began:.0f} s")
    grid = pd.concat(parts).round({"monte_carlo_error": 6, "effective_districts": 3})
    path = DATA / "simulated" / "simulated_dominance.csv"
    grid.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def rates(found: np.ndarray) -> dict[str, Sequence]:
    """Columns on each method from p-values of shape (replications, methods)."""
    replications, answered = len(found), ~np.isnan(found)
    rate = rejects(found, LEVEL).mean(axis=0)
    likely = (replications * rate + 2) / (replications + 4)
    columns = {"method": METHODS, "rejection_rate": rate}
    columns["monte_carlo_error"] = np.sqrt(likely * (1 - likely) / (replications + 4))
    return columns | {"replications": answered.sum(axis=0), "missing": (~answered).sum(axis=0)}


def p_values(
    generator: np.random.Generator, _replication: int, *, draw: Callable[[np.random.Generator], Study]
) -> np.ndarray:
    """Effective treated districts and each method's p-value in one panel without an effect."""
    estimate = did(draw(generator), "income")
    tests = infer(estimate.fitted, estimate.effect, METHODS, draws=DRAWS, level=1.0)
    return np.array([estimate.effective_treated_districts, *tests["p_value"]], dtype=float)


def panel(
    generator: np.random.Generator,
    design: Callable[[np.ndarray], np.ndarray],
    *,
    treated: int = TREATED,
    shared: float = SHARED,
    own: float = OWN,
    treated_scale: float = 1.0,
) -> Study:
    """Villages with skewed usual incomes, shaken in per cent, some of them at zero; the first groups are treated."""
    villages, years = GROUPS * VILLAGES, len(YEARS)
    usual = design(np.exp(USUAL * generator.standard_normal(villages)))
    together = np.repeat(paths(generator, GROUPS, years), VILLAGES, axis=0)
    shocks = shared * together + own * paths(generator, villages, years)
    shocks[: treated * VILLAGES] *= treated_scale
    income = usual[:, None] * np.exp(shocks) * (generator.random((villages, years)) >= ZEROS)
    study = roster(treated)
    return replace(study, frame=study.frame.assign(income=income.ravel()))


@cache
def roster(treated: int) -> Study:
    """The villages and years of every panel, checked once, in the order of incomes drawn."""
    villages, years = GROUPS * VILLAGES, len(YEARS)
    number = np.repeat(np.arange(villages), years)
    frame = pd.DataFrame({"village": number, "year": np.tile(YEARS, villages), "income": 1.0})
    frame["group"] = number // VILLAGES
    frame["start"] = np.where(frame["group"] < treated, START, np.nan)
    names = {"unit": "village", "time": "year", "first_treated": "start", "group": "group"}
    return Study.from_frame(frame, **names, outcomes={"income": Outcome("income", "CNY", scale="poisson")})


def paths(generator: np.random.Generator, number: int, years: int) -> np.ndarray:
    """Persistent paths of unit variance, shape (number, years)."""
    path = generator.standard_normal((number, years))
    for year in range(1, years):
        path[:, year] = PERSISTENCE * path[:, year - 1] + np.sqrt(1 - PERSISTENCE**2) * path[:, year]
    return path


if __name__ == "__main__":
    main()
