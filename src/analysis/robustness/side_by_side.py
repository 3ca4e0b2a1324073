"""The same question asked of other samples, outcomes and weights: headline estimates side by side."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did
from analysis.inference.methods import group_pieces
from analysis.messages import StudyError
from analysis.study.specification import NONE
from analysis.study.study import Study

COLUMNS = ["estimate", "unit", "per_cent", "std_error", "df", "low", "high", "p_value"]
BEFORE = "before treatment"
# Of more treated groups, so many are left out in turn: each is an estimate of its own.
MOST_LEFT_OUT = 50


def leave_one_out(study: Study, outcome: str, **did_options: Any) -> pd.DataFrame:
    """The headline estimate without each treated group (district) in turn.

    Use it to see whether one district carries the result. Untreated groups all stay. Of more than 50 treated groups
    those are left out whose own luck moves the estimate most.

    Parameters
    ----------
    study, outcome
    **did_options
        As in `did`.

    Returns
    -------
    DataFrame
        Index `left_out`: "none", then each treated group; columns estimate, unit, per_cent, std_error, df, low, high,
        p_value (CR2), note (why there is no interval), treated_groups and villages.

    Raises
    ------
    StudyError
        With a single treated group, and as in `did`.

    Examples
    --------
    >>> from analysis import load_study
    >>> leave_one_out(load_study(), "rural_income_per_head_cny", scale="log")["treated_groups"].tolist()
    [5, 4, 4, 4, 4, 4]
    """
    units = study.units
    treated = sorted(units.loc[units["first_treated"].notna(), "group"].unique())
    if len(treated) == 1:
        raise StudyError(f"Only one group is treated ({treated[0]}): without it there is no effect to estimate.")
    whole = did(study, outcome, **did_options)
    rows = {"none": _row(whole, "treated_groups", "villages")}
    if len(treated) > MOST_LEFT_OUT:
        rows["none"]["note"] += f"of {len(treated):,} treated groups the {MOST_LEFT_OUT} of most influence are left out"
        treated = _influential(whole, treated)
    for group in treated:
        without = did(study.subset(study.frame["group"] != group), outcome, **did_options)
        rows[group] = _row(without, "treated_groups", "villages")
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("left_out")


def _influential(estimate: Estimate, groups: list[str]) -> list[str]:
    """The groups whose own luck moves an estimate most, as far as its residuals tell, in the order of their codes."""
    pieces, names = group_pieces(estimate.fitted, estimate.effect), estimate.fitted.sample.frame["group"].unique()
    luck = pd.Series(np.abs(pieces.contrast_scores), np.asarray(names)[pieces.informative])
    return sorted(luck[luck.index.isin(groups)].nlargest(MOST_LEFT_OUT).index)


def across_outcomes(study: Study, outcomes: Sequence[str] | None = None, **did_options: Any) -> pd.DataFrame:
    """The effect on each of several outcomes, with p-values that count how many were looked at.

    Use it whenever more than one outcome is tested: Holm's adjustment keeps the chance of any false finding among
    them at the level, however they are correlated.

    Parameters
    ----------
    study : Study
    outcomes : sequence of str, optional
        Default: all outcomes of the study.
    **did_options
        As in `did`.

    Returns
    -------
    DataFrame
        Index `outcome`; columns estimate, unit, per_cent, std_error, df, low, high, p_value (CR2), p_holm and note, why
        an outcome could not be estimated or has no interval. Outcomes without a p-value are not counted among those
        tested.

    References
    ----------
    Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> from analysis import load_study
    >>> frame = across_outcomes(load_study(), ["rural_income_per_head_cny", "households"])
    >>> bool((frame["p_holm"] >= frame["p_value"]).all())
    True
    """
    names = list(study.outcomes) if outcomes is None else list(outcomes)
    rows, errors = {}, []
    for name in names:
        try:
            rows[name] = _row(did(study, name, **did_options))
        except StudyError as error:
            rows[name] = dict.fromkeys(COLUMNS, np.nan) | {"unit": study.describe(name).unit, "note": str(error)}
            errors.append(error)
    if len(errors) == len(names):
        raise errors[0]
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("outcome")
    tested = frame["p_value"].notna()
    frame.insert(len(COLUMNS), "p_holm", np.nan)
    if tested.any():
        frame.loc[tested, "p_holm"] = multipletests(frame.loc[tested, "p_value"], method="holm")[1]
    return frame


def estimands(
    study: Study, outcome: str, households: str = "households", *, controls: Sequence[str] | None = None
) -> pd.DataFrame:
    """One comparison, four questions: per village, for the average household's village, in total, per household.

    Use it where "the effect" may mean any of them: villages differ in size, and a claim in total yuan is none in
    yuan per village. Households are fixed at each village's mean before the first start year, so that the policy
    cannot have changed the weights.

    Parameters
    ----------
    study : Study
    outcome : str
        In levels, also where the study describes it in logs, because a total of logarithms means nothing.
    households : str
        Column with each village's number of households.
    controls : sequence of str, optional
        As in `did`; the study's own weights serve no row.

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
    village = did(study, outcome, controls=controls, weights=NONE, scale="level")
    weighted = did(fixed, outcome, controls=controls, scale="level", weights=f"{households} {BEFORE}")
    under = study.frame["time"].max() + 1 - study.units["first_treated"].dropna().astype(int)
    villages = float(under.sum() / under.max())
    under_way = "treated villages" if np.ptp(under) == 0 else "villages under treatment in an average year"
    inside = size[study.units["first_treated"].notna()].dropna()
    missing, unit = int(size.isna().sum()), village.unit or "outcome"
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


def _row(estimate: Estimate, *about: str) -> dict[str, Any]:
    """The headline of an estimate and what is asked about it."""
    told = {name: getattr(estimate, name) for name in about}
    return {**estimate.frame().iloc[0][COLUMNS], "note": estimate.no_interval, **told}


def _scaled(estimate: Estimate, factor: float, unit: str, weight: str, left_out: int) -> dict[str, Any]:
    """The headline of an estimate in another unit."""
    row = _row(estimate)
    row |= {name: row[name] * factor for name in ("estimate", "std_error", "low", "high")}
    del row["per_cent"]
    return row | {"unit": unit, "weight": weight, "villages": estimate.villages, "left_out": left_out}


def _households_before(study: Study, households: str) -> tuple[Study, pd.Series]:
    """The study with each village's mean households before treatment as a column, and these means by village."""
    before = study.frame["time"] < study.starts[0]
    means = study.column(households, "weight")[before].groupby(study.frame["unit"][before]).mean()
    size = means.reindex(study.units.index)
    if size[study.units["first_treated"].notna()].isna().all():
        raise StudyError(
            f"No treated village has {households!r} before {study.starts[0]}, so effects cannot be weighed by "
            "households. Fill the column in, or use did."
        )
    fixed = study.frame.assign(**{f"{households} {BEFORE}": study.frame["unit"].map(size)})
    return replace(study, frame=fixed), size
