"""One look for every figure and table, the same on every machine."""

from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib import font_manager, rc_params_from_file, rcdefaults

INSIDE = "#0B4F8A"
OUTSIDE = "#D9822B"
OTHERS = "#7F7F7F"
PALETTE = (INSIDE, OUTSIDE, "#3C9D8F", "#8C5A99", OTHERS, "#B5475B")
HANZI_FAMILY = "Noto Sans CJK SC"
STYLE = Path(__file__).with_name("figures.mplstyle")


def hanzi_font(weight: str = "Regular") -> Path:
    """
    Find the file of the font that draws Chinese, which comes with the dependency ``mpl-font``.

    Parameters
    ----------
    weight : {"Light", "Regular", "Medium", "Bold"}
        Weight of the Noto Sans CJK SC face.

    Returns
    -------
    pathlib.Path
        An OpenType file.

    Raises
    ------
    FileNotFoundError
        If ``mpl-font`` is not installed or has no such weight.

    Examples
    --------
    >>> hanzi_font("Bold").name
    'NotoSansCJKsc-Bold.otf'
    """
    font = f"fonts/noto/NotoSansCJKsc-{weight}.otf"
    with suppress(ModuleNotFoundError):
        if (path := Path(str(files("mpl_font") / font))).is_file():
            return path
    raise FileNotFoundError(
        f"The font Noto Sans CJK SC {weight} was not found, so Chinese names cannot be drawn. "
        "Install it with: python -m pip install mpl-font"
    )


def use_style() -> None:
    """
    Set the look of figures and tables; call it once, before the first figure.

    Figures start from matplotlib's defaults and use the same font on every machine, so that they depend neither on a
    reader's own ``matplotlibrc`` nor on what is installed.

    Raises
    ------
    FileNotFoundError
        If the font for Chinese is missing.

    Examples
    --------
    >>> from matplotlib import rcParams
    >>> use_style()
    >>> rcParams["font.family"][0]
    'Noto Sans CJK SC'
    """
    known = {font.fname for font in font_manager.fontManager.ttflist}
    for path in (hanzi_font("Regular"), hanzi_font("Bold")):
        if str(path) not in known:
            font_manager.fontManager.addfont(path)
    rcdefaults()
    look = rc_params_from_file(STYLE, use_default_template=False)
    sns.set_theme(context="notebook", style="ticks", palette=PALETTE, font_scale=0.9, rc=look)
    pd.set_option("display.precision", 3, "display.width", 120, "display.unicode.east_asian_width", True)
