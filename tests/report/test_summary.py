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
from analysis.messages import amount, fixed
from analysis.report.findings import Findings, find
from analysis.report.summary import DOTS_PER_INCH, FIGURE_SIZE, Sentences, draw, write_summary
from analysis.report.title_page import to_html

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
def found(name: str) -> Findings:
    """What the summary of a study says, computed once."""
    return find(STUDIES[name]())


@pytest.fixture(scope="module")
def summaries(tmp_path_factory) -> Callable[[str], tuple[Study, dict[str, str], Path]]:
    """Each study with its summary in either language, as shown, and the folder of its figures; made once."""
    made = {}

    def summary(name: str) -> tuple[Study, dict[str, str], Path]:
        if name not in made:
            folder, study = tmp_path_factory.mktemp("summary"), found(name).study
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("analysis.report.summary.find", lambda _: found(name))
                parts = re.split(r"(?m)^## (?=Summary|摘要)", write_summary(study, folder))[1:]
            texts = {"en" if part.startswith("Summary") else "zh": part.replace("\\", "") for part in parts}
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


def in_per_cent(log_points: float) -> str:
    return fixed(100 * np.expm1(log_points), 1)


@pytest.mark.parametrize("name", ["levels", "no strata", "bare"])
def test_in_levels_numbers_are_amounts_and_the_share(summaries, name):
    study, texts, _ = summaries(name)
    estimate = did(study, study.primary_outcome)
    shown = {
        amount(estimate.value),
        f"{abs(estimate.percent):.1f}",
        f"{estimate.rows:,}",
        *map(amount, estimate.headline()[["low", "high"]]),
    }
    assert estimate.scale == "level"
    assert shown <= set(numbers(texts["zh"]))


@pytest.mark.parametrize(
    "name", [name for name in STUDIES if name not in ("refused", "planned", "levels", "no strata", "bare")]
)
def test_numbers_are_those_of_did_in_per_cent(summaries, name):
    study, texts, _ = summaries(name)
    estimate = did(study, study.primary_outcome)
    shown = {in_per_cent(estimate.value).removeprefix("−"), f"{estimate.rows:,}"}
    shown |= {in_per_cent(bound) for bound in estimate.headline()[["low", "high"]] if np.isfinite(bound)}
    if estimate.scale == "poisson":
        shown.add(amount(float(f"{abs(estimate.amount):.2g}")))
    assert shown <= set(numbers(texts["zh"]))


def test_pretrend_is_that_of_the_event_study(summaries):
    study, texts, _ = summaries("own")
    slope = event_study(study, study.primary_outcome).pretrend().frame()
    low, high, chance = slope.iloc[0][["low", "high", "p_value"]]
    assert f"moved by {in_per_cent(slope['estimate'].iloc[0])} % a year" in texts["en"]
    assert f"{in_per_cent(low)} % to {in_per_cent(high)} %, p = {chance:.3f}" in texts["en"]
    assert f"all years together p = {slope['p_value'].iloc[1]:.3f}" in texts["en"]


def test_own_study_in_plain_words(summaries):
    _, texts, _ = summaries("own")
    english, chinese = texts["en"], texts["zh"]
    assert english.splitlines()[2].startswith("**All data on this page are simulated")
    assert chinese.splitlines()[2].startswith("**本页全部数据均为模拟数据")
    assert "25 villages in 5 districts (start: 2023) are compared with 249 villages outside, 2016–2024" in english
    assert "将自2023年起纳入5个片区的25个村与片区外的249个村进行比较" in chinese
    assert "1.5 % higher than without the districts (about 5,100 CNY for each village and year)" in english
    assert "片区内的村集体经济收入平均比假如没有设立片区时高1.5%（平均每个村每年约5,100元）" in chinese
    assert "That includes zero: the data cannot tell the effect from none." in english
    assert "51 groups to compare with were made for this study: about 5 villages each" in english
    assert "按代码顺序，每组约5个村" in chinese
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
    assert "With only 3 districts behind it, the interval itself is unsure." in texts["en"]
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
    assert "No interval can be given: with 1 district alone" in texts["en"]
    assert "无法给出置信区间：只有1个片区" in texts["zh"]
    assert (
        f"Places drawn by lot show a difference at least as large in {100 * lot['p_value']:.1f} % of draws"
        in texts["en"]
    )
    assert "this share is 50.0 % or more" in texts["en"]
    assert "Others: only one case was observed." in texts["en"]
    assert "95 % interval" not in texts["en"].split("**What it rests on**")[0]
    assert "How sure that is cannot be said." in texts["en"]


