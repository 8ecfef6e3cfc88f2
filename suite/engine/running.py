"""What the engine knows of a job that runs: where, since when, and how its end is put into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.engine.gpus import Gpus
from suite.engine.nodes import Host, Hosts
from suite.records import Job, Outcome, Status


@dataclass(kw_only=True)
class Running:
    """`hosts`: those of its node. `gpus`: as CUDA_VISIBLE_DEVICES calls them. `began`, `stopped`: seconds of the monotonic
    clock; 0.0: not stopped. `moved`: when it last began or finished a run, and `made`: the manifests of its runs then."""

    job: Job
    hosts: Hosts
    host: Host
    file: Path
    log: Path
    cores: int
    gpus: tuple[str, ...]
    began: float
    moved: float
    stopped: float = 0.0
    made: object = ()

    def looks_alive(self, now: float, seconds: float) -> bool:
        """Whether it has begun or finished a run within the last `seconds`."""
        if (made := self.hosts.node.made(self.job)) != self.made:
            self.made, self.moved = made, now
        return now - self.moved <= seconds

    def on_node(self, what: str) -> str:
        """Something that happened to it, with its node."""
        return on_node(self.hosts.node.name, what)


def file_name(job: Job) -> str:
    """Names the files of an attempt at a job."""
    attempt = ("__again" if job.died else "") + (f"__{job.environment.name}" if job.refused else "")
    return job.id.replace("/", "__") + attempt


def after_others(job: Job, outcome: Outcome) -> str:
    """How a job ended that other environments could not do: where it completed, or that nothing could do it, and why."""
    if outcome.status is Status.COMPLETE:
        return f"done in {job.environment.name}, because other environments could not: {'; '.join(job.refused)}"
    said = [*job.refused, f"{job.environment.name}: {outcome.reason}"]
    reasons = dict.fromkeys(one.partition(": ")[2] for one in said)
    if len(reasons) == 1:
        return f"{outcome.reason} (in every environment: {', '.join(one.partition(': ')[0] for one in said)})"
    return f"no environment can do it: {'; '.join(said)}"


def cannot(job: Job, nodes: Sequence[Hosts], lost: Sequence[str]) -> Outcome | None:
    """How a job ended that can start on none of these nodes, ever; None if it can on one. `lost`: why others are gone."""
    if not nodes:
        return Outcome(job=job.id, status=Status.FAILED, reason=f"no node is left: {'; '.join(lost)}")
    refusals = {hosts.node.name: hosts.unavailable(job) for hosts in nodes}
    known = [(name, refusal) for name, refusal in refusals.items() if refusal is not None]
    if len(known) == len(nodes):
        reasons = {refusal.reason: name for name, refusal in known}
        reason = "; ".join(on_node(name, why) if len(reasons) > 1 else why for why, name in reasons.items())
        return Outcome(job=job.id, status=Status.NO_ENVIRONMENT, reason=reason, log=known[0][1].log)
    able = [hosts.node.gpus for hosts in nodes if refusals[hosts.node.name] is None]
    if all(gpus.needed(job) > gpus.count for gpus in able):
        return Outcome(job=job.id, status=Status.NO_DEVICES, reason=too_few(job, able))
    return None


def on_node(name: str, what: str) -> str:
    """Something that happened on a node, in words. This machine has no name."""
    return f"on node {name}: {what}" if name else what


def too_few(job: Job, nodes: Sequence[Gpus]) -> str:
    """Why none of these nodes, of which there is at least one, has enough GPUs for a job."""
    needed = min(gpus.needed(job) for gpus in nodes)
    wanted = "1 GPU" if needed == 1 else f"{needed} GPUs"
    lost = "; ".join(gpus.lost for gpus in nodes if gpus.lost)
    most = max(gpus.count for gpus in nodes)
    left = f" left ({lost})" if lost else ""
    if len(nodes) == 1:
        return f"needs {wanted}, but this machine has {most}{left or ': choose fewer with --devices'}"
    return f"no node has {wanted}: the most is {most}{left or '; choose fewer with --devices'}"
