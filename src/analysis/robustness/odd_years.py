"""Shocks of some years: the effect without the pandemic years, and without the last year before the start."""

import pandas as pd

from analysis.effects.comparison import estimate_or_refusal
from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did, last_before
from analysis.messages import StudyError
from analysis.presentation.tables import estimates_table
from analysis.robustness.check import Check, beside, threat
from analysis.study.study import Study

PANDEMIC = (2020, 2022)


@threat(
    "Shocks of some years", "Left out the pandemic years, where the panel has them, and the last year before the start."
)
def odd_years(study: Study, outcome: str) -> Check:
    """Whether the pandemic, or changes in expectation of the start, are the answer."""
    given = did(study, outcome)
    others: dict[str, Estimate | StudyError] = {
        name: estimate_or_refusal(_without, study, outcome, years)
        for name, years in years_apart(study, outcome).items()
    }
    if not others:
        raise StudyError("The panel has neither the pandemic years nor the last year before a start.")
    return Check(study, beside(given, others), others, (estimates_table({"all years": given} | others),))


def _without(study: Study, outcome: str, years: pd.Series) -> Estimate:
    return did(study.subset(~years), outcome)


def years_apart(study: Study, outcome: str) -> dict[str, pd.Series]:
    """Rows of the years that were unlike others, by what an estimate without them is called; those that there are."""
    time, event_time = study.frame["time"], study.frame["time"] - study.frame["first_treated"]
    event_time = event_time if len(study.starts) > 1 else time - study.starts[0]
    last = (event_time == last_before(study, outcome)).fillna(False).astype(bool)
    first, end = PANDEMIC
    apart = {f"without {first}-{end}": time.between(first, end), "without the year before": last}
    return {name: years for name, years in apart.items() if years.any()}
