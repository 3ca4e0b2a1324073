"""Descriptive tables of a study: means inside and outside, balance before treatment, and what is missing."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.design.variability import level_and_change
from analysis.language.labels import bracketed, counted, joined, say
from analysis.messages import Said, amount, fixed, in_sentence
from analysis.presentation.tables import Table, captioned
from analysis.regression.sample import select_sample
from analysis.study.outcome import LINEAR
from analysis.study.study import Study

LIKE = 0.25
"""Normalised differences beyond this are large (Imbens & Rubin 2015)."""


def four_means(study: Study, outcome: str) -> Table:
    """Mean outcome inside and outside, before and after, with changes and the difference of changes.

    Use it to show a difference-in-differences by hand. With several start years there is one block for each: the
    villages first treated in that year beside those never treated, before and from that year. On a balanced panel
    (`study.complete(outcome)`) a block's difference of changes equals `did` without controls and weights on the block's
    villages. An outcome analysed in logs is averaged in logs. Of one analysed in per cent, changes are in per cent and
    the last row compares by division: inside over outside, and what that ratio gained, as a Poisson regression does.

    Parameters
    ----------
    study : Study
    outcome : str

    Examples
    --------
    >>> from analysis import load_study
    >>> four_means(load_study(), "households").frame.columns.tolist()
    ['before', 'after', 'change', 'villages']
    """
    frame, ratio = _observed(study, outcome), study.scale_of(outcome) == "poisson"
    blocks = {start: _four_means(frame, start, ratio) for start in study.starts}
    return captioned(
        pd.concat(blocks, names=["first_treated", None]) if len(blocks) > 1 else blocks[study.starts[0]],
        study,
        "{label}, means of {rows:,} village-years; after = from {start}; changes in per cent ({data})"
        if ratio
        else "{label}, means of {rows:,} village-years; after = from {start} ({data})",
        label=_scaled_label(study, outcome),
        rows=len(frame),
        start=say(study.language, ", ").join(map(str, study.starts)),
    )


def _four_means(frame: pd.DataFrame, start: int, ratio: bool) -> pd.DataFrame:
    """The villages of one start year beside those never treated; missing where a place has no such village-year."""
    frame = frame[frame["first_treated"].fillna(start) == start]
    period = np.where(frame["time"] < start, "before", "after")
    means = frame.groupby(["place", period])["value"].mean().unstack()
    means = means.reindex(index=["inside", "outside"], columns=["before", "after"])
    if ratio:
        means.loc["inside / outside"] = means.loc["inside"] / means.loc["outside"]
        means["change"] = 100 * (means["after"] / means["before"] - 1)
    else:
        means.loc["difference"] = means.loc["inside"] - means.loc["outside"]
        means["change"] = means["after"] - means["before"]
    means["villages"] = frame.groupby("place")["unit"].nunique()
    return means.rename_axis(None).astype({"villages": "Int64"})


def balance(study: Study, outcomes: Sequence[str] | None = None) -> Table:
    """Inside and outside before any treatment: level and yearly change of each outcome.

    Use it to see whether the villages were alike. Of an outcome analysed in per cent the yearly change is in per cent
    of the village's own mean, so that every village counts alike; `reweight` balances the growth of totals. The
    normalised difference divides the gap by the root mean of both variances over villages; beyond about 0.25 in size,
    regression adjustment leans on its form
    (Imbens & Rubin 2015, doi:10.1017/CBO9781139025751, chapter 14).

    Parameters
    ----------
    study : Study
    outcomes : sequence of str, optional
        Default: all outcomes of the study.

    Examples
    --------
    >>> from analysis import load_study
    >>> len(balance(load_study(), ["households"]).frame)
    2
    """
    rows, language = {}, study.language
    for name in outcomes or study.outcomes:
        frame = _observed(study, name)
        before = frame[frame["time"] < study.starts[0]]
        label = _scaled_label(study, name)
        villages = level_and_change(before.pivot(index=["place", "unit"], columns="time", values="value"))
        change = "{label}: change per year"
        if study.scale_of(name) == "poisson":
            change = "{label}: change per year, % of its mean"
            villages["change"] = 100 * villages["change"] / villages["level"].where(villages["level"] > 0)
        rows[say(language, "{label}: level", label=label)] = _compare(villages["level"])
        rows[say(language, change, label=label)] = _compare(villages["change"].dropna())
    table = pd.DataFrame.from_dict(rows, orient="index")
    return captioned(table, study, "Villages before {start}, means over villages ({data})", start=study.starts[0])


def panel_coverage(study: Study, outcome: str | None = None) -> Table:
    """Year by year: villages in the panel, inside and outside, and what is missing or zero in the outcome.

    Examples
    --------
    >>> from analysis import load_study
    >>> panel_coverage(load_study()).frame.columns.tolist()
    ['inside', 'outside', 'absent', 'outcome missing', 'outcome zero']
    """
    outcome = outcome or study.primary_outcome
    frame = study.frame.assign(value=study.column(outcome), place=place(study.frame))
    counts = frame.groupby(["time", "place"])["unit"].size().unstack(fill_value=0)[["inside", "outside"]]
    counts["absent"] = frame["unit"].nunique() - counts.sum(axis=1)
    counts["outcome missing"] = frame["value"].isna().groupby(frame["time"]).sum()
    counts["outcome zero"] = frame["value"].eq(0).groupby(frame["time"]).sum()
    counts = counts.rename_axis(index="year", columns=None)
    caption = "Villages in the panel by year; outcome: {label} ({data})"
    return captioned(counts, study, caption, label=study.label_of(outcome))


def _observed(study: Study, outcome: str) -> pd.DataFrame:
    """Village-years with the outcome, in logs where the study analyses it so: the design, and place and value."""
    sample = select_sample(study, outcome, scale=study.scale_of(outcome, known=LINEAR))
    return sample.frame.assign(place=place(sample.frame), value=sample.outcome)


def _scaled_label(study: Study, outcome: str) -> str:
    """An outcome's label with its unit, and whether it is in logs."""
    logs = "in logs" if study.scale_of(outcome) == "log" else ""
    return study.label_of(outcome) + bracketed(study.language, study.describe(outcome).unit, logs)


