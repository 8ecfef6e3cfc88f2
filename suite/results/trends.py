"""Findings over time: since when each shows, how large it was, and which versions moved when it appeared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from suite.records import Finding, KeptFinding, KeptRun, Results, Status, Trend

Sizes = Mapping[str, tuple[str, float]]  # fingerprint of a finding -> metric and value of its largest effect


def kept(results: Results, sizes: Sizes) -> KeptRun:
    """What a later run wants to know of this one."""
    lost = {row.run.configuration.scenario for row in results.runs if row.status.broken}
    return KeptRun(
        generated=results.generated,
        plan=results.plan.digest,
        versions={
            f"{one.environment.name}: {package}": version
            for one in results.environments
            for package, version in one.packages.items()
        },
        scenarios=tuple(row.name for row in results.scenarios if row.name not in lost and _ran(results, row.name)),
        findings=tuple(_kept(results.findings, sizes)),
    )


def _ran(results: Results, scenario: str) -> bool:
    return any(row.run.configuration.scenario == scenario and row.status is Status.COMPLETE for row in results.runs)


def _kept(findings: Sequence[Finding], sizes: Sizes) -> Iterator[KeptFinding]:
    for finding in findings:
        metric, size = sizes.get(finding.fingerprint, ("", 0.0))
        for part in finding.parts:
            yield KeptFinding(
                fingerprint=part.fingerprint,
                scenario=part.scenario,
                verdict=finding.verdict.value,
                metric=metric,
                size=size,
            )


def trends(now: KeptRun, earlier: Sequence[KeptRun], findings: Sequence[Finding]) -> tuple[Trend, ...]:
    """One for each finding with a fingerprint. A run looked for a finding if all of one of its scenarios ran there. One that
    is no other than `now` does not count twice."""
    runs = [*sorted((run for run in earlier if run != now), key=lambda run: run.generated), now]
    return tuple(_trend(finding, runs) for finding in findings if finding.fingerprint and finding.parts)


def _trend(finding: Finding, runs: Sequence[KeptRun]) -> Trend:
    names = {part.fingerprint for part in finding.parts}
    scenarios = {part.scenario for part in finding.parts}
    seen = {place: found for place, run in enumerate(runs) if (found := _seen(run, names))}
    looked = [place for place, run in enumerate(runs) if place in seen or not scenarios.isdisjoint(run.scenarios)]
    first = min(seen)
    before = max((place for place in looked if place < first), default=-1)
    metric = seen[max(seen)].metric
    return Trend(
        fingerprint=finding.fingerprint,
        since=runs[first].generated,
        before=runs[before].generated if before >= 0 else "",
        moved=_moved(runs[before].versions, runs[first].versions) if before >= 0 else (),
        shown=len(seen),
        looked=len(looked),
        metric=metric,
        sizes=tuple((runs[place].generated, one.size) for place, one in seen.items() if metric and one.metric == metric),
    )


def _seen(run: KeptRun, names: set[str]) -> KeptFinding | None:
    """The largest of those with one of these fingerprints."""
    return max((one for one in run.findings if one.fingerprint in names), key=lambda one: one.size, default=None)


def _moved(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Versions of what both have."""
    common = (name for name in now if name in before and before[name] != now[name])
    return tuple(f"{name} {before[name]} → {now[name]}" for name in common)