def test_most_of_the_treated_total_in_one_group_leaves_no_interval_and_no_lots(summaries):
    study, texts, _ = summaries("one rich village")
    assert did(study, INCOME).dominance
    assert (
        "No interval can be given: one of the 3 districts has most of the treated total, so its own luck cannot be "
        "told from the effect." in texts["en"]
    )
    assert "无法给出置信区间：3个片区中有一个占处理组总额的大部分，其自身的偶然波动与效应无法区分。" in texts["zh"]
    assert not re.search("no scatter|lots|test by lot|randomization", texts["en"])
    assert not re.search("可供判断的波动|抽签检验|抽签选定，|随机化", texts["zh"])


def test_two_groups_of_unlike_totals_are_not_said_to_be_one(summaries):
    study, texts, _ = summaries("two unlike groups")
    assert 1.9 < did(study, INCOME).effective_treated_districts < 2
    assert (
        "No interval can be given: by their totals the 2 districts count like 1.9 equal ones, so the larger one's own "
        "luck cannot be told from the effect." in texts["en"]
    )
    assert "2个片区只相当于1.9个等量的组，其中较大者自身的偶然波动与效应无法区分。" in texts["zh"]
    assert not re.search("most of the treated total|no scatter|lots", texts["en"])


@pytest.mark.parametrize("name", ["own", "example"])
def test_an_interval_of_fewer_than_three_equal_groups_carries_a_caution(summaries, name):
    study, texts, _ = summaries(name)
    estimate = did(study, study.primary_outcome)
    assert 2.9 <= estimate.effective_treated_districts < 3
    assert np.isfinite(estimate.headline()["low"])
    assert (
        "By their totals the treated groups count like 2.9 equal ones: too few for a reliable interval." in texts["en"]
    )
    assert "按总额计，各处理组只相当于2.9个等量的组，数量太少，区间不足为凭。" in texts["zh"]


@pytest.mark.parametrize("name", ["levels", "logs", "two unlike groups", "one rich village"])
def test_no_caution_where_totals_do_not_weigh_or_no_interval_is_given(summaries, name):
    _, texts, _ = summaries(name)
    assert "too few for a reliable interval" not in texts["en"]
    assert "不足为凭" not in texts["zh"]


@pytest.mark.parametrize("name", [name for name in STUDIES if name not in ("refused", "planned")])
def test_bars_are_named_where_they_are_drawn(summaries, name):
    _, texts, _ = summaries(name)
    events = found(name).events
    drawn = events is not None and events.frame()["low"].notna().any()
    assert ("Bars are 95 % intervals." in texts["en"]) == drawn
    assert ("竖线为95%置信区间。" in texts["zh"]) == drawn


def test_an_event_study_without_intervals_has_no_bars_to_name():
    own, events = found("own"), Mock()
    events.frame = lambda: own.events.frame().assign(low=np.nan, high=np.nan)
    title, how_to_read = Sentences(replace(own, events=events), "en").figure()
    assert np.isfinite(own.slope["low"])
    assert title.startswith("Effect on")
    assert "Bars" not in how_to_read


def test_two_start_years_are_both_said(summaries):
    _, texts, _ = summaries("two start years")
    assert "(start: 2021, 2022) are compared" in texts["en"]
    assert "自2021、2022年起" in texts["zh"]
    assert "Each start year is compared with the places that never began" in texts["en"]
    assert "with 6 groups as the independent observations" in texts["en"]


def test_start_years_of_one_group_each_leave_no_interval(summaries):
    _, texts, _ = summaries("start years apart")
    assert "a part of the effect rests on one group alone" in texts["en"]
    assert "效应的一部分仅取决于一个组" in texts["zh"]


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


