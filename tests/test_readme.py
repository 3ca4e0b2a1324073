"""The README tells the truth: its numbers, figure, commands and files are those of the project."""

import functools
import re
from pathlib import Path

import numpy as np
import pytest

from analysis import did, load_study, minimum_detectable_effect, read_table
from analysis.__main__ import COMMANDS
from analysis.design.power import DetectableEffect
from analysis.report.notebooks import figures
from analysis.simulation.simulate import simulated_gains

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@functools.cache
def detectable() -> DetectableEffect:
    study = load_study(ROOT / "data" / "study.toml")
    return minimum_detectable_effect(study, study.primary_outcome)


def test_quotes_the_result_as_computed_today():
    study = load_study(ROOT / "data" / "study.toml")
    assert f"> {did(study, study.primary_outcome)!r}\n" in README
    assert f"> {detectable()!r}\n" in README


def test_quotes_how_often_the_stated_effect_is_found():
    stated = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8").split("The power that is stated")[1]
    gain, loss = re.findall(r"\| poisson, (?:gain|loss) \(%\) \|.*?\| (\d+%) \|", stated)
    assert f"gains so stated are found {gain[:-1]} % of the time, losses {loss[:-1]} %" in README


def test_the_effect_built_in_is_the_one_said():
    truth = read_table("simulated_true_effects").merge(
        load_study(ROOT / "data" / "study.toml").units, left_on="village_code", right_index=True
    )
    built_in = truth.loc[truth["year"] >= truth["first_treated"], "effect_log_points"].mean()
    assert f"is {100 * np.expm1(built_in):.0f} % on average over its two years" in README


def test_shares_of_chance_in_its_prose_are_those_computed_today():
    def share(**more: bool) -> float:
        best = np.sort(simulated_gains(5_000, **more).to_numpy(), axis=1)[:, -3:].sum(axis=1)
        return float((best >= 1_030_000).mean())

    assert "in about one draw of six; without common growth and without being richer in one of twenty-six." in README
    assert round(1 / share()) == 6
    # At one in twenty-six, 5,000 draws leave a standard error of 0.3 percentage points.
    assert share(selection=False, growth=False) == pytest.approx(1 / 26, abs=0.006)
    study = load_study(ROOT / "data" / "study.toml")
    estimate = did(study, study.primary_outcome)
    share = 1_030_000 / 25 / (100 * estimate.amount / estimate.percent)
    assert f"it is {100 * share:.0f} % of what they would have earned, and less than a quarter of the gain" in README
    assert detectable().percent / 4 > 100 * share


def test_figure_is_the_one_stored_in_the_event_study_notebook():
    pictures = figures(ROOT / "notebooks" / "04-event-study.ipynb")
    assert (ROOT / "figures" / "event-study.png").read_bytes() == pictures[0]


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
