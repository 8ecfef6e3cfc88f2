"""What is kept of each run, so that a later one can say since when a finding shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class KeptFinding:
    """A finding in one scenario. `size`: its largest effect, in the metric that means most to a user; both empty where it
    has no number."""

    fingerprint: str
    scenario: str
    verdict: str
    metric: str = ""
    size: float = 0.0


@dataclass(frozen=True, kw_only=True)
class KeptRun:
    """One run. `versions`: "environment: package" -> version; `scenarios`: those of which everything ran."""

    generated: str
    plan: str
    versions: Mapping[str, str]
    scenarios: tuple[str, ...]
    findings: tuple[KeptFinding, ...]


@dataclass(frozen=True, kw_only=True)
class Trend:
    """A finding over time. `since`: the first run in which it shows; `before`: the last one before that which looked and did
    not see it, empty if none did; `moved`: versions that changed between these two. `shown` of `looked` runs show it.
    `sizes`: when, and how large it was, in `metric`."""

    fingerprint: str
    since: str
    before: str
    moved: tuple[str, ...]
    shown: int
    looked: int
    metric: str
    sizes: tuple[tuple[str, float], ...]
