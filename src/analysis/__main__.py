"""The commands of the project: ``python -m analysis report | check | template | test | ...``."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path

from analysis.language.labels import LANGUAGES
from analysis.messages import StudyError
from analysis.reading.guess import write_guess
from analysis.reading.template import write_template
from analysis.report.check import check_study
from analysis.report.manifest import THREADS
from analysis.report.notebooks import NotebookError, figures, notebook_paths, store_outputs
from analysis.simulation.simulate import write_simulated

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = "reports/ for the project's own study, else a folder beside the study's, with -report after its name"


def report(study: str | None, output: str | None, language: str | None) -> None:
    """Run every notebook on a study; by default on the project's own, into reports/index.html."""
    from analysis.report.build import build_report

    print(*build_report(study, output, language), sep="\n")


def notebooks() -> None:
    """Run every notebook, store its outputs in notebooks/, and the README's figure."""
    store_outputs(ROOT / "notebooks")
    (ROOT / "figures" / "villages.png").write_bytes(figures(ROOT / "notebooks" / "02-villages.ipynb")[0])


def messages() -> None:
    """Bring the catalogues of translations up to the notebooks and the library; what is new stays to be translated."""
    from analysis.report.phrases import update_messages
    from analysis.report.translations import update_prose

    print(*update_prose(notebook_paths(ROOT / "notebooks")), update_messages(), sep="\n")


def run_tests() -> int:
    """Run every test and compare every stored notebook output, on all cores."""
    environment = os.environ | {"PYTHONWARNDEFAULTENCODING": "1"}
    return subprocess.run([sys.executable, "-m", "pytest", "-n", "auto"], cwd=ROOT, env=environment).returncode


def lab() -> None:
    """Open notebooks/ in JupyterLab."""
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance([f"--ServerApp.root_dir={ROOT}", "--LabApp.default_url=/lab/tree/notebooks"])


def simulate() -> None:
    """Write the simulated panel anew into data/simulated/."""
    write_simulated()


def check(study: str | None) -> None:
    """Say what a study holds and whether it can run; by default the project's own."""
    print(*check_study(study), sep="\n")


def template(folder: str) -> None:
    """Guess a study.toml for an existing file, or write a folder with a workbook and a study.toml to fill in."""
    if Path(folder).is_file():
        print(f"Look through {(written := write_guess(Path(folder)))}, then: python -m analysis check {written}")
    else:
        print(f"Fill in the workbook beside {write_template(folder)}, then check that file.")


COMMANDS: dict[str, Callable[..., int | None]] = {"report": report, "check": check, "template": template}
COMMANDS |= {"notebooks": notebooks, "messages": messages, "test": run_tests, "lab": lab, "simulate": simulate}


def main(arguments: list[str] | None = None) -> int:
    """
    Run one command and return the exit status; what a user can mend is a message, not a traceback.

    Examples
    --------
    >>> main(["simulate", "twice"])
    Traceback (most recent call last):
    SystemExit: 2
    """
    parser = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    parsers = {name: commands.add_parser(name, help=command.__doc__) for name, command in COMMANDS.items()}
    for name in ("report", "check"):
        parsers[name].add_argument("study", nargs="?", help="a study.toml; default: the project's own study")
    parsers["report"].add_argument("--output", metavar="DIR", help=f"folder of the report; default: {OUTPUT}")
    parsers["report"].add_argument("--language", choices=LANGUAGES, help="of labels; default: the study's")
    parsers["template"].add_argument("folder", help="your file of data; or a new or empty folder")
    given = vars(parser.parse_args(arguments))
    command = COMMANDS[given.pop("command")]
    _prepare_environment()
    try:
        return command(**given) or 0
    except (NotebookError, StudyError, OSError) as error:
        print(f"\n{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _prepare_environment() -> None:
    """Settle what kernels and child processes inherit, and let any console print Chinese names."""
    for name in THREADS:
        os.environ.setdefault(name, "1")
    if study := os.environ.get("STUDY"):
        os.environ["STUDY"] = str(Path(study).resolve())
    os.environ.pop("MPLBACKEND", None)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
