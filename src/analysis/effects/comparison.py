"""Several effects side by side, one row each, with the reason where there is none."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.effects.estimate import Estimate
from analysis.messages import StudyError

COLUMNS = ("estimate", "unit", "per_cent", "std_error", "df", "low", "high", "p_value")


def compare(estimates: Mapping[Any, Estimate | StudyError], about: Sequence[str] = ()) -> pd.DataFrame:
    """Effects side by side with the headline inference (CR2), one row each; a refusal is a row with its reason.

    Use it for any set of estimates: other years, other villages, other outcomes. `effects_table` and `plot_forest` show
    them. What the data cannot support stays in sight (`estimate_or_refusal`).

    Parameters
    ----------
    estimates : mapping of str to Estimate or StudyError
        By row name.
    about : sequence of str
        Attributes of `Estimate` that become columns too, such as "villages" or "treated_groups".

    Returns
    -------
    DataFrame
        Columns estimate, unit, per_cent, std_error, df, low, high, p_value; note, why there is no estimate or no
        interval; and those asked for.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> study = load_study()
    >>> frame = compare({"all": did(study, "households"), "none": StudyError("No village is treated.")})
    >>> frame["note"].tolist(), frame["estimate"].notna().tolist()
    (['', 'No village is treated.'], [True, False])
    """
    rows = [_row(one, about) for one in estimates.values()]
    return pd.DataFrame(rows, pd.Index(list(estimates), tupleize_cols=False), [*COLUMNS, "note", *about])


def _row(one: Estimate | StudyError, about: Sequence[str]) -> dict[str, Any]:
    if isinstance(one, StudyError):
        return dict.fromkeys(COLUMNS, np.nan) | {"unit": "", "note": str(one)}
    row = {**one.headline(), "estimate": one.value, "unit": one.unit, "per_cent": one.percent, "note": one.no_interval}
    return row | {name: getattr(one, name) for name in about}


def estimate_or_refusal(verb: Callable[..., Estimate], *args: Any, **options: Any) -> Estimate | StudyError:
    """What a verb returns, or the `StudyError` that it raises, for `compare` to hold.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> estimate_or_refusal(did, load_study(), "nothing").args[0][:32]
    "The panel has no column 'nothing"
    """
    try:
        return verb(*args, **options)
    except StudyError as error:
        return error
