"""Any inference for any effect of a regression: one tidy frame, one row per method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import pandas as pd

from analysis.inference.cluster_pieces import ClusterPieces, cluster_codes, cluster_pieces
from analysis.inference.cluster_robust import caution, cr1, cr2, cr3
from analysis.inference.hypothesis import HypothesisTest
from analysis.inference.randomization import randomization
from analysis.inference.score_tests import score_bootstrap
from analysis.inference.wild_bootstrap import wild_bootstrap
from analysis.messages import StudyError
from analysis.regression.regression import Effect, Regression

COLUMNS = ["std_error", "statistic", "df", "p_value", "low", "high", "note"]
STUDENT = {"cr1": cr1, "cr2": cr2, "cr3": cr3}
METHODS = (*STUDENT, "wild_bootstrap", "randomization")
TOO_FINE = "clusters finer than the groups that were treated: too sure of itself"
# Each null of a Poisson regression is fitted and drawn for anew: with many clusters fewer draws, as the notes say.
MOST_NUMBERS, FEWEST_DRAWS = 2_000_000, 999
HEADLINE = "cr2"
HEADLINE_NAME = "CR2 errors with Satterthwaite degrees of freedom"


def infer(
    regression: Regression, effect: Effect, methods: Sequence[str] = METHODS, cluster: str = "group", **options: Any
) -> pd.DataFrame:
    """Standard error, test of no effect and interval of an effect, by each method; options as of `hypothesis_test`.

    A method that cannot serve the design gives missing numbers, and its note says why.
    """
    methods = known_methods(methods)
    tests = [hypothesis_test(regression, effect, method, cluster, **options) for method in methods]
    return pd.DataFrame(map(asdict, tests), index=pd.Index(methods, name="method"))[COLUMNS]


def known_methods(methods: str | Sequence[str]) -> list[str]:
    """Methods asked for, as a list; an unknown one raises."""
    methods = [methods] if isinstance(methods, str) else list(methods)
    if unknown := [method for method in methods if method not in METHODS]:
        raise ValueError(f"Unknown method {unknown[0]!r}; choose from {', '.join(METHODS)}.")
    return methods


def hypothesis_test(
    regression: Regression,
    effect: Effect,
    method: str = HEADLINE,
    cluster: str = "group",
    *,
    draws: int = 9999,
    seed: int = 2023,
    level: float = 0.95,
) -> HypothesisTest:
    """One method's test of no effect and interval."""
    if not 0 < level <= 1:
        raise ValueError(f"level must lie between 0 and 1, such as 0.95, not {level}.")
    codes = cluster_codes(regression, cluster)
    draws = most_draws(regression, codes.max() + 1, draws)
    if method == "randomization":
        try:
            return randomization(regression, effect, draws=draws, seed=seed, level=level)
        except StudyError as error:
            return HypothesisTest(note=error.args[0])
    pieces = cluster_pieces(regression, effect, codes)
    if method in STUDENT:
        test = STUDENT[method](pieces, level)
    elif regression.mean is not None:
        test = score_bootstrap(regression, effect, codes, draws=draws, seed=seed, level=level)
    else:
        test = wild_bootstrap(pieces, draws=draws, seed=seed, level=level)
    return test if cluster == "group" else _by_other_clusters(test, regression, effect, cluster)


def most_draws(regression: Regression, clusters: int, draws: int = 9999) -> int:
    """How many draws a test takes: of a Poisson regression with many clusters fewer."""
    return draws if regression.mean is None else min(draws, max(MOST_NUMBERS // clusters, FEWEST_DRAWS))


def _by_other_clusters(test: HypothesisTest, regression: Regression, effect: Effect, cluster: str) -> HypothesisTest:
    """Remarks where errors are not clustered by the groups that were treated; its cautions hold all the same."""
    note, warning = test.note, caution(group_pieces(regression, effect))
    if cluster == "unit" and regression.sample.units()["villages"].sum() > regression.sample.frame["group"].nunique():
        note += f"; {TOO_FINE}"
    if warning:
        note = f"{warning}; {note.replace(f'{warning}; ', '')}"
    return replace(test, note=note, caution=warning)


def group_pieces(regression: Regression, effect: Effect) -> ClusterPieces:
    """An effect's pieces clustered by the groups that treatment was given to."""
    return cluster_pieces(regression, effect, cluster_codes(regression, "group"))
