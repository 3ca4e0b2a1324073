"""A detectable effect beside the standard error of the estimate itself: how far apart they are, and why."""

import numpy as np
from scipy import stats

from analysis.design.null_draws import NullDraws
from analysis.effects.verbs import did
from analysis.language.labels import joined, say, term
from analysis.messages import StudyError, amount
from analysis.regression.sample import select_sample
from analysis.study.outcome import LOG_POINTS, shown_unit
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
    language, needed, why = study.language, stats.t.ppf([(1 + level) / 2, power], df).sum(), []
    if needed > MUCH * usual:
        freedom = say(
            language, "With {df} degrees of freedom the test needs {needed}.", df=f"{df:.1f}", needed=f"{needed:.1f}"
        )
        why.append(freedom)
    share = f"{np.floor(100 * max(larger, smaller)):.0f}"
    draws = "This panel's error is larger than in {share} % of draws." if larger > smaller else None
    why.append(say(language, draws or "This panel's error is smaller than in {share} % of draws.", share=share))
    why += [_reason(study, outcome, scale, larger > smaller)] if rare else []
    unit = term(language, shown_unit(study.describe(outcome).unit) if scale == "level" else LOG_POINTS)
    size = say(
        language,
        "The effect is {ratio} standard errors of the estimate on this panel ({error}), where {usual} are usual.",
        ratio=f"{ratio:.1f}",
        error=f"{amount(error)} {unit}".rstrip(),
        usual=f"{usual:.1f}",
    )
    return joined(language, [size, *why])


def _reason(study: Study, outcome: str, scale: str, larger: bool) -> str:
    """Why: untreated units that moved otherwise after the start, or else the treated ones."""
    ratio = _after_to_before(study, outcome, scale)
    said = "Treated groups moved alike after the start."
    if ratio >= MUCH if larger else ratio <= 1 / MUCH:
        said = "Untreated units moved {ratio} times as much a year after the start as before."
    elif larger:
        said = "Treated groups moved apart after the start, as they do where effects differ between them."
    return say(study.language, said, ratio=f"{ratio:.1f}")


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
