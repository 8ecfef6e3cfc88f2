"""Results put together by hand from the parts of sample.py, for tests that want certain runs, verdicts or words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from suite.explain import answer
from suite.records import (
    Broken,
    Configuration,
    ConsistencyCheck,
    Judged,
    Pair,
    Provisioned,
    Results,
    RunRow,
    Status,
    Verdict,
)
from tests.report import sample

BACKENDS = tuple(sample.ENVIRONMENTS)
BROKEN = Broken(name="half-written", source="scenarios/half_written.py", reason="line 12: '(' was never closed")


def configurations(scenarios: Sequence[str], backends: Sequence[str], devices: Sequence[int]) -> list[Configuration]:
    every = [one for scenario in scenarios for one in sample.configurations(scenario)]
    return [one for one in every if one.environment in backends and one.devices in devices]


def row(one: Configuration, status: Status = Status.COMPLETE) -> RunRow:
    """As it ended, whatever sample.py makes of this configuration."""
    reason = "" if status is Status.COMPLETE else f"why {one.id} has no result"
    return replace(sample.row(one), status=status, reason=reason, log=reason)


def check(one: Configuration, kind: str, verdict: Verdict, form: str = "") -> ConsistencyCheck:
    return ConsistencyCheck(
        run=f"{one.id}/plain",
        scenario=one.scenario,
        kind=kind,
        environment=one.environment,
        verdict=verdict,
        cause=sample.CAUSES.get(verdict, ""),
        form=form,
        replica=1 if kind == "replica" else 0,
        quantities=() if verdict is Verdict.NOT_RUN else (sample.judged("predictions", verdict, steps=(20,)),),
    )


def environment(name: str, reason: str = "") -> Provisioned:
    return replace(sample.provisioned(name), reason=reason)


def assemble(
    rows: Sequence[RunRow] = (),
    pairs: Sequence[Pair] = (),
    checks: Sequence[ConsistencyCheck] = (),
    *,
    scenarios: Sequence[str] = (),
    environments: Sequence[Provisioned] = (),
    broken: Sequence[Broken] = (),
) -> Results:
    """Results with the answer and the exit code that the suite itself gives for them, and without findings."""
    empty = sample.results(())
    return replace(
        empty,
        plan=replace(empty.plan, runs=tuple(row.run for row in rows)),
        answer=answer.sentence(pairs, checks, rows, broken),
        exit_code=answer.exit_code(pairs, checks, rows, broken, empty.plan.options.gate),
        environments=tuple(environments),
        scenarios=tuple(sample.scenario(name) for name in scenarios),
        broken=tuple(broken),
        runs=tuple(rows),
        pairs=tuple(pairs),
        checks=tuple(checks),
        findings=(),
    )


def hostile(words: str) -> Results:
    """The sample with these words wherever a plugin, a model, a log or an installer can put some."""
    results = sample.results(("sync-bn", words))
    return replace(
        results,
        answer=f"Not everywhere: {words}",
        scenarios=tuple(replace(one, description=words, source=words) for one in results.scenarios),
        environments=tuple(replace(one, reason=words, packages={words: words}) for one in results.environments),
        broken=(Broken(name=words, source=words, reason=words),),
        runs=tuple(replace(one, reason=words, log=words, died=words, facts={words: words}) for one in results.runs),
        pairs=tuple(replace(one, cause=words, quantities=_named(one.quantities, words)) for one in results.pairs),
        checks=tuple(replace(one, cause=words, form=words) for one in results.checks),
        findings=tuple(
            replace(one, claim=words, evidence=words, experiment=words, pairs=(*one.pairs, words))
            for one in results.findings
        ),
        self_test=replace(sample.SELF_TEST, alarms=(words,), versions={words: words}, apart=(words,)),
    )


def _named(quantities: Sequence[Judged], words: str) -> tuple[Judged, ...]:
    """With a tensor and reasons of that name."""
    return tuple(
        replace(
            one,
            cause=words,
            worst_tensor=words,
            distances=replace(
                one.distances,
                tensors=tuple(replace(tensor, name=words) for tensor in one.distances.tensors),
                invalid=words if one.distances.invalid else "",
            ),
        )
        for one in quantities
    )
