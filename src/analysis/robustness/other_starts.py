"""The start years are assumed: effects had the districts started earlier, later, or some of them later."""

from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from tqdm import tqdm

from analysis.effects.cohorts import with_starts
from analysis.effects.comparison import compare
from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did, event_study
from analysis.messages import StudyError, count, former_options
from analysis.study.outcome import FORMER_LOG
from analysis.study.study import Study

# As many ways of starting later as ten districts have; of more, so many are drawn. Of many groups only a few ways.
MOST_SPLITS = 252
MANY_GROUPS, FEW_SPLITS = 50, 12
SEED = 2023
Moved = tuple[str, Estimate | StudyError, float]


@former_options(seed=None, **FORMER_LOG)
def other_starts(study: Study, outcome: str, *, scale: str | None = None) -> pd.DataFrame:
    """Effects had the districts started in other years: all earlier, all later, or half of them later, in every way.

    Use it where start years are assumed. Earlier and later are by one year of the panel; the later ones are half of the
    treated groups, rounded down. Of more than 252 ways so many are drawn; of more than 50 groups' ways, 12.

    Returns
    -------
    DataFrame
        Index `starts`; kind ("as given", "all moved", "some later"); estimate (`did`, against all years before), low,
        high, p_value (CR2), against_last_year (the event study's average, against the last year before; missing where
        it lies at unlike distances from the start years), and note, why a start cannot be tried or has no interval.

    Examples
    --------
    >>> from analysis import load_study
    >>> len(other_starts(load_study(), "households"))
    13
    """
    tried = moved_starts(study, outcome, scale)
    kinds, estimates, last = zip(*tried.values(), strict=True)
    frame = compare(dict(zip(tried, estimates, strict=True))).assign(kind=kinds, against_last_year=last)
    columns = ["kind", "estimate", "low", "high", "p_value", "against_last_year", "note"]
    return frame[columns].rename_axis("starts")


def moved_starts(study: Study, outcome: str, scale: str | None = None) -> dict[str, Moved]:
    """By name: which kind, the effect or why it cannot be tried, and the average against the last year before."""
    tried: dict[str, Moved] = {}
    for (name, kind), starts in tqdm(_moved(study).items(), desc="start years", disable=None, leave=False):
        try:
            other = with_starts(study, starts.to_dict())
            tried[name] = (kind, did(other, outcome, scale=scale), np.nan)
            tried[name] = (*tried[name][:2], _against_last_year(other, outcome, scale))
        except StudyError as error:
            tried.setdefault(name, (kind, error, np.nan))
    return tried


def _against_last_year(study: Study, outcome: str, scale: str | None) -> float:
    """The event study's average; missing where the last year before lies at unlike distances from the starts."""
    years = np.unique(study.frame["time"])
    last = {int(years[years < start].max()) - start for start in study.starts}
    if len(last) > 1:
        return np.nan
    return event_study(study, outcome, scale=scale, reference=last.pop()).average().value


def _moved(study: Study) -> dict[tuple[str, str], pd.Series]:
    """Start years by group, for every way of moving them and its kind."""
    years = np.unique(study.frame["time"])
    steps = np.unique(np.diff(years))
    given = study.units.dropna().groupby("group", observed=True)["first_treated"].first().astype(int)
    first = pd.Series(np.searchsorted(years, given), given.index)
    seen = np.append(years, years[-1] + steps[0])
    step = count(int(steps[0]), "year") if len(steps) == 1 else "1 panel year"
    moved = {("as given", "as given"): given}
    moved |= {
        (f"{step} {word}", "all moved"): pd.Series(seen[first + by], first.index)
        for word, by in (("earlier", -1), ("later", 1))
    }
    return moved | {
        (f"{_named(late, draw)} {step} later", "some later"): pd.Series(
            seen[first + first.index.isin(late)], first.index
        )
        for draw, late in enumerate(_halves(sorted(given.index)), start=1)
    }


def _halves(groups: list) -> list[tuple]:
    """Every choice of half of the groups (rounded down), or so many of them drawn at random."""
    number = len(groups) // 2
    if comb(len(groups), number) <= MOST_SPLITS:
        return list(combinations(groups, number)) if number else []
    generator, draws = np.random.default_rng(SEED), FEW_SPLITS if len(groups) > MANY_GROUPS else MOST_SPLITS
    return sorted({tuple(sorted(generator.permutation(groups)[:number])) for _ in range(draws)})


def _named(late: tuple, draw: int) -> str:
    """The groups that start later; of many their number and which draw they are."""
    return ", ".join(map(str, late)) if len(late) <= MANY_GROUPS // 2 else f"draw {draw}: {count(len(late), 'group')}"
