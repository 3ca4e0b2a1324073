"""A large panel as averages over villages alike: the same regression from a fraction of the rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.messages import StudyError
from analysis.regression.sample import Sample
from analysis.study.panel_checks import DESIGN_COLUMNS
from analysis.study.panel_rows import combined_codes, first_rows

# Up to this many village-years the full regression takes about a tenth of a second, and keeps its residuals.
COLLAPSE_ABOVE = 30_000
# The years a village is observed in are held as the bits of one number.
MOST_YEARS = 62
# So many villages' rows fit a processor's cache.
VILLAGES_AT_ONCE = 50_000


def collapse(sample: Sample) -> Sample:
    """Replace villages of one group, stratum and start year, observed in the same years, by their average.

    Use it where the panel is large. Such villages share every regressor, demeaned or not, so that sums over them are
    all that the regression and its clustered errors need: coefficients, standard errors and degrees of freedom stay
    what they are, of a Poisson regression too. Of the statsmodels fit, what measures the spread of single villages
    (R-squared, AIC) is not theirs.

    Parameters
    ----------
    sample : Sample
        Without controls and weights, which few villages share.

    Returns
    -------
    Sample
        One row per average and year; `unit` numbers the averages.

    Raises
    ------
    StudyError
        Controls or weights, or more than 62 years.

    References
    ----------
    Wong, Forsell, Lewis, Mao & Wardrop (2021), "You only compress once: optimal data compression for estimating causal
    effects from linear models", arXiv:2102.11297.
    """
    if not _possible(sample):
        fault = "Villages cannot be collapsed with controls, weights or more than {years} years. Use collapse=False."
        raise StudyError(fault, years=MOST_YEARS)
    time = sample.frame["time"].to_numpy()
    begins, years = time.min(), int(time.max() - time.min()) + 1
    year = np.subtract(time, begins, out=np.empty(len(time), dtype=np.int8), casting="unsafe")
    starts = first_rows(sample.frame)
    blocks = _blocks(starts, len(year))
    observed = np.concatenate([np.add.reduceat(np.int64(1) << year[rows], first) for _, rows, first in blocks])
    villages = sample.frame[["first_treated", "group", "stratum"]].iloc[starts]
    alike = [villages["group"], villages["stratum"], villages["first_treated"], observed]
    # Villages that are always at zero are no part of a Poisson regression.
    zero = [np.maximum.reduceat(sample.outcome, starts) <= 0] if sample.scale == "poisson" else []
    profile = combined_codes(*alike, *zero)
    counts = np.bincount(profile)
    chosen = np.empty(len(counts), dtype=int)
    chosen[profile] = np.arange(len(profile))
    villages, observed = villages.iloc[chosen], observed[chosen]
    means = _means(sample.outcome, year, years, profile, counts, blocks)
    average, year = np.nonzero(observed[:, None] >> np.arange(years) & 1)
    frame = villages.iloc[average].assign(unit=average, time=begins + year)[DESIGN_COLUMNS].reset_index(drop=True)
    no_controls, behind = pd.DataFrame(index=frame.index), counts[average]
    rows: dict[str, Any] = {"outcome": means[average, year], "weights": behind.astype(float), "villages": behind}
    return replace(sample, frame=frame, controls=no_controls, **rows)


def worth_collapsing(sample: Sample) -> bool:
    """Whether the sample is large, and can be collapsed."""
    return len(sample.frame) > COLLAPSE_ABOVE and _possible(sample)


def _possible(sample: Sample) -> bool:
    time = sample.frame["time"]
    return bool((sample.weights == 1).all()) and sample.controls.empty and bool(time.max() - time.min() < MOST_YEARS)


def _blocks(starts: np.ndarray, rows: int) -> list[tuple[slice, slice, np.ndarray]]:
    """Villages, their rows, and where each village begins among these, some at once."""
    edges = np.append(starts, rows)
    blocks = []
    for at in range(0, len(starts), VILLAGES_AT_ONCE):
        villages = slice(at, min(at + VILLAGES_AT_ONCE, len(starts)))
        among = slice(edges[villages.start], edges[villages.stop])
        blocks.append((villages, among, starts[villages] - among.start))
    return blocks


def _means(
    outcome: np.ndarray,
    year: np.ndarray,
    years: int,
    profile: np.ndarray,
    counts: np.ndarray,
    blocks: list[tuple[slice, slice, np.ndarray]],
) -> np.ndarray:
    """Means by profile and year, shape (profiles, years)."""
    sums = np.zeros(len(counts) * years)
    for villages, rows, first in blocks:
        start = np.repeat(profile[villages] * years, np.diff(first, append=rows.stop - rows.start))
        sums += np.bincount(start + year[rows], outcome[rows], minlength=len(sums))
    return (sums / np.repeat(counts, years)).reshape(-1, years)
