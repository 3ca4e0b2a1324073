"""Run notebooks from a fresh kernel, and store their outputs so that they compare equal anywhere."""

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
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        record_timing=False,
        timeout=None,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise NotebookError(_failure(path, notebook, f"{error.ename}: {error.evalue}")) from None
    except DeadKernelError:
        raise NotebookError(_failure(path, notebook, "the kernel died (out of memory?)")) from None
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


def _failure(path: Path, notebook: NotebookNode, reason: str) -> str:
    """Say where a run stopped: the first code cell with an error, or the first that never ran."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        failed = any(output.output_type == "error" for output in cell.outputs)
        if failed or cell.execution_count is None:
            first_line = cell.source.strip().splitlines()[0]
            return f"{path.name}, cell {number} ({first_line!r}): {reason}"
    return f"{path.name}: {reason}"
