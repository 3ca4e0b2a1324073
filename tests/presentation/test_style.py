"""Every Chinese name can be drawn on a machine that has no Chinese font."""

import unicodedata
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from fontTools.ttLib import TTFont
from matplotlib import font_manager, pyplot
from matplotlib.colors import to_rgb

from analysis.presentation.style import HANZI_FAMILY, INSIDE, OUTSIDE, PALETTE, hanzi_font, use_style

ROOT = Path(__file__).resolve().parents[2]
TABLES = sorted(path for path in (ROOT / "data").rglob("*.csv") if "gb18030" not in path.name)
DISTRICTS = "南庄镇高效农业片区 槐树乡农文旅融合片区 城伯镇高标准农田片区 赵和镇小米产业片区 槐树乡中药材产业发展片区"
SEEN_ON_WHITE = 2.5
"""Least contrast with white paper: lines and markers here are 2 px and more, so below the 3 asked of text."""


@pytest.fixture(autouse=True)
def _style() -> None:
    use_style()


def hanzi(text: str) -> set[str]:
    return {char for char in text if unicodedata.name(char, "").startswith("CJK")}


def test_there_are_hanzi_to_check() -> None:
    assert TABLES
    assert len(hanzi("".join(path.read_text(encoding="utf-8") for path in TABLES))) > 100


@pytest.mark.parametrize("weight", ["Regular", "Bold"])
def test_font_has_every_hanzi(weight: str) -> None:
    needed = hanzi(DISTRICTS).union(*(hanzi(path.read_text(encoding="utf-8")) for path in TABLES))
    glyphs = TTFont(hanzi_font(weight)).getBestCmap()
    assert {char for char in needed if ord(char) not in glyphs} == set()


def test_same_font_everywhere() -> None:
    found = font_manager.findfont(font_manager.FontProperties(family=mpl.rcParams["font.family"]))
    assert Path(found) == hanzi_font("Regular")


def draw(title: str) -> np.ndarray:
    """Pixels of a figure with negative numbers and a title."""
    figure, axes = pyplot.subplots(figsize=(4, 2))
    axes.plot([-1, 0, 1], [-0.5, 0, 0.5])
    axes.set_title(title)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


def test_figure_draws_hanzi_minus_and_formula_without_warning(caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (draw("源沟") != draw("上口")).any()
        draw(f"{DISTRICTS[:9]} $\\beta = -1$")
    assert caplog.records == []


def test_missing_glyph_would_be_noticed(caplog: pytest.LogCaptureFixture) -> None:
    mpl.rcParams["font.family"] = ["DejaVu Sans"]
    with pytest.warns(UserWarning, match="Glyph .* missing"):
        draw("源沟")
    draw("源沟 $\\beta$")
    assert "does not have a glyph" in caplog.text


def test_style_can_be_set_twice_without_warning() -> None:
    before = len(font_manager.fontManager.ttflist)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use_style()
    assert len(font_manager.fontManager.ttflist) == before
    assert mpl.rcParams["font.family"][0] == HANZI_FAMILY


def test_missing_font_says_what_to_install() -> None:
    with pytest.raises(FileNotFoundError, match="Noto Sans CJK SC Thin was not found.*pip install mpl-font"):
        hanzi_font("Thin")


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(first: str, second: str) -> float:
    """Contrast ratio, WCAG 2.2: from 1 (same) to 21 (black on white)."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def test_inside_and_outside_differ_in_grey_print() -> None:
    assert contrast(INSIDE, OUTSIDE) > SEEN_ON_WHITE
    assert min(contrast(colour, "white") for colour in PALETTE) > SEEN_ON_WHITE


def test_tables_show_three_decimals_and_line_up_hanzi() -> None:
    table = pd.DataFrame({"镇": ["赵和镇", "x"], "share": [1 / 3, -2 / 3]})
    lines = repr(table).splitlines()
    assert "0.333" in lines[1]
    widths = [sum(2 if unicodedata.east_asian_width(char) == "W" else 1 for char in line) for line in lines]
    assert len(set(widths)) == 1
