"""The one-page summary: the same numbers in both languages, for any study, and nothing a study says becomes markup."""

import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import Mock

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from example_study import example_panel
from PIL import Image

from analysis import (
    Outcome,
    Study,
    StudyError,
    did,
    event_study,
    load_study,
    minimum_detectable_effect,
    randomization,
    scale_evidence,
)
from analysis.report.summary import DOTS_PER_INCH, FIGURE_SIZE, Summary, summarize, write_summary
from analysis.report.title_page import to_html
from analysis.robustness.check import in_short

EXAMPLE = Path(__file__).resolve().parents[2] / "data" / "example" / "study.toml"
INCOME = "村集体经济收入"
DESIGN = {"unit": "村代码", "time": "年份", "first_treated": "加入年份"}
GROUPS = {"group": "片区", "stratum": "乡镇"}
NUMBER = re.compile(r"−?\d+(?:,\d{3})*(?:\.\d+)?")
LATIN = re.compile(r"[A-Za-z]{2,}")


def study_of(panel: pd.DataFrame, outcome: dict | None = None, **options: object) -> Study:
    """The example's villages as a study of a researcher's own, with one outcome."""
    described = {"unit": "CNY", "label_en": "Village income", "label_zh": "村收入"} | {"prices": "constant 2020"}
    outcomes = {INCOME: Outcome(INCOME, **described | (outcome or {}))}
    with warnings.catch_warnings(action="ignore"):
        return Study.from_frame(panel, **DESIGN, **GROUPS | options, outcomes=outcomes)


def one_treated() -> Study:
    panel = example_panel()
    return study_of(panel[panel["加入年份"].isna() | (panel["片区"] == "虚构片区1")])


def two_start_years() -> Study:
    panel = example_panel()
    panel.loc[panel["片区"] == "虚构片区5", "加入年份"] = 2022
    return study_of(panel)


def start_years_apart() -> Study:
    panel = example_panel()
    places = panel.loc[panel["加入年份"].notna(), "片区"].unique()
    return study_of(panel.assign(加入年份=panel["片区"].map(dict(zip(places, range(2021, 2030), strict=False)))))


def mixed_group() -> Study:
    panel = example_panel()
    panel.loc[panel["村代码"] == panel["村代码"].iloc[0], "加入年份"] = None
    return study_of(panel)


def with_gaps() -> Study:
    panel = example_panel()
    panel.loc[[3, 9, 20], INCOME] = np.nan
    return study_of(panel, {"prices": "nominal", "definition": "total income"})


def no_year_before_start() -> Study:
    panel = example_panel()
    return study_of(panel[panel["年份"] != 2020])


def refused() -> Study:
    panel = example_panel()
    panel.loc[3, INCOME] = 0
    return study_of(panel, {"scale": "log"})


def one_rich_village() -> Study:
    panel = example_panel()
    panel.loc[panel["村代码"] == panel.loc[panel["加入年份"].notna(), "村代码"].iloc[0], INCOME] *= 60
    return study_of(panel)


def two_unlike_groups() -> Study:
    panel = example_panel()
    return study_of(panel[panel["加入年份"].isna() | panel["片区"].isin(["虚构片区1", "虚构片区3"])])


def zeros() -> Study:
    panel = example_panel().assign(land=lambda panel: panel["村代码"].str[-1].astype(float))
    panel.loc[panel["村代码"] == panel["村代码"].iloc[-1], INCOME] = 0
    panel.loc[panel["年份"] == 2019, INCOME] = 0
    panel.loc[[3, 9], "land"] = np.nan
    return study_of(panel, controls=["land"])


def planned() -> Study:
    panel = example_panel()
    panel.loc[panel["年份"] >= 2021, INCOME] = np.nan
    return study_of(panel)


