"""The only module that calls Ray: a cluster, and the actors on its nodes. What fails there is a sentence."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from suite.engine.ray.agent import Agent
from suite.records import ParityError, UsageError

START_SECONDS = 60.0  # for an actor: a process that imports the suite, on a busy machine
TALKING, FILES = "talking", "files"  # calls of these groups wait for nothing but those of their own group
AUTHENTICATION = "RAY_AUTH_MODE"


class NodeLost(ParityError):
    """An agent does not answer any more, or never did; the message says why, without a full stop."""


class Link(Protocol):
    """A node of the cluster. `address`: its host name. `cores`, `gpus`: how many Ray has there."""

    identity: str
    address: str
    cores: int
    gpus: int

    def start(self) -> None:
        """Asks for a new agent there; does not wait for it."""

    def call(self, method: str, *arguments: Any, seconds: float | None = None, group: str = "") -> Any:
        """What the agent returns. Raises NodeLost."""

    def is_there(self) -> bool:
        """Whether Ray believes that the machine is alive."""

    def end(self) -> None:
        """The agent ends at once, if it has not ended yet."""


@contextlib.contextmanager
def connected(address: str) -> Iterator[Sequence[Link]]:
    """The nodes of a cluster that are alive. All actors end with the connection.

    Raises:
        UsageError: Ray is not installed, does not answer there, or lets anybody in.
    """
    if os.environ.setdefault(AUTHENTICATION, "token") != "token":  # Ray reads it when it is imported
        raise UsageError(
            f"{AUTHENTICATION} is {os.environ[AUTHENTICATION]}: whoever reaches such a cluster can run code on it. Start it "
            f"with {AUTHENTICATION}=token, and leave the variable out here"
        )
    try:
        import ray
    except ImportError:
        raise UsageError("--engine ray needs Ray, which is not installed: pip install 'keras-parity[ray]'") from None
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        first = str(error).strip().partition("\n")[0]
        raise UsageError(
            f"--ray-address {address}: no Ray cluster answers there ({first}): check the address, and that its token is in "
            "RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token"
        ) from None
    try:
        yield [_link(node) for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
    finally:
        ray.shutdown()


def _link(node: dict[str, Any]) -> Link:
    resources = node["Resources"]
    return RayLink(
        identity=node["NodeID"],
        address=node["NodeManagerHostname"],
        cores=int(resources["CPU"]),
        gpus=int(resources.get("GPU", 0)),
    )


@dataclass(kw_only=True)
class RayLink:
    """See `Link`. `actor`: Ray's handle."""

    identity: str
    address: str
    cores: int
    gpus: int
    actor: Any = None

    def start(self) -> None:
        """The actor holds all processors and GPUs of its node, so that whatever else runs on the cluster keeps away. One
        reservation is enough for a job of several devices, since no job is on two nodes."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(node_id=self.identity, soft=False)
        remote = ray.remote(concurrency_groups={TALKING: 1, FILES: 2})(Agent)
        options = {"num_cpus": self.cores, "num_gpus": self.gpus, "scheduling_strategy": here, "max_restarts": 0}
        self.actor = remote.options(**options).remote()

    def call(self, method: str, *arguments: Any, seconds: float | None = None, group: str = "") -> Any:
        """Calls a method of the agent."""
        if self.actor is None:  # it was ended before, as that of a node that was lost
            raise NodeLost("its actor was ended")
        import ray

        bound = getattr(self.actor, method)
        try:
            promise = bound.options(concurrency_group=group).remote(*arguments) if group else bound.remote(*arguments)
            return ray.get(promise, timeout=seconds)
        except ray.exceptions.GetTimeoutError:
            raise NodeLost(f"its actor gave no answer within {seconds:g} s") from None
        except ray.exceptions.RayTaskError as error:
            raise NodeLost(f"its actor failed: {str(error).strip().splitlines()[-1]}") from None
        except ray.exceptions.RayError as error:
            raise NodeLost(_first(error)) from None

    def is_there(self) -> bool:
        """Asks Ray."""
        import ray

        return any(node["NodeID"] == self.identity and node["Alive"] for node in ray.nodes())

    def end(self) -> None:
        """Kills the actor. Its hosts end with it."""
        if self.actor is None:
            return
        import ray

        with contextlib.suppress(Exception):
            ray.kill(self.actor)
        self.actor = None


def _first(error: Exception) -> str:
    """What Ray says, in one line, without the number of the actor."""
    lines = [re.sub(r" [0-9a-f]{16,}", "", line).strip() for line in str(error).splitlines() if line.strip()]
    return f"its actor is gone: {lines[0].rstrip('.:')}" if lines else f"its actor is gone ({type(error).__name__})"
