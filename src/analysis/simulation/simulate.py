"""Simulate the demonstration panel: the real roster, invented values, effects that are known."""

from collections.abc import Sequence, Sized
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.design.replication import replicate
from analysis.messages import refuse
from analysis.reading.read_files import DATA, read_table
from analysis.simulation.village_model import (
    FIRST_YEAR,
    Calibration,
    make_dirty,
    places_of,
    untreated_income,
    village_outcomes,
)
from analysis.study.placebo_groups import placebo_groups

SEED = 410883
"""Seed of the stored panel: the division code of Mengzhou, fixed before any draw was looked at."""

CALIBRATION = Calibration()
SELECTION_LEVEL = 0.35
SELECTION_TREND = 0.005

_INCOME_STREAMS = ["tail", "group_level", "village_level", "group_shock", "village_shock", "town_shock", "noise"]
_OTHER_STREAMS = ["operating", "rural", "households", "tourists", "merged", "moved", "zeros", "gaps"]


@dataclass(frozen=True)
class Simulation:
    """A simulated panel (what a study would see) and the truth behind it (what it would not)."""

    panel: pd.DataFrame
    true_effects: pd.DataFrame


def simulate_panel(
    villages: pd.DataFrame,
    membership: pd.DataFrame,
    group: Sequence[str] | pd.Series,
    *,
    seed: int = SEED,
    years: range = range(2016, 2025),
    effect: bool = True,
    selection_level: float = SELECTION_LEVEL,
    selection_trend: float = SELECTION_TREND,
    spillover: float = 0.03,
    dirt: bool = True,
    calibration: Calibration = CALIBRATION,
) -> Simulation:
    """Draw one panel of village accounts with known effects on collective income.

    Log income is a village level (nine in ten villages from a lognormal body, one from a richer tail), a year
    path, and shocks of the group, the town and the village; effects multiply it. Each component has its own
    random stream, so a switch changes nothing but what it switches. Only collective income, and its operating
    part with it, responds to districts: the other outcomes are unaffected in truth.

    Parameters
    ----------
    villages
        One row per village, with ``village_code`` and ``town_code``.
    membership
        One row per district village, with ``village_code`` and ``first_treated``.
    group
        For each row of `villages`, the group whose shocks it shares (its district, or its placebo district).
    seed
        The same seed gives the same panel.
    years
        Consecutive years within 2016 to 2024.
    effect
        Whether districts have the effect of ``calibration.effect_path``.
    selection_level
        Log points by which district villages are richer in all years; recentred over all villages.
    selection_trend
        Log points per year by which they also grow faster; zero in 2021, recentred.
    spillover
        Log points gained by other villages of a district's town, from the town's first treated year.
    dirt
        Whether reports have zeros, values moved over 50,000 or 100,000 CNY, gaps and one merged village.
    calibration
        All other parameters.

    Returns
    -------
    Simulation
        ``panel`` (villages x years, less missing rows; money in whole constant-2022 CNY) and
        ``true_effects`` (every village and year, log points).

    Raises
    ------
    ValueError
        If a village is repeated, a member is not in `villages`, `group` has another length, or `years` has
        gaps or leaves the years of the income path.

    Examples
    --------
    >>> villages = pd.DataFrame({"village_code": ["a", "b"], "town_code": ["t", "t"]})
    >>> membership = pd.DataFrame({"village_code": ["a"], "first_treated": [2023]})
    >>> drawn = simulate_panel(villages, membership, ["district", "others"], seed=1, dirt=False)
    >>> drawn.true_effects.query("year == 2024")[["effect_log_points", "spillover_log_points"]].to_numpy().tolist()
    [[0.18, 0.0], [0.0, 0.03]]
    """
    _check(villages, membership, group, years, calibration)
    seeds = np.random.SeedSequence(seed)
    streams = {name: np.random.default_rng(seeds.spawn(1)[0]) for name in [*_INCOME_STREAMS, *_OTHER_STREAMS]}
    roster = _roster(villages, membership, group)
    cells = roster.merge(pd.DataFrame({"year": years}), how="cross")
    truth = _true_effects(cells, calibration.effect_path if effect else (0.0,), spillover)
    year = np.asarray(years)
    untreated = untreated_income(streams, places_of(roster), year, selection_level, selection_trend, calibration)
    gain = truth["effect_log_points"] + truth["spillover_log_points"]
    income = untreated * np.exp(gain.to_numpy().reshape(untreated.shape))
    outcomes = village_outcomes(streams, roster, year, untreated, income, calibration)
    panel = cells[["village_code", "town_code", "year"]].assign(**outcomes).round()
    if dirt:
        panel = make_dirty(panel, set(membership["village_code"]), streams, calibration).round()
    return Simulation(panel.astype({"households": "int64", "tourist_visits": "int64"}), truth)


def _true_effects(cells: pd.DataFrame, effect_path: tuple[float, ...], spillover: float) -> pd.DataFrame:
    """Log points that districts add to each village and year: to their own villages, and to others of the town."""
    path = np.array([0.0, *effect_path])
    treated_years = (cells["year"] - cells["start"] + 1).fillna(0).clip(0, len(effect_path)).astype(int)
    town_start = cells.groupby("town_code")["start"].transform("min")
    gained = np.where(cells["start"].isna() & (cells["year"] >= town_start), spillover, 0.0)
    return cells[["village_code", "year"]].assign(effect_log_points=path[treated_years], spillover_log_points=gained)


