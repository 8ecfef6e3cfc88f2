"""Findings over time: since when, how often, and which versions moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from suite.records import KeptFinding, KeptRun, Results, Status, Trend
from suite.results import trends
from tests.report import sample

PLAIN = sample.results()
FINDING = next(one for one in PLAIN.findings if one.parts)
NAMES = tuple(part.fingerprint for part in FINDING.parts)
SCENARIO = FINDING.parts[0].scenario


def run(day: str, *sizes: float, versions: dict[str, str] | None = None, looked: bool = True) -> KeptRun:
    """A run of that day in which the finding shows with these sizes, one for each of its scenarios."""
    shown = [
        KeptFinding(fingerprint=name, scenario=SCENARIO, verdict="different", metric="tv", size=size)
        for name, size in zip(NAMES, sizes, strict=False)
    ]
    scenarios = (SCENARIO,) if looked else ()
    return KeptRun(generated=day, plan="p", versions=versions or {}, scenarios=scenarios, findings=tuple(shown))


def trend(now: KeptRun, earlier: Sequence[KeptRun]) -> Trend:
    (found,) = trends.trends(now, earlier, (FINDING,))
    return found


def test_what_is_kept_is_small_and_says_what_was_looked_at() -> None:
    kept = trends.kept(PLAIN, {FINDING.fingerprint: ("tv", 0.25)})
    assert {one.fingerprint for one in kept.findings} == {
        part.fingerprint for finding in PLAIN.findings for part in finding.parts
    }
    assert {one.size for one in kept.findings if one.fingerprint in NAMES} == {0.25}
    assert set(kept.versions) == {f"{one.environment.name}: {name}" for one in PLAIN.environments for name in one.packages}


def test_a_scenario_that_failed_was_not_looked_at() -> None:
    def named(results: Results) -> tuple[str, ...]:
        return trends.kept(results, {}).scenarios

    sound = replace(PLAIN, runs=tuple(replace(row, status=Status.COMPLETE) for row in PLAIN.runs))
    lost, kept = sound.runs[0].run.configuration.scenario, named(sound)
    failed = replace(sound, runs=(replace(sound.runs[0], status=Status.FAILED), *sound.runs[1:]))
    assert lost in kept and set(named(failed)) == set(kept) - {lost}


def test_since_when_and_in_how_many_runs() -> None:
    found = trend(run("2026-03-03", 0.4), [run("2026-03-02", 0.2), run("2026-03-01", 0.1), run("2026-02-01")])
    assert (found.since, found.before, found.shown, found.looked) == ("2026-03-01", "2026-02-01", 3, 4)
    assert found.sizes == (("2026-03-01", 0.1), ("2026-03-02", 0.2), ("2026-03-03", 0.4))


def test_versions_that_moved_when_it_appeared() -> None:
    before = run("2026-02-01", versions={"jax: keras": "3.14", "jax: numpy": "2.4", "gone: keras": "1"})
    first = run("2026-03-01", 0.1, versions={"jax: keras": "3.15", "jax: numpy": "2.4", "new: keras": "2"})
    now = run("2026-04-01", 0.1, versions={"jax: keras": "3.16", "jax: numpy": "2.5"})
    assert trend(now, [first, before]).moved == ("jax: keras 3.14 → 3.15",)


def test_a_run_that_did_not_look_proves_nothing() -> None:
    found = trend(run("2026-03-03", 0.4), [run("2026-02-01", looked=False)])
    assert (found.since, found.before, found.shown, found.looked) == ("2026-03-03", "", 1, 1)


def test_sizes_are_of_one_metric() -> None:
    other = run("2026-02-01", 0.1)
    other = replace(other, findings=tuple(replace(one, metric="train") for one in other.findings))
    assert trend(run("2026-03-03", 0.4), [other]).sizes == (("2026-03-03", 0.4),)