STUDIES: dict[str, Callable[[], Study]] = {
    "own": load_study,
    "example": lambda: load_study(EXAMPLE, "zh"),
    "one treated group": one_treated,
    "two start years": two_start_years,
    "start years apart": start_years_apart,
    "one year before": lambda: study_of((panel := example_panel())[panel["年份"].between(2020, 2022)]),
    "logs": lambda: study_of(example_panel(), {"scale": "log"}, provenance="published", title="In logs"),
    "levels": lambda: study_of(example_panel(), {"scale": "level"}),
    "logged": lambda: study_of(example_panel().assign(**{INCOME: lambda one: np.log(one[INCOME])}), {"logged": True}),
    "no groups": lambda: study_of(example_panel(), group=None, noun="county"),
    "no strata": lambda: study_of(example_panel(), {"unit": "%"}, stratum=None),
    "mixed group": mixed_group,
    "gaps": with_gaps,
    "no year before the start": no_year_before_start,
    "refused": refused,
    "planned": planned,
    "whole strata": lambda: study_of(
        example_panel().assign(乡镇=lambda panel: np.where(panel["加入年份"].notna(), "甲镇", "乙镇"))
    ),
    "specified": lambda: study_of(
        example_panel().assign(land=lambda panel: panel["村代码"].str[-1].astype(int)),
        controls=["land"],
        weights="户数",
    ),
    "one rich village": one_rich_village,
    "two unlike groups": two_unlike_groups,
    "zeros": zeros,
    "bare": lambda: replace(study_of(example_panel()), outcomes={INCOME: Outcome(INCOME)}),
}


@cache
def found(name: str) -> Summary:
    """What the summary of a study says, computed once."""
    return summarize(STUDIES[name]())


@pytest.fixture(scope="module")
def summaries(tmp_path_factory) -> Callable[[str], tuple[Study, dict[str, str], Path]]:
    """Each study with its summary in either language, as shown, and the folder of its figures; made once."""
    made = {}

    def summary(name: str) -> tuple[Study, dict[str, str], Path]:
        if name not in made:
            folder, study = tmp_path_factory.mktemp("summary"), found(name).study
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("analysis.report.summary.summarize", lambda _: found(name))
                pages = write_summary(study, folder)
            texts = {language: page.replace("\\", "") for language, page in pages.items()}
            made[name] = study, texts, folder
        return made[name]

    return summary


def numbers(text: str) -> list[str]:
    """Every number of a text, sorted; not those in the names of figures."""
    return sorted(NUMBER.findall(re.sub(r"\(summary-\w+\.png\)", "", text)))


@pytest.mark.parametrize("name", STUDIES)
def test_both_languages_say_the_same_numbers(summaries, name):
    _, texts, _ = summaries(name)
    assert set(texts) == {"en", "zh"}
    assert numbers(texts["en"]) == numbers(texts["zh"])
    assert len(numbers(texts["en"])) > 3


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", [name for name in STUDIES if name not in ("refused", "planned")])
def test_results_say_their_own_sentences(summaries, name, language):
    study, texts, _ = summaries(name)
    spoken = replace(study, language=language)
    estimate = did(spoken, study.primary_outcome)
    assert " ".join(repr(estimate).split()) in texts[language]
    assert f"- {estimate.small_print()}\n" in texts[language]
    assert f"- {spoken.data_statement}\n" in texts[language]
    if found(name).events:
        assert repr(event_study(spoken, study.primary_outcome).pretrend()) in texts[language]
    if found(name).scale_evidence:
        assert repr(scale_evidence(spoken, study.primary_outcome)) in texts[language]


def test_own_study_in_plain_words(summaries):
    _, texts, _ = summaries("own")
    english, chinese = texts["en"], texts["zh"]
    assert english.splitlines()[2].startswith("**All data on this page are simulated")
    assert chinese.splitlines()[2].startswith("**本页全部数据均为模拟数据")
    assert "25 villages in 5 districts (start: 2023) are compared with 249 villages outside, 2016–2024" in english
    assert "将自2023年起纳入5个片区的25个村与片区外的249个村进行比较" in chinese
    assert "The interval includes zero: the data cannot tell the effect from none." in english
    assert "区间包含零：仅凭这些数据，无法判断是否有效应。" in chinese
    assert "The 25 treated villages are real" in chinese, "assumptions are shown as the study gives them"
    assert "inflation" not in english, "its prices are constant"


@pytest.mark.parametrize(("name", "languages"), [("own", ["en", "zh"]), ("example", ["zh", "en"])])
def test_own_language_comes_first(summaries, name, languages):
    study, texts, _ = summaries(name)
    assert list(texts) == languages
    assert study.language == languages[0]


