"""Check a study before running it: what was read, what is missing or odd, and what its design can bear."""

import re
import warnings
from pathlib import Path

import pandas as pd

from analysis.language.texts import said
from analysis.messages import (
    FewTreatedGroupsWarning,
    StudyError,
    amount,
    as_typed,
    count,
    first,
    look,
    plural,
    refuse,
    unit_years,
)
from analysis.reading.misread import misread_gbk
from analysis.reading.read_files import read_table
from analysis.reading.study_file import load_study
from analysis.robustness.scale_evidence import scale_evidence
from analysis.study.labels import without_suffixes
from analysis.study.outcome import Outcome
from analysis.study.placebo_groups import PLACEBO
from analysis.study.study import Study

JUMP = 1_000
"""A change by this factor within a year is suspected of mixed units; 元 for 万元 makes 10,000."""
APART = 500
"""A village this many times above or below the middle one in all years is suspected of another unit."""
LARGEST_LOG = 30
"""Money in 元 is hardly ever so little for everyone; its logarithm is."""
SCALES_SAID = {"poisson": "in per cent (Poisson regression)", "log": "in logs", "level": "in its unit"}
SMALL_GROUP = 3
DIVISION_CODE = 9
"""From so many digits on, a number is taken for a code of administrative divisions; all have the same length."""
FEW = 0.25
"""Up to this share of codes may be written unlike the others and still be pointed out."""
DENSE = 1.5
"""Codes that reach over at most this many times their number are counting numbers, of any length."""


class Findings(list[str]):
    """Sentences that show as one line each."""

    def __repr__(self) -> str:
        return "\n".join(self)

    def _repr_markdown_(self) -> str:
        return "\n".join(f"- {as_typed(finding)}" for finding in self)


