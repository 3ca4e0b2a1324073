"""The translations, one gettext catalogue a language, compiled when a language first speaks."""

import functools
import gettext
import io
from importlib.resources import files

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

CATALOGUES = files("analysis.language") / "locale"


@functools.cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The translations into a language; of English there are none, it is what the code is written in."""
    source = CATALOGUES / language / "LC_MESSAGES" / "analysis.po"
    if not source.is_file():
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
