"""The breakdown value: how far parallel trends may fail before the sign of an effect is lost."""

from collections.abc import Callable

import numpy as np

from analysis.inference.inversion import first_reached

# The breakdown value is bisected to this share of the largest departure before, or of the standard error (smoothness).
BREAKDOWN_TOLERANCE = 1e-3


def breakdown_value(interval: Callable[[float], tuple[float, float]], unit: float) -> float:
    """Largest value whose interval excludes zero, to BREAKDOWN_TOLERANCE units; NaN where none does.

    The interval must widen with the value, without limit.

    Examples
    --------
    >>> round(breakdown_value(lambda value: (2 - value, 2 + value), unit=1.0), 2)
    2.0
    """

    def holds_zero(value: float) -> bool:
        low, high = interval(value)
        return low <= 0 <= high

    if holds_zero(0.0):
        return np.nan
    return first_reached(holds_zero, unit, absolute=BREAKDOWN_TOLERANCE * unit)[0]
