"""One two-way fixed-effects regression, fitted by statsmodels; every estimand is a contrast of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import OLS, WLS, RegressionResults

from analysis.messages import StudyError, count, first, reasons, rows
from analysis.study import Study

# A column whose part not explained by the columns before it is below this share of its own length is collinear.
COLLINEARITY_TOLERANCE = 1e-9

Cell = tuple[int | str | None, int | None]


@dataclass(frozen=True)
class Sample:
    """The village-years one regression uses.

    Attributes
    ----------
    frame : DataFrame
        Design columns of the n rows used, sorted by unit and time.
    outcome : ndarray, shape (n,)
        Outcome, in logs if asked for.
    controls : DataFrame, shape (n, number of controls)
    weights : ndarray, shape (n,), or None
    dropped : dict of str to int
        Rows left out, by reason.
    """

    frame: pd.DataFrame
    outcome: np.ndarray
    controls: pd.DataFrame
    weights: np.ndarray | None
    dropped: dict[str, int]


@dataclass(frozen=True)
class Regression:
    """A fitted two-way fixed-effects regression.

    Attributes
    ----------
    results : RegressionResults
        The statsmodels fit, with errors clustered by group (CR1). Unit effects are absorbed by demeaning within
        units (grand mean added back), so it holds a constant, year dummies, treatment cells and controls.
    sample : Sample
    cells : Index
        Names of the treatment cells, a subset of the results' parameters.
    membership : ndarray, shape (n,)
        Position in `cells` of the cell each row belongs to, -1 for none.
    labels : tuple of tuple
        Cohort (or group) and event time of each cell, None for what is pooled.
    kind, reference
        Which cells `treatment_cells` made.
    """

    results: RegressionResults
    sample: Sample
    cells: pd.Index
    membership: np.ndarray
    labels: tuple[Cell, ...]
    kind: str
    reference: int

    @property
    def design(self) -> np.ndarray:
        """Demeaned regressors, shape (n, K)."""
        return self.results.model.exog

    def cell_weights(self) -> np.ndarray:
        """Village-years (or their total weight) in each treatment cell."""
        weights = self.sample.weights if self.sample.weights is not None else np.ones(len(self.membership))
        inside = self.membership >= 0
        return np.bincount(self.membership[inside], weights[inside], minlength=len(self.cells))

    def contrast(self, weights: np.ndarray) -> np.ndarray:
        """Weights on the cells, shape (cells,), as weights on all K parameters."""
        vector = np.zeros(len(self.results.params))
        vector[self.results.params.index.get_indexer(self.cells)] = weights
        return vector


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
    frame = study.frame.loc[keep, ["unit", "time", "first_treated", "group", "stratum"]].reset_index(drop=True)
    values = outcomes[keep].to_numpy()
    return Sample(
        frame,
        np.log(values) if log else values,
        regressors[keep].reset_index(drop=True),
        heft[keep].to_numpy() if heft is not None else None,
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


def treatment_cells(
    first_treated: np.ndarray, time: np.ndarray, kind: str, reference: int = -1, groups: np.ndarray | None = None
) -> pd.Series:
    """Name the treatment cell of every row: the one builder behind each estimator.

    Parameters
    ----------
    first_treated : ndarray of float, shape (n,)
        First treated year, NaN for never treated.
    time : ndarray of int, shape (n,)
    kind : {"treated", "event_time", "cohort_year", "cohort_event_time", "group_year"}
        Which cells are pooled: all treated years; each event time; or none, cohort by cohort (treated years only,
        or all years but the reference) or group by group (treated years only).
    reference : int
        The event time left out (kinds with event times).
    groups : ndarray, shape (n,), optional
        Group of each row, for "group_year".

    Returns
    -------
    Series of tuple
        (cohort or group, event time) with None for what is pooled; missing for rows in no cell.
    """
    event_time = time - first_treated
    if kind in ("treated", "cohort_year", "group_year"):
        inside = event_time >= 0
    else:
        inside = ~np.isnan(event_time) & (event_time != reference)
    cohort = first_treated[inside].astype(int) if kind.startswith("cohort") else [None] * int(inside.sum())
    cohort = [group_label(group) for group in groups[inside]] if kind == "group_year" else cohort
    event = [None] * int(inside.sum()) if kind == "treated" else event_time[inside].astype(int)
    cells = pd.Series(None, index=range(len(time)), dtype=object)
    cells[np.flatnonzero(inside)] = list(zip(cohort, event, strict=True))
    return cells


def group_label(group: object) -> str:
    """What stands for the cohort in the cells of one group."""
    return f"group_{group}"


def cell_name(cell: Cell) -> str:
    """Coefficient name of a cell, the same whatever the data types."""
    cohort, event_time = cell
    parts = [cohort if isinstance(cohort, str) else f"cohort_{cohort}"] if cohort is not None else []
    parts += [f"event_time_{event_time}"] if event_time is not None else []
    return "_".join(parts) or "treated"


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


def fit(sample: Sample, kind: str, reference: int = -1) -> Regression:
    """Fit outcome on unit effects (absorbed exactly), year dummies, treatment cells and controls.

    Exact for unbalanced panels too: years are explicit dummies, and only the unit effects are demeaned away
    (Frisch-Waugh-Lovell). Errors are clustered by group with the CR1 factor G/(G-1) (N-1)/(N-K), where N counts
    village-years and K the constant, years, cells and controls, not the unit effects, which are nested in the groups.
    `kind` and `reference` say which treatment cells there are, as in `treatment_cells`.
    """
    first_treated = sample.frame["first_treated"].to_numpy(dtype=float, na_value=np.nan)
    groups = sample.frame["group"].to_numpy()
    cells = treatment_cells(first_treated, sample.frame["time"].to_numpy(), kind, reference, groups)
    labels = sorted(cells.dropna().unique(), key=lambda cell: tuple(-np.inf if part is None else part for part in cell))
    position = {label: number for number, label in enumerate(labels)}
    membership = np.array([position.get(cell, -1) for cell in cells])
    names = pd.Index([cell_name(label) for label in labels])
    years = np.unique(sample.frame["time"])
    raw = np.column_stack(
        [
            np.ones(len(membership)),
            sample.frame["time"].to_numpy()[:, None] == years[1:],
            membership[:, None] == np.arange(len(labels)),
            sample.controls.to_numpy(dtype=float),
        ]
    ).astype(float)
    columns = ["constant", *(f"year_{year}" for year in years[1:]), *names, *sample.controls.columns]
    unit = pd.factorize(sample.frame["unit"])[0]
    starts = np.flatnonzero(np.diff(unit, prepend=-1))
    lengths = np.diff(starts, append=len(unit))
    design = demean(raw, starts, lengths, sample.weights)
    _check_names(columns)
    _check_rank(raw, design, columns, sample)
    outcome = demean(sample.outcome[:, None], starts, lengths, sample.weights)[:, 0]
    results = _fit_statsmodels(outcome, pd.DataFrame(design, columns=columns), sample)
    return Regression(results, sample, names, membership, tuple(labels), kind, reference)


def _fit_statsmodels(outcome: np.ndarray, design: pd.DataFrame, sample: Sample) -> RegressionResults:
    groups, names = pd.factorize(sample.frame["group"])
    if len(names) < 2:
        raise StudyError(
            f"All {len(groups):,} village-years used are in one group ({names[0]}). "
            "Errors are clustered by group: give the groups that were treated and those that were not."
        )
    outcome = pd.Series(outcome, name="outcome")
    model = OLS(outcome, design) if sample.weights is None else WLS(outcome, design, weights=sample.weights)
    # QR keeps its precision when a control is of another scale than the dummies; the default loses it.
    return model.fit(method="qr", cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)


def _check_names(columns: list[str]) -> None:
    if clash := sorted({name for name in columns if columns.count(name) > 1}):
        raise StudyError(
            f"{count(len(clash), 'control')} named like a column of the regression itself: {first(clash)}. "
            "Rename it in the panel."
        )


def _check_rank(raw: np.ndarray, design: np.ndarray, columns: list[str], sample: Sample) -> None:
    """Every column adds something to those before it, else name the ones that do not."""
    length = np.linalg.norm(raw, axis=0)
    if len(design) < len(columns):
        raise StudyError(
            f"{count(len(design), 'row')} cannot support {len(columns)} coefficients. "
            f"Rows left out: {reasons(sample.dropped)}."
        )
    left = np.abs(np.diag(np.linalg.qr(design, mode="r")))
    lost = [
        name for name, size, whole in zip(columns, left, length, strict=True) if size <= COLLINEARITY_TOLERANCE * whole
    ]
    if lost:
        raise StudyError(
            f"{count(len(lost), 'column')} cannot be estimated beside the village and year effects: {first(lost)}. "
            "A control that never changes within a village, or a treated cell with no comparison left "
            f"(rows left out: {reasons(sample.dropped)}), must be removed or its data filled in."
        )
