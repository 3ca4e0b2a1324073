"""Check a study before running it: what was read, what is missing or odd, and what its design can bear."""

import re
import warnings
from pathlib import Path

import pandas as pd

from analysis.language.texts import Listed, Text, count, first, plural, said, singular
from analysis.messages import FewTreatedGroupsWarning, StudyError, amount, as_typed, fixed, look, refuse, unit_years
from analysis.reading.read_files import read_table
from analysis.reading.read_labelled import misread_gbk
from analysis.reading.study_file import load_study
from analysis.robustness.scale_evidence import scale_evidence
from analysis.study.outcome import SCALED
from analysis.study.placebo_groups import PLACEBO
from analysis.study.study import Study
from analysis.study.unit_names import without_suffixes

JUMP = 1_000
"""A change by this factor within a year is suspected of mixed units; 元 for 万元 makes 10,000."""
APART = 500
"""A village this many times above or below the middle one in all years is suspected of another unit."""
LARGEST_LOG = 30
"""Money in 元 is hardly ever so little for everyone; its logarithm is."""
NO_VALUE = "{name!r} has no value in any row. Check that the column named for it is the one meant."
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
    verdict = Text("This study can run.")
    return Findings(filter(None, [*findings, *study.notes, *_groups(study, units), verdict]))


def _specification(study: Study) -> str:
    """Controls and weights of every estimate, which controls never change, and what is missing."""
    shown, units = {}, study.frame["unit"]
    for name in filter(None, [*study.controls, study.weights]):
        values = study.column(name)
        constant = name in study.controls and bool(values.groupby(units).nunique().max() <= 1)
        each = Text("never changes within a {noun}, so enters times year", noun=singular(study.noun))
        facts = [each] * constant + [Text("{number:,} missing", number=int(values.isna().sum()))] * values.hasnans
        shown[name] = Text("{name} ({facts})", name=name, facts=Listed(facts, "; ")) if facts else name
    sentence = "Every estimate controls for {controls}." if study.controls else "Every estimate weighs by {weights}."
    if study.controls and study.weights:
        sentence = "Every estimate controls for {controls} and weighs by {weights}."
    controls = Listed((shown[name] for name in study.controls), " and ")
    return Text(sentence, controls=controls, weights=shown.get(study.weights, "")) if shown else ""


def _roster(units: pd.DataFrame) -> str:
    """How many units the roster of Mengzhou knows, by code, or by name and town; nothing for a study elsewhere."""
    roster = read_table("villages")
    by_code = units.index.isin(roster["village_code"])
    known = without_suffixes(roster["town_zh"], roster["village_zh"])
    by_name = without_suffixes(units["stratum"], units.index).isin(known) & ~by_code
    lost = units.index[~(by_code | by_name)]
    if len(lost) == len(units):
        return ""
    sentence = "Roster of Mengzhou: {by_code:,} found by code, {by_name:,} by town and name, all found."
    if len(lost):
        sentence = (
            "Roster of Mengzhou: {by_code:,} found by code, {by_name:,} by town and name, {number:,} not found: {lost}."
        )
    return Text(sentence, by_code=by_code.sum(), by_name=by_name.sum(), number=len(lost), lost=first(lost))


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
    fault = "{} without the form of {form} as the others have"
    if digits:
        fault = "{} without {digits} digits as the others have"
    if villages:
        fault = "{} without {digits} digits as the others have, or with 000 at the end as towns have"
    known = {"noun": singular(study.noun), "form": codes[same].iloc[0], "digits": len(usual)}
    return look(odd, "code", fault, "A mistyped code makes a {noun} of its own.", **known)


def _counted(codes: pd.Series) -> bool:
    """Whether codes are counting numbers, whose lengths differ."""
    numbers = [int(number) for code in codes if (number := re.sub("[^0-9]", "", code))]
    return max(numbers) - min(numbers) < DENSE * len(codes)


