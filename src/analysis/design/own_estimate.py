"""The study's own estimate beside a design: whose totals it rests on, and how far its error is from drawn ones."""

import numpy as np
from scipy import stats

from analysis.design.null_draws import NullDraws
from analysis.design.shocks import DrawnOutcomes, Shocks
from analysis.effects.estimate import Estimate
from analysis.effects.ratio_of_totals import CAUTION_BELOW, dominance, effective_number, group_totals, refuse_dominated
from analysis.effects.sentence import caution_of_few
from analysis.effects.verbs import did
from analysis.language.labels import joined
from analysis.messages import StudyError, Text, fixed
from analysis.regression.sample import select_sample
from analysis.study.outcome import LOG_POINTS, effect_in_words
from analysis.study.panel_rows import under_treatment
from analysis.study.study import Study

# Where fewer draws than this have an error as large, or as small, the panel is of another world than they are.
RARE = 0.01
# An effect this many times the usual multiple of the error, or this small a part of it, is far from it.
FAR = 1.5
# Degrees of freedom, or changes after the start, that move something by this factor are named.
MUCH = 1.2


def caution_of_totals(
    study: Study, outcome: str, scale: str, design: Estimate, shocks: Shocks, copies: int
) -> Text | str:
    """A caution where treated groups count like fewer than three equal ones, or ""; refused below two."""
    if scale != "poisson":
        return ""
    totals = _totals(study, outcome, design, shocks, copies)
    reason = dominance(design.treated_groups, totals)
    refuse_dominated("A design that bears no standard error, so it has no power", reason, study.noun)
    worth = effective_number(totals)
    return caution_of_few(design.treated_groups, worth) if worth < CAUTION_BELOW else ""


def _totals(study: Study, outcome: str, design: Estimate, shocks: Shocks, copies: int) -> np.ndarray:
    """Counterfactual totals of the groups: the headline's, or as expected where the years after are only planned."""
    alike = np.ones(design.treated_groups)
    try:
        headline = did(study, outcome, scale="poisson")
    except StudyError:
        drawn, fitted = DrawnOutcomes.of(design.fitted.sample.frame, shocks), design.fitted
        expected = drawn.mean[drawn.unit] * drawn.path * fitted.sample.weights * (fitted.cell_of_row >= 0)
        known = study.column(outcome)[under_treatment(study.frame)].notna().any()
        return np.bincount(drawn.group, expected) if expected.sum() > 0 and not known else alike
    return np.tile(group_totals(headline.fitted, headline.effect), copies) if headline.treated_groups > 1 else alike


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
    unit = study.effect_unit(outcome, scale)
    said = "The effect is {ratio} standard errors of the estimate on this panel ({error}), where {usual} are usual."
    size = effect_in_words(unit, error, study.language)
    if unit == LOG_POINTS:
        said = (
            "In logs the gain is {gain}: {ratio} standard errors of this panel's estimate ({error}), usually {usual}."
        )
        size = fixed(error, 3)
    values = {"gain": fixed(effect, 2), "ratio": fixed(ratio, 1), "error": size, "usual": fixed(usual, 1)}
    sentences = [study.say(said, **values)]
    needed = stats.t.ppf([(1 + level) / 2, power], df)
    if needed.sum() > MUCH * usual:
        said = "With {df} degrees of freedom the test alone needs {bar}, and {power} % power {needed}."
        numbers = {"df": fixed(df, 1), "bar": fixed(needed[0], 1), "needed": fixed(needed.sum(), 1)}
        sentences.append(study.say(said, power=fixed(100 * power, 0), **numbers))
    said = "This panel's error is smaller than in {share} % of draws."
    if larger > smaller:
        said = "This panel's error is larger than in {share} % of draws."
    sentences.append(study.say(said, share=fixed(np.floor(100 * max(larger, smaller)), 0)))
    if rare:
        sentences.append(_reason(study, outcome, scale, larger > smaller))
    return joined(study.language, sentences)


def _reason(study: Study, outcome: str, scale: str, larger: bool) -> str:
    """Why: untreated units that moved otherwise after the start, or else the treated ones."""
    ratio = _after_to_before(study, outcome, scale)
    said = "Treated groups moved alike after the start."
    if ratio >= MUCH if larger else ratio <= 1 / MUCH:
        said = "Untreated units moved {ratio} times as much a year after the start as before."
    elif larger:
        said = "Treated groups moved apart after the start, as they do where effects differ between them."
    return study.say(said, ratio=fixed(ratio, 1))


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