def place(frame: pd.DataFrame) -> np.ndarray:
    """Whether each row's village is ever treated: "inside" or "outside"."""
    return np.where(frame["first_treated"].notna(), "inside", "outside")


def _compare(villages: pd.Series) -> dict[str, float]:
    """Means inside and outside of one number for each village, indexed by place and unit."""
    inside, outside = (villages[villages.index.get_level_values("place") == where] for where in ("inside", "outside"))
    gap = inside.mean() - outside.mean()
    spread = np.sqrt((inside.var() + outside.var()) / 2)
    return {
        "inside": inside.mean(),
        "outside": outside.mean(),
        "difference": gap,
        "normalised difference": gap / spread if spread > 0 else np.nan,
    }


def distribution(study: Study, outcome: str) -> Table:
    """Mean, median and tails of an outcome, inside and outside, over all village-years.

    Examples
    --------
    >>> from analysis import load_study
    >>> distribution(load_study(), "households").frame.columns.tolist()
    ['village-years', 'mean', '10%', 'median', '90%', 'max']
    """
    values = study.column(outcome).groupby(place(study.frame)).describe(percentiles=[0.1, 0.5, 0.9])
    frame = values.drop(columns=["std", "min"]).astype({"count": int})
    return captioned(
        frame.rename(columns={"count": "village-years", "50%": "median"}),
        study,
        "{label}{unit}, all years ({data})",
        label=study.label_of(outcome),
        unit=bracketed(study.language, study.describe(outcome).unit),
    )


