"""The data files: they meet their schema, agree with each other, and the README describes them truly."""

import json
import re
import shutil
import tomllib
from dataclasses import fields

import pandas as pd
import pytest
from frictionless import validate

from analysis.reading.read_files import DATA, read_table
from analysis.simulation.village_model import Calibration

PACKAGE = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
SCHEMAS = {resource["name"]: resource["schema"]["fields"] for resource in PACKAGE["resources"]}
TABLES = {resource["name"]: resource["path"] for resource in PACKAGE["resources"]}
EXAMPLE = DATA / "example"
"""Invented files in several formats, with a README and tests of their own."""
FAMINE = {f"famine/{name}" for name in ("study.toml", "study-by-county.toml", "LICENSE")}
"""What stands beside the famine panel."""
README = (DATA / "README.md").read_text(encoding="utf-8")

# The outcome is a mean over at most 240 households stored with 15 digits; the regression adds a few roundings.
KNOWN_ANSWER_TOLERANCE = 1e-12


def as_markdown(frame: pd.DataFrame) -> str:
    """The table as README.md shows it: when this text changes, paste it there."""
    rows = [list(frame.columns), ["---"] * frame.shape[1], *frame.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def codebook(name: str) -> pd.DataFrame:
    """The columns of one table, their types, units, rules and meaning, from the schema."""
    schema = SCHEMAS[name]
    return pd.DataFrame(
        {
            "column": [field["name"] for field in schema],
            "type": [field["type"] for field in schema],
            "unit": [field.get("unit", "") for field in schema],
            "rules": [rules(field.get("constraints", {})) for field in schema],
            "meaning": [field["description"] for field in schema],
        }
    )


def rules(constraints: dict) -> str:
    def shown(value: object) -> str:
        return ", ".join(map(str, value)) if isinstance(value, list) else f"`{value}`"

    flags = ("required", "unique")
    return "; ".join(rule if rule in flags else f"{rule} {shown(value)}" for rule, value in constraints.items())


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(DATA, tmp_path / "data")
    return tmp_path / "data"


def test_frictionless_finds_no_error():
    report = validate(str(DATA / "datapackage.json"))
    assert report.flatten(["name", "type", "message"]) == []
    assert len(report.tasks) == len(TABLES) == 14


@pytest.mark.parametrize(
    ("path", "old", "new", "error"),
    [
        ("membership.csv", "410883201232", "410883209999", "foreign-key"),
        ("membership.csv", "published", "rumoured", "constraint-error"),
        ("simulated/simulated_panel.csv", "410883001201,410883001,2017", "410883001201,410883001,2016", "primary-key"),
        ("districts.csv", "start_year_status", "status", "incorrect-label"),
        ("villages.csv", "410883001002", "410883001001", "unique-error"),
    ],
)
def test_frictionless_catches_a_broken_copy(copy, path, old, new, error):
    text = (copy / path).read_text(encoding="utf-8")
    (copy / path).write_text(text.replace(old, new, 1), encoding="utf-8", newline="\n")
    report = validate(str(copy / "datapackage.json"))
    assert error in {kind for (kind,) in report.flatten(["type"])}


def test_files_are_utf8_with_unix_line_endings_and_all_are_described():
    files = sorted(path for path in DATA.rglob("*") if path.is_file() and EXAMPLE not in path.parents)
    for path in files:
        raw = path.read_bytes()
        assert not raw.startswith(b"\xef\xbb\xbf"), path
        assert b"\r" not in raw, path
        raw.decode("utf-8")
    names = {path.relative_to(DATA).as_posix() for path in files}
    assert names == {*TABLES.values(), "datapackage.json", "study.toml", "README.md", "LICENSE"} | FAMINE
    assert [name for name in sorted(names - {"README.md"}) if f"`{name}`" not in README] == []


@pytest.mark.parametrize("name", TABLES)
def test_readme_shows_the_codebook_of_the_schema(name):
    assert as_markdown(codebook(name)) in README


def test_readme_shows_every_parameter_and_what_set_it():
    parameters = [(field.name, field.default, field.metadata["source"]) for field in fields(Calibration)]
    assert as_markdown(pd.DataFrame(parameters, columns=["parameter", "value", "set by"])) in README


def test_readme_cites_only_facts_that_exist():
    cited = set(re.findall(r"\bF\d{3}\b", README))
    assert len(cited) > 10
    assert cited <= set(read_table("published_facts")["fact_id"])


@pytest.mark.parametrize("name", TABLES)
def test_read_table_gives_the_types_of_the_schema(name):
    types = read_table(name).dtypes.astype(str)
    allowed = {"string": {"str"}, "number": {"float64"}, "integer": {"int64", "Int64"}}
    for column, kind in codebook(name)[["column", "type"]].itertuples(index=False):
        assert types[column] in allowed[kind], column


def test_read_table_says_which_tables_there_are():
    with pytest.raises(KeyError, match=r"No table 'towns' in datapackage\.json\. Use one of: villages, "):
        read_table("towns")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "membership_status",
            "status",
            r"the columns .*, status, source, not those of datapackage\.json: .*, membership_status, ",
        ),
        (
            "village_code,district_id",
            "district_id,village_code",
            r"district_id, village_code, .*\.json: village_code, ",
        ),
        (",2023,published", ",soon,published", r"membership\.csv: a value does not fit its column's type"),
    ],
)
def test_read_table_refuses_files_that_differ_from_the_schema(copy, old, new, message):
    text = (copy / "membership.csv").read_text(encoding="utf-8")
    (copy / "membership.csv").write_text(text.replace(old, new, 1), encoding="utf-8", newline="\n")
    with pytest.raises(ValueError, match=message):
        read_table("membership", folder=copy)