def test_invented_data_are_called_so_and_few_groups_unsure(summaries):
    _, texts, _ = summaries("example")
    assert texts["en"].splitlines()[2].startswith("**All data on this page are invented")
    assert texts["zh"].splitlines()[2].startswith("**本页全部数据均为虚构数据")
    assert "3 groups treated, 3 groups untreated: too few for a reliable interval." in texts["en"]
    assert "this share is 11.1 % or more, so this test cannot find an effect at the 5 % level." in texts["en"]
    assert "amounts are in prices of the day" in texts["en"]
    assert "包含物价上涨因素" in texts["zh"]


@pytest.mark.parametrize("name", [name for name in STUDIES if name not in ("own", "example")])
def test_other_data_are_not_called_simulated(summaries, name):
    _, texts, _ = summaries(name)
    assert not re.search("simulated|invented", texts["en"])
    assert not re.search("模拟|虚构数据", texts["zh"])


def test_one_treated_group_has_no_interval(summaries):
    study, texts, _ = summaries("one treated group")
    lot = did(study, INCOME).inference(["randomization"]).iloc[0]
    share = f"{100 * lot['p_value']:.1f} % of draws"
    assert f"Places drawn by lot show a difference as large for its standard error in {share}" in texts["en"]
    assert "this share is 50.0 % or more" in texts["en"]
    assert "Others: only one case was observed." in texts["en"]
    assert "95 % interval" not in texts["en"].split("**What it rests on**")[0]


def test_most_of_the_treated_total_in_one_group_leaves_no_interval_and_no_lots(summaries):
    study, texts, _ = summaries("one rich village")
    assert did(study, INCOME).dominance
    assert "(no interval: one group has most of the treated total, " in texts["en"]
    assert not re.search("The interval|lots|test by lot|randomization", texts["en"])
    assert not re.search("抽签检验|抽签决定，|随机化", texts["zh"])


@pytest.mark.parametrize("name", [name for name in STUDIES if name not in ("refused", "planned")])
def test_bars_are_named_where_they_are_drawn(summaries, name):
    _, texts, _ = summaries(name)
    events = found(name).events
    drawn = events is not None and events.frame()["low"].notna().any()
    assert ("Bars are 95 % intervals." in texts["en"]) == drawn
    assert ("竖线为95%置信区间。" in texts["zh"]) == drawn


def test_an_event_study_without_intervals_has_no_bars_to_name():
    own = found("own")
    events = Mock(average=own.events.average)
    events.frame = lambda: own.events.frame().assign(low=np.nan, high=np.nan)
    text = replace(own, events=events).markdown("figure.png")
    assert "![Effect on" in text
    assert "Bars" not in text


def test_two_start_years_are_both_said(summaries):
    _, texts, _ = summaries("two start years")
    assert "(start: 2021, 2022) are compared" in texts["en"]
    assert "自2021、2022年起" in texts["zh"]
    assert "start-year cohorts saturated" in texts["en"]


def test_where_the_year_before_the_start_is_missing_the_last_one_seen_takes_its_place(summaries):
    _, texts, _ = summaries("no year before the start")
    assert found("no year before the start").events.reference == -2
    assert "against the last year seen before the start (hollow dot)" in texts["en"]
    assert "以开始前最后一个有数据的年份为基准" in texts["zh"]


def test_without_an_event_study_the_means_are_drawn(summaries):
    _, texts, folder = summaries("one year before")
    assert found("one year before").events is None
    assert "![Means of village income by year (your data)](summary-en.png)" in texts["en"]
    assert "do not suffice to look into this" in texts["en"]
    assert "不足以检验" in texts["zh"]
    assert (folder / "summary-zh.png").is_file()


def test_units_treated_one_by_one(summaries):
    _, texts, _ = summaries("no groups")
    assert "15 counties with the measure (start: 2021) are compared with 15 counties without it" in texts["en"]
    assert "将自2021年起实施的15个县与未实施的15个县" in texts["zh"]
    assert "district" not in texts["en"]
    assert "片区" not in texts["zh"]


def test_groups_of_other_units_are_no_districts(summaries):
    study = replace(STUDIES["gaps"](), noun="county")
    texts = {language: page.replace("\\", "") for language, page in write_summary(study, summaries("gaps")[2]).items()}
    assert "15 counties in 3 groups (start: 2021) are compared with 15 counties that never began" in texts["en"]
    assert "分属3个组" in texts["zh"]


