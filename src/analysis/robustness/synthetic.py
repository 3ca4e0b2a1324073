"""Synthetic difference-in-differences, district by district, judged by placebo districts."""

from dataclasses import replace
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from analysis.design.replication import replicate
from analysis.design.variability import TIE_TOLERANCE, of_average, variability_beside
from analysis.inference.assignments import group_starts
from analysis.language.texts import Text
from analysis.messages import StudyError, check_whole, count, former_options, refuse
from analysis.regression.sample import select_sample
from analysis.robustness.synthetic_effects import SyntheticDid
from analysis.study.outcome import FORMER_LOG
from analysis.study.study import Study

# The solver as the authors' R package sets it, for series in units of their noise: 100 steps, small weights to zero,
# then up to 10,000 until one gains less than the square of `min_decrease`. Estimates depend on it in the fifth digit.
SOLVER = {"max_iter_pre_sparsify": 100, "max_iter": 10_000, "min_decrease": 1e-5}
# Ridge of the years' weights, also theirs: it only picks one of several equally good solutions.
YEAR_RIDGE = 1e-6
FEWEST_DONORS = 2
MOST_TREATED = 50

OF_MEANS = Text("In per cent of each group's mean, by its logarithm: this comparison has no Poisson form.")


@former_options(**FORMER_LOG)
def synthetic_did(
    study: Study, outcome: str, *, scale: str | None = None, draws: int = 499, seed: int = 2023
) -> SyntheticDid:
    """Effect on each treated group against a weighted mix of untreated groups that moved like it before.

    Use it where inside and outside were not moving together: untreated groups (donors) get weights with which their
    mean runs parallel to the treated group's before, years before get weights that make them resemble the treated
    years, and the effect is the difference-in-differences with both. A group is the mean of its villages seen in all
    years; each treated one stands alone, with its own start year. The study's controls and weights have no place in it.

    Every untreated group is then treated on paper, the others being its donors. Effects are divided by how variable
    each group was before. A treated group's p-value is the share of quotients at least as large in size, its own among
    them: with few untreated groups it cannot be small, and several groups looked at ask for `p_holm`. For the
    average, sets of as many untreated groups are treated together, with the treated groups' start years and weights in
    random order and the groups left over as donors: all sets, or `draws` random ones. This holds if paths so divided
    could as well have been any group's. In 213 panels simulated without effects on the Mengzhou design, the average was
    rejected at 5 % in 6 % in levels, districts being richer by 0.35 log points (undivided: 16 %), and 6 % in logs, give
    or take 2 %; with faults of reporting, spillovers and a trend in 9 and 3 % (notebook 11).

    Weights are diff-diff's, set as the authors' R package; the ridge grows with all yearly changes, common ones too.

    Parameters
    ----------
    study : Study
    outcome : str
    scale : {"poisson", "log", "level"}, optional
        "poisson": analyse the logarithm of each group's mean, in which rich villages count with their money and zeros
        stay; "log": means of the logarithm, without zeros. Default: as the study describes the outcome.
    draws, seed : int
        Of the placebo averages, where there are more sets; `joblib.parallel_config` spreads them over cores.

    Returns
    -------
    SyntheticDid

    Raises
    ------
    StudyError
        More than 50 treated groups, groups treated in part or without a village seen in all years, fewer than three
        untreated groups or than two years before a start, or groups that all move alike.

    References
    ----------
    Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021), doi:10.1257/aer.20190159.

    Examples
    --------
    >>> from analysis import load_study
    >>> result = synthetic_did(load_study(), "households", draws=99)
    >>> result.frame()["placebos"].tolist()
    [51, 51, 51, 51, 51, 99]
    """
    check_whole(1, draws=draws)
    scale = study.scale_of(outcome, scale)
    if scale == "poisson":
        study = replace(study, notes=(*study.notes, OF_MEANS))
    series, villages, left_out = _group_means(study, outcome, scale)
    starts = group_starts(study.frame)
    treated = starts.dropna().astype(int).sort_index()
    donors = series[[group for group in series if np.isnan(starts[group])]]
    _check(series, donors, treated, outcome)
    effects = pd.DataFrame({"first_treated": treated, "villages": villages[treated.index]})
    effects["village_years"] = effects["villages"] * [int((series.index >= start).sum()) for start in treated]
    group_weights = pd.DataFrame(index=treated.index, columns=donors.columns, dtype=float)
    year_weights = pd.DataFrame(index=treated.index, columns=series.index[series.index < treated.max()], dtype=float)
    scales = pd.DataFrame(index=donors.columns, columns=np.unique(treated), dtype=float)
    for start, same in treated.groupby(treated):
        before = series.index < start
        known = variability_beside(series.loc[before, [*same.index, *donors]], donors.columns, villages)
        effects.loc[same.index, "variability"], scales[start] = known[same.index], known[donors.columns]
        found = _solve(donors.to_numpy(), series[same.index].to_numpy(), before.sum())
        effects.loc[same.index, "estimate"], group_weights.loc[same.index] = found[:2]
        year_weights.loc[same.index, series.index[before]] = found[2]
    placebos = _placebo_effects(donors, np.unique(treated), outcome)
    averages, average_scales = _placebo_averages(donors, effects, scales, draws, seed)
    placebos = placebos, averages, scales, average_scales
    return SyntheticDid(study, outcome, scale, effects, group_weights, year_weights, *placebos, left_out)


