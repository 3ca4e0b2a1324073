"""The rows of a panel in order of unit and year, and one row per unit, in a pass or two whatever the panel's size."""

from collections.abc import Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from analysis.study.unit_names import code_order

KEYS = ("unit", "time")
# Rows are sorted by one number of so many bits.
NUMBER_BITS = 63
# Columns of one kind are held as one block where there are more: pandas is slow, and warns, with a hundred apart.
SEPARATE_COLUMNS = 50


def by_unit_and_time(frame: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """The rows in order of unit and time (whole numbers), and whether any unit and time stand twice.

    Examples
    --------
    >>> frame, repeated = by_unit_and_time(pd.DataFrame({"unit": ["b", "a", "a"], "time": [2023, 2024, 2023]}))
    >>> frame.to_numpy().tolist(), repeated
    ([['a', 2023], ['a', 2024], ['b', 2023]], False)
    """
    unit, time = frame["unit"], frame["time"].to_numpy()
    begins, bits = time.min(), int(time.max() - time.min()).bit_length()
    # Unit and year as the bits of one number, so that one sort orders both.
    key = _numbered(unit, bits) << bits
    key |= time - begins
    order = _order(key)
    repeated = bool((key[1:] == key[:-1]).any())
    place = key >> bits
    first = np.flatnonzero(np.append(True, place[1:] != place[:-1]))
    lengths = np.diff(first, append=len(key))
    del place
    key &= (1 << bits) - 1
    key += begins
    # Processors wait for memory, so that two columns at once take half as long.
    with ThreadPoolExecutor() as threads:
        columns = {name: threads.submit(values.array.take, order) for name, values in frame.items() if name not in KEYS}
    arrays = {"unit": unit.array.take(order[first]).repeat(lengths), "time": key}
    arrays |= {name: column.result() for name, column in columns.items()}
    return frame_of({name: arrays[name] for name in frame}), repeated


def _numbered(unit: pd.Series, bits: int) -> np.ndarray:
    """Whole numbers from zero in the order of the units' codes, which leave so many bits to spare."""
    if unit.dtype == "int64":
        begins, ends = int(unit.min()), int(unit.max())
        if (ends - begins).bit_length() + bits + len(unit).bit_length() <= NUMBER_BITS:
            return unit.to_numpy() - begins
    codes, distinct = pd.factorize(unit)
    place = np.empty(len(distinct), dtype="int64")
    place[code_order(distinct)] = np.arange(len(distinct))
    return place[codes]


def _order(numbers: np.ndarray) -> np.ndarray:
    """Positions of whole numbers from zero in ascending order; the numbers are sorted themselves.

    Number and position as the bits of one number sort many times as fast as positions by number.
    """
    bits = len(numbers).bit_length()
    if int(numbers.max()).bit_length() + bits > NUMBER_BITS:
        order = np.argsort(numbers, kind="stable")
        numbers[:] = numbers[order]
        return order
    order = np.arange(len(numbers))
    numbers <<= bits
    numbers |= order
    numbers.sort()
    np.bitwise_and(numbers, (1 << bits) - 1, out=order)
    numbers >>= bits
    return order


def frame_of(arrays: Mapping[Hashable, np.ndarray | pd.api.extensions.ExtensionArray]) -> pd.DataFrame:
    """A frame of these columns, not converted, and copied only if they are many."""
    columns = {name: pd.Series(array, dtype=array.dtype, copy=False) for name, array in arrays.items()}
    return pd.DataFrame(columns, copy=len(columns) > SEPARATE_COLUMNS)


def first_rows(frame: pd.DataFrame) -> np.ndarray:
    """Position of each unit's first row in a frame in order of unit."""
    unit = frame["unit"].array
    begins = np.asarray(unit[1:] != unit[:-1], dtype=bool)
    return np.flatnonzero(np.append(len(unit) > 0, begins))


def of_units(frame: pd.DataFrame, column: str) -> pd.Series:
    """What a column holds in each unit's first row, by unit."""
    return frame[["unit", column]].iloc[first_rows(frame)].set_index("unit")[column]


def under_treatment(frame: pd.DataFrame) -> np.ndarray:
    """Which rows are of treated units' years from their start on, shape (n,)."""
    return (frame["time"] >= frame["first_treated"]).fillna(False).to_numpy(dtype=bool)


def changes(values: pd.Series) -> np.ndarray:
    """Whether each row differs from the one before (missing equals missing), shape (n,); the first does."""
    missing = values.isna().to_numpy()
    differs = pd.Series(values.array[1:] != values.array[:-1]).to_numpy(dtype=bool, na_value=False)
    if missing.any():
        differs = np.where(missing[1:] | missing[:-1], missing[1:] != missing[:-1], differs)
    return np.append(True, differs)


def combined_codes(*columns: pd.Series | np.ndarray) -> np.ndarray:
    """One code for each combination of values that occurs: 0, 1, ... by the first column, then the second, ..."""
    codes = [pd.factorize(column, use_na_sentinel=False)[0] for column in columns]
    combined = np.ravel_multi_index(codes, [code.max() + 1 for code in codes])
    return pd.factorize(combined, sort=True)[0]
