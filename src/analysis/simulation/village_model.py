"""The model behind the simulated panel: its calibration, what villages earn and count, and what reports make of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.design.shocks import persistent_shocks
from analysis.reading.prices import price_index

Streams = Mapping[str, np.random.Generator]
"""A random generator for each component of the model, by name."""

BASE_YEAR = 2021
"""The year whose published distribution the model meets; the year path and the trend are zero in it."""

PRICES_OF = 2022
"""The year whose prices all money is in."""

INCOME = ["collective_income_cny", "operating_income_cny"]
THRESHOLDS = [100_000, 50_000]
"""The campaign thresholds, in CNY of the day, that reports are moved over; the higher one first."""

FIRST_YEAR = 2016
"""The first year of the calibrated year path."""

INCOME_PATH = (-0.42, -0.34, -0.26, -0.17, -0.12, 0.0, 0.06, 0.12, 0.18)


def _set(value: Any, source: str) -> Any:
    return field(default=value, metadata={"source": source})


@dataclass(frozen=True)
class Calibration:
    """Every parameter of the simulation, each with the statement that set it.

    ``F`` numbers are rows of ``published_facts.csv``; *assumed* means that no public source says it.
    The sources are field metadata.
    """

    body_median_cny: float = _set(85_300, "F165, F166 (shares above 50,000 and 100,000 CNY, Hebei 2021)")
    body_log_sd: float = _set(0.56, "F165, F166, jointly with the median and the tail")
    tail_share: float = _set(0.10, "assumed; a lognormal that meets F165 and F166 has almost no top")
    tail_median_cny: float = _set(400_000, "assumed; 4.2 % above 500,000 CNY (F189: 10.4 %, of net yield, elsewhere)")
    tail_log_sd: float = _set(1.0, "assumed; as the tail's median")
    income_cap_cny: float = _set(10_000_000, "assumed; no village above 10 million CNY before effects")
    group_level_sd: float = _set(0.18, "assumed; neighbours resemble each other")
    group_shock_sd: float = _set(0.15, "assumed; changes then have an intra-group correlation near 0.3")
    village_shock_sd: float = _set(0.20, "assumed")
    town_shock_sd: float = _set(0.05, "assumed")
    shock_persistence: float = _set(0.6, "assumed; AR(1) of group, village and town shocks")
    noise_sd: float = _set(0.12, "assumed")
    income_path: tuple[float, ...] = _set(INCOME_PATH, "assumed; log, 2016 to 2024 against 2021")
    effect_path: tuple[float, ...] = _set((0.12, 0.18), "chosen; first year, then every later year (log points)")
    operating_share: float = _set(0.38, "F172 (Henan 2018; F192 gives 52.63 % for China in 2017)")
    operating_spread: float = _set(5.0, "assumed; the two parameters of the Beta draws add up to it")
    operating_permanence: float = _set(0.8, "assumed; weight of the village's own share, the rest is the year's")
    rural_income_cny: float = _set(22_180, "F159 (Jiaozuo, probably 2021), taken as the mean of 2021")
    rural_income_sd: float = _set(0.22, "assumed")
    rural_income_correlation: float = _set(0.3, "assumed; with log collective income, across villages")
    rural_income_growth: float = _set(0.05, "assumed; below the 6.2 % of F177, which is not deflated")
    rural_income_permanence: float = _set(0.97, "assumed; permanent part of the variance not tied to the collective")
    households_inside: float = _set(180, "F002, F003 (4,500 households in 25 villages)")
    households_outside: float = _set(230, "assumed; between F120 and F132")
    households_sd: float = _set(0.45, "assumed")
    households_noise_sd: float = _set(0.01, "assumed; F120 and F123 give the same number five years apart")
    tourist_share: float = _set(0.064, "F179 (Henan 2020: 6.4 % of villages receive tourists)")
    tourist_median: float = _set(10_000, "assumed")
    tourist_sd: float = _set(1.0, "assumed")
    tourist_noise_sd: float = _set(0.15, "assumed")
    tourist_covid: float = _set(0.5, "assumed; factor of 2020 to 2022")
    zero_reports: float = _set(0.03, "assumed; share of reports that say zero")
    moved_reports: float = _set(0.04, "assumed; share of reports moved to just over a threshold (F040, F165, F168)")
    moved_from: float = _set(0.8, "assumed; only reports above this part of the threshold move")
    moved_excess: float = _set(0.03, "assumed; they land at most this part over it")
    missing_reports: float = _set(0.01, "assumed; share of village-years without collective income")
    missing_rows: float = _set(0.01, "assumed; share of village-years without a row")
    merged_in: int = _set(2024, "assumed; year in which one village is merged into its neighbour")


@dataclass(frozen=True)
class Places:
    """Where villages stand, in the order of the roster: codes of group and town, and whether a district has them."""

    group: np.ndarray
    town: np.ndarray
    inside: np.ndarray


def places_of(roster: pd.DataFrame) -> Places:
    """Number the groups and towns of a roster by their names."""
    group, town = (pd.factorize(roster[column], sort=True)[0] for column in ("group", "town_code"))
    return Places(group, town, roster["start"].notna().to_numpy())


def untreated_income(
    streams: Streams, places: Places, years: np.ndarray, level: float, trend: float, c: Calibration
) -> np.ndarray:
    """Collective income without districts' effects, in CNY: villages x years."""
    group, town, inside = places.group, places.town, places.inside
    villages, periods, persistence = len(group), len(years), c.shock_persistence
    shared = c.group_level_sd**2 + c.group_shock_sd**2 + c.village_shock_sd**2 + c.town_shock_sd**2 + c.noise_sd**2
    tail = streams["tail"].random(villages) < c.tail_share
    own_sd = np.sqrt(np.where(tail, c.tail_log_sd, c.body_log_sd) ** 2 - shared)
    permanent = (
        np.log(np.where(tail, c.tail_median_cny, c.body_median_cny))
        + own_sd * streams["village_level"].standard_normal(villages)
        + c.group_level_sd * streams["group_level"].standard_normal(group.max() + 1)[group]
    )
    log_income = (
        permanent[:, None]
        + np.asarray(c.income_path)[years - FIRST_YEAR]
        + np.outer(inside - inside.mean(), level + trend * (years - BASE_YEAR))
        + c.group_shock_sd * persistent_shocks(streams["group_shock"], group.max() + 1, periods, persistence)[group]
        + c.town_shock_sd * persistent_shocks(streams["town_shock"], town.max() + 1, periods, persistence)[town]
        + c.village_shock_sd * persistent_shocks(streams["village_shock"], villages, periods, persistence)
        + c.noise_sd * streams["noise"].standard_normal((villages, periods))
    )
    return np.minimum(np.exp(log_income), c.income_cap_cny)


