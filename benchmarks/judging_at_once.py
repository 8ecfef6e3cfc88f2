"""What it gains to judge several scenarios at once: seconds in one process, and in as many shares as `--jobs` gives.

    python benchmarks/judging_at_once.py RUN_FOLDER [--jobs 2] [--rounds 3]

Reads a run folder of several scenarios that was kept whole (`parity compare --keep all`, or that of a self-test). Both are
measured in turn, so that a machine that is busy slows both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from suite.artifacts.store import Store  # noqa: E402
from suite.results.study import Study  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    taken: dict[int, list[float]] = {1: [], options.jobs: []}
    for _ in range(options.rounds):
        for processes, seconds in taken.items():
            seconds.append(judged(options.folder, processes))
    alone, together = (statistics.median(seconds) for seconds in taken.values())
    print(f"one process: {alone:.1f} s; {options.jobs} at once: {together:.1f} s; {together / alone:.2f} times as long")


def judged(folder: Path, processes: int) -> float:
    """Seconds for all verdicts. A store of its own each time: it remembers what it has read."""
    began = time.monotonic()
    store = Store(folder)
    plan = store.read_plan()
    study = Study(store, plan, store.read_session(plan), processes=processes)
    assert study.results().pairs, "the folder holds no pair"
    return time.monotonic() - began


if __name__ == "__main__":
    main()
