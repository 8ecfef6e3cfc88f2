"""How well `parity plan --measure` says what a scenario takes, of which only three steps have run.

    python benchmarks/plan_estimate.py [--devices 1,2] [--scenario-path FOLDER] article-mlp residual-cnn ...

For each scenario, in an empty folder: plan with --measure, then compare. Prints the processor time that the plan
expected of all its processes, one after the other, what they took, and the ratio; further runs stand beside. Processes of
both commands run side by side, so that both are measured under the same load. Not part of any test: machines are noisy.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from suite.artifacts.store import Store
from suite.commands import costs
from suite.records.measured import Measured

ROOT = Path(__file__).resolve().parent.parent


def parity(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "suite", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)


def compared(measured: Measured, scenario: str) -> tuple[float, float, float]:
    """Seconds: expected, taken, and taken by further runs."""
    sample = measured.samples[scenario]
    own = [one for one in measured.jobs.values() if one.work.scenario == scenario and one.work.kind in ("train", "reload")]
    first = [one for one in own if not one.work.further]
    further = sum(one.seconds for one in own if one.work.further)
    return sum(costs.of_sample(one.work, sample) or 0.0 for one in first), sum(one.seconds for one in first), further


def main() -> None:
    parser = argparse.ArgumentParser(description="How well does a plan say what a scenario takes?")
    parser.add_argument("scenario", nargs="+")
    parser.add_argument("--devices", default="1,2")
    parser.add_argument("--scenario-path", default="")
    given = parser.parse_args()
    ratios = []
    for scenario in given.scenario:
        arguments = ["--scenario", scenario, "--devices", given.devices, "--device", "cpu"]
        arguments += ["--scenario-path", given.scenario_path] if given.scenario_path else []
        with tempfile.TemporaryDirectory() as folder:
            parity("plan", *arguments, "--out", folder, "--measure")
            parity("compare", *arguments, "--out", folder)
            found = compared(costs.read(Store(folder)), scenario)
        ratios.append(found[1] / found[0])
        said = "expected {:.0f} s, took {:.0f} s; further runs {:.0f} s; ratio ".format(*found)
        print(f"{scenario}: {said}{ratios[-1]:.2f}", flush=True)
    print(f"taken / expected: median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
