"""Run notebooks from a fresh kernel, and store their outputs so that they compare equal anywhere.

What a study cannot support may be said in the place of the step that asks for it.
"""

import ast
import os
from base64 import b64decode
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from symtable import SymbolTable, symtable
from typing import Any

import nbformat
from joblib import Parallel, cpu_count, delayed
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from tqdm import tqdm

from analysis.messages import StudyError

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py"},
}
MARK = "unsupported"
TITLE = "This study cannot support this step"
LEFT_OUT = "Not run: it builds on a step above that this study cannot support."


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
        extra_arguments=["--log-level=ERROR", *(["--ext=analysis.report.exports"] if exporting else [])],
        resources={"metadata": {"path": str(path.parent)}},
    )
    lost: set[str] = set()
    with client.setup_kernel(env=os.environ | (variables or {}), cleanup_kc=True):
        for place, cell in enumerate(notebook.cells):
            if cell.cell_type == "code" and tolerant:
                lost = _run_tolerantly(client, place, path, lost)
            elif cell.cell_type == "code":
                _run_cell(client, place, path)
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def run_notebooks(folder: Path, *args: Any, **options: Any) -> Iterator[tuple[Path, NotebookNode | NotebookError]]:
    """
    Run the notebooks of a folder side by side, one on each core, and show progress on stderr.

    Every kernel has one BLAS thread, unless the environment says otherwise: two for each core would be in their way.

    Yields
    ------
    tuple of (pathlib.Path, nbformat.NotebookNode or NotebookError)
        In the order of their names: the file, and the notebook as run or why it could not be; `run_notebook` has the
        other arguments.
    """
    for variable in THREADS:
        os.environ.setdefault(variable, "1")
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
    except (CellExecutionError, DeadKernelError):
        said = [f"{error.ename}: {error.evalue}" for error in _errors(cell)] or ["the kernel died (out of memory?)"]
        first_line = cell.source.strip().splitlines()[0]
        raise NotebookError(f"{path.name}, cell {place + 1} ({first_line!r}): {said[-1]}") from None


def _run_tolerantly(client: NotebookClient, place: int, path: Path, lost: set[str]) -> set[str]:
    """Run a cell if nothing it needs is lost; returns the names that are lost to the cells below."""
    cell = client.nb.cells[place]
    needed, left = names(cell.source)
    if needed & lost:
        _leave_out(cell)
        return lost | left
    try:
        _run_cell(client, place, path)
    except NotebookError:
        if {error.ename for error in _errors(cell)} != {StudyError.__name__}:
            raise
        _leave_out(cell, _errors(cell)[-1].evalue)
        return lost | left
    return lost - left


def _errors(cell: NotebookNode) -> list[NotebookNode]:
    return [output for output in cell.outputs if output.output_type == "error"]


def _leave_out(cell: NotebookNode, reason: str = "") -> None:
    """Say in a cell's place what the study cannot support, or that the cell builds on such a step."""
    text = f"{TITLE}: {reason}" if reason else LEFT_OUT
    html = f'<p class="admonition-title">{TITLE}</p><p>{escape(reason)}</p>' if reason else f"<p>{LEFT_OUT}</p>"
    data = {"text/html": f'<div class="admonition warning {MARK}">{html}</div>', "text/plain": text}
    cell.metadata[MARK] = reason
    cell.outputs = [new_output("display_data", data=data)]


def unsupported_steps(pages: Mapping[str, NotebookNode]) -> dict[str, list[str]]:
    """By page with any: for each step left out the reason, empty where it only builds on another one."""
    found = {
        name: [cell.metadata[MARK] for cell in notebook.cells if MARK in cell.metadata]
        for name, notebook in pages.items()
    }
    return {name: reasons for name, reasons in found.items() if reasons}


def names(source: str) -> tuple[set[str], set[str]]:
    r"""
    Names that a cell needs from the cells above it, and names that it leaves to those below.

    A cell that changes a part of something (``table["share"] = ...``) both needs and leaves it.

    Examples
    --------
    >>> needed, left = names("x = 1\ntable['share'] = [x + y for y in rows]")
    >>> sorted(needed), sorted(left)
    (['rows', 'table'], ['table', 'x'])
    """
    needed: set[str] = set()
    left: set[str] = set()
    for statement in ast.parse(source).body:
        top = symtable(ast.unparse(statement), "a cell", "exec")
        added, changed = set(), set()
        for node in ast.walk(statement):
            match node:
                case ast.AugAssign(target=ast.Name(id=name)):
                    added.add(name)
                case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                    changed.add(name)
                case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store()):
                    changed.add(name)
        needed |= (_read(top) | added) - left
        left |= changed | {one.get_name() for one in top.get_symbols() if one.is_assigned() or one.is_imported()}
    return needed, left


def _read(scope: SymbolTable) -> set[str]:
    """Global names that are read in a scope or in one inside it, such as a comprehension."""
    read = {one.get_name() for one in scope.get_symbols() if one.is_referenced() and one.is_global()}
    return read.union(*map(_read, scope.get_children()))


def _without_outputs(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        for name in ("execution", "papermill"):
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook
