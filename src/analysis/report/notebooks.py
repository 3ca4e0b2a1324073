"""Run notebooks from a fresh kernel, and store their outputs so that they compare equal anywhere."""

import os
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from joblib import Parallel, cpu_count, delayed
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

from analysis.messages import StudyError
from analysis.report.unsupported import names, say_left_out, say_unsupported

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


def run_notebook(
    path: Path, variables: Mapping[str, str] | None = None, *, exporting: bool = False, tolerant: bool = False
) -> NotebookNode:
    """
    Run a notebook in its own folder, from a fresh kernel, and return it; the file is not touched.

    Parameters
    ----------
    path : pathlib.Path
        A notebook; what it stores as outputs is ignored.
    variables : mapping of str to str, optional
        Environment variables of the kernel beside those of this process.
    exporting : bool
        Whether tables and figures also come in the forms that `analysis.report.exports` writes.
    tolerant : bool
        Whether a StudyError is shown as what the study cannot support, and what builds on that step left out.

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
        _kernel_of_this_interpreter(),
        record_timing=False,
        timeout=None,
        extra_arguments=["--log-level=ERROR", *(["--ext=analysis.report.kernel"] if exporting else [])],
        resources={"metadata": {"path": str(path.parent)}},
    )
    lost: set[str] = set()
    with client.setup_kernel(env=os.environ | (variables or {}), cleanup_kc=True):
        for place, cell in enumerate(notebook.cells):
            if cell.cell_type == "code" and tolerant:
                lost = _run_tolerantly(client, place, path, lost)
            elif cell.cell_type == "code":
                _run_cell(client, place, path)
    return _normalised(notebook)


def run_notebooks(folder: Path, *args: Any, **options: Any) -> Iterator[tuple[Path, NotebookNode | NotebookError]]:
    """
    Run the notebooks of a folder side by side, one on each core, and show progress on stderr.

    Yields
    ------
    tuple of (pathlib.Path, nbformat.NotebookNode or NotebookError)
        In the order of their names: the file, and the notebook as run or why it could not be; `run_notebook` has the
        other arguments.
    """
    paths = notebook_paths(folder)
    jobs = (delayed(_attempt)(path, *args, **options) for path in paths)
    runs = Parallel(cpu_count(), backend="threading", batch_size=1, return_as="generator")(jobs)
    yield from zip(paths, tqdm(runs, total=len(paths), unit="notebook"), strict=True)


def store_outputs(folder: Path) -> None:
    """
    Run every notebook of a folder and write its outputs into it, all of them or none.

    Raises
    ------
    NotebookError
        If one of them fails; then no file has changed.
    """
    runs = dict(run_notebooks(folder))
    for failure in (run for run in runs.values() if isinstance(run, NotebookError)):
        raise failure
    for path, notebook in runs.items():
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def figures(path: Path) -> list[bytes]:
    """Return the figures stored in a notebook, in order, as PNG files."""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return [b64decode(data["image/png"]) for data in outputs if "image/png" in data]


def _attempt(path: Path, *args: Any, **options: Any) -> NotebookNode | NotebookError:
    try:
        return run_notebook(path, *args, **options)
    except NotebookError as error:
        return error


def _kernel_of_this_interpreter() -> AsyncKernelManager:
    """Python as it runs now, whatever kernels of that name are installed elsewhere."""
    nowhere = KernelSpecManager(kernel_dirs=[])
    return AsyncKernelManager(kernel_name=NATIVE_KERNEL_NAME, kernel_spec_manager=nowhere)


def _run_cell(client: NotebookClient, place: int, path: Path) -> None:
    cell = client.nb.cells[place]
    try:
        client.execute_cell(cell, place)
    except CellExecutionError:
        error = _errors(cell)[-1]
        raise NotebookError(_failure(path, cell, place, f"{error.ename}: {error.evalue}")) from None
    except DeadKernelError:
        raise NotebookError(_failure(path, cell, place, "the kernel died (out of memory?)")) from None


def _run_tolerantly(client: NotebookClient, place: int, path: Path, lost: set[str]) -> set[str]:
    """Run a cell if nothing it needs is lost; returns the names that are lost to the cells below."""
    cell = client.nb.cells[place]
    needed, left = names(cell.source)
    if needed & lost:
        say_left_out(cell)
        return lost | left
    try:
        _run_cell(client, place, path)
    except NotebookError:
        if not (errors := _errors(cell)) or {error.ename for error in errors} != {StudyError.__name__}:
            raise
        say_unsupported(cell, errors[-1].evalue)
        return lost | left
    return lost - left


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


def _failure(path: Path, cell: NotebookNode, place: int, reason: str) -> str:
    first_line = cell.source.strip().splitlines()[0]
    return f"{path.name}, cell {place + 1} ({first_line!r}): {reason}"


def _errors(cell: NotebookNode) -> list[NotebookNode]:
    return [output for output in cell.outputs if output.output_type == "error"]
