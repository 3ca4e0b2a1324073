"""What an outcome's values mean: the unit that its file or study.toml gives, and what is missing."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from analysis.language.texts import Listed, Text
from analysis.language.units import CONVERSIONS, MONEY, MONEY_NAMES, convert_unit
from analysis.messages import StudyError
from analysis.reading.header import as_unit
from analysis.reading.vocabulary import MONEY_LIKE
from analysis.study.outcome import SCALES, Outcome

PRICES = r"nominal|constant (?:19|20)\d\d"
LOG_NAME = r"(?i)^(?:ln|lg|log(?!ist|in))|[_. ](?:ln|lg|log)$|对数"
NO_MONEY = {canonical for canonical, _ in CONVERSIONS.values()} - {MONEY}


def unit_of(name: str, described: Mapping[str, Any], read: tuple[str, str]) -> tuple[str, list[str]]:
    """The unit that study.toml gives, else the one read from the file; and what is said of it.

    Examples
    --------
    >>> unit_of("income", {}, ("万元", "the column's name"))
    ('万元', ["income: the unit 万元 is that of the column's name, as study.toml gives none."])
    """
    (found, whence), given = read, described.get("unit", "")
    if not found or described.get("logged"):
        return given, []
    section = f"[outcomes.{name}]"
    if given:
        of_all = whence.startswith("row ") and not convert_unit(given)[0].startswith(MONEY)
        if of_all or not as_unit(given) or convert_unit(given)[:2] == convert_unit(found)[:2]:
            return given, []
        doubt = (
            "LOOK: {name} is in {given} by study.toml, but in {found} by {whence}. {given} is taken: correct {section} "
            "if the file is right."
        )
        return given, [Text(doubt, name=name, given=given, found=found, whence=whence, section=section)]
    column = described.get("column", name)
    if whence.startswith("row ") and not re.search(MONEY_LIKE, column):
        doubt = "LOOK: {name} has no unit, and {found} by {whence} may not be meant for it. Write unit in {section}."
        return "", [Text(doubt, name=name, found=found, whence=whence, section=section)]
    said = "{name}: the unit {found} is that of {whence}, as study.toml gives none."
    return found, [Text(said, name=name, found=found, whence=whence)]


def described_outcome(file: str, outcome: Outcome, column: str) -> tuple[Outcome, list[str]]:
    """The outcome in its unit as given (元 is called CNY, 万元 stays 万元), and what is said of it.

    Raises
    ------
    StudyError
        If its unit, prices or scale make no sense.
    """
    canonical, factor, remark = convert_unit(outcome.unit)
    unit = canonical if factor == 1 else as_unit(outcome.unit) or outcome.unit
    money, scale, prices = canonical.startswith(MONEY), outcome.scale, outcome.prices
    faults = {
        "{section} of {file} has the unit {unit!r}, money of an unknown size. Write 元, 千元, 万元, 百万元 or 亿元, "
        "alone or with /人, /户 or the like.": re.search(MONEY_NAMES, canonical) and not money,
        "{section} of {file} has scale = {scale!r}. Write one of: {scales}, or leave it out.": scale
        not in (None, *SCALES),
        "{section} of {file} has prices = {prices!r}, but {unit} are no money. Leave prices out.": prices
        and canonical.partition(" per ")[0] in NO_MONEY,
        '{section} of {file} has prices = {prices!r}. Write "nominal", or "constant" with the year whose prices they '
        'are, such as "constant 2022".': prices and not re.fullmatch(PRICES, prices),
        "{section} of {file} has logged = true and scale = {scale!r}. Leave scale out: no logs are taken of logs.": (
            outcome.logged and scale not in (None, "level")
        ),
    }
    given = {"unit": unit, "scale": scale, "prices": prices, "scales": ", ".join(SCALES)}
    for fault in [fault for fault, found in faults.items() if found]:
        raise StudyError(fault, section=f"[outcomes.{outcome.name}]", file=file, **given)
    said: list[str] = [Text("{name}: {remark}.", name=outcome.name, remark=remark)] if remark else []
    said += [Text("LOOK: {doubt}", doubt=doubt) for doubt in _doubts(outcome, column, money)]
    return dataclasses.replace(outcome, unit=unit), said


def _doubts(outcome: Outcome, column: str, money: bool) -> list[Text]:
    known = {"name": outcome.name, "section": f"[outcomes.{outcome.name}]"}
    doubts = []
    if lost := [key for key in ("definition", "prices") if not getattr(outcome, key)] if money else []:
        means = {
            "definition": "which money is counted (总收入, total income, is not 经营收益, operating surplus)",
            "prices": 'in which prices: "nominal", or such as "constant 2022"',
        }
        asked = Listed((Text(means[key]) for key in lost), ", and ")
        said = "{name} is money without {lost} in {section}. Say {asked}."
        doubts.append(Text(said, lost=Listed(lost, " and "), asked=asked, **known))
    if not outcome.logged and any(re.search(LOG_NAME, name) for name in (outcome.name, outcome.label_zh, column)):
        said = (
            "{name} may hold logarithms, by its name. If so, write logged = true in {section}, so that no logs are "
            "taken of logs and effects in per cent are right."
        )
        doubts.append(Text(said, **known))
    elif not outcome.unit and re.search(MONEY_LIKE, column):
        said = "{name} has the name of money but no unit. Write unit in {section}, such as 万元."
        doubts.append(Text(said, **known))
    return doubts
