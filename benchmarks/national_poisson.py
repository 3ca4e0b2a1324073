"""Time effects in per cent on a national panel, 690,000 villages over ten years, beside pyfixest's `fepois`.

Run from the project's folder: python benchmarks/national_poisson.py. It writes its section of README.md, and fails
where the numbers differ or a promise is not kept. Every measurement is a fresh process, as in national.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import national
import numpy as np
import pandas as pd
import pyarrow.parquet
import sections
from tqdm import tqdm

# One village in fifty earns nothing in a year; a hundred never do.
ZERO, NEVER = 0.02, 100
REPEATS = 2
# Fitted means are iterated to 1e-8 by pyfixest; errors differ by their factors for small samples.
SAME, SAME_ERRORS = 1e-6, 1e-4
# Promises: how many times as fast, validation included, and what share of the memory.
END_TO_END, MEMORY_SHARE = 4, 1 / 3


def make_panel(path: Path, villages: int) -> None:
    """The national panel with incomes of zero and more."""
    national.make_panel(path, villages)
    frame = pd.read_parquet(path)
    nothing = np.random.default_rng(national.SEED).random(len(frame)) < ZERO
    never = frame["village"].isin(frame["village"].unique()[:NEVER])
    frame.assign(income=frame["income"].clip(lower=0).mask(nothing | never, 0.0)).to_parquet(path, index=False)


def ours(frame: pd.DataFrame) -> dict[str, object]:
    """Validation, fit and the headline (CR2), which the other does not have."""
    from analysis import Study, did

    began = time.perf_counter()
    study = Study.from_frame(frame, **national.NAMES, outcomes=["income"])
    validated = time.perf_counter()
    estimate = did(study, "income", scale="poisson")
    fitted = time.perf_counter()
    found = [estimate.value, float(estimate.regression.bse[estimate.fitted.cells].iloc[0])]
    estimate.frame()
    stages = {"validation": validated - began, "fit": fitted - validated, "headline": time.perf_counter() - fitted}
    return {**stages, "found": found}


def pyfixest(frame: pd.DataFrame) -> dict[str, object]:
    """The same regression by `fepois`."""
    from pyfixest import fepois

    began = time.perf_counter()
    frame["treated"] = (frame["year"] >= frame["start"]).fillna(False).astype(float)
    fit = fepois("income ~ treated | village + year", frame, vcov={"CRV1": "county"})
    return {"fit": time.perf_counter() - began, "found": [float(fit.coef().iloc[0]), float(fit.se().iloc[0])]}


PACKAGES = {"ours": ours, "pyfixest": pyfixest}


def in_new_process(package: str, path: Path, small: Path) -> dict[str, object]:
    command = [sys.executable, __file__, package, str(path), str(small)]
    run = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return json.loads(run.stdout.splitlines()[-1])


def main(villages: int = national.VILLAGES) -> None:
    """Measure in turns, write the section, and fail where a promise is not kept."""
    with tempfile.TemporaryDirectory() as name:
        path, small = Path(name) / "national.parquet", Path(name) / "small.parquet"
        make_panel(path, villages)
        make_panel(small, 3_000)
        rows = pyarrow.parquet.read_metadata(path).num_rows
        turns = [package for _ in range(REPEATS) for package in PACKAGES]
        runs = [(package, in_new_process(package, path, small)) for package in tqdm(turns, disable=None)]
    best = {}
    for package in PACKAGES:
        found = [run for name, run in runs if name == package]
        stages = {stage: min(run.get(stage, 0.0) for run in found) for stage in ("validation", "fit", "headline")}
        best[package] = stages | {"peak": max(run["peak"] for run in found), "found": found[0]["found"]}
    table = pd.DataFrame(best).T.drop(columns="found").astype(float)
    whole = table[["validation", "fit", "headline"]].sum(axis=1)
    faster, memory = whole["pyfixest"] / whole["ours"], table.loc["ours", "peak"] / table.loc["pyfixest", "peak"]
    apart = np.abs(np.divide(best["ours"]["found"], best["pyfixest"]["found"]) - 1)
    shown = table.set_axis(["validation, s", "fit with CR1 errors, s", "CR2 table, s", "peak memory, GB"], axis=1)
    sections.write(
        "national_poisson",
        "Effects in per cent on a national panel",
        f'`did(scale="poisson")` is {faster:.1f} times as fast as `pyfixest.fepois`, validation and the table with CR2 '
        f"errors included, with {memory:.0%} of its memory. Coefficients differ by {apart[0]:.0e} of themselves, CR1 "
        f"errors by {apart[1]:.0e}.",
        sections.table(shown.where(shown > 0), "{:.2f}", '`did(scale="poisson")` and `fepois`'),
        f"Notes: {rows:,} rows, the national panel with {ZERO:.0%} zeros and {NEVER} villages of nothing but zeros. "
        f"{sections.machine(('numpy', 'pandas', 'statsmodels', 'pyfixest'))} The fastest of {REPEATS} runs, each in a "
        "fresh process after one on a small panel.",
    )
    promises = {
        f"{END_TO_END} times as fast, validation included": faster >= END_TO_END,
        f"{MEMORY_SHARE:.0%} of the memory": memory <= MEMORY_SHARE,
        f"the same coefficient to {SAME:g}": apart[0] <= SAME,
        f"the same error to {SAME_ERRORS:g}": apart[1] <= SAME_ERRORS,
    }
    sections.exit_with(promises)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if len(sys.argv) == 4:
        package, path, small = PACKAGES[sys.argv[1]], Path(sys.argv[2]), Path(sys.argv[3])
        package(national.read(small))
        print(json.dumps(package(national.read(path)) | {"peak": national.peak()}))
    else:
        main()
