"""Labels in the study's language: every phrase has its Chinese, tables and figures show it, code sees English."""

import re
import string
from dataclasses import replace
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from babel.messages.pofile import read_po
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.text import Text

import analysis
from analysis import (
    Outcome,
    StudyError,
    Table,
    balance,
    by_district,
    did,
    event_study,
    four_means,
    load_study,
    neighbours,
    plot_event_study,
    plot_forest,
    plot_trends,
    read_table,
    reweight,
    scale_evidence,
    synthetic_did,
    use_style,
)
from analysis.effects.comparison import alternatives
from analysis.inference.methods import METHODS
from analysis.language.catalogues import CATALOGUES
from analysis.language.labels import LANGUAGES, bracketed, counted, say, term
from analysis.language.units import CONVERSIONS, DIVISORS, scale_of_unit
from analysis.messages import FewTreatedGroupsWarning
from analysis.presentation.before_after import plot_four_means
from analysis.presentation.descriptive import panel_coverage
from analysis.presentation.design_pictures import plot_coverage, plot_design
from analysis.presentation.event_studies import plot_honest_bounds
from analysis.presentation.sizes import plot_rejection_rates
from analysis.presentation.tables import estimates_table, event_study_table, inference_table
from analysis.report.phrases import in_library, said
from analysis.robustness.whose_effect import averages, every_outcome, per_village_and_in_total, without_each_district
from analysis.study.study import PROVENANCES

LIBRARY = Path(analysis.__file__).parent
MESSAGES = [entry for entry in read_po((CATALOGUES / "zh/LC_MESSAGES/analysis.po").open("rb"), locale="zh") if entry.id]
# Of a message with a plural, the one form that Chinese has.
CHINESE = {entry.id: entry.string for entry in MESSAGES if not entry.pluralizable}
COUNTED = {entry.id: entry.string[0] for entry in MESSAGES if entry.pluralizable}
HANZI = re.compile(r"[\u4e00-\u9fff]")
LATIN = re.compile(r"[A-Za-z_]{2,}")
# Names that Chinese papers write as they are.
NAMES = {"LaTeX", "PDF", "PNG", "SVG", "CSV", "Word", "SHA", "CR", "Satterthwaite", "Holm", "Sun", "Abraham"}
MANY = 60


SAID, NOUNS, WRITTEN = in_library()


def places(phrase: str) -> list[str]:
    """What a phrase leaves open, with its format."""
    return sorted(f"{name}:{form}" for _, name, form, _ in string.Formatter().parse(phrase) if name is not None)


@pytest.fixture(scope="module")
def chinese():
    return load_study(language="zh")


@pytest.fixture(scope="module")
def one_group(chinese):
    with pytest.warns(FewTreatedGroupsWarning):
        return chinese.subset(chinese.frame["first_treated"].isna() | (chinese.frame["group"] == "zhaohe-millet"))


def english_in(text: str) -> set[str]:
    return set(LATIN.findall(text)) - NAMES


# The dictionary


def test_phrases_are_found_in_the_code():
    assert said('say(language, "a {b}", b=say(language, "c" if d else "e"))') == {"a {b}", "c", "e"}
    assert said('self.say("a" "b")') == {"ab"}
    assert said('title = "a"\nsay(language, title)') == {"a"}
    assert said('KINDS = {"x": "a", "y": "b"}\nself.say(KINDS[kind])') == {"a", "b"}
    assert said('captioned(frame, study, "a {b}", b="c")') == {"a {b}"}
    assert len(SAID) > MANY
    assert "Look at this first" in SAID, "in a template"


def test_every_phrase_has_its_chinese():
    assert {phrase for phrase in SAID if phrase not in CHINESE} == set()


def test_every_noun_that_is_counted_has_its_chinese():
    assert {noun for noun in NOUNS if f"{{}} {noun}" not in {one for one, _ in COUNTED}} == set()


def test_every_chinese_phrase_is_said_somewhere():
    assert {phrase for phrase in CHINESE if re.search(r"\{\w", phrase) and phrase not in WRITTEN} == set()


@pytest.mark.parametrize("phrase", [phrase for phrase in CHINESE if "{" in phrase])
def test_chinese_leaves_the_same_places_open(phrase):
    assert places(CHINESE[phrase]) == places(phrase)


