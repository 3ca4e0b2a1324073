"""What the check says of each deliberate error in the example's copies."""

import pandas as pd

from analysis.language.labels import joined, say
from analysis.language.texts import said
from analysis.messages import StudyError
from analysis.presentation.tables import Table
from analysis.reading.study_file import load_study
from analysis.reading.template import EXAMPLE
from analysis.report.check import findings_on

TOLD = ("LOOK", "totals or means")
"""What findings hold that tell of an error in a study that can run."""


def deliberate_errors(language: str = "en") -> Table:
    """A row for each copy of the example with one error in it: the file, and what `check_study` says of it.

    Examples
    --------
    >>> deliberate_errors().frame.index.tolist()[:2]
    ['dates-for-years', 'duplicated-village']
    """
    told = {}
    for path in sorted((EXAMPLE / "with-errors").glob("*.toml")):
        try:
            found = findings_on(load_study(path))
            told[path.stem] = joined(language, [said(language, one) for one in found if any(map(one.count, TOLD))])
        except StudyError as error:
            told[path.stem] = error.said(language)
    frame = pd.DataFrame({"what the check says": told}).rename_axis("file")
    return Table(frame, say(language, "One deliberate error in each file (invented data)"), language)