def _misread(units: pd.DataFrame) -> list[str]:
    """Names in GBK that were read as Western letters before the study was read."""
    texts = pd.concat([pd.Series(units.index), units["group"].dropna(), units["stratum"]]).astype("str")
    misread = misread_gbk(texts.unique())
    read = [Text("{name} (perhaps {chinese})", name=name, chinese=chinese) for name, chinese in misread.items()]
    remedy = "Save the file in UTF-8 in the program it comes from."
    return look(read, "name", "{} may be Chinese read in another encoding", remedy)


def _years(study: Study) -> list[str]:
    frame, start = study.frame, study.starts[0]
    years = sorted(frame["time"].unique())
    before = sum(year < start for year in years)
    absent = sorted(set(range(years[0], years[-1] + 1)) - set(years))
    rows_of = frame.groupby("unit").size()
    short = rows_of.index[rows_of < len(years)]
    gaps = "Gaps: {rows} without a row, in {units}: {short}." if len(short) else "Gaps: {rows} without a row."
    lacking = count(len(rows_of) * len(years) - len(frame), f"{study.noun}-year")
    began = study.units.groupby("first_treated")["group"].nunique()
    several = [Text("{year} in {groups}", year=year, groups=count(many, "group")) for year, many in began.items()]
    sentence = "Years: {before} before the first start ({start}), {after} from it on."
    no_data = {"noun": singular(study.noun), "years": count(len(absent), "year"), "absent": first(absent)}
    return [
        Text(sentence, before=count(before, "year"), start=start, after=len(years) - before),
        Text("Treatment begins in {starts}.", starts=Listed(several)) if len(began) > 1 else "",
        Text("With one year before, nobody can see whether the groups had moved alike.") if before < 2 else "",
        Text("No {noun} has data in {years}: {absent}.", **no_data) if absent else "",
        Text(gaps, rows=lacking, units=count(len(short), study.noun), short=first(short)),
    ]


def _valueless(study: Study) -> list[str]:
    """Units without a value of any outcome: a note or heading below the table, perhaps."""
    known = pd.DataFrame({name: study.column(name).notna() for name in study.outcomes}).any(axis="columns")
    units = known.groupby(study.frame["unit"]).any()
    empty = units.index[~units] if known.any() else []
    listed = ", ".join(f'"{unit}"' for unit in empty)
    remedy = "If these are notes or headings of the table, write leave_out = [{listed}]."
    return look(empty, study.noun, "{} without any value", remedy, listed=listed)


def _outcome(study: Study, name: str) -> list[str]:
    """Missing values and doubts of one outcome; one without values, or a logarithm of zero, is refused."""
    values, described = study.column(name), study.outcomes[name]
    if values.isna().all():
        raise StudyError(NO_VALUE, name=name)
    scale = study.scale_of(name)
    if scale == "log":
        remedy = 'Correct these values, or write scale = "poisson", which keeps zeros, or "level".'
        zero = unit_years(study.frame, values <= 0, values)
        refuse(zero, "row", '{name!r} has scale = "log" but is zero or negative', remedy, name=name)
    negative = unit_years(study.frame, values < 0, values)
    remedy = (
        'Leave codes such as -999 empty and correct mistakes; where losses are meant, write scale = "level" in '
        "[outcomes.{name}]."
    )
    fault = "{name!r} is analysed in per cent, {why}, but is negative"
    refuse(negative if scale == "poisson" else [], "row", fault, remedy, name=name, why=described.why)
    known = study.frame.loc[values.notna(), ["time", "first_treated"]]
    doubts = {
        "{name} is known to {last}, before any treatment: no effect can be estimated yet. The report says which effect "
        "the design could show.": not (known["time"] >= known["first_treated"]).any(),
        "{name} is in %, but nowhere above 1. Perhaps these are shares, 0.35 for 35%.": described.unit == "%"
        and values.abs().max() <= 1,
        "{name} is in {unit}, but nowhere above {largest}. If these are logarithms, write logged = true in "
        "[outcomes.{name}].": described.unit.startswith("CNY") and values.max() <= LARGEST_LOG,
    }
    facts = {"name": name, "unit": described.unit, "largest": LARGEST_LOG, "last": known["time"].max()}
    sentence = "{name} ({unit}): {values}, {missing} missing, {zero} zero. Effects {scale}, {why}."
    numbers = {"missing": fixed(values.isna().sum(), 0), "zero": fixed(values.eq(0).sum(), 0)}
    numbers |= {"values": count(values.count(), "value"), "unit": described.unit or Text("no unit")}
    return [
        Text(sentence, name=name, scale=Text(SCALED[scale]), why=described.why, **numbers),
        *(Text("LOOK: {doubt}", doubt=Text(doubt, **facts)) for doubt, there in doubts.items() if there),
        *look(negative, "row", "{name} is negative", "Right for a loss, not for a code (-999).", name=name),
        *_mixed_units(study, name, values),
    ]


