"""What columns and row names of results are called in tables: code names become words a reader knows."""

import re

from analysis.language.labels import of_units, say, term

HEADINGS = {
    "p_value": "p",
    "p_adjusted": "adjusted p",
    "p_differs": "p, same as overall",
    "p_holm": "adjusted p (Holm)",
    "smallest_p": "smallest possible p",
    "smallest_p_value": "smallest possible p",
    "smallest_p_adjusted": "smallest possible adjusted p",
    "interval": "95 % interval",
    "low": "95 % interval, lower end",
    "high": "95 % interval, upper end",
    "std_error": "standard error",
    "statistic": "test statistic",
    "df": "degrees of freedom",
    "df1": "degrees of freedom, numerator",
    "df2": "degrees of freedom, denominator",
    "per_cent": "effect (%)",
    "percent": "effect (%)",
    "loss_percent": "loss (%)",
    "share_above": "share above",
    "against_last_year": "against the year before",
    "coverage": "interval contains the true value",
    "leaves_out_zero": "interval excludes zero",
    "monte_carlo_error": "Monte Carlo error",
    "rejection_rate": "rejection rate",
    "replications": "draws",
    "effective_districts": "effective districts",
    "effective_treated_districts": "effective districts",
    "treated_groups": "treated groups",
    "treated_scale": "spread of treated groups (others: 1)",
    "treated_total": "who has much of the total",
    "groups": "groups",
    "first_treated": "start",
    "event_time": "years since the start",
    "time": "year",
    "left_out": "left out",
    "strata": "strata",
    "strata_treated": "treated strata",
    "village_years": "village-years",
    "state_years": "state-years",
    "constant_controls": "constant controls",
    "entity_zh": "place",
    "fact_id": "fact",
    "note": "note",
}
"""English headings by code name; a name that is no code stands as it is written."""
NAMES = {
    "cr1": "CR1",
    "cr2": "CR2",
    "cr3": "CR3",
    "wild_bootstrap": "wild cluster bootstrap",
    "randomization": "randomization test",
    "studentized": "t statistic",
    "poisson": "Poisson",
    "village_mean": "per village",
    "household_weighted": "per village, weighted by households",
    "yearly_total": "all treated villages together",
    "per_household": "per household",
    "event_time": "years since the start",
    "two_way": "two-way fixed effects",
    "not_yet_treated": "not yet treated",
    "event_study": "event study",
    "balancing_weight": "balancing weights",
    "sun_abraham": "Sun and Abraham",
    "by_county": "by county",
    "by_province": "by province",
    "by_province_per_cent": "by province, per cent",
}
"""Row names and cells."""
_OF_UNITS = re.compile("illage|district")
_CODE = re.compile(r"[a-z]+(_[a-z0-9]+)+")


def heading(language: str, name: object, noun: str = "village") -> str:
    """A column's heading in words and in a language; the study's own noun stands where it says village.

    Examples
    --------
    >>> heading("en", "p_value"), heading("zh", "p_value"), heading("en", "road_length"), heading("en", 2023)
    ('p', 'p值', 'road length', '2023')
    >>> heading("zh", "gain per village (CNY)"), heading("zh", "km per village")
    ('每村增收（元）', 'km per village')
    """
    if isinstance(name, tuple):
        return " / ".join(filter(None, (heading(language, part, noun) for part in name)))
    if name in HEADINGS:
        return of_units(language, say(language, HEADINGS[str(name)]), noun)
    text = "" if name is None else str(name)
    text = text.replace("_", " ") if _CODE.fullmatch(text) else text
    return of_units(language, say(language, text) if " per " in text else term(language, text), noun)


def named(language: str, text: str, noun: str = "village") -> str:
    """A row's name or a cell in words and in a language; the study's own noun stands where it says village.

    Examples
    --------
    >>> named("en", "wild_bootstrap"), named("zh", "cr2"), named("en", "v_01"), named("en", "village_mean", "county")
    ('wild cluster bootstrap', 'CR2', 'v_01', 'per county')
    """
    said = say(language, NAMES[text]) if text in NAMES else term(language, text)
    return of_units(language, said, noun) if said != text or _OF_UNITS.search(text) else said
