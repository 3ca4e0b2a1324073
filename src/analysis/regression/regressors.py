"""The regressors of a sample: a constant, years, treatment cells and controls."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.messages import StudyError, count, reasons, refuse
from analysis.regression.sample import Sample
from analysis.regression.treatment_cells import Cell, cell_name, cell_of_each_row

# A column whose part not explained by the columns before it is below this share of its own length is collinear.
COLLINEARITY_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Regressors:
    """Regressors before demeaning, and the treatment cells among them.

    Attributes
    ----------
    raw : ndarray, shape (n, K)
        Of truth values, an eighth of the memory of numbers, where there are no controls.
    columns : list of str
        Names of the K columns; the first is the constant.
    labels, cell_of_row
        As in `Regression`.
    """

    raw: np.ndarray
    columns: list[str]
    labels: tuple[Cell, ...]
    cell_of_row: np.ndarray

    @property
    def names(self) -> pd.Index:
        """Names of the treatment cells."""
        return pd.Index([cell_name(label) for label in self.labels])


def regressors(sample: Sample, kind: str, reference: int = -1) -> Regressors:
    """The columns of `fit`; `kind` and `reference` say which treatment cells there are."""
    labels, cell_of_row = cell_of_each_row(sample.frame, kind, reference)
    years = np.unique(sample.frame["time"])
    cells, controls = [cell_name(label) for label in labels], control_columns(sample)
    columns = ["constant", *(f"year_{year}" for year in years[1:]), *cells, *controls]
    _check_names(columns)
    parts = [
        np.ones(len(cell_of_row), dtype=bool),
        sample.frame["time"].to_numpy()[:, None] == years[1:],
        cell_of_row[:, None] == np.arange(len(labels)),
    ]
    parts += [controls.to_numpy(dtype=float)] if len(controls.columns) else []
    return Regressors(np.column_stack(parts), columns, tuple(labels), cell_of_row)


def control_columns(sample: Sample) -> pd.DataFrame:
    """Controls as the regression has them: one that never changes within a unit times every year but the first."""
    time, constant = sample.frame["time"], sample.constant_controls
    columns: dict[str, pd.Series] = {}
    for name, values in sample.controls.items():
        years = np.unique(time)[1:].tolist() if name in constant else []
        columns |= {f"{name} × {year}": values * (time == year) for year in years} or {str(name): values}
    return pd.DataFrame(columns, index=time.index)


def _check_names(columns: list[str]) -> None:
    clash = sorted({name for name in columns if columns.count(name) > 1})
    refuse(clash, "control", "{} named like a column of the regression itself", "Rename it in the panel.")


def check_rank(built: Regressors, triangle: np.ndarray, sample: Sample) -> None:
    """Every column adds something to those before it, else name the ones that do not.

    `triangle` is R of the demeaned design's QR decomposition, rows multiplied by the roots of their weights.
    """
    raw, columns = built.raw, built.columns
    if sample.rows < len(columns):
        known = {"rows": count(sample.rows, "row"), "number": len(columns), "reasons": reasons(sample.dropped)}
        raise StudyError("{rows} cannot support {number} coefficients. Rows left out: {reasons}.", **known)
    # Truth values are not made numbers of eight times their size all at once.
    length = np.sqrt(np.einsum("i,ij,ij->j", sample.weights, raw, raw))
    left = np.zeros(len(columns))
    found = np.abs(np.diag(triangle))
    left[: len(found)] = found
    sizes = zip(columns, left, length, strict=True)
    lost = [name for name, size, whole in sizes if size <= COLLINEARITY_TOLERANCE * whole]
    fault = "{} cannot be estimated beside the village and year effects"
    remedy = (
        "A control that moves alike in all villages, or a treated cell with no comparison left (rows left out: "
        "{reasons}), must be removed or its data filled in."
    )
    refuse(lost, "column", fault, remedy, reasons=reasons(sample.dropped))
