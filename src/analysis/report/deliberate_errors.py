"""What the check says of each deliberate error in the example's copies."""

import pandas as pd

from analysis.language.labels import say
from analysis.messages import StudyError
from analysis.presentation.tables import Table
from analysis.reading.template import EXAMPLE
from analysis.report.check import check_study

TOLD = ("LOOK", "totals or means")
"""What findings hold that tell of an error in a study that can run."""


def deliberate_errors(language: str = "en") -> Table:
    """A row for each copy of the example with one error in it: the file, and what `check_study` says of it.

    Examples
    --------
    >>> deliberate_errors().frame.index.tolist()[:2]
    ['dates-for-years', 'duplicated-village']
    """
    said = {}
    for path in sorted((EXAMPLE / "with-errors").glob("*.toml")):
        try:
            said[path.stem] = " ".join(line for line in check_study(path) if any(word in line for word in TOLD))
        except StudyError as error:
            said[path.stem] = str(error)
    frame = pd.DataFrame({"what the check says": said}).rename_axis("file")
    return Table(frame, say(language, "One deliberate error in each file (invented data)"), language)
