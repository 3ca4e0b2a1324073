"""An event study's path with the same cohorts all along: what tests of pre-trends and honest bounds compare."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.regression.regression import Effect, Regression


@dataclass(frozen=True)
class EventPath:
    """Effects by event time, ascending, without the reference year (zero by construction).

    Attributes
    ----------
    regression : Regression
    effects : sequence of Effect
    event_times : sequence of int
    reference : int
    left_out : tuple of int
        Event times that some start year does not reach.
    """

    regression: Regression
    effects: Sequence[Effect]
    event_times: Sequence[int]
    reference: int
    left_out: tuple[int, ...] = ()

    def part(self, inside: np.ndarray) -> list[Effect]:
        """The effects at some of the event times, a mask."""
        return [effect for effect, asked in zip(self.effects, inside, strict=True) if asked]


def event_path(
    regression: Regression, effects: Sequence[Effect], event_times: Sequence[int], reference: int
) -> EventPath:
    """The path on one set of cohort weights, over the event times that every start year reaches.

    With several start years the average at each event time is of the cohorts that reach it, so that it jumps where one
    drops out and turns with the cohorts' own trends. Here every cohort weighs as much as it does in the reference year.
    """
    if regression.kind != "cohort_event_time":
        return EventPath(regression, effects, event_times, reference)
    place = {label: at for at, label in enumerate(regression.labels)}
    frame = regression.sample.frame
    at_reference = (frame["time"] - frame["first_treated"] == reference).fillna(False).to_numpy(dtype=bool)
    size = np.bincount(frame["first_treated"][at_reference].to_numpy(dtype=int), regression.weights[at_reference])
    cohorts = sorted({int(cohort) for cohort, _ in regression.labels if cohort is not None})
    weights = {}
    for time in event_times:
        if all((cohort, time) in place for cohort in cohorts):
            weights[time] = np.zeros(len(regression.cells))
            weights[time][[place[cohort, time] for cohort in cohorts]] = size[cohorts] / size[cohorts].sum()
    left_out = tuple(time for time in event_times if time not in weights)
    fixed = [regression.combination(row) for row in weights.values()]
    return EventPath(regression, fixed, tuple(weights), reference, left_out)
