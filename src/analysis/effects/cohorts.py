"""Several start years: cohort-by-year effects averaged in stated ways, and studies with other start years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.effects.comparison import compare
from analysis.effects.estimate import Estimate
from analysis.messages import Listed, Sentence, StudyError, count, first, refuse
from analysis.regression.regression import Effect, Regression, weighted_sum
from analysis.study.group_notes import few_treated_groups, mixed_groups
from analysis.study.panel_checks import check_starts
from analysis.study.study import Study
from analysis.study.unit_names import text_label

# Over what each aggregate's parts are averaged to give its overall effect.
AGGREGATES = {
    "event_time": "event times, each alike",
    "cohort": "start-year cohorts, by their size",
    "calendar": "calendar years, each alike",
}


@dataclass(frozen=True)
class Aggregate(Sentence):
    """Effects by event time, cohort or calendar year, and their average; all are contrasts of one regression.

    Attributes
    ----------
    by : {"event_time", "cohort", "calendar"}
    parts : dict of int to Estimate
        By event time, start year or calendar year: averages over village-years under treatment.
    overall : Estimate
        Average of the parts, with the weights that `weights` states.
    """

    by: str
    parts: Mapping[int, Estimate]
    overall: Estimate

    @property
    def weights(self) -> str:
        """What the overall effect averages over."""
        return AGGREGATES[self.by]

    def frame(self) -> pd.DataFrame:
        """One row per part, then "overall": estimate and its CR2 inference, village_years behind it, and note.

        The note says why an effect has no interval.
        """
        estimates: dict[Any, Estimate] = {**self.parts, "overall": self.overall}
        sizes = self.overall.fitted.cell_sizes()
        behind = [sizes[one.effect.gradient != 0].sum() for one in estimates.values()]
        columns = ["estimate", "std_error", "low", "high", "p_value", "village_years", "note"]
        return compare(estimates).assign(village_years=behind)[columns].rename_axis(self.by)

    def __repr__(self) -> str:
        noun, alone = self.overall.study.noun, self.weights.split("s,")[0]
        parts = f"{len(self.parts)} {self.weights}" if len(self.parts) > 1 else f"one {alone}"
        cohorts = {cohort for cohort, _ in self.overall.fitted.labels} - {None}
        lost = [start for start in self.overall.study.starts if cohorts and start not in cohorts]
        zero = f", without start year {first(lost)}, zero for every {noun} in every year" if lost else ""
        return f"By {self.by.replace('_', ' ')}, overall the average of {parts}{zero}: {self.overall!r}"


def aggregated_effects(regression: Regression, starts: Sequence[int], by: str) -> tuple[dict[int, Effect], Effect]:
    """Effects by event time, start-year cohort or calendar year, and their average; see `EventStudy.aggregate`."""
    if by not in AGGREGATES:
        raise StudyError("by must be one of {known}, not {by!r}.", known=Listed(AGGREGATES), by=by)
    if len(starts) > 1 and regression.kind != "cohort_event_time":
        fault = (
            'The event study pools {starts} start years, so cohorts cannot be told apart. Use estimator="saturated".'
        )
        raise StudyError(fault, starts=len(starts))
    cohort = np.array([starts[0] if label[0] is None else label[0] for label in regression.labels])
    event_time = np.array([label[1] for label in regression.labels])
    key = {"event_time": event_time, "cohort": cohort, "calendar": cohort + event_time}[by]
    names = np.unique(key[event_time >= 0])
    effects = [regression.average((event_time >= 0) & (key == name)) for name in names]
    if by != "event_time":
        # A start year that is zero throughout has no cells, so that those of another would not tell it apart.
        rows = regression.sample.always_zero
        under_treatment = (rows["time"] >= rows["first_treated"]).fillna(False)
        rows = rows[under_treatment & rows["time"].isin(regression.sample.frame["time"])]
        zeros = rows["weight"].groupby(rows["first_treated" if by == "cohort" else "time"]).sum()
        pairs = zip(effects, names, strict=True)
        effects = [replace(one, always_zero=float(zeros.get(name, 0))) for one, name in pairs]
    share = np.ones(len(names))
    if by == "cohort":
        share = regression.sample.units().groupby("first_treated")["villages"].sum()[names].to_numpy(dtype=float)
    return dict(zip(names.tolist(), effects, strict=True)), weighted_sum(effects, share / share.sum())


def with_starts(study: Study, starts: int | Mapping[object, int]) -> Study:
    """The study with other first treated years, validated again.

    Use it where the start year is assumed, to see how far the answer depends on it.

    Parameters
    ----------
    study : Study
    starts : int or mapping of group to int
        One year for all treated groups, or the year of each treated group that changes.

    Returns
    -------
    Study
        Its `assumptions` say which start years were set.

    Raises
    ------
    StudyError
        When a group is not treated in the study, a year is not whole, or no year before or after it is in the panel.

    Examples
    --------
    >>> from analysis import load_study
    >>> with_starts(load_study(), {"zhaohe-millet": 2024}).starts
    [2023, 2024]
    """
    frame = study.frame
    treated = frame["first_treated"].notna()
    known = set(frame.loc[treated, "group"].unique())
    starts = starts if isinstance(starts, Mapping) else dict.fromkeys(known, starts)
    starts = {group if group in known else text_label(group): year for group, year in starts.items()}
    unknown = [group for group in starts if group not in known]
    remedy = "Its treated groups are {known}."
    refuse(unknown, "group", "{} not treated in this study", remedy, known=Listed(sorted(known)))
    if broken := [year for year in starts.values() if int(year) != year]:
        raise StudyError("Start years must be whole years, not {found}.", found=first(broken))
    changed = frame["group"].map(dict(starts)).where(treated).astype("Int64")
    frame = frame.assign(first_treated=changed.fillna(frame["first_treated"]))
    check_starts(frame)
    by_year = pd.Series(starts).astype(int).value_counts().sort_index()
    said = ", ".join(f"{year} for {count(number, 'group')}" for year, number in by_year.items())
    assumptions = f"{study.assumptions} Start years set here: {said}.".lstrip()
    return replace(study, frame=frame, assumptions=assumptions, notes=few_treated_groups(frame) + mixed_groups(frame))
