"""The sections of README.md that benchmarks write: tables, the machine they were measured on, and where they stand."""

import os
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import pandas as pd

README = Path(__file__).resolve().parent / "README.md"


def machine(packages: Sequence[str]) -> str:
    """Size of the machine, whether it had other work, and versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{os.cpu_count()} processors, {memory:.0f} GB, load {os.getloadavg()[0]:.1f} at the end. "
        f"Python {sys.version.split()[0]}, {versions}; {time.strftime('%B %Y')}."
    )


def table(frame: pd.DataFrame, formats: str | Mapping[str, str], index: str) -> str:
    """A table in Markdown, numbers as asked for (one format for all, or one for each column); missing cells empty."""
    formats = dict.fromkeys(frame, formats) if isinstance(formats, str) else formats
    lines = [[index, *frame.columns], ["---"] * (frame.shape[1] + 1)]
    for name, row in frame.iterrows():
        cells = ["" if pd.isna(row[column]) else formats[column].format(row[column]) for column in frame]
        lines.append([str(name), *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(name: str, title: str, *parts: str) -> None:
    """Put the parts, paragraphs and tables, in the place of the section that `name`.py wrote before, and print them."""
    begin, end = f"<!-- written by {name}.py -->", f"<!-- end of {name}.py -->"
    wrapped = (part if part.startswith(("|", "!")) else textwrap.fill(part, 118) for part in parts)
    text = "\n\n".join([f"## {title}", *wrapped])
    print(text)
    before, rest = README.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    README.write_text(f"{before}{begin}\n{text}\n\n{end}{after}", encoding="utf-8", newline="\n")


def exit_with(promises: Mapping[str, bool]) -> None:
    """End the program, with an error where a promise is not kept."""
    broken = [promise for promise, kept in promises.items() if not kept]
    sys.exit(f"Not kept: {', '.join(broken)}." if broken else 0)
