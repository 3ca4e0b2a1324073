"""How long one difference-in-differences takes, and how long `import analysis`, beside other packages in the same run.

Run from the project's folder: python benchmarks/did.py. It writes its section of README.md, and fails where a promise
is not kept.
"""

import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import linearmodels
import pandas as pd
import pyfixest
import sections
import statsmodels.formula.api as smf

from analysis import Study, did, event_study, load_study

REPEATS = 15
IMPORTS = 7
MOST_SECONDS = 0.050
MOST_SECONDS_POISSON, MOST_SECONDS_TEST = 0.06, 0.5
MOST_IMPORT_RATIO = 1.5
# Exact and iterated algorithms agree to this share of the estimate.
SAME = 1e-6


def median_seconds(action: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median wall time of an action after one run to warm up."""
    action()
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def import_seconds(statements: list[str]) -> list[float]:
    """Median wall time of fresh interpreters that run each statement, taken in turns; bare start-up is subtracted."""
    commands = [[sys.executable, "-c", statement] for statement in ["pass", *statements]]
    seconds = [[] for _ in commands]
    for repeat in range(IMPORTS + 1):
        for command, taken in zip(commands, seconds, strict=True):
            begin = time.perf_counter()
            subprocess.run(command, check=True)
            if repeat:  # the first round fills the file cache and writes the bytecode
                taken.append(time.perf_counter() - begin)
    start, *rest = (statistics.median(taken) for taken in seconds)
    return [taken - start for taken in rest]


def ways_of_estimating(study: Study, outcome: str) -> dict[str, Callable[[], float]]:
    """The same two-way regression, clustered by group, in each package; each returns its estimate."""
    panel = study.frame.dropna(subset=[outcome]).copy()
    panel["treated"] = (panel["time"] >= panel["first_treated"]).fillna(False).astype(float)
    panel["cluster"] = pd.factorize(panel["group"])[0]
    indexed = panel.set_index(["unit", "time"])
    labels = indexed[["cluster"]]

    def by_pyfixest() -> float:
        fit = pyfixest.feols(f"{outcome} ~ treated | unit + time", panel, vcov={"CRV1": "cluster"})
        return fit.coef()["treated"]

    def by_linearmodels() -> float:
        model = linearmodels.PanelOLS(indexed[outcome], indexed[["treated"]], entity_effects=True, time_effects=True)
        return model.fit(cov_type="clustered", clusters=labels).params["treated"]

    def by_dummies() -> float:
        model = smf.ols(f"{outcome} ~ treated + C(unit) + C(time)", panel)
        return model.fit(cov_type="cluster", cov_kwds={"groups": panel["cluster"]}).params["treated"]

    return {
        "`analysis.did`": lambda: did(study, outcome, scale="level").value,
        "`pyfixest.feols`": by_pyfixest,
        "`linearmodels.PanelOLS`": by_linearmodels,
        "statsmodels, a dummy per village": by_dummies,
    }


def ways_in_per_cent(study: Study, outcome: str) -> dict[str, Callable[[], float]]:
    """The same Poisson regression, clustered by group, here and in pyfixest; each returns its estimate."""
    panel = study.frame.dropna(subset=[outcome]).copy()
    panel["treated"] = (panel["time"] >= panel["first_treated"]).fillna(False).astype(float)

    def by_pyfixest() -> float:
        fit = pyfixest.fepois(f"{outcome} ~ treated | unit + time", panel, vcov={"CRV1": "group"}, iwls_tol=1e-10)
        return fit.coef()["treated"]

    return {
        "`analysis.did`, in per cent": lambda: did(study, outcome).value,
        "its wild bootstrap, 99,999 draws, p-value": lambda: did(study, outcome).p_values(
            "wild_bootstrap", draws=99_999
        ),
        "its randomization, 10,000 assignments, p-value": lambda: did(study, outcome).p_values(
            "randomization", draws=10_000
        ),
        "`pyfixest.fepois`": by_pyfixest,
    }


def main() -> None:
    """Measure both, write them side by side, and fail where a promise is not kept."""
    study = load_study()
    outcome = study.primary_outcome
    ways = ways_of_estimating(study, outcome)
    seconds = {name: median_seconds(way, 3 if "dummies" in name else REPEATS) for name, way in ways.items()}
    values = {name: way() for name, way in ways.items()}
    ours = seconds["`analysis.did`"]
    estimates = pd.DataFrame({"seconds": seconds, "ratio to ours": pd.Series(seconds) / ours, "estimate": values})
    ratios = ways_in_per_cent(study, outcome)
    poisson = pd.DataFrame({"seconds": {name: median_seconds(way, 5) for name, way in ratios.items()}})
    poisson["ratio to ours"] = poisson["seconds"] / poisson["seconds"].iloc[0]
    apart = abs(ratios["`analysis.did`, in per cent"]() - ratios["`pyfixest.fepois`"]())
    events = event_study(study, outcome)
    more = {
        "`did` with its sentence": lambda: repr(did(study, outcome)),
        "`event_study`": lambda: event_study(study, outcome),
        "`event_study` with its table": lambda: event_study(study, outcome).frame(),
        "its honest bounds, relative magnitudes, five values": lambda: events.honest_bounds(),
        "its honest bounds, smoothness, five values": lambda: events.honest_bounds("smoothness"),
    }
    more = pd.DataFrame({"seconds": {name: median_seconds(action) for name, action in more.items()}})
    statements = ["import statsmodels.formula.api", "import analysis"]
    imports = pd.DataFrame({"seconds": import_seconds(statements)}, index=[f"`{one}`" for one in statements])
    imports["ratio"] = imports["seconds"] / imports["seconds"].iloc[0]
    sections.write(
        "did",
        "One estimate",
        f"`did` is {estimates['ratio to ours'].iloc[1]:.1f} times as fast as `pyfixest.feols`, and in per cent "
        f"{poisson['ratio to ours'].iloc[-1]:.1f} times as fast as `fepois`. The estimates are the same.",
        sections.table(
            estimates,
            {"seconds": "{:.4f}", "ratio to ours": "{:.1f}", "estimate": "{:,.4f}"},
            "one clustered two-way regression",
        ),
        sections.table(
            poisson, {"seconds": "{:.3f}", "ratio to ours": "{:.1f}"}, "one clustered Poisson two-way regression"
        ),
        sections.table(more, "{:.4f}", "more of ours"),
        sections.table(imports, "{:.2f}", f"fresh interpreters, medians of {IMPORTS}, start-up subtracted"),
        f"Notes: {len(study.units)} villages, {len(study.frame):,} village-years; medians of {REPEATS} runs after a "
        "first. "
        f"{sections.machine(['pandas', 'statsmodels', 'pyfixest', 'linearmodels'])}",
    )
    spread = estimates["estimate"].max() / estimates["estimate"].min() - 1
    sections.exit_with(
        {
            f"did within {MOST_SECONDS * 1000:.0f} ms": ours < MOST_SECONDS,
            f"import within {MOST_IMPORT_RATIO} times": imports["ratio"].iloc[1] <= MOST_IMPORT_RATIO,
            f"same estimate to {SAME:g}": abs(spread) < SAME,
            f"did in per cent within {MOST_SECONDS_POISSON * 1000:.0f} ms": poisson["seconds"].iloc[0]
            < MOST_SECONDS_POISSON,
            "its tests within half a second": poisson["seconds"].iloc[1:3].max() < MOST_SECONDS_TEST,
            f"same estimate in per cent to {SAME:g}": apart < SAME,
        }
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
