"""Picked for their path: a synthetic comparison for each district that moved like it before."""

from analysis.effects.verbs import did
from analysis.language.labels import say
from analysis.messages import fixed
from analysis.presentation.tables import effects_table
from analysis.robustness.check import Check, in_short, threat, with_interval
from analysis.robustness.synthetic import synthetic_did
from analysis.study.study import Study

COLUMNS = ["villages", "estimate", "low", "high", "p_value", "p_holm", "smallest_p_value"]


@threat(
    "Picked for their path", "Built a synthetic comparison for each district, from groups that moved like it before."
)
def synthetic_districts(study: Study, outcome: str) -> Check:
    """Whether districts were moving apart from others before."""
    synthetic, given = synthetic_did(study, outcome), did(study, outcome)
    frame, language = synthetic.frame(), study.language
    average = frame.loc["average"]
    found = say(
        language,
        "The average effect is {average}, p = {p_value} against placebo districts; as given {given}. Of the districts "
        "alone the smallest p is {smallest}, adjusted for their number (Holm).",
        average=with_interval(language, synthetic.unit, synthetic.value, *average[["low", "high"]]),
        p_value=fixed(average["p_value"], 3),
        given=in_short(given),
        smallest=fixed(frame["p_holm"].min(), 3),
    )
    table = effects_table(frame[COLUMNS], study, "synthetic comparison by district", outcome, synthetic.scale)
    return Check(study, found, {}, (table, synthetic))
