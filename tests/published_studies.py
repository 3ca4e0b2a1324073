"""Published studies by their names in `data/known_answers.csv`, and what other software answers on them."""

import pandas as pd

from analysis import did, read_table
from analysis.effects.estimate import Estimate
from analysis.reading.published_studies import castle_doctrine as castle
from analysis.reading.published_studies import crop_insurance as cai2016
from analysis.reading.published_studies import enterprise_zones as ezunem
from analysis.reading.published_studies import famine

STUDIES = {
    "castle": (castle, "l_homicide"),
    "ezunem": (ezunem, "luclms"),
    "cai2016": (cai2016, "y"),
    "famine": (famine, "mortality_per_1000"),
}
"""How to make each study, and its outcome."""


def published_estimate(dataset: str) -> Estimate:
    """The two-way regression of a study, which other software answers."""
    make, outcome = STUDIES[dataset]
    return did(make(), outcome, estimator="two_way")


def known_answers() -> pd.Series:
    """Answers of other software by dataset, specification and quantity."""
    return read_table("known_answers").set_index(["dataset", "specification", "quantity"])["value"].sort_index()
