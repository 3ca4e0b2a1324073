"""The start years are assumed: effects had the districts started earlier, later, or some of them later."""

from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from tqdm import tqdm

from analysis.effects.cohorts import with_starts
from analysis.effects.comparison import compare, estimate_or_refusal
from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did, event_study
from analysis.language.labels import counted, joined, say
from analysis.language.texts import Listed, Text, count
from analysis.messages import StudyError, former_options
from analysis.presentation.tables import Table, effects_table
from analysis.robustness.check import Check, in_short, threat
from analysis.study.outcome import FORMER_LOG, effect_in_words
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
    return _tabled(moved_starts(study, outcome, scale))


def _tabled(tried: dict[str, Moved]) -> pd.DataFrame:
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
            tried[name] = (kind, did(other, outcome, scale=scale), against_last_year(other, outcome, scale))
        except StudyError as error:
            tried[name] = (kind, error, np.nan)
    return tried


def against_last_year(study: Study, outcome: str, scale: str | None) -> float:
    """The event study's average; missing without one, or where that year lies at unlike distances from the starts."""
    years = np.unique(study.frame["time"])
    last = {int(years[years < start].max()) - start for start in study.starts}
    events = estimate_or_refusal(event_study, study, outcome, scale=scale, reference=last.pop())
    return np.nan if last or isinstance(events, StudyError) else events.average().value


def _moved(study: Study) -> dict[tuple[str, str], pd.Series]:
    """Start years by group, for every way of moving them and its kind."""
    years = np.unique(study.frame["time"])
    steps = np.unique(np.diff(years))
    given = study.units.dropna().groupby("group", observed=True)["first_treated"].first().astype(int)
    first = pd.Series(np.searchsorted(years, given), given.index)
    seen = np.append(years, years[-1] + steps[0])
    step = count(int(steps[0]), "year") if len(steps) == 1 else Text("1 panel year")
    moved = {
        ("as given", "as given"): given,
        (study.say("{step} earlier", step=step), "all moved"): pd.Series(seen[first - 1], first.index),
        (study.say("{step} later", step=step), "all moved"): pd.Series(seen[first + 1], first.index),
    }
    return moved | {
        (study.say("{groups} {step} later", groups=_named(late, draw), step=step), "some later"): pd.Series(
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


def _named(late: tuple, draw: int) -> Text:
    """The groups that start later; of many their number and which draw they are."""
    if len(late) <= MANY_GROUPS // 2:
        return Listed(late)
    return Text("draw {draw}: {groups}", draw=draw, groups=count(len(late), "group"))


@threat(
    "Start year wrong", "Moved all starts one year earlier and later, and half of the districts' later, in every way."
)
def moved_start(study: Study, outcome: str) -> Check:
    """Whether another start year gives another answer."""
    given, language = did(study, outcome), study.language
    tried = moved_starts(study, outcome)
    starts = _tabled(tried)
    known = starts.drop(index="as given").dropna(subset="estimate")
    if known.empty:
        raise StudyError(starts["note"][starts["note"] != ""].iloc[0])
    found = say(
        language,
        "With {other} of start years the effect is {low} to {high}; as given {given}.",
        other=counted(language, len(known), "other choice"),
        given=in_short(given),
        **_ends(known["estimate"], given.unit, language),
    )
    if known["against_last_year"].notna().any():
        ends = _ends(known["against_last_year"], given.unit, language)
        found = joined(language, [found, say(language, "Against the last year before it is {low} to {high}.", **ends)])
    impossible = [f"{name}: {note}" for name, note in starts.loc[starts["estimate"].isna(), "note"].items()]
    others = {name: one for name, (kind, one, _) in tried.items() if kind == "all moved"}
    return Check(study, joined(language, [found, *impossible[:3]]), others, (_extremes(starts, study, outcome),))


def _ends(effects: pd.Series, unit: str, language: str) -> dict[str, str]:
    low, high = (effect_in_words(unit, effect, language) for effect in (effects.min(), effects.max()))
    return {"low": low, "high": high}


def _extremes(starts: pd.DataFrame, study: Study, outcome: str) -> Table:
    """All moved, and of the many ways to start some later the ends of both columns."""
    known = starts.dropna(subset="estimate")
    some = known[known["kind"] == "some later"][["estimate", "against_last_year"]].dropna(axis="columns", how="all")
    ends = some.agg(["idxmin", "idxmax"]).to_numpy().ravel() if len(some) else []
    rows = known.loc[known.index[known["kind"] != "some later"].union(ends, sort=False).unique()]
    columns = ["estimate", "low", "high", "p_value", "against_last_year"] + ["note"] * bool(rows["note"].any())
    title = (
        "other start years: as given, all moved, and of the ways to start half of them later the ends of both columns"
    )
    return effects_table(rows[columns], study, title, outcome)