def test_chinese_is_chinese():
    wordless = {phrase for phrase, translated in CHINESE.items() if not HANZI.search(translated)}
    signs = {phrase for phrase in CHINESE if not LATIN.search(re.sub(r"\{.*?\}", "", phrase))}
    assert wordless - signs == {"CR1", "CR2", "CR3"}
    english = {phrase: english_in(re.sub(r"\{.*?\}", "", translated)) for phrase, translated in CHINESE.items()}
    assert {phrase: words for phrase, words in english.items() if not words <= set(LATIN.findall(phrase))} == {}
    # Code, names of programs and kinds of files: hardly more than every fourth message has any.
    assert len([words for words in english.values() if words]) < len(english) / 4


@pytest.mark.parametrize("provenance", PROVENANCES)
def test_every_provenance_is_said_in_chinese(chinese, provenance):
    assert HANZI.search(term("zh", replace(chinese, provenance=provenance).label))


@pytest.mark.parametrize("unit", sorted({unit for unit, _ in CONVERSIONS.values()} - {"%"}))
def test_every_known_unit_is_said_in_chinese(unit):
    assert HANZI.search(term("zh", unit))
    assert term("en", unit) == unit


def test_units_per_something():
    per = [term("zh", f"CNY per {divisor}") for divisor in DIVISORS.values()]
    assert per == ["元/人", "元/户", "元/亩", "元/公顷", "元/村", "元/年"]
    assert term("zh", "visits per town") == "人次/town", "an unknown divisor stays"


def test_terms_with_numbers_keep_them():
    assert term("zh", "the year at event time -2") == "相对年份-2"
    assert term("zh", "constant 2022") == "2022年不变价格"
    assert term("zh", "2 clusters alone behind a part of the effect, own noise not counted").startswith("2个组")


@pytest.mark.parametrize("own", ["赵和镇", "x-1", "410883100", "CNY-ish", "", "p < 0.05"])
def test_own_words_stay(own):
    assert term("zh", own) == own


def test_a_phrase_without_chinese_is_said_in_english():
    assert say("zh", "never {heard}", heard="听") == "never 听"


def test_counting():
    assert counted("en", 2, "county") == "2 counties"
    assert counted("zh", 2, "county") == "2个县"
    assert counted("zh", 1_234, "合作社") == "1,234个合作社"
    assert counted("zh", 1_234, "合作社-year") == "1,234条记录"


def test_brackets():
    assert bracketed("zh", "CNY", "") == "（元）"
    assert bracketed("zh", "", "") == ""


# The study's language


@pytest.mark.parametrize(
    ("argument", "variable", "language"),
    [(None, None, "en"), (None, "zh", "zh"), (None, "", "en"), ("en", "zh", "en"), ("zh", None, "zh")],
)
def test_argument_then_variable_then_file(monkeypatch, argument, variable, language):
    monkeypatch.delenv("STUDY_LANGUAGE", raising=False)
    if variable is not None:
        monkeypatch.setenv("STUDY_LANGUAGE", variable)
    assert load_study(language=argument).language == language


def test_the_file_says_chinese(monkeypatch):
    monkeypatch.delenv("STUDY_LANGUAGE", raising=False)
    example = LIBRARY.parents[1] / "data" / "example" / "study.toml"
    assert load_study(example).language == "zh"
    assert load_study(example, "en").language == "en"


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_unknown_language_is_refused(monkeypatch, how):
    monkeypatch.setenv("STUDY_LANGUAGE", "cn" if how == "variable" else "en")
    with pytest.raises(StudyError, match=r"^The language asked for is 'cn'\. Write one of: en, zh\.$"):
        load_study(language="cn" if how == "argument" else None)


@pytest.mark.parametrize(
    ("outcome", "english", "chinese"),
    [
        (Outcome("y", label_en="Income", label_zh="收入"), "Income", "收入"),
        (Outcome("y", label_en="Income"), "Income", "Income"),
        (Outcome("y", label_zh="收入"), "收入", "收入"),
        (Outcome("y"), "y", "y"),
    ],
)
def test_label_of_an_outcome(outcome, english, chinese):
    study = replace(load_study(language="en"), outcomes={"y": outcome})
    assert (study.label_of("y"), replace(study, language="zh").label_of("y")) == (english, chinese)


# Tables


def tables(study, lone) -> list[Table]:
    outcome = study.primary_outcome
    estimates = {"甲": did(study, outcome), "乙": did(study, "households")}
    return [
        four_means(study, outcome),
        balance(study),
        panel_coverage(study),
        event_study_table(event_study(study, outcome)),
        event_study_table(event_study(lone, outcome)),
        estimates_table(estimates),
        inference_table(estimates["甲"]),
        inference_table(did(lone, outcome)),
        inference_table(did(study, "households"), cluster="unit"),
    ]


