"""The commands of the project: ``python -m analysis report | check | template | test | ...``."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from analysis.messages import StudyError
from analysis.notebooks import NotebookError

ROOT = Path(__file__).resolve().parents[2]
SINGLE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Sums depend on the order of addition, so BLAS uses one thread unless the user says otherwise."""


def report() -> int:
    """Run every notebook and write reports/index.html."""
    from analysis.report import build_report

    print(f"Open {build_report()} in a browser.")
    return 0


def notebooks() -> int:
    """Run every notebook, store its outputs in notebooks/, and the README's figure."""
    from analysis.notebooks import figures, store_outputs

    store_outputs(ROOT / "notebooks")
    (ROOT / "figures" / "event-study.png").write_bytes(figures(ROOT / "notebooks" / "04-event-study.ipynb")[1])
    return 0


def run_tests() -> int:
    """Run every test and compare every stored notebook output."""
    command = [sys.executable, "-X", "warn_default_encoding", "-m", "pytest"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def lab() -> int:
    """Open notebooks/ in JupyterLab."""
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance([f"--ServerApp.root_dir={ROOT}", "--LabApp.default_url=/lab/tree/notebooks"])
    return 0


def simulate() -> int:
    """Write the simulated panel anew into data/simulated/."""
    from analysis.simulate import write_simulated

    write_simulated()
    return 0


def check(study: str | None) -> int:
    """Say what a study holds and whether it can run; by default the project's own."""
    from analysis.check import check_study

    print(*check_study(study), sep="\n")
    return 0


def template(folder: str) -> int:
    """Write a folder with a workbook and a study.toml to fill in."""
    from analysis.template import write_template

    print(f"Fill in the workbook beside {write_template(folder)}, then check that file.")
    return 0


COMMANDS = {
    "report": report,
    "check": check,
    "template": template,
    "notebooks": notebooks,
    "test": run_tests,
    "lab": lab,
    "simulate": simulate,
}
ARGUMENTS = {
    "check": {"dest": "study", "nargs": "?", "help": "a study.toml"},
    "template": {"dest": "folder", "help": "a new or empty folder"},
}


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
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(name, help=command.__doc__)
        if name in ARGUMENTS:
            subparser.add_argument(**ARGUMENTS[name])
    given = vars(parser.parse_args(arguments))
    command = COMMANDS[given.pop("command")]
    _prepare_environment()
    try:
        return command(**given)
    except (NotebookError, StudyError, FileNotFoundError, FileExistsError) as error:
        print(f"\n{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _prepare_environment() -> None:
    """Settle what kernels and child processes inherit, and let any console print Chinese names."""
    for name in SINGLE_THREAD:
        os.environ.setdefault(name, "1")
    if "STUDY" in os.environ:
        os.environ["STUDY"] = str(Path(os.environ["STUDY"]).resolve())
    os.environ.pop("MPLBACKEND", None)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