def village_outcomes(
    streams: Streams, roster: pd.DataFrame, years: np.ndarray, untreated: np.ndarray, income: np.ndarray, c: Calibration
) -> dict[str, np.ndarray]:
    """Every outcome, village by village and year by year; only `income` and its part respond to districts."""
    outcomes = {
        "collective_income_cny": income,
        "operating_income_cny": income * _operating_share(streams["operating"], income.shape, c),
        "rural_income_per_head_cny": _rural_income(streams["rural"], untreated, years, c),
        "households": _households(streams["households"], roster["start"].notna(), len(years), c),
        "tourist_visits": _tourist_visits(streams["tourists"], len(roster), years, c),
    }
    return {name: values.ravel() for name, values in outcomes.items()}


def _operating_share(stream: np.random.Generator, shape: tuple[int, int], c: Calibration) -> np.ndarray:
    """The operating part of income, between 0 and 1: mostly the village's own, partly the year's."""
    a, b = c.operating_spread * c.operating_share, c.operating_spread * (1 - c.operating_share)
    permanent, passing = stream.beta(a, b, size=(shape[0], 1)), stream.beta(a, b, size=shape)
    return c.operating_permanence * permanent + (1 - c.operating_permanence) * passing


def _rural_income(stream: np.random.Generator, untreated: np.ndarray, years: np.ndarray, c: Calibration) -> np.ndarray:
    """Income per head, correlated with the village's untreated collective income in each year."""
    log_income = np.log(untreated)
    standard = (log_income - log_income.mean(axis=0)) / log_income.std(axis=0)
    permanent, passing = stream.standard_normal((len(untreated), 1)), stream.standard_normal(untreated.shape)
    own = np.sqrt(c.rural_income_permanence) * permanent + np.sqrt(1 - c.rural_income_permanence) * passing
    deviation = c.rural_income_correlation * standard + np.sqrt(1 - c.rural_income_correlation**2) * own
    growth = c.rural_income_growth * (years - BASE_YEAR)
    return c.rural_income_cny * np.exp(growth + c.rural_income_sd * deviation - c.rural_income_sd**2 / 2)


