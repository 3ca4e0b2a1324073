"""Trends not parallel: leads tested together, and how far trends may fail before the sign is lost."""

from typing import Any

import pandas as pd

from analysis.effects.event_study import EventStudy
from analysis.effects.honest_bounds import HonestBounds
from analysis.effects.verbs import did, event_study
from analysis.language.labels import bracketed, joined, say
from analysis.messages import StudyError, in_sentence, p_of
from analysis.presentation.tables import Table, effects_table
from analysis.robustness.check import Check, beside, threat
from analysis.study.outcome import shown, shown_unit
from analysis.study.study import Study


@threat(
    "Trends not parallel",
    "Tested all leads together, and asked how far trends may fail before the interval contains zero.",
)
def parallel_trends(study: Study, outcome: str) -> Check:
    """Whether both sides moved together before, and what follows if they did not."""
    language, events = study.language, event_study(study, outcome)
    other, together = say(language, "against the last year before (another baseline)"), events.pretrend()
    others, leads = {other: events.average()}, say(language, "The leads cannot be tested together.")
    if together.joint.p_value >= 0:
        leads = say(language, "All leads together: p {p_value}.", p_value=p_of(together.joint.p_value))
    found, results = [leads], list[Any]([together])
    try:
        both = events.both_bounds()
        said = "Honest bounds of the effect against the last year before{which}: {answer}"
        found.append(say(language, said, which=both.relative.which, answer=in_sentence(both.answer)))
        results += [both, _tabled(both.relative, both.smooth, events)]
    except StudyError as error:
        found.append(str(error))
    return Check(study, joined(language, [*found, beside(did(study, outcome), others)]), others, tuple(results))


def _tabled(relative: HonestBounds, smooth: HonestBounds, events: EventStudy) -> Table:
    study, unit = events.study, smooth.estimate.unit
    bends = smooth.frame.assign(value=shown(unit, smooth.frame["value"]))
    of_bends = say(study.language, "bend per year{unit}", unit=bracketed(study.language, shown_unit(unit)))
    frames = {"times the largest departure before": relative.frame, of_bends: bends}
    rows = pd.concat(frames, names=["parallel trends fail by"]).droplevel(1)
    return effects_table(rows, study, "honest 95 % intervals for the average effect", events.outcome, events.scale)
