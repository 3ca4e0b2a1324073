"""Every defensible specification of one comparison, the study's own marked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from analysis.effects.comparison import compare
from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did
from analysis.inference.cluster_robust import FEW_TREATED
from analysis.language.labels import counted, joined, say, term
from analysis.language.texts import said as said_in
from analysis.language.units import scale_of_unit
from analysis.messages import StudyError, amount, count, fixed
from analysis.presentation.curves import plot_specifications
from analysis.robustness.check import Check, threat
from analysis.robustness.odd_years import years_apart
from analysis.study.outcome import LINEAR, SCALES, shown_unit
from analysis.study.specification import CHOICES, NONE
from analysis.study.study import Study

HOUSEHOLDS = "households"
RANGES = {
    "poisson": "{low} to {high} in per cent",
    "log": "{low} to {high} in logs",
    "level": "{low} to {high} in levels",
}
NO_SHARE = "The counterfactual mean is not above zero, so the effect is no share of it."


def specification_curve(
    study: Study,
    outcome: str,
    *,
    samples: Mapping[str, pd.Series] | None = None,
    comparisons: Mapping[str, pd.Series] | None = None,
    weights: Sequence[str] = (),
    controls: Sequence[str] = (),
) -> pd.DataFrame:
    """Estimate every combination of the choices given, with the headline inference; none is left out.

    Use it to show how far the answer depends on choices that others would have made otherwise. Effects and intervals
    are in per cent of the counterfactual mean that they imply (logs: of the geometric mean), so that all scales
    share an axis, and in their own unit, which is all they have where that mean is not above zero. Trends cannot be
    parallel in both levels and logs unless nothing moves, so one of the two is wrong whenever they disagree.

    Parameters
    ----------
    study, outcome
        As in `did`. Logs leave out values at or below zero, and say how many. Levels and logs are tried on every
        outcome; per cent ("poisson") on money and counts that are never negative, whatever scale is declared.
    samples, comparisons : mapping of str to Series of bool
        Rows to keep, by name: which years or villages to use, and which untreated villages to compare with. The first
        of each is the study's own. Default: all rows.
    weights : sequence of str
        Columns of weights to try beside the study's own and none.
    controls : sequence of str
        Columns to add to the study's own controls, all together, beside these alone and none.

    Returns
    -------
    DataFrame
        One row per combination, ascending by effect, those without a share last: the choices; estimate, estimate_low,
        estimate_high and unit; per_cent, low, high (per cent; high is infinite where an interval in levels reaches the
        treated villages' whole mean); p_value, villages, left_out (rows not positive); own (True for the study's own
        scale, weights and controls, on the first sample and comparison: `did`); note (why there is no estimate, per
        cent or interval, or few treated groups).

    Raises
    ------
    StudyError
        When none can be estimated.

    References
    ----------
    Simonsohn, Simmons & Nelson (2020), doi:10.1038/s41562-020-0912-z.

    Examples
    --------
    >>> from analysis import load_study
    >>> study = load_study()
    >>> curve = specification_curve(study, "rural_income_per_head_cny", weights=["households"])
    >>> len(curve), int(curve["own"].sum())
    (6, 1)
    """
    everything = pd.Series(True, index=study.frame.index)
    samples = samples or {"all years": everything}
    comparisons = comparisons or {"all untreated villages": everything}
    (own_controls, own_weights), scale = study.specification(outcome), study.scale_of(outcome)
    sets = {", ".join(names) or NONE: names for names in (own_controls, (), (*own_controls, *controls))}
    options = {
        "scale": dict.fromkeys([scale, *_scales(study, outcome)]),
        "sample": samples,
        "comparison": comparisons,
        "weights": dict.fromkeys([own_weights or NONE, NONE, *weights]),
        "controls": sets,
    }
    own = tuple(next(iter(values)) for values in options.values())
    rows = []
    for values in product(*options.values()):
        choice = dict(zip(CHOICES, values, strict=True))
        kept = samples[choice["sample"]] & (comparisons[choice["comparison"]] | study.frame["first_treated"].notna())
        rows.append(choice | _row(study, outcome, kept, choice, sets[choice["controls"]]) | {"own": values == own})
    curve = pd.DataFrame([row | {"note": said_in(study.language, row["note"])} for row in rows])
    if curve["estimate"].isna().all():
        none = "None of {specifications} can be estimated. The first one: {reason}"
        raise StudyError(none, specifications=count(len(curve), "specification"), reason=rows[0]["note"])
    return curve.sort_values(["per_cent", "estimate"], ignore_index=True)


def _scales(study: Study, outcome: str) -> Sequence[str]:
    """Scales to try: levels and logs, and per cent where money or counts of zero or more are analysed otherwise."""
    described = study.describe(outcome)
    grows = scale_of_unit(described.unit) == "poisson" and not (study.column(outcome) < 0).any()
    return SCALES if grows and not described.logged else LINEAR


def _row(
    study: Study, outcome: str, kept: pd.Series, choice: Mapping[str, str], controls: Sequence[str]
) -> dict[str, object]:
    positive = ~study.column(outcome).le(0) | (choice["scale"] != "log")
    about = {"left_out": int((kept & ~positive).sum())}
    try:
        estimate = did(
            study.subset(kept & positive), outcome, scale=choice["scale"], weights=choice["weights"], controls=controls
        )
    except StudyError as error:
        return about | {"estimate": np.nan, "per_cent": np.nan, "note": error.args[0]}
    return about | _numbers(estimate)


def _numbers(estimate: Estimate) -> dict[str, object]:
    test = estimate.headline()
    low, high = (estimate.percent_of(test[end]) for end in ("low", "high"))
    # An interval that reaches the treated villages' whole mean has no upper end in per cent.
    high = np.inf if np.isnan(high) and np.isfinite([estimate.percent, test["high"]]).all() else high
    note = test["note"] if np.isnan(test["std_error"]) or estimate.treated_groups <= FEW_TREATED else ""
    row = compare({"": estimate}, about=["villages"]).iloc[0].drop(["std_error", "df"])
    ends = {"estimate_low": test["low"], "estimate_high": test["high"], "low": low, "high": high}
    return {**row, **ends, "note": NO_SHARE if np.isnan(estimate.percent) else note}


@threat("Choices of the analyst", "Combined several choices of scale, years, comparison, weights and controls.")
def every_specification(study: Study, outcome: str) -> Check:
    """Whether other defensible choices give another answer."""
    tried, choices = _choices(study, outcome)
    curve, language = specification_curve(tried, outcome, **choices), study.language
    estimated = curve.dropna(subset="estimate")
    intervals = estimated.dropna(subset=["estimate_low", "estimate_high"])
    excluded = int(((intervals["estimate_low"] > 0) | (intervals["estimate_high"] < 0)).sum())
    own, refused = curve[curve["own"]].iloc[0], curve.loc[curve["estimate"].isna(), "note"]
    found = [
        say(
            language,
            "{estimated} of {number} estimated: {ranges}. {excluded} of {intervals} exclude zero. The study's own has "
            "scale {scale}, weights {weights}, controls {controls}."
            if excluded
            else "{estimated} of {number} estimated: {ranges}. All {intervals} include zero. The study's own has scale "
            "{scale}, weights {weights}, controls {controls}.",
            estimated=len(estimated),
            number=counted(language, len(curve), "specification"),
            ranges=say(language, ", ").join(_ranges(estimated, study, outcome)),
            excluded=excluded,
            intervals=counted(language, len(intervals), "interval"),
            **{name: term(language, own[name]) for name in ("scale", "weights", "controls")},
        )
    ]
    if lost := int(curve["left_out"].max()):
        rows = counted(language, lost, f"{study.noun}-year")
        found.append(say(language, "Logs leave out up to {rows} that are not above zero.", rows=rows))
    if len(refused):
        found.append(say(language, "The first that cannot be estimated: {reason}", reason=refused.iloc[0]))

    return Check(study, joined(language, found), drawing=partial(plot_specifications, curve, study, outcome))


def _choices(study: Study, outcome: str) -> tuple[Study, dict[str, Any]]:
    """The study with households before the start, and which samples, comparisons, weights and controls to try."""
    frame, everything = study.frame, pd.Series(True, index=study.frame.index)
    inside = frame["first_treated"].notna()
    same = frame["stratum"].isin(frame.loc[inside, "stratum"])
    comparisons = {"all untreated villages": everything}
    if 0 < same[~inside].sum() < len(same[~inside]):
        comparisons |= {"other strata": ~same, "same strata": same}
    apart = {name: ~years for name, years in years_apart(study, outcome).items()}
    choices: dict[str, Any] = {"samples": {"all years": everything} | apart, "comparisons": comparisons}
    if HOUSEHOLDS not in study.outcomes:
        return study, choices
    before = study.column(HOUSEHOLDS).where(frame["time"] < study.starts[0])
    size = {f"{HOUSEHOLDS} before": before.groupby(frame["unit"]).transform("mean")}
    return replace(study, frame=frame.assign(**size)), choices | {"weights": [*size], "controls": [HOUSEHOLDS]}


def _ranges(estimated: pd.DataFrame, study: Study, outcome: str) -> Iterator[str]:
    """From the smallest to the largest effect of each scale, in per cent or, where that has no meaning, in its unit."""
    language, unit = study.language, shown_unit(study.describe(outcome).unit)
    for scale, rows in estimated.groupby("scale"):
        shares, own = rows["per_cent"].dropna(), rows.loc[rows["per_cent"].isna(), "estimate"]
        for effects, size in ((shares, "%"), (own, unit)):
            if len(effects):
                low, high = (fixed(one, 1) if size == "%" else amount(one) for one in (effects.min(), effects.max()))
                high = say(language, "{number} {unit}", number=high, unit=term(language, size)).rstrip()
                yield say(language, RANGES[str(scale)], low=low, high=high)
