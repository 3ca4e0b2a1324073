"""What a study's own specification is made of: controls and weights, however they are given."""

from collections.abc import Sequence

import pandas as pd

from analysis.messages import StudyError, rows
from analysis.study.panel_checks import numeric_column

CHOICES = ("scale", "sample", "comparison", "weights", "controls")
"""What a specification chooses; see `specification_curve`."""
NONE = "none"


def as_names(asked: str | Sequence[str] | None) -> tuple[str, ...]:
    """Columns asked for as one name or several; "none" stands for none.

    Examples
    --------
    >>> as_names("land"), as_names(["land", "rain"]), as_names("none"), as_names(())
    (('land',), ('land', 'rain'), (), ())
    """
    names = [asked] if isinstance(asked, str) else asked or ()
    return tuple(name for name in names if name not in ("", NONE))


def check_weights(frame: pd.DataFrame, values: pd.Series, name: str) -> None:
    """Every weight that is known is above zero."""
    if (bad := values <= 0).any():
        raise StudyError(
            "The weight {name!r} is zero or negative in {rows}. Weights must be positive; leave out rows that should "
            "not count.",
            name=name,
            rows=rows(frame, bad),
        )


def check_specification(frame: pd.DataFrame, outcome: str, controls: Sequence[str], weights: str) -> None:
    """The study's controls and weights are numbers, and its primary outcome is neither; weights differ."""
    check_not_a_control(outcome, controls, weights)
    for name in controls:
        control = numeric_column(frame, name, "control")
        if outcome in frame and name != outcome and control.equals(numeric_column(frame, outcome, "outcome")):
            fault = "The control {name!r} has the values of the outcome {outcome!r}. Leave it out."
            raise StudyError(fault, name=name, outcome=outcome)
    if weights:
        check_weights(frame, values := numeric_column(frame, weights, "weight"), weights)
        if values.min() == values.max():
            fault = "The weight {name!r} is the same in every row, so it weighs nothing. Name another, or leave it out."
            raise StudyError(fault, name=weights)


def check_not_a_control(outcome: str, controls: Sequence[str], weights: str | None = None) -> None:
    """The outcome is no control of itself, and no weight."""
    if weights and outcome == weights:
        raise StudyError('The outcome {name!r} is also the weight. Name another, or weights="none".', name=outcome)
    if outcome in controls:
        raise StudyError("The outcome {name!r} is also a control. Leave it out of the controls.", name=outcome)
