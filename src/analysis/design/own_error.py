"""Whether the estimate's own standard error is one that the draws behind a power would give, and if not, why."""

import numpy as np

from analysis.design.null_draws import NullDraws
from analysis.effects.verbs import did
from analysis.messages import StudyError, amount
from analysis.regression.sample import select_sample
from analysis.study.study import Study

# Where fewer draws than this have an error as large, or as small, it is another world than the one drawn from.
RARE = 0.01
# Changes this many times as large after the start as before, or as small, are the reason.
MUCH = 1.25


def own_error(study: Study, outcome: str, scale: str, null: NullDraws) -> str:
    """What must be said where the draws' errors are not like the estimate's own, or nothing."""
    try:
        error = did(study, outcome, scale=scale).headline()["std_error"]
    except StudyError:
        return ""
    larger = float(np.nanmean(null.errors >= error))
    if not error > 0 or RARE <= larger <= 1 - RARE:
        return ""
    unit = f" {study.describe(outcome).unit}".rstrip() if scale == "level" else " log points"
    how, typical = ("larger" if larger < RARE else "smaller"), amount(float(np.nanmedian(null.errors)))
    return (
        f" Caution: the estimate's own standard error, {amount(error)}{unit}, is {how} than in 99 % of simulated "
        f"panels, where it is {typical} in the middle. {_reason(study, outcome, scale, larger < RARE)}"
    )


def _reason(study: Study, outcome: str, scale: str, larger: bool) -> str:
    """Why: untreated units that moved otherwise after the start, or else the treated ones."""
    ratio = _after_to_before(study, outcome, scale)
    if ratio >= MUCH if larger else ratio <= 1 / MUCH:
        return (
            f"Untreated {study.noun}s moved {ratio:.1f} times as much from year to year after the start as before, and "
            "the shocks drawn are of all years."
        )
    if larger:
        return "Treated groups moved apart after the start, as they do where effects differ between them."
    return "Treated groups moved alike after the start; another panel of this design would be less sure."


def _after_to_before(study: Study, outcome: str, scale: str) -> float:
    """Root mean square yearly change of untreated units from the first start on, relative to the years before."""
    sample = select_sample(study, outcome, scale=scale)
    frame = sample.frame[["unit", "time"]].assign(value=sample.outcome)[sample.frame["first_treated"].isna()]
    wide = frame.pivot(index="unit", columns="time", values="value")
    if scale == "poisson":
        wide = np.log(wide.where(wide > 0))
    change = wide.diff(axis="columns")
    square = ((change - change.median()) ** 2).mean()
    after = square.index >= study.starts[0]
    return float(np.sqrt(square[after].mean() / square[~after].mean()))
