"""What a translation must keep of its message."""

import re

NUMBER = re.compile(r"\d(?:[\d,.]*\d)?")
QUOTED = re.compile(r"'([^']+)'")
# Four English words in a row; code, names and units stand alone or behind signs.
ENGLISH = re.compile(r"(?<![\w.=\[(\"])(?:[A-Za-z]{2,}[ ,;:.]+){3,}[A-Za-z]{2,}")


def unfaithful(english: str, chinese: str) -> list[str]:
    """What of a message is lost in its Chinese, or is still English there."""
    lost = {*NUMBER.findall(english)} ^ {*NUMBER.findall(chinese)}
    lost |= {name for name in QUOTED.findall(english) if name not in chinese}
    return sorted(lost) + ENGLISH.findall(re.sub(r'"[^"]*"|“[^”]*”', "", chinese))
