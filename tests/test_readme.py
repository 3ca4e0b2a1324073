"""The README tells the truth: its numbers, figure, commands and files are those of the project."""

import functools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from analysis import did, event_study, load_study, minimum_detectable_effect, read_table
from analysis.__main__ import COMMANDS
from analysis.design.detectable_effect import DetectableEffect
from analysis.report.notebooks import figures
from analysis.simulation.chance import chance_of_claim

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh.md").read_text(encoding="utf-8")
MOST_LINES = 130


@functools.cache
def detectable() -> DetectableEffect:
    study = load_study(ROOT / "data" / "study.toml", "en")
    return minimum_detectable_effect(study, study.primary_outcome)


def test_quotes_the_results_as_computed_today_in_both_languages():
    for language, text in (("en", README), ("zh", CHINESE)):
        study = load_study(ROOT / "data" / "study.toml", language)
        effect = did(study, study.primary_outcome)
        assert f"> {effect!r}\n" in text
        assert f"> {replace(detectable(), study=study)!r}\n" in text


def test_the_chinese_twin_has_the_same_commands_links_and_notebooks():
    def kept(text: str) -> list[list[str]]:
        blocks = re.findall(r"```.*?```", text, re.DOTALL)
        links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith(("#", "README"))]
        return [blocks, links, re.findall(r"^\| \[(.*?)\]", text, re.MULTILINE)]

    assert kept(README) == kept(CHINESE)
    sections = [len(re.findall("^## ", text, re.MULTILINE)) for text in (README, CHINESE)]
    assert sections[0] == sections[1]
    assert [len(text.splitlines()) <= MOST_LINES for text in (README, CHINESE)] == [True, True]


def test_the_chinese_twin_has_the_same_numbers():
    said = {"274", "25", "103", "16", "77", "80", "12", "53", "37", "20", "18", "4", "24"}
    assert said <= set(re.findall(r"\d+", CHINESE))
    assert (said - {"103"}) | {"1", "03"} <= set(re.findall(r"\d+", README))


def test_quotes_how_often_the_stated_effect_is_found():
    stated = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8").split("The power that is stated")[1]
    gain, loss = re.findall(r"\| poisson, (?:gain|loss) \(%\) \|.*?\| (\d+%) \|", stated)
    assert "Notes: 24 studies of 274 villages, drawn from the simulated panel" in stated
    assert (
        "On 24 other simulated panels, gains stated to be found 80 % of the time were found "
        f"{gain[:-1]} % of the time, losses {loss[:-1]} %"
    ) in README
    assert f"24 份模拟面板上，声称有 80 % 的机会查出的增加，实际查出的占 {gain[:-1]} %，减少占 {loss[:-1]} %" in CHINESE


def test_the_effect_built_in_is_the_one_said():
    truth = read_table("simulated_true_effects").merge(
        load_study(ROOT / "data" / "study.toml").units, left_on="village_code", right_index=True
    )
    built_in = truth.loc[truth["year"] >= truth["first_treated"], "effect_log_points"].mean()
    assert f"is {100 * np.expm1(built_in):.0f} % on average over its two years" in README


def test_shares_of_chance_in_its_prose_are_those_computed_today():
    chance = chance_of_claim()
    assert f"the best three of five do in {100 * chance.best:.0f} % of draws" in README
    assert f"without richer districts they do in {100 * chance.bare:.0f} %" in README
    assert f"最好的三个在 {100 * chance.best:.0f} % 的模拟中达到" in CHINESE
    assert f"也不更富裕时，只有 {100 * chance.bare:.0f} %" in CHINESE
    study = load_study(ROOT / "data" / "study.toml")
    estimate = did(study, study.primary_outcome)
    share = [1_030_000 / villages / (estimate.amount / estimate.percent) for villages in (25, 15)]
    assert "{:.0f} % if all 25 do, {:.0f} % if 15 do".format(*share) in README
    assert "25 个村分享时为 {:.0f} %，15 个村分享时为 {:.0f} %".format(*share) in CHINESE


def test_says_how_far_the_baseline_matters():
    study = load_study(ROOT / "data" / "study.toml")
    years = event_study(study, study.primary_outcome)
    both = years.pretrend().slope, years.average()
    numbers = [100 * np.expm1(number) for one in both for number in (one.value, *one.headline()[["low", "high"]])]
    english = "moved by −{:.1f} % a year (95 % interval −{:.1f} to +{:.1f} %). "
    english += "Against the last year before alone the effect is "
    chinese = "每年变动 −{:.1f} %（95 % 置信区间 −{:.1f} % 至 +{:.1f} %）；若只以开始前一年为基准，效应为 "
    assert (english + "+{:.0f} % (−{:.0f} to +{:.0f} %").format(*map(abs, numbers)) in " ".join(README.split())
    assert (chinese + "+{:.0f} %（−{:.0f} % 至 +{:.0f} %").format(*map(abs, numbers)) in CHINESE.replace("\n", "")
    assert [number > 0 for number in numbers] == [False, False, True, True, False, True]


def test_figure_is_the_one_stored_in_the_notebook_on_villages():
    pictures = figures(ROOT / "notebooks" / "02-villages.ipynb")
    assert (ROOT / "figures" / "villages.png").read_bytes() == pictures[0]


def test_links_lead_to_files():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    missing = [target for target in targets if not (ROOT / target).exists()]
    assert targets
    assert not missing


def test_make_targets_and_plain_commands_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in set(re.findall(r"(?:make|python -m analysis) (report|test|lab|notebooks)", README)):
        assert re.search(rf"^(?:\w+ )*{name}\b.*:", makefile, re.MULTILINE)
        assert name in COMMANDS


def test_measured_times_are_filled_in():
    times = re.search(r"On two cores set-up takes about (.*?), the report (.*?) and the tests (.*?)\.", README).groups()
    assert all(re.search(r"second|minute", time) for time in times)
