"""What a report was made from: versions, files by their hashes, seeds. No time and no path, so that reports compare."""

import json
import os
import platform
import re
import subprocess
import tomllib
from collections.abc import Iterable
from hashlib import sha256
from importlib import metadata
from inspect import signature
from pathlib import Path
from typing import Any

import analysis
from analysis.effects.estimate import Estimate
from analysis.reading.read_files import DATA
from analysis.report.notebooks import THREADS
from analysis.simulation.simulate import SEED
from analysis.study.study import Study

MANIFEST = "versions-and-files.json"
"""Sums depend on the order of addition, so the numbers of BLAS threads belong to a result."""
SEED_OF_DRAWS = signature(Estimate.inference).parameters["seed"].default


def write_manifest(path: Path, study: Study, file: Path, notebooks: Iterable[Path]) -> None:
    """Write what a report was made from, as JSON: of a study its ``study.toml``, and the notebooks that were run."""
    package = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
    tables = [DATA / resource["path"] for resource in package["resources"]]
    examples = sorted(path for path in (DATA / "example").rglob("*") if path.is_file())
    content = {
        "project": {"version": analysis.__version__, **_commit(DATA.parent)},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": _packages(),
        "threads": {name: os.environ.get(name, "not set") for name in THREADS},
        "seeds": {"draws": SEED_OF_DRAWS} | ({"simulation": SEED} if study.provenance == "simulated" else {}),
        "language": study.language,
        "data": study.label,
        "study_files": hashes(input_files(file), file.parent),
        "project_files": hashes([*tables, *examples, *notebooks], DATA.parent),
    }
    text = json.dumps(content, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def input_files(file: Path) -> list[Path]:
    """The ``study.toml`` and the files it names."""
    settings = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    named = [file.parent / settings[key] for key in ("panel", "membership") if key in settings]
    years = [sorted(path.parent.glob(path.name.replace("{year}", "[12][0-9][0-9][0-9]"))) for path in named]
    return [file, *(one for path, found in zip(named, years, strict=True) for one in found or [path])]


def hashes(files: Iterable[Path], folder: Path) -> dict[str, str]:
    """SHA-256 of files by their names within a folder; of those elsewhere, by the name alone."""
    return {_name(file, folder): sha256(file.read_bytes()).hexdigest() for file in files}


def _name(file: Path, folder: Path) -> str:
    inside = file.resolve().is_relative_to(folder.resolve())
    return file.resolve().relative_to(folder.resolve()).as_posix() if inside else file.name


def _packages() -> dict[str, str]:
    """Installed versions of what the project needs."""
    needed = [re.split(r"[^\w.-]", one)[0] for one in metadata.requires("analysis") or () if "extra" not in one]
    return {name: metadata.version(name) for name in sorted(needed)}


def _commit(root: Path) -> dict[str, Any]:
    """The commit of a git checkout, and whether files differ from it."""
    if not (root / ".git").exists():
        return {}
    try:
        asked = [
            subprocess.run(["git", *ask], cwd=root, capture_output=True, encoding="utf-8", check=True).stdout.strip()
            for ask in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        ]
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"commit": asked[0], "changed_since": bool(asked[1])}
