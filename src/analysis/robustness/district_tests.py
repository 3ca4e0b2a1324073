"""Tests that single districts can bear: each placed among the untreated groups, alone and as the strongest of all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.regression.poisson import linearised
from analysis.regression.regression import Regression
from analysis.regression.sample import Sample
from analysis.robustness.one_group_alone import Placements, placements


def district_tests(
    fitted: Regression, own: Mapping[object, np.ndarray], overall: float, level: float
) -> tuple[pd.DataFrame, dict[object, float], Placements]:
    """The tests of `by_district` by district, the size of untreated groups' effects beside each, and all placements.

    `own` says which cells of the regression are each district's; `overall` is the effect over all.
    """
    common = _less(fitted, overall) if fitted.mean is not None else None
    alone = {group: _alone(fitted, common, own, group, overall, level) for group in own}
    columns = ["p_value", "smallest_p", "low", "high", "p_differs", "usual"]
    tests = pd.DataFrame.from_dict(alone, orient="index", columns=columns)
    usual = tests.pop("usual").to_dict()
    placed, p_strongest = _placements(fitted.sample), _step_down(fitted, own)
    tests.insert(1, "p_adjusted", np.maximum(p_strongest.cummax(), tests["p_value"]))
    tests.insert(3, "smallest_p_adjusted", np.maximum(placed.smallest(), tests["smallest_p"]))
    tests["step"] = pd.Series(range(1, len(own) + 1), p_strongest.index)
    return tests, usual, placed


def _less(fitted: Regression, effect: float) -> Regression:
    """A Poisson regression's sample had treatment an effect smaller by this much everywhere."""
    sample = fitted.sample
    less = np.where(fitted.cell_of_row >= 0, np.exp(-effect), 1.0)
    return replace(fitted, sample=replace(sample, outcome=sample.outcome * less))


def _step_down(fitted: Regression, own: Mapping[object, np.ndarray]) -> pd.Series:
    """P-values of the strongest district, of the strongest of the others, and so on, by district in this order."""
    left, p_values = list(own), {}
    while left:
        strongest, p_values[strongest] = _placed(fitted, own, left).strongest()
        left.remove(strongest)
    return pd.Series(p_values)


def _alone(
    fitted: Regression,
    common: Regression | None,
    own: Mapping[object, np.ndarray],
    group: object,
    overall: float,
    level: float,
) -> list[float]:
    """One district among the untreated groups: p-value, its least, interval, p of the overall effect, others' size."""
    placed = _placed(fitted, own, [group])
    differs = placed.rank(overall) if common is None else _placed(common, own, [group]).rank()
    interval = placed.interval(level) if common is None else (np.nan, np.nan)
    smallest = 1 / int((~np.isnan(placed.effect)).sum())
    return [placed.rank(), smallest, *interval, differs, placed.usual(level)]


def _placed(fitted: Regression, own: Mapping[object, np.ndarray], asked: Sequence[object]) -> Placements:
    """Placements of some districts and the untreated groups; the other districts keep their own cells.

    A row that has a cell to itself tells nothing, and leaves with it.
    """
    sample, frame = fitted.sample, fitted.sample.frame
    others = np.append(~np.any([own[group] for group in asked], axis=0), False)
    first = frame["first_treated"][frame["group"].isin(asked)].min()
    sizes = np.append(np.bincount(fitted.cell_of_row[fitted.cell_of_row >= 0]), 0)
    lone = (others & (sizes == 1))[fitted.cell_of_row] & (frame["time"] >= first).to_numpy(dtype=bool)
    shared = np.setdiff1d(fitted.cell_of_row[others[fitted.cell_of_row] & ~lone], [-1])
    inside = fitted.cell_of_row[~lone, None] == shared
    rest = sample.without(lone, "alone in its cell")
    cells = pd.DataFrame(inside.astype(float), columns=fitted.cells[shared])
    starts = rest.frame["first_treated"].where(rest.frame["group"].isin(asked))
    frame = rest.frame.assign(first_treated=starts)
    return _placements(replace(rest, frame=frame, controls=rest.controls.join(cells)))


def _placements(sample: Sample) -> Placements:
    """Placements under the null of no effect, which a Poisson regression is linear at."""
    return placements(linearised(sample) if sample.scale == "poisson" else sample)
