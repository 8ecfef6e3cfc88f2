"""compare-all on one scenario against six hand-written scripts that only train and save it, in one run.

    python benchmarks/against_scripts.py [--rounds 3]

(a) the scripts of benchmarks/scripts, one per backend and device count, one after another, as a user runs them;
(b) `parity compare --scenario article-mlp` into an empty folder, environments provisioned, compiled code of earlier runs
    deleted: training in six variations, saving, reloading everywhere, comparing, judging, rendering.
Prints both times of each round, their ratio, and where the time of (b) goes. Not part of any test: machines are noisy.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from suite.records import Results, Status
from suite.report import results_json

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "benchmarks" / "scripts"


def scripts(folder: Path) -> dict[str, float]:
    """Seconds of each script."""
    seconds = {}
    for path in sorted(SCRIPTS.glob("[!_]*.py")):
        backend = path.stem.partition("_")[0]
        python = ROOT / ".environments" / backend / "bin" / "python"
        environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"}
        began = time.monotonic()
        subprocess.run([python, path, folder / f"{path.stem}.keras"], check=True, env=environment, stderr=subprocess.DEVNULL)
        seconds[path.stem] = time.monotonic() - began
    return seconds


def compare(folder: Path) -> tuple[float, dict[str, float]]:
    """Seconds of the whole command, and the seconds of its runs by environment and device count."""
    shutil.rmtree(ROOT / ".environments" / "compiled", ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "suite",
        "compare",
        "--scenario",
        "article-mlp",
        "--device",
        "cpu",
        "--out",
        str(folder),
    ]
    began = time.monotonic()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    total = time.monotonic() - began
    return total, seconds_of_runs(results_json.read(folder / "results.json"))


def seconds_of_runs(results: Results) -> dict[str, float]:
    """Environment and device count -> seconds of its runs."""
    parts: dict[str, float] = {}
    for one in results.runs:
        if one.status != Status.COMPLETE:
            sys.exit(f"{one.run.id} did not complete ({one.reason}): nothing was measured")
        name = f"{one.run.configuration.environment} x{one.run.configuration.devices}"
        parts[name] = parts.get(name, 0.0) + one.seconds
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    subprocess.run(
        [sys.executable, "-m", "suite", "environments", "--device", "cpu"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
    ratios = []
    for number in range(1, rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            a = scripts(Path(folder))
            b, parts = compare(Path(folder, "run"))
        ratios.append(b / sum(a.values()))
        print(f"round {number}: (a) {sum(a.values()):.1f} s, (b) {b:.1f} s, (b)/(a) {ratios[-1]:.2f}")
        print("   (a) " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in a.items()))
        print("   (b) seconds in runs: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in parts.items()))
    print(f"(b)/(a): median {statistics.median(ratios):.2f} of {rounds}; the goal is at most 1")


if __name__ == "__main__":
    main()
