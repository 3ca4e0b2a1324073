"""Entropy balancing: untreated villages weighted to look like the treated ones before treatment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.optimize import linprog, minimize, root
from scipy.special import logsumexp, softmax

from analysis.design.variability import level_and_change
from analysis.effects.verbs import did
from analysis.language.labels import bracketed, counted, joined, say, term
from analysis.language.texts import Several, Text
from analysis.messages import Sentence, StudyError, amount, count, first, fixed, former_options, in_sentence
from analysis.presentation.forest import plot_balance
from analysis.presentation.tables import captioned, estimates_table
from analysis.regression.sample import select_sample
from analysis.robustness.check import Check, beside, threat
from analysis.study.outcome import FORMER_LOG, LINEAR, LOG_POINTS
from analysis.study.study import Study

WEIGHT = "balancing_weight"
"""Column of the reweighted study that holds the weights."""

# In standard deviations of a moment over untreated villages: the solver leaves about 1e-14 where it can.
BALANCE_TOLERANCE = 1e-8
# Villages far from the treated ones weigh as good as nothing, but a weight of exactly zero is none.
SMALLEST_WEIGHT = 1e-100
# Weights that leave less than this many groups' worth of comparison say more about those groups than of the effect.
FEWEST_GROUPS = 3


@dataclass(frozen=True)
class Reweighting(Sentence):
    """Weights that balance villages before treatment, with what they rest on; its repr is a sentence.

    Attributes
    ----------
    study : Study
        The study with the column `balancing_weight`: 1 for treated villages; untreated ones sum to their number;
        missing for villages without the moments, which a weighted estimate leaves out and counts.
    moments : DataFrame
        What was balanced, one row per village used, one column per moment.
    weights : Series
        Weight of every village used, by its code.
    """

    study: Study
    moments: pd.DataFrame
    weights: pd.Series

    @property
    def treated(self) -> np.ndarray:
        """Which of the villages used are treated."""
        return self.study.units.loc[self.weights.index, "first_treated"].notna().to_numpy()

    @property
    def effective_villages(self) -> float:
        """How many equally weighted untreated villages carry as much information (Kish's effective number)."""
        return _effective(self.weights[~self.treated])

    @property
    def effective_groups(self) -> float:
        """The same for groups of untreated villages, by each group's total weight."""
        weights = self.weights[~self.treated]
        return _effective(weights.groupby(self.study.units.loc[weights.index, "group"]).sum())

    def frame(self) -> pd.DataFrame:
        """Balance before and after: means by moment, and differences in root mean variances (as in `balance`)."""
        inside, outside = self.moments[self.treated], self.moments[~self.treated]
        reweighted = pd.Series(np.average(outside, axis=0, weights=self.weights[~self.treated]), outside.columns)
        spread = np.sqrt((inside.var() + outside.var()) / 2)
        columns = {"inside": inside.mean(), "outside": outside.mean(), "outside reweighted": reweighted}
        columns["normalised difference"] = (inside.mean() - outside.mean()) / spread
        columns["reweighted difference"] = (inside.mean() - reweighted) / spread
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        study, language, units = self.study, self.study.language, self.study.units
        lost, number = units.drop(self.weights.index)["first_treated"].notna(), int((~self.treated).sum())
        left = "; {units} left out ({treated} treated) for missing years"
        gone = counted(language, len(lost), study.noun)
        groups = units.loc[self.weights.index[~self.treated], "group"].nunique()
        return say(
            language,
            "{data}: {number} untreated {nouns} weighted to the means of {treated} treated before {start} ({moments}); "
            "they count like {worth} equally weighted, in {groups_worth} of {groups}{left}.",
            data=term(language, study.label).capitalize(),
            number=fixed(number, 0),
            nouns=Several(study.noun, many=number != 1),
            treated=self.treated.sum(),
            start=study.starts[0],
            moments=say(language, "; ").join(map(in_sentence, self.moments)),
            worth=amount(self.effective_villages),
            groups_worth=amount(self.effective_groups),
            groups=counted(language, groups, "group"),
            left=say(language, left, units=gone, treated=lost.sum()) if len(lost) else "",
        )


@former_options(**FORMER_LOG)
def reweight(study: Study, outcome: str, *, others: Sequence[str] = (), scale: str | None = None) -> Reweighting:
    """Weight untreated villages so that, before treatment, their means equal those of the treated.

    Use it where inside and outside differed before: then `did(reweighting.study, outcome,
    weights="balancing_weight")` compares treated villages with untreated ones of the same level and growth, with the
    study's own controls and these weights in the place of its own. Balanced
    are, for each outcome, the village's mean level and its change per year (least squares) over the years before:
    two moments, because the few districts behind the treated means support no more. For an effect in per cent these are
    moments of levels as well: with equal mean levels and changes, totals grow alike in per cent, and totals are what it
    compares. Villages' own growth in per cent, as `balance` shows it, counts a poor village like a rich one; weights
    that balance it leave totals apart. Of all weights that balance, these
    are the nearest to equal ones (largest entropy). With several start years it is the years before the first one.

    Balance is no proof of parallel trends. Weights on noisy outcomes favour villages that were high (or grew) by chance
    and then fall back, which can bias an effect that was right without them (Daw & Hatfield 2018): where only levels
    differ, prefer `did` without weights in logs; in levels, where all grow by per cent, a gap in levels is one in
    trends, and weights help. Later standard errors take the weights as given. With gaps after treatment
    began, the scale of the weights (untreated ones have mean 1) matters a little; on complete years it does not.

    Parameters
    ----------
    study : Study
    outcome : str
    others : sequence of str
        Further outcomes to balance, in logarithms where the study describes them so; each costs two more moments.
    scale : {"log", "level"}, optional
        Balance the logarithm of `outcome`, as `did` with scale="log" needs it. Default: as the study describes it, and
        levels where that is "poisson".

    Returns
    -------
    Reweighting

    Raises
    ------
    StudyError
        Fewer than two years before treatment, no village of one kind seen in all of them, treated means that no
        weights reach (which, and by how much), or weights left on fewer than three groups' worth of villages.

    References
    ----------
    Hainmueller (2012), doi:10.1093/pan/mpr025; Daw & Hatfield (2018), doi:10.1111/1475-6773.12993.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> reweighted = reweight(load_study(), "households")
    >>> reweighted.frame()["reweighted difference"].abs().round(6).tolist()
    [0.0, 0.0]
    >>> did(reweighted.study, "households", weights="balancing_weight").treated_groups
    5
    """
    if WEIGHT in study.frame:
        fault = "The panel has a column {name!r} already. Reweight the study as it was first read."
        raise StudyError(fault, name=WEIGHT)
    if scale == "poisson":
        raise StudyError(
            'Villages are balanced on means of levels or logs, and scale="poisson" has no such means. Leave scale out '
            'for levels, or write scale="log"; then estimate by did(reweighting.study, {outcome!r}, '
            'weights={weight!r}), whose scale may be "poisson".',
            outcome=outcome,
            weight=WEIGHT,
        )
    names = dict.fromkeys([outcome, *([others] if isinstance(others, str) else others)])
    scales = {name: study.scale_of(name, scale if name == outcome else None, LINEAR) for name in names}
    moments = pd.concat([_moments(study, name, scales[name]) for name in names], axis=1, join="inner")
    treated = study.units.loc[moments.index, "first_treated"].notna()
    if treated.nunique() < 2:
        raise StudyError(
            "No untreated village has {names} in every year before {start}. Fill in missing values, or leave out the "
            "years that have most of them with study.subset."
            if treated.any()
            else "No treated village has {names} in every year before {start}. Fill in missing values, or leave out "
            "the years that have most of them with study.subset.",
            names=first(names),
            start=study.starts[0],
        )
    untreated = moments[~treated]
    weights = pd.Series(1.0, index=moments.index, name=WEIGHT)
    weights[~treated] = len(untreated) * _entropy_weights(untreated, moments[treated].mean())
    weighted = replace(study, frame=study.frame.assign(**{WEIGHT: study.frame["unit"].map(weights)}))
    result = Reweighting(weighted, moments, weights)
    if result.effective_groups < FEWEST_GROUPS:
        raise StudyError(
            "Balance leaves the untreated weight on {groups} groups' worth of villages ({worth} of {villages}): too "
            "few to compare with. Balance fewer outcomes, or keep the unweighted estimate and say that inside and "
            "outside differed.",
            groups=amount(result.effective_groups),
            worth=amount(result.effective_villages),
            villages=count(len(untreated), "village"),
        )
    return result


def _moments(study: Study, name: str, scale: str) -> pd.DataFrame:
    """Mean level and yearly change before the first start, of the villages seen in all those years."""
    sample = select_sample(study, name, scale=scale)
    frame = sample.frame.assign(value=sample.outcome)
    before = frame[frame["time"] < study.starts[0]].pivot(index="unit", columns="time", values="value").dropna()
    if before.shape[1] < 2:
        raise StudyError(
            "{name!r} is known in {years} before {start}; a yearly change needs two. Add earlier years, or balance "
            "another outcome.",
            name=name,
            years=count(before.shape[1], "year"),
            start=study.starts[0],
        )
    language, unit = study.language, LOG_POINTS if scale == "log" else study.describe(name).unit
    label = study.label_of(name) + bracketed(language, unit)
    named = {"level": say(language, "{label}: level", label=label)}
    named["change"] = say(language, "{label}: change per year", label=label)
    return level_and_change(before).rename(columns=named)


def _entropy_weights(untreated: pd.DataFrame, target: pd.Series) -> np.ndarray:
    """Weights that sum to one and meet the target exactly: exponential in the moments, by the convex dual."""
    spread = untreated.std(ddof=0).where(lambda sd: sd > 0, 1.0)
    gaps = ((untreated - target) / spread).to_numpy()

    def imbalance(tilt: np.ndarray) -> np.ndarray:
        return softmax(gaps @ tilt) @ gaps

    def covariance(tilt: np.ndarray) -> np.ndarray:
        weights, mean = softmax(gaps @ tilt), imbalance(tilt)
        return gaps.T @ (weights[:, None] * gaps) - np.outer(mean, mean)

    start = np.zeros(gaps.shape[1])
    near = minimize(lambda tilt: logsumexp(gaps @ tilt), start, jac=imbalance, hess=covariance, method="trust-exact")
    weights = softmax(gaps @ root(imbalance, near.x, jac=covariance).x)
    if np.abs(weights @ gaps).max() > BALANCE_TOLERANCE:
        raise StudyError(
            "No weights on the untreated villages meet the treated means; the nearest miss {missed}. Inside and "
            "outside are too unlike: balance fewer outcomes, or compare in logs.",
            missed=_missed(gaps, spread, target),
        )
    return np.maximum(weights, SMALLEST_WEIGHT)


def _missed(gaps: np.ndarray, spread: pd.Series, target: pd.Series) -> Text:
    """Moments that the nearest weights (least total gap, a linear programme) miss, and by how much."""
    villages, moments = gaps.shape
    balance = np.hstack([gaps.T, np.eye(moments), -np.eye(moments)])
    total = np.r_[np.ones(villages), np.zeros(2 * moments)]
    nearest = linprog(1 - total, A_eq=np.vstack([balance, total]), b_eq=np.r_[np.zeros(moments), 1.0])
    left = pd.Series(nearest.x[:villages] @ gaps, target.index)
    missed = left.index[left.abs() > BALANCE_TOLERANCE]
    met = (target + left * spread)[missed].map(amount)
    places = [Text("{name} ({met}, not {target})", name=n, met=met[n], target=amount(target[n])) for n in missed]
    return first(places) if places else Text("by a hair, at the edge of what they reach")


def _effective(weights: pd.Series) -> float:
    return float(weights.sum() ** 2 / (weights**2).sum())


@threat(
    "Picked for their promise",
    "Weighted villages outside to the level and yearly change of those inside before the start.",
)
def same_promise(study: Study, outcome: str) -> Check:
    """Whether villages inside were better off, or growing faster, before."""
    weighted, given = reweight(study, outcome), did(study, outcome)
    same = did(study.subset(weighted.study.frame[WEIGHT].notna()), outcome)
    others = {"the same villages, unweighted": same, "reweighted": did(weighted.study, outcome, weights=WEIGHT)}
    balance = captioned(weighted.frame(), study, "Before and after reweighting ({data})")
    table = estimates_table({"all villages": given} | others)
    said = say(
        study.language,
        "The weights leave the untreated villages worth {number} equal ones: the fewer, the wider the interval.",
        number=amount(weighted.effective_villages),
    )
    frame, told = weighted.frame(), [beside(given, others), said]
    if study.scale_of(outcome) == "poisson":
        level, change = frame[["inside", "outside", "outside reweighted"]].to_numpy()
        inside, outside, again = (fixed(one, 1) for one in 100 * change / level)
        grew = "Before, totals grew by {inside} % a year inside and {outside} % outside, reweighted by {again} %."
        told.insert(1, say(study.language, grew, inside=inside, outside=outside, again=again))
    drawing = partial(plot_balance, frame, study)
    return Check(study, joined(study.language, told), others, (table, balance, weighted), drawing)
