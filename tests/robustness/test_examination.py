"""What would change the answer: the sentence of each check, on a panel small enough to know, and refusals that stay."""

import dataclasses
import re
from html import unescape
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter

from analysis import Outcome, Study, StudyError, did, event_study, examine, neighbours, reweight
from analysis.robustness.bunching import moved_reports
from analysis.robustness.check import beside, in_short, threat, with_interval
from analysis.robustness.examination import CHECKS
from analysis.robustness.odd_years import last_before, years_apart
from analysis.robustness.operating_income import operating_income
from analysis.robustness.other_starts import other_starts
from analysis.robustness.revaluation import revaluation

NAMES = [check.__name__ for check in CHECKS]
HANZI = re.compile(r"[\u4e00-\u9fff]")
pytestmark = pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")


def panel() -> pd.DataFrame:
    """Twelve groups of three villages in five towns, four groups treated from 2021 on; one town is a subdistrict."""
    random = np.random.default_rng(7)
    rows = []
    for group in range(12):
        for village in range(3):
            level, visits = random.lognormal(10.9, 0.3), random.uniform(0, 100)
            for year in range(2017, 2024):
                gain = 1.1 if group < 4 and year >= 2021 else 1.0
                income = level * gain * (1 + 0.03 * (year - 2017)) * random.lognormal(0, 0.05)
                town = ["town 0", "town 1", "town 2", "town 3", "town 4", "东街道"][group % 6]
                rows.append((f"v{group:02}{village}", year, f"g{group:02}", town, income, 0.5 * income + 5000, visits))
    columns = ["village", "year", "group", "town", "income", "operating", "tourist_visits"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(start=frame["group"].map(dict.fromkeys(["g00", "g01", "g02", "g03"], 2021)))


def study_of(frame: pd.DataFrame, language: str = "en", **described: str) -> Study:
    income = Outcome("income", label_en="Income", label_zh="收入", **{"unit": "CNY", "prices": "nominal"} | described)
    outcomes = {"income": income, "operating": Outcome("operating", unit="CNY", label_en="Operating income")}
    roles = {"unit": "village", "time": "year", "first_treated": "start", "group": "group", "stratum": "town"}
    study = Study.from_frame(frame, **roles, outcomes={name: one for name, one in outcomes.items() if name in frame})
    return dataclasses.replace(study, language=language)


@pytest.fixture(scope="module")
def examination():
    return examine(study_of(panel()))


FOUND = {
    "rich_village": "A typical village: +9.8 % (+7.3 to +12.3); as given: +9.9 % (+7.1 to +12.7).",
    "odd_years": "Without 2020-2022: +6.8 % (+1.6 to +12.3); without the year before: +8.9 % (+5.3 to +12.6); "
    "as given: +9.9 % (+7.1 to +12.7).",
    "returning_tourists": "Visits before the start, by year: +10.2 % (+7.9 to +12.6); as given: +9.9 % (+7.1 to "
    "+12.7).",
    "revaluation": "Other prices (constant 2020): +9.8 % (+7.1 to +12.7); as given: +9.9 % (+7.1 to +12.7).",
    "moved_start": "With 8 other choices of start years the effect is 5.9 % to 9.9 %; as given +9.9 % (+7.1 to +12.7). "
    "Against the last year before it is 1.9 % to 10.5 %.",
    "other_strata": "On neighbours: +2.2 % (−0.7 to +5.2) by CR2; p = 0.267 if strata were drawn by lot. Without "
    "neighbours: +11.2 % (+8.4 to +14.0); as given: +9.9 % (+7.1 to +12.7).",
    "same_promise": "The same villages, unweighted: +9.9 % (+7.1 to +12.7); reweighted: +10.7 % (+7.8 to +13.8); "
    "as given: +9.9 % (+7.1 to +12.7). Before, totals grew by 2.7 % a year inside and 3.3 % outside, reweighted by "
    "2.7 %. The weights leave the untreated villages worth 12.0 equal ones: the fewer, the wider the interval.",
    "synthetic_districts": "The average effect is +9.3 % (+5.5 to +13.3), p = 0.014 against placebo districts; as "
    "given +9.9 % (+7.1 to +12.7). Of the districts alone the smallest p is 0.444, adjusted for their number (Holm).",
    "other_programmes": "Without subdistricts (6 villages, 0 of them treated): +9.5 % (+6.7 to +12.4); "
    "as given: +9.9 % (+7.1 to +12.7).",
    "operating_income": "Operating income (another outcome): +7.9 % (+5.7 to +10.2); as given: +9.9 % (+7.1 to "
    "+12.7). The difference of two outcomes needs a test of its own.",
    "moved_reports": "Of the reports near a mark lie above it: 0 of 1 inside after the start (too few to tell), 6 of "
    "12 inside before the start (too few to tell), 4 of 8 outside after the start (too few to tell), 15 of 27 outside "
    "before the start. Without moving it would be about half. Moving that is alike on both sides hardly touches the "
    "effect. More of it inside after the start looks like one.",
    "false_starts": "0 of 3 effects of false starts differ from zero at 5 %, tested one by one; with few districts "
    "such tests miss much. They are −3.3 % to 0.5 % against all years before each, and not independent, because they "
    "share years. Against the last year before each they are −4.2 % to 0.5 %. Their signs differ, so they show no "
    "single trend; as given +9.9 % (+7.1 to +12.7).",
    "parallel_trends": "All leads together: p = 0.548. No honest bounds: 8 untreated groups cannot show how 6 event "
    "times vary together; more than 18 are needed. Use fewer years. Against the last year before (another baseline): "
    "+12.6 % (+8.0 to +17.4); as given: +9.9 % (+7.1 to +12.7).",
    "every_specification": "27 of 27 specifications estimated: 2.2 to 9.5 % in levels, 5.7 to 10.9 % in logs, 6.5 to "
    "11.2 % in per cent. 23 of 27 intervals exclude zero. The study's own has scale poisson, weights none, controls "
    "none.",
}


@pytest.mark.parametrize("name", NAMES)
def test_each_check_says_what_it_found(examination, name):
    assert examination[name].found == FOUND[name]
    assert not examination[name].refused


def test_every_check_is_found_by_its_name(examination):
    assert list(examination.checks) == NAMES == list(FOUND)


def test_sentences_hold_the_numbers_of_the_verbs_beneath(examination):
    study = study_of(panel())
    given = did(study, "income")
    assert examination.headline.value == given.value
    assert (
        examination["other_strata"].estimates["neighbours left out"].value == neighbours(study, "income").treated.value
    )
    weighted = did(reweight(study, "income").study, "income", weights="balancing_weight")
    assert examination["same_promise"].estimates["reweighted"].value == weighted.value
    starts = other_starts(study, "income")
    moved = examination["moved_start"].estimates
    assert [one.value for one in moved.values()] == starts.loc[list(moved), "estimate"].tolist()


def test_the_table_has_a_row_a_threat_headed_in_words(examination):
    table = examination.table
    assert table.caption == "Income: what would change the answer; in brackets 95 % intervals (your data)"
    assert table.frame.index.name == "Threat"
    assert table.frame.columns.tolist() == ["What was done", "What was found"]
    found = table.frame["What was found"]
    assert len(found) == 12, "as many rows as a page shows; checks of one threat share theirs"
    assert [name for name, said in FOUND.items() if said not in found[examination[name].threat]] == []
    assert found["Income on paper only"] == f"{FOUND['operating_income']} {FOUND['moved_reports']}"
    html = unescape(examination._repr_html_())
    assert [check.threat for check in examination.checks.values() if check.threat not in html] == []
    assert [check.done for check in examination.checks.values() if check.done not in html] == []
    assert html.startswith("<p>Your data: effect on income +9.9 % ")
    assert f"<p>{examination.counted}</p>" in html


def test_estimates_of_checks_are_counted_by_sign_and_interval(examination):
    said = "Beside the effect as given stand 13 estimates of these checks: {} with the other sign. {} of 13 intervals "
    assert len(examination.estimates) - 1 == 13
    assert all(one.headline()["low"] > 0 for one in examination.estimates.values())
    assert examination.counted == said.format(0, 13) + "exclude zero."
    turned = dataclasses.replace(examination, headline=SimpleNamespace(value=-0.1))
    assert turned.counted == said.format(13, 13) + "exclude zero."
    noise = panel().assign(income=np.random.default_rng(1).lognormal(size=252))
    wide = did(study_of(noise), "income")
    assert wide.headline()["low"] < 0 < wide.headline()["high"]
    two = SimpleNamespace(estimates={"noise": wide, "operating": examination.headline, "refused": StudyError("No.")})
    assert dataclasses.replace(examination, checks={"two": two}).counted.endswith("1 of 2 intervals exclude zero.")
    refused = dataclasses.replace(examination, headline=StudyError("Not known."))
    assert refused.counted == ""


def test_forest_has_the_effect_as_given_first_and_then_every_check_that_has_one(examination):
    labels = list(examination.estimates)
    assert labels[0] == "as given"
    assert {"a typical village", "neighbours left out", "1 year later", "Operating income (another outcome)"} <= set(
        labels
    )
    last = event_study(study_of(panel()), "income").average()
    assert examination.estimates["against the last year before (another baseline)"].value == last.value
    held = [name for check in examination.checks.values() for name in check.estimates]
    assert sorted(labels[1:]) == sorted(held)


def test_a_check_shows_its_sentence_and_what_stands_behind_it(examination):
    check = examination["other_strata"]
    assert repr(check) == f"Your data: {check.done} {check.found}"
    html = check._repr_html_()
    assert [len(check.tables), html.count("<table"), html.count("<p>")] == [1, 1, 2]
    assert check.draw() is check


def test_pages_have_no_shorter_form_of_a_check_to_show_in_its_place(examination):
    for check in examination.checks.values():
        assert set(DisplayFormatter().format(check)[0]) == {"text/plain", "text/html"}, (
            "a report prefers Markdown to HTML"
        )


def test_a_check_with_a_figure_draws_it(examination):
    axes = examination["every_specification"].draw()[0]
    assert axes.get_title("left") + axes.get_title() == "Income: 27 specifications (your data)"


def test_a_refusal_keeps_its_row_and_its_reason_is_said_once():
    frame = panel().drop(columns=["tourist_visits", "operating"])
    unseen = frame.assign(income=frame["income"].mask((frame["group"] < "g04") & (frame["year"] < 2021)))
    examination = examine(study_of(unseen))
    assert isinstance(examination.headline, StudyError)
    refused = [name for name, check in examination.checks.items() if check.refused]
    assert {"rich_village", "returning_tourists", "odd_years", "same_promise"} <= set(refused)
    found = examination.table.frame["What was found"]
    assert found["One village carries the result"] == str(examination.headline)
    assert found["Start year wrong"] == "As for “One village carries the result”."
    assert (found == str(examination.headline)).sum() == 1
    assert examination["returning_tourists"].found.startswith("The panel has no column 'tourist_visits'")
    assert examination["rich_village"].draw() is examination["rich_village"]


def test_an_error_that_is_no_refusal_is_not_held():
    def broken(study, outcome):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        threat("a", "b")(broken)(study_of(panel()), "income")


def test_effects_are_short_in_the_unit_that_readers_see():
    assert with_interval("en", "log points", 0.1, 0.05, 0.15) == "+10.5 % (+5.1 to +16.2)"
    assert with_interval("en", "CNY", 49_075.0, -46_756.0, 144_906.0) == "+49,075 CNY (−46,756 to +144,906)"
    assert with_interval("en", "CNY", 49_075.0, np.nan, np.nan) == "49,075 CNY (no interval)"
    assert with_interval("zh", "CNY", 49_075.0, np.nan, np.nan) == "49,075元（无置信区间）"


def test_what_could_not_be_estimated_follows_the_sentence():
    given = did(study_of(panel()), "income")
    said = beside(given, {"one": given, "other": StudyError("Not known.")})
    assert said == f"One: {in_short(given)}; as given: {in_short(given)}. Other: Not known."
    with pytest.raises(StudyError, match="^Not known.$"):
        beside(given, {"other": StudyError("Not known.")})


def test_years_apart_are_those_that_the_panel_has():
    study = study_of(panel().query("year not in (2020, 2021, 2022)").assign(start=lambda frame: frame["start"] + 2))
    assert list(years_apart(study, "income")) == ["without the year before"]
    assert last_before(study, "income") == -4
    later = study_of(panel())
    assert {
        name: sorted(later.frame.loc[rows, "time"].unique()) for name, rows in years_apart(later, "income").items()
    } == {"without 2020-2022": [2020, 2021, 2022], "without the year before": [2020]}


def test_a_chinese_study_is_examined_in_chinese():
    examination = examine(study_of(panel(), "zh"))
    assert examination["rich_village"].found == "典型村：+9.8%（+7.3至+12.3）；原设定：+9.9%（+7.1至+12.7）。"
    assert [name for name, check in examination.checks.items() if not HANZI.search(check.threat + check.done)] == []
    assert "检验结果" in examination._repr_html_()


def test_operating_income_stands_beside_money_only():
    study = study_of(panel(), unit="persons")
    check = operating_income(study, "income")
    assert (check.refused, check.found) == (True, "The study has no operating income beside this outcome.")


@pytest.mark.parametrize("check", [moved_reports, revaluation, operating_income])
def test_checks_of_money_find_the_same_in_a_larger_unit(check):
    larger = panel().assign(income=lambda frame: frame["income"] / 10_000)
    assert check(study_of(larger, unit="万元"), "income").found == check(study_of(panel()), "income").found


def test_the_rest_of_income_holds_the_subsidies():
    frame, random = panel(), np.random.default_rng(3)
    treated = frame["start"].notna() & (frame["year"] >= 2021)
    # What is not operating varies by some tens of CNY, and subsidies of 700 come on top.
    frame["rest"] = 5000 + random.normal(0, 30, len(frame)) + 700.0 * treated
    frame["income"] = frame["operating"] + frame["rest"]
    names = {"income": "Income", "operating": "Operating income"}
    outcomes = {name: Outcome(name, label_en=label, unit="CNY", prices="nominal") for name, label in names.items()}
    study = dataclasses.replace(study_of(frame), outcomes=outcomes)
    rest = did(study, "rest", scale="level")
    assert rest.value == pytest.approx(700, abs=30)
    amount = in_short(dataclasses.replace(rest, study=study, outcome="income"))
    whole = in_short(did(study, "income", scale="level"))
    said = f"In levels the effect on income is {whole} a year; on the rest, where subsidies are booked, "
    assert operating_income(study, "income").found.endswith(f"{said}{amount}.")
