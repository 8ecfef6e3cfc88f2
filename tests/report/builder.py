"""Results put together by hand from the parts of sample.py, for tests that want certain runs, verdicts or words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from suite.records import (
    Broken,
    Cause,
    Code,
    Configuration,
    ConsistencyCheck,
    Judged,
    Pair,
    Provisioned,
    Results,
    RunRow,
    SelfTest,
    Status,
    Verdict,
    because,
    plain,
)
from suite.results.exit_code import exit_code
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
        run=plain(one),
        kind=kind,
        environment=one.environment,
        verdict=verdict,
        causes=sample.CAUSES.get(verdict, ()),
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
    """Results with the exit code that the suite itself gives for them, and without findings."""
    empty = sample.results(())
    return replace(
        empty,
        plan=replace(empty.plan, runs=tuple(row.run for row in rows)),
        exit_code=exit_code((*pairs, *checks), rows, broken, Verdict(empty.plan.options.gate)),
        environments=tuple(environments),
        scenarios=tuple(sample.scenario(name) for name in scenarios),
        broken=tuple(broken),
        runs=tuple(rows),
        pairs=tuple(pairs),
        checks=tuple(checks),
        findings=(),
        jobs=(),
    )


def hostile(words: str) -> Results:
    """The sample with these words wherever a plugin, a model, a log or an installer can put some."""
    results = sample.results(("sync-bn", words))
    causes = (because(Code.INVALID, words), Cause(code=Code.NOT_SAVED, subject=words, detail=(("tensor", words),)))
    pairs = tuple(replace(pair, causes=causes, quantities=_named(pair.quantities, words)) for pair in results.pairs)
    return replace(
        results,
        scenarios=tuple(replace(row, description=words, source=words) for row in results.scenarios),
        environments=tuple(replace(ready, reason=words, packages={words: words}) for ready in results.environments),
        broken=(Broken(name=words, source=words, reason=words),),
        runs=tuple(replace(row, reason=words, log=words, died=words, facts={words: words}) for row in results.runs),
        pairs=pairs,
        checks=tuple(replace(check, causes=causes, form=words) for check in results.checks),
        findings=tuple(replace(finding, causes=causes, environment=words, members=pairs) for finding in results.findings),
        self_test=SelfTest(
            grounds=(replace(sample.BUILT_IN_RATES, alarms=(words,), versions={words: words}, apart=(words,)),)
        ),
    )


def _named(quantities: Sequence[Judged], words: str) -> tuple[Judged, ...]:
    """With a tensor and reasons of that name."""
    return tuple(
        replace(
            judged,
            causes=(because(Code.INVALID, words),),
            worst_tensor=words,
            distances=replace(
                judged.distances,
                tensors=tuple(replace(tensor, name=words) for tensor in judged.distances.tensors),
                invalid=words if judged.distances.invalid else "",
            ),
        )
        for judged in quantities
    )
