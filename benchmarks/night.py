"""A night of a platform team, simulated: many scenarios, environments and device counts, with the NumPy backend.

    RAY_AUTH_MODE=token python benchmarks/night.py [--scenarios 40] [--environments 6] [--devices 1,2,4,8] [--nodes 4]

Runs the whole command, then once more with nothing changed, then judges and shows everything once more; and again with half
of the scenarios, of the environments, and of the device counts: how each number grows is told as a power. The nodes are
processes of this machine, so that they share its processors: what is measured is the cost of a run, a pair and a page,
and not how fast a cluster is. With --nodes 0, it runs without Ray.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.conftest import Parity  # noqa: E402
from tests.engine.ray.simulated import TOKEN_VARIABLES, simulated  # noqa: E402

CPUS = 2  # of each node
COLUMNS = ("seconds", "again", "judged", "memory", "folder", "page")
LEGEND = """seconds: of the whole command; again: of the next one, with nothing changed; judged: of `parity report`, which
judges and shows everything; memory: of the command at its peak, MB; folder: the run folder, MB; page: index.html, MB."""


@dataclass(frozen=True, kw_only=True)
class Size:
    scenarios: int
    environments: int
    devices: tuple[int, ...]

    def __str__(self) -> str:
        counts = ",".join(map(str, self.devices))
        return f"{self.scenarios} scenarios, {self.environments} environments, {counts} devices"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """`numbers`: by the names of `COLUMNS`."""

    runs: int
    pairs: int
    numbers: dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenarios", type=int, default=40)
    parser.add_argument("--environments", type=int, default=6)
    parser.add_argument("--devices", default="1,2,4,8")
    parser.add_argument("--steps", type=int, default=5, help="of training in each run")
    parser.add_argument("--nodes", type=int, default=4, help="of the cluster; 0: none")
    options = parser.parse_args()
    whole = Size(
        scenarios=options.scenarios,
        environments=options.environments,
        devices=tuple(map(int, options.devices.split(","))),
    )
    print(LEGEND, flush=True)
    os.environ.update(TOKEN_VARIABLES)
    with simulated(options.nodes, cpus=CPUS) if options.nodes else nullcontext() as cluster:
        where = ["--engine", "ray", "--ray-address", cluster.address] if cluster else []
        found = measured(whole, options.steps, where)
        tell(whole, found)
        for name, half in halves(whole).items():
            less = measured(half, options.steps, where)
            tell(half, less)
            print(f"  twice the {name}: {growth(less, found)}", flush=True)


def halves(whole: Size) -> dict[str, Size]:
    """By what is halved."""
    scenarios, environments, devices = whole.scenarios, whole.environments, whole.devices
    return {
        "scenarios": Size(scenarios=max(1, scenarios // 2), environments=environments, devices=devices),
        "environments": Size(scenarios=scenarios, environments=max(2, environments // 2), devices=devices),
        "device counts": Size(scenarios=scenarios, environments=environments, devices=devices[: max(1, len(devices) // 2)]),
    }


def measured(size: Size, steps: int, where: Sequence[str]) -> Measured:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        parity = made(Path(folder), size)
        devices = ",".join(map(str, size.devices))
        shared = ["--shared", folder] if where else []
        words = parity.arguments("--devices", devices, "--steps", str(steps), *where, *shared)
        seconds, memory = ran(words, parity.folder)
        again, _ = ran(words, parity.folder)
        judged, _ = ran(["report", "--out", str(parity.run)], parity.folder)
        document = json.loads((parity.run / "results.json").read_text())
        numbers = {
            "seconds": seconds,
            "again": again,
            "judged": judged,
            "memory": memory,
            "folder": megabytes(*(path for path in parity.run.rglob("*") if path.is_file())),
            "page": megabytes(parity.run / "index.html"),
        }
        return Measured(runs=len(document["runs"]), pairs=len(document["pairs"]), numbers=numbers)


def made(folder: Path, size: Size) -> Parity:
    """Scenarios of one kind under many names. Every second environment sums in another order, and so rounds otherwise."""
    parity = Parity(folder)
    for number in range(size.scenarios):
        parity.scenario(f"clusters-{number}")
    letters = [chr(ord("a") + number) for number in range(size.environments)]
    parity.environments(
        {f"fake-{one}": {"PARITY_FAKE_ORDER": "1"} if place % 2 else {} for place, one in enumerate(letters)}
    )
    return parity


def ran(words: Sequence[str], folder: Path) -> tuple[float, float]:
    """Seconds, and the MB that the command held at its peak.

    Raises:
        SystemExit: it failed; with what it printed.
    """
    command, environment = [sys.executable, "-m", "suite", *words], {**os.environ, "PYTHONPATH": str(ROOT)}
    with (folder / "output.txt").open("w+") as output:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            output.seek(0)
            raise SystemExit(output.read()[-4000:])
    return seconds, usage.ru_maxrss / 1024


def megabytes(*files: Path) -> float:
    return sum(path.stat().st_size for path in files) / 1e6


def tell(size: Size, found: Measured) -> None:
    numbers = ", ".join(f"{name} {found.numbers[name]:.1f}" for name in COLUMNS)
    print(f"{size}: {found.runs} runs, {found.pairs} pairs: {numbers}", flush=True)


def growth(half: Measured, whole: Measured) -> str:
    """Each number of the whole, as a multiple of the half's, and as a power of two."""
    ratios = {name: whole.numbers[name] / half.numbers[name] for name in COLUMNS if half.numbers[name]}
    return ", ".join(f"{name} x {ratio:.2f} (2^{math.log2(ratio):.2f})" for name, ratio in ratios.items())


if __name__ == "__main__":
    main()
