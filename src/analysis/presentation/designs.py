"""What a design could show, for reading: its shocks, and the detectable effect were it larger."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.design.power import minimum_detectable_effect
from analysis.design.untreated_shocks import untreated_shocks
from analysis.language.labels import bracketed
from analysis.messages import StudyError
from analysis.presentation.tables import Table, captioned
from analysis.study.study import Study

SHOCKS = {
    "group": "shared by a group",
    "unit": "of a unit alone",
    "passing": "of one year only",
    "group_growth": "growth a year shared by a group",
    "unit_growth": "growth a year of a unit",
}
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "as it is": {},
    "two more years after": {"years_after": 2},
    "twice the treated groups": {"treated_copies": 2},
    "twice the units outside": {"untreated_copies": 2},
}


def shocks_table(study: Study, outcome: str) -> Table:
    """How far units drift apart where no treatment touched: what power rests on.

    Examples
    --------
    >>> from analysis import load_study
    >>> shocks_table(load_study(), "households").frame.index[0]
    'shared by a group'
    """
    shocks = untreated_shocks(study, outcome)
    per_cent = shocks.money is not None
    sizes = {said: (100 if per_cent else 1) * getattr(shocks, name) for name, said in SHOCKS.items()}
    unit = "%" if per_cent else study.describe(outcome).unit
    heading = f"standard deviation ({unit})" if unit else "standard deviation"
    caption = "Shocks in years without treatment ({data})"
    return captioned(pd.DataFrame({heading: sizes}), study, caption)


def other_designs(study: Study, outcome: str, *, replications: int = 400) -> Table:
    """The smallest effect found with the power asked for, in the study's design and in larger ones.

    A design that has no power keeps its row with the reason.

    Raises
    ------
    StudyError
        Where none of them has.

    Examples
    --------
    >>> from analysis import load_study
    >>> other_designs(load_study(), "rural_income_per_head_cny", replications=20).frame.index.tolist()
    ['as it is', 'two more years after', 'twice the treated groups', 'twice the units outside']
    """
    shocks, reasons = untreated_shocks(study, outcome), dict[str, StudyError]()
    rows: dict[str, dict[str, Any]] = {}
    for name, change in CHANGES.items():
        try:
            found = minimum_detectable_effect(study, outcome, shocks=shocks, replications=replications, **change)
        except StudyError as reason:
            rows[name], reasons[name] = {}, reason
            continue
        ratio = found.unit == "log points"
        size = {"gain": found.percent, "loss": found.loss_percent} if ratio else {"effect": found.value}
        error = (100 + found.percent if ratio else 1) * found.monte_carlo_error
        rows[name] = size | {"simulation error": error, "treated_groups": found.treated_groups, "df": found.df}
    if len(reasons) == len(rows):
        raise reasons["as it is"]
    frame = pd.DataFrame.from_dict(rows, orient="index").round({"gain": 0, "loss": 0, "simulation error": 1, "df": 1})
    frame = frame.astype({"treated_groups": "Int64"}).assign(
        **({"note": pd.Series(reasons).astype(str)} if reasons else {})
    )
    unit = "%" if "gain" in frame else study.describe(outcome).unit
    caption = (
        "{label}: smallest effect found 80 % of the time, were the design larger{unit}; {draws} draws each ({data})"
    )
    label, unit = study.label_of(outcome), bracketed(study.language, unit)
    return captioned(frame, study, caption, label=label, unit=unit, draws=replications)
