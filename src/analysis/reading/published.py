"""What is published about Mengzhou's districts together, and by which codes a study is about them."""

from dataclasses import dataclass

from analysis.reading.read_files import read_table
from analysis.study.study import Study

SOURCE = "Jiaozuo Daily"


@dataclass(frozen=True)
class Claim:
    """What the prefecture's paper reported about the districts.

    Attributes
    ----------
    reported : str
        Month of the report.
    gain : float
        CNY that the collectives of the gaining districts gained together, presumably on the year before.
    gaining, districts : int
        How many districts gained, unnamed, and how many there are.
    villages, households : int
        That all districts cover.
    """

    reported: str
    gain: float
    gaining: int
    districts: int
    villages: int
    households: int


def published_claim() -> Claim:
    """The claim as it stands in the table of published facts.

    Examples
    --------
    >>> published_claim()
    Claim(reported='2024-07', gain=1030000.0, gaining=3, districts=5, villages=25, households=4500)
    """
    facts = read_table("published_facts")
    facts = facts[facts["source"].str.startswith(SOURCE) & (facts["level"] == "county") & facts["value"].notna()]
    value = facts.set_index("quantity")["value"]
    whole = ["districts_with_reported_2023_gain", "demo_regional_party_committees"]
    whole += ["admin_villages_covered_by_districts", "farm_households_covered_by_districts"]
    gain = 10_000 * float(value["village_collective_income_gain_3_districts"])
    return Claim(facts["source_date"].iloc[0], gain, *map(int, value[whole]))


def is_about_mengzhou(study: Study) -> bool:
    """Whether some of a study's villages are Mengzhou's by their codes.

    Examples
    --------
    >>> from analysis import load_study
    >>> is_about_mengzhou(load_study())
    True
    """
    return bool(study.units.index.astype(str).isin(read_table("villages")["village_code"]).any())
