"""An effect in per cent as a ratio of totals: what its village-years had, and whose money the answer rests on."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.messages import StudyError, Text, fixed, floored, singular
from analysis.regression.regression import Effect, Regression
from analysis.regression.treatment_cells import cell_of_each_row
from analysis.study.study import Study
from analysis.study.unit_names import unit_in_words

# A village with more than this share of a side's total is named.
LARGE_SHARE = 0.25
LARGE = {
    "treated": "{name} has {share} % of the treated total",
    "untreated": "{name} has {share} % of the untreated total",
}
# Shares add up to one; rounding leaves about 1e-15.
SHARE_TOLERANCE = 1e-9
# Below so many equally weighty treated districts no method's interval holds; below the second number none is safe.
NO_INTERVAL_BELOW, CAUTION_BELOW = 2 - SHARE_TOLERANCE, 3

TOO_FEW = "equal ones by their totals"
# From this share of the treated total on, one group has most of it; nearly half is no more than its part of two.
MOST = 2 / 3


def is_ratio(regression: Regression, effect: Effect) -> bool:
    """Whether an effect is a ratio of totals, or an average of such: a slope, which sets years apart, is none."""
    shares = effect.gradient
    return regression.mean is not None and bool(shares.min() >= 0) and abs(shares.sum() - 1) <= SHARE_TOLERANCE


def ratio_behind(regression: Regression, effect: Effect) -> Effect | None:
    """The ratio of totals that an effect is, or (a slope over event times) that its event study has for headline."""
    if is_ratio(regression, effect):
        return effect
    if regression.mean is None or not regression.kind.endswith("event_time"):
        return None
    return regression.average(regression.event_times >= 0)


def refuse_dominated(what: str, reason: str, noun: str) -> None:
    """Raise a `StudyError` where treated groups are worth too few by their totals, for this reason."""
    if reason:
        remedy = 'Use scale="log" or "level", or the outcome without the {noun} that has most of it.'
        if TOO_FEW in reason:
            remedy = 'Use scale="log" or "level", in which every {noun} counts alike.'
        known = {"what": Text(what), "reason": reason, "remedy": Text(remedy, noun=singular(noun))}
        raise StudyError("{what}: {reason}. {remedy}", **known)


def observed_mean(regression: Regression, effect: Effect) -> float:
    """Observed total of the cells behind an effect, over their village-years; with villages always at zero."""
    inside = effect.gradient != 0
    observed = regression.observed_totals()[inside].sum()
    zeros = _always_zero(regression, inside) if effect.always_zero is None else effect.always_zero
    return float(observed / (regression.cell_sizes()[inside].sum() + zeros))


def group_totals(regression: Regression, effect: Effect) -> np.ndarray:
    """Counterfactual total of each group in the cells behind an effect, shape (groups,)."""
    group = pd.factorize(regression.sample.frame["group"])[0]
    return np.bincount(group, _counterfactual(regression, effect))


def effective_number(totals: np.ndarray) -> float:
    """Number of equally weighty groups: 1 / sum of squares of their shares of the total."""
    return float(totals.sum() ** 2 / (totals @ totals))


def dominance(treated: int, totals: np.ndarray) -> str:
    """Why several treated groups with these totals bear no interval, or nothing."""
    if treated == 1 or not (worth := effective_number(totals)) < NO_INTERVAL_BELOW:
        return ""
    if totals.max() > MOST * totals.sum():
        most = "one group has most of the treated total, which is worth {} groups: not informative"
        return Text(most, floored(worth))
    return Text("{} treated groups are worth {} equal ones by their totals: not informative", treated, floored(worth))


def large_villages(study: Study, regression: Regression, effect: Effect) -> list[Text]:
    """Villages with over a quarter of a side's total, in words."""
    return [
        Text(LARGE[side], name=unit_in_words(study, name), share=fixed(100 * share, 0))
        for side, name, share in large_shares(regression, effect)
    ]


def large_shares(regression: Regression, effect: Effect) -> Iterator[tuple[str, str, float]]:
    """Villages with over a quarter of the treated counterfactual total, or of the untreated villages' total."""
    sample = regression.sample
    if sample.rows > len(sample.frame):
        return
    untreated = sample.frame["first_treated"].isna().to_numpy()
    sides = {"treated": _counterfactual(regression, effect), "untreated": sample.outcome * sample.weights * untreated}
    for side, totals in sides.items():
        share = pd.Series(totals / totals.sum()).groupby(sample.frame["unit"]).sum()
        for name, part in share[share > LARGE_SHARE].sort_values(ascending=False).items():
            yield side, name, part


def as_large_elsewhere(regression: Regression, share: float, draws: int = 1000, seed: int = 2023) -> float:
    """In which share of draws of as many untreated groups one village has such a share of their total."""
    sample, treated = regression.sample, regression.sample.frame["first_treated"].notna()
    later = ~treated & (sample.frame["time"] >= sample.frame["first_treated"].min())
    totals = pd.Series(sample.outcome * sample.weights)[later.to_numpy()].groupby(sample.frame["unit"]).sum()
    by_group = totals.groupby(sample.frame.groupby("unit")["group"].first()).agg(["sum", "max"]).to_numpy()
    number, generator = sample.frame["group"][treated].nunique(), np.random.default_rng(seed)
    drawn = by_group[generator.random((draws, len(by_group))).argsort(axis=1)[:, :number]]
    return float((drawn[..., 1].max(axis=1) >= share * drawn[..., 0].sum(axis=1)).mean())


def _counterfactual(regression: Regression, effect: Effect) -> np.ndarray:
    """Counterfactual total of each row in the cells behind an effect, zero in others, shape (n,)."""
    ratio = np.where(effect.gradient != 0, np.exp(-regression.coefficients), 0.0)
    return regression.mean * regression.sample.weights * np.append(ratio, 0.0)[regression.cell_of_row]


def _always_zero(regression: Regression, inside: np.ndarray) -> float:
    """Weight of the village-years in some cells of villages that are zero in every year, which no regression uses.

    A start year that is zero throughout has no cells. It counts at event times whose cells are all among them, and,
    where they are all there are under treatment, in every year under treatment.
    """
    rows, sample = regression.sample.always_zero, regression.sample.frame
    rows = rows[rows["time"].isin(sample["time"].unique())]
    if rows.empty:
        return 0.0
    labels, cell = cell_of_each_row(rows, regression.kind, regression.reference)
    times = regression.event_times
    whole, known = bool((inside == ~(times < 0)).all()), dict(zip(regression.labels, inside, strict=True))
    full = set(times[inside]) if not np.isin(times[inside], times[~inside]).any() else set()
    counted = [known.get(one, one[1] in full or (whole and (one[1] is None or one[1] >= 0))) for one in labels]
    return float(rows["weight"].to_numpy() @ np.append(counted, False)[cell])