def write_simulated(folder: Path = DATA / "simulated") -> None:
    """Write the stored demonstration panel and its true effects, byte for byte the same each time.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_simulated(Path(folder))
    ...     (Path(folder) / "simulated_panel.csv").read_bytes() == (DATA / "simulated/simulated_panel.csv").read_bytes()
    True
    """
    villages = read_table("villages").query("committee == 'village_committee'")
    membership = read_table("membership")
    simulation = simulate_panel(villages, membership, shock_groups(villages, membership))
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"panel": simulation.panel.convert_dtypes(), "true_effects": simulation.true_effects}
    for name, table in tables.items():
        table.to_csv(folder / f"simulated_{name}.csv", index=False, encoding="utf-8", lineterminator="\n")


def simulated_gains(
    replications: int = 2000,
    *,
    before: int = 2022,
    after: int = 2023,
    selection: bool = True,
    growth: bool = True,
    seed: int = SEED,
) -> pd.DataFrame:
    """Gains of each district's villages together, in CNY, where districts do nothing: what chance alone brings.

    Use it to read a reported gain that has no comparison. Every replication draws collective incomes anew on the real
    roster, as `simulate_panel` does, without effects, spillovers or faults of reporting.

    Parameters
    ----------
    replications : int
    before, after : int
        Years compared, within 2016 to 2024; the same year twice gains nothing.
    selection, growth : bool
        Whether district villages are richer (and grow faster), and whether all villages grow from year to year, as
        assumed for the simulated panel; without both, chance alone is left.
    seed : int

    Returns
    -------
    DataFrame, shape (replications, districts)

    Raises
    ------
    ValueError
        Years that are not simulated, or in the wrong order.

    Examples
    --------
    >>> simulated_gains(10).shape
    (10, 5)
    """
    last = FIRST_YEAR + len(CALIBRATION.income_path) - 1
    if not FIRST_YEAR <= before <= after <= last:
        raise ValueError(
            f"before and after must be years from {FIRST_YEAR} to {last}, in order, not {before}, {after}."
        )
    villages = read_table("villages").query("committee == 'village_committee'")
    membership = read_table("membership")
    roster = _roster(villages, membership, shock_groups(villages, membership))
    years = np.arange(FIRST_YEAR, after + 1)
    codes, names = pd.factorize(roster["village_code"].map(membership.set_index("village_code")["district_id"]))
    path = CALIBRATION.income_path if growth else (0.0,) * len(CALIBRATION.income_path)
    calibration, places = replace(CALIBRATION, income_path=path), places_of(roster)
    chosen = (SELECTION_LEVEL, SELECTION_TREND) if selection else (0.0, 0.0)

    def gains(generator: np.random.Generator, _: int) -> np.ndarray:
        streams = dict(zip(_INCOME_STREAMS, generator.spawn(len(_INCOME_STREAMS)), strict=True))
        income = untreated_income(streams, places, years, *chosen, calibration)
        gain = income[:, -1] - income[:, before - FIRST_YEAR]
        return np.bincount(codes[codes >= 0], gain[codes >= 0])

    return pd.DataFrame(replicate(gains, replications, seed, "draws"), columns=names)


def _roster(villages: pd.DataFrame, membership: pd.DataFrame, group: Sequence[str] | pd.Series) -> pd.DataFrame:
    """Codes of village and town, the group whose shocks the village shares, and its start year (missing: never)."""
    start = villages["village_code"].map(membership.set_index("village_code")["first_treated"]).astype(float)
    return villages[["village_code", "town_code"]].assign(group=np.asarray(group), start=start)


def shock_groups(villages: pd.DataFrame, membership: pd.DataFrame) -> pd.Series:
    """Return the group whose shocks each village shares: its district, or a placebo district of about five.

    Use it for the `group` of :func:`simulate_panel`; the study cuts its placebo districts in the same way.

    Examples
    --------
    >>> villages = pd.DataFrame({"village_code": ["1", "2", "3"], "town_code": ["t", "t", "t"]})
    >>> membership = pd.DataFrame({"village_code": ["2"], "district_id": ["millet"]})
    >>> shock_groups(villages, membership).tolist()
    ['placebo t-1', 'millet', 'placebo t-1']
    """
    district = villages["village_code"].map(membership.set_index("village_code")["district_id"])
    outside = villages[district.isna()].set_index("village_code").rename(columns={"town_code": "stratum"})
    return district.fillna(villages["village_code"].map(placebo_groups(outside, size=5)))


def _check(villages: pd.DataFrame, membership: pd.DataFrame, group: Sized, years: range, c: Calibration) -> None:
    codes, remedy = "village_code", "Add their rows to `villages`, or take them out of `membership`."
    strangers = membership.loc[~membership[codes].isin(villages[codes]), codes]
    refuse(strangers, "member village", "The villages table has no row", remedy)
    for name, table in {"villages": villages, "membership": membership}.items():
        repeated = table.loc[table[codes].duplicated(), codes]
        refuse(repeated, "row", "The code in `{name}` is used before", "Keep one row each.", name=name)
    if len(group) != len(villages):
        raise ValueError(f"{len(group)} groups for {len(villages)} villages. Give one group per row of `villages`.")
    last = FIRST_YEAR + len(c.income_path) - 1
    if years.step != 1 or not FIRST_YEAR <= years.start < years.stop <= last + 1:
        raise ValueError(f"years is {years}. Give consecutive years from {FIRST_YEAR} to {last}.")
