"""Size of every method on the study's own design: how often it finds an effect where there is none."""

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from analysis.design.replication import replicate
from analysis.design.shocks import Shocks
from analysis.design.untreated_shocks import untreated_shocks
from analysis.effects.verbs import did
from analysis.inference.inversion import rejects
from analysis.inference.methods import METHODS, known_methods
from analysis.messages import StudyError, Text, check_whole, count
from analysis.regression.comparison import comparable
from analysis.regression.sample import select_sample
from analysis.study.study import Study

# Persistence of simulated shocks from year to year, as in the calibration of the simulated panel.
PERSISTENCE = 0.6


def rejection_rates(
    study: Study,
    outcome: str,
    *,
    methods: Sequence[str] = METHODS,
    treated_groups: int | None = None,
    correlation: float | None = None,
    treated_scale: float = 1.0,
    cluster: str = "group",
    scale: str | None = None,
    replications: int = 2000,
    draws: int = 399,
    seed: int = 2023,
    level: float = 0.95,
) -> pd.DataFrame:
    """Share of replications in which each method rejects a true null at 1 - level, on the study's own design.

    Use it before believing any p-value: a 5 % test should reject 5 % of the time. Two kinds of replication:

    - `correlation=None`: placebo districts. The treated groups are set aside, as many untreated groups as were treated
      are drawn and treated on paper from the same start years, and their effect, truly zero, is tested on the real
      outcome (Bertrand, Duflo & Mullainathan 2004). The result is conditional on this panel. Where there are no more
      choices of groups than replications, each is taken once.
    - `correlation` between 0 and 1: simulation. Villages, years, groups and gaps are the study's; the outcome is drawn
      anew, with this correlation between villages of a group and persistence 0.6 from year to year in both
      parts; groups drawn at random are treated on paper. Under "poisson" every village has its own mean, and shocks of
      the size they have without treatment (`untreated_shocks`) move it in per cent.

    Parameters
    ----------
    study : Study
    outcome : str
        Its values (placebo) or only its gaps (simulation) are used.
    methods : sequence of str
        As in `Estimate.inference`.
    treated_groups : int, optional
        Default: as many as the study's.
    correlation : float, optional
        Correlation within groups of the simulated outcome; None: placebo districts on the real outcome.
    treated_scale : float
        Standard deviation of treated groups' simulated outcome relative to the others'.
    cluster : {"group", "stratum", "unit"}
        What errors are clustered by, as in `Estimate.inference`; "unit" shows what ignoring the groups costs.
    scale : {"level", "log", "poisson"}, optional
        Default: the outcome's own on real outcomes, levels on drawn ones.
    replications, draws, seed, level
        Each replication has its own seed, so results do not depend on the number of cores, or on where they run: set
        `joblib.parallel_config(n_jobs=2)` or `joblib.parallel_config("dask")` around the call.

    Returns
    -------
    DataFrame
        Per method: `rejection_rate`, `monte_carlo_error` (its standard error), `replications` with a p-value, and
        `missing`, those without one, which count as not rejecting (the rate is missing where all are).
        A draw whose effect cannot be estimated, such as a start year without years before, counts as missing.

    Raises
    ------
    StudyError
        Where fewer groups are untreated than are to be treated on paper.

    References
    ----------
    Bertrand, Duflo & Mullainathan (2004), doi:10.1162/003355304772839588.

    Examples
    --------
    >>> from analysis import load_study
    >>> rates = rejection_rates(load_study(), "households", methods=["cr1", "cr2"], replications=10)
    >>> rates["replications"].tolist()
    [10, 10]
    """
    methods = known_methods(methods)
    check_whole(1, replications=replications)
    if correlation is not None and not 0 <= correlation <= 1:
        raise ValueError(f"correlation must lie between 0 and 1, or be None for placebo districts, not {correlation}.")
    drawn = correlation is not None
    scale = study.scale_of(outcome, scale or ("level" if drawn else None))
    sample = comparable(select_sample(study, outcome, scale=scale), study.noun)
    frame = sample.frame.assign(value=sample.outcome)
    spread = _sizes(frame, untreated_shocks(study, outcome, scale)) if drawn and scale == "poisson" else 0.0
    treated = frame["first_treated"].notna()
    starts = frame[treated].groupby("group")["first_treated"].first().to_numpy(dtype=float)
    frame = (frame if drawn else frame[~treated]).reset_index(drop=True)
    frame = frame.assign(**{name: pd.factorize(frame[name])[0] for name in ("unit", "group", "stratum")})
    treatable = _treatable(frame, starts)
    number, groups = treated_groups or len(starts), len(treatable)
    if groups < number + 2:
        fault = (
            "Only {groups} at hand to treat {number} of them on paper and compare them with at least two others. Treat "
            "fewer, or bring more untreated groups."
        )
        many = Text("{groups} is" if groups == 1 else "{groups} are", groups=count(groups, "group"))
        raise StudyError(fault, groups=many, number=number)
    few = not drawn and len(set(starts)) == 1 and comb(groups, number) <= replications
    sets = list(combinations(treatable, number)) if few else []

    def p_values(generator: np.random.Generator, replication: int) -> np.ndarray:
        """Treat groups on paper, draw an outcome if asked for, and test: one p-value per method."""
        chosen = list(sets[replication]) if sets else generator.choice(treatable, number, replace=False)
        first = pd.Series(np.resize(generator.permutation(starts), number), index=chosen)
        panel = frame.assign(first_treated=frame["group"].map(first).astype("Int64"))
        if correlation is not None:
            scales = np.where(panel["first_treated"].notna(), treated_scale, 1.0)
            shocks = scales * _shocks(generator, panel, correlation)
            panel["value"] = panel["value"] * np.exp(spread * shocks) if spread else shocks
        try:
            estimate = did(Study(panel, noun="village"), "value", scale="poisson" if scale == "poisson" else "level")
        except StudyError:
            return np.full(len(methods), np.nan)
        return estimate.p_values(methods, cluster, draws).to_numpy(dtype=float)

    found = replicate(p_values, len(sets) or replications, seed, "replications")
    return _rates(found, pd.Index(methods, name="method"), level, every=bool(sets))


