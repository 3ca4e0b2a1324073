"""Outputs that the project stores compare equal in a strict comparison, and a changed one does not."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import find_kernel_specs
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image, ImageColor
from stored_figures import changed_figures

from analysis import __main__ as commands
from analysis.messages import StudyError
from analysis.report import notebooks
from analysis.report.notebooks import NotebookError, notebook_paths, run_notebook, run_notebooks, store_outputs

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (
    "import pandas as pd\nfrom matplotlib import pyplot as plt\nfrom analysis import use_style\n\nuse_style()",
    "pd.DataFrame({'镇': ['赵和镇'], 'share': [1 / 3]})",
    "ax = plt.subplot(title='孟州市')\nax",
    "print('源沟')",
)


def write(path: Path, *sources: str) -> Path:
    cells = [new_markdown_cell("# Title"), *(new_code_cell(source) for source in sources)]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": {"name": "conda-env-mine", "display_name": "x"}})
    notebook.cells[1].metadata["execution"] = {"iopub.status.busy": "2026-01-01"}
    nbformat.write(notebook, path)
    return path


@pytest.fixture(autouse=True, scope="module")
def other_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A kernel named python3 that is installed elsewhere, and is no Python."""
    folder = tmp_path_factory.mktemp("jupyter")
    spec = {"argv": [sys.executable, "-c", "raise SystemExit('another interpreter')"], "display_name": "Python 3"}
    (folder / "kernels" / "python3").mkdir(parents=True)
    (folder / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        yield


def test_kernel_is_the_interpreter_that_runs_whichever_are_installed(tmp_path: Path) -> None:
    assert Path(find_kernel_specs()["python3"]).parent.parent == Path(os.environ["JUPYTER_PATH"])
    path = write(tmp_path / "01-who.ipynb", "import sys\nsys.executable")
    assert run_notebook(path).cells[1].outputs[0].data["text/plain"] == repr(sys.executable)


MEET = """import time
from pathlib import Path

Path({own!r}).touch()
while not Path({other!r}).exists():
    time.sleep(0.1)"""


def test_notebooks_run_side_by_side_and_come_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebooks, "cpu_count", lambda: 2)
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    write(tmp_path / "01-a.ipynb", MEET.format(own=first, other=second))
    write(tmp_path / "02-b.ipynb", MEET.format(own=second, other=first))
    assert [path.name for path, _ in run_notebooks(notebook_paths(tmp_path))] == ["01-a.ipynb", "02-b.ipynb"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook with its outputs stored."""
    path = write(tmp_path_factory.mktemp("stored") / "01-title.ipynb", *SOURCES)
    store_outputs(path.parent)
    return path


def repainted(figure: str, box: tuple[int, int, int, int], colour: str) -> str:
    """A stored figure with a part of it in another colour."""
    image = Image.open(BytesIO(b64decode(figure))).convert("RGBA")
    image.paste(ImageColor.getrgb(colour), box)
    image.save(file := BytesIO(), "PNG")
    return b64encode(file.getvalue()).decode("ascii")


def compared(folder: Path) -> str:
    """What a strict comparison of a folder's notebooks says, as the project's tests do it, in a process of its own."""
    options = ["--nbval", "--nbval-current-env", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}"]
    command = [sys.executable, "-m", "pytest", "-p", "conftest", *options, str(folder)]
    places = [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    run = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=folder, env=environment, check=False)
    return run.stdout


def test_stored_outputs_compare_equal_and_a_changed_output_or_figure_is_noticed(stored: Path, tmp_path: Path) -> None:
    shutil.copy(stored, tmp_path / "01-same.ipynb")
    text = stored.read_text(encoding="utf-8")
    assert "0.333" in text
    (tmp_path / "02-number.ipynb").write_text(text.replace("0.333", "0.334"), encoding="utf-8")
    notebook = nbformat.read(stored, as_version=4)
    data = notebook.cells[3].outputs[-1].data
    data["image/png"] = repainted(data["image/png"], (20, 20, 30, 30), "black")
    nbformat.write(notebook, tmp_path / "03-figure.ipynb")
    said = compared(tmp_path)
    failed = re.findall(r"^FAILED (\S+)::Cell (\d+)", said, re.MULTILINE)
    assert failed == [("02-number.ipynb", "1"), ("03-figure.ipynb", "2")], said
    assert f"2 failed, {3 * len(SOURCES) - 2} passed" in said
    assert "Figure 1 changed: pixels differ by" in said


@pytest.mark.parametrize(
    ("box", "colour", "changed"),
    [((9, 9, 309, 10), "#FCFCFC", False), ((9, 9, 16, 16), "#0B4F8A", True), ((9, 9, 309, 10), "#D9822B", True)],
    ids=["a line in a shade less of white", "a marker", "a line"],
)
def test_figures_differ_by_what_a_reader_would_see(stored: Path, box, colour: str, changed: bool) -> None:
    output = nbformat.read(stored, as_version=4).cells[3].outputs[-1]
    figure = output.data["image/png"]
    fresh = {"data": {"image/png": repainted(figure, box, colour)}}
    assert bool(changed_figures([output], [fresh])) == changed
    assert changed_figures([output], [output]) == []
    assert changed_figures([output], []) == ["1 figures are stored, 0 were drawn."]


def test_storing_again_changes_no_byte(stored: Path) -> None:
    before = stored.read_bytes()
    store_outputs(stored.parent)
    assert stored.read_bytes() == before
    assert b"\r" not in before


def test_nothing_of_the_machine_is_stored(stored: Path) -> None:
    notebook = nbformat.read(stored, as_version=4)
    assert dict(notebook.metadata.kernelspec) == {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert "version" not in notebook.metadata.language_info
    assert all(not cell.metadata for cell in notebook.cells)
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2, 3, 4]


def test_failing_notebook_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    paths = [write(tmp_path / "01-good.ipynb", "1 + 1"), write(tmp_path / "02-bad.ipynb", "1 / 0")]
    before = [path.read_bytes() for path in paths]
    with pytest.raises(NotebookError, match=r"02-bad.ipynb, cell 2 \('1 / 0'\): ZeroDivisionError"):
        store_outputs(tmp_path)
    assert [path.read_bytes() for path in paths] == before


def test_dead_kernel_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "01-dead.ipynb", "x = 1", "import os\nos._exit(1)")
    with pytest.raises(NotebookError, match=r"01-dead.ipynb, cell 3 \('import os'\): the kernel died"):
        run_notebook(path)


def test_error_while_a_result_is_shown_is_named(tmp_path: Path) -> None:
    source = "class Result:\n    def __repr__(self):\n        raise ValueError('no such method')\n\nResult()"
    with pytest.raises(NotebookError, match=r"cell 2 \('class Result:'\): ValueError: no such method"):
        run_notebook(write(tmp_path / "01-shown.ipynb", source))


def test_notebooks_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("10-b.ipynb", "02-a.ipynb"):
        (tmp_path / name).touch()
    assert [path.name for path in notebook_paths(tmp_path)] == ["02-a.ipynb", "10-b.ipynb"]


@pytest.fixture
def failing_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_options: object) -> int:
        raise StudyError("The panel 孟州 is wrong. Correct it.")

    monkeypatch.setitem(commands.COMMANDS, "report", fail)
    monkeypatch.setattr(commands, "_prepare_environment", lambda: None)


@pytest.mark.usefixtures("failing_command")
def test_command_says_what_is_wrong_without_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["report"]) == 1
    assert capsys.readouterr().err == "\nStudyError: The panel 孟州 is wrong. Correct it.\n"


@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
def test_help_prints_on_a_chinese_and_on_an_ascii_console(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    console = io.TextIOWrapper(written := BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", console)
    with pytest.raises(SystemExit) as ended:
        commands.main(["--help"])
    console.flush()
    assert ended.value.code == 0
    assert b"notebooks" in written.getvalue()
