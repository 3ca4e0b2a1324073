"""Chinese text in GBK that a program has read as Western letters: ÃÏÖÝ is 孟州."""

import re
from collections.abc import Iterable

WESTERN = re.compile(r"[\x80-\xff]+")
NOT_CHINESE = re.compile(r"[^\x00-\x7f\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")


def misread_gbk(texts: Iterable[str]) -> dict[str, str]:
    """What texts say in GBK, where half the texts with Western letters are hanzi then; else nothing.

    Use it on all names of a file: hanzi are pairs of such letters, as hardly a Western name is.

    Examples
    --------
    >>> misread_gbk(["ÃÏÖÝ", "v1"]), misread_gbk(["São Paulo", "Orléans"])
    ({'ÃÏÖÝ': '孟州'}, {})
    """
    western = [text for text in dict.fromkeys(texts) if WESTERN.search(text)]
    read = {text: chinese for text in western if (chinese := _in_gbk(text))}
    paired = [text for text in read if all(len(run) % 2 == 0 for run in WESTERN.findall(text))]
    return read if 2 * len(paired) >= len(western) else {}


def _in_gbk(text: str) -> str:
    try:
        read = text.encode("latin-1").decode("gb18030")
    except UnicodeError:
        return ""
    return "" if NOT_CHINESE.search(read) else read
