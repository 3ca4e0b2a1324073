"""What controls explain of an outcome, learnt where no treatment touched it."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.regression.poisson import linearised
from analysis.regression.regressors import control_columns, regressors
from analysis.regression.sample import Sample, demean, without_zeros


def explained_by_controls(sample: Sample, scale: str, noun: str) -> np.ndarray:
    """The controls' part of the outcome in each row, shape (n,): in its unit, or in log points under "poisson"."""
    if sample.controls.empty:
        return np.zeros(len(sample.frame))
    treated = (sample.frame["time"] >= sample.frame["first_treated"]).fillna(False).to_numpy(dtype=bool)
    untouched = replace(sample, scale=scale).without(treated, "under treatment")
    untouched = linearised(without_zeros(untouched, noun)) if scale == "poisson" else untouched
    built = regressors(replace(untouched, frame=untouched.frame.assign(first_treated=pd.NA)), "treated")
    columns = np.column_stack([built.raw[:, 1:], untouched.outcome])
    within = demean(columns, untouched.frame, untouched.weights) * np.sqrt(untouched.weights)[:, None]
    coefficients = pd.Series(np.linalg.lstsq(within[:, :-1], within[:, -1])[0], built.columns[1:])
    controls = control_columns(sample)
    return controls.to_numpy(dtype=float) @ coefficients.reindex(controls.columns, fill_value=0.0).to_numpy()
