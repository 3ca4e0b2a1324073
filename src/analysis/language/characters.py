"""Characters that mean another one, or that the eye passes over: full-width signs, digits of any script."""

import unicodedata

INVISIBLE = (*range(9), *range(0x0E, 0x20), 0x7F, 0xAD, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F))
INVISIBLE += (*range(0x2060, 0x2070), *range(0xFE00, 0xFE10), 0xFEFF, *range(0xE0100, 0xE01F0))
SPACES = {0x3000: 0x20, 0xA0: 0x20} | dict.fromkeys(INVISIBLE)


class Digits(dict[int, int | None]):
    """A table for `str.translate` that also turns decimal digits of any script into 0 to 9."""

    def __missing__(self, code: int) -> int:
        digit = unicodedata.decimal(chr(code), None)
        self[code] = found = code if digit is None else ord("0") + digit
        return found


WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
HALF_WIDTH = Digits(WIDE | {0x2212: 0x2D} | SPACES)
CODE_WIDTH = Digits({wide: narrow for wide, narrow in WIDE.items() if chr(narrow).isalnum()} | SPACES)