def nearby(study: Study) -> Said:
    """How many are inside, and how many outside are so near that effects may reach them.

    Examples
    --------
    >>> from analysis import load_study
    >>> repr(nearby(load_study())).partition(". ")[0]
    'Simulated data: 25 villages in 5 groups are inside'
    """
    units, language = study.units, study.language
    inside = units["first_treated"].notna()
    near = ~inside & units["stratum"].isin(units.loc[inside, "stratum"])
    beside = study.say(
        "The study has one stratum, so near and distant ones outside cannot be told apart."
        if len(units["stratum"].unique()) == 1
        else "{near} of {outside} outside share a stratum with them (an area within which groups were chosen, such as "
        "a town), so effects may spill over to these.",
        near=fixed(near.sum(), 0),
        outside=fixed((~inside).sum(), 0),
    )
    first = study.say(
        "{data}: {villages} in {groups} are inside.",
        villages=counted(language, int(inside.sum()), study.noun),
        groups=counted(language, units.loc[inside, "group"].nunique(), "group"),
    )
    return Said(joined(language, [first, beside, *study.notes]))


def reporting(study: Study, outcome: str) -> Said:
    """How many lack a year or the outcome, and how many report exactly zero.

    Examples
    --------
    >>> from analysis import load_study
    >>> repr(reporting(load_study(), "households")).partition(", ")[0]
    'Simulated data: of 274 villages 23 lack at least one year'
    """
    frame, values, language = study.frame, study.column(outcome), study.language
    short = frame.groupby("unit").size() < frame["time"].nunique()
    said = study.say(
        "{data}: of {villages} {short} lack at least one year, {missing} lack the outcome, {zeros} report exactly "
        "zero. Nothing is filled in.",
        villages=counted(language, len(short), study.noun),
        short=fixed(short.sum(), 0),
        missing=counted(language, int(values.isna().sum()), f"{study.noun}-year"),
        zeros=fixed(values.eq(0).sum(), 0),
    )
    return Said(said)


def alike_before(study: Study, outcome: str) -> Said:
    """How far apart inside and outside were before, in standard deviations: level and yearly change.

    Examples
    --------
    >>> from analysis import load_study
    >>> repr(alike_before(load_study(), "households")).partition(" by ")[0]
    'Simulated data, before 2023: inside and outside differ in households'
    """
    frame = balance(study, [outcome]).frame
    level, change = frame["normalised difference"]
    said = study.say(
        "{data}, before {start}: too few years or villages tell whether inside and outside were alike in {label}."
        if not np.isfinite(level)
        else "{data}, before {start}: inside and outside differ in {label} by {level} standard deviations in level; "
        "their yearly change is not known."
        if not np.isfinite(change)
        else "{data}, before {start}: inside and outside differ in {label} by {level} standard deviations in level "
        "and by {change} in yearly change. {verdict}",
        start=study.starts[0],
        label=in_sentence(study.label_of(outcome)),
        level=fixed(level, 2),
        change=fixed(change, 2),
        verdict=_verdict_on_change(study, outcome, frame.iloc[1]),
    )
    return Said(said)


def _verdict_on_change(study: Study, outcome: str, change: pd.Series) -> str:
    """Whether yearly changes were alike, with both of them."""
    per_cent, unit = study.scale_of(outcome) == "poisson", study.term(study.describe(outcome).unit)
    one = "{number} %" if per_cent else "{number} {unit}"
    numbers = (fixed(change[at], 1) if per_cent else amount(change[at]) for at in ("inside", "outside"))
    inside, outside = (study.say(one, number=number, unit=unit).rstrip() for number in numbers)
    return study.say(
        "The gap in yearly change ({inside} inside, {outside} outside) is large, and a difference-in-differences does "
        "not remove it."
        if abs(change["normalised difference"]) > LIKE
        else "Yearly changes were alike ({inside} inside, {outside} outside); a gap in level does no harm.",
        inside=inside,
        outside=outside,
    )