def _group_means(study: Study, outcome: str, scale: str) -> tuple[pd.DataFrame, pd.Series, int]:
    """Mean outcome by year and group over villages seen in all years, their number, and how many were left out."""
    sample = select_sample(study, outcome, scale=scale)
    if scale == "poisson":
        # Villages at zero in every year, which a ratio of totals leaves out, are part of their group's mean.
        sample = select_sample(study, outcome)
    values = sample.frame.assign(value=sample.outcome).pivot(index="unit", columns="time", values="value").dropna()
    groups = study.units.loc[values.index, "group"]
    means = values.groupby(groups).mean().T
    if scale == "poisson":
        zero = means.columns[(means == 0).any()]
        refuse(zero, "group", "The mean is zero in some year", 'Leave these out, or write scale="level".')
        means = np.log(means)
    return means, groups.value_counts(), len(study.units) - len(values)


def _check(series: pd.DataFrame, donors: pd.DataFrame, treated: pd.Series, outcome: str) -> None:
    remedy = (
        "Fill in missing values, or leave out these groups, or the years that have most of them, with study.subset."
    )
    lost = sorted(set(treated.index) - set(series))
    refuse(lost, "treated group", "No village has {outcome!r} in all years", remedy, outcome=outcome)
    if donors.shape[1] <= FEWEST_DONORS:
        raise StudyError(
            "Only {donors} with a village that has {outcome!r} in all years; placebos and their donors need {needed}. "
            "Bring more untreated groups, or use did.",
            donors=count(donors.shape[1], "untreated group"),
            outcome=outcome,
            needed=FEWEST_DONORS + 1,
        )
    if len(treated) > MOST_TREATED:
        raise StudyError(
            "{treated:,} groups are treated; a synthetic comparison for each, and its placebos, is made for {most} at "
            "most. Use did, or take some of them with study.subset.",
            treated=len(treated),
            most=MOST_TREATED,
        )
    for start in treated.unique():
        before = int((series.index < start).sum())
        if before < 2 or before == len(series):
            raise StudyError(
                "{outcome!r} is known in {before} before {start} and {after} from then on; weights need at least two "
                "before and one after. Add years, or use did.",
                outcome=outcome,
                before=count(before, "year"),
                start=start,
                after=len(series) - before,
            )


def _solve(outside: np.ndarray, inside: np.ndarray, before: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effects on treated series, weights of the donors for each, and of the years before, from years x groups."""
    from diff_diff.utils import compute_sdid_estimator, compute_sdid_unit_weights, compute_time_weights

    noise = np.diff(outside[:before], axis=0).std(ddof=1) or 1.0
    outside, inside = outside / noise, inside / noise
    ridge = (len(outside) - before) ** 0.25
    years = compute_time_weights(outside[:before], outside[before:], YEAR_RIDGE, **SOLVER)
    groups = [compute_sdid_unit_weights(outside[:before], one[:before], ridge, **SOLVER) for one in inside.T]
    effects = [
        compute_sdid_estimator(outside[:before], outside[before:], one[:before], one[before:], weights, years)
        for one, weights in zip(inside.T, groups, strict=True)
    ]
    return noise * np.array(effects), np.array(groups), years


def _placebo_effects(donors: pd.DataFrame, starts: np.ndarray, outcome: str) -> pd.DataFrame:
    """The effect of every untreated group, treated on paper in each start year, the others being its donors."""
    values = donors.to_numpy()

    def task(_: np.random.Generator, place: int) -> np.ndarray:
        others = np.delete(values, place, axis=1)
        return np.array([_solve(others, values[:, [place]], (donors.index < start).sum())[0][0] for start in starts])

    found = replicate(task, values.shape[1], 0, "placebos")
    if np.abs(found).max() <= TIE_TOLERANCE * np.abs(values).max():
        raise StudyError(
            "In every untreated group {outcome!r} moves exactly like a mix of the others, which leaves nothing to "
            "judge an effect by. Check the data: real ones vary.",
            outcome=outcome,
        )
    return pd.DataFrame(found, donors.columns, starts)


def _placebo_averages(
    donors: pd.DataFrame, effects: pd.DataFrame, scales: pd.DataFrame, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Averages over sets of untreated groups, each treated on paper like one treated group, and their variability."""
    values, number, places = donors.to_numpy(), donors.shape[1], len(effects)
    if number - places < FEWEST_DONORS:
        return np.empty(0), np.empty(0)
    sets = list(combinations(range(number), places)) if comb(number, places) <= max(draws, number) else None
    before = np.array([(donors.index < start).sum() for start in effects["first_treated"]])
    weights = effects["village_years"].to_numpy()
    scale = scales[effects["first_treated"]].to_numpy()

    def task(generator: np.random.Generator, replication: int) -> np.ndarray:
        chosen = generator.permutation(sets[replication] if sets else number)[:places]
        others, found = np.delete(values, chosen, axis=1), np.empty(places)
        for years in np.unique(before):
            found[before == years] = _solve(others, values[:, chosen[before == years]], years)[0]
        return np.array([np.average(found, weights=weights), of_average(scale[chosen, np.arange(places)], weights)])

    return tuple(replicate(task, len(sets) if sets else draws, seed, "placebo averages").T)
