"""P-values of one effect over other cuts of the untreated units into placebo groups."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.inference.cluster_pieces import cluster_pieces
from analysis.inference.cluster_robust import cr2
from analysis.messages import Text, fixed
from analysis.regression.regression import Effect, Regression
from analysis.study.placebo_groups import cut_anew
from analysis.study.study import Study

CUTS, SEED, SIGNIFICANT = 10, 2023, 0.05


def p_values_of_other_cuts(study: Study, regression: Regression, effect: Effect) -> np.ndarray:
    """CR2 p-values of an effect over random cuts into placebo groups; the regression is the same for all of them.

    Empty where no groups were cut, and where villages alike were averaged, so that they cannot be cut anew.
    """
    frame, generator, found = regression.sample.frame, np.random.default_rng(SEED), []
    if not study.placebo_group_count or regression.sample.rows > len(frame):
        return np.zeros(0)
    regression = replace(regression)  # Sums over these clusters are not kept.
    for _ in range(CUTS):
        groups = cut_anew(study.units, study.placebo_group_size, generator)
        codes = pd.factorize(frame["unit"].map(groups))[0]
        found.append(cr2(cluster_pieces(regression, effect, codes)).p_value)
    return np.array(found)


def moved_by_other_cuts(study: Study, regression: Regression, effect: Effect, p_value: float) -> Text | str:
    """A sentence where other cuts move a p-value below 5 % over it, or ""."""
    found = p_values_of_other_cuts(study, regression, effect) if p_value < SIGNIFICANT else np.zeros(0)
    if not (found >= SIGNIFICANT).any():
        return ""
    told = "With this cut into placebo groups p is {own}, with {cuts} other cuts {low} to {high}."
    own, low, high = (fixed(number, 3) for number in (p_value, np.nanmin(found), np.nanmax(found)))
    return Text(told, own=own, low=low, high=high, cuts=CUTS)
