"""In which language labels speak: phrases are written in English, and said in Chinese where the study asks for it."""

import re
from collections.abc import Iterable

from analysis.language.catalogues import catalogue
from analysis.language.texts import Text, counted, plural, said_with
from analysis.language.units import CONVERSIONS, DIVISORS

LANGUAGES = ("en", "zh")
BETWEEN_SENTENCES = {"en": " ", "zh": ""}
NUMBER = re.compile(r"(?<![\w−-])[−-]?\d[\d,.]*(?!\w)")
UNITS = {canonical: name for name, (canonical, factor) in reversed(CONVERSIONS.items()) if factor == 1}
PER = {divisor: name for name, divisor in DIVISORS.items()}
UNIT = {"en": r"\b[Vv]illages?\b", "zh": "(?<!乡)村"}
DISTRICT = {
    "en": r"\b(?P<kind>(?:un)?treated |placebo )?district(?P<many>s)?\b",
    "zh": "(?P<kind>安慰剂)?片区(?P<many>)",
}
"""In lower case: proper names stay."""
TREATED_GROUP = {"en": ("treated ", "group"), "zh": ("处理", "组")}
SIDES = {"片区内外": "处理组与未处理组", "片区内": "处理组", "片区外": "未处理组"}


def say(language: str, phrase: str, **values: object) -> str:
    """A phrase in a language, with its values filled in.

    Use it for every text that a table, a figure or the summary composes. The English is the key to the Chinese.

    Parameters
    ----------
    language : {"en", "zh"}
    phrase : str
        English, with a place such as "{label}" for each value.
    **values
        Already in that language, or texts that are said in it.

    Examples
    --------
    >>> say("zh", "{label}: level", label="户数"), say("en", "{label}: level", label="Households")
    ('户数：水平', 'Households: level')
    """
    return said_with(catalogue(language).gettext(phrase), language, **values)


def term(language: str, text: str) -> str:
    """A heading, unit, baseline or other English term that results carry, in a language.

    Use it for what may also be a study's own word: what is not known stays as it is written.

    Examples
    --------
    >>> term("zh", "CNY per person"), term("zh", "the year at event time -1"), term("zh", "constant 2022")
    ('元/人', '相对年份-1', '2022年不变价格')
    >>> term("en", "CNY per person"), term("zh", "担")
    ('CNY per person', '担')
    """
    if language == "en" or not text:
        return text
    if isinstance(text, Text):
        return text.said(language)
    translate, phrase = catalogue(language).gettext, NUMBER.sub("{}", text)
    if (translated := translate(phrase)) != phrase:
        return translated.format(*NUMBER.findall(text))
    name, _, per = text.partition(" per ")
    name = UNITS.get(name) or translate(name)
    return f"{name}/{PER.get(per, per)}" if per else name


def bracketed(language: str, *terms: str) -> str:
    """Terms in brackets, as they stand behind a label; nothing where there are none.

    Examples
    --------
    >>> bracketed("en", "CNY", "nominal"), bracketed("zh", "CNY", "nominal"), bracketed("en", "")
    (' (CNY, nominal)', '（元、当年价格）', '')
    """
    known = [term(language, text) for text in terms if text]
    return say(language, " ({terms})", terms=say(language, ", ").join(known)) if known else ""


def one_of(language: str, noun: str) -> str:
    """What is counted, as it stands behind "each".

    Examples
    --------
    >>> one_of("en", "village"), one_of("zh", "village")
    ('village', '个村')
    """
    return counted(language, 1, noun).removeprefix("1").strip()


def of_units(language: str, text: str, noun: str, labels: Iterable[str] = (), *, districts: bool = True) -> str:
    """A text on villages and districts, said of what a study calls its units and groups; its own labels stay.

    Only villages form districts, and only where `districts` says so: other studies have treated groups.

    Examples
    --------
    >>> of_units("en", "Villages outside, means of 20 village-years", "county"), of_units("zh", "村数", "county")
    ('Counties outside, means of 20 county-years', '县数')
    >>> of_units("en", "village debt of all villages", "county", ["Village debt"])
    'village debt of all counties'
    >>> of_units("en", "each district against placebo districts", "county"), of_units("zh", "各片区的效应", "county")
    ('each treated group against placebo groups', '各处理组的效应')
    >>> of_units("zh", "片区内外的村，片区外的村", "county")
    '处理组与未处理组的县，未处理组的县'
    """
    if noun == "village" and districts:
        return text

    for districts_have, others_have in SIDES.items():
        text = text.replace(districts_have, others_have)

    def one(found: re.Match) -> str:
        if found["group"]:
            treated, group = TREATED_GROUP[language]
            return (found["kind"] or treated) + group + (found["many"] or "")
        if not found["unit"] or noun == "village":
            return found[0]
        word = plural(noun) if found["unit"].endswith("s") else noun
        own = one_of(language, noun).removeprefix("个")
        return own if language == "zh" else word.capitalize() if found[0][0] == "V" else word

    kept = "|".join([r"\{[^{}]*\}", *(re.escape(label) for label in (*labels, noun) if label)])
    return re.sub(f"(?P<kept>(?i:{kept}))|(?P<unit>{UNIT[language]})|(?P<group>{DISTRICT[language]})", one, text)


def joined(language: str, sentences: Iterable[str]) -> str:
    """Sentences one after the other, with what stands between two of them.

    Examples
    --------
    >>> joined("en", ["One.", "Two."]), joined("zh", ["一。", "二。"])
    ('One. Two.', '一。二。')
    """
    return BETWEEN_SENTENCES[language].join(sentences)