def test_logs_are_said_in_per_cent(summaries):
    study, texts, _ = summaries("logs")
    estimate = did(study, INCOME)
    low, high = estimate.headline()[["low", "high"]]
    assert f"{estimate.percent:.1f} % higher than without the districts ({estimate.value:.3f} log points" in texts["en"]
    assert f"fit {in_per_cent(low)} % to {in_per_cent(high)} %" in texts["en"]
    assert f"高{estimate.percent:.1f}%" in texts["zh"]
    assert "The data are published ones." in texts["en"]
    assert "In logs. 15 villages" in texts["en"]


def test_units_treated_one_by_one(summaries):
    _, texts, _ = summaries("no groups")
    assert "15 counties with the measure (start: 2021) are compared with 15 counties without it" in texts["en"]
    assert "将自2021年起实施的15个县与未实施的15个县" in texts["zh"]
    assert "30 counties as the independent observations" in texts["en"]
    assert "district" not in texts["en"]
    assert "片区" not in texts["zh"]


def test_groups_of_other_units_are_no_districts(summaries):
    study = replace(STUDIES["gaps"](), noun="county")
    text = "\n".join(write_summary(study, summaries("gaps")[2]).splitlines())
    assert "15 counties in 3 groups (start: 2021) are compared with 15 counties that never began" in text
    assert "分属3个组" in text


def test_shares_are_said_in_percentage_points(summaries):
    _, texts, _ = summaries("no strata")
    assert re.search(r"on average [\d.]+ percentage points higher", texts["en"])
    assert re.search(r"高[\d.]+个百分点", texts["zh"])


def test_a_loss_is_called_lower(tmp_path):
    panel = example_panel()
    panel[INCOME] = 1_000 - panel[INCOME]
    study = study_of(panel)
    text = write_summary(study, tmp_path)
    estimate = did(study, INCOME)
    assert estimate.value < 0
    size, worth = in_per_cent(estimate.value).removeprefix("−"), amount(float(f"{-estimate.amount:.2g}"))
    assert f"on average {size} % lower than without the districts (about {worth} CNY for each village" in text
    assert f"时低{size}%（平均每个村每年约{worth}元）" in text


def test_mixed_groups_cannot_be_drawn_by_lot(summaries):
    _, texts, _ = summaries("mixed group")
    assert "A test by lot (randomization) cannot be made here." in texts["en"]
    assert "抽签检验（随机化推断）在此无法进行。" in texts["zh"]


def test_where_whole_strata_are_treated_lots_are_among_all_groups(summaries):
    study, texts, _ = summaries("whole strata")
    test = randomization(did(study, INCOME), within=None)
    assert (
        f"by lot from all groups show a difference at least as large in {100 * test.p_value:.1f} % of draws"
        in texts["en"]
    )
    assert "Within strata there is nothing to draw." in texts["en"]
    assert "各分层内没有可抽的对象。" in texts["zh"]


def test_a_planned_study_is_told_what_it_could_show(summaries):
    study, texts, _ = summaries("planned")
    detectable = minimum_detectable_effect(study, INCOME)
    assert "The outcome is not known in any year under treatment yet" in texts["en"]
    gain, loss = f"{detectable.percent:.0f}", f"{detectable.loss_percent:.0f}"
    assert f"a gain of {gain} % or a loss of {loss} % would be found in 80 % of cases" in texts["en"]
    assert f"若增加{gain}%或减少{loss}%，有80%的机会被检测出来" in texts["zh"]
    assert "Fill in the missing values" not in texts["en"]


def test_gaps_are_counted_and_money_named(summaries):
    _, texts, _ = summaries("gaps")
    assert "Data: 177 village-years; left out: 3 without the outcome." in texts["en"]
    assert "数据：177条记录；未使用：3条缺少该指标。" in texts["zh"]
    assert "Outcome: total income (CNY, nominal)." in texts["en"]
    assert "指标：total income（元、当年价格）。" in texts["zh"]


