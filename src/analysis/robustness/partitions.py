"""How far a p-value depends on the arbitrary cut of untreated villages into placebo groups."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from analysis.effects.other_cuts import CUTS, SEED, SIGNIFICANT
from analysis.effects.verbs import did
from analysis.inference.methods import HEADLINE
from analysis.language.labels import say, term
from analysis.messages import Said, StudyError, check_whole
from analysis.presentation.tables import Table, captioned
from analysis.study.placebo_groups import PLACEBO, cut_anew
from analysis.study.study import Study


def partition_sensitivity(
    study: Study,
    outcome: str,
    *,
    cuts: int = 50,
    seed: int = SEED,
    methods: Sequence[str] | None = None,
    size: int | None = None,
    **did_options: Any,
) -> pd.DataFrame:
    """P-values of an effect over random cuts of the untreated villages into placebo groups.

    Use it wherever placebo groups are clusters: the estimate does not depend on the cut, its uncertainty does.
    Villages are cut afresh within their stratum, in random order.

    Parameters
    ----------
    study : Study
        With placebo groups of its own, the declared cut.
    outcome : str
    cuts : int
        Number of random cuts.
    seed : int
    methods : sequence of str, optional
        As in `Estimate.inference`; default: all of its own.
    size : int, optional
        Villages per placebo group; default: the study's.
    **did_options
        As in `did`.

    Returns
    -------
    DataFrame
        Index: method; columns declared (the p-value of the study's own cut), median, lowest, highest.

    Raises
    ------
    StudyError
        When the study has no placebo groups.

    Examples
    --------
    >>> from analysis import load_study
    >>> partition_sensitivity(load_study(), "collective_income_cny", cuts=3, methods=["cr1"]).columns.tolist()
    ['declared', 'median', 'lowest', 'highest']
    """
    if not study.placebo_group_count:
        raise StudyError(
            "This study has no placebo groups: every untreated unit came with a group of its own or stands alone, "
            "so there is no arbitrary cut to vary."
        )
    check_whole(1, cuts=cuts)
    options: dict[str, Any] = {} if methods is None else {"methods": methods}
    generator = np.random.default_rng(seed)

    def p_values(cut: Study) -> pd.Series:
        return did(cut, outcome, **did_options).p_values(**options)

    declared = p_values(study)
    drawn = [
        p_values(_recut(study, size or study.placebo_group_size, generator))
        for _ in tqdm(range(cuts), desc="random cuts", disable=None)
    ]
    varied = pd.concat(drawn, axis=1)
    spread = {"median": varied.median(axis=1), "lowest": varied.min(axis=1), "highest": varied.max(axis=1)}
    return pd.DataFrame({"declared": declared, **spread})


def partition_table(study: Study, outcome: str, *, cuts: int = CUTS) -> Table | Said:
    """P-values of the headline and of the randomization test over random cuts into placebo groups.

    The caption names the range where other cuts move the headline over the level of 5 %. Where no groups were cut a
    sentence says so.

    Examples
    --------
    >>> from analysis import load_study
    >>> partition_table(load_study(), "households", cuts=2).caption
    'Households: p-values over the declared and 2 other cuts into placebo groups (simulated data)'
    """
    data, language = term(study.language, study.label), study.language
    if not study.placebo_group_count:
        none = "{data}: every untreated {noun} came with a group, so there is no cut to vary."
        return Said(say(language, none, data=data.capitalize(), noun=term(language, study.noun)))
    spread = partition_sensitivity(study, outcome, cuts=cuts, methods=[HEADLINE, "randomization"])
    ends = spread[["declared", "lowest", "highest"]]
    spread = spread.assign(lowest=ends.min(axis=1), highest=ends.max(axis=1))
    low, high = spread.loc[HEADLINE, ["lowest", "highest"]]
    return captioned(
        spread,
        study,
        "{label}: p-values over the declared and {cuts} other cuts into placebo groups ({data}). Caution: they move "
        "the CR2 p-value from {low:.3f} to {high:.3f}, over 0.05."
        if low < SIGNIFICANT <= high
        else "{label}: p-values over the declared and {cuts} other cuts into placebo groups ({data})",
        label=study.label_of(outcome),
        **{"cuts": cuts, "low": low, "high": high},
    )


def _recut(study: Study, size: int, generator: np.random.Generator) -> Study:
    """The study with its placebo groups cut anew, in random order within the stratum."""
    groups = cut_anew(study.units, size, generator)
    return replace(
        study,
        frame=study.frame.assign(group=study.frame["unit"].map(groups)),
        placebo_group_count=groups[groups.astype("string").str.startswith(PLACEBO)].nunique(),
        placebo_group_size=size,
    )
