"""Every error that a test meets is also said in Chinese: with the same numbers and names, and not in English."""

from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb

import pytest
from faithful import unfaithful

import analysis
from analysis import StudyError

LIBRARY = Path(analysis.__file__).parent


@pytest.fixture(autouse=True)
def errors_are_said_in_chinese(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the errors made during a test, and compare both languages afterwards."""
    made, make = [], StudyError.__init__

    def kept(error: StudyError, *given: object, **values: object) -> None:
        make(error, *given, **values)
        made.append(error)

    monkeypatch.setattr(StudyError, "__init__", kept)
    yield
    of_rooms = [error for error in made if room_of(error) not in ("", "__main__.py")]
    assert {str(error): lost for error in of_rooms if (lost := unfaithful(error.said("en"), error.said("zh")))} == {}


def room_of(error: StudyError) -> str:
    """The room of the library that raised an error, or nothing for one that a test made."""
    files = [Path(frame.f_code.co_filename) for frame, _ in walk_tb(error.__traceback__)]
    inside = [file.relative_to(LIBRARY).parts[0] for file in files if file.is_relative_to(LIBRARY)]
    return next((room for room in reversed(inside) if room != "messages.py"), "")
