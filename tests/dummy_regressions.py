"""The library's regressions written out, with a dummy for every village and year."""

import numpy as np
import pandas as pd

from analysis.regression.regression import Effect, Regression
from analysis.regression.regressors import control_columns


def dummy_design(fitted: Regression) -> tuple[np.ndarray, np.ndarray]:
    """All regressors undemeaned, one dummy per village, the rest in the order of the parameters, and the outcome."""
    frame = fitted.sample.frame
    years = np.unique(frame["time"])[1:]
    rest = [
        frame["time"].to_numpy()[:, None] == years,
        fitted.cell_of_row[:, None] == np.arange(len(fitted.cells)),
        control_columns(fitted.sample).to_numpy(),
    ]
    villages = pd.get_dummies(frame["unit"]).to_numpy(dtype=float)
    return np.column_stack([villages, *rest]).astype(float), fitted.sample.outcome


def dummy_contrast(fitted: Regression, contrast: Effect) -> np.ndarray:
    return np.append(np.zeros(fitted.sample.frame["unit"].nunique()), fitted.parameter_weights(contrast.gradient)[1:])
