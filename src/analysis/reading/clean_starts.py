"""Clean a column of first treated years, in which some values may stand for never treated."""

from collections.abc import Collection

import pandas as pd

from analysis.reading.clean_cells import clean_years
from analysis.study.treatment import indicator_of, read_never


def clean_starts(values: pd.Series, label: str, *, never: Collection = ()) -> tuple[pd.Series, list[str]]:
    """First treated years as Int64; missing where a cell is empty or stands for never treated.

    An indicator of treatment, 0 and 1, is passed on as it is: `Study` says what to write for it.

    Examples
    --------
    >>> clean_starts(pd.Series(["2021", "9999", ""]), "start", never=[9999])[0].tolist()
    [2021, <NA>, <NA>]
    """
    kept, said = read_never(values, never, label)
    indicator = indicator_of(kept)
    if indicator is not None:
        return indicator, said
    years, changed = clean_years(kept, label)
    return years, said + changed
