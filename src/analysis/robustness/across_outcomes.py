"""The same question asked of several outcomes, with p-values that count how many were looked at."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from analysis.effects.comparison import COLUMNS, compare, estimate_or_refusal
from analysis.effects.verbs import did
from analysis.messages import StudyError
from analysis.study.study import Study


def across_outcomes(study: Study, outcomes: Sequence[str] | None = None, **did_options: Any) -> pd.DataFrame:
    """The effect on each of several outcomes, with p-values that count how many were looked at.

    Use it whenever more than one outcome is tested: Holm's adjustment keeps the chance of any false finding among
    them at the level, however they are correlated.

    Parameters
    ----------
    study : Study
    outcomes : sequence of str, optional
        Default: all outcomes of the study.
    **did_options
        As in `did`.

    Returns
    -------
    DataFrame
        Index `outcome`; columns estimate, unit, per_cent, std_error, df, low, high, p_value (CR2), p_holm and note, why
        an outcome could not be estimated or has no interval. Outcomes without a p-value are not counted among those
        tested.

    References
    ----------
    Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> from analysis import load_study
    >>> frame = across_outcomes(load_study(), ["rural_income_per_head_cny", "households"])
    >>> bool((frame["p_holm"] >= frame["p_value"]).all())
    True
    """
    names = list(outcomes or study.outcomes or [study.primary_outcome])
    estimates = {name: estimate_or_refusal(did, study, name, **did_options) for name in names}
    errors = [one for one in estimates.values() if isinstance(one, StudyError)]
    if len(errors) == len(names):
        raise errors[0]
    frame = compare(estimates).rename_axis("outcome")
    frame["unit"] = [unit or study.describe(name).unit for name, unit in frame["unit"].items()]
    tested = frame["p_value"].notna()
    frame.insert(len(COLUMNS), "p_holm", np.nan)
    if tested.any():
        frame.loc[tested, "p_holm"] = multipletests(frame.loc[tested, "p_value"], method="holm")[1]
    return frame
