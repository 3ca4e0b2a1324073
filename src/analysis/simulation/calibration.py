"""What the simulated panel is calibrated to: every parameter, with the statement that set it."""

from dataclasses import dataclass, field
from typing import Any

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
