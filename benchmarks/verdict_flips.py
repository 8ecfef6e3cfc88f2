"""Do verdicts hold? Compares some scenarios again and again, each time from nothing, and counts verdicts that change.

    python benchmarks/verdict_flips.py [--reruns 20] [--scenario NAME ...] [--out FOLDER]

Counts pairs and checks whose verdict, or cause, is not the first rerun's.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from suite.records import Member, Results, Verdict
from suite.report import results_json

SCENARIOS = ("article-mlp", "large-mean-bn", "text-classifier")

Said = tuple[Verdict, tuple[tuple[str, str], ...]]


def verdicts(results: Results) -> dict[str, Said]:
    """Pair or check -> its verdict, and each of its causes with what it is about."""
    judged: tuple[Member, ...] = (*results.pairs, *results.checks)
    return {one.id: (one.verdict, tuple((cause.code, cause.subject) for cause in one.causes)) for one in judged}


def main(given: argparse.Namespace) -> int:
    asked = [word for name in given.scenario or SCENARIOS for word in ("--scenario", name)]
    first: dict[str, Said] = {}
    flips: Counter[str] = Counter()
    for rerun in range(given.reruns):
        folder = given.out / f"rerun-{rerun}"
        shutil.rmtree(folder, ignore_errors=True)
        done = subprocess.run(
            [sys.executable, "-m", "suite", "compare", *asked, "--out", str(folder)], stdout=subprocess.DEVNULL, check=False
        )
        if not (folder / "results.json").is_file():
            print(f"rerun {rerun} left no results: exit code {done.returncode}")
            return 2
        found = verdicts(results_json.read(folder / "results.json"))
        first = first or found
        changed = {name for name in first.keys() | found.keys() if first.get(name) != found.get(name)}
        flips.update(changed)
        print(f"rerun {rerun}: {len(found)} verdicts, {len(changed)} not as before, exit code {done.returncode}", flush=True)
        for name in sorted(changed):
            print(f"  {name}: {first.get(name)} became {found.get(name)}")
        if not given.keep:
            shutil.rmtree(folder)
    print(f"{given.reruns} reruns of {len(first)} verdicts: {sum(flips.values())} flips in {len(flips)} of them")
    return 1 if flips else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reruns", type=int, default=20)
    parser.add_argument("--scenario", action="append", help="default: " + ", ".join(SCENARIOS))
    parser.add_argument("--out", type=Path, default=Path("reports/flips"))
    parser.add_argument("--keep", action="store_true", help="keep every run folder")
    sys.exit(main(parser.parse_args()))
