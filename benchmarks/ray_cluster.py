"""What a Ray cluster costs and gains: overhead of a job, and four simulated nodes against one, with jobs that sleep.

    RAY_AUTH_MODE=token python benchmarks/ray_cluster.py [--jobs 80] [--seconds 0.5]

The nodes are processes of this machine. So jobs must sleep: jobs that compute would share the same processors, and four
nodes would be no faster than one. It measures the schedule and the way to a node, not the speed of a cluster. Needs Ray.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from suite.engine.dispatch import Engine  # noqa: E402
from suite.engine.ray import cluster  # noqa: E402
from suite.records import Job, Provisioned, Status  # noqa: E402
from tests.engine.bench import ENTRY, FAKE, Bench  # noqa: E402
from tests.engine.ray.simulated import TOKEN_VARIABLES, simulated  # noqa: E402

CPUS = 2  # of each node


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=80, help="of each measurement")
    parser.add_argument("--seconds", type=float, default=0.5, help="that a job sleeps")
    parser.add_argument("--nodes", type=int, default=4)
    options = parser.parse_args()
    os.environ.update(TOKEN_VARIABLES)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        here = on_this_machine(Path(folder, "here"), options.jobs)
        print(f"a job that does nothing, this machine: {here * 1000:.1f} ms")
        with simulated(options.nodes, cpus=CPUS) as nodes:
            for shared in (True, False):
                with_folder = "shared folder" if shared else "files sent"
                empty, slept, alone = on_cluster(Path(folder, with_folder[:6]), nodes.address, options, shared=shared)
                print(f"a job that does nothing, {options.nodes} nodes, {with_folder}: {empty * 1000:.1f} ms")
                print(f"  overhead of a job on one node: {(alone[0] - here) * 1000:.1f} ms")
                print(f"  {options.jobs} jobs of {options.seconds} s: {alone[1]:.1f} s on 1 node, {slept:.1f} s on all")
                print(f"  {options.nodes} nodes against 1: {alone[1] / slept:.2f} x")


def on_this_machine(folder: Path, count: int) -> float:
    """Seconds for each of so many jobs that do nothing, without Ray."""
    bench = made(folder)
    with bench.local(cores=CPUS) as engine:
        return per_job(engine, bench, count)


def on_cluster(
    folder: Path, address: str, options: argparse.Namespace, *, shared: bool
) -> tuple[float, float, tuple[float, float]]:
    """Seconds for an empty job and for all that sleep, on all nodes; and both on one node."""
    bench = made(folder)
    with cluster.connected(address, shared=folder if shared else None, out=folder, report=print) as site:
        ready = site.provision([FAKE], folder=folder / "environments", device="cpu", plugins=(), report=print)
        empty, slept = measured(site, ready, bench, options)
        alone = measured(cluster.Cluster(site._members[:1], folder if shared else None), ready, bench, options)
    return empty, slept, alone


def measured(
    site: cluster.Cluster, ready: dict[str, Provisioned], bench: Bench, options: argparse.Namespace
) -> tuple[float, float]:
    site._merged = ready
    with site.engine(
        ready, folder=bench.folder, environments=bench.folder / "environments", cores=CPUS, timeout=120, listen=bench.hear,
        entry=ENTRY,
    ) as engine:  # fmt: skip
        empty = per_job(engine, bench, options.jobs)
        return empty, timed(engine, [bench.job(f"sleep-{options.seconds}-{number}") for number in range(options.jobs)])


def per_job(engine: Engine, bench: Bench, count: int) -> float:
    """Seconds for a job that does nothing, one after the other as far as the cores allow. Hosts are warm before."""
    timed(engine, [bench.job(f"sleep-2-warm{number}") for number in range(4 * CPUS)])
    return timed(engine, [bench.job(f"fine-{number}") for number in range(count)]) / count


def timed(engine: Engine, jobs: Sequence[Job]) -> float:
    began = time.monotonic()
    outcomes = engine.run(jobs)
    assert all(outcome.status is Status.COMPLETE for outcome in outcomes.values()), outcomes
    return time.monotonic() - began


def made(folder: Path) -> Bench:
    folder.mkdir()
    return Bench(folder)


if __name__ == "__main__":
    main()
