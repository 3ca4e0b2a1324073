"""Write a ready study folder for a researcher to fill in."""

import shutil
from pathlib import Path

from analysis.reading.read_files import DATA

EXAMPLE = DATA / "example"
WORKBOOK = "invented-数据.xlsx"


def write_template(folder: str | Path) -> Path:
    """Write a workbook with Chinese headers and a commented ``study.toml`` into a new or empty folder.

    Use it to begin a study: the folder passes `check_study` as it is, on invented villages to be replaced.

    Parameters
    ----------
    folder
        Made if it is not there.

    Returns
    -------
    Path
        The ``study.toml``.

    Raises
    ------
    FileExistsError
        If the folder holds anything.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_template(folder).name
    'study.toml'
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is not an empty folder. Name a new one; nothing was written.")
    folder.mkdir(parents=True, exist_ok=True)
    name = WORKBOOK.removeprefix("invented-")
    shutil.copyfile(EXAMPLE / WORKBOOK, folder / name)
    settings = (EXAMPLE / "study.toml").read_text(encoding="utf-8").replace(WORKBOOK, name)
    (folder / "study.toml").write_text(settings, encoding="utf-8", newline="\n")
    return folder / "study.toml"
