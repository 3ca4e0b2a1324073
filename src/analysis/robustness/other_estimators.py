"""Other answers to several start years, to set beside ours: Goodman-Bacon's weights, controls not yet treated."""

import numpy as np
import pandas as pd

from analysis.effects.verbs import did, event_study
from analysis.language.labels import bracketed, say, term
from analysis.messages import fixed, plural, refuse
from analysis.presentation.tables import captioned
from analysis.robustness.check import Finding, in_short
from analysis.study.outcome import shown, shown_unit
from analysis.study.study import Study

COLUMNS = {"outcome": "value", "unit": "unit", "time": "year", "first_treat": "start"}
COMPARISONS = {
    "treated_vs_never": "treated against untreated",
    "earlier_vs_later": "earlier against later treated",
    "later_vs_earlier": "later against already treated",
}


def bacon_weights(study: Study, outcome: str) -> pd.DataFrame:
    """Which comparisons plain two-way fixed effects averages, with their weights (Goodman-Bacon).

    Use it with several start years to see how much of the two-way estimate (`did` with "two_way") rests on
    comparisons with villages already treated, which are wrong where effects change over time. In levels,
    whatever the scale of the study, without its controls and weights. Computed by diff-diff.

    Parameters
    ----------
    study : Study
        Balanced in the outcome; `study.complete(outcome)` makes it so.
    outcome : str

    Returns
    -------
    DataFrame
        One row per pair of a start year with another one or with the untreated: `comparison` (its kind), `treated`
        and `control` (start years, missing for the untreated), `weight`, `estimate`. The weights sum to one, and the
        weighted estimates to the two-way one.

    Raises
    ------
    StudyError
        When the panel is not balanced in the outcome.

    References
    ----------
    Goodman-Bacon (2021), doi:10.1016/j.jeconom.2021.03.014.

    Examples
    --------
    >>> from analysis import load_study
    >>> study = load_study()
    >>> bacon_weights(study.complete("rural_income_per_head_cny"), "rural_income_per_head_cny")["weight"].tolist()
    [1.0]
    """
    from diff_diff import BaconDecomposition

    fitted = BaconDecomposition().fit(_balanced(study, outcome), **COLUMNS)
    never = COMPARISONS["treated_vs_never"]
    rows = [
        (COMPARISONS[pair.comparison_type], pair.treated_group, pair.control_group, pair.weight, pair.estimate)
        for pair in fitted.comparisons
    ]
    pairs = pd.DataFrame(rows, columns=["comparison", "treated", "control", "weight", "estimate"])
    pairs["control"] = pairs["control"].where(pairs["comparison"] != never)
    return pairs.astype({"treated": int, "control": "Int64"})


def not_yet_treated(study: Study, outcome: str) -> pd.Series:
    """Callaway & Sant'Anna's overall effects with villages not yet treated among the controls: another estimand.

    Use it beside `EventStudy.average` and `EventStudy.aggregate`, whose controls are never treated. Here villages that
    start later are controls until they do, so that the answer also rests on their paths before. In levels, whatever the
    scale of the study, without its controls and weights. Computed by diff-diff.

    Parameters
    ----------
    study : Study
        Balanced in the outcome; `study.complete(outcome)` makes it so.
    outcome : str

    Returns
    -------
    Series
        `simple` (village-years alike), `event_time` (event times alike) and `cohort` (by villages): averages of each
        start year's effect in each year since, against the year before the start.

    Raises
    ------
    StudyError
        When the panel is not balanced in the outcome.

    References
    ----------
    Callaway & Sant'Anna (2021), doi:10.1016/j.jeconom.2020.12.001.

    Examples
    --------
    >>> from analysis import load_study
    >>> study = load_study()
    >>> not_yet_treated(study.complete("households"), "households").index.tolist()
    ['simple', 'event_time', 'cohort']
    """
    from diff_diff import CallawaySantAnna

    estimator = CallawaySantAnna(control_group="not_yet_treated", estimation_method="reg")
    fitted = estimator.fit(_balanced(study, outcome), **COLUMNS)
    by_time, by_start = fitted.aggregate("event_study"), fitted.aggregate("group")
    overall = {
        "simple": fitted.overall_att,
        "event_time": by_time.att[by_time.event_time >= 0].mean(),
        "cohort": np.average(by_start.att, weights=study.units["first_treated"].value_counts().sort_index()),
    }
    return pd.Series(overall, name="effect")


def several_starts(study: Study, outcome: str) -> Finding:
    """What weights, controls and the baseline make of an effect where treatment begins in several years.

    Use it beside `event_study`, in levels and on a balanced panel: averages of the start years' own effects, and what
    plain two-way fixed effects average in their place.

    Examples
    --------
    >>> from analysis.reading.published_studies import castle_doctrine
    >>> several_starts(castle_doctrine(), "l_homicide").tables[1].frame.index.tolist()
    ['earlier against later treated', 'later against already treated', 'treated against untreated']
    """
    language, unit = study.language, study.effect_unit(outcome, "level")
    events = event_study(study, outcome, scale="level")
    by = {kind: events.aggregate(kind) for kind in ("event_time", "cohort", "calendar")}
    own = {"simple": events.average()} | {kind: one.overall for kind, one in by.items()}
    averages = pd.DataFrame({"never treated": {kind: one.value for kind, one in own.items()}})
    averages = shown(unit, averages.assign(**{"not yet treated": not_yet_treated(study, outcome)}))
    over = {"simple": "treated unit-years, each alike"} | {kind: one.weights for kind, one in by.items()}
    averages = averages.rename(index=over).rename_axis("average over")
    pairs = bacon_weights(study, outcome)
    parts = pairs.assign(part=pairs["weight"] * pairs["estimate"]).groupby("comparison")[["weight", "part"]].sum()
    kinds = pd.DataFrame({"weight (%)": 100 * parts["weight"], "effect": shown(unit, parts["part"] / parts["weight"])})
    answers = {"plain": did(study, outcome, estimator="two_way", scale="level"), "last": own["simple"]}
    answers["before"] = did(study, outcome, scale="level")
    said = say(
        language,
        "The plain two-way estimate is {plain}; {share} of it rests on comparisons with {units} already treated. The "
        "start years' own effects average {before} against all years before, and {last} against the last year before "
        "(95 % intervals).",
        share=say(language, "{number} %", number=fixed(100 * parts["weight"][COMPARISONS["later_vs_earlier"]], 1)),
        units=term(language, plural(study.noun)),
        **{name: in_short(answer) for name, answer in answers.items()},
    )
    label = {"label": study.label_of(outcome), "unit": bracketed(language, shown_unit(unit))}
    first = captioned(averages, study, "{label}{unit}: average effect, by weights and by controls ({data})", **label)
    second = captioned(kinds, study, "{label}{unit}: what the plain two-way estimate averages ({data})", **label)
    return Finding(study, said, results=(first, second))


def _balanced(study: Study, outcome: str) -> pd.DataFrame:
    """Unit, year, value and start (0: never) of every row, as diff-diff reads them; none missing."""
    wide = study.frame.assign(value=study.column(outcome)).pivot(index="unit", columns="time", values="value")
    remedy = "These comparisons need a balanced panel: take study.complete(outcome), and say how many are left."
    incomplete = wide.index[wide.isna().any(axis=1)]
    refuse(incomplete, study.noun, "{outcome!r} is missing in some year", remedy, outcome=outcome)
    frame = wide.melt(var_name="year", ignore_index=False).reset_index()
    return frame.assign(start=frame["unit"].map(study.units["first_treated"].astype(float).fillna(0)))
