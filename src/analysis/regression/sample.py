"""The village-years one regression uses, or the averages over villages alike that stand for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.messages import StudyError, rows
from analysis.study.panel_checks import DESIGN_COLUMNS
from analysis.study.panel_rows import first_rows
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
    weights : ndarray, shape (n,)
        One each, unless a column weighs; in a collapsed sample, the villages that each row averages.
    villages : ndarray, shape (n,)
        How many villages each row stands for: one, but in a collapsed sample.
    dropped : dict of str to int
        Rows left out, by reason.
    """

    frame: pd.DataFrame
    outcome: np.ndarray
    controls: pd.DataFrame
    weights: np.ndarray
    villages: np.ndarray
    dropped: dict[str, int]

    @property
    def rows(self) -> int:
        """Village-years."""
        return int(self.villages.sum())

    def units(self) -> pd.DataFrame:
        """One row per village with its design columns and `villages`, 1; collapsed, the number it stands for."""
        first = first_rows(self.frame)
        return self.frame.iloc[first].assign(villages=self.villages[first])

    def villages_at(self, event_time: int) -> int:
        """Villages observed at an event time."""
        at = (self.frame["time"] - self.frame["first_treated"] == event_time).fillna(False).to_numpy(dtype=bool)
        return int(self.villages[at].sum())


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
        heft[used].to_numpy(dtype=float) if heft is not None else np.ones(len(frame)),
        np.ones(len(frame), dtype=int),
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


def demean(values: np.ndarray, frame: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Remove weighted unit means; values have shape (n, k), rows are sorted by unit."""
    starts = first_rows(frame)
    totals = np.add.reduceat(weights, starts)
    means = np.add.reduceat(values * weights[:, None], starts) / totals[:, None]
    return values - np.repeat(means, np.diff(starts, append=len(frame)), axis=0)
