"""How village accounts turn into reports: merged villages, bunching at thresholds, zeros and gaps."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from analysis.calibration import Calibration

INCOME = ["collective_income_cny", "operating_income_cny"]
THRESHOLDS = (50_000, 100_000)
"""The campaign thresholds of 50,000 and 100,000 CNY that reports are moved over."""


def make_dirty(
    panel: pd.DataFrame,
    members: Collection[str],
    streams: Mapping[str, np.random.Generator],
    calibration: Calibration,
) -> pd.DataFrame:
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
    calibration
        The shares of each kind of dirt.

    Returns
    -------
    pandas.DataFrame
        The same columns, some rows fewer, some incomes missing.
    """
    panel = _merge_one_village(panel, members, streams["merged"], calibration.merged_in)
    panel = _move_over_thresholds(panel, streams["moved"], calibration)
    panel = _report_zero(panel, streams["zeros"], calibration.zero_reports)
    return _leave_gaps(panel, streams["gaps"], calibration)


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
    code, neighbour = villages["village_code"].iloc[[gone, gone + 1]]
    ended = (panel["village_code"] == code) & (panel["year"] >= year)
    absorbing = (panel["village_code"] == neighbour) & (panel["year"] >= year)
    return _absorb(panel, ended, absorbing)[~ended].reset_index(drop=True)


def _absorb(panel: pd.DataFrame, ended: pd.Series, absorbing: pd.Series) -> pd.DataFrame:
    added, kept, per_head = panel[ended], panel[absorbing], "rural_income_per_head_cny"
    weights = np.stack([kept["households"], added["households"]])
    panel = panel.copy()
    panel.loc[absorbing, per_head] = np.average(np.stack([kept[per_head], added[per_head]]), axis=0, weights=weights)
    sums = [*INCOME, "households", "tourist_visits"]
    panel.loc[absorbing, sums] = kept[sums].to_numpy() + added[sums].to_numpy()
    return panel


def _move_over_thresholds(panel: pd.DataFrame, stream: np.random.Generator, c: Calibration) -> pd.DataFrame:
    """Move a share of all reports, chosen among those a little below a threshold, to just over it."""
    income = panel["collective_income_cny"].to_numpy()
    order, excess = stream.random(len(income)), stream.uniform(0.0, c.moved_excess, len(income))
    target = np.zeros(len(income))
    for threshold in THRESHOLDS:
        target = np.where((income >= c.moved_from * threshold) & (income < threshold), threshold, target)
    near = np.flatnonzero(target)
    moved = near[np.argsort(order[near])][: round(c.moved_reports * len(income))]
    income = income.copy()
    income[moved] = target[moved] * (1 + excess[moved])
    return panel.assign(collective_income_cny=income)


def _report_zero(panel: pd.DataFrame, stream: np.random.Generator, share: float) -> pd.DataFrame:
    zero = stream.random(len(panel)) < share
    return panel.assign(**{column: panel[column].mask(zero, 0.0) for column in INCOME})


def _leave_gaps(panel: pd.DataFrame, stream: np.random.Generator, c: Calibration) -> pd.DataFrame:
    """Some village-years have no row, some a row without collective income."""
    draw = stream.random(len(panel))
    blank = (draw >= c.missing_rows) & (draw < c.missing_rows + c.missing_reports)
    panel = panel.assign(**{column: panel[column].mask(blank) for column in INCOME})
    return panel[draw >= c.missing_rows].reset_index(drop=True)
