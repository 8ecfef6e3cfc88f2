"""Runs a campaign, and prints what went wrong and counts by kind: `nox -s campaign -- --seed N --count N`."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.campaign import clusters, corruptions, disks, faults, hostile

Attacked = Iterator[tuple[str, str, list[str]]]
Attacks = Callable[[Path, int, int], Attacked]
CAMPAIGNS: Mapping[str, Attacks] = {
    "faults": faults.campaign,
    "faults-on-backends": faults.on_backends,
    "killed-ranks": faults.killed_ranks,
    "full-disks": disks.campaign,
    "clusters": clusters.campaign,
    "corruptions": corruptions.campaign,
    "hostile": hostile.campaign,
}


# These take a minute for each and environments, the rights of root, or Ray.
ASKED_FOR = ("faults-on-backends", "killed-ranks", "full-disks", "clusters")


def main() -> int:
    """0 if everything held, 1 if not."""
    parser = argparse.ArgumentParser(prog="campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100, metavar="N", help="attacks of each sort (default: 100)")
    only = f"this sort only (repeatable; default: all but {', '.join(ASKED_FOR)})"
    parser.add_argument("--only", choices=CAMPAIGNS, action="append", help=only)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parity-campaign-", ignore_cleanup_errors=True) as folder:
        sorts = given.only or [name for name in CAMPAIGNS if name not in ASKED_FOR]
        found = [_run(name, Path(folder), given.seed, given.count) for name in sorts]
    return 1 if any(found) else 0


def _until_interrupted(attacks: Attacked) -> Attacked:
    """Ctrl-C ends the sort, and what was seen by then is counted."""
    with contextlib.suppress(KeyboardInterrupt):
        yield from attacks


def _run(name: str, folder: Path, seed: int, count: int) -> int:
    """How many went wrong."""
    began, counts, wrong = time.monotonic(), Counter[str](), 0
    attacks = CAMPAIGNS[name](folder / name, seed, count)
    for kind, what, said in _until_interrupted(attacks):
        counts[kind] += 1
        wrong += bool(said)
        if counts.total() % max(1, count // 20) == 0:
            print(f"{counts.total():7} {name} after {time.monotonic() - began:.0f} s", flush=True)
        for sentence in said:
            print(f"{name}: {what}: {sentence}", flush=True)
    for kind, times in sorted(counts.items()):
        print(f"{times:7} {name}: {kind}")
    print(f"{counts.total():7} {name} in {time.monotonic() - began:.0f} s, {wrong} went wrong", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
