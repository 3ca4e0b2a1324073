"""The table of what checks find of what was built in: its first panel of each kind, computed again."""

import importlib.util
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.design.replication import replicate

ROOT = Path(__file__).resolve().parents[2]
# The file has nine decimals, of log points; amounts in CNY and what solvers iterate to agree to this share.
SAME = 1e-6


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("built_in_checks", ROOT / "benchmarks" / "built_in_checks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("panel", ["as stored", "without effect", "strong selection on trend"])
def test_the_first_panel_gives_what_was_written(benchmark, panel):
    written = pd.read_csv(benchmark.FIRST).query("panel == @panel").drop(columns="panel").reset_index(drop=True)
    task = partial(benchmark.checks, drawn_on=benchmark.design(), switches=benchmark.PANELS[panel])
    found = replicate(task, 1, benchmark.SEED, "panels")
    pd.testing.assert_frame_equal(benchmark.one_panel(found[0]), written, rtol=SAME, atol=SAME)


def test_a_mean_over_panels_counts_those_with_an_answer(benchmark):
    # Estimates 1 and 3 (truth 2): intervals of width 4 hold it, one of them leaves out zero; a third has no answer.
    one = [[2.0, 1.0, -1.0, 3.0], [2.0, 3.0, 1.0, 5.0], [2.0, float("nan"), float("nan"), float("nan")]]
    table = benchmark.summary(np.stack([np.array(one)] * len(benchmark.QUANTITIES), axis=1))
    assert table.loc[0, ["mean", "coverage", "median_width", "leaves_out_zero", "panels"]].tolist() == [2, 1, 4, 0.5, 2]
    assert table.loc[0, "monte_carlo_error"] == pytest.approx(1.0)