def _households(stream: np.random.Generator, inside: pd.Series, periods: int, c: Calibration) -> np.ndarray:
    """Lognormal across villages with the given means; nearly constant over the years."""
    mean = np.where(inside, c.households_inside, c.households_outside)
    size = mean * np.exp(c.households_sd * stream.standard_normal(len(mean)) - c.households_sd**2 / 2)
    return size[:, None] * np.exp(c.households_noise_sd * stream.standard_normal((len(mean), periods)))


def _tourist_visits(stream: np.random.Generator, villages: int, years: np.ndarray, c: Calibration) -> np.ndarray:
    """Visits to a few villages, halved from 2020 to 2022; zero elsewhere."""
    visited = stream.permutation(villages) < round(c.tourist_share * villages)
    size = c.tourist_median * np.exp(c.tourist_sd * stream.standard_normal((villages, 1)))
    season = np.where((years >= 2020) & (years <= 2022), c.tourist_covid, 1.0)
    visits = size * season * np.exp(c.tourist_noise_sd * stream.standard_normal((villages, len(years))))
    return np.where(visited[:, None], np.ceil(visits), 0.0)


def make_dirty(panel: pd.DataFrame, members: Collection[str], streams: Streams, c: Calibration) -> pd.DataFrame:
    """Return the panel as villages would report it: merged, bunched, with zeros and gaps.

    Use it on a complete panel (one row per village and year, sorted, as the simulation makes it).

    Parameters
    ----------
    panel
        Columns as in the simulated panel, nothing missing.
    members
        Codes of district villages: none of them is merged away.
    streams
        Random generators named ``merged``, ``moved``, ``zeros`` and ``gaps``.
    c
        The shares of each kind of dirt.

    Returns
    -------
    pandas.DataFrame
        The same columns, some rows fewer, some incomes missing.
    """
    panel = _merge_one_village(panel, members, streams["merged"], c.merged_in)
    panel = _move_over_thresholds(panel, streams["moved"], c)
    panel.loc[streams["zeros"].random(len(panel)) < c.zero_reports, INCOME] = 0.0
    gap = streams["gaps"].random(len(panel))
    panel.loc[gap < c.missing_rows + c.missing_reports, INCOME] = np.nan
    return panel[gap >= c.missing_rows].reset_index(drop=True)


def _merge_one_village(
    panel: pd.DataFrame, members: Collection[str], stream: np.random.Generator, year: int
) -> pd.DataFrame:
    """End one outside village's rows; the next one of its town absorbs its income and households."""
    villages = panel.drop_duplicates("village_code").reset_index(drop=True)
    outside = ~villages["village_code"].isin(members)
    same_town = villages["town_code"] == villages["town_code"].shift(-1)
    candidates = villages.index[outside & outside.shift(-1, fill_value=False) & same_town]
    if candidates.empty:
        return panel
    gone = stream.choice(candidates)
    late = panel[panel["year"] >= year]
    ended, kept = (late[late["village_code"] == code] for code in villages["village_code"].iloc[[gone, gone + 1]])
    sums, per_head = [*INCOME, "households", "tourist_visits"], "rural_income_per_head_cny"
    parts, weights = ([kept[column], ended[column]] for column in (per_head, "households"))
    panel = panel.drop(ended.index)
    panel.loc[kept.index, per_head] = np.average(parts, axis=0, weights=weights)
    panel.loc[kept.index, sums] += ended[sums].to_numpy()
    return panel.reset_index(drop=True)


def _move_over_thresholds(panel: pd.DataFrame, stream: np.random.Generator, c: Calibration) -> pd.DataFrame:
    """Move a share of all reports, among those a little below a threshold in prices of the day, to just over it."""
    level = panel["year"].map(price_index(PRICES_OF)).to_numpy()
    income = panel["collective_income_cny"].to_numpy() * level
    order, excess = stream.random(len(income)), stream.uniform(0.0, c.moved_excess, len(income))
    target = np.select([(income >= c.moved_from * over) & (income < over) for over in THRESHOLDS], THRESHOLDS)
    near = np.flatnonzero(target)
    moved = near[np.argsort(order[near])][: round(c.moved_reports * len(income))]
    income[moved] = target[moved] * (1 + excess[moved])
    return panel.assign(collective_income_cny=income / level)
