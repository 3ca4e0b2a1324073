"""The README tells the truth: its numbers, figure, commands and files are those of the project."""

import base64
import re
from pathlib import Path

import nbformat

from analysis import did, load_study

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_quotes_the_result_as_computed_today():
    study = load_study(ROOT / "data" / "study.toml")
    assert f"> {did(study, study.primary_outcome)!r}\n" in README


def test_figure_is_the_one_stored_in_the_event_study_notebook():
    notebook = nbformat.read(ROOT / "notebooks" / "04-event-study.ipynb", as_version=4)
    pictures = [
        base64.b64decode(output["data"]["image/png"])
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert (ROOT / "figures" / "event-study.png").read_bytes() in pictures


def test_links_lead_to_files():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    missing = [target for target in targets if not (ROOT / target).exists()]
    assert targets
    assert not missing


def test_make_targets_and_plain_commands_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = (ROOT / "src" / "analysis" / "__main__.py").read_text(encoding="utf-8")
    for name in set(re.findall(r"make (report|test|lab|notebooks)", README)):
        assert re.search(rf"^(?:\w+ )*{name}\b.*:", makefile, re.MULTILINE)
        assert f"def {name}(" in commands