def test_rows_left_out_have_their_reasons(summaries):
    study, texts, _ = summaries("zeros")
    sample = did(study, INCOME).fitted.sample
    assert sample.dropped == {"land missing": 2, "village zero in every year": 6, "year zero for every village": 29}
    assert (
        f"Data: {sample.rows} village-years; 37 left out: 2 without land, 6 (village zero in every year), "
        "29 (year zero for every village)." in texts["en"]
    )
    assert "另有37条未使用：2条缺少land、6条（该村历年均为零）、29条（该年各村均为零）。" in texts["zh"]
    assert "without the outcome" not in texts["en"]


def test_the_studys_own_controls_and_weights_are_named(summaries):
    _, texts, _ = summaries("specified")
    assert "Controls: land (times year: 5 coefficients).\n" in texts["en"]
    assert "Weights: 户数.\n" in texts["en"]
    assert "控制变量：land（与年份交互：5个系数）。\n" in texts["zh"]
    assert "权重：户数。\n" in texts["zh"]


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("own", "in per cent, because money and counts grow in per cent", "因为金额和数量通常按比例增长"),
        ("levels", "in the outcome's unit, as the study declares", "以该指标的单位表示，此尺度由研究设定"),
        ("logs", "in per cent (estimated in logs), as the study declares", "（估计时取对数），此尺度由研究设定"),
        ("logged", "in per cent, because the column holds logarithms", "因为该列数据已取对数"),
        ("no strata", "in the outcome's unit, because it is neither money nor a count", "既不是金额，也不是数量"),
    ],
)
def test_the_scale_is_said_and_why(summaries, name, english, chinese):
    _, texts, _ = summaries(name)
    assert f"- Effects are {english}." in texts["en"]
    assert f"{chinese}。" in texts["zh"]


def test_what_untreated_villages_say_of_the_scale(summaries):
    study, texts, _ = summaries("own")
    evidence = scale_evidence(study, study.primary_outcome)
    level, percent = evidence.frame()[["estimate", "low", "high"]].map(lambda one: fixed(one, 1)).to_numpy()
    assert (
        "Among 249 villages never treated, the richer half gained on the poorer by "
        f"{percent[0]} % (95 % interval {percent[1]} to {percent[2]} %) in per cent and by "
        f"{level[0]} % (95 % interval {level[1]} to {level[2]} %) in levels. The gap nearer zero favours its scale."
    ) in texts["en"]
    assert f"按百分比为{percent[0]}%（95%置信区间{percent[1]}%至{percent[2]}%）" in texts["zh"]
    assert f"按水平值为{level[0]}%（95%置信区间{level[1]}%至{level[2]}%）。差距更接近零的尺度" in texts["zh"]


def test_without_both_intervals_no_scale_is_called_supported():
    own = found("own")
    poisson, level = own.untreated.estimates["poisson"], own.untreated.estimates["level"]
    unbounded = Mock(wraps=level)
    unbounded.frame = lambda: level.frame().assign(percent_low=np.nan, percent_high=np.nan)
    evidence = replace(own.untreated, estimates={"level": unbounded, "poisson": poisson})
    for language, verdict in {"en": "favours its scale", "zh": "更合适"}.items():
        _, said = Sentences(replace(own, untreated=evidence), language).scaled()
        assert verdict not in said
        assert said.count("95") == 1
        assert fixed(level.percent, 1) in said


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
    text = write_summary(study_of(panel), tmp_path)
    assert "That speaks against it (p below 0.05 does)." in text
    assert "这与平行趋势不符" in text


@pytest.mark.parametrize("name", ["own", "example"])
def test_a_language_takes_one_printed_page(summaries, name):
    _, texts, _ = summaries(name)
    assert sum(bool(re.search(r"\w", word)) for word in texts["en"].split()) < 420
    assert len(re.findall(r"[\u4e00-\u9fff]", texts["zh"])) < 700


def test_chinese_text_is_chinese(summaries):
    study, texts, _ = summaries("example")
    own = " ".join((study.title, study.describe(study.primary_outcome).definition))
    assert set(LATIN.findall(texts["zh"])) - set(LATIN.findall(own)) == {"CR", "summary", "zh", "png"}


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
    return Tags(to_html(write_summary(study, tmp_path_factory.mktemp("hostile"))))


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
        draw(Findings(study, study.describe(study.primary_outcome)), "zh", tmp_path / "one.png")
        assert dict(mpl.rcParams) == before
