"""Units of outcomes as studies write them (元, 万元, 人, 亩 …) and what they are called and worth."""

import re

from analysis.language.texts import Text

INNER_SPACE = r"(?<=[\u3400-\u9fff])\s+|\s+(?=[\u3400-\u9fff])|(?<=\d)\s+(?=\d)"
"""Spaces that align Chinese names or group digits; between Latin words they stay."""

MONEY = "CNY"
MONEY_NAMES = r"(?i)元|cny|rmb|yuan|人民币|[¥￥]|^[十百千万亿]+$"
CONVERSIONS = {
    **dict.fromkeys(("元", "人民币", "cny", "rmb", "yuan"), (MONEY, 1)),
    **{"千元": (MONEY, 1_000), "万元": (MONEY, 10_000), "百万元": (MONEY, 1_000_000), "亿元": (MONEY, 100_000_000)},
    **{"人": ("persons", 1), "万人": ("persons", 10_000), "户": ("households", 1), "万户": ("households", 10_000)},
    **{"人次": ("visits", 1), "万人次": ("visits", 10_000), "亩": ("mu", 1), "万亩": ("mu", 10_000)},
    **{"公顷": ("hectares", 1), "吨": ("tonnes", 1), "公斤": ("kg", 1), "公里": ("km", 1), "%": ("%", 1)},
}
COUNTS = {"persons", "households", "visits", "person", "people", "household", "visit", "count", "个", "件"}
CURRENCIES = r"(?i)€|\$|£|₹|₩|\b(?:eur|usd|gbp|jpy|inr|brl|krw|hkd|twd|euros?|dollars?|pounds?|yen|rupees?|pesos?)\b"
DIVISORS = {"人": "person", "户": "household", "亩": "mu", "公顷": "hectare", "村": "village", "年": "year"}


def convert_unit(unit: str) -> tuple[str, int, str]:
    """Canonical name of a unit, the factor to it, and a remark on the change ("" where there is none).

    Values stay in the unit given; use it to compare units, and amounts of money with others.

    Amounts of money are measured in CNY; areas keep their unit (mu are not turned into hectares).

    Examples
    --------
    >>> convert_unit("万元")
    ('CNY', 10000, '')
    >>> convert_unit("元/人")[0], convert_unit("担")[2]
    ('CNY per person', 'the unit 担 is not known here and stays as written')
    """
    bare = re.sub(r"^[（(](.*)[)）]$", r"\1", re.sub(INNER_SPACE, "", unit.strip()))
    parts = re.fullmatch(r"(.*?)(?:\s*(?:/|／|每|\bper\b)\s*(.*))?", bare, re.DOTALL)
    name, per = parts.groups() if parts else (bare, None)
    known = {canonical: (canonical, 1) for canonical, _ in CONVERSIONS.values()} | CONVERSIONS
    converted = known.get(name) or known.get(name.lower())
    if converted is None:
        return unit, 1, Text("the unit {unit} is not known here and stays as written", unit=unit) if unit else ""
    canonical = f"{converted[0]} per {DIVISORS.get(per, per)}" if per else converted[0]
    renamed = unit != canonical and converted[1] == 1
    return (
        canonical,
        converted[1],
        Text("{unit} is called {canonical}", unit=unit, canonical=canonical) if renamed else "",
    )


def scale_of_unit(unit: str) -> str:
    """The scale that an outcome's unit suggests: "poisson" for money and counts, which grow in per cent, else "level".

    Money of any currency, also per person, and counts of persons, households, visits or things. Areas, weights, rates
    (per cent, per 1,000), scores and what has no unit or an unknown one are analysed in levels.

    Examples
    --------
    >>> scale_of_unit("万元/年"), scale_of_unit("元/人"), scale_of_unit("人次"), scale_of_unit("USD per household")
    ('poisson', 'poisson', 'poisson', 'poisson')
    >>> scale_of_unit("亩"), scale_of_unit("%"), scale_of_unit("persons per 1,000"), scale_of_unit("")
    ('level', 'level', 'level', 'level')
    """
    name, _, per = convert_unit(unit)[0].partition(" per ")
    if per and per not in DIVISORS.values():
        return "level"
    money = name == MONEY or re.search(MONEY_NAMES, name) or re.search(CURRENCIES, name)
    return "poisson" if money or (name.lower() in COUNTS and not per) else "level"