@pytest.fixture(scope="module")
def chinese_tables(chinese, one_group):
    return tables(chinese, one_group)


def test_tables_of_a_chinese_study_are_chinese(chinese_tables):
    for table in chinese_tables:
        assert table.language == "zh"
        assert english_in(repr(table)) == set()
        assert "模拟数据" in table.caption
        shown = re.sub(r"<style.*?</style>|<[^>]*>", " ", table._repr_html_(), flags=re.DOTALL)
        assert english_in(unescape(shown)) == set()
        assert HANZI.search(table.to_latex().split("midrule")[0].split("toprule")[1])


def test_findings_of_a_chinese_study_are_chinese(chinese):
    outcome, groups = chinese.primary_outcome, "|".join(chinese.units["group"].unique())
    found = [by_district(chinese, outcome), every_outcome(chinese), per_village_and_in_total(chinese, outcome)]
    for one in [*found, without_each_district(chinese, outcome), averages(chinese, outcome)]:
        assert english_in(re.sub(groups, "", repr(one))) == set()
        assert "模拟数据" in repr(one)


RESULTS = {
    "did": lambda study: did(study, "households", scale="level"),
    "scale_evidence": lambda study: scale_evidence(study, study.primary_outcome),
    "event_study": lambda study: event_study(study, study.primary_outcome),
    "pretrend": lambda study: event_study(study, "households").pretrend(),
    "honest_bounds": lambda study: event_study(study, "households").honest_bounds("smoothness", values=[0]),
    "neighbours": lambda study: neighbours(study, "households"),
    "synthetic_did": lambda study: synthetic_did(study, "households", draws=1),
    "reweight": lambda study: reweight(study, "households"),
}


@pytest.mark.parametrize("result", RESULTS)
def test_results_of_a_chinese_study_are_chinese(chinese, result):
    said = repr(RESULTS[result](chinese))
    assert english_in(said) == set()
    assert "模拟数据：" in said


def test_an_effect_without_an_interval_says_why_in_chinese(one_group):
    said = repr(did(one_group, "households", scale="level")).replace("zhaohe-millet", "")
    assert english_in(said) == set()
    assert "（无置信区间：只有一个处理组，无法据此推断）" in said
    assert said.endswith("推断最多做到随机化推断。"), "notes behind the sentence are said too"


def test_frames_of_a_chinese_study_keep_english_headings(chinese_tables, one_group):
    english = load_study(language="en")
    lone = replace(one_group, language="en")
    for ours, theirs in zip(chinese_tables, tables(english, lone), strict=True):
        assert ours.frame.columns.equals(theirs.frame.columns)
        assert ours.frame.index.name == theirs.frame.index.name
        pd.testing.assert_frame_equal(
            ours.frame.select_dtypes("number").reset_index(drop=True),
            theirs.frame.select_dtypes("number").reset_index(drop=True),
        )


def test_headings_and_methods_as_the_field_writes_them(chinese):
    lines = repr(inference_table(did(chinese, "households"))).splitlines()
    assert lines[0] == ("户数：效应−0.30（%），以开始前各年为基准；各方法的95%置信区间，聚类层级：组（模拟数据）")
    assert lines[1].split() == ["方法", "统计量", "自由度", "p值", "95%置信区间"]
    assert [line.split()[0] for line in lines[2:]] == ["CR1", "CR2", "CR3", "野聚类自助法", "随机化推断"]
    assert len(lines[2:]) == len(METHODS)


def test_captions_of_an_english_study_are_as_ever():
    study = load_study(language="en")
    outcome = study.primary_outcome
    estimate = did(study, outcome)
    assert four_means(study, outcome).caption == (
        "Village collective income (CNY), means of 2,424 village-years; after = from 2023; changes in per cent "
        "(simulated data)"
    )
    assert balance(study, ["households"]).frame.index[1] == "Households (households): change per year, % of its mean"
    assert balance(study, ["households"]).caption == "Villages before 2023, means over villages (simulated data)"
    assert panel_coverage(study).caption == (
        "Villages in the panel by year; outcome: Village collective income (simulated data)"
    )
    assert event_study_table(event_study(study, outcome)).caption == (
        "Village collective income (%): effect by event time, against the year at event time −1; 95 % interval from "
        "CR2 errors with Satterthwaite degrees of freedom clustered by 56 groups (simulated data)"
    )
    assert estimates_table({"all": estimate}).caption == (
        "Estimates with CR2 errors with Satterthwaite degrees of freedom, clustered by group, 95 % intervals; "
        "unit: %; baseline: all years before; villages: 274; rows: 2,424 (simulated data)"
    )
    assert inference_table(estimate).caption == (
        "Village collective income: effect 1 (%) against all years before, 95 % intervals by method, "
        "clusters: group (simulated data)"
    )


