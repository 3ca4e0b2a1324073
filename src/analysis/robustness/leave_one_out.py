"""Does one district carry the result? The headline without each treated group in turn."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.effects.comparison import compare
from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did
from analysis.inference.methods import group_pieces
from analysis.messages import StudyError
from analysis.study.study import Study

# Of more treated groups, so many are left out in turn: each is an estimate of its own.
MOST_LEFT_OUT = 50


def leave_one_out(study: Study, outcome: str, **did_options: Any) -> pd.DataFrame:
    """The headline estimate without each treated group (district) in turn.

    Use it to see whether one district carries the result. Untreated groups all stay. Of more than 50 treated groups
    those are left out whose own luck moves the estimate most.

    Parameters
    ----------
    study, outcome
    **did_options
        As in `did`.

    Returns
    -------
    DataFrame
        Index `left_out`: "none", then each treated group; columns estimate, unit, per_cent, std_error, df, low, high,
        p_value (CR2), note (why there is no interval), treated_groups and villages.

    Raises
    ------
    StudyError
        With a single treated group, and as in `did`.

    Examples
    --------
    >>> from analysis import load_study
    >>> leave_one_out(load_study(), "rural_income_per_head_cny", scale="log")["treated_groups"].tolist()
    [5, 4, 4, 4, 4, 4]
    """
    estimates, most = left_out_in_turn(study, outcome, **did_options)
    frame = compare(estimates, about=["treated_groups", "villages"]).rename_axis("left_out")
    frame.loc["none", "note"] += most
    return frame


def left_out_in_turn(study: Study, outcome: str, **did_options: Any) -> tuple[dict[str, Estimate], str]:
    """The estimates behind `leave_one_out` by what is left out, "none" first; and which, where it is not all."""
    units = study.units
    treated = sorted(units.loc[units["first_treated"].notna(), "group"].unique())
    if len(treated) == 1:
        fault = "Only one group is treated ({group}): without it there is no effect to estimate."
        raise StudyError(fault, group=treated[0])
    whole = did(study, outcome, **did_options)
    most = ""
    if len(treated) > MOST_LEFT_OUT:
        most = f"of {len(treated):,} treated groups the {MOST_LEFT_OUT} of most influence are left out"
        treated = _influential(whole, treated)
    rest = {group: did(study.subset(study.frame["group"] != group), outcome, **did_options) for group in treated}
    return {"none": whole} | rest, most


def _influential(estimate: Estimate, groups: list[str]) -> list[str]:
    """The groups whose own luck moves an estimate most, as far as its residuals tell, in the order of their codes."""
    pieces, names = group_pieces(estimate.fitted, estimate.effect), estimate.fitted.sample.frame["group"].unique()
    luck = pd.Series(np.abs(pieces.contrast_scores), np.asarray(names)[pieces.informative])
    return sorted(luck[luck.index.isin(groups)].nlargest(MOST_LEFT_OUT).index)
