"""Any inference for any contrast: one tidy frame, one row per method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from analysis.inference.cluster_robust import (
    ClusterPieces,
    Uncertainty,
    caution,
    cluster_codes,
    cluster_pieces,
    cr1,
    cr2,
    cr3,
)
from analysis.inference.inversion import InvertedTest
from analysis.inference.randomization import randomization
from analysis.inference.wild_bootstrap import wild_bootstrap
from analysis.messages import StudyError

if TYPE_CHECKING:
    from analysis.effects.estimates import Estimate

COLUMNS = ["std_error", "statistic", "df", "p_value", "low", "high", "note"]
STUDENT = {"cr1": cr1, "cr2": cr2, "cr3": cr3}
METHODS = (*STUDENT, "wild_bootstrap", "randomization")
TOO_FINE = "clusters finer than the groups that were treated: too sure of itself"
HEADLINE = "cr2"
HEADLINE_NAME = "CR2 errors with Satterthwaite degrees of freedom"


def infer(
    estimate: Estimate,
    methods: Sequence[str] = METHODS,
    cluster: str = "group",
    draws: int = 9999,
    seed: int = 2023,
    level: float = 0.95,
) -> pd.DataFrame:
    """Standard error, test of no effect and interval of an estimate, by each method asked for.

    A method that cannot serve the design gives missing numbers, and its note says why.
    """
    methods = known_methods(methods)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, such as 0.95, not {level}.")
    regression = estimate.fitted
    pieces = cluster_pieces(regression, regression.contrast(estimate.contrast), cluster_codes(regression, cluster))
    options = {"draws": draws, "seed": seed, "level": level}
    rows = []
    for method in methods:
        if method in STUDENT:
            rows.append(_student(pieces.estimate, STUDENT[method](pieces), level))
        elif method == "wild_bootstrap":
            rows.append(_inverted(wild_bootstrap(pieces, **options)))
        else:
            rows.append(_randomized(estimate, options))
    frame = pd.DataFrame(rows, index=pd.Index(methods, name="method"), columns=COLUMNS)
    clustered = frame.index != "randomization"
    if cluster == "unit" and estimate.villages > estimate.groups:
        frame.loc[clustered, "note"] += f"; {TOO_FINE}"
    if cluster != "group" and (warning := caution(assignment_pieces(estimate))):
        said = f"{warning}; "
        frame.loc[clustered, "note"] = said + frame.loc[clustered, "note"].str.replace(said, "", regex=False)
    return frame


def known_methods(methods: str | Sequence[str]) -> list[str]:
    """Methods asked for, as a list; an unknown one raises."""
    methods = [methods] if isinstance(methods, str) else list(methods)
    if unknown := [method for method in methods if method not in METHODS]:
        raise ValueError(f"Unknown method {unknown[0]!r}; choose from {', '.join(METHODS)}.")
    return methods


def assignment_pieces(estimate: Estimate) -> ClusterPieces:
    """The estimate's pieces clustered by the groups that treatment was given to, whatever errors are clustered by."""
    regression = estimate.fitted
    return cluster_pieces(regression, regression.contrast(estimate.contrast), cluster_codes(regression, "group"))


def _randomized(estimate: Estimate, options: dict[str, float]) -> list[float | str]:
    try:
        return _inverted(randomization(estimate, **options))
    except StudyError as error:
        return [*[np.nan] * 6, str(error)]


def _student(value: float, uncertainty: Uncertainty, level: float) -> list[float | str]:
    """Turn a standard error and its degrees of freedom into a t test and interval."""
    error, df = uncertainty.std_error, uncertainty.df
    statistic = value / error if error > 0 else np.nan
    margin = stats.t.ppf((1 + level) / 2, df) * error
    return [error, statistic, df, 2 * stats.t.sf(abs(statistic), df), value - margin, value + margin, uncertainty.note]


def _inverted(test: InvertedTest) -> list[float | str]:
    return [getattr(test, column) for column in COLUMNS]