def test_mixed_groups_cannot_be_drawn_by_lot(summaries):
    _, texts, _ = summaries("mixed group")
    assert "A test by lot (randomization) cannot be made here." in texts["en"]
    assert "抽签检验（随机化推断）在此无法进行。" in texts["zh"]


def test_where_whole_strata_are_treated_lots_are_among_all_groups(summaries):
    study, texts, _ = summaries("whole strata")
    test = randomization(did(study, INCOME), within=None)
    share = f"{100 * test.p_value:.1f} % of draws"
    assert f"by lot from all groups show a difference as large for its standard error in {share}" in texts["en"]
    assert "Within strata there is nothing to draw." in texts["en"]
    assert "各分层内没有可抽的对象。" in texts["zh"]


def test_a_planned_study_is_told_what_it_could_show(summaries):
    study, texts, _ = summaries("planned")
    detectable = minimum_detectable_effect(study, INCOME)
    assert repr(detectable) in texts["en"]
    assert repr(detectable.in_language("zh")) in texts["zh"]
    assert "The outcome is not known in any year under treatment yet" in texts["en"]
    assert "Fill in the missing values" not in texts["en"]


def test_gaps_are_counted_and_money_named(summaries):
    _, texts, _ = summaries("gaps")
    assert "177 village-years, 3 village-years left out (village income missing)." in texts["en"]
    assert "177条记录、另有3条记录未使用（缺少村收入）。" in texts["zh"]
    assert "Outcome: total income (CNY, nominal)." in texts["en"]
    assert "指标：total income（元、当年价格）。" in texts["zh"]


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("own", "in per cent, as money and counts grow in per cent", "因为金额和计数按百分比增长"),
        ("levels", "in the outcome's unit, as declared", "因为设置如此"),
        ("logs", "in per cent, as declared", "因为设置如此"),
        ("logged", "in per cent, as the column holds logarithms", "因为该列已是对数值"),
        ("no strata", "in the outcome's unit, as its unit is no money or count", "因其单位不是金额或计数"),
    ],
)
def test_the_scale_is_said_and_why(summaries, name, english, chinese):
    _, texts, _ = summaries(name)
    assert f"- Effects are {english}." in texts["en"]
    assert f"{chinese}。" in texts["zh"]


@pytest.mark.parametrize("name", ["one year before", "logged"])
def test_nothing_is_said_of_untreated_villages_where_they_cannot_tell(summaries, name):
    study, texts, _ = summaries(name)
    with pytest.raises(StudyError):
        scale_evidence(study, study.primary_outcome)
    assert "never treated" not in texts["en"]
    assert "较富的一半" not in texts["zh"]


def test_no_estimate_is_said_and_nothing_drawn(summaries):
    _, texts, folder = summaries("refused")
    assert 'No effect can be computed from these data. scale="log" needs values above zero' in texts["en"]
    assert "根据这些数据无法计算效应。" in texts["zh"]
    assert list(folder.glob("*.png")) == []


def test_trend_against_the_assumption_is_said(tmp_path):
    panel = example_panel()
    panel[INCOME] += 10 * (panel["年份"] - 2018) * panel["加入年份"].notna()
    texts = write_summary(study_of(panel), tmp_path)
    assert "That speaks against parallel trends" in texts["en"]
    assert "这与平行趋势不符" in texts["zh"]


def test_a_studys_own_texts_are_in_the_language_of_the_page(tmp_path):
    studies = [load_study(language=language) for language in ("zh", "en")]
    pages = write_summary(studies[0], tmp_path, studies)
    assert list(pages) == ["zh", "en"]
    for study in studies:
        assert study.title.rstrip("?？") in pages[study.language]
        assert study.assumptions[:12] in pages[study.language].replace("\\", "")
    assert studies[0].title not in pages["en"]


@pytest.mark.parametrize("name", ["own", "example"])
def test_each_language_is_whole(summaries, name):
    study, texts, _ = summaries(name)
    outcome = study.describe(study.primary_outcome)
    own = " ".join((study.title, outcome.definition, outcome.unit, study.assumptions))
    assert set(re.findall(r"[\u4e00-\u9fff]", texts["en"])) <= set(own)