def _evidence(study: Study) -> list[str]:
    """Which scale untreated villages support, where the primary outcome can be looked at in both."""
    name = next(iter(study.outcomes), None)
    if name is None or study.describe(name).logged or (study.column(name) < 0).any():
        return []
    try:
        return [str(scale_evidence(study, name))]
    except StudyError as error:
        return [error.args[0]]


def _mixed_units(study: Study, name: str, values: pd.Series) -> list[str]:
    """Jumps between years, and villages far from the others in all years: 元 among 万元, perhaps."""
    positive = study.frame[["unit", "time"]].assign(value=values)[values > 0]
    positive["last"] = positive.groupby("unit")["value"].shift()
    ratio = positive["value"] / positive["last"]
    jumps = positive[(ratio >= JUMP) | (ratio <= 1 / JUMP)]
    shown = jumps.assign(last=jumps["last"].map(amount), value=jumps["value"].map(amount), year=jumps["time"])
    keys = ["unit", "year", "last", "value"]
    places = [Text("{unit} in {year} ({last} to {value})", **one) for one in shown[keys].to_dict("records")]
    usual = positive.groupby("unit")["value"].median()
    usual = usual[~usual.index.isin(jumps["unit"])]
    middle, noun, remedy = usual.median(), study.noun, "Perhaps 元 and 万元 are mixed."
    far = usual[(usual >= APART * middle) | (usual <= middle / APART)]
    where = [Text("{unit} ({value})", unit=unit, value=amount(value)) for unit, value in far.items()]
    apart = "{name} is {times} times above or below the middle {noun}'s ({middle})"
    jump = "{name} changes by a factor of {times:,} or more between years"
    known = {"name": name, "times": APART, "noun": singular(noun), "middle": amount(middle) if where else ""}
    return look(places, "place", jump, remedy, name=name, times=JUMP) + look(where, noun, apart, remedy, **known)


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
    known = {
        "groups": count(number, f"{kind}group"),
        "noun": singular(noun),
        "nouns": plural(noun),
        "group": outside[0],
    }
    facts = {
        "{groups}: intervals rest on them, not on the number of {nouns}.": number >= 5,
        "{groups}: fewer than five are few; read CR2 beside randomization inference.": 3 <= number < 5,
        "2 untreated groups: too few for a reliable interval.": (kind, number) == ("untreated ", 2),
        "Every stratum with a treated group is treated as a whole: randomization within strata has nothing to "
        "randomize, and nobody is a neighbour. Randomization over all groups serves.": treated[strata].all()
        and not strata.all(),
        "Every {noun} is its own group: right only if treatment was decided {noun} by {noun}.": alone,
        "LOOK: every untreated {noun} is in one group ({group}), so nothing shows how much groups differ by chance. "
        "Leave the group of untreated units empty, and placebo groups of like size are cut.": len(outside) == 1,
    }
    small, remedy = sizes.index[sizes < SMALL_GROUP], "Hardly more than one {noun} makes such a group's mean."
    few = look([] if alone else small, "group", "{} of fewer than {few} {nouns}", remedy, few=SMALL_GROUP, **known)
    fault = "{} named but never treated, while other untreated {nouns} have no group"
    named = named if study.placebo_group_count else []
    idle = look(named, "group", fault, "If treated, fill in the first treated year.", **known)
    return [Text(fact, **known) for fact, holds in facts.items() if holds] + few + idle
