"""A shock of some years that hits the more exposed villages harder, such as the return of tourists."""

import dataclasses

import numpy as np
import pandas as pd

from analysis.messages import StudyError
from analysis.study.study import Study


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
