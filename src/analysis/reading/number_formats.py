"""What a spreadsheet's number format does to a number: per cent, division, and the digits it shows."""

import re
from operator import eq, ge, gt, le, lt, ne

# Quoted text, one escaped character, a space as wide as a character or a repeated one, a condition or colour, else one.
PIECE = re.compile(r'"[^"]*"?|[\\!_*].|\[[^\]]*\]|.', re.DOTALL)
CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?[\d.]+)\]")
COMPARED = {"<": lt, ">": gt, "<=": le, ">=": ge, "=": eq, "<>": ne}
# What a place for a digit shows where the number has none; for ? the space is left out.
BLANK = {"0": "0", "#": "", "?": ""}
# A comma behind the last digit divides by 1,000.
DIVIDING_COMMA = re.compile(r"[0#?],+(?![0#?,])")
# A point that is drawn between digits as text: 123000 is shown as 12.3000万.
DRAWN_POINT = re.compile(r"[0-9#]\.#")


def format_pieces(number_format: str, value: float) -> list[str]:
    """Pieces of the section of a format that shows a value: literals whole, all else character by character.

    Use it before asking what the format does, since a quoted or escaped sign does nothing.

    Examples
    --------
    >>> format_pieces('0.0%;[Red]-0"%"', -3)
    ['[Red]', '-', '0', '"%"']
    """
    sections: list[list[str]] = [[]]
    for piece in PIECE.findall(number_format):
        if piece == ";":
            sections.append([])
        else:
            sections[-1].append(piece)
    numeric = sections[:3]
    usual = {1: [""], 2: [">=0", ""], 3: [">0", "<0", ""]}[len(numeric)]
    for section, rule in zip(numeric, usual, strict=True):
        condition = CONDITION.search("".join(piece for piece in section if piece.startswith("[")) or f"[{rule}]")
        if condition is None or COMPARED[condition[1]](value, float(condition[2])):
            return section
    return numeric[-1]


def is_percent(pieces: list[str]) -> bool:
    """Whether the format shows a hundred times the number."""
    return "%" in pieces


def is_divided(pieces: list[str]) -> bool:
    """Whether the format shows a part of the number, such as 12.3万 for 123000."""
    bare = "".join(piece for piece in pieces if len(piece) == 1)
    drawn = "".join("#" if piece in BLANK else "," if piece == "." else literal(piece) for piece in pieces)
    return bool(DIVIDING_COMMA.search(bare) or DRAWN_POINT.search(drawn))


def literal(piece: str) -> str:
    """The text a piece of a format draws."""
    if piece[0] == '"':
        return piece.strip('"')
    return "" if piece[0] in "_*[" else piece[-1]


def as_shown(pieces: list[str], digits: str) -> str:
    """A whole number as its format shows it: 2 under 000 is 002, under "A"00 it is A02.

    Examples
    --------
    >>> as_shown(format_pieces('"4108"000000', 1201), "1201"), as_shown(["0", ".", "0"], "2")
    ('4108001201', '2')
    """
    places = sum(piece in BLANK for piece in pieces)
    if not places or any(len(piece) == 1 and (piece.isalpha() or piece in ".,%/@") for piece in pieces):
        return digits
    padded = digits.rjust(places)
    rest = iter([padded[: len(padded) - places + 1], *padded[len(padded) - places + 1 :]])
    shown = (next(rest).replace(" ", BLANK[piece]) if piece in BLANK else literal(piece) for piece in pieces)
    return "".join(shown)
