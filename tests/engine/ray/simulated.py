"""A Ray cluster whose nodes are processes of this machine, in a process of its own.

It prints the address, then obeys lines: "remove N" kills a node without a word, as a power failure does. It ends with its
standard input. It shares no folder but those of this machine, and asks for a token.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TOKEN = "0123456789abcdef" * 4
TOKEN_VARIABLES = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
ATTEMPTS = 3  # Ray gives up after 30 s, which pass where other tests keep all processors busy
QUICK = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1000, "health_check_failure_threshold": 5}
MEMORY = 80 << 20  # bytes of each node's object store: the least that Ray takes


@dataclass(kw_only=True)
class Simulated:
    """`address`: HOST:PORT."""

    address: str
    process: subprocess.Popen[str]

    def remove(self, node: int) -> None:
        """Kills a node: 1 is the first that is not the head."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"remove {node}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == "removed"


@contextmanager
def simulated(nodes: int, cpus: int = 2) -> Iterator[Simulated]:
    """A cluster of so many nodes. Nothing of it is left afterwards."""
    process, address = next((one for one in (_started(nodes, cpus) for _ in range(ATTEMPTS)) if one[1]), (None, ""))
    assert process and process.stdin and process.stdout, "the cluster did not start"
    try:
        yield Simulated(address=address, process=process)
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def _started(nodes: int, cpus: int) -> tuple[subprocess.Popen[str], str]:
    """The process, and the address that it prints; without one, it has ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.engine.ray.simulated", str(nodes), str(cpus)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **TOKEN_VARIABLES},
        start_new_session=True,
    )
    assert process.stdout
    address = process.stdout.readline().strip()
    if not address:
        process.communicate()
    return process, address


def main(nodes: int, cpus: int) -> None:
    """Starts the cluster, and obeys until standard input ends."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": cpus, "object_store_memory": MEMORY, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "_system_config": QUICK})
    more = [cluster.add_node(**node) for _ in range(nodes - 1)]
    print(cluster.address, flush=True)
    for line in sys.stdin:
        cluster.remove_node(more[int(line.split()[1]) - 1], allow_graceful=False)
        print("removed", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
