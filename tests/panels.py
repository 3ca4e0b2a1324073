"""Panels that several tests are about: small enough to take apart, with gaps, weights and a control."""

import numpy as np
import pandas as pd

from analysis import Study

DESIGNS = {
    "plain": {},
    "controls": {"controls": ["rain"]},
    "weights": {"weights": "people"},
    "controls_and_weights": {"controls": ["rain"], "weights": "people"},
}


def small_panel(
    seed: int, groups: int = 7, treated: int = 3, starts: tuple[int, ...] = (2018,), missing: float = 0.12
) -> pd.DataFrame:
    """Unbalanced: groups of two to four villages over six years, with a control, weights and group shocks."""
    generator = np.random.default_rng(seed)
    sizes = generator.integers(2, 5, groups)
    rows = []
    village = 0
    for group, size in enumerate(sizes):
        start = starts[group % len(starts)] if group < treated else None
        shocks = generator.normal(size=6)
        for _ in range(size):
            level, village = generator.normal(), village + 1
            for year in range(2015, 2021):
                control = generator.normal() + 0.3 * (year - 2015) * (group % 2)
                effect = 0.4 if start is not None and year >= start else 0.0
                outcome = level + 0.1 * year + shocks[year - 2015] + effect + 0.5 * control + generator.normal()
                rows.append((f"v{village:02}", year, start, f"g{group}", f"s{group % 3}", outcome, control))
    panel = pd.DataFrame(rows, columns=["village", "year", "start", "district", "town", "income", "rain"])
    panel["people"] = generator.uniform(0.3, 3, len(panel))
    keep = generator.random(len(panel)) >= missing
    # Every treated village keeps the reference year, so that no cohort loses its baseline.
    return panel[keep | (panel["year"] == panel["start"] - 1)]


def small_study(panel: pd.DataFrame) -> Study:
    return Study.from_frame(panel, unit="village", time="year", first_treated="start", group="district", stratum="town")


def districts_panel(
    starts: dict[str, int] | None = None, groups: int = 10, sizes: tuple[int, ...] = (4,), gaps: float = 0.0
) -> pd.DataFrame:
    """Districts d00, d01, ... of the given sizes by turns over seven years; an effect of one to each treated one."""
    draw = np.random.default_rng(410883)
    starts = {"d00": 2019, "d01": 2019, "d02": 2019} if starts is None else starts
    districts = [f"d{number:02}" for number in range(groups)]
    villages = [(f"{name}v{v}", name) for n, name in enumerate(districts) for v in range(sizes[n % len(sizes)])]
    panel = pd.DataFrame(
        [(village, name, year) for village, name in villages for year in range(2015, 2022)],
        columns=["village", "district", "year"],
    )
    panel["start"] = panel["district"].map(starts).astype("Int64")
    level = panel["village"].map(dict(zip(dict(villages), draw.normal(size=len(villages)), strict=True)))
    slope = panel["district"].map(dict(zip(districts, draw.normal(size=groups), strict=True)))
    treated = (panel["year"] >= panel["start"]).fillna(False).astype(float)
    panel["rain"] = draw.normal(size=len(panel))
    panel["size"] = draw.uniform(0.5, 3, len(panel))
    noise = draw.normal(size=len(panel))
    panel["income"] = 5 + level + slope * (panel["year"] - 2015) / 5 + treated + panel["rain"] / 2 + noise
    return panel[draw.uniform(size=len(panel)) >= gaps].reset_index(drop=True)


def noise_panel(
    groups: int = 20, treated: int = 10, villages: int = 1, years: int = 6, start: int = 2020, seed: int = 1
):
    """A balanced panel from 2017 on; the first `treated` groups start in `start`; values are standard normal."""
    index = pd.MultiIndex.from_product([range(groups), range(villages), range(2017, 2017 + years)])
    frame = index.to_frame(index=False, name=["group", "village", "year"])
    frame["village"] = frame["group"].astype(str) + "-" + frame["village"].astype(str)
    frame["start"] = np.where(frame["group"] < treated, start, np.nan)
    frame["income"] = 100 + np.random.default_rng(seed).standard_normal(len(frame))
    return frame


def study_of(frame: pd.DataFrame, group: str = "group") -> Study:
    return Study.from_frame(frame, unit="village", time="year", first_treated="start", group=group)
