"""Run notebooks from a fresh kernel, and store their outputs so that they compare equal anywhere."""

import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

_KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}


class NotebookError(RuntimeError):
    """A notebook cannot be run or shown; the message says which one, where and why."""


def notebook_paths(folder: Path) -> list[Path]:
    """
    List the notebooks of a folder by name.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    paths = sorted(folder.glob("*.ipynb"))
    if not paths:
        raise FileNotFoundError(f"No notebook (*.ipynb) in {folder}; check the folder's name.")
    return paths


def run_notebook(path: Path) -> NotebookNode:
    """
    Run a notebook in its own folder, from a fresh kernel, and return it; the file is not touched.

    Parameters
    ----------
    path : pathlib.Path
        A notebook; what it stores as outputs is ignored.

    Returns
    -------
    nbformat.NotebookNode
        The notebook with new outputs and without anything that changes from run to run.

    Raises
    ------
    NotebookError
        If a cell raises or the kernel dies.
    """
    notebook = _without_outputs(nbformat.read(path, as_version=4))
    begun: list[int] = []
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        record_timing=False,
        timeout=None,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_execute=lambda cell, cell_index: begun.append(cell_index),
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise NotebookError(_failure(path, notebook, begun[-1], _reason(error))) from None
    except DeadKernelError:
        raise NotebookError(_failure(path, notebook, begun[-1], "the kernel died (out of memory?)")) from None
    return _normalised(notebook)


def run_notebooks(folder: Path) -> Iterator[tuple[Path, NotebookNode]]:
    """
    Run every notebook of a folder in turn and show progress on stderr.

    Yields
    ------
    tuple of (pathlib.Path, nbformat.NotebookNode)
        The file and the notebook as run; see `run_notebook`.
    """
    with tqdm(notebook_paths(folder), unit="notebook") as progress:
        for path in progress:
            progress.set_description(path.stem)
            yield path, run_notebook(path)


def store_outputs(folder: Path) -> None:
    """
    Run every notebook of a folder and write its outputs into it, all of them or none.

    Raises
    ------
    NotebookError
        If one of them fails; then no file has changed.
    """
    for path, notebook in list(run_notebooks(folder)):
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def figures(path: Path) -> list[bytes]:
    """Return the figures stored in a notebook, in order, as PNG files."""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return [b64decode(data["image/png"]) for data in outputs if "image/png" in data]


def _without_outputs(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        for name in ("execution", "papermill"):
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def _normalised(notebook: NotebookNode) -> NotebookNode:
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": _KERNELSPEC, "language_info": {"name": "python", "file_extension": ".py"}}
    )
    return notebook


def _failure(path: Path, notebook: NotebookNode, place: int, reason: str) -> str:
    first_line = notebook.cells[place].source.strip().splitlines()[0]
    return f"{path.name}, cell {place + 1} ({first_line!r}): {reason}"


def _reason(error: CellExecutionError) -> str:
    """Error and message; an error while a result is being shown comes without them, but ends the traceback."""
    if error.ename not in ("", "NoneType"):
        return f"{error.ename}: {error.evalue}"
    return re.sub(r"\x1b\[[0-9;]*m", "", error.traceback).strip().splitlines()[-1]
