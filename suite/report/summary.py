"""What every format shows of the same results: counts, groups, names and numbers. The one place that counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from suite.compare.metrics import METRICS
from suite.records import (
    NEUTRAL,
    VIRTUAL_DEVICES,
    Configuration,
    Judged,
    Member,
    Outcome,
    Pair,
    Results,
    Run,
    Status,
    TensorDistance,
    Verdict,
)


@dataclass(frozen=True, kw_only=True)
class Worst:
    """What a group of pairs or checks amounts to: the worst verdict of those with a result (not run if none has one),
    how many have that verdict, and how many are not run: a missing result neither hides a difference nor passes for none."""

    verdict: Verdict
    count: int
    members: int
    not_run: int

    @property
    def partial(self) -> bool:
        return 0 < self.not_run < self.members

    @property
    def mark(self) -> str:
        return f"{self.verdict.mark}{Verdict.NOT_RUN.mark}" if self.partial else self.verdict.mark

    @property
    def sentence(self) -> str:
        words = f"{self.verdict.value}: {self.count} of {self.members}"
        return f"{words}; not run: {self.not_run}" if self.partial else words


@dataclass(frozen=True, kw_only=True)
class Group:
    """One row of the overview: scenario -> its members' worst, and the first of those with that verdict; None where the
    scenario has no members."""

    name: str
    worst: Mapping[str, Worst | None]
    shown: Mapping[str, Member | None]


def counts(members: Iterable[Member]) -> dict[Verdict, int]:
    """Verdict -> number of members, in order from best to worst; verdicts that do not occur are left out."""
    found = [one.verdict for one in members]
    return {verdict: found.count(verdict) for verdict in Verdict if verdict in found}


def worst(members: Iterable[Member]) -> Worst | None:
    """None of no members."""
    counted = counts(members)
    if not counted:
        return None
    compared = [verdict for verdict in counted if verdict is not Verdict.NOT_RUN]
    verdict = compared[-1] if compared else Verdict.NOT_RUN
    missing = counted.get(Verdict.NOT_RUN, 0)
    return Worst(verdict=verdict, count=counted[verdict], members=sum(counted.values()), not_run=missing)


def label(run: Run) -> str:
    """A run as a person calls it: "torch ×2"."""
    return f"{run.configuration.environment} ×{run.configuration.devices}"


def labels(results: Results, scenario: str) -> dict[Run, str]:
    """A scenario's plain runs -> label, in the plan's order; with the strategy where the label alone is not unique."""
    runs = (row.run for row in results.runs if row.run.kind == "plain" and row.run.configuration.scenario == scenario)
    found = {run: label(run) for run in dict.fromkeys(runs)}
    short = list(found.values())
    return {
        run: name
        if short.count(name) == 1
        else f"{run.configuration.environment} {run.configuration.strategy} ×{run.configuration.devices}"
        for run, name in found.items()
    }


def pair_group(pair: Pair) -> tuple[int, str]:
    """The overview's row of a pair: its place and its name."""
    (first, one), (second, other) = ((run.configuration.environment, run.configuration.devices) for run in (pair.a, pair.b))
    if first == second:
        what = "one device against several" if 1 in (one, other) else "several devices"
        return 1, f"{first}: {'strategies' if one == other else what}"
    return (0, f"{first} – {second}: one device") if (one, other) == (1, 1) else (2, f"{first} – {second}: several devices")


CHECK_GROUPS = {
    "saved": (3, "in memory – file"),
    "resumed": (4, "in memory – file, both trained on"),
    "reloaded": (5, "file – loaded elsewhere"),
    "replica": (6, "replica – first replica"),
    "declared": (7, "run – reference emulation"),
    "defined": (8, "layers, loss, update – definitions"),
}


