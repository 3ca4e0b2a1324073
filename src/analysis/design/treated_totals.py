"""Whose totals a design's effect in per cent rests on: refused or cautioned as the estimate itself is."""

import numpy as np

from analysis.design.drawn_outcomes import DrawnOutcomes
from analysis.design.shocks import Shocks
from analysis.effects.estimate import Estimate
from analysis.effects.ratio_of_totals import CAUTION_BELOW, dominance, effective_number, group_totals, refuse_dominated
from analysis.effects.sentence import caution_of_few
from analysis.effects.verbs import did
from analysis.messages import StudyError
from analysis.study.study import Study


def caution_of_totals(
    study: Study, outcome: str, scale: str, design: Estimate, shocks: Shocks, copies: int = 1, language: str = "en"
) -> str:
    """A caution where treated groups count like fewer than three equal ones, or ""; refused below two."""
    if scale != "poisson":
        return ""
    totals = _totals(study, outcome, design, shocks, copies)
    reason = dominance(design.treated_groups, totals)
    refuse_dominated("A design that bears no standard error, so it has no power", reason, study.noun)
    worth = effective_number(totals)
    return caution_of_few(design.treated_groups, worth, language) if worth < CAUTION_BELOW else ""


def _totals(study: Study, outcome: str, design: Estimate, shocks: Shocks, copies: int) -> np.ndarray:
    """Counterfactual totals of the groups: the headline's, or as expected where the years after are only planned."""
    try:
        headline = did(study, outcome, scale="poisson")
        known = np.tile(group_totals(headline.fitted, headline.effect), copies)
        return known if headline.treated_groups > 1 else np.ones(design.treated_groups)
    except StudyError:
        under_treatment = (study.frame["time"] >= study.frame["first_treated"]).fillna(False)
    drawn = DrawnOutcomes.of(design.fitted.sample.frame, shocks)
    expected = drawn.mean[drawn.unit] * drawn.path * design.fitted.sample.weights * (design.fitted.cell_of_row >= 0)
    if study.column(outcome)[under_treatment].notna().any() or not expected.sum() > 0:
        return np.ones(design.treated_groups)
    return np.bincount(drawn.group, expected)
