"""Reports moved over a threshold: village-years just above and just below a campaign's target."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from analysis.language.labels import say, term
from analysis.language.units import MONEY, convert_unit
from analysis.messages import StudyError, fixed
from analysis.presentation.tables import captioned
from analysis.reading.prices import other_prices
from analysis.robustness.check import Check, threat
from analysis.study.study import Study

MARKS = (50_000, 100_000)

# Reports this close to a threshold, as a share of it, are counted on either side.
BUNCHING_WIDTH = 0.05
# Of 20 reports, 10 above, the share above is known to about 22 percentage points either way; of fewer to less.
FEW_REPORTS = 20


def bunching(study: Study, outcome: str, thresholds: Sequence[float]) -> pd.DataFrame:
    """Count village-years just above and just below thresholds, inside and outside, to see reports moved over them.

    Use it where campaigns set targets, such as 50,000 CNY for every village. Without moving, about as many reports lie
    within a twentieth below a threshold as above it. Targets are in money of the day: amounts in constant prices must
    be put back first (`other_prices`), or what was moved cannot be seen. An effect is at risk where the share above
    changes inside from before the first start to after it, more than outside. The test takes village-years as
    independent, which makes it too ready to reject; it is a description, not proof.

    Returns
    -------
    DataFrame
        Index `threshold`, `place`, `years`; below, above, share_above, p_value (binomial, one-sided; missing for
        fewer than 20).

    Examples
    --------
    >>> from analysis import load_study
    >>> bunching(load_study(), "collective_income_cny", [50_000]).columns.tolist()
    ['below', 'above', 'share_above', 'p_value']
    """
    values = study.column(outcome)
    inside, late = study.frame["first_treated"].notna(), study.frame["time"] >= study.starts[0]
    places = product({"inside": inside, "outside": ~inside}.items(), {"before": ~late, "after": late}.items())
    rows = {}
    for threshold, ((place, there), (years, then)) in product(thresholds, list(places)):
        width, where = BUNCHING_WIDTH * threshold, there & then
        below = int((where & values.between(threshold - width, threshold, inclusive="left")).sum())
        above = int((where & values.between(threshold, threshold + width, inclusive="left")).sum())
        number = below + above
        p_value = binomtest(above, number, alternative="greater").pvalue if number >= FEW_REPORTS else np.nan
        rows[threshold, place, years] = [below, above, above / number if number else np.nan, p_value]
    columns = ["below", "above", "share_above", "p_value"]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns).astype({"below": int, "above": int})
    return frame.set_axis(pd.MultiIndex.from_tuples(frame.index, names=["threshold", "place", "years"]))


@threat("Income on paper only", "Counted reports just above and just below 50,000 and 100,000 CNY.")
def moved_reports(study: Study, outcome: str) -> Check:
    """Whether reports were moved over the marks of campaigns."""
    described, language = study.describe(outcome), study.language
    unit, factor, _ = convert_unit(described.unit)
    if unit != MONEY:
        raise StudyError("The marks are amounts in CNY, and the outcome is not in CNY.")
    nominal = other_prices(study, outcome) if described.prices.startswith("constant") else study
    counted = bunching(nominal, outcome, [mark / factor for mark in MARKS])
    sides = counted[["above", "below"]].groupby(level=["place", "years"]).sum()
    parts = [
        say(
            language,
            "{above} of {number} {place} {years} the start"
            if above + below >= FEW_REPORTS
            else "{above} of {number} {place} {years} the start (too few to tell)",
            above=fixed(above, 0),
            number=fixed(above + below, 0),
            place=term(language, place),
            years=term(language, years),
        )
        for (place, years), (above, below) in sides[sides.sum(axis="columns") > 0].iterrows()
    ]
    found = "No report lies near the marks."
    if parts:
        found = (
            "Of the reports near a mark lie above it: {parts}. Without moving it would be about half. Moving that is "
            "alike on both sides hardly touches the effect. More of it inside after the start looks like one."
        )
    table = captioned(counted, study, "Reports within a twentieth of the campaigns' marks; p one-sided ({data})")
    return Check(study, say(language, found, parts=say(language, ", ").join(parts)), {}, (table,))
