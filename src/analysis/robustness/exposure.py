"""A shock of some years that hits the more exposed villages harder, such as the return of tourists."""

import dataclasses

from analysis.effects.verbs import did
from analysis.messages import StudyError
from analysis.robustness.check import Check, beside, threat
from analysis.study.study import Study

VISITS = "tourist_visits"


def exposure_by_year(study: Study, column: str) -> tuple[Study, list[str]]:
    """The study with a column's mean before the first start, standardised, and the controls with it.

    Use it where a shock of some years hits the more exposed villages harder, such as the return of tourists: a control
    that never changes enters times year, so that villages are compared with equally exposed ones. The study's own
    controls stay beside it.

    Raises
    ------
    StudyError
        When no two villages differ in it before the first start.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> exposed, controls = exposure_by_year(load_study(), "tourist_visits")
    >>> did(exposed, "collective_income_cny", controls=controls).villages
    274
    """
    frame, values = study.frame, study.column(column, "exposure")
    before = frame["time"] < study.starts[0]
    exposure = values.where(before).groupby(frame["unit"]).transform("mean")
    if not exposure.std() > 0:
        raise StudyError(
            "{column!r} is the same in all villages before {start}, so nobody is more exposed than others. Fill it in "
            "for the years before, or leave this check out."
            if exposure.notna().any()
            else "{column!r} is not known in any village before {start}, so nobody is more exposed than others. Fill "
            "it in for the years before, or leave this check out.",
            column=column,
            start=study.starts[0],
        )
    name = f"{column} before {study.starts[0]}"
    return dataclasses.replace(study, frame=frame.assign(**{name: exposure / exposure.std()})), [*study.controls, name]


@threat("Shocks of some years", "Gave every year its own slope in a village's visits before the start.")
def returning_tourists(study: Study, outcome: str) -> Check:
    """Whether the return of tourists after the pandemic is the answer."""
    exposed, controls = exposure_by_year(study, VISITS)
    others = {"visits before the start, by year": did(exposed, outcome, controls=controls)}
    return Check(study, beside(did(study, outcome), others), others, tuple(others.values()))
