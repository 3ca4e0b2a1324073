"""Which treatment cell every row of a sample is in: the one builder behind each estimator."""

import numpy as np
import pandas as pd

Cell = tuple[int | str | None, int | None]


def cell_of_each_row(frame: pd.DataFrame, kind: str, reference: int = -1) -> tuple[list[Cell], np.ndarray]:
    """Cells that a sample's rows fill, in order, and the position of each row's cell among them (-1 for none).

    Rows of one start year and year (and group, for "group_year") share a cell, so that few are worked out.
    """
    first_treated = frame["first_treated"].to_numpy(dtype=float, na_value=np.nan)
    time, groups = frame["time"].to_numpy(), frame["group"].to_numpy()
    code = (pd.factorize(first_treated)[0] + 1) * (time.max() - time.min() + 1) + time - time.min()
    if kind == "group_year":
        group, names = pd.factorize(groups)
        code = code * len(names) + group
    _, rows, kinds = np.unique(code, return_index=True, return_inverse=True)
    cells = treatment_cells(first_treated[rows], time[rows], kind, reference, groups[rows])
    labels = sorted(cells.dropna().unique(), key=lambda cell: tuple(-np.inf if part is None else part for part in cell))
    position = {label: number for number, label in enumerate(labels)}
    return labels, np.array([position.get(cell, -1) for cell in cells])[kinds]


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
        inside = np.nan_to_num(event_time, nan=-np.inf) >= 0
    else:
        inside = ~np.isnan(event_time) & (event_time != reference)
    cohort = first_treated[inside].astype(int) if kind.startswith("cohort") else [None] * int(inside.sum())
    if kind == "group_year" and groups is not None:
        cohort = [group_label(group) for group in groups[inside]]
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
