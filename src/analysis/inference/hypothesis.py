"""What every method of inference answers: a test of no effect, and an interval."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HypothesisTest:
    """A test of no effect and an interval; numbers that a method cannot give are missing.

    Attributes
    ----------
    std_error, statistic, df, p_value, low, high : float
        Reassignment and resampling use no t distribution, so their `df` is missing.
    note : str
        Remarks for a reader: clusters behind the test, and what the method cannot say.
    caution : str
        Why no standard error of this contrast can be believed; empty where one can.
    smallest_p : float
        The smallest p-value that the design can give, where it is above zero.
    """

    std_error: float = np.nan
    statistic: float = np.nan
    df: float = np.nan
    p_value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    note: str = ""
    caution: str = ""
    smallest_p: float = np.nan