def test_a_table_made_by_hand_stays_as_it_is(chinese):
    frame = read_table("districts")[["district_zh"]].rename(columns={"district_zh": "villages"})
    assert "villages" in repr(Table(frame, "By hand"))
    assert "村数" in repr(Table(frame, "自制", "zh"))


# Figures


def texts(figure: Figure) -> list[str]:
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


def drawn(study, lone) -> list[Figure]:
    """Every figure of the library, of a study and of one with a single treated group."""
    use_style()
    outcome = study.primary_outcome
    made = []
    for plot in (
        lambda: plot_trends(study, outcome),
        lambda: plot_event_study(event_study(study, outcome)),
        lambda: plot_event_study(event_study(lone, outcome)),
        lambda: plot_event_study(alternatives(event_study, study, outcome)),
        lambda: plot_four_means(study, outcome),
        lambda: plot_honest_bounds(event_study(study, outcome)),
        lambda: plot_coverage(study),
        lambda: plot_design(study),
        lambda: plot_forest({"as given": did(study, outcome)}),
        lambda: plot_rejection_rates(read_table("simulated_rejection_rates"), language=study.language),
    ):
        plot()
        made.append(pyplot.gcf())
        pyplot.close()
    return made


def test_figures_of_a_chinese_study_are_chinese(chinese, one_group):
    for figure in drawn(chinese, one_group):
        words = " ".join(texts(figure))
        assert english_in(words) == set()
        assert "模拟数据" in words


def test_figures_of_an_english_study_hold_no_chinese(one_group):
    for figure in drawn(load_study(language="en"), replace(one_group, language="en")):
        words = " ".join(texts(figure))
        assert not HANZI.search(words)
        assert "simulated data" in words


def test_axes_say_unit_prices_and_sides(chinese):
    axes = plot_trends(chinese, chinese.primary_outcome)
    assert axes.get_ylabel() == "村集体经济收入\n（元、2022年不变价格）"
    assert [text.get_text() for text in axes.texts] == ["片区内", "片区外"]
    assert axes.get_title("left") == "村集体经济收入：历年均值（模拟数据；虚线：2023年开始）"
    pyplot.close()


def test_a_dollar_sign_in_a_label_is_no_formula(chinese):
    outcome = chinese.primary_outcome
    study = replace(chinese, outcomes={outcome: Outcome(outcome, label_zh=r"收入$\nonsense$")})
    axes = plot_trends(study, outcome)
    axes.figure.canvas.draw()
    assert r"\$\nonsense\$" in axes.get_ylabel()
    pyplot.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_long_labels_stay_within_the_figure(language):
    use_style()
    study = load_study(language=language)
    outcome = study.primary_outcome
    long = Outcome(outcome, unit="CNY", label_en="Income of the village collective " * 4, label_zh="村集体经济收入" * 8)
    for plot in (plot_trends, lambda study, outcome: plot_event_study(event_study(study, outcome))):
        axes = plot(replace(study, outcomes={outcome: long}), outcome)
        axes.figure.canvas.draw()
        for text in (axes._left_title, axes.yaxis.label):
            box = text.get_window_extent()
            assert axes.figure.bbox.x0 <= box.x0
            assert box.x1 <= axes.figure.bbox.x1
            assert axes.figure.bbox.y0 <= box.y0
            assert box.y1 <= axes.figure.bbox.y1
        pyplot.close()


@pytest.mark.parametrize(
    ("scale", "units"),
    {
        "poisson": [
            "CNY",
            "万元",
            "元/人",
            "CNY per person",
            "EUR",
            "US$",
            "人",
            "万人",
            "户",
            "人次",
            "个",
            "件",
            "visits",
        ],
        "level": [
            "",
            "亩",
            "公顷",
            "吨",
            "kg",
            "%",
            "persons per 1,000",
            "人/户",
            "points",
            "担",
            "index",
            "log points",
        ],
    }.items(),
)
def test_money_and_counts_grow_in_per_cent_and_all_else_is_in_levels(scale, units):
    assert {unit: scale_of_unit(unit) for unit in units} == dict.fromkeys(units, scale)
