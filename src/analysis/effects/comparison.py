"""Several effects side by side, one row each, with the reason where there is none."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.effects.estimate import Estimate
from analysis.inference.methods import HEADLINE
from analysis.messages import StudyError, count
from analysis.study.outcome import SCALED, SCALES
from analysis.study.specification import NONE
from analysis.study.study import Study

COLUMNS = ("estimate", "unit", "per_cent", "std_error", "df", "low", "high", "p_value")


def compare(
    estimates: Mapping[Any, Estimate | StudyError],
    about: Sequence[str] = (),
    *,
    method: str = HEADLINE,
    level: float = 0.95,
) -> pd.DataFrame:
    """Effects side by side with the headline inference (CR2), one row each; a refusal is a row with its reason.

    Use it for any set of estimates: other years, other villages, other outcomes. `effects_table` and `plot_forest` show
    them. What the data cannot support stays in sight (`estimate_or_refusal`).

    Parameters
    ----------
    estimates : mapping of str to Estimate or StudyError
        By row name.
    about : sequence of str
        Attributes of `Estimate` that become columns too, such as "villages" or "treated_groups".
    method, level
        As in `Estimate.headline`.

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
    rows = [_row(one, about, method, level) for one in estimates.values()]
    return pd.DataFrame(rows, pd.Index(list(estimates), tupleize_cols=False), [*COLUMNS, "note", *about])


def _row(one: Estimate | StudyError, about: Sequence[str], *inference: Any) -> dict[str, Any]:
    if isinstance(one, StudyError):
        return dict.fromkeys(COLUMNS, np.nan) | {"unit": "", "note": str(one)}
    row = {"estimate": one.value, "unit": one.unit, "per_cent": one.percent, **one.headline(*inference)}
    return row | {"note": one.no_interval} | {name: getattr(one, name) for name in about}


def answered(results: Mapping[Any, Any]) -> dict[Any, Any]:
    """The results among results and refusals, in their order.

    Raises
    ------
    StudyError
        Where none is known: the first reason.

    Examples
    --------
    >>> answered({"all": 1, "none": StudyError("No village is treated.")})
    {'all': 1}
    """
    known = {name: one for name, one in results.items() if not isinstance(one, StudyError)}
    for refusal in results.values() if not known else ():
        raise refusal
    return known


def estimate_or_refusal(verb: Callable[..., Any], *args: Any, **options: Any) -> Any:
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


def alternatives(verb: Callable[..., Any], study: Study, outcome: str) -> dict[str, Any]:
    """What `did` or `event_study` says as the study asks it, and as others would: other scales, no controls, pooled.

    Use it for `plot_event_study`, `plot_forest` or a table of estimators side by side. Logs leave out what is not above
    zero and say how much; a scale that the outcome cannot take is held as its `StudyError`.

    Returns
    -------
    dict of str to Estimate, EventStudy or StudyError
        By what was done, in the study's language: the study's own scale first, then the other scales; without controls
        and weights, where it has any; and with the start years pooled, where it has several.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> list(alternatives(did, load_study(), "households"))
    ['in per cent (Poisson)', 'in logs', 'in levels']
    """
    own, positive = study.scale_of(outcome), ~study.column(outcome).le(0)
    tried = {}
    for scale in [own, *(one for one in SCALES[::-1] if one != own)]:
        name, asked = study.say(SCALED[scale]), study
        if scale == "log" and not positive.all():
            rows = count(int((~positive).sum()), f"{study.noun}-year")
            name, asked = study.say("in logs, without {rows} not above zero", rows=rows), study.subset(positive)
        tried[name] = estimate_or_refusal(verb, asked, outcome, scale=scale)
    others: dict[str, dict[str, Any]] = {}
    if any(study.specification(outcome)):
        others["without controls and weights"] = {"controls": (), "weights": NONE}
    if len(study.starts) > 1:
        others["start years pooled (two-way fixed effects)"] = {"estimator": "two_way"}
    return tried | {study.say(name): estimate_or_refusal(verb, study, outcome, **how) for name, how in others.items()}
