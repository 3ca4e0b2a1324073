"""Write every section of README.md anew, and its figure: each in turn, in its own process on one BLAS thread.

Run from the project's folder, on a machine that does nothing else: python benchmarks/all.py
"""

import os
import subprocess
import sys
from pathlib import Path

from tqdm import tqdm

SECTIONS = ("did", "wild_bootstrap", "randomization", "national", "national_poisson", "stated_power")


def main() -> None:
    """Run all of them, also where one fails, and fail if one did."""
    folder, one_thread = Path(__file__).resolve().parent, {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    failed = []
    for name in tqdm(SECTIONS, desc="benchmarks", disable=None):
        run = subprocess.run([sys.executable, folder / f"{name}.py"], env=os.environ | one_thread)
        failed += [name] * (run.returncode != 0)
    sys.exit(f"Failed, or promises not kept: {', '.join(failed)}." if failed else 0)


if __name__ == "__main__":
    main()
