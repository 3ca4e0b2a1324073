"""How large and lasting shocks are, learnt from the village-years that no treatment touched."""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from analysis.design.shocks import Money, Shocks
from analysis.design.variability import TIE_TOLERANCE, variability
from analysis.messages import StudyError, count, former_options
from analysis.regression.poisson import linearised
from analysis.regression.regressors import control_columns, regressors
from analysis.regression.sample import Sample, demean, select_sample, without_zeros
from analysis.study.outcome import FORMER_LOG
from analysis.study.panel_rows import under_treatment
from analysis.study.study import Study

FEWEST_YEARS = 3
# Persistences tried; beyond 0.95 a shock cannot be told from a village's own level within a few years.
PERSISTENCES = np.arange(0.0, 0.96, 0.05)
# Rounds of fitting villages' and years' means in turn, and the change at which they are settled.
ROUNDS, SETTLED = 500, 1e-10


@former_options(**FORMER_LOG)
def untreated_shocks(study: Study, outcome: str, scale: str | None = None) -> Shocks:
    """Estimate shocks from every village-year that no treatment touched, by how far villages drift apart in k years.

    Village levels drop out of changes, so that few years do not bias persistence as residuals from village means
    would. Half the mean squared change over k years, the year's median removed, is g(1 - p^k) + u(1 - q^k) + e +
    (a + b)k^2/2, with variances g, u, e of group, village and passing shocks and a, b of groups' and villages' growth;
    half the mean product of the changes of two villages of a group is g(1 - p^k) + ak^2/2. Both are fitted by
    non-negative least squares, weighted by the pairs behind each. What the study's controls explain is taken out first.

    Parameters
    ----------
    study, outcome, scale
        As in `did`. Shocks are in log points under "poisson" and "log", and in levels where the outcome's own scale is
        "poisson" and nothing is below zero: such an outcome varies in per cent, on whatever scale it is analysed.

    Raises
    ------
    StudyError
        With fewer than three years without treatment, which cannot tell lasting from passing shocks.

    Examples
    --------
    >>> from analysis import load_study
    >>> shocks = untreated_shocks(load_study(), "collective_income_cny", "poisson")
    >>> shocks.unit > 0
    True
    """
    scale = study.scale_of(outcome, scale)
    if scale == "level" and study.scale_of(outcome) == "poisson" and not (study.column(outcome) < 0).any():
        scale = "poisson"
    # Villages that are always at zero stay there.
    kept_zeros = "level" if scale == "poisson" else scale
    sample = select_sample(study, outcome, study.specification(outcome)[0], scale=kept_zeros)
    explained = _explained_by_controls(sample, scale, study.noun)
    net = sample.outcome * np.exp(-explained) if scale == "poisson" else sample.outcome - explained
    frame = sample.frame[["unit", "time"]].assign(value=sample.outcome, net=net)[~under_treatment(sample.frame)]
    if (seen := frame["time"].nunique()) < FEWEST_YEARS:
        fault = (
            "{years} without treatment cannot tell lasting shocks from passing ones. Bring at least {fewest} years, or "
            "the shocks of another study or outcome."
        )
        raise StudyError(fault, years=count(seen, "year"), fewest=FEWEST_YEARS)
    units, years = study.units, range(frame["time"].min(), frame["time"].max() + 1)
    value, net = (
        frame.pivot(index="unit", columns="time", values=name).reindex(index=units.index, columns=years)
        for name in ("value", "net")
    )
    if scale != "poisson":
        return _from_changes(net, units)
    return replace(_from_changes(np.log(net.where(net > 0)), units), money=_money(value))


def _explained_by_controls(sample: Sample, scale: str, noun: str) -> np.ndarray:
    """The controls' part of each row's outcome, learnt without treatment: in its unit, or under "poisson" in logs."""
    if sample.controls.empty:
        return np.zeros(len(sample.frame))
    untouched = replace(sample, scale=scale).without(under_treatment(sample.frame), "under treatment")
    untouched = linearised(without_zeros(untouched, noun)) if scale == "poisson" else untouched
    built = regressors(replace(untouched, frame=untouched.frame.assign(first_treated=pd.NA)), "treated")
    columns = np.column_stack([built.raw[:, 1:], untouched.outcome])
    within = demean(columns, untouched.frame, untouched.weights) * np.sqrt(untouched.weights)[:, None]
    coefficients = pd.Series(np.linalg.lstsq(within[:, :-1], within[:, -1])[0], built.columns[1:])
    controls = control_columns(sample)
    return controls.to_numpy(dtype=float) @ coefficients.reindex(controls.columns, fill_value=0.0).to_numpy()


def _money(wide: pd.DataFrame) -> Money:
    """Village and year means whose products have every village's and year's total: a Poisson fit without treatment."""
    known, values = wide.notna().to_numpy(dtype=float), wide.fillna(0.0).to_numpy()
    path = np.ones(wide.shape[1])
    for _ in range(ROUNDS):
        former = path
        with np.errstate(invalid="ignore"):
            mean = values.sum(axis=1) / (known @ path)
            path = values.sum(axis=0) / (np.nan_to_num(mean) @ known)
        path = np.nan_to_num(path / np.nanmean(path))
        if np.abs(path - former).max() <= SETTLED:
            break
    names, by_year = wide.index.astype(str), pd.Series(path, wide.columns)
    zeros = (wide == 0).sum(axis=1) / wide.notna().sum(axis=1)
    return Money(pd.Series(mean, names), zeros.set_axis(names), by_year[by_year > 0])