def test_an_interval_of_few_groups_that_excludes_zero_is_no_verdict(summaries):
    few, enough = summaries("example")[1], summaries("no groups")[1]
    assert "excludes zero, but rests on so few groups that chance is no unlikely explanation" in few["en"]
    assert "excludes zero: chance alone is an unlikely explanation" in enough["en"]


def test_effects_too_small_to_be_found_are_said_and_the_other_baseline(summaries):
    study, texts, _ = summaries("own")
    assert f"- Small effects. {minimum_detectable_effect(study, study.primary_outcome)!r}\n" in texts["en"]
    average = event_study(study, study.primary_outcome).average()
    assert f"Against the last year before alone it is {in_short(average)}." in texts["en"]


@pytest.mark.parametrize("name", ["own", "example"])
def test_a_language_takes_one_printed_page(summaries, name):
    _, texts, _ = summaries(name)
    assert sum(bool(re.search(r"\w", word)) for word in texts["en"].split()) < 600
    assert len(re.findall(r"[\u4e00-\u9fff]", texts["zh"])) < 950


def test_chinese_text_is_chinese(summaries):
    study, texts, _ = summaries("example")
    own = " ".join((study.title, study.describe(study.primary_outcome).definition))
    assert set(LATIN.findall(texts["zh"])) - set(LATIN.findall(own)) == {"CR", "Satterthwaite", "summary", "zh", "png"}


# Markup


class Tags(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.attributes, self.text = set(), {}, ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data):
        self.text += data


HOSTILE = {
    "title": "<script>alert(1)</script> # *a* [b](http://c) ![d](http://e/f.png) `g` $h$ {i}`j` &lt; \\k\n# l\n- m",
    "label_en": "<b>|n|</b> _o_ ~~p~~ $q$",
    "label_zh": "<b>收入</b>**$q$**",
    "unit": "<i>",
    "definition": "<img src=x onerror=alert(1)>",
    "assumptions": "](http://r) <s>t</s>",
    "noun": "<u>",
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Tags:
    outcome = {key: HOSTILE[key] for key in ("label_en", "label_zh", "unit", "definition")}
    study = study_of(example_panel(), outcome, title=HOSTILE["title"], noun=HOSTILE["noun"])
    study = replace(study, assumptions=HOSTILE["assumptions"])
    return Tags(to_html("\n\n".join(write_summary(study, tmp_path_factory.mktemp("hostile")).values())))


def test_text_of_a_study_becomes_no_markup(hostile):
    assert hostile.tags == {"h2", "p", "strong", "em", "img", "ul", "li"}
    assert set(hostile.attributes) == {"src", "alt"}
    assert hostile.attributes["src"] in ("summary-en.png", "summary-zh.png")


@pytest.mark.parametrize("part", [part for part in HOSTILE if part != "label_zh"])
def test_text_of_a_study_shows_as_it_is(hostile, part):
    shown = " ".join(HOSTILE[part].split())
    assert shown in " ".join(hostile.text.split())


# Figures


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["own", "one year before"])
def test_figures_have_their_size_and_differ_by_language(summaries, name, language):
    _, texts, folder = summaries(name)
    assert f"](summary-{language}.png)" in texts[language]
    with Image.open(folder / f"summary-{language}.png") as image:
        assert image.size == tuple(round(side * DOTS_PER_INCH) for side in FIGURE_SIZE)
        assert set(image.info) == {"dpi"}, "neither the time nor the version of a program"
    both = [(folder / f"summary-{one}.png").read_bytes() for one in ("en", "zh")]
    assert both[0] != both[1]


def test_summary_is_the_same_every_time(summaries, tmp_path):
    study, _, folder = summaries("example")
    again = write_summary(study, tmp_path)
    assert again == write_summary(STUDIES["example"](), tmp_path)
    for name in ("summary-en.png", "summary-zh.png"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_drawing_leaves_the_look_of_other_figures_alone(tmp_path):
    study = STUDIES["example"]()
    with mpl.rc_context({"figure.facecolor": "pink"}):
        before = dict(mpl.rcParams)
        Summary(study).draw(tmp_path / "one.png")
        assert dict(mpl.rcParams) == before
