"""The library's shape: rooms in one order, no circle, all of it small and documented."""

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import analysis

LIBRARY = Path(analysis.__file__).parent
TESTS = Path(__file__).parent
FILES = {path.relative_to(LIBRARY).as_posix(): path for path in sorted(LIBRARY.rglob("*.py"))}

# From the ground up: a room imports those before it, and never those after it.
ORDER = ["language", "messages", "study", "reading", "regression", "inference", "effects", "design"]
ORDER += ["presentation", "robustness", "simulation", "report", "__init__", "__main__"]
ABSENT = {"simulation": {"regression", "inference", "effects", "presentation", "robustness"}, "inference": {"reading"}}

# Rooms that show results: an analysis runs without them and what they need.
SHOWING_PACKAGES = {"matplotlib", "seaborn", "mpl_font", "sphinx", "furo", "myst_nb", "nbclient", "nbformat", "IPython"}
FORBIDDEN = SHOWING_PACKAGES | {"analysis.presentation", "analysis.report", "analysis.__main__"}

# Lines of code as line counters have it, without blank lines, comments and docstrings: the library is read in a day.
# A file counts as it is read.
# It is what stands here now: whoever adds a line looks first for one that can go.
MOST_LINES = 13_250
MOST_NAMES = 30
MOST_LINES_PER_FILE = 300
MOST_ENTRIES = 15


def code_lines(source: str) -> int:
    """Lines that are neither blank nor comment nor docstring."""
    documented: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documented |= set(range(node.lineno, node.end_lineno + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") and at not in documented for at, line in lines)


def room(name: str) -> str:
    """The room of a file of the library, or the file itself on the ground floor."""
    return Path(name).parts[0].removesuffix(".py")


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


def modules(source: str) -> set[str]:
    """Files of the library that a module imports when it is loaded or later, as paths within it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("analysis"):
            base = (node.module or "").split(".")[1:]
            for alias in node.names:
                for place in ([*base, alias.name], base):
                    if (name := "/".join(place) + ".py") in FILES:
                        found.add(name)
                        break
    return found


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Files that, by way of others, import themselves."""
    reached = {name: set(targets) for name, targets in graph.items()}
    for middle in graph:
        for name in graph:
            if middle in reached[name]:
                reached[name] |= reached[middle]
    return [name for name in graph if name in reached[name]]


@pytest.mark.parametrize("name", FILES)
def test_a_room_imports_only_rooms_below(name):
    own = room(name)
    below = set(ORDER[: ORDER.index(own) + 1]) - ABSENT.get(own, set())
    rooms = {used.split(".")[1] for used in imported(FILES[name].read_text(encoding="utf-8")) if "." in used}
    assert rooms & set(ORDER) <= below


def test_no_files_import_each_other_in_a_circle():
    assert circles({name: modules(path.read_text(encoding="utf-8")) for name, path in FILES.items()}) == []


def test_a_circle_is_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c"]


def test_every_room_says_what_it_is_for_and_what_it_imports():
    rooms = {name for name in FILES if name.count("/") == 1 and name.endswith("/__init__.py")}
    assert {Path(name).parts[0] for name in rooms} == {name for name in ORDER if (LIBRARY / name).is_dir()}
    for name in rooms:
        text = ast.get_docstring(ast.parse(FILES[name].read_text(encoding="utf-8")))
        assert len(text.splitlines()) == 4, name
        named = set(re.findall(r"`(\w+)`", text.splitlines()[-1]))
        own, used = Path(name).parts[0], set()
        for path in (LIBRARY / own).rglob("*.py"):
            used |= {module.split(".")[1] for module in imported(path.read_text(encoding="utf-8")) if "." in module}
        assert named == used - {own} or own == "report", name


def test_the_top_floor_is_small():
    entries = [path for path in LIBRARY.iterdir() if path.name != "__pycache__"]
    assert len(entries) <= MOST_ENTRIES


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import matplotlib.pyplot as plt", "matplotlib"),
        ("def f():\n    from seaborn import lineplot", "seaborn"),
        ("from analysis.presentation.plots import plot_trends", "analysis.presentation"),
        ("from analysis import presentation", "analysis.presentation"),
        ("import analysis.presentation.style", "analysis.presentation"),
        ("from .presentation import plots", "analysis.presentation"),
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
    lines = sum(code_lines(source) for name, source in sources.items())
    assert lines <= MOST_LINES


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


def test_public_names_are_listed_once_and_few():
    assert len(analysis.__all__) == len(set(analysis.__all__)) <= MOST_NAMES


@pytest.mark.parametrize("name", analysis.MOVED)
def test_a_name_that_was_public_goes_on_working_and_says_where_it_is(name):
    room = analysis.MOVED[name]
    with pytest.warns(
        FutureWarning, match=f"^analysis.{name} goes in version 0.3. Write: from analysis.{room} import {name}$"
    ):
        former = getattr(analysis, name)
    assert former is getattr(importlib.import_module(f"analysis.{room}"), name)
    assert inspect.getdoc(former)


def test_unknown_name_says_so():
    with pytest.raises(AttributeError, match=r"^module 'analysis' has no attribute 'plot_everything'$"):
        _ = analysis.plot_everything


def test_tests_mirror_the_rooms_and_no_test_file_imports_another() -> None:
    folders = {path.parent.name for path in TESTS.rglob("test_*.py") if path.parent != TESTS}
    assert folders <= set(ORDER)
    sources = ((path.name, path.read_text(encoding="utf-8")) for path in TESTS.rglob("*.py"))
    assert [name for name, source in sources if re.search(r"^\s*(from|import) test_", source, re.MULTILINE)] == []