def test_roster_is_274_villages_and_15_committees_in_11_towns():
    villages = read_table("villages")
    assert villages["committee"].value_counts().to_dict() == {"village_committee": 274, "residents_committee": 15}
    assert villages["village_code"].is_unique
    assert villages["town_code"].nunique() == villages["town_zh"].nunique() == 11
    assert (villages["village_code"].str[:9] == villages["town_code"]).all()


def test_facts_have_a_value_a_source_and_a_confidence():
    facts = read_table("published_facts")
    assert len(facts) == 192
    assert facts["fact_id"].is_unique
    assert facts[["source", "confidence"]].notna().all(axis=None)
    assert (facts["value"].notna() ^ facts["value_text"].notna()).all()


def test_consumer_prices_are_known_for_every_year_of_the_panel_and_cited():
    prices = read_table("consumer_prices")
    assert prices["year"].diff().dropna().eq(1).all()
    assert set(read_table("simulated_panel")["year"]) <= set(prices["year"])
    announced = prices["source_date"].str[:4].astype(int)
    assert (announced > prices["year"]).all(), "a year's rise is announced early in the next"


def test_facts_about_places_name_places_of_the_roster():
    facts, villages = read_table("published_facts"), read_table("villages")
    of_villages = facts.query("level == 'village'")
    names = of_villages["division_code"].map(villages.set_index("village_code")["village_zh"])
    assert names.notna().all()
    other_spelling = of_villages.loc[names != of_villages["entity_zh"], "entity_zh"]
    assert other_spelling.tolist() == ["南咀村"]  # the roster writes 南嘴村, as the fact's qualifier says
    towns = facts.query("level == 'town'")["division_code"]
    assert towns.str.removesuffix("000").isin(villages["town_code"]).all()


def test_five_districts_of_five_villages_each_in_its_town():
    membership = read_table("membership").merge(read_table("districts"), on="district_id", validate="many_to_one")
    assert membership.groupby("district_id").size().tolist() == [5] * 5
    assert (membership["village_code"].str[:9] == membership["town_code"]).all()
    assert (membership["first_treated"] == membership["start_year"]).all()


def test_exactly_two_memberships_are_published():
    published = read_table("membership").query("membership_status == 'published'").set_index("village_code")
    expected = {"410883101217": "nanzhuang-farming", "410883201232": "huaishu-tourism"}
    assert published["district_id"].to_dict() == expected
    facts = read_table("published_facts").set_index("fact_id").loc[published["source"]]
    assert facts["division_code"].tolist() == published.index.tolist()
    assert facts["quantity"].tolist() == ["district_membership"] * 2
    districts = read_table("districts").set_index("district_id")["district_zh"]
    assert facts["value_text"].tolist() == districts[published["district_id"]].tolist()


def test_assumed_members_follow_the_stated_rule():
    villages = read_table("villages").query("committee == 'village_committee'").sort_values("village_code")
    for _, members in read_table("membership").groupby("district_id"):
        codes = villages.query("town_code == @members.village_code.iat[0][:9]")["village_code"].tolist()
        published = members.loc[members["membership_status"] == "published", "village_code"].tolist()
        start = codes.index(published[0]) - 2 if published else 0
        assert sorted(members["village_code"]) == codes[start : start + 5]


def test_no_village_is_named_where_membership_is_assumed_or_values_simulated():
    names = read_table("villages")[["village_zh", "village_py", "official_name_zh"]].to_numpy().ravel()
    for name in ("membership", "simulated_panel", "simulated_true_effects"):
        text = (DATA / TABLES[name]).read_text(encoding="utf-8")
        assert text.isascii()
        assert [place for place in names if place in text] == []


def test_study_describes_columns_that_exist_with_the_units_of_the_schema():
    study = tomllib.loads((DATA / "study.toml").read_text(encoding="utf-8"))
    assert {study["panel"], study["membership"]} <= set(TABLES.values())
    assert study["provenance"] == "simulated"
    panel = codebook("simulated_panel").set_index("column")
    columns = {*panel.index, *codebook("membership")["column"]}
    assert set(study["columns"].values()) <= columns
    for name, outcome in study["outcomes"].items():
        assert name == outcome["column"]
        unit = panel.loc[name, "unit"]
        assert unit.removesuffix(f", {outcome.get('prices')} prices") == outcome["unit"]


def test_county_table_gives_the_known_answer_by_double_demeaning():
    cells = read_table("cai2016_county_year").set_index(["county", "year"])[["y", "T"]]
    within = cells - cells.groupby("county").transform("mean") - cells.groupby("year").transform("mean") + cells.mean()
    known = read_table("known_answers").query("dataset == 'cai2016' and specification == 'two_way'")
    known = known.set_index("quantity")["value"]
    estimate = (within["y"] * within["T"]).sum() / (within["T"] ** 2).sum()
    assert estimate == pytest.approx(known["estimate"], abs=KNOWN_ANSWER_TOLERANCE)
