"""The library's shape: estimation below, presentation above, all of it small and documented."""

import ast
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import analysis

LIBRARY = Path(analysis.__file__).parent
FILES = {path.relative_to(LIBRARY).as_posix(): path for path in sorted(LIBRARY.rglob("*.py"))}

# Rooms that show results; every other file of the library is estimation or data and must not need them.
SHOWING = {"tables", "plots", "curves", "style", "report", "__main__"}
SHOWING_PACKAGES = {"matplotlib", "seaborn", "mpl_font", "sphinx", "furo", "myst_nb", "nbclient", "nbformat", "IPython"}
FORBIDDEN = SHOWING_PACKAGES | {f"analysis.{room}" for room in SHOWING}

# Lines of code as line counters have it: without blank lines, comments and docstrings. Estimation, the part that a
# referee must trust, is the top level without what shows; the other rooms are opened by who comes for them.
# A file counts as it is read.
MOST_LINES = {"estimation": 3_000, "robustness": 900, "honest_bounds": 350, "reading": 675, "showing": 1_800}
MOST_LINES_PER_FILE = 300


def code_lines(source: str) -> int:
    """Lines that are neither blank nor comment nor docstring."""
    documented: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documented |= set(range(node.lineno, node.end_lineno + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") and at not in documented for at, line in lines)


def room(name: str) -> str:
    """The room of a file of the library."""
    first = Path(name).parts[0].removesuffix(".py")
    if first in SHOWING | {"language", "chinese"}:
        return "showing"
    return first if first in MOST_LINES else "estimation"


def imported(source: str) -> Iterator[str]:
    """Names a module imports anywhere in it: packages, and this library's modules as analysis.name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            module = f"analysis.{module}".rstrip(".") if node.level else module
            names = [f"analysis.{alias.name}" for alias in node.names] if module == "analysis" else [module]
        else:
            continue
        for name in names:
            depth = 2 if name.startswith("analysis.") else 1
            yield ".".join(name.split(".")[:depth])


ESTIMATION = [name for name in FILES if Path(name).parts[0].removesuffix(".py") not in SHOWING]


@pytest.mark.parametrize("name", ESTIMATION)
def test_estimation_never_imports_presentation(name):
    assert not FORBIDDEN & set(imported(FILES[name].read_text(encoding="utf-8")))


def test_the_files_checked_are_those_meant():
    assert {"study.py", "regression.py", "effects.py", "estimates.py", "inference.py", "__init__.py"} <= set(ESTIMATION)
    assert {"tables.py", "plots.py", "style.py"} <= set(FILES) - set(ESTIMATION)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import matplotlib.pyplot as plt", "matplotlib"),
        ("def f():\n    from seaborn import lineplot", "seaborn"),
        ("from analysis.plots import plot_trends", "analysis.plots"),
        ("from analysis import tables", "analysis.tables"),
        ("import analysis.style", "analysis.style"),
        ("from .plots import plot_trends", "analysis.plots"),
        ("from . import report", "analysis.report"),
    ],
)
def test_every_way_of_importing_is_seen(source, found):
    assert FORBIDDEN & set(imported(source)) == {found}


def test_an_analysis_loads_no_presentation():
    script = """
import json, sys
import analysis
study = analysis.load_study()
estimate = analysis.did(study, study.primary_outcome)
repr(estimate), estimate.frame(), analysis.event_study(study, study.primary_outcome).frame()
print(json.dumps([".".join(name.split(".")[:2 if name.startswith("analysis.") else 1]) for name in sys.modules]))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    loaded = set(json.loads(run.stdout))
    assert {"statsmodels", "analysis.effects"} <= loaded, "the list is of what was loaded"
    assert not FORBIDDEN & loaded


def test_the_library_is_small():
    sources = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
    read = {name: len(source.splitlines()) for name, source in sources.items()}
    assert {name: number for name, number in read.items() if number > MOST_LINES_PER_FILE} == {}
    rooms = dict.fromkeys(MOST_LINES, 0)
    for name, source in sources.items():
        rooms[room(name)] += code_lines(source)
    assert {name: number for name, number in rooms.items() if number > MOST_LINES[name]} == {}


def test_code_lines_leave_out_what_is_not_code():
    assert code_lines('"""Module\n\nmore."""\n\n# comment\ndef f():\n    """Doc."""\n    return """a\nb"""\n') == 3


@pytest.mark.parametrize("name", analysis.__all__)
def test_every_public_name_imports_and_is_documented(name):
    thing = getattr(analysis, name)
    assert inspect.getdoc(thing)
    if inspect.isfunction(thing):
        assert ">>> " in inspect.getdoc(thing), "a public function shows its use"
        assert all(
            parameter.annotation is not inspect.Parameter.empty
            for parameter in inspect.signature(thing).parameters.values()
        )


def test_public_names_are_listed_once():
    assert len(analysis.__all__) == len(set(analysis.__all__))


def test_unknown_name_says_so():
    with pytest.raises(AttributeError, match=r"^module 'analysis' has no attribute 'plot_everything'$"):
        _ = analysis.plot_everything
