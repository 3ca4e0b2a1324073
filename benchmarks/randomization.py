"""Time 10,000 studentised reassignments of five districts against refits of the same regression.

Run from the project's folder: python benchmarks/randomization.py. It writes its section of README.md. All timings come
from this one run; refits are timed for 100 draws and extrapolated. pyfixest's own ritest is shown as it answers: it
neither keeps the number of treated districts nor reassigns a district's villages together in a regression with fixed
effects.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pyfixest
import sections
import statsmodels.formula.api as formulas

from analysis import Study, did
from analysis.effects.randomization import randomization
from analysis.inference.assignments import possible_assignments

DRAWS, REFITS = 10_000, 100
START = 2023


def panel(seed: int = 1) -> Study:
    """274 villages in 54 districts, five of them treated in the last two of nine years."""
    generator = np.random.default_rng(seed)
    district = np.minimum(np.arange(274) // 5, 53)
    frame = pd.DataFrame({"village": np.repeat(np.arange(274), 9), "year": np.tile(np.arange(2016, 2025), 274)})
    frame["district"] = district[frame["village"]]
    frame["start"] = frame["district"].map(lambda d: START if d < 5 else pd.NA).astype("Int64")
    shocks = generator.normal(size=(54, 9))[frame["district"], frame["year"] - 2016]
    frame["income"] = shocks + generator.normal(size=len(frame))
    return Study.from_frame(frame, unit="village", time="year", first_treated="start", group="district")


def seconds(task: Callable[[], object], repeats: int = 3) -> float:
    """The shortest of several runs."""
    runs = []
    for _ in range(repeats):
        began = time.perf_counter()
        task()
        runs.append(time.perf_counter() - began)
    return min(runs)


def refits(study: Study, fit: Callable[[pd.DataFrame], object]) -> Callable[[], None]:
    """Fit the regression anew for each of the first draws."""
    codes = possible_assignments(study.frame, None, REFITS, 2023).codes
    group = pd.factorize(study.frame["group"])[0]
    after = study.frame["time"].to_numpy() >= START

    def run() -> None:
        for code in codes:
            fit(study.frame.assign(treated=(after & (code[group] >= 0)).astype(float)))

    return run


def statsmodels_refit(frame: pd.DataFrame) -> float:
    model = formulas.ols("income ~ treated + C(unit) + C(time)", frame)
    return model.fit(cov_type="cluster", cov_kwds={"groups": frame["group"]}).tvalues["treated"]


def own_refit(study: Study) -> Callable[[pd.DataFrame], float]:
    def fit(frame: pd.DataFrame) -> float:
        starts = frame["treated"].groupby(frame["unit"]).transform("max").map({1.0: START, 0.0: pd.NA}).astype("Int64")
        moved = replace(study, frame=frame.assign(first_treated=starts))
        return did(moved, "income").regression.tvalues["treated"]

    return fit


def pyfixest_refit(frame: pd.DataFrame) -> float:
    return pyfixest.feols("income ~ treated | unit + time", frame, vcov={"CRV1": "group"}).tstat()["treated"]


def ritest_answer(study: Study) -> str:
    frame = study.frame.assign(
        treated=(study.frame["time"] >= study.frame["first_treated"]).fillna(False).astype(float)
    )
    fit = pyfixest.feols("income ~ treated | unit + time", frame, vcov={"CRV1": "group"})
    try:
        answer = fit.ritest("treated", cluster="group", reps=REFITS, type="randomization-t", choose_algorithm="slow")
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return f"p = {answer['Pr(>|t|)']:.3f} for another design (treatment drawn by coin, not five districts)"


def main() -> None:
    warnings.simplefilter("ignore")
    study = panel()
    estimate = did(study, "income")
    taken = {"ours, with the interval": seconds(lambda: randomization(estimate, draws=DRAWS))}
    others = {"`did`": (own_refit(study), 2), "pyfixest": (pyfixest_refit, 2)}
    others |= {"statsmodels with village dummies": (statsmodels_refit, 1)}
    for name, (fit, repeats) in others.items():
        taken[f"refits by {name} (from {REFITS})"] = seconds(refits(study, fit), repeats) * DRAWS / REFITS
    table = pd.DataFrame({"seconds": taken})
    table["ratio to ours"] = table["seconds"] / table["seconds"].iloc[0]
    sections.write(
        "randomization",
        "Randomization inference",
        f"{DRAWS:,} reassignments take {table['seconds'].iloc[0]:.2f} s. Refits of the same regression would take "
        f"{table['ratio to ours'].iloc[1]:,.0f} times as long or more.",
        sections.table(table, {"seconds": "{:,.3f}", "ratio to ours": "{:,.0f}"}, "reassignments"),
        f"Notes: studentised reassignments of five of {study.units['group'].nunique()} districts, "
        f"{len(study.units)} villages. pyfixest's own ritest with cluster= answers: {ritest_answer(study)} "
        f"{sections.machine(['numpy', 'statsmodels', 'pyfixest'])}",
    )


if __name__ == "__main__":
    main()