def _from_changes(wide: pd.DataFrame, units: pd.DataFrame) -> Shocks:
    """Shocks from villages' values by year."""
    group, treated = units["group"].to_numpy(), units["first_treated"].notna()
    scale = _scale(wide, treated.to_numpy())
    moments = pd.DataFrame({lag: _moments(wide, lag, scale, group, treated) for lag in range(1, wide.shape[1])}).T
    moments = moments[moments["changes"] > 0]
    lags = moments.index.to_numpy()
    shared, persistence, _, growth = _fit(moments["together"], moments["couples"], passing=False)
    own = moments["alone"] - shared * (1 - persistence**lags) - growth * lags**2 / 2
    unit, unit_persistence, passing, unit_growth = _fit(own, moments["changes"], passing=True)
    sizes = shared**0.5, persistence, unit**0.5, unit_persistence, passing**0.5
    return Shocks(*sizes, scale.rename(str), treated.rename(str), growth**0.5, unit_growth**0.5)


def _changes(wide: pd.DataFrame, lag: int) -> pd.DataFrame:
    """Changes over `lag` years by unit, each year's median removed: a mean would carry the largest units' shocks."""
    change = pd.DataFrame(wide.to_numpy()[:, lag:] - wide.to_numpy()[:, :-lag], index=wide.index)
    return change - change.median()


def _scale(wide: pd.DataFrame, treated: np.ndarray) -> pd.Series:
    """Each unit's root mean square change relative to all units', shrunk as few years ask (`variability`).

    A year's changes are relative to the untreated units' of that year, so that calm years make no calm unit. Treated
    and untreated units are shrunk each towards their own kind, so that richer districts stay more variable.
    Zero where a unit never moved; its kind's where no change is known (one, if none of its kind's is).
    """
    change = _changes(wide, 1)
    typical = np.sqrt((change[~treated] ** 2).mean())
    change = change / typical.where(typical > 0, np.sqrt((change**2).mean(axis=None)))
    square = (change**2).mean(axis="columns")
    if not square.max() > 0:
        return pd.Series(1.0, index=wide.index)
    scale = square.copy()
    for kind in (treated, ~treated):
        moved = kind & (square > TIE_TOLERANCE**2 * square.max())
        if moved.any():
            known = variability(change[moved].to_numpy().T, np.ones(moved.sum()))
            scale[moved] = known * np.sqrt(square[moved].mean() / np.mean(known**2))
        scale[kind & ~moved & square.notna()] = 0.0
        scale[kind & square.isna()] = np.sqrt(square[kind].mean())
    return (scale / np.sqrt((scale**2).mean())).fillna(1.0)


def _moments(wide: pd.DataFrame, lag: int, scale: pd.Series, group: np.ndarray, treated: pd.Series) -> dict[str, float]:
    """Half the mean square of changes over `lag` years, the same for products within groups, and what is behind.

    Both are relative to the units' scales, so that a group of large villages does not seem a more correlated one. Pairs
    of years count by their untreated villages: those before the start, with more villages known, count no more.
    """
    change, outside = _changes(wide, lag), ~treated.to_numpy()
    known = change.notna().mul(scale, axis="index")
    sums, pairs, weights = _by_years(change, group), _by_years(known, group), _by_years(known[outside], group[outside])
    alone, together = (_mean(*each) / 2 for each in zip(sums, pairs, weights, strict=True))
    changes, couples = (float(each.sum()) for each in pairs)
    return {"alone": alone, "together": together, "changes": changes, "couples": couples}


def _by_years(part: pd.DataFrame, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of squares, and of products of two units of a group, in each pair of years."""
    total, square = (each.groupby(group).sum().to_numpy() for each in (part, part**2))
    return square.sum(axis=0), (total**2 - square).sum(axis=0)


def _mean(sums: np.ndarray, known: np.ndarray, weights: np.ndarray) -> float:
    """Mean of sums over what is known, by these weights; by what is known where they are all zero."""
    weights = weights if (weights > 0).any() else known
    some = (known > 0) & (weights > 0)
    return float(np.average(sums[some] / known[some], weights=weights[some])) if some.any() else 0.0


def _fit(moments: pd.Series, weights: pd.Series, *, passing: bool) -> tuple[float, float, float, float]:
    """Variance and persistence of lasting shocks, variances of passing ones and of growth, nearest to the moments."""
    lags, root = moments.index.to_numpy(dtype=float), np.sqrt(weights.to_numpy(dtype=float))
    found = []
    for persistence in PERSISTENCES:
        columns = np.column_stack([1 - persistence**lags, np.full(len(lags), float(passing)), lags**2 / 2])
        (variance, rest, growth), distance = nnls(columns * root[:, None], moments.to_numpy() * root)
        found.append((distance, float(variance), float(persistence), float(rest), float(growth)))
    return min(found)[1:]
