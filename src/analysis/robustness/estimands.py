"""One comparison, four questions: per village, per household's village, in total, per household."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.effects.comparison import compare
from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did
from analysis.messages import StudyError
from analysis.study.outcome import shown_unit
from analysis.study.specification import NONE
from analysis.study.study import Study

BEFORE = "before treatment"
ENDS = ["estimate", "low", "high"]
SCALED = [*ENDS, "std_error"]


def estimands(
    study: Study,
    outcome: str,
    households: str = "households",
    *,
    controls: Sequence[str] | None = None,
    scale: str = "level",
) -> pd.DataFrame:
    """One comparison, four questions: per village, for the average household's village, in total, per household.

    Use it where "the effect" may mean any of them: villages differ in size, and a claim in total yuan is none in
    yuan per village. Households are fixed at each village's mean before the first start year, so that the policy
    cannot have changed the weights.

    Parameters
    ----------
    study : Study
    outcome : str
    households : str
        Column with each village's number of households.
    controls : sequence of str, optional
        As in `did`; the study's own weights serve no row.
    scale : {"level", "poisson"}
        Where effects come from: a regression in levels, whatever the study's scale, or the amount of an effect in per
        cent (`Estimate.amount`). A total of logarithms means nothing.

    Returns
    -------
    DataFrame
        Index `estimand`; columns estimate, unit, std_error, df, low, high, p_value (CR2), note (why there is
        no interval), weight (in words), villages (used) and left_out (villages without households before treatment).
        Rows:

        - village_mean: `did`, every treated village-year the same weight;
        - household_weighted: `did`, village-years weighted by households: the effect in the village of the
          average household;
        - yearly_total: village_mean times the villages under treatment, on average over treated years;
        - per_household: village_mean over the mean number of households of a treated village.

        The last two are the first in other units, so that their t statistics are the same.

    Raises
    ------
    StudyError
        When no treated village has households before treatment, and as in `did`.

    Examples
    --------
    >>> from analysis import load_study
    >>> estimands(load_study(), "collective_income_cny")["unit"].tolist()
    ['CNY per village', 'CNY per village', 'CNY per year', 'CNY per household']
    """
    fixed, size = _households_before(study, households)
    village = did(study, outcome, controls=controls, weights=NONE, scale=scale)
    weighted = did(fixed, outcome, controls=controls, scale=scale, weights=f"{households} {BEFORE}")
    under = study.frame["time"].max() + 1 - study.units["first_treated"].dropna().astype(int)
    villages = float(under.sum() / under.max())
    under_way = "treated villages" if np.ptp(under) == 0 else "villages under treatment in an average year"
    inside = size[study.units["first_treated"].notna()].dropna()
    missing, unit = int(size.isna().sum()), shown_unit(study.describe(outcome).unit) or "outcome"
    untold = int(study.units["first_treated"].notna().sum()) - len(inside)
    whose = f"a treated village, over the {len(inside)} that have them" if untold else "a treated village"
    rows = {
        "village_mean": (village, 1.0, f"{unit} per village", "every village-year alike", 0),
        "household_weighted": (weighted, 1.0, f"{unit} per village", f"{households} {BEFORE}", missing),
        "yearly_total": (village, villages, f"{unit} per year", f"village mean x {villages:g} {under_way}", 0),
        "per_household": (
            village,
            1 / inside.mean(),
            f"{unit} per household",
            f"village mean / {inside.mean():.1f} households of {whose}",
            untold,
        ),
    }
    table = {name: _scaled(*row) for name, row in rows.items()}
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("estimand")


def _scaled(estimate: Estimate, factor: float, unit: str, weight: str, left_out: int) -> dict[str, Any]:
    """The headline of an estimate in another unit."""
    row = compare({"": estimate}).drop(columns="per_cent").iloc[0]
    if estimate.scale == "poisson":
        row["std_error"] = np.nan
        row[ENDS] = [estimate.amount_of(float(one)) for one in row[ENDS]]
    row[SCALED] *= factor
    return {**row} | {"unit": unit, "weight": weight, "villages": estimate.villages, "left_out": left_out}


def _households_before(study: Study, households: str) -> tuple[Study, pd.Series]:
    """The study with each village's mean households before treatment as a column, and these means by village."""
    before = study.frame["time"] < study.starts[0]
    means = study.column(households, "weight")[before].groupby(study.frame["unit"][before]).mean()
    size = means.reindex(study.units.index)
    if size[study.units["first_treated"].notna()].isna().all():
        raise StudyError(
            "No treated village has {households!r} before {start}, so effects cannot be weighed by households. Fill "
            "the column in, or use did.",
            households=households,
            start=study.starts[0],
        )
    fixed = study.frame.assign(**{f"{households} {BEFORE}": study.frame["unit"].map(size)})
    return replace(study, frame=fixed), size
