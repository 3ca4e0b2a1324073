"""Time a national panel, 690,000 villages over ten years, beside pyfixest and linearmodels, and measure memory.

Run from the project's folder: python benchmarks/national.py. It writes its section of README.md and the figure
national.png, and fails where the numbers of the packages differ or a promise is not kept. Every measurement is a fresh
process, which reads the panel from Parquet, runs once on a small panel to warm up, and then on the large one; the
packages take turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pyarrow  # noqa: E402
import pyarrow.parquet  # noqa: E402
import sections  # noqa: E402
from tqdm import tqdm  # noqa: E402

FOLDER = Path(__file__).resolve().parent
YEARS, START = range(2015, 2025), 2022
VILLAGES, VILLAGES_PER_COUNTY = 690_000, 250
TREATED, MISSING, EFFECT = 0.09, 0.02, 0.5
SEED, REPEATS = 690, 3
# Villages on the growth figure: from about 10^3 to 10^7 rows.
SIZES = (100, 316, 1_000, 3_162, 10_000, 31_623, 100_000, 316_228, 1_020_000)
COLUMNS = ["village", "county", "year", "start", "income"]
NAMES = {"unit": "village", "time": "year", "first_treated": "start", "group": "county"}
# Coefficients and standard errors of exact and iterated algorithms agree to this share of themselves.
SAME = 1e-8
# Promises: how many times faster, end to end and the fit alone, and what share of the memory.
END_TO_END, FIT_ALONE, MEMORY_SHARE = 10, 15, 0.25
# And how many times as long ten times the rows may take, and how much memory a laptop has, in GB.
MOST_GROWTH, LAPTOP = 12, 8


def make_panel(path: Path, villages: int, seed: int = SEED) -> None:
    """Invented villages in counties of about 250, of which some are treated; rows shuffled, some missing."""
    random = np.random.default_rng(seed)
    counties = max(round(villages / VILLAGES_PER_COUNTY), 12)
    county = np.sort(random.integers(0, counties, villages))
    treated = random.permutation(counties) < max(round(TREATED * counties), 3)
    rows = random.permutation(villages * len(YEARS))[: round((1 - MISSING) * villages * len(YEARS))]
    village, year = rows // len(YEARS), rows % len(YEARS)
    shock, level = random.normal(size=(counties, len(YEARS))), 3 * random.normal(size=villages)
    place = county[village]
    income = 20 + level[village] + 0.3 * year + shock[place, year] + random.normal(size=len(rows))
    income += EFFECT * (treated[place] & (YEARS[0] + year >= START))
    # A village's code begins with its county's, as real codes do; none in China begins with 99.
    code = (990_000 + county) * 1_000_000 + np.arange(villages)
    frame = pd.DataFrame({"village": code[village], "county": 990_000 + place, "year": YEARS[0] + year})
    frame.assign(start=np.where(treated[place], START, np.nan), income=income).to_parquet(path, index=False)


def read(path: Path) -> pd.DataFrame:
    """The columns needed, with no second copy of them in memory."""
    table = pyarrow.parquet.read_table(path, columns=COLUMNS)
    frame = table.to_pandas(split_blocks=True, self_destruct=True)
    del table
    pyarrow.default_memory_pool().release_unused()
    return frame


Stages = Iterator[tuple[str, object]]


def ours(frame: pd.DataFrame, task: str) -> Stages:
    """Validation, fit and clustered errors; then the headline's (CR2) errors, which the others do not have."""
    from analysis import Study, did, event_study

    study = Study.from_frame(frame, **NAMES, outcomes=["income"])
    yield "validation", None
    effects = did(study, "income") if task == "did" else event_study(study, "income")
    cells = effects.fitted.cells
    yield "fit", [effects.regression.params[cells].tolist(), effects.regression.bse[cells].tolist()]
    effects.frame()
    yield "headline", effects.rows if task == "did" else effects.fitted.sample.rows


