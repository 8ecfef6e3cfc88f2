"""Names a finding so that it is recognised tomorrow, though its numbers, its runs or the order of its pairs are different.

What goes in, and why:

- the scenarios: the same cause in one more model is news;
- the kind of each pair or check: two runs, a run and its file, a replica. With it goes the environment that is off,
  where that was shown, however many others were compared with it; else the environments and strategies of both sides. A
  difference with an unknown cause between two backends must not excuse one between two others. Numbers of devices are
  left out: on two GPUs or eight, it is the same finding;
- the quantities that differ, the codes and names of the causes (but not which seeds a file loses, which depends on what
  was compared), and the place: stage and tensor;
- never a number, a step, a size, a version, a path, or a word that a person reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from suite.records import Finding, Member, Pair, Part, Run

LENGTH = 12  # hexadecimal digits: among a million findings, two alike once in 600 such collections


def named(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with their fingerprint, and that of each of their scenarios."""
    return tuple(_named(finding) for finding in findings)


def _named(finding: Finding) -> Finding:
    scenarios = sorted({member.scenario for member in finding.members})
    parts = tuple(
        Part(
            scenario=scenario,
            fingerprint=_digest(finding, [member for member in finding.members if member.scenario == scenario]),
        )
        for scenario in scenarios
    )
    whole = parts[0].fingerprint if len(parts) == 1 else _digest(finding, finding.members)
    return replace(finding, fingerprint=whole, parts=parts)


def _digest(finding: Finding, members: Sequence[Member]) -> str:
    lines = [
        *sorted({f"scenario {member.scenario}" for member in members}),
        *sorted({f"kind {kind}" for kind in _kinds(finding, members)}),
        *sorted({f"quantity {quantity}" for quantity in _quantities(finding, members)}),
        *sorted({f"cause {cause.topic.identity}" for cause in finding.causes}),
        f"place {finding.place.stage} {finding.place.tensor}" if finding.place else "place",
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:LENGTH]


def _kinds(finding: Finding, members: Sequence[Member]) -> set[str]:
    off = {finding.environment or _environment_off(member) for member in members}
    if not members or "" in off:
        return {kind(member) for member in members}
    coarse = {"pair" if isinstance(member, Pair) else f"{member.kind} {member.form}" for member in members}
    return coarse | {f"off: {name}" for name in off}


def _environment_off(member: Member) -> str:
    side = member.side if isinstance(member, Pair) else None
    return side.configuration.environment if side else ""


def kind(member: Member) -> str:
    """What is compared with what: "jax single – torch torch_ddp", "saved model.keras of tensorflow tf_mirrored"."""
    if isinstance(member, Pair):
        return " – ".join(sorted((_side(member.a), _side(member.b))))
    if member.kind == "replica":
        return f"replica of {_side(member.run)}"
    elsewhere = f" in {member.environment}" if member.kind not in ("saved", "resumed") else ""
    return f"{member.kind} {member.form}".rstrip() + f" of {_side(member.run)}{elsewhere}"


def _side(run: Run) -> str:
    fault = f"+{run.configuration.fault}" if run.configuration.fault else ""
    return f"{run.configuration.environment} {run.configuration.strategy}{fault}"


def _quantities(finding: Finding, members: Iterable[Member]) -> set[str]:
    return {judged.quantity for member in members for judged in member.quantities if judged.verdict is finding.verdict}
