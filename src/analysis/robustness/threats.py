"""Small tests of what could pass for an effect: starts that never were, exposure to other shocks, moved reports."""

import dataclasses
from collections.abc import Sequence
from itertools import combinations, product
from math import comb

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from tqdm import tqdm

from analysis.effects.cohorts import with_starts
from analysis.effects.verbs import did, event_study
from analysis.messages import StudyError, count
from analysis.study.study import Study

# Reports this close to a threshold, as a share of it, are counted on either side.
BUNCHING_WIDTH = 0.05
# As many ways of starting later as ten districts have; of more, so many are drawn.
MOST_SPLITS = 252


def placebo_starts(study: Study, outcome: str, *, log: bool | None = None) -> pd.DataFrame:
    """Effects of starts that never were, on the years before the first real one.

    Use it beside an event study: were treated villages already gaining when nothing had happened? Every treated
    village is given the same false start, one after the other; each has at least one year on either side.

    Returns
    -------
    DataFrame
        Index `start`; estimate, std_error, df, low, high, p_value (CR2), villages; starts that can be tried.

    Raises
    ------
    StudyError
        With fewer than two years before the first start in which some treated village has the outcome.

    Examples
    --------
    >>> from analysis import load_study
    >>> placebo_starts(load_study(), "households").index.tolist()
    [2017, 2018, 2019, 2020, 2021, 2022]
    """
    known = study.column(outcome).notna() & study.frame["first_treated"].notna()
    before = study.frame["time"] < study.starts[0]
    years = sorted(study.frame.loc[before & known, "time"].unique())
    if len(years) < 2:
        raise StudyError(
            f"{outcome!r} is known in {count(len(years), 'year')} before the first start ({study.starts[0]}), so no "
            "earlier start can be tried. Bring at least two years."
        )
    before &= study.frame["time"] <= years[-1]
    rows = {}
    for start in years[1:]:
        false = study.frame["first_treated"].where(study.frame["first_treated"].isna(), start)
        tried = dataclasses.replace(study, frame=study.frame.assign(first_treated=false)).subset(before)
        estimate = did(tried, outcome, log=log)
        rows[start] = {"estimate": estimate.value, **estimate.headline(), "villages": estimate.villages}
    columns = ["estimate", "std_error", "df", "low", "high", "p_value", "villages"]
    return pd.DataFrame.from_dict(rows, orient="index")[columns].rename_axis("start")


def other_starts(study: Study, outcome: str, *, log: bool | None = None, seed: int = 2023) -> pd.DataFrame:
    """Effects had the districts started in other years: all earlier, all later, or half of them later, in every way.

    Use it where start years are assumed. Earlier and later are by one year of the panel; the later ones are half of the
    treated groups, rounded down. Of more than 252 ways so many are drawn.

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
    moved |= {
        (f"{', '.join(map(str, late))} {step} later", "some later"): pd.Series(
            seen[first + first.index.isin(late)], first.index
        )
        for late in _halves(sorted(given.index), seed)
    }
    rows = {}
    for (name, kind), starts in tqdm(moved.items(), desc="start years", disable=None, leave=False):
        rows[name] = {"kind": kind, "note": ""}
        try:
            other = with_starts(study, starts.to_dict())
            estimate = did(other, outcome, log=log)
            rows[name] |= {"estimate": estimate.value, **estimate.headline(), "note": estimate.no_interval}
            last = {int(years[years < start].max()) - start for start in other.starts}
            if len(last) == 1:
                events = event_study(other, outcome, log=log, reference=last.pop())
                rows[name]["against_last_year"] = events.average().value
        except StudyError as error:
            rows[name]["note"] = str(error)
    columns = ["kind", "estimate", "low", "high", "p_value", "against_last_year", "note"]
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns).rename_axis("starts")


def _halves(groups: list, seed: int) -> list[tuple]:
    """Every choice of half of the groups (rounded down), or so many of them drawn at random."""
    number = len(groups) // 2
    if comb(len(groups), number) <= MOST_SPLITS:
        return list(combinations(groups, number)) if number else []
    generator = np.random.default_rng(seed)
    return sorted({tuple(sorted(generator.permutation(groups)[:number])) for _ in range(MOST_SPLITS)})


def exposure_by_year(study: Study, column: str) -> tuple[Study, list[str]]:
    """The study with a column's mean before the first start times each year, and the names of these controls.

    Use it where a shock of some years hits the more exposed villages harder, such as the return of tourists: with
    the controls, villages are compared with equally exposed ones. The last year before the start is the base.

    Raises
    ------
    StudyError
        When no two villages differ in it before the first start.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> exposed, controls = exposure_by_year(load_study(), "tourist_visits")
    >>> did(exposed, "collective_income_cny", controls=controls).villages
    274
    """
    frame, values = study.frame, study.column(column, "exposure")
    before = frame["time"] < study.starts[0]
    exposure = values.where(before).groupby(frame["unit"]).transform("mean")
    if not exposure.std() > 0:
        what = "is the same in all villages" if exposure.notna().any() else "is not known in any village"
        raise StudyError(
            f"{column!r} {what} before {study.starts[0]}, so nobody is more exposed than others. "
            "Fill it in for the years before, or leave this check out."
        )
    exposure = exposure / exposure.std()
    base = frame.loc[before, "time"].max()
    years = [year for year in sorted(frame["time"].unique()) if year != base]
    added = pd.DataFrame({f"{column} × {year}": exposure.where(frame["time"] == year, 0.0) for year in years})
    # An unknown exposure stays unknown in every year, so that the rows left out are counted.
    added[exposure.isna()] = np.nan
    return dataclasses.replace(study, frame=pd.concat([frame, added], axis="columns")), list(added)


def bunching(study: Study, outcome: str, thresholds: Sequence[float]) -> pd.DataFrame:
    """Count village-years just above and just below thresholds, inside and outside, to see reports moved over them.

    Use it where campaigns set targets, such as 50,000 CNY for every village. Without moving, about as many reports lie
    within a twentieth below a threshold as above it. Targets are in money of the day: amounts in constant prices must
    be put back first (`other_prices`), or what was moved cannot be seen. An effect is at risk where the share above
    changes inside from before the first start to after it. The test takes village-years as independent, which makes it
    too ready to reject; it is a description, not proof.

    Returns
    -------
    DataFrame
        Index `threshold`, `place`, `years`; below, above, share_above, p_value (binomial, one-sided).

    Examples
    --------
    >>> from analysis import load_study
    >>> bunching(load_study(), "collective_income_cny", [50_000]).columns.tolist()
    ['below', 'above', 'share_above', 'p_value']
    """
    values = study.column(outcome)
    inside, late = study.frame["first_treated"].notna(), study.frame["time"] >= study.starts[0]
    places = product({"inside": inside, "outside": ~inside}.items(), {"before": ~late, "after": late}.items())
    rows = {}
    for threshold, ((place, there), (years, then)) in product(thresholds, list(places)):
        width, where = BUNCHING_WIDTH * threshold, there & then
        below = int((where & values.between(threshold - width, threshold, inclusive="left")).sum())
        above = int((where & values.between(threshold, threshold + width, inclusive="left")).sum())
        number = below + above
        p_value = binomtest(above, number, alternative="greater").pvalue if number else np.nan
        rows[threshold, place, years] = [below, above, above / number if number else np.nan, p_value]
    columns = ["below", "above", "share_above", "p_value"]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns).astype({"below": int, "above": int})
    return frame.set_axis(pd.MultiIndex.from_tuples(frame.index, names=["threshold", "place", "years"]))
