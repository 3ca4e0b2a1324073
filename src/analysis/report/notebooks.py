"""Run notebooks from a fresh kernel, and store their outputs so that they compare equal anywhere.

What a study cannot support may be said in the place of the step that asks for it.
"""

import os
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
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

from analysis.language.labels import say
from analysis.messages import StudyError

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py"},
}
MARK = "unsupported"
TITLE = "This study cannot support this step"
OF_THE_DEFAULT_STUDY = "default study only"
"""Tag of cells that say nothing of any other study: they, or a page whose title has it, are no part of its report."""
ABOUT_THE_METHOD = "about the method"
"""Tag of the title of a page that is the same for every study: it stands behind those on the study."""


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


def pages_on(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Notebooks for the report of a study of one's own: those on the study, and those on the method."""
    tagged = {path: nbformat.read(path, as_version=4).cells[0].metadata.get("tags", []) for path in paths}
    kept = {path: tags for path, tags in tagged.items() if OF_THE_DEFAULT_STUDY not in tags}
    method = [path for path, tags in kept.items() if ABOUT_THE_METHOD in tags]
    return [path for path in kept if path not in method], method


def run_notebook(
    path: Path,
    variables: Mapping[str, str] | None = None,
    *,
    exporting: bool = False,
    tolerant: bool | Callable = False,
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
        Whether tables and figures also come in the forms that `analysis.report.exports.paper` writes.
    tolerant : bool or function
        Whether a StudyError is shown as what the study cannot support, once a page, and cells that are tagged as
        those of the default study are left out; a function says errors in the study's own words.

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
    if tolerant:
        notebook.cells = [c for c in notebook.cells if OF_THE_DEFAULT_STUDY not in c.metadata.get("tags", [])]
    client = NotebookClient(
        notebook,
        _kernel_of_this_interpreter(),
        record_timing=False,
        timeout=None,
        extra_arguments=["--log-level=ERROR", *(["--ext=analysis.report.exports.paper"] if exporting else [])],
        resources={"metadata": {"path": str(path.parent)}},
    )
    title = say((variables or {}).get("STUDY_LANGUAGE", "en"), TITLE)
    instead = partial(_say_instead, said=set(), title=title, worded=tolerant if callable(tolerant) else str)
    with client.setup_kernel(env=os.environ | (variables or {}), cleanup_kc=True):
        for place, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                _run_cell(client, place, path, instead if tolerant else None)
    notebook.cells = [cell for cell in notebook.cells if cell.metadata.get(MARK) != ""]
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def run_notebooks(
    paths: Sequence[Path], *args: Any, **options: Any
) -> Iterator[tuple[Path, NotebookNode | NotebookError]]:
    """
    Run notebooks side by side, one on each core, and show progress on stderr.

    Every kernel has one BLAS thread, unless the environment says otherwise: two for each core would be in their way.

    Yields
    ------
    tuple of (pathlib.Path, nbformat.NotebookNode or NotebookError)
        In their order: the file, and the notebook as run or why it could not be; `run_notebook` has the
        other arguments.
    """
    for variable in THREADS:
        os.environ.setdefault(variable, "1")
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
    runs = dict(run_notebooks(notebook_paths(folder)))
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


def _run_cell(client: NotebookClient, place: int, path: Path, instead: Callable | None) -> None:
    """Run a cell; where refusals are forgiven, `instead` shows them in its place."""
    cell = client.nb.cells[place]
    try:
        client.execute_cell(cell, place)
    except (CellExecutionError, DeadKernelError):
        errors = _errors(cell)
        if instead and {error.ename for error in errors} == {StudyError.__name__}:
            instead(cell, errors[-1].evalue)
            return
        reasons = [f"{error.ename}: {error.evalue}" for error in errors] or ["the kernel died (out of memory?)"]
        first_line = cell.source.strip().splitlines()[0]
        raise NotebookError(f"{path.name}, cell {place + 1} ({first_line!r}): {reasons[-1]}") from None


def _errors(cell: NotebookNode) -> list[NotebookNode]:
    return [output for output in cell.outputs if output.output_type == "error"]


def _say_instead(cell: NotebookNode, reason: str, *, said: set[str], title: str, worded: Callable) -> None:
    """Say in a cell's place what the study cannot support, unless the page has said it; then nothing is left."""
    reason = worded(reason)
    html = f'<p class="admonition-title">{title}</p><p>{escape(reason)}</p>'
    data = {"text/html": f'<div class="admonition warning {MARK}">{html}</div>', "text/plain": f"{title}: {reason}"}
    cell.metadata[MARK] = "" if reason in said else reason
    cell.outputs = [new_output("display_data", data=data)]
    said.add(reason)


def unsupported_steps(pages: Mapping[str, NotebookNode]) -> dict[str, list[str]]:
    """By page with any: what the study cannot support."""
    found = {
        name: [cell.metadata[MARK] for cell in notebook.cells if MARK in cell.metadata]
        for name, notebook in pages.items()
    }
    return {name: reasons for name, reasons in found.items() if reasons}


def _without_outputs(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        for name in ("execution", "papermill"):
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook
