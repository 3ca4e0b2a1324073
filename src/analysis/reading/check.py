"""Check a study before running it: what was read, what is missing or odd, and what its design can bear."""

import warnings
from pathlib import Path

import pandas as pd

from analysis.messages import FewTreatedGroupsWarning, StudyError, amount, count, first, rows
from analysis.reading.check_names import check_names
from analysis.reading.study_file import load_study
from analysis.study.placebo_groups import PLACEBO
from analysis.study.study import Study

JUMP = 1_000
"""A change by this factor within a year is suspected of mixed units; 元 for 万元 makes 10,000."""
APART = 500
"""A village this many times above or below the middle one in all years is suspected of another unit."""
LARGEST_LOG = 30
"""Money in 元 is hardly ever so little for everyone; its logarithm is."""
SMALL_GROUP = 3


def check_study(path: str | Path | None = None) -> list[str]:
    """What was found in a study, one sentence per finding; a study that cannot run raises the reason.

    Use it before any estimate on new data, or from the command line: ``python -m analysis check study.toml``.

    Parameters
    ----------
    path
        A ``study.toml``; default: as for `load_study`.

    Raises
    ------
    StudyError
        If the study cannot run; the message says why, where, and what to do.

    Examples
    --------
    >>> from analysis.reading.read_files import DATA
    >>> check_study(DATA / "study.toml")[-1]
    'This study can run.'
    """
    with warnings.catch_warnings(action="ignore", category=FewTreatedGroupsWarning):
        return findings_on(load_study(path))


def findings_on(study: Study) -> list[str]:
    """What `check_study` says of a study that has been read; doubts begin with LOOK."""
    findings = [study.title, study.data_statement, *study.reading, *check_names(study), *_years(study)]
    findings.append(_valueless(study))
    for name in study.outcomes:
        findings += _outcome(study, name)
    verdict = "This study can run." + (" 可以运行。" if study.language == "zh" else "")
    return [finding for finding in [*findings, *_groups(study), verdict] if finding]


def _years(study: Study) -> list[str]:
    frame, start = study.frame, study.starts[0]
    years = sorted(frame["time"].unique())
    before = sum(year < start for year in years)
    absent = sorted(set(range(years[0], years[-1] + 1)) - set(years))
    rows_of = frame.groupby("unit").size()
    short = rows_of.index[rows_of < len(years)]
    gaps = f", in {count(len(short), study.noun)}: {first(short)}" if len(short) else ""
    began = study.units.groupby("first_treated")["group"].nunique()
    several = ", ".join(f"{year} in {count(number, 'group')}" for year, number in began.items())
    return [
        f"Years: {count(before, 'year')} before the first start ({start}), {len(years) - before} from it on.",
        f"Treatment begins in {several}." if len(began) > 1 else "",
        "With one year before, nobody can see whether the groups had moved alike." if before < 2 else "",
        f"No village has data in {count(len(absent), 'year')}: {first(absent)}." if absent else "",
        f"Gaps: {count(len(rows_of) * len(years) - len(frame), f'{study.noun}-year')} without a row{gaps}.",
    ]


def _valueless(study: Study) -> str:
    """Units without a value of any outcome: a note or heading below the table, perhaps."""
    known = pd.DataFrame({name: study.column(name).notna() for name in study.outcomes}).any(axis="columns")
    units = known.groupby(study.frame["unit"]).any()
    empty = units.index[~units] if known.any() else []
    if not len(empty):
        return ""
    line = ", ".join(f'"{unit}"' for unit in empty)
    return (
        f"LOOK: {count(len(empty), study.noun)} without any value: {first(empty)}. If these are notes or headings of "
        f"the table, write leave_out = [{line}]."
    )


def _outcome(study: Study, name: str) -> list[str]:
    """Missing values and jumps of one outcome; one without values, or a logarithm of zero, is refused."""
    values, described = study.column(name), study.outcomes[name]
    if values.isna().all():
        raise StudyError(f"{name!r} has no value in any row. Check that the column named for it is the one meant.")
    if described.scale == "log" and (values <= 0).any():
        raise StudyError(
            f'{name!r} has scale = "log" but is zero or negative in {rows(study.frame, values <= 0, values)}. '
            'Correct these values, or write scale = "poisson", which keeps zeros, or "level".'
        )
    negative, known = values < 0, study.frame.loc[values.notna(), ["time", "first_treated"]]
    return [
        f"{name} ({described.unit or 'no unit'}): {count(values.count(), 'value')}, "
        f"{values.isna().sum():,} missing, {values.eq(0).sum():,} zero.",
        f"LOOK: {name} is known to {known['time'].max()}, before any treatment: no effect can be estimated yet. The "
        "report says which effect the design could show."
        if not (known["time"] >= known["first_treated"]).any()
        else "",
        f"LOOK: {name} is negative in {rows(study.frame, negative, values)}. Right for a loss, not for a code (-999)."
        if negative.any()
        else "",
        f"LOOK: {name} is in %, but nowhere above 1. Perhaps these are shares, 0.35 for 35%."
        if described.unit == "%" and values.abs().max() <= 1
        else "",
        f"LOOK: {name} is in {described.unit}, but nowhere above {LARGEST_LOG}. If these are logarithms, write "
        f"logged = true in [outcomes.{name}]."
        if described.unit.startswith("CNY") and values.max() <= LARGEST_LOG
        else "",
        *_mixed_units(study, name, values),
    ]


def _mixed_units(study: Study, name: str, values: pd.Series) -> list[str]:
    """Jumps between years, and villages far from the others in all years: 元 among 万元, perhaps."""
    positive = study.frame[["unit", "time"]].assign(value=values)[values > 0]
    positive["last"] = positive.groupby("unit")["value"].shift()
    ratio = positive["value"] / positive["last"]
    jumps = positive[(ratio >= JUMP) | (ratio <= 1 / JUMP)]
    places = [f"{one.unit} in {one.time} ({amount(one.last)} to {amount(one.value)})" for one in jumps.itertuples()]
    usual = positive.groupby("unit")["value"].median()
    usual = usual[~usual.index.isin(jumps["unit"])]
    far = usual[(usual >= APART * usual.median()) | (usual <= usual.median() / APART)]
    where = [f"{unit} ({amount(value)})" for unit, value in far.items()]
    return [
        f"LOOK: {name} changes by a factor of {JUMP:,} or more between years in {count(len(places), 'place')}: "
        f"{first(places)}. Perhaps 元 and 万元 are mixed."
        if places
        else "",
        f"LOOK: {name} is {APART} times above or below the middle {study.noun}'s ({amount(usual.median())}) in "
        f"{count(len(where), study.noun)}: {first(where)}. Perhaps 元 and 万元 are mixed."
        if where
        else "",
    ]


def _groups(study: Study) -> list[str]:
    units, found = study.units, list(study.notes)
    sizes = units.groupby("group").size()
    treated = units.dropna(subset="first_treated")["group"].nunique()
    if treated >= 5:
        found.append(f"{treated} treated groups: intervals rest on them, not on the number of villages.")
    elif treated >= 3:
        found.append(f"{treated} treated groups: fewer than five are few; read CR2 beside randomization inference.")
    strata = units[units["stratum"].isin(units.loc[units["first_treated"].notna(), "stratum"])]
    if len(strata) < len(units) and strata["first_treated"].notna().all():
        found.append(
            "Every stratum with a treated group is treated as a whole: randomization within strata has nothing to "
            "randomize, and nobody is a neighbour. Randomization over all groups serves."
        )
    if (sizes == 1).all():
        found.append("Every village is its own group: right only if treatment was decided village by village.")
    elif len(small := sizes.index[sizes < SMALL_GROUP]):
        few = f"{count(len(small), 'group')} of fewer than {SMALL_GROUP} {study.noun}s: {first(small)}"
        found.append(f"LOOK: {few}. Hardly more than one village makes such a group's mean.")
    named = sorted(set(units.loc[units["first_treated"].isna(), "group"].dropna().astype("str")))
    named = [group for group in named if not group.startswith(PLACEBO)]
    if study.placebo_group_count and named:
        found.append(
            f"LOOK: {count(len(named), 'group')} named but never treated, while other untreated {study.noun}s have no "
            f"group: {first(named)}. If treated, fill in the first treated year."
        )
    if len(lone := units.loc[units["first_treated"].isna(), "group"].unique()) == 1:
        found.append(
            f"LOOK: every untreated {study.noun} is in one group ({lone[0]}), so nothing shows how much groups differ "
            "by chance. Leave the group of untreated units empty, and placebo groups of like size are cut."
        )
    return found
