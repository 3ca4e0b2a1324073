"""The village-years one regression uses, or the averages over villages alike that stand for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.messages import StudyError, rows
from analysis.study.panel_checks import DESIGN_COLUMNS
from analysis.study.panel_rows import combined_codes, first_rows
from analysis.study.study import Study


@dataclass(frozen=True)
class Sample:
    """The village-years one regression uses; in a collapsed sample, averages over villages alike (see `collapse`).

    Attributes
    ----------
    frame : DataFrame
        Design columns of the n rows used, sorted by unit and time.
    outcome : ndarray, shape (n,)
        Outcome, in logs if asked for.
    controls : DataFrame, shape (n, number of controls)
    weights : ndarray, shape (n,), or None
        In a collapsed sample, the villages that each row averages.
    dropped : dict of str to int
        Rows left out, by reason.
    scatter : float or None
        In a collapsed sample, the sum of squares of village-years around their averages and village means; else None.
    """

    frame: pd.DataFrame
    outcome: np.ndarray
    controls: pd.DataFrame
    weights: np.ndarray | None
    dropped: dict[str, int]
    scatter: float | None = None

    @cached_property
    def alike(self) -> np.ndarray | None:
        """In a collapsed sample, which rows share their regressors: 0, 1, ..., shape (n,); else None.

        They share start year, years observed, and year.
        """
        if self.scatter is None:
            return None
        if not self.controls.empty:
            raise StudyError("Averages over villages have no controls. Estimate with collapse=False.")
        starts, year = first_rows(self.frame), (self.frame["time"] - self.frame["time"].min()).to_numpy()
        kind = combined_codes(self.frame["first_treated"].iloc[starts], np.add.reduceat(1 << year, starts))
        return combined_codes(np.repeat(kind, np.diff(starts, append=len(year))), year)

    @property
    def rows(self) -> int:
        """Village-years."""
        return len(self.frame) if self.scatter is None else int(self.weights.sum())

    def units(self) -> pd.DataFrame:
        """One row per village with its design columns and `villages`, 1; collapsed, the number it stands for."""
        first = first_rows(self.frame)
        villages = np.ones(len(first), dtype=int) if self.scatter is None else self.weights[first].astype(int)
        return self.frame.iloc[first].assign(villages=villages)

    def villages_at(self, event_time: int) -> int:
        """Villages observed at an event time."""
        at = (self.frame["time"] - self.frame["first_treated"] == event_time).fillna(False).to_numpy(dtype=bool)
        return int(at.sum() if self.scatter is None else self.weights[at].sum())

    def distinct(self) -> Sample:
        """One row for each set of regressors in a collapsed sample (the first of those alike), with their weight."""
        if self.scatter is None:
            return self
        rows = np.unique(self.alike, return_index=True)[1]
        weights = np.bincount(self.alike, self.weights)
        return replace(self, frame=self.frame.iloc[rows], controls=self.controls.iloc[rows], weights=weights)

    def demeaned(self, values: np.ndarray) -> np.ndarray:
        """Without (weighted) unit means, the grand mean added back; shape (n, k)."""
        starts = first_rows(self.frame)
        return demean(values, starts, np.diff(starts, append=len(self.frame)), self.weights)


def select_sample(
    study: Study, outcome: str, controls: Sequence[str] = (), weights: str | None = None, log: bool = False
) -> Sample:
    """Take the rows that have an outcome, controls and a weight; say how many were left out and why."""
    if isinstance(controls, str):
        controls = [controls]
    if outcome in controls:
        raise StudyError(f"The outcome {outcome!r} is also a control. Leave it out of the controls.")
    outcomes = study.column(outcome)
    regressors = pd.DataFrame({name: study.column(name, "control") for name in controls}, index=study.frame.index)
    heft = study.column(weights, "weight") if weights is not None else None
    if heft is not None and (bad := heft <= 0).any():
        raise StudyError(
            f"The weight {weights!r} is zero or negative in {rows(study.frame, bad)}. "
            "Weights must be positive; leave out rows that should not count."
        )
    if log:
        _check_positive(study, outcome, outcomes)
    keep = pd.Series(True, index=study.frame.index)
    dropped = {}
    columns = [(outcome, outcomes), *regressors.items(), *([(weights, heft)] if heft is not None else [])]
    for name, values in columns:
        lost = keep & values.isna()
        if lost.any():
            dropped[f"{name} missing"] = int(lost.sum())
        keep &= ~lost
    used = slice(None) if keep.all() else keep
    frame = study.frame[DESIGN_COLUMNS][used].reset_index(drop=True)
    values = outcomes[used].to_numpy()
    return Sample(
        frame,
        np.log(values) if log else values,
        regressors[used].reset_index(drop=True),
        heft[used].to_numpy() if heft is not None else None,
        dropped,
    )


def _check_positive(study: Study, outcome: str, values: pd.Series) -> None:
    bad = values <= 0
    if bad.any():
        raise StudyError(
            f"log=True needs values above zero, but {outcome!r} is zero or negative in "
            f"{rows(study.frame, bad)}. Analyse levels, or remove those rows and say so; "
            "log(1 + y) would make the answer depend on the unit."
        )


def demean(values: np.ndarray, starts: np.ndarray, lengths: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Remove (weighted) unit means and add the grand mean back; rows must be sorted by unit.

    Parameters
    ----------
    values : ndarray, shape (n, k)
    starts, lengths : ndarray, shape (units,)
        First row and number of rows of each unit.
    weights : ndarray, shape (n,), or None
    """
    if weights is None:
        means = np.add.reduceat(values, starts) / lengths[:, None]
        return values - np.repeat(means, lengths, axis=0) + values.mean(axis=0)
    totals = np.add.reduceat(weights, starts)
    means = np.add.reduceat(values * weights[:, None], starts) / totals[:, None]
    return values - np.repeat(means, lengths, axis=0) + weights @ values / weights.sum()
