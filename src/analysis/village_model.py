"""The model behind the simulated panel: collective income, its operating part, and the other outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.calibration import FIRST_YEAR, Calibration

BASE_YEAR = 2021
"""The year whose published distribution the model meets; the year path and the trend are zero in it."""


@dataclass(frozen=True)
class Design:
    """The design as arrays: one entry per village, one column per year."""

    years: np.ndarray
    inside: np.ndarray
    group: np.ndarray
    town: np.ndarray
    effect: np.ndarray
    spillover: np.ndarray


def untreated_income(
    streams: Mapping[str, np.random.Generator], design: Design, level: float, trend: float, c: Calibration
) -> np.ndarray:
    """Collective income without districts' effects, in CNY: villages x years."""
    villages, periods = len(design.inside), len(design.years)
    shared = c.group_level_sd**2 + c.group_shock_sd**2 + c.village_shock_sd**2 + c.town_shock_sd**2 + c.noise_sd**2
    tail = streams["tail"].random(villages) < c.tail_share
    own_sd = np.sqrt(np.where(tail, c.tail_log_sd, c.body_log_sd) ** 2 - shared)
    permanent = (
        np.log(np.where(tail, c.tail_median_cny, c.body_median_cny))
        + own_sd * streams["village_level"].standard_normal(villages)
        + c.group_level_sd * streams["group_level"].standard_normal(design.group.max() + 1)[design.group]
    )

    def shocks(stream: str, units: int, sd: float) -> np.ndarray:
        return sd * _autoregression(streams[stream], units, periods, c.shock_persistence)

    advantage = design.inside - design.inside.mean()
    path = np.asarray(c.income_path)[design.years - FIRST_YEAR]
    log_income = (
        permanent[:, None]
        + path
        + np.outer(advantage, level + trend * (design.years - BASE_YEAR))
        + shocks("group_shock", design.group.max() + 1, c.group_shock_sd)[design.group]
        + shocks("town_shock", design.town.max() + 1, c.town_shock_sd)[design.town]
        + shocks("village_shock", villages, c.village_shock_sd)
        + c.noise_sd * streams["noise"].standard_normal((villages, periods))
    )
    return np.minimum(np.exp(log_income), c.income_cap_cny)


def village_outcomes(
    streams: Mapping[str, np.random.Generator], design: Design, untreated: np.ndarray, c: Calibration
) -> dict[str, np.ndarray]:
    """Every outcome as a villages x years array; only the collective's income responds to districts."""
    income = untreated * np.exp(design.effect + design.spillover)
    return {
        "collective_income_cny": income,
        "operating_income_cny": income * _operating_share(streams["operating"], income.shape, c),
        "rural_income_per_head_cny": _rural_income(streams["rural"], untreated, design.years, c),
        "households": _households(streams["households"], design, c),
        "tourist_visits": _tourist_visits(streams["tourists"], design, c),
    }


def _autoregression(stream: np.random.Generator, units: int, periods: int, persistence: float) -> np.ndarray:
    """Stationary AR(1) paths with unit variance: units x periods."""
    path = stream.standard_normal((units, periods))
    for t in range(1, periods):
        path[:, t] = persistence * path[:, t - 1] + np.sqrt(1 - persistence**2) * path[:, t]
    return path


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


def _households(stream: np.random.Generator, design: Design, c: Calibration) -> np.ndarray:
    """Lognormal across villages with the given means; nearly constant over the years."""
    mean = np.where(design.inside, c.households_inside, c.households_outside)
    size = mean * np.exp(c.households_sd * stream.standard_normal(len(mean)) - c.households_sd**2 / 2)
    return size[:, None] * np.exp(c.households_noise_sd * stream.standard_normal((len(mean), len(design.years))))


def _tourist_visits(stream: np.random.Generator, design: Design, c: Calibration) -> np.ndarray:
    """Visits to a few villages, halved from 2020 to 2022; zero elsewhere."""
    villages, periods = len(design.inside), len(design.years)
    visited = stream.permutation(villages) < round(c.tourist_share * villages)
    size = c.tourist_median * np.exp(c.tourist_sd * stream.standard_normal((villages, 1)))
    season = np.where((design.years >= 2020) & (design.years <= 2022), c.tourist_covid, 1.0)
    visits = size * season * np.exp(c.tourist_noise_sd * stream.standard_normal((villages, periods)))
    return np.where(visited[:, None], np.ceil(visits), 0.0)
