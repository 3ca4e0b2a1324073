"""Numbers as readers see them: they keep the digits that count."""

import math
from functools import cache

import numpy as np
from babel.numbers import NumberPattern, parse_pattern

# A number nearer than this to a whole one is shown as that one; so many decimals are the most that are shown.
MOST_DECIMALS = 9


def floored(number: float) -> str:
    """An effective number with one decimal, never rounded up: 2.98 is less than three. A rounding error is none."""
    return fixed(math.floor(10 * number + 1e-6) / 10 if math.isfinite(number) else number, 1)


def p_of(p_value: float) -> str:
    """How a p-value stands behind "p": "= 0.034", or "< 0.001" where three decimals show nothing."""
    return f"= {fixed(p_value, 3)}" if p_value >= 0.001 else "< 0.001"


def amounts(*numbers: float) -> tuple[str, ...]:
    """Numbers shown together, such as an estimate and the ends of its interval, all with the same decimals.

    Half of what they span (an interval's half-width) is shown with two significant digits. Digits before the point
    are all kept; infinite and missing numbers are left out of the span. A number alone is shown as by `amount`.

    Examples
    --------
    >>> amounts(0.000137, 0.00011, 0.000164), amounts(16620.3, -11503.2, 44743.8)
    (('0.000137', '0.000110', '0.000164'), ('16,620', '−11,503', '44,744'))
    >>> amounts(0.1234, -0.0561, 0.3029), amounts(0.5, float("nan"), float("nan"))
    (('0.12', '−0.06', '0.30'), ('0.500', 'nan', 'nan'))
    """
    decimals = shared_decimals(*numbers)
    return tuple(amount(number) if decimals is None else fixed(number, decimals) for number in numbers)


def shared_decimals(*numbers: float) -> int | None:
    """Decimals of numbers shown together, by `amounts`; None where they are alike, or one alone is known."""
    known = [number for number in numbers if np.isfinite(number)]
    half = (max(known) - min(known)) / 2 if known else 0.0
    return decimals_of(half, 2) if round(half, MOST_DECIMALS) > 0 else None


def amount(number: float) -> str:
    """A number shown alone: whole if it is, or from 100 on; one decimal from 10 on, else three, or two digits.

    Use `amounts` for an estimate with its interval.

    Examples
    --------
    >>> amount(49028.4), amount(16.62), amount(0.0281), amount(-0.000137), amount(3.0)
    ('49,028', '16.6', '0.028', '−0.00014', '3')
    """
    if abs(number) >= 100 or round(float(number), MOST_DECIMALS).is_integer():
        return fixed(number, 0)
    return fixed(number, 1 if abs(number) >= 10 or np.isnan(number) else max(3, decimals_of(number, 2)))


def decimals_of(size: float, significant: int) -> int:
    """Decimals that show a size with so many significant digits, none of those before the point left out."""
    exponent = int(f"{size:.{significant - 1}e}".split("e")[1])
    return min(max(significant - 1 - exponent, 0), MOST_DECIMALS)


def fixed(number: float, decimals: int, language: str = "en") -> str:
    """A number with so many decimals, as a language writes it (Babel), with a true minus sign and none before a zero.

    English and Chinese write numbers alike, so what is said in both is written once.

    Examples
    --------
    >>> fixed(-12345.678, 1), fixed(-12345.678, 1, "zh"), fixed(-0.04, 1), fixed(float("-inf"), 0)
    ('−12,345.7', '−12,345.7', '0.0', '−∞')
    """
    rounded = round(float(number), decimals) + 0.0
    if not math.isfinite(rounded):
        return f"{rounded}".replace("-", "−").replace("inf", "∞")
    return _pattern(decimals).apply(rounded, language).replace("-", "−")


@cache
def _pattern(decimals: int) -> NumberPattern:
    return parse_pattern("#,##0" + "." * (decimals > 0) + "0" * decimals)