def check_study(path: str | Path | None = None, language: str | None = None) -> Findings:
    """What was found in a study, one sentence per finding; a study that cannot run raises the reason.

    Use it before any estimate on new data, or from the command line: ``python -m analysis check study.toml``.

    Parameters
    ----------
    path
        A ``study.toml``; default: as for `load_study`.
    language : {"en", "zh"}, optional
        In which language it is said; default: the study's.

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
        study = load_study(path, language)
        return Findings(said(study.language, finding) for finding in findings_on(study))


def findings_on(study: Study) -> Findings:
    """What `check_study` says of a study that has been read; doubts begin with LOOK."""
    units = study.units
    findings = [study.title, study.data_statement, *study.reading]
    findings += [_roster(units), *_unlike(study), *_misread(units), *_years(study), *_valueless(study)]
    for name in study.outcomes:
        findings += _outcome(study, name)
    findings += [_specification(study), *_evidence(study)]
    verdict = "This study can run." + (" 可以运行。" if study.language == "zh" else "")
    return Findings(filter(None, [*findings, *study.notes, *_groups(study, units), verdict]))


def _specification(study: Study) -> str:
    """Controls and weights of every estimate, which controls never change, and what is missing."""
    shown, units = {}, study.frame["unit"]
    for name in filter(None, [*study.controls, study.weights]):
        values = study.column(name)
        constant = name in study.controls and bool(values.groupby(units).nunique().max() <= 1)
        facts = [f"never changes within a {study.noun}, so enters times year"] * constant
        facts += [f"{values.isna().sum():,} missing"] * values.hasnans
        shown[name] = f"{name} ({'; '.join(facts)})" if facts else name
    said = [f"controls for {' and '.join(shown[name] for name in study.controls)}"] * bool(study.controls)
    said += [f"weighs by {shown[study.weights]}"] if study.weights else []
    return f"Every estimate {' and '.join(said)}." if said else ""


def _roster(units: pd.DataFrame) -> str:
    """How many units the roster of Mengzhou knows, by code, or by name and town; nothing for a study elsewhere."""
    roster = read_table("villages")
    by_code = units.index.isin(roster["village_code"])
    known = without_suffixes(roster["town_zh"], roster["village_zh"])
    by_name = without_suffixes(units["stratum"], units.index).isin(known) & ~by_code
    lost = units.index[~(by_code | by_name)]
    if len(lost) == len(units):
        return ""
    unknown = f"{len(lost):,} not found: {first(lost)}" if len(lost) else "all found"
    return f"Roster of Mengzhou: {by_code.sum():,} found by code, {by_name.sum():,} by town and name, {unknown}."


def _unlike(study: Study) -> list[str]:
    """Codes of another length or form than most, which may be mistyped or have lost a zero."""
    codes = pd.Series(study.units.index.astype("str"))
    form = codes.str.replace("[0-9]", "0", regex=True).str.replace("[A-Za-z]", "a", regex=True)
    usual = form.mode().iloc[0]
    same, digits, villages = form == usual, set(usual) == {"0"}, usual == 12 * "0"
    odd = codes[~same | (codes.str.endswith("000") & villages)]
    padded = codes[same].str.contains("(?<![0-9])0[0-9]").any()
    division = digits and len(usual) >= DIVISION_CODE
    few, settled = max(1, (0.5 if division else FEW) * len(codes)), padded or division
    if odd.empty or not re.fullmatch("[ -~]*0[ -~]*", usual) or (~same).sum() > few or not settled and _counted(codes):
        return []
    wanted = f"{len(usual)} digits" if digits else f"the form of {codes[same].iloc[0]}"
    towns = ", or with 000 at the end as towns have" if villages else ""
    remedy = f"A mistyped code makes a {study.noun} of its own."
    return look(odd, "code", f"{{}} without {wanted} as the others have{towns}", remedy)


def _counted(codes: pd.Series) -> bool:
    """Whether codes are counting numbers, whose lengths differ."""
    numbers = [int(number) for code in codes if (number := re.sub("[^0-9]", "", code))]
    return max(numbers) - min(numbers) < DENSE * len(codes)


def _misread(units: pd.DataFrame) -> list[str]:
    """Names in GBK that were read as Western letters before the study was read."""
    texts = pd.concat([pd.Series(units.index), units["group"].dropna(), units["stratum"]]).astype("str")
    read = [f"{name} (perhaps {chinese})" for name, chinese in misread_gbk(texts.unique()).items()]
    remedy = "Save the file in UTF-8 in the program it comes from."
    return look(read, "name", "{} may be Chinese read in another encoding", remedy)


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
        f"No {study.noun} has data in {count(len(absent), 'year')}: {first(absent)}." if absent else "",
        f"Gaps: {count(len(rows_of) * len(years) - len(frame), f'{study.noun}-year')} without a row{gaps}.",
    ]


def _valueless(study: Study) -> list[str]:
    """Units without a value of any outcome: a note or heading below the table, perhaps."""
    known = pd.DataFrame({name: study.column(name).notna() for name in study.outcomes}).any(axis="columns")
    units = known.groupby(study.frame["unit"]).any()
    empty = units.index[~units] if known.any() else []
    listed = ", ".join(f'"{unit}"' for unit in empty)
    remedy = f"If these are notes or headings of the table, write leave_out = [{listed}]."
    return look(empty, study.noun, "{} without any value", remedy)


def _outcome(study: Study, name: str) -> list[str]:
    """Missing values and doubts of one outcome; one without values, or a logarithm of zero, is refused."""
    values, described = study.column(name), study.outcomes[name]
    if values.isna().all():
        raise StudyError(f"{name!r} has no value in any row. Check that the column named for it is the one meant.")
    scale = study.scale_of(name)
    if scale == "log":
        remedy = 'Correct these values, or write scale = "poisson", which keeps zeros, or "level".'
        zero = unit_years(study.frame, values <= 0, values)
        refuse(zero, "row", f'{name!r} has scale = "log" but is zero or negative', remedy)
    negative = unit_years(study.frame, values < 0, values)
    remedy = "Leave codes such as -999 empty and correct mistakes; where losses are meant, write "
    fault = f"{name!r} is analysed in per cent, {_why(described)}, but is negative"
    refuse(negative if scale == "poisson" else [], "row", fault, f'{remedy}scale = "level" in [outcomes.{name}].')
    known = study.frame.loc[values.notna(), ["time", "first_treated"]]
    doubts = {
        f"{name} is known to {known['time'].max()}, before any treatment: no effect can be estimated yet. The report "
        "says which effect the design could show.": not (known["time"] >= known["first_treated"]).any(),
        f"{name} is in %, but nowhere above 1. Perhaps these are shares, 0.35 for 35%.": described.unit == "%"
        and values.abs().max() <= 1,
        f"{name} is in {described.unit}, but nowhere above {LARGEST_LOG}. If these are logarithms, write logged = true "
        f"in [outcomes.{name}].": described.unit.startswith("CNY") and values.max() <= LARGEST_LOG,
    }
    return [
        f"{name} ({described.unit or 'no unit'}): {count(values.count(), 'value')}, "
        f"{values.isna().sum():,} missing, {values.eq(0).sum():,} zero. "
        f"Effects {SCALES_SAID[scale]}, {_why(described)}.",
        *(f"LOOK: {doubt}" for doubt, there in doubts.items() if there),
        *look(negative, "row", f"{name} is negative", "Right for a loss, not for a code (-999)."),
        *_mixed_units(study, name, values),
    ]


def _why(outcome: Outcome) -> str:
    """Why an outcome is analysed on its scale."""
    if outcome.logged:
        return "as the column holds logarithms"
    if outcome.scale:
        return "as declared"
    kind = "money and counts grow in per cent" if outcome.usual_scale == "poisson" else "its unit is no money or count"
    return f"as {kind}"


def _evidence(study: Study) -> list[str]:
    """Which scale untreated villages support, where the primary outcome can be looked at in both."""
    name = next(iter(study.outcomes), None)
    if name is None or study.describe(name).logged or (study.column(name) < 0).any():
        return []
    try:
        return [str(scale_evidence(study, name))]
    except StudyError as error:
        return [str(error)]


def _mixed_units(study: Study, name: str, values: pd.Series) -> list[str]:
    """Jumps between years, and villages far from the others in all years: 元 among 万元, perhaps."""
    positive = study.frame[["unit", "time"]].assign(value=values)[values > 0]
    positive["last"] = positive.groupby("unit")["value"].shift()
    ratio = positive["value"] / positive["last"]
    jumps = positive[(ratio >= JUMP) | (ratio <= 1 / JUMP)]
    places = [f"{one.unit} in {one.time} ({amount(one.last)} to {amount(one.value)})" for one in jumps.itertuples()]
    usual = positive.groupby("unit")["value"].median()
    usual = usual[~usual.index.isin(jumps["unit"])]
    middle, noun, remedy = usual.median(), study.noun, "Perhaps 元 and 万元 are mixed."
    far = usual[(usual >= APART * middle) | (usual <= middle / APART)]
    where = [f"{unit} ({amount(value)})" for unit, value in far.items()]
    apart = f"{name} is {APART} times above or below the middle {noun}'s ({amount(middle)})" if where else ""
    jump = f"{name} changes by a factor of {JUMP:,} or more between years"
    return look(places, "place", jump, remedy) + look(where, noun, apart, remedy)


def _groups(study: Study, units: pd.DataFrame) -> list[str]:
    """What the groups and strata can bear."""
    treated, noun = units["first_treated"].notna(), study.noun
    sides = {kind: units.loc[some, "group"].nunique() for kind, some in (("treated", treated), ("untreated", ~treated))}
    kind, number = min(sides.items(), key=lambda side: side[1])
    strata = units["stratum"].isin(units.loc[treated, "stratum"])
    sizes = units.groupby("group").size()
    alone = bool((sizes == 1).all())
    outside = units.loc[~treated, "group"].unique()
    named = sorted(group for group in map(str, outside) if not group.startswith(PLACEBO))
    kind = "" if set(outside) & set(units.loc[treated, "group"]) else f"{kind} "
    facts = {
        f"{number} {kind}groups: intervals rest on them, not on the number of {plural(noun)}.": number >= 5,
        f"{number} {kind}groups: fewer than five are few; read CR2 beside randomization inference.": 3 <= number < 5,
        "2 untreated groups: too few to lean on, however many are treated.": (kind, number) == ("untreated ", 2),
        "Every stratum with a treated group is treated as a whole: randomization within strata has nothing to "
        "randomize, and nobody is a neighbour. Randomization over all groups serves.": treated[strata].all()
        and not strata.all(),
        f"Every {noun} is its own group: right only if treatment was decided {noun} by {noun}.": alone,
        f"LOOK: every untreated {noun} is in one group ({outside[0]}), so nothing shows how much groups differ by "
        "chance. Leave the group of untreated units empty, and placebo groups of like size are cut.": len(outside) == 1,
    }
    small, remedy = sizes.index[sizes < SMALL_GROUP], f"Hardly more than one {noun} makes such a group's mean."
    few = look([] if alone else small, "group", f"{{}} of fewer than {SMALL_GROUP} {plural(noun)}", remedy)
    fault = f"{{}} named but never treated, while other untreated {plural(noun)} have no group"
    named = named if study.placebo_group_count else []
    idle = look(named, "group", fault, "If treated, fill in the first treated year.")
    return [fact for fact, holds in facts.items() if holds] + few + idle
