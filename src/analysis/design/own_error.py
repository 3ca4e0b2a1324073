"""A detectable effect beside the standard error of the estimate itself: how far apart they are, and why."""

import numpy as np
from scipy import stats

from analysis.design.null_draws import NullDraws
from analysis.effects.verbs import did
from analysis.messages import StudyError, amount, plural
from analysis.regression.sample import select_sample
from analysis.study.outcome import shown_unit
from analysis.study.study import Study

# Where fewer draws than this have an error as large, or as small, the panel is of another world than they are.
RARE = 0.01
# An effect this many times the usual multiple of the error, or this small a part of it, is far from it.
FAR = 1.5
# Degrees of freedom, or changes after the start, that move something by this factor are named.
MUCH = 1.2


def beside_own_error(
    study: Study, outcome: str, scale: str, null: NullDraws, effect: float, power: float, level: float
) -> str:
    """What must be said where an effect is far from the usual multiple (2.8) of the estimate's error, or nothing."""
    try:
        error = did(study, outcome, scale=scale).headline()["std_error"]
    except StudyError:
        return ""
    usual, ratio, df = stats.norm.ppf([(1 + level) / 2, power]).sum(), effect / error, float(np.nanmedian(null.df))
    larger, smaller = (float(np.nanmean(rows)) for rows in (null.errors < error, null.errors > error))
    rare = max(larger, smaller) > 1 - RARE
    if not error > 0 or (not rare and 1 / FAR <= ratio / usual <= FAR):
        return ""
    needed, why = stats.t.ppf([(1 + level) / 2, power], df).sum(), []
    if needed > MUCH * usual:
        why.append(f"with {df:.1f} degrees of freedom the test needs {needed:.1f}")
    because = f", because {_reason(study, outcome, scale, larger > smaller)}" if rare else ""
    share = f"{np.floor(100 * max(larger, smaller)):.0f} % of draws"
    why.append(f"this panel's error is {'larger' if larger > smaller else 'smaller'} than in {share}{because}")
    unit = f" {shown_unit(study.describe(outcome).unit)}".rstrip() if scale == "level" else " log points"
    return (
        f" That is {ratio:.1f} standard errors of the estimate on this panel ({amount(error)}{unit}), where "
        f"{usual:.1f} are usual: {'; '.join(why)}."
    )


def _reason(study: Study, outcome: str, scale: str, larger: bool) -> str:
    """Why: untreated units that moved otherwise after the start, or else the treated ones."""
    ratio = _after_to_before(study, outcome, scale)
    if ratio >= MUCH if larger else ratio <= 1 / MUCH:
        return f"untreated {plural(study.noun)} moved {ratio:.1f} times as much a year after the start as before"
    if larger:
        return "treated groups moved apart after the start, as they do where effects differ between them"
    return "treated groups moved alike after the start"


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
