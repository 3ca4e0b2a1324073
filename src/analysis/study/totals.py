"""Rows that are no units: a unit whose value is the sum or the mean of all others, year after year."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from analysis.messages import StudyError, count, first
from analysis.study.panel_checks import as_numbers
from analysis.study.panel_rows import first_rows

SUM_TOLERANCE = 1e-3
"""Of the sum: tables round, and print totals to fewer digits. A unit that happens to hold half of everything keeps to
its share within a thousandth in hardly any year, and not in most of several."""
MEAN_TOLERANCE = 1e-2
"""Of the others' standard deviation: a unit is so near to their mean by chance in fewer than one year of a hundred."""
FEWEST_YEARS, FEWEST_OTHERS = 3, 3


def refuse_totals(frame: pd.DataFrame, outcomes: Iterable[str]) -> None:
    """Refuse units whose outcome is the sum or mean of all others, or of their stratum's others, in most years.

    Parameters
    ----------
    frame
        Rows in order of unit and year; `stratum` may be absent.
    outcomes
        Numeric columns, each looked at by itself.
    """
    found: dict[str, str] = {}
    values = {name: as_numbers(frame[name]).to_numpy() for name in outcomes}
    begins = first_rows(frame)
    names = frame["unit"].iloc[begins].to_numpy()
    unit = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(frame)))
    year = (frame["time"] - frame["time"].min()).to_numpy()
    cells = {"all others": year}
    if "stratum" in frame:
        stratum = pd.factorize(frame["stratum"].iloc[begins])[0] * (year.max() + 1)
        cells = {"the others of its stratum": stratum[unit] + year, **cells}
    left = np.ones(len(frame), dtype=bool)
    while True:
        new = {
            names[one]: f"the {kind} of {others}"
            for others, cell in cells.items()
            for known in values.values()
            for one, kind in _aggregates(np.where(left, known, np.nan), unit, cell)
        }
        if not new:
            break
        found |= new
        left &= ~np.isin(unit, np.flatnonzero(np.isin(names, list(new))))
    if found:
        said = first(f"{name} is {what}" for name, what in found.items())
        listed = ", ".join(f'"{name}"' if isinstance(name, str) else str(name) for name in found)
        raise StudyError(
            f"{count(len(found), 'unit')} in which most years' values are those of others together: {said}. Rows of "
            f"totals and means are no units. If they are such, write leave_out = [{listed}]."
        )


def _aggregates(values: np.ndarray, unit: np.ndarray, cell: np.ndarray) -> list[tuple[int, str]]:
    """Units that are a sum or a mean of the others of their cells (a year, or a stratum's year) in most years."""
    rows = np.flatnonzero(np.isfinite(values))
    known, at = values[rows], cell[rows]
    size, total, square = (np.bincount(at, weights) for weights in (None, known, known * known))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, deviation = total / size, np.sqrt(np.maximum(square / size - (total / size) ** 2, 0))
        # Few rows can be either; only theirs are looked at closely.
        far = np.abs(known - mean[at])
        near = rows[(far <= (2 * MEAN_TOLERANCE * deviation)[at]) | (far >= np.abs(total / 6)[at])]
    del known, at, far
    often = np.bincount(unit[near], minlength=unit[-1] + 1) >= FEWEST_YEARS
    rows = rows[often[unit[rows]] & (size[cell[rows]] > FEWEST_OTHERS)]
    value, here, who = values[rows], cell[rows], unit[rows]
    others, rest = size[here] - 1, total[here] - value
    squares = square[here] - value**2
    spread = np.sqrt(np.maximum(squares / others - (rest / others) ** 2, 0))
    rounding = _rounding(values) / 2
    slack = np.maximum(np.abs(rest) * SUM_TOLERANCE, rounding)
    several = (slack <= np.abs(rest) / 100) & (rest**2 >= 1.5 * squares)
    tests = [("sum", np.abs(value - rest * part) <= slack * part, several, rest, slack) for part in (1, 0.5)]
    tests += [("sum", np.abs(value - rest * (others - 1) / others) <= slack, several, rest, slack)]
    slack = spread * MEAN_TOLERANCE
    tests += [("mean", np.abs(value - rest / others) <= slack, (slack >= rounding) & (spread > 0), spread, slack)]
    return [(one, kind) for kind, *test in tests for one in _in_most_years(who, *test)]


def _in_most_years(
    unit: np.ndarray, hit: np.ndarray, telling: np.ndarray, moved: np.ndarray, slack: np.ndarray
) -> list[int]:
    """Units that hit in most telling years, in which what they are compared with moved by more than the tolerance."""
    table = pd.DataFrame({"unit": unit, "moved": moved, "slack": slack})[hit & telling]
    hits = table.groupby("unit").agg(years=("unit", "size"), low=("moved", "min"), high=("moved", "max"))
    hits["slack"] = table.groupby("unit")["slack"].max()
    seen = pd.Series(unit[telling]).value_counts()
    enough = (hits["years"] >= FEWEST_YEARS) & (2 * hits["years"] > seen.reindex(hits.index))
    return hits.index[enough & (hits["high"] - hits["low"] > 2 * hits["slack"])].tolist()


def _rounding(values: np.ndarray) -> float:
    """The step to which values are rounded, seen in the first of them; zero where there is none."""
    some = values[np.isfinite(values)][:10_000]
    steps = [step for step in (1.0, 0.1, 0.01, 0.001) if np.allclose(some / step, np.round(some / step), atol=1e-6)]
    return steps[0] if steps else 0.0
