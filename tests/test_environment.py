"""One environment, three files: pyproject.toml, requirements.lock and environment.yml say the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from analysis import __main__ as commands

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"matplotlib-base": "matplotlib", "seaborn-base": "seaborn"}
CONDA_ONLY = {"python", "pip"}
LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?P<rest>.*)$")
HASH = re.compile(r"^\s+--hash=sha256:[0-9a-f]{64}( \\)?$")

FILES = ("pyproject.toml", "environment.yml", "requirements.lock")


def project_bounds(pyproject: str) -> dict[str, str]:
    """Bounds by name: what the package needs and what its tests need."""
    settings = tomllib.loads(pyproject)
    return bounds_of(settings["project"]["dependencies"] + settings["dependency-groups"]["test"])


def conda_bounds(environment: str) -> dict[str, str]:
    """Bounds by name in environment.yml, both of conda and of pip."""
    entries = yaml.safe_load(environment)["dependencies"]
    conda = [entry for entry in entries if isinstance(entry, str)]
    return bounds_of(conda + [entry for entry in pip_entries(environment) if not entry.startswith("-")])


def pip_entries(environment: str) -> list[str]:
    """The lines under ``pip:``, which must close the list."""
    last = yaml.safe_load(environment)["dependencies"][-1]
    return last["pip"] if isinstance(last, dict) else []


def bounds_of(entries: list[str]) -> dict[str, str]:
    """Canonical name to canonical bounds."""
    requirements = [Requirement(entry) for entry in entries]
    names = [CONDA_NAMES.get(canonicalize_name(one.name), canonicalize_name(one.name)) for one in requirements]
    return {name: str(one.specifier) for name, one in zip(names, requirements, strict=True)}


def locked_packages(lock: str) -> tuple[dict[str, set[str]], list[str]]:
    """Versions by name, and every line that is neither a pinned package nor one of its hashes."""
    versions: dict[str, set[str]] = {}
    strange, awaiting = [], None
    for line in lock.splitlines():
        match = LOCKED.match(line)
        if match:
            strange += [f"{awaiting} has no hash"] if awaiting else []
            awaiting = canonicalize_name(match["name"])
            versions.setdefault(awaiting, set()).add(match["version"])
        elif HASH.match(line):
            awaiting = None
        elif not re.match(r"^\s*#", line):
            strange.append(f"unexpected line {line!r}")
    return versions, strange + ([f"{awaiting} has no hash"] if awaiting else [])


def disagreements(pyproject: str, environment: str, lock: str) -> list[str]:
    """Everything in which the three files differ, or in which one breaks a promise."""
    wanted, conda = project_bounds(pyproject), conda_bounds(environment)
    python = str(Requirement("python" + tomllib.loads(pyproject)["project"]["requires-python"]).specifier)
    problems = [f"environment.yml lacks {name}" for name in wanted if name not in conda]
    problems += [f"only environment.yml has {name}" for name in conda if name not in {*wanted, *CONDA_ONLY}]
    problems += [
        f"{name} is {conda[name]} in environment.yml, {bound} in pyproject.toml"
        for name, bound in [*wanted.items(), ("python", python)]
        if conda.get(name, bound) != bound
    ]
    if pip_entries(environment)[-1:] != ["-e ."]:
        problems.append("environment.yml does not end by installing the package in editable mode")
    versions, strange = locked_packages(lock)
    problems += [f"{name} is not locked" for name in wanted if name not in versions]
    problems += [
        f"{name} is locked at {version}, outside {bound}"
        for name, bound in wanted.items()
        for version in versions.get(name, ())
        if version not in Requirement(f"{name}{bound}").specifier
    ]
    addresses = [f"{name} holds an address" for name, text in (("lock", lock), ("conda", environment)) if "://" in text]
    return problems + strange + addresses


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in FILES}


def test_three_files_agree(texts: dict[str, str]) -> None:
    assert disagreements(*texts.values()) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("environment.yml", "pandas>=3.0,<4", "pandas>=2.0,<4", "pandas is"),
        ("environment.yml", "python>=3.11", "python>=3.10", "python is"),
        ("environment.yml", "mpl-font>=1.1,<2", "mpl-font", "mpl-font is"),
        ("environment.yml", "  - scipy>=1.15,<2\n", "", "environment.yml lacks scipy"),
        ("environment.yml", "  - pip\n", "  - pip\n  - polars\n", "only environment.yml has polars"),
        ("environment.yml", "      - -e .\n", "", "does not end by installing"),
        ("environment.yml", "  - conda-forge", "  - https://channel.example", "conda holds an address"),
        ("pyproject.toml", '"tqdm>=4.67,<5"', '"tqdm>=4.67,<4.68"', "outside <4.68,>=4.67"),
        ("pyproject.toml", '"tqdm>=4.67,<5"', '"tqdm>=4.67,<5", "polars"', "polars is not locked"),
        ("requirements.lock", "\ntqdm==", "\n--index-url https://example.org\ntqdm==", "unexpected line"),
        ("requirements.lock", "\ntqdm==", "\nmade-up==1.0\ntqdm==", "made-up has no hash"),
    ],
)
def test_disagreement_is_noticed(texts: dict[str, str], name: str, old: str, new: str, complaint: str) -> None:
    assert old in texts[name]
    changed = texts | {name: texts[name].replace(old, new)}
    assert any(complaint in problem for problem in disagreements(*changed.values()))


def test_workers_of_the_command_warn_of_default_encodings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error::EncodingWarning", encoding="utf-8")
    reads = "from pathlib import Path\n\ndef test_{0}():\n    Path(__file__).read_text({1})\n"
    for name, encoding in (("named", "encoding='utf-8'"), ("default", "")):
        (tmp_path / f"test_{name}.py").write_text(reads.format(name, encoding), encoding="utf-8")
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    assert commands.run_tests() == 1
    said = capfd.readouterr().out
    assert "1 failed, 1 passed" in said
    assert "FAILED test_default.py::test_default - EncodingWarning" in said