def _rates(p_values: np.ndarray, methods: pd.Index, level: float, *, every: bool) -> pd.DataFrame:
    """How often each method rejects, and the simulation error: none where every choice of groups was taken."""
    rejected, answered, replications = rejects(p_values, level), (~np.isnan(p_values)).sum(axis=0), len(p_values)
    # Two rejections and two acceptances are added, so that a rate of zero does not seem free of error.
    likely = (rejected.sum(axis=0) + 2) / (replications + 4)
    error = np.zeros(len(methods)) if every else np.sqrt(likely * (1 - likely) / (replications + 4))
    rates = pd.DataFrame({"rejection_rate": rejected.mean(axis=0), "monte_carlo_error": error}, methods)
    rates[answered == 0] = np.nan
    return rates.assign(replications=answered, missing=replications - answered)


def _treatable(frame: pd.DataFrame, starts: np.ndarray) -> np.ndarray:
    """Groups with a village seen before and after every start: no other can be treated on paper."""
    units = frame.groupby("unit").agg(group=("group", "first"), first=("time", "min"), last=("time", "max"))
    return units.loc[(units["first"] < starts.min()) & (units["last"] >= starts.max()), "group"].unique()


def _sizes(frame: pd.DataFrame, shocks: Shocks) -> float:
    """Put each village's own mean times the year's into `value`, and give the standard deviation of shocks."""
    if money := shocks.money:
        mean = frame["unit"].astype(str).map(money.mean)
        frame["value"] = mean.fillna(mean.mean()) * frame["time"].map(money.path).fillna(1.0)
    return float(np.linalg.norm([shocks.group, shocks.unit, shocks.passing]))


def _shocks(generator: np.random.Generator, frame: pd.DataFrame, correlation: float) -> np.ndarray:
    """Shocks with unit variance, correlated within groups and years, persistent over the years."""
    nobody = pd.Series(dtype=float)
    lasting = Shocks(np.sqrt(correlation), PERSISTENCE, np.sqrt(1 - correlation), PERSISTENCE, 0.0, nobody, nobody)
    group, unit = (pd.factorize(frame[level])[0] for level in ("group", "unit"))
    return lasting.draw(generator, group, unit, (frame["time"] - frame["time"].min()).to_numpy())
