"""What `Study` accepts, what it refuses, and the full text of every refusal."""

import datetime
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import Outcome, Study, StudyError, did, load_study
from analysis.messages import FewTreatedGroupsWarning
from analysis.reading.published_studies import famine
from analysis.study.placebo_groups import placebo_groups

DESIGN = {"unit": "village", "time": "year", "first_treated": "start"}
YEARS = range(2020, 2024)


def make_panel() -> pd.DataFrame:
    """Six villages in two towns over four years; a, b and c are treated from 2022. Rows 0-3 are a's, 4-7 b's, ..."""
    panel = pd.DataFrame([(village, year) for village in "abcdef" for year in YEARS], columns=["village", "year"])
    panel["start"] = panel["village"].map({"a": 2022, "b": 2022, "c": 2022})
    panel["town"] = panel["village"].map(lambda village: "east" if village in "abf" else "west")
    panel["income"] = np.random.default_rng(20230101).normal(10, 1, len(panel))
    return panel


def change(column: str, cells: dict[int, object]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A panel in which some cells of a column hold other values, of whatever type."""

    def changed(panel: pd.DataFrame) -> pd.DataFrame:
        values = panel[column].tolist()
        for row, value in cells.items():
            values[row] = value
        return panel.assign(**{column: pd.Series(values, dtype=object)})

    return changed


def set_column(column: str, make: Callable[[pd.DataFrame], object]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda panel: panel.assign(**{column: make(panel)})


GROUPED = {"group": "district"}
WITH_DISTRICT = set_column("district", lambda p: p["village"].map({"a": "north", "b": "north", "c": "south"}))


def twice_named(panel: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([panel, panel[["income", "town"]]], axis=1)


REFUSED = {
    "not a frame": (lambda p: p.to_dict("records"), {}, "The panel must be a pandas DataFrame, not list."),
    "missing columns": (
        lambda p: p,
        {"unit": "hamlet", "group": "district"},
        "The panel has no column 'hamlet' (for unit), 'district' (for group). "
        "It has: village, year, start, town, income.",
    ),
    "column names twice": (twice_named, {}, "2 column names used twice: income, town. Rename or remove one of each."),
    "no rows": (lambda p: p.iloc[:0], {}, "The panel has no rows. Check that the file and sheet are the ones meant."),
    "reserved column name": (
        lambda p: p.rename(columns={"town": "stratum"}),
        {},
        "The column 'stratum' has a name this library uses for the design. Rename it, or pass it as stratum=.",
    ),
    "missing unit": (
        change("village", {0: None, 5: None, 6: None, 7: None}),
        {},
        "'village' (unit) is missing in 4 rows: None in 2020, None in 2021, None in 2022, .... "
        "Fill it in, or remove those rows.",
    ),
    "missing year": (
        set_column("year", lambda p: p["year"].astype("Int64").where(p.index != 3)),
        {},
        "'year' (time) is missing in 1 row: a in <NA>. Fill it in, or remove those rows.",
    ),
    "missing stratum": (
        change("town", {8: None, 9: np.nan}),
        {"stratum": "town"},
        "'town' (stratum) is missing in 2 rows: c in 2020, c in 2021. Fill it in, or remove those rows.",
    ),
    "padded unit": (
        set_column("village", lambda p: p["village"].replace({"a": "a ", "b": "\tb", "c": "\u3000c", "d": " d"})),
        {},
        "'village' (unit) has spaces around, or nothing in, 4 codes: 'a ', '\\tb', '\\u3000c', .... "
        "Remove the spaces, and leave missing codes empty.",
    ),
    "blank group": (
        lambda p: WITH_DISTRICT(p).fillna({"district": ""}),
        GROUPED,
        "'district' (group) has spaces around, or nothing in, 1 code: ''. "
        "Remove the spaces, and leave missing codes empty.",
    ),
    "codes of two types": (
        set_column("village", lambda p: p["village"].map({"a": 1, "b": 2, "c": "1", "d": "2", "e": "3", "f": "4"})),
        {},
        "'village' (unit) has 4 labels that read alike as text: 1, 2, '1', .... Write each label one way, and "
        "different labels differently.",
    ),
    "half years": (
        set_column("year", lambda p: p["year"] + 0.5),
        {},
        "'year' (time) is not a whole year in 24 rows: a in 2020.5, a in 2021.5, a in 2022.5, .... "
        "Write years such as 2023.",
    ),
    "year in words": (
        change("year", {4: "二〇二〇"}),
        {},
        "'year' (time) is not a whole year in 1 row: b in 二〇二〇. Write years such as 2023.",
    ),
    "infinite year": (
        change("year", {4: np.inf, 7: -np.inf}),
        {},
        "'year' (time) is not a whole year in 2 rows: b in inf, b in -inf. Write years such as 2023.",
    ),
    "dates": (
        set_column("year", lambda p: pd.to_datetime(p["year"].astype(str) + "-12-31").dt.date),
        {},
        "'year' (time) is not a whole year in 24 rows: a in 2020-12-31, a in 2021-12-31, a in 2022-12-31, .... "
        "Write years such as 2023.",
    ),
    "timestamps": (
        set_column("year", lambda p: pd.to_datetime(p["year"].astype(str))),
        {},
        "'year' (time) is not a whole year in 24 rows: a in 2020-01-01 00:00:00, a in 2021-01-01 00:00:00, "
        "a in 2022-01-01 00:00:00, .... Write years such as 2023.",
    ),
    "periods": (
        set_column("year", lambda p: pd.PeriodIndex(p["year"].astype(str), freq="Y")),
        {},
        "'year' (time) is not a whole year in 24 rows: a in 2020, a in 2021, a in 2022, .... Write years such as 2023.",
    ),
    "months as numbers": (
        set_column("year", lambda p: p["year"] * 100 + 12),
        {},
        "'year' (time) is not a whole year in 24 rows: a in 202012, a in 202112, a in 202212, .... "
        "Write years such as 2023.",
    ),
    "start in words": (
        set_column("start", lambda p: p["start"].map(lambda start: "never" if pd.isna(start) else "2022")),
        {},
        "'start' (first_treated) is not a whole year in 12 rows: d in 2020 ('never'), d in 2021 ('never'), "
        "d in 2022 ('never'), .... Write years such as 2023; leave never-treated units empty.",
    ),
    "infinite start": (
        set_column("start", lambda p: p["start"].where(p["village"] != "f", np.inf)),
        {},
        "'start' (first_treated) is not a whole year in 4 rows: f in 2020 (inf), f in 2021 (inf), "
        "f in 2022 (inf), .... Write years such as 2023; leave never-treated units empty.",
    ),
    "start as a date": (
        change("start", {0: datetime.date(2022, 3, 1)}),
        {},
        "'start' (first_treated) is not a whole year in 1 row: a in 2020 (datetime.date(2022, 3, 1)). "
        "Write years such as 2023; leave never-treated units empty.",
    ),
    "repeated unit-years": (
        lambda p: pd.concat([p, p.iloc[[0, 5, 10, 15]]]),
        {},
        "A unit-year is repeated in 4 rows: a in 2020, b in 2021, c in 2022, .... Keep one row per unit and year.",
    ),
    "treatment dummy instead of a start": (
        set_column("start", lambda p: (p["start"] <= p["year"]).astype(int)),
        {},
        "'start' (first_treated) holds only 0 and 1: it is an indicator of treatment, not a first year. Write "
        'treated = "start" in the place of first_treated, and, if it is 1 in all years of treated units, also '
        "start = 2018 (the first treated year).",
    ),
    "a code for never treated": (
        set_column("start", lambda p: p["start"].fillna(0)),
        {},
        "'start' (first_treated) is 0 in 3 units: d, e, f. If that stands for never treated, write never = [0]; else "
        "correct it.",
    ),
    "start only where treated": (
        set_column("start", lambda p: p["start"].where(p["year"] >= 2022)),
        {},
        "More than one first treated year ('start') in 3 units: a, b, c; a has (empty), 2022. "
        "Give each unit one value in all its years.",
    ),
    "unit in two groups": (
        lambda p: change("district", {13: "east"})(WITH_DISTRICT(p).fillna({"district": "rest"})),
        GROUPED,
        "More than one group ('district') in 1 unit: d; d has rest, east. Give each unit one value in all its years.",
    ),
    "unit in two strata": (
        change("town", {1: "west", 5: "west", 21: "west", 17: "east"}),
        {"stratum": "town"},
        "More than one stratum ('town') in 4 units: a, b, e, ...; a has east, west. "
        "Give each unit one value in all its years; where units of several strata share a name, write "
        'unit = ["town", "village"].',
    ),
    "nobody treated": (
        set_column("start", lambda p: np.nan),
        {},
        "No unit is treated: the first treated year is empty everywhere. Fill it in where treated.",
    ),
    "nobody untreated": (
        set_column("start", lambda p: p["start"].fillna(2023)),
        {},
        "No unit is untreated: all 6 units have a first treated year. A comparison needs never-treated units; "
        "leave their first treated year empty, or say which values stand for it: never = [0, 9999].",
    ),
    "no year before": (
        set_column("start", lambda p: p["start"].mask(p["start"].notna(), 2020)),
        {},
        "No year before treatment for 3 units: a (2020), b (2020), c (2020). The panel begins in 2020: add earlier "
        "years, remove these units, or leave their start empty.",
    ),
    "no year after": (
        set_column("start", lambda p: p["start"].where(p["village"].ne("d"), 2030)),
        {},
        "No year after treatment for 1 unit: d (2030). The panel ends in 2023: leave their start empty, remove them, "
        "or, to plan a study, add years to come.",
    ),
    "treated without a group": (
        lambda p: WITH_DISTRICT(p).replace({"district": {"north": None}}),
        GROUPED,
        "No group for 2 treated units: a, b. Say for every treated unit in which group it was treated.",
    ),
    "placebo size without groups": (
        lambda p: p,
        {"placebo_group_size": 5},
        "placebo_group_size cuts groups of untreated units, but no group column is given. "
        "Name the column of the treated units' groups, or leave it out.",
    ),
}


@pytest.mark.parametrize(("spoil", "options", "message"), REFUSED.values(), ids=REFUSED)
def test_refusal_says_what_where_and_what_to_do(spoil, options, message):
    with pytest.raises(StudyError) as refusal:
        Study.from_frame(spoil(make_panel()), **(DESIGN | options))
    assert str(refusal.value) == message


@pytest.mark.parametrize("size", [0, -1, 2.5, "5", True])
def test_placebo_size_must_be_a_whole_number(size):
    message = f"placebo_group_size must be a whole number from 1 on, not {size!r}."
    with pytest.raises(StudyError) as refusal:
        Study.from_frame(WITH_DISTRICT(make_panel()), **DESIGN, **GROUPED, placebo_group_size=size)
    assert str(refusal.value) == message


COLUMN_REFUSED = {
    "text": (
        {0: "n/a", 5: "1,234", 6: "", 7: "十"},
        "The outcome 'income' is not a number in 4 rows: a in 2020 ('n/a'), b in 2021 ('1,234'), b in 2022 (''), "
        ".... Write numbers only, and leave missing values empty.",
    ),
    "dates among numbers": (
        {3: pd.Timestamp(2020, 1, 1)},
        "The outcome 'income' is not a number in 1 row: a in 2023 (Timestamp('2020-01-01 00:00:00')). "
        "Write numbers only, and leave missing values empty.",
    ),
    "infinite": (
        {0: np.inf, 4: -np.inf, 8: "inf", 12: np.inf},
        "The outcome 'income' is infinite in 4 rows: a in 2020, b in 2020, c in 2020, .... "
        "Infinite values often come from a division by zero; correct them or leave them empty.",
    ),
}


@pytest.mark.parametrize(("cells", "message"), COLUMN_REFUSED.values(), ids=COLUMN_REFUSED)
def test_outcome_is_checked_when_used_and_not_before(cells, message):
    study = Study.from_frame(change("income", cells)(make_panel()), **DESIGN)
    with pytest.raises(StudyError) as refusal:
        did(study, "income")
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    "make",
    [
        lambda p: pd.to_datetime(p["year"].astype(str)),
        lambda p: pd.to_timedelta(p["year"], unit="D"),
        lambda p: pd.Categorical(pd.to_datetime(p["year"].astype(str))),
    ],
    ids=["dates", "durations", "dates as categories"],
)
def test_whole_columns_of_dates_are_not_numbers(make):
    study = Study.from_frame(set_column("income", make)(make_panel()), **DESIGN)
    with pytest.raises(StudyError, match=r"^The outcome 'income' is not a number in 24 rows: a in 2020 \(Time"):
        study.column("income")


@pytest.mark.parametrize("role", ["outcome", "control", "weight"])
def test_absent_column_lists_those_there(role):
    study = Study.from_frame(make_panel(), **DESIGN)
    options = {"control": {"controls": ["rain"]}, "weight": {"weights": "rain"}}.get(role, {})
    with pytest.raises(StudyError) as refusal:
        did(study, "rain" if role == "outcome" else "income", **options)
    design = "" if role == "outcome" else f" The design's unit, year, start, group and stratum cannot be the {role}."
    assert str(refusal.value) == f"The panel has no column 'rain' to use as {role}. It has: town, income.{design}"


def test_absent_column_of_a_bare_design():
    study = Study.from_frame(make_panel()[["village", "year", "start"]], **DESIGN)
    with pytest.raises(StudyError) as refusal:
        study.column("income")
    assert str(refusal.value) == (
        "The panel has no column 'income' to use as outcome. It has: no columns beside the design."
    )


def test_no_described_outcome():
    with pytest.raises(StudyError) as refusal:
        _ = Study.from_frame(make_panel(), **DESIGN).primary_outcome
    assert str(refusal.value) == "This study describes no outcome. Pass outcomes=[...] to Study.from_frame."


FEW = {
    1: "Only 1 treated group (north): with one, its own luck cannot be told from the effect, and no standard error "
    "says how sure one can be. Read the estimate as a description; randomization inference is the most that can "
    "be said.",
    2: "Only 2 treated groups (north, south): with two, standard errors rest on two numbers: usual tests reject far "
    "too often, careful ones hardly ever. Read the estimate as a description; randomization inference, in levels or "
    "logs alone, is the most that can be said.",
}


@pytest.mark.parametrize("groups", FEW)
def test_few_treated_groups_warn_and_stay_with_every_result(groups):
    panel = WITH_DISTRICT(make_panel())
    if groups == 1:
        panel["district"] = panel["district"].replace({"south": "north"})
    with pytest.warns(FewTreatedGroupsWarning) as caught:
        study = Study.from_frame(panel, **DESIGN, **GROUPED)
    assert [str(warning.message) for warning in caught] == [FEW[groups]]
    assert caught[0].filename == __file__
    assert study.notes == (FEW[groups],)
    assert repr(did(study, "income")).endswith(FEW[groups])


def test_three_treated_groups_are_not_warned_about():
    with warnings.catch_warnings(action="error"):
        assert Study.from_frame(make_panel(), **DESIGN).notes == ()


def test_input_is_never_changed():
    panel = WITH_DISTRICT(make_panel()).sample(frac=1, random_state=1)
    before = panel.copy(deep=True)
    with pytest.warns(FewTreatedGroupsWarning):
        study = Study.from_frame(panel, **DESIGN, **GROUPED, stratum="town")
    study.frame["income"] = 0.0
    pd.testing.assert_frame_equal(panel, before)


def test_row_order_is_irrelevant():
    panel = WITH_DISTRICT(make_panel())
    options = DESIGN | GROUPED | {"stratum": "town"}
    with pytest.warns(FewTreatedGroupsWarning):
        study = Study.from_frame(panel, **options)
    for seed in range(3):
        with pytest.warns(FewTreatedGroupsWarning):
            shuffled = Study.from_frame(panel.sample(frac=1, random_state=seed), **options)
        pd.testing.assert_frame_equal(shuffled.frame, study.frame)


def test_canonical_frame():
    study = Study.from_frame(make_panel(), **DESIGN, stratum="town")
    assert study.frame.columns.tolist() == ["unit", "time", "first_treated", "group", "stratum", "income"]
    assert study.frame["group"].tolist() == study.frame["unit"].tolist(), "the default group is the unit"
    assert study.frame["first_treated"].dtype == "Int64"
    assert study.starts == [2022]
    assert study.units["stratum"].tolist() == ["east", "east", "west", "west", "west", "east"]


SAME = {
    "years as text": set_column("year", lambda p: p["year"].astype(str)),
    "years as floats": set_column("year", lambda p: p["year"].astype(float)),
    "years nullable": set_column("year", lambda p: p["year"].astype("Int64")),
    "years as objects": set_column("year", lambda p: p["year"].astype(object)),
    "years as categories of text": set_column("year", lambda p: p["year"].astype(str).astype("category")),
    "start nullable": set_column("start", lambda p: p["start"].astype("Int64")),
    "start as text": set_column("start", lambda p: p["start"].astype("Int64").astype("string")),
    "start as objects with None": set_column(
        "start", lambda p: p["start"].astype("Int64").astype(object).where(p["start"].notna(), None)
    ),
    "start as objects with NA": set_column(
        "start", lambda p: p["start"].astype(object).where(p["start"].notna(), pd.NA)
    ),
    "start as categories": set_column("start", lambda p: p["start"].astype("category")),
    "units as objects": set_column("village", lambda p: p["village"].astype(object)),
    "units as categories": set_column("village", lambda p: p["village"].astype("category")),
    "units as categories in another order": set_column(
        "village", lambda p: pd.Categorical(p["village"], categories=list("zfedcba"))
    ),
    "units nullable text": set_column("village", lambda p: p["village"].astype("string")),
    "incomes nullable": set_column("income", lambda p: p["income"].astype("Float64")),
    "incomes as text": set_column("income", lambda p: p["income"].map(repr)),
    "incomes as objects": set_column("income", lambda p: p["income"].astype(object)),
    "incomes as categories": set_column("income", lambda p: p["income"].astype("category")),
    "an index of its own": lambda p: p.set_index(pd.Index(p["village"] + p["year"].astype(str), name="key")),
    "repeated index labels": lambda p: p.set_index(pd.Index([7] * len(p))),
}


@pytest.mark.parametrize("rewrite", SAME.values(), ids=SAME)
def test_types_do_not_matter(rewrite):
    plain, other = (Study.from_frame(frame, **DESIGN) for frame in (make_panel(), rewrite(make_panel())))
    assert other.frame["unit"].tolist() == plain.frame["unit"].tolist()
    assert other.frame["time"].tolist() == plain.frame["time"].tolist()
    pd.testing.assert_series_equal(other.frame["first_treated"], plain.frame["first_treated"])
    assert did(other, "income").value == did(plain, "income").value


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, "nan"], ids=repr)
def test_missing_outcomes_however_written(missing):
    gap = Study.from_frame(change("income", {2: missing})(make_panel()), **DESIGN)
    dropped = Study.from_frame(make_panel().drop(index=2), **DESIGN)
    estimate = did(gap, "income")
    assert estimate.dropped == 1
    assert estimate.value == did(dropped, "income").value


def test_true_and_false_are_one_and_zero():
    panel = make_panel().assign(rich=lambda p: p["income"] > 10)
    study = Study.from_frame(panel.assign(number=panel["rich"].astype(int)), **DESIGN)
    assert did(study, "rich").value == did(study, "number").value


@pytest.mark.parametrize("years", [[15, 16, 17], ["15", "16", "17"], [2015, 16, 2017]])
def test_years_of_two_digits_are_refused(years):
    frame = pd.DataFrame({"v": ["a"] * 3 + ["b"] * 3, "year": years * 2, "start": [16] * 3 + [None] * 3})
    fault = r"^'year' \(time\) is a year of two digits in \d rows?: .*Write all four digits"
    with pytest.raises(StudyError, match=fault):
        Study.from_frame(frame, unit="v", time="year", first_treated="start")


def test_periods_counted_from_one_are_no_years_of_two_digits():
    frame = pd.DataFrame({"v": ["a"] * 12 + ["b"] * 12, "period": [*range(1, 13)] * 2, "start": [6] * 12 + [None] * 12})
    with pytest.warns(FewTreatedGroupsWarning):
        assert Study.from_frame(frame, unit="v", time="period", first_treated="start").frame["time"].max() == 12


def test_relative_years_may_be_negative():
    panel = make_panel().assign(year=lambda p: p["year"] - 2022, start=lambda p: p["start"] - 2022)
    study = Study.from_frame(panel, **DESIGN)
    assert study.starts == [0]
    assert did(study, "income").value == did(Study.from_frame(make_panel(), **DESIGN), "income").value


def test_units_as_numbers_are_cut_in_the_order_of_numbers():
    units = pd.DataFrame(index=[10, 9, 100, 2])
    assert placebo_groups(units, 2).to_dict() == {
        2: "placebo all-1",
        9: "placebo all-1",
        10: "placebo all-2",
        100: "placebo all-2",
    }


def test_placebo_groups_are_cut_by_code_within_the_stratum():
    units = pd.DataFrame({"stratum": ["x", "y", "x", "x", "y", "x"]}, index=["f", "e", "d", "c", "b", "a"])
    assert placebo_groups(units, 2).to_dict() == {
        "a": "placebo x-1",
        "c": "placebo x-1",
        "d": "placebo x-2",
        "f": "placebo x-2",
        "b": "placebo y-1",
        "e": "placebo y-1",
    }


@pytest.mark.parametrize("size", [1, 2, 5, 7])
@pytest.mark.parametrize("number", [1, 4, 5, 8, 23, 50])
def test_placebo_groups_are_near_the_size_asked_for(number, size):
    groups = placebo_groups(pd.DataFrame(index=range(number)), size)
    sizes = groups.value_counts()
    assert len(sizes) == max(1, round(number / size))
    assert sizes.max() - sizes.min() <= 1
    assert (groups != groups.shift()).sum() == len(sizes), "each group is one run of codes"


def make_grouped(placebo_group_size: int | None = None, stratum: str | None = "town") -> Study:
    """Fourteen villages in two towns; district sizes 1, 2 and 6 (median 2, mean 3); five villages have no district."""
    districts = {"a": "one", "c": "two", "d": "two"} | dict.fromkeys("fghijk", "six")
    panel = pd.DataFrame([(v, y) for v in "abcdefghijklmn" for y in YEARS], columns=["village", "year"])
    panel["district"] = panel["village"].map(districts)
    panel["start"] = panel["district"].map({"one": 2022, "two": 2022, "six": 2022})
    panel["town"] = panel["village"].map(lambda village: "left" if village < "m" else "right")
    return Study.from_frame(panel, **DESIGN, **GROUPED, stratum=stratum, placebo_group_size=placebo_group_size)


def test_untreated_units_get_groups_of_the_median_size():
    study = make_grouped()
    assert (study.placebo_group_count, study.placebo_group_size) == (3, 2)
    untreated = study.units.query("first_treated.isna()")["group"]
    assert untreated.to_dict() == {
        "b": "placebo left-1",
        "e": "placebo left-1",
        "l": "placebo left-2",
        "m": "placebo right-1",
        "n": "placebo right-1",
    }
    assert study.data_statement == (
        "Your data: 14 villages (9 treated in 3 groups, 5 untreated in 3 groups, all of them placebo groups of about "
        "2 villages cut by name order), 2020-2023."
    )


def test_groups_that_mix_treated_and_untreated_units_are_noted_with_every_result():
    study = make_grouped()
    frame = study.frame.assign(district=study.frame["group"].where(study.frame["first_treated"].isna(), "all"))
    mixed = frame.assign(district=frame["district"].replace("placebo left-1", "all"), first=frame["first_treated"])
    mixed = mixed.rename(columns={"unit": "village", "time": "year"}).drop(
        columns=["first_treated", "group", "stratum"]
    )
    with pytest.warns(FewTreatedGroupsWarning):
        notes = Study.from_frame(mixed, unit="village", time="year", first_treated="first", group="district").notes
    assert notes[1] == (
        "1 group holds both treated and untreated units (all): treatment was not given to whole groups, and "
        "randomization of groups cannot serve."
    )


def test_a_size_for_groups_that_nobody_lacks_is_refused():
    study = make_grouped()
    frame = study.frame.rename(columns={"unit": "v", "time": "y", "first_treated": "f", "group": "g", "stratum": "s"})
    with pytest.raises(StudyError, match=r"^placebo_group_size is given, but every unit has a group. Leave it out.$"):
        Study.from_frame(frame, unit="v", time="y", first_treated="f", group="g", placebo_group_size=5)


def test_a_group_named_like_a_placebo_group_is_refused():
    study = make_grouped()
    frame = study.frame.rename(columns={"unit": "v", "time": "y", "first_treated": "f", "group": "g", "stratum": "s"})
    frame["g"] = frame["g"].where(frame["g"] != "placebo left-1")
    message = r"^2 groups begin with 'placebo ': placebo left-2, placebo right-1. Placebo groups are named so; rename"
    with pytest.raises(StudyError, match=message):
        Study.from_frame(frame, unit="v", time="y", first_treated="f", group="g", stratum="s")


def test_provenance_is_one_of_four_words():
    message = r"^provenance must be one of yours, simulated, published, invented, not 'Simulatd'.$"
    with pytest.raises(StudyError, match=message):
        Study.from_frame(pd.DataFrame(), unit="v", time="y", first_treated="f", provenance="Simulatd")


def test_the_design_is_no_outcome():
    with pytest.raises(StudyError, match=r"^'time' is part of the design and cannot be the outcome.$"):
        make_grouped().column("time")


def test_placebo_size_and_stratum_can_be_chosen():
    assert make_grouped(placebo_group_size=1).placebo_group_count == 5
    assert make_grouped(placebo_group_size=5, stratum=None).placebo_group_count == 1


def test_old_names_still_answer_and_say_the_new_ones():
    study = make_grouped(placebo_group_size=1)
    options = DESIGN | GROUPED | {"stratum": "stratum"}
    frame = study.frame.rename(columns={"unit": "village", "time": "year", "first_treated": "start"})
    frame["district"] = frame.pop("group").where(frame["start"].notna())
    with pytest.warns(FutureWarning, match=r"^from_frame\(\) takes pseudo_groups= until version 0.3 only. Write "):
        old = Study.from_frame(frame, **options, pseudo_groups=1)
    pd.testing.assert_frame_equal(old.frame, study.frame)
    with pytest.warns(FutureWarning, match=r"^Study.placebo_groups is here until version 0.3 only. Write: "):
        assert old.placebo_groups == 5
    with pytest.warns(FutureWarning, match=r"^Study.placebo_size is here until version 0.3 only. Write: "):
        assert old.placebo_size == 1
    with pytest.raises(AttributeError, match=r"^'Study' object has no attribute 'pseudo'$"):
        _ = old.pseudo


def test_groups_that_are_given_are_kept():
    panel = WITH_DISTRICT(make_panel())
    panel.loc[panel["village"] == "d", "district"] = "market"
    with pytest.warns(FewTreatedGroupsWarning):
        study = Study.from_frame(panel, **DESIGN, **GROUPED, placebo_group_size=2)
    assert study.units["group"].to_dict() == {
        "a": "north",
        "b": "north",
        "c": "south",
        "d": "market",
        "e": "placebo all-1",
        "f": "placebo all-1",
    }
    assert study.placebo_group_count == 1


def test_complete_groups_need_no_placebo():
    panel = make_panel().assign(district=lambda p: p["village"].map(lambda village: "abc".find(village)))
    study = Study.from_frame(panel, **DESIGN, **GROUPED)
    assert study.placebo_group_count == 0
    assert study.data_statement == ("Your data: 6 villages (3 treated in 3 groups, 3 untreated in 1 group), 2020-2023.")


@pytest.mark.parametrize(
    ("provenance", "start"), [("yours", "Your data: "), ("simulated", "Simulated data: "), ("published", "Published")]
)
def test_provenance_opens_the_statement(provenance, start):
    study = Study.from_frame(make_panel(), **DESIGN, provenance=provenance)
    assert repr(study).startswith(start)
    assert study._repr_markdown_() == repr(study) == study.data_statement


def test_outcomes_are_described_or_named():
    described = {"income": Outcome("income", unit="CNY", label_en="Income")}
    study = Study.from_frame(make_panel(), **DESIGN, outcomes=described)
    assert (study.primary_outcome, study.describe("income").label) == ("income", "Income")
    assert study.describe("rain") == Outcome("rain")
    assert study.describe("rain").label == "rain"
    for names in ("income", ["income"]):
        assert Study.from_frame(make_panel(), **DESIGN, outcomes=names).outcomes == {"income": Outcome("income")}


def test_subset_is_validated_again():
    study = make_grouped()
    assert study.subset(study.frame["unit"] != "l").placebo_group_count == 2
    with pytest.warns(FewTreatedGroupsWarning, match=r"^Only 2 treated groups \(two, six\): "):
        assert len(study.subset(study.frame["group"] != "one").notes) == 1
    with pytest.raises(
        StudyError, match=r"^No year after treatment for 9 units: a \(2022\), c \(2022\), d \(2022\), \.\.\."
    ):
        study.subset(study.frame["time"] < 2022)


@pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")
def test_complete_keeps_units_seen_in_every_year():
    panel = make_panel()
    panel.loc[[13, 14], "income"] = np.nan
    study = Study.from_frame(panel.drop(index=20), **DESIGN)
    assert study.complete("income").units.index.tolist() == ["a", "b", "c", "e"]


def test_log_of_an_outcome_and_of_verbs_goes_on_working_with_a_warning():
    with pytest.warns(FutureWarning, match=r"^Outcome\(\) takes log= until version 0\.3 only\. Write scale='log'\.$"):
        assert Outcome("income", log=True) == Outcome("income", scale="log")
    study = load_study()
    with pytest.warns(FutureWarning, match=r"^did\(\) takes log= until version 0\.3 only\. Write scale='log'\.$"):
        assert did(study, "households", log=True).value == did(study, "households", scale="log").value


def test_the_scale_asked_for_comes_before_the_outcomes_own():
    study = replace(load_study(), outcomes={"a": Outcome("a", scale="poisson"), "b": Outcome("b")})
    assert [study.scale_of("a"), study.scale_of("b"), study.scale_of("a", "log")] == ["poisson", "level", "log"]
    assert study.scale_of("a", known=("level", "log")) == "level"


def test_groups_that_all_hold_treated_and_untreated_units_are_neither():
    study = famine()
    assert study.mixed
    assert not load_study().mixed
    assert "921 counties (461 treated, 460 untreated, in the same 13 groups), 1954-1961" in repr(study)
    effect = did(study, "mortality_per_1000")
    assert ", 13 groups, with treated and untreated counties; " in effect.small_print()
    assert "too few" not in repr(effect)
