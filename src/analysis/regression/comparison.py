"""What a sample can compare: villages with themselves over the years, and every year with untreated villages."""

import numpy as np

from analysis.regression.sample import Sample, without_zeros
from analysis.study.panel_rows import first_rows


def comparable(sample: Sample, noun: str) -> Sample:
    """Without villages seen once and years without untreated villages, which tell nothing; `dropped` counts them.

    Use it before a regression with village and year effects: such rows change no coefficient that has a comparison,
    but would count as clusters, groups and village-years.
    """
    while True:
        rows = len(sample.frame)
        starts = first_rows(sample.frame)
        lengths = np.diff(starts, append=rows)
        sample = sample.without(np.repeat(lengths == 1, lengths), "seen in one year only")
        time, untreated = sample.frame["time"].to_numpy(), sample.frame["first_treated"].isna().to_numpy()
        for year in _years_without(time, untreated):
            sample = sample.without(sample.frame["time"].to_numpy() == year, f"{year} has no untreated {noun}")
        if len(sample.frame) in (0, rows):
            return sample
        sample = without_zeros(sample, noun) if sample.scale == "poisson" else sample


def _years_without(time: np.ndarray, untreated: np.ndarray) -> list[int]:
    """Years of which no row is untreated, without sorting a large panel's rows."""
    begins = time.min() if len(time) else 0
    seen, compared = np.bincount(time - begins), np.bincount(time - begins, untreated)
    return (np.flatnonzero((seen > 0) & (compared == 0)) + begins).tolist()
