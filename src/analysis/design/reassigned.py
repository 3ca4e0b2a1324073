"""What would have been found, had treatment gone to other groups: each time the whole estimate anew."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.design.replication import replicate
from analysis.effects.verbs import did
from analysis.inference.assignments import possible_assignments
from analysis.messages import StudyError, check_whole
from analysis.study.study import Study


def reassigned_effects(
    study: Study, outcome: str, *, draws: int = 199, within: str | None = "stratum", seed: int = 2023
) -> np.ndarray:
    """Effects estimated with treatment given to other groups, in the observed numbers and start years.

    Use it to see how large effects come out where nobody was treated: a placebo density. `randomization` has the test,
    which compares t statistics instead, because groups vary by different amounts.

    Parameters
    ----------
    study, outcome
        As in `did`.
    draws : int
        Assignments drawn; where there are no more than this, each is taken once, without the observed one.
    within : {"stratum", None}
        Whether groups trade places within their stratum only, or all with all.
    seed : int

    Returns
    -------
    ndarray
        In the unit of the effect, sorted; assignments that cannot be estimated are left out.

    Raises
    ------
    StudyError
        When treatment was not given to whole groups, or could have gone to no others.

    Examples
    --------
    >>> from analysis import load_study
    >>> len(reassigned_effects(load_study(), "households", draws=5))
    5
    """
    check_whole(1, draws=draws)
    frame = did(study, outcome).fitted.sample.frame
    assignments = possible_assignments(frame, within, draws, seed)
    others = assignments.codes[(assignments.codes != assignments.observed).any(axis=1)]
    groups, first_treated = frame["group"].unique(), pd.Series([*assignments.starts, pd.NA], dtype="Int64").to_numpy()

    def effect(_: np.random.Generator, number: int) -> np.ndarray:
        given = pd.Series(first_treated[others[number]], groups)
        reassigned = study.frame.assign(first_treated=study.frame["group"].map(given).astype("Int64"))
        try:
            return np.array(did(replace(study, frame=reassigned), outcome).value)
        except StudyError:
            return np.array(np.nan)

    effects = replicate(effect, len(others), seed, "draws")
    return np.sort(effects[~np.isnan(effects)])
