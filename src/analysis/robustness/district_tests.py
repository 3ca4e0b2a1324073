"""Tests that single districts can bear: each placed among the untreated groups, alone and as the strongest of all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.regression.poisson import linearised
from analysis.regression.regression import Regression
from analysis.regression.sample import Sample
from analysis.robustness.one_group_alone import Placements, placements


def tests_of_districts(
    fitted: Regression, own: Mapping[object, np.ndarray], overall: float, level: float
) -> tuple[pd.DataFrame, dict[object, float], Placements]:
    """The tests of `by_district` by district, the size of untreated groups' effects beside each, and all placements.

    `own` says which cells of the regression are each district's; `overall` is the effect over all.
    """
    alone = {group: _alone(fitted, own, group, level) for group in own}
    tests = pd.DataFrame.from_dict(alone, orient="index", columns=["p_value", "smallest_p", "low", "high", "usual"])
    usual = tests.pop("usual").to_dict()
    placed, p_strongest = _placements(fitted.sample), _step_down(fitted, own)
    tests.insert(1, "p_adjusted", np.maximum(p_strongest.cummax(), tests["p_value"]))
    tests.insert(3, "smallest_p_adjusted", np.maximum(placed.smallest(), tests["smallest_p"]))
    tests["step"] = pd.Series(range(1, len(own) + 1), p_strongest.index)
    common = _less(fitted, overall)
    tests["p_differs"] = [_placed(common, own, [group]).rank() for group in own]
    return tests, usual, placed


def _less(fitted: Regression, effect: float) -> Regression:
    """The regression's sample had treatment an effect smaller by this much everywhere."""
    sample, treated = fitted.sample, fitted.cell_of_row >= 0
    less = sample.outcome * np.exp(-effect) if sample.scale == "poisson" else sample.outcome - effect
    return replace(fitted, sample=replace(sample, outcome=np.where(treated, less, sample.outcome)))


def _step_down(fitted: Regression, own: Mapping[object, np.ndarray]) -> pd.Series:
    """P-values of the strongest district, of the strongest of the others, and so on, by district in this order."""
    left, p_values = list(own), {}
    while left:
        strongest, p_values[strongest] = _placed(fitted, own, left).strongest()
        left.remove(strongest)
    return pd.Series(p_values)


def _alone(fitted: Regression, own: Mapping[object, np.ndarray], group: object, level: float) -> list[float]:
    """One district among the untreated groups: p-value, the smallest it could be, interval, and the others' size."""
    placed = _placed(fitted, own, [group])
    interval = placed.interval(level) if fitted.mean is None else (np.nan, np.nan)
    return [placed.rank(), 1 / int((~np.isnan(placed.effect)).sum()), *interval, placed.usual(level)]


def _placed(fitted: Regression, own: Mapping[object, np.ndarray], asked: Sequence[object]) -> Placements:
    """Placements of some districts and the untreated groups; the other districts keep their own cells."""
    sample = fitted.sample
    others = np.sum([inside for group, inside in own.items() if group not in asked], axis=0, dtype=bool)
    inside = fitted.cell_of_row[:, None] == np.flatnonzero(others)
    cells = pd.DataFrame(inside.astype(float), columns=fitted.cells[np.flatnonzero(others)])
    frame = sample.frame.assign(first_treated=sample.frame["first_treated"].where(sample.frame["group"].isin(asked)))
    return _placements(replace(sample, frame=frame, controls=sample.controls.join(cells)))


def _placements(sample: Sample) -> Placements:
    """Placements under the null of no effect, which a Poisson regression is linear at."""
    return placements(linearised(sample) if sample.scale == "poisson" else sample)