def overview(results: Results) -> list[Group]:
    """Groups of pairs and checks by scenario, each with its worst verdict."""
    grouped: dict[tuple[int, str], dict[str, list[Member]]] = {}
    members: list[tuple[tuple[int, str], Member]] = [(pair_group(pair), pair) for pair in results.pairs]
    members += [(CHECK_GROUPS[check.kind], check) for check in results.checks]
    for group, one in members:
        grouped.setdefault(group, {}).setdefault(one.scenario, []).append(one)
    scenarios = [row.name for row in results.scenarios]
    return [
        _group(name, {scenario: grouped[place, name].get(scenario, []) for scenario in scenarios})
        for place, name in sorted(grouped)
    ]


def _group(name: str, members: Mapping[str, Sequence[Member]]) -> Group:
    found = {scenario: worst(some) for scenario, some in members.items()}
    shown = {
        scenario: next((member for member in some if one and member.verdict is one.verdict), None)
        for (scenario, some), one in zip(members.items(), found.values(), strict=True)
    }
    return Group(name=name, worst=found, shown=shown)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Runs that should have given a result and did not, for one reason: the first of each configuration."""

    status: Status
    reason: str
    runs: tuple[Run, ...]

    @property
    def names(self) -> str:
        more = len(self.runs) - 1
        return self.runs[0].id + (f" and {more} {'other' if more == 1 else 'others'}" if more else "")


def failed(results: Results) -> list[Failure]:
    """One for each reason; those of plain runs before those of what checks them, and of each environment one before another
    of the same."""
    found: dict[tuple[Status, str], dict[Configuration, Run]] = {}
    for row in results.runs:
        if row.status.broken:
            found.setdefault((row.status, row.reason), {}).setdefault(row.run.configuration, row.run)
    failures = [Failure(status=status, reason=reason, runs=tuple(runs.values())) for (status, reason), runs in found.items()]
    failures.sort(key=lambda failure: all(run.emulates for run in failure.runs))
    shown: set[str] = set()
    first, others = list[Failure](), list[Failure]()
    for failure in failures:
        environments = {run.configuration.environment for run in failure.runs}
        (others if environments <= shown else first).append(failure)
        shown |= environments
    return first + others


def failed_jobs(results: Results) -> list[Outcome]:
    """Jobs that execute no run and did not complete."""
    return [job for job in results.jobs if job.status is not Status.COMPLETE]


def restarted(results: Results) -> list[tuple[str, str]]:
    """Workers that were started once more and then complete: a run or job of each, and how its first attempt died."""
    found: dict[str, str] = {}
    for row in results.runs:
        if row.died:
            found.setdefault(row.died, row.run.id)
    for job in results.jobs:
        if job.died:
            found.setdefault(job.died, job.job)
    return [(name, died) for died, name in found.items()]


def virtual(results: Results) -> str:
    """That some configurations have their devices on one GPU, and what that shows; empty if none has."""
    count = len({row.run.configuration for row in results.runs if VIRTUAL_DEVICES in row.facts})
    have = "1 configuration has its" if count == 1 else f"{count} configurations have their"
    means = "This shows what the strategy computes, not what several GPUs and NCCL do."
    return f"{have} devices on one GPU (--virtual-devices). {means}" if count else ""


def unsupported(results: Results) -> int:
    """Configurations that a strategy refused or a backend cannot run."""
    return len({row.run.configuration for row in results.runs if row.status is Status.UNSUPPORTED})


def farthest(tensors: Sequence[TensorDistance], count: int) -> list[TensorDistance]:
    """The tensors farthest apart; neutral ones, which are never judged, after all others."""
    return sorted(tensors, key=lambda tensor: (tensor.group in NEUTRAL, -tensor.value))[:count]


def main_metric(judged: Judged) -> str:
    """The metric that speaks for a quantity: the judged one that is largest against its limit at the last step."""
    if not judged.distances.at:
        return ""
    last = judged.distances.at[-1].plain
    known = [metric for metric in last if METRICS[metric].judged] or list(last)
    return max(known, key=lambda metric: last[metric] / (judged.limits.get(metric) or 1.0), default="")
