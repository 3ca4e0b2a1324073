"""Where zeros leave an effect in per cent without a finite answer: found by a linear programme, and named."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

from analysis.messages import Listed, StudyError, Text, count, first, unit_years
from analysis.regression.regressors import Regressors, regressors
from analysis.regression.sample import Sample

# The programme's solution is at bounds of zero or one, up to its own tolerance of 1e-7.
ABOVE_ZERO = 1e-3


def check_separation(built: Regressors, sample: Sample, kind: str, reference: int) -> None:
    """Refuse zeros that leave no finite answer: say where they stand, and what can still be answered.

    Some combination of the regressors is zero wherever the outcome is above zero, and below zero in some rows where it
    is zero: the further the coefficients go that way, the better the fit. A cell of zeros alone is one case of it.

    References
    ----------
    Correia, Guimarães & Zylkin (2019), "Verifying the existence of maximum likelihood estimates for generalized linear
    models", arXiv:1903.01633.
    """
    lost = separated_rows(built, sample)
    if lost.any():
        fault = "No effect in per cent exists here: {where}, and a ratio to nothing has no size. {answers}"
        ways = Listed(_remedies(sample, lost, kind, reference), "; ")
        raise StudyError(fault, where=_where(sample, lost), answers=Text("What can be answered: {ways}.", ways=ways))


def separated_rows(built: Regressors, sample: Sample) -> np.ndarray:
    """Rows of zeros whose fitted means would go to zero, shape (n,); none where all coefficients are finite."""
    unit = np.unique(sample.frame["unit"], return_inverse=True)[1]
    rows, zero = np.arange(len(unit)), np.flatnonzero(sample.outcome == 0)
    if not len(zero):
        return np.zeros(len(unit), dtype=bool)
    values = built.raw[:, 1:]
    values = values / np.abs(values).max(axis=0)
    units = sparse.csr_array((np.ones(len(unit)), (rows, unit)))
    slack = sparse.csr_array((np.ones(len(zero)), (zero, np.arange(len(zero)))), shape=(len(unit), len(zero)))
    free = units.shape[1] + values.shape[1]
    found = linprog(
        np.append(np.zeros(free), -np.ones(len(zero))),
        A_eq=sparse.hstack([units, sparse.csr_array(values), slack]),
        b_eq=np.zeros(len(unit)),
        bounds=[(None, None)] * free + [(0, 1)] * len(zero),
        method="highs",
    )
    lost = np.zeros(len(unit), dtype=bool)
    lost[zero] = found.x[free:] > ABOVE_ZERO
    return lost


def _where(sample: Sample, lost: np.ndarray) -> Text:
    """The rows that are separated, in words."""
    frame = sample.frame
    treated, years, groups = frame["first_treated"].notna(), frame["time"][lost].unique(), frame["group"][lost].unique()
    alike = treated == treated[lost].iloc[0]
    some = alike & frame["group"].isin(groups)
    if not treated[lost].any() or set(groups) == set(frame["group"][treated]):
        side, who = alike, "no treated village has a value above zero in {years}"
        who = who if treated[lost].any() else "no untreated village has a value above zero in {years}"
    else:
        side, who = some, "{groups} ({found}) has no value above zero in {years}"
        who = who if len(groups) == 1 else "{groups} ({found}) have no value above zero in {years}"
    if len(treated[lost].unique()) > 1 or (sample.outcome[side & frame["time"].isin(years)] > 0).any():
        places = unit_years(frame, pd.Series(lost, frame.index))
        who = "the controls or cells tell {zeros} apart from all other values: {places}"
        return Text(who, zeros=count(len(places), "zero"), places=first(places))
    return Text(who, groups=count(len(groups), "group"), found=first(groups), years=_span(np.sort(years)))


def _span(years: np.ndarray) -> Text:
    """Years in words: 2016 to 2022, or the first three."""
    span = Text("{begins} to {ends}", begins=years[0], ends=years[-1])
    return span if len(years) > 2 and np.ptp(years) == len(years) - 1 else first(years)


def _remedies(sample: Sample, lost: np.ndarray, kind: str, reference: int) -> Iterator[Text]:
    """What the zeros leave answerable, each tried before it is named."""
    frame = sample.frame
    years, groups = frame["time"].isin(frame["time"][lost].unique()), frame["group"].isin(frame["group"][lost])
    if (finite := _finite_reference(sample, years, kind, reference)) is not None:
        others = "the other years, without {years}, against reference={finite}"
        others = others if finite != reference else "the other years, without {years}"
        yield Text(others, years=_span(np.unique(frame["time"][years])), finite=finite)
    if frame["first_treated"][lost].notna().all() and _finite(sample, groups, kind, reference):
        yield Text("the other groups, without {groups}", groups=first(frame["group"][groups].unique()))
    if kind in ("cohort_year", "group_year") and _finite(sample, None, "treated", reference):
        yield Text('one effect for all by did, estimator="two_way"')
    yield Text('effects in the outcome\'s own unit, scale="level"')


def _finite_reference(sample: Sample, left_out: pd.Series, kind: str, reference: int) -> int | None:
    """The reference, or else the last year before treatment, against which the rest has a finite answer."""
    times = np.unique(sample.event_time[~left_out])[::-1]
    others = times[(times < 0) & kind.endswith("event_time")].astype(int).tolist()
    return next((time for time in [reference, *others] if _finite(sample, left_out, kind, time)), None)


def _finite(sample: Sample, left_out: pd.Series | None, kind: str, reference: int) -> bool:
    """Whether the sample without some rows has what is compared, and a finite answer."""
    rest = sample if left_out is None else sample.without(left_out.to_numpy(), "tried")
    cohorts = rest.starts_before(reference if kind.endswith("event_time") else None) == rest.starts
    if rest.frame["first_treated"].notna().all() or not (rest.event_time >= 0).any() or not cohorts:
        return False
    return not separated_rows(regressors(rest, kind, reference), rest).any()
