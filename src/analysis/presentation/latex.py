"""Text as LaTeX shows it as it is typed."""

from analysis.presentation.cells import DIGIT, POINT

LATEX_NAMES = ("backslash", "asciitilde", "asciicircum", "less", "greater")
LATEX: dict[int, str] = str.maketrans({char: f"\\{char}" for char in "%&#$_{}"})
LATEX |= {ord(char): rf"\text{name}{{}}" for char, name in zip("\\~^<>", LATEX_NAMES, strict=True)}
LATEX |= {ord("−"): "$-$", ord("∞"): r"$\infty$"}
"""What stands for itself in LaTeX only when it is escaped, or named."""


def latex(text: str) -> str:
    r"""
    A text in which no sign is a command, without the spaces that align numbers on a page.

    Examples
    --------
    >>> print(latex("p < 5 % of a_b: −3"))
    p \textless{} 5 \% of a\_b: $-$3
    """
    return text.strip(DIGIT + POINT + " ").translate(LATEX)
