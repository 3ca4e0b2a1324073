"""One look for every figure and table, the same on every machine."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib import font_manager, rc_params_from_file

INSIDE = "#0B4F8A"
OUTSIDE = "#D9822B"
PALETTE = (INSIDE, OUTSIDE, "#3C9D8F", "#8C5A99", "#7F7F7F", "#B5475B")
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
    package = find_spec("mpl_font")
    folders = package.submodule_search_locations if package else None
    for folder in folders or ():
        path = Path(folder) / "fonts" / "noto" / f"NotoSansCJKsc-{weight}.otf"
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"The font Noto Sans CJK SC {weight} was not found, so Chinese names cannot be drawn. "
        "Install it with: python -m pip install mpl-font"
    )


def use_style() -> None:
    """
    Set the look of figures and tables; call it once, before the first figure.

    The same font is used on every machine, so that a figure does not depend on what is installed.

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
    look = rc_params_from_file(STYLE, use_default_template=False)
    sns.set_theme(context="notebook", style="ticks", palette=PALETTE, font_scale=0.9, rc=look)
    pd.set_option("display.precision", 3, "display.width", 120, "display.unicode.east_asian_width", True)