def pyfixest(frame: pd.DataFrame, task: str) -> Stages:
    """The same regression by `feols`."""
    from pyfixest import feols

    if task == "did":
        frame["treated"] = (frame["year"] >= frame["start"]).fillna(False).astype(float)
        term = "treated"
    else:
        frame["event_time"] = (frame["year"] - frame["start"]).fillna(-1).astype(int)
        term = "i(event_time, ref=-1)"
    fit = feols(f"income ~ {term} | village + year", frame, vcov={"CRV1": "county"})
    yield "fit", [fit.coef().tolist(), fit.se().tolist()]


def linearmodels(frame: pd.DataFrame, task: str) -> Stages:
    """The same regression by `PanelOLS`; its errors count the village effects, so that only coefficients compare."""
    from linearmodels import PanelOLS

    if task == "did":
        regressors = (frame["year"] >= frame["start"]).fillna(False).astype(float).to_frame("treated")
    else:
        regressors = pd.get_dummies((frame["year"] - frame["start"]).fillna(-1).astype(int), dtype=float).drop(
            columns=-1
        )
    index = pd.MultiIndex.from_frame(frame[["village", "year"]])
    frame, regressors = frame.set_axis(index), regressors.set_axis(index)
    model = PanelOLS(frame["income"], regressors, entity_effects=True, time_effects=True)
    fit = model.fit(cov_type="clustered", clusters=frame[["county"]])
    yield "fit", [fit.params.tolist(), None]


PACKAGES: dict[str, Callable[[pd.DataFrame, str], Stages]] = {
    "analysis": ours,
    "pyfixest": pyfixest,
    "linearmodels": linearmodels,
}


def measure(package: str, task: str, path: Path, small: Path) -> dict[str, object]:
    """In a process of its own: seconds of each stage, its answers, and the most memory the process ever held."""
    list(PACKAGES[package](read(small), task))
    began = time.perf_counter()
    frame = read(path)
    answer: dict[str, object] = {"read": time.perf_counter() - began}
    began = time.perf_counter()
    for stage, found in PACKAGES[package](frame, task):
        answer |= {stage: time.perf_counter() - began, f"{stage} found": found}
        began = time.perf_counter()
    return answer | {"peak": peak()}


def measure_file(_package: str, _task: str, path: Path, _small: Path) -> dict[str, float]:
    """The same from the file itself, as a user has it: a study.toml beside it, and `load_study`."""
    from analysis import did, load_study

    described = "\n".join(f'{key} = "{name}"' for key, name in NAMES.items())
    study_file = path.with_name("study.toml")
    study_file.write_text(f'panel = "{path.name}"\n[columns]\n{described}\n[outcomes.income]\n', encoding="utf-8")
    began = time.perf_counter()
    study = load_study(study_file)
    loaded = time.perf_counter()
    did(study, "income").frame()
    return {"load": loaded - began, "fit": time.perf_counter() - loaded, "peak": peak()}


def peak() -> float:
    """The most memory this process ever held, in GB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1e6


def in_new_process(package: str, task: str, path: Path, small: Path) -> dict[str, object]:
    command = [sys.executable, __file__, package, task, str(path), str(small)]
    run = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return json.loads(run.stdout.splitlines()[-1])


def compare(path: Path, small: Path) -> dict[tuple[str, str], list[dict[str, object]]]:
    """Every package and task, in turns."""
    tasks = [(package, task) for task in ("did", "event_study") for package in ("analysis", "pyfixest")]
    turns = [turn for _ in range(REPEATS) for turn in tasks]
    turns += [("linearmodels", task) for task in ("did", "event_study")]
    runs: dict[tuple[str, str], list[dict[str, object]]] = {}
    for package, task in tqdm(turns, disable=None, desc="national panel"):
        runs.setdefault((package, task), []).append(in_new_process(package, task, path, small))
    return runs


def growth(folder: Path, small: Path) -> pd.DataFrame:
    """Seconds of validation and fit by number of rows, each the fastest of three."""
    rows = []
    for villages in tqdm(SIZES, disable=None, desc="growth"):
        path = folder / "growing.parquet"
        make_panel(path, villages)
        number = pyarrow.parquet.read_metadata(path).num_rows
        for package, name in (("analysis", "ours"), ("pyfixest", "pyfixest")):
            runs = [in_new_process(package, "did", path, small) for _ in range(REPEATS)]
            seconds = min(run.get("validation", 0) + run["fit"] for run in runs)
            rows.append({"package": name, "rows": number, "seconds": seconds, "GB": max(run["peak"] for run in runs)})
    return pd.DataFrame(rows)


def summary(runs: dict[tuple[str, str], list[dict[str, object]]]) -> pd.DataFrame:
    """The fastest of the repetitions: one row per package and task."""
    rows = {}
    for key, repeats in runs.items():
        middle = {
            stage: min(run.get(stage, 0.0) for run in repeats) for stage in ("read", "validation", "fit", "headline")
        }
        rows[key] = middle | {"peak": max(run["peak"] for run in repeats)}
    table = pd.DataFrame.from_dict(rows, orient="index")
    table["end to end"] = table["validation"] + table["fit"] + table["headline"]
    return table


def differences(runs: dict[tuple[str, str], list[dict[str, object]]]) -> dict[str, float]:
    """Largest relative difference of ours from the others' coefficients and standard errors."""
    found = {key: run[0]["fit found"] for key, run in runs.items()}
    pairs = {
        f"{what} of {task} from {package}": (found["analysis", task][part], found[package, task][part])
        for package, task in found
        for part, what in enumerate(("coefficients", "standard errors"))
        if package != "analysis" and found[package, task][part] is not None
    }
    return {name: float(np.max(np.abs(np.divide(one, other) - 1))) for name, (one, other) in pairs.items()}


def ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Times as fast as pyfixest, and share of its memory: each task, and both after one validation."""
    rows = {}
    for task in ("did", "event_study"):
        mine, theirs = table.loc[("analysis", task)], table.loc[("pyfixest", task)]
        rows[f"`{task}`"] = [
            theirs["fit"] / mine["fit"],
            theirs["fit"] / mine["end to end"],
            mine["peak"] / theirs["peak"],
        ]
    mine, theirs = table.loc["analysis"], table.loc["pyfixest"]
    whole = mine["validation"].min() + mine["fit"].sum() + mine["headline"].sum()
    rows["both, one validation"] = [
        theirs["fit"].sum() / mine["fit"].sum(),
        theirs["fit"].sum() / whole,
        mine["peak"].max() / theirs["peak"].max(),
    ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["fit", "whole", "memory"])


def promises(
    speed: pd.DataFrame, apart: dict[str, float], counted: list[float], rows: int, grown: pd.DataFrame, most: float
) -> dict[str, bool]:
    """What was promised, and whether it is kept: speed and memory of both estimates after one validation."""
    both, ours = speed.loc["both, one validation"], grown[grown["package"] == "ours"].set_index("rows")["seconds"]
    tenfold = ours.iloc[-1] / np.interp(ours.index[-1] / 10, ours.index, ours)
    return {
        f"{END_TO_END} times as fast end to end": both["whole"] >= END_TO_END,
        f"{FIT_ALONE} times as fast in the fit": both["fit"] >= FIT_ALONE,
        f"{MEMORY_SHARE:.0%} of the memory": both["memory"] <= MEMORY_SHARE,
        f"same numbers to {SAME:g}": max(apart.values()) <= SAME,
        "village-years counted": counted[0] == rows and rows - 30 < counted[1] < rows,
        "ten times the rows, at most twelve times as long": tenfold <= MOST_GROWTH,
        "within a laptop's memory": most <= LAPTOP,
    }


def write(
    rows: int,
    table: pd.DataFrame,
    speed: pd.DataFrame,
    apart: dict[str, float],
    file: dict[str, float],
    grown: pd.DataFrame,
) -> None:
    """What README.md says of the national panel."""
    shown = table.rename(index={"analysis": "ours"}, level=0)[["read", "validation", "fit", "headline", "peak"]]
    shown = shown.set_axis([f"{package}: `{task}`" for package, task in shown.index])
    shown.columns = ["reading, s", "validation, s", "fit with CR1 errors, s", "CR2 table, s", "peak memory, GB"]
    both = grown.pivot(index="rows", columns="package", values=["seconds", "GB"])
    both.columns = [f"{package}, {'s' if what == 'seconds' else what}" for what, package in both.columns]
    speed = speed.set_axis(["fit alone, times as fast", "end to end, times as fast", "share of its memory"], axis=1)
    two, one = "{:.2f}", "{:.1f}"
    worst = max(apart, key=apart.get)
    packages = ("numpy", "pandas", "pyarrow", "statsmodels", "pyfixest", "linearmodels")
    both_speed = speed.loc["both, one validation"]
    sections.write(
        "national",
        "A national panel",
        f"`did` and `event_study` after one validation are {both_speed.iloc[1]:.1f} times as fast as pyfixest's two "
        f"fits, and the fits alone {both_speed.iloc[0]:.1f} times. They take {both_speed.iloc[2]:.0%} of its memory. "
        f"Promised are {END_TO_END} times, {FIT_ALONE} times and {MEMORY_SHARE:.0%}.",
        sections.table(speed, dict(zip(speed, (one, one, two), strict=True)), "beside pyfixest"),
        "End to end is validation, fit and the table with CR2 errors. The other packages neither validate nor have CR2 "
        "errors. A study is validated once for all its estimates. "
        f"`did` alone is mostly validation: {speed.iloc[0, 1]:.1f} times as fast end to end, with "
        f"{speed.iloc[0, 2]:.0%} of the memory.",
        sections.table(shown.where(shown > 0), two, "package and estimate"),
        f"Coefficients and standard errors agree: the largest relative difference is {apart[worst]:.0e} ({worst}). "
        "linearmodels counts village effects in its errors, so only its coefficient compares.",
        f"`load_study` reads the same file with a study.toml, cleans and validates every cell in {file['load']:.1f} s. "
        f"`did` follows in {file['fit']:.1f} s. The most memory is {file['peak']:.2f} GB.",
        "![Seconds by number of rows, ours and pyfixest](national.png)",
        sections.table(both.rename(index="{:,}".format), "{:.3f}", "rows (`did`: validation and fit)"),
        f"Notes: {rows:,} rows, {VILLAGES:,} invented villages over {len(YEARS)} years, {TREATED:.0%} of counties "
        f"treated, {MISSING:.0%} of rows missing, shuffled. {sections.machine(packages)} The fastest of {REPEATS} runs "
        "(linearmodels and `load_study`: one), each in a fresh process after one on a small panel.",
    )


def draw(grown: pd.DataFrame) -> None:
    """Seconds by number of rows, on logarithmic axes, with a line of proportional growth."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    from analysis import use_style

    use_style()
    figure, ax = pyplot.subplots(figsize=(7, 4))
    for package, part in grown.groupby("package"):
        ax.loglog(part["rows"], part["seconds"], marker="o", label=package)
    last = grown[grown["package"] == "ours"].iloc[-1]
    ends = np.array([last["rows"] / 100, last["rows"]])
    ax.loglog(ends, last["seconds"] * ends / last["rows"], color="#7F7F7F", linestyle=":", label="proportional to rows")
    ax.set(
        xlabel="Rows (village-years)", ylabel="Seconds", title="Validation and fit of did, errors clustered by county"
    )
    ax.legend()
    figure.savefig(FOLDER / "national.png", dpi=110, metadata={"Software": None})


def main() -> None:
    """Measure, write the section and the figure, and fail where a promise is not kept."""
    with tempfile.TemporaryDirectory() as name:
        path, small = Path(name) / "national.parquet", Path(name) / "small.parquet"
        make_panel(path, VILLAGES)
        make_panel(small, 3_000)
        rows = pyarrow.parquet.read_metadata(path).num_rows
        runs = compare(path, small)
        file = in_new_process("analysis", "load_study", path, small)
        grown = growth(Path(name), small)
    table, apart = summary(runs), differences(runs)
    speed = ratios(table)
    draw(grown)
    write(rows, table, speed, apart, file, grown)
    counted, most = runs["analysis", "did"][0]["headline found"], max(table.loc["analysis", "peak"].max(), file["peak"])
    sections.exit_with(promises(speed, apart, counted, rows, grown, most))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if len(sys.argv) == 5:
        what = measure_file if sys.argv[2] == "load_study" else measure
        print(json.dumps(what(*sys.argv[1:3], *map(Path, sys.argv[3:]))))
    else:
        main()
