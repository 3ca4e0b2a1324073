"""Repeat a task with a seed for each repetition, on one core, several, or a cluster: the same numbers anywhere."""

from collections.abc import Callable

import numpy as np
from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

# Replications handed to a worker at once; results do not depend on it.
CHUNK = 50
Task = Callable[[np.random.Generator, int], np.ndarray]


def replicate(task: Task, replications: int, seed: int, unit: str) -> np.ndarray:
    """Run a task once per replication, each with its number and a generator of its own, on joblib's current backend.

    Shape (replications, ...). The numbers are the same on one core, several, or a cluster; a worker that dies
    is an error, because every replication must come back.
    """
    chunks = [range(at, min(at + CHUNK, replications)) for at in range(0, replications, CHUNK)]
    results = Parallel(return_as="generator")(delayed(_run_chunk)(task, chunk, seed) for chunk in chunks)
    done: list[np.ndarray] = []
    with tqdm(total=replications, unit=unit, disable=None, leave=False) as progress:
        try:
            for part in results:
                done.append(part)
                progress.update(len(part))
        except TerminatedWorkerError as error:
            left = replications - sum(map(len, done))
            raise RuntimeError(
                f"A worker process died (out of memory?), so {left} of {replications} {unit} did not come back. "
                "Run again, or on one core; nothing was counted."
            ) from error
    return np.concatenate(done)


def _run_chunk(task: Task, chunk: range, seed: int) -> np.ndarray:
    return np.array([task(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(i,))), i) for i in chunk])
