"""Names a finding so that it is recognised tomorrow, though its numbers, its run ids or the order of its pairs are others.

What goes in, and why:

- the scenarios: the same cause in one more model is news;
- the kind of each pair or check: two runs, a run and its file, a replica. With it the environment that is off, where that was
  shown, however many others were compared with it; else the environments and strategies of both sides: a difference with an
  unknown cause between two backends must not excuse one between two others. Numbers of devices are left out: two GPUs or eight,
  it is the same finding;
- the quantities that differ, the cause, and the place: stage and tensor;
- never a number, a step, a size, a version or a path.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from suite.explain.findings import Member
from suite.records import ConsistencyCheck, Finding, Pair, Part

LENGTH = 12  # hexadecimal digits: among a million findings, two alike once in 600 such collections
MEASURED = re.compile(r"\d+\.\d+(?:\.\d+)*(?:e[+-]?\d+)?|\d+e[+-]?\d+|/\S+/")


def named(findings: Iterable[Finding], pairs: Sequence[Pair], checks: Sequence[ConsistencyCheck]) -> tuple[Finding, ...]:
    """The findings with their fingerprint, and that of each of their scenarios."""
    every: list[Member] = [*pairs, *checks]
    members = {one.id: one for one in every}
    return tuple(_named(one, members) for one in findings)


def _named(finding: Finding, members: Mapping[str, Member]) -> Finding:
    covered = [members[name] for name in finding.pairs if name in members]
    scenarios = sorted({one.scenario for one in covered})
    parts = tuple(
        Part(scenario=scenario, fingerprint=_digest(finding, [one for one in covered if one.scenario == scenario]))
        for scenario in scenarios
    )
    whole = parts[0].fingerprint if len(parts) == 1 else _digest(finding, covered)
    return replace(finding, fingerprint=whole, parts=parts)


def _digest(finding: Finding, members: Sequence[Member]) -> str:
    words = [
        *sorted({f"scenario {one.scenario}" for one in members}),
        *sorted({f"kind {one}" for one in _kinds(finding, members)}),
        *sorted({f"quantity {one}" for one in _quantities(finding, members)}),
        f"cause {MEASURED.sub('', finding.cause)}",
        f"place {finding.place.stage} {finding.place.tensor}" if finding.place else "place",
    ]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:LENGTH]


def _kinds(finding: Finding, members: Sequence[Member]) -> set[str]:
    sides = {finding.side or (one.side if isinstance(one, Pair) else "") for one in members}
    if not members or "" in sides:
        return {kind(one) for one in members}
    names = {side.split("/")[1] if "/" in side else side for side in sides}
    coarse = {"pair" if isinstance(one, Pair) else f"{one.kind} {one.form}" for one in members}
    return coarse | {f"off: {name}" for name in names}


def kind(one: Member) -> str:
    """What is compared with what: "jax single – torch torch_ddp", "saved model.keras of tensorflow tf_mirrored"."""
    if isinstance(one, Pair):
        return " – ".join(sorted((_side(one.a), _side(one.b))))
    if one.kind == "replica":
        return f"replica of {_side(one.run)}"
    elsewhere = f" in {one.environment}" if one.kind != "saved" else ""
    return f"{one.kind} {one.form}".rstrip() + f" of {_side(one.run)}{elsewhere}"


def _side(run: str) -> str:
    _, environment, driven, _ = run.split("/", 3)
    return f"{environment} {driven.rpartition('-x')[0]}"


def _quantities(finding: Finding, members: Iterable[Member]) -> set[str]:
    return {judged.quantity for one in members for judged in one.quantities if judged.verdict is finding.verdict}
