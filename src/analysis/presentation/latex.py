"""Tables in LaTeX, with text as it is typed."""

from collections.abc import Sequence

import pandas as pd

from analysis.presentation.cells import DIGIT, POINT, Column

LATEX_NAMES = ("backslash", "asciitilde", "asciicircum", "less", "greater")
LATEX: dict[int, str] = str.maketrans({char: f"\\{char}" for char in "%&#$_{}"})
LATEX |= {ord(char): rf"\text{name}{{}}" for char, name in zip("\\~^<>", LATEX_NAMES, strict=True)}
LATEX |= {ord("−"): "$-$", ord("∞"): r"$\infty$"}
"""What stands for itself in LaTeX only when it is escaped, or named."""
LONG_TEXT = {120: "p{8cm}", 40: "p{5cm}"}
"""Characters from which a column of text breaks its lines, and how wide it is then."""
NO_WIDER = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
"""A table wider than the text becomes smaller."""


def latex(text: str) -> str:
    r"""
    A text in which no sign is a command, without the spaces that align numbers on a page.

    Examples
    --------
    >>> print(latex("p < 5 % of a_b: −3"))
    p \textless{} 5 \% of a\_b: $-$3
    """
    return text.strip(DIGIT + POINT + " ").translate(LATEX)


def latex_table(columns: Sequence[Column], sides: Sequence[str], *, caption: str, label: str, note: str) -> str:
    """A table with its caption, label and note, no wider than the text it stands in."""
    cells = {place: [latex(cell) for cell in column.cells] for place, column in enumerate(columns)}
    text = pd.DataFrame(cells).to_latex(
        index=False,
        header=[literal(latex(column.heading)) for column in columns],
        caption=latex(caption),
        label=f"tab:{label}",
        column_format="".join(_kind(*column) for column in zip(columns, sides, strict=True)),
        escape=False,
    )
    below = f"\\par\\smallskip\\footnotesize {latex(note)}\n" if note else ""
    text = text.replace("\\begin{tabular}", f"{NO_WIDER}\n\\begin{{tabular}}")
    return text.replace("\\end{tabular}\n\\end{table}", f"\\end{{tabular}}}}\n{below}\\end{{table}}")


def _kind(column: Column, side: str) -> str:
    """LaTeX's kind of a column."""
    longest = max(map(len, column.cells), default=0)
    broken = (kind for least, kind in LONG_TEXT.items() if longest > least)
    return next(broken, side) if side == "l" else side


def literal(text: str) -> str:
    """A heading in which braces are no places to fill in."""
    return text.replace("{", "{{").replace("}", "}}")
