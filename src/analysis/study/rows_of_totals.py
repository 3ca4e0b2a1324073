"""Rows that are no units: a unit whose value is the sum or the mean of all others, year after year."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from analysis.language.texts import Text
from analysis.messages import look, refuse
from analysis.study.panel_checks import as_numbers
from analysis.study.panel_rows import combined_codes, first_rows

SUM_TOLERANCE = 1e-3
"""Of the sum: tables round, and print totals to fewer digits. A unit that happens to hold half of everything keeps to
its share within a thousandth in hardly any year, and not in most of several."""
MEAN_TOLERANCE = 1e-2
"""Of the others' standard deviation; no more than the sum's share of the mean, since a rich village or two make the
deviation large, and a village that keeps its income may then stay near the mean for years."""
FINEST = 2e-3
"""Of the others' standard deviation, the half step of rounding that still tells a mean from a village near it. Numbers
of households are whole and hardly change: in one panel of twenty some village kept within half of one."""
IS_OF_OTHERS = {
    ("sum", "all"): "{unit} is the sum of all others",
    ("sum", "group"): "{unit} is the sum of the others of its group",
    ("sum", "stratum"): "{unit} is the sum of the others of its stratum",
    ("mean", "all"): "{unit} is the mean of all others",
    ("mean", "group"): "{unit} is the mean of the others of its group",
    ("mean", "stratum"): "{unit} is the mean of the others of its stratum",
}
FEWEST_YEARS, FEWEST_OTHERS = 3, 3
FEWEST_UNITS = 10
"""Of which one holds more than all others together: among fewer, one large village may."""
MOST_UNITS = 10_000
"""Totals stand in tables that people read; a register of more units has none, and looking there takes seconds."""


def refuse_totals(frame: pd.DataFrame, outcomes: Iterable[str]) -> None:
    """Refuse units whose outcome is the sum or mean of all others, or of their group's or stratum's, in most years.

    Parameters
    ----------
    frame
        Rows in order of unit and year; `group` and `stratum` may be absent. Panels of more than 10,000 units are not
        looked at.
    outcomes
        Numeric columns, each looked at by itself.
    """
    begins = first_rows(frame)
    if len(begins) > MOST_UNITS:
        return
    names = frame["unit"].iloc[begins].to_numpy()
    unit = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(frame)))
    cells = {"all": combined_codes(frame["time"])}
    for kind in [kind for kind in ("stratum", "group") if kind in frame]:
        cells = {kind: combined_codes(frame[kind], frame["time"]), **cells}
    left = {name: as_numbers(frame[name]).to_numpy(copy=True) for name in outcomes}
    found: dict[int, tuple[str, str]] = {}
    # A region's total is the sum of the others once the towns' totals are out.
    while new := {
        one: (kind, others)
        for others, cell in cells.items()
        for values in left.values()
        for one, kind in _aggregates(values, unit, cell)
    }:
        found |= new
        for values in left.values():
            values[np.isin(unit, list(new))] = np.nan
    listed = ", ".join(f'"{names[one]}"' if isinstance(names[one], str) else str(names[one]) for one in found)
    said = [Text(IS_OF_OTHERS[what], unit=names[one]) for one, what in found.items()]
    remedy = "Rows of totals and means are no units. If they are such, write leave_out = [{listed}]."
    refuse(said, "unit", "{} in which most years' values are those of others together", remedy, listed=listed)


def units_above_all_others(frame: pd.DataFrame, outcomes: Iterable[str]) -> list[str]:
    """Units that hold more than all others together in most of their years: totals, where some villages are missing."""
    begins = first_rows(frame)
    if not FEWEST_UNITS <= len(begins) <= MOST_UNITS:
        return []
    time, years = pd.factorize(frame["time"])
    unit = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(frame)))
    large = np.zeros(len(begins), dtype=bool)
    for name in outcomes:
        values = as_numbers(frame[name]).to_numpy(dtype=float, na_value=np.nan)
        known = np.isfinite(values)
        total = np.bincount(time[known], values[known], len(years))[time]
        above = np.bincount(unit[known & (2 * values > total)], minlength=len(begins))
        large |= (above >= FEWEST_YEARS) & (2 * above > np.bincount(unit[known], minlength=len(begins)))
    named = frame["unit"].iloc[begins[large]].astype(str)
    return look(named, "unit", "{} above all others together in most years", "A total? Then write leave_out.")


def _aggregates(values: np.ndarray, unit: np.ndarray, cell: np.ndarray) -> list[tuple[int, str]]:
    """Units that are a sum or a mean of the others of their cells (a year, or a stratum's year) in most years."""
    known = np.isfinite(values)
    value, who, here = values[known], unit[known], cell[known]
    size, total, square = (np.bincount(here, weights)[here] for weights in (None, value, value**2))
    others, rest, squares = np.maximum(size - 1, 1), total - value, square - value**2
    spread = np.sqrt(np.maximum(squares / others - (rest / others) ** 2, 0))
    rounding, enough = _rounding(value) / 2, size > FEWEST_OTHERS
    slack = np.maximum(np.abs(rest) * SUM_TOLERANCE, rounding)
    # The others may hold the total once more, in parts, or their mean.
    sums = [np.abs(value - rest * part) <= slack * part for part in (1, 0.5, (others - 1) / others)]
    several = enough & (slack <= np.abs(rest) / 100) & (rest**2 >= 1.5 * squares)
    tests = [("sum", hit, several, rest, slack) for hit in sums]
    slack = np.minimum(spread * MEAN_TOLERANCE, np.maximum(np.abs(rest / others) * SUM_TOLERANCE, rounding))
    varied = enough & (slack >= rounding) & (spread > 0) & (rounding <= spread * FINEST)
    tests.append(("mean", np.abs(value - rest / others) <= slack, varied, spread, slack))
    return [(one, kind) for kind, *test in tests for one in _in_most_years(who, *test)]


def _in_most_years(
    unit: np.ndarray, hit: np.ndarray, telling: np.ndarray, moved: np.ndarray, slack: np.ndarray
) -> list[int]:
    """Units that hit in most telling years, in which what they are compared with moved by more than the tolerance."""
    hit = hit & telling
    years, of = np.bincount(unit[hit]), np.bincount(unit[telling])
    often = np.flatnonzero((years >= FEWEST_YEARS) & (2 * years > of[: len(years)]))
    hits = {one: hit & (unit == one) for one in often.tolist()}
    return [one for one, at in hits.items() if np.ptp(moved[at]) > 2 * slack[at].max()]


def _rounding(values: np.ndarray) -> float:
    """The step to which values are rounded, seen in the first of them; zero where there is none."""
    some = values[:10_000]
    steps = [step for step in (1.0, 0.1, 0.01, 0.001) if np.allclose(some / step, np.round(some / step), atol=1e-6)]
    return steps[0] if steps else 0.0
