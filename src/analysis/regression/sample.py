"""The village-years one regression uses, or the averages over villages alike that stand for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from analysis.messages import StudyError, Text, rows, singular
from analysis.study.panel_checks import DESIGN_COLUMNS
from analysis.study.panel_rows import first_rows
from analysis.study.specification import as_names, check_not_a_control, check_weights
from analysis.study.study import Study

NOBODY = pd.DataFrame(columns=[*DESIGN_COLUMNS, "weight"])


@dataclass(frozen=True)
class Sample:
    """The village-years one regression uses; in a collapsed sample, averages over villages alike (see `collapse`).

    Attributes
    ----------
    frame : DataFrame
        Design columns of the n rows used, sorted by unit and time.
    outcome : ndarray, shape (n,)
        Outcome, in logs on that scale.
    controls : DataFrame, shape (n, number of controls)
    weights : ndarray, shape (n,)
        One each, unless a column weighs; in a collapsed sample, the villages that each row averages.
    villages : ndarray, shape (n,)
        How many villages each row stands for: one, but in a collapsed sample.
    dropped : dict of str to int
        Rows left out, by reason.
    scale : {"level", "log", "poisson"}
    weighted_by : str
        The column of weights; empty without one.
    always_zero : DataFrame
        Design columns and `weight` of the villages that are zero in every year, which a Poisson regression leaves out
        because they say nothing of a change in per cent; they count where an amount is per village.
    """

    frame: pd.DataFrame
    outcome: np.ndarray
    controls: pd.DataFrame
    weights: np.ndarray
    villages: np.ndarray
    dropped: dict[str, int]
    scale: str = "level"
    weighted_by: str = ""
    always_zero: pd.DataFrame = field(default_factory=lambda: NOBODY)

    @property
    def constant_controls(self) -> list[str]:
        """Controls that never change within a unit: they enter times year."""
        values, starts = self.controls.to_numpy(dtype=float), first_rows(self.frame)
        begins = np.repeat(values[starts], np.diff(starts, append=len(values)), axis=0)
        return self.controls.columns[(values == begins).all(axis=0)].tolist()

    @property
    def rows(self) -> int:
        """Village-years."""
        return int(self.villages.sum())

    @property
    def event_time(self) -> np.ndarray:
        """Years since treatment began, NaN for never treated; shape (n,)."""
        return self.frame["time"].to_numpy() - self.frame["first_treated"].to_numpy(dtype=float, na_value=np.nan)

    @property
    def starts(self) -> set[int]:
        """Start years of treatment."""
        return {*self.frame["first_treated"].dropna().unique().tolist()}

    def starts_before(self, reference: int | None = None) -> set[int]:
        """Start years of villages seen before their start, or at one event time."""
        event_time = self.event_time
        before = event_time < 0 if reference is None else event_time == reference
        return {*self.frame["first_treated"][before].unique().tolist()}

    def units(self) -> pd.DataFrame:
        """One row per village with its design columns and `villages`, 1; collapsed, the number it stands for."""
        first = first_rows(self.frame)
        return self.frame.iloc[first].assign(villages=self.villages[first])

    def villages_at(self, event_time: int) -> int:
        """Villages observed at an event time."""
        return int(self.villages[self.event_time == event_time].sum())

    def without(self, rows: np.ndarray, reason: str) -> Sample:
        """The sample without some rows, shape (n,), counted under the reason."""
        if not rows.any():
            return self
        kept = {name: getattr(self, name)[~rows] for name in ("outcome", "weights", "villages")}
        tables = {name: getattr(self, name)[~rows].reset_index(drop=True) for name in ("frame", "controls")}
        dropped = self.dropped | {reason: self.dropped.get(reason, 0) + int(self.villages[rows].sum())}
        return replace(self, **kept, **tables, dropped=dropped)


def select_sample(
    study: Study, outcome: str, controls: Sequence[str] = (), weights: str | None = None, scale: str = "level"
) -> Sample:
    """Take the rows that a regression can use; say how many were left out and why."""
    sample = known_rows(study, outcome, controls, weights, scale)
    return without_zeros(sample, study.noun) if scale == "poisson" else sample


def known_rows(
    study: Study, outcome: str, controls: Sequence[str] = (), weights: str | None = None, scale: str = "level"
) -> Sample:
    """Take the rows that have an outcome, controls and a weight, zeros included."""
    controls = as_names(controls)
    check_not_a_control(outcome, controls, weights)
    outcomes = study.column(outcome)
    regressors = pd.DataFrame({name: study.column(name, "control") for name in controls}, index=study.frame.index)
    heft = study.column(weights, "weight") if weights else None
    if heft is not None:
        check_weights(study.frame, heft, str(weights))
    _check_scale(study, outcome, outcomes, scale)
    keep = pd.Series(True, index=study.frame.index)
    dropped: dict[str, int] = {}
    columns = [(outcome, outcomes), *regressors.items(), *([(weights, heft)] if heft is not None else [])]
    for name, values in columns:
        lost = keep & values.isna()
        if lost.any():
            dropped[Text("{label} missing", label=name)] = int(lost.sum())
        keep &= ~lost
    used = slice(None) if keep.all() else keep
    frame = study.frame[DESIGN_COLUMNS][used].reset_index(drop=True)
    values = outcomes[used].to_numpy()
    return Sample(
        frame,
        np.log(values) if scale == "log" else values,
        regressors[used].reset_index(drop=True),
        heft[used].to_numpy(dtype=float) if heft is not None else np.broadcast_to(1.0, len(frame)),
        np.broadcast_to(1, len(frame)),
        dropped,
        scale,
        weights or "",
    )


def _check_scale(study: Study, outcome: str, values: pd.Series, scale: str) -> None:
    """No value that the scale cannot take."""
    if scale != "level" and study.describe(outcome).logged:
        fault = (
            '{outcome!r} is in logs already (logged = true), so scale="{scale}" would take the log of a log. '
            "Leave scale out: the effect in per cent is exp(effect) - 1."
        )
        raise StudyError(fault, outcome=outcome, scale=scale)
    if scale == "log" and (bad := values <= 0).any():
        fault = (
            'scale="log" needs values above zero, but {outcome!r} is zero or negative in {rows}. Effects in per cent '
            'that keep zeros come from scale="poisson"; log(1 + y) would make the answer depend on the unit.'
        )
        raise StudyError(fault, outcome=outcome, rows=rows(study.frame, bad))
    if scale == "poisson" and (bad := values < 0).any():
        fault = (
            'scale="poisson" needs values of zero or more, but {outcome!r} is negative in {rows}. Correct these values '
            'or leave the rows out, or analyse levels (scale="level"), where losses count.'
        )
        raise StudyError(fault, outcome=outcome, rows=rows(study.frame, bad))


def without_zeros(sample: Sample, noun: str) -> Sample:
    """Without villages that are zero in every year and years that are zero for everyone: no ratio rests on them."""
    positive = sample.outcome > 0
    if not positive.any():
        raise StudyError('No value is above zero, so there is no effect in per cent. Use scale="level".')
    starts = first_rows(sample.frame)
    village = np.repeat(np.logical_or.reduceat(positive, starts), np.diff(starts, append=len(positive)))
    year = sample.frame["time"].isin(sample.frame["time"][positive].unique()).to_numpy()
    zeros = sample.frame[~village & year].assign(weight=sample.weights[~village & year])
    sample = sample.without(~village, Text("{noun} zero in every year", noun=singular(noun)))
    sample = sample.without(~year[village], Text("year zero for every {noun}", noun=singular(noun)))
    known = [part for part in (sample.always_zero, zeros) if len(part)]
    return replace(sample, always_zero=pd.concat(known, ignore_index=True)) if known else sample


def demean(values: np.ndarray, frame: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Remove weighted unit means; values have shape (n, k), rows are sorted by unit."""
    starts = first_rows(frame)
    totals = np.add.reduceat(weights, starts)
    means = np.add.reduceat(values * weights[:, None], starts) / totals[:, None]
    within = np.repeat(means, np.diff(starts, append=len(frame)), axis=0)
    return np.subtract(values, within, out=within)
