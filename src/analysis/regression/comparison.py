"""What a sample can compare: villages with themselves over the years, and every year with untreated villages."""

import numpy as np

from analysis.messages import Text, singular
from analysis.regression.sample import Sample, without_zeros
from analysis.study.panel_rows import first_rows


def comparable(sample: Sample, noun: str, reference: int | None = None) -> Sample:
    """Without villages seen once and years without untreated villages, which tell nothing; `dropped` counts them.

    Use it before a regression with village and year effects: such rows change no coefficient that has a comparison,
    but would count as clusters, groups and village-years. In per cent a year under treatment in which no untreated
    village is above zero has no comparison either; with a `reference`, as in an event study, no such year has.
    """
    while True:
        rows = len(sample.frame)
        starts = first_rows(sample.frame)
        lengths = np.diff(starts, append=rows)
        sample = sample.without(np.repeat(lengths == 1, lengths), Text("seen in one year only"))
        time, untreated = sample.frame["time"].to_numpy(), sample.frame["first_treated"].isna().to_numpy()
        for year in _years_without(time, untreated):
            why = Text("{year} has no untreated {noun}", year=year, noun=singular(noun))
            sample = sample.without(sample.frame["time"].to_numpy() == year, why)
        if sample.scale == "poisson" and len(sample.frame):
            sample = _without_zero_years(without_zeros(sample, noun), noun, reference)
        if len(sample.frame) in (0, rows):
            return sample


def _without_zero_years(sample: Sample, noun: str, reference: int | None) -> Sample:
    """Without years that no untreated village tells of, unless nothing is left to compare: that is said elsewhere."""
    frame, positive = sample.frame, sample.outcome > 0
    time, untreated = frame["time"].to_numpy(), frame["first_treated"].isna().to_numpy()
    if not (years := _years_without(time, untreated & positive)):
        return sample
    rest = sample
    for year in years if reference is not None else np.intersect1d(years, time[sample.event_time >= 0]):
        why = Text("{year} has no untreated {noun} above zero", year=year, noun=singular(noun))
        rest = rest.without(rest.frame["time"].to_numpy() == year, why)
    kept = rest.starts_before(reference) == sample.starts
    return rest if kept and (rest.event_time >= 0).any() else sample


def _years_without(time: np.ndarray, untreated: np.ndarray) -> list[int]:
    """Years of which no row is untreated, without sorting a large panel's rows."""
    begins = time.min() if len(time) else 0
    seen, compared = np.bincount(time - begins), np.bincount(time - begins, untreated)
    return (np.flatnonzero((seen > 0) & (compared == 0)) + begins).tolist()
