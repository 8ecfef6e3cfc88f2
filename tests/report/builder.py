"""Results as a real command makes them, small: two scenarios, three backends on one and two devices, every verdict.

One run failed with a log, a view is unsupported, a plugin is broken. Nothing here is random, so that files can be golden.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from suite.explain import answer
from suite.records import (
    At,
    Broken,
    Configuration,
    Distances,
    Environment,
    Finding,
    Judged,
    Limit,
    Options,
    Pair,
    Plan,
    Provisioned,
    Results,
    Run,
    RunRow,
    ScenarioRow,
    Status,
    TensorDistance,
    Verdict,
    View,
)

STRATEGIES = {"tensorflow": "tf_mirrored", "jax": "jax_data_parallel", "torch": "torch_ddp"}
BACKENDS = tuple(STRATEGIES)
SCENARIOS = ("small-cnn", "deep-mlp")
DEVICES = (1, 2)
STEPS = (1, 2, 5, 10, 20)
FAILED = Configuration(scenario="deep-mlp", environment="torch", strategy="torch_ddp", devices=2)
REASON = "the worker ended with exit code 1 after 3.1 s: RuntimeError: connection closed by peer"
LOG = "step 1 loss 2.31\nTraceback (most recent call last):\nRuntimeError: connection closed by peer\n"
BROKEN = Broken(name="half-written", source="scenarios/half_written.py", reason="line 12: SyntaxError: '(' was never closed")
CAUSES = {
    Verdict.IDENTICAL: "",
    Verdict.ROUNDING: "",
    Verdict.NOISE: "the same run, repeated, differs as much",
    Verdict.DESIGNED: "declared otherwise (batch statistics: global or per replica)",
    Verdict.INCONCLUSIVE: "rounding amplified",
    Verdict.DIFFERENT: "unknown",
    Verdict.INVALID: "NaN in trainable weights",
    Verdict.NOT_RUN: f"failed: {REASON}",
}
LIMITS = (
    Limit(name="twins are equal below", value=1e-10, reason="twins with equal semantics stayed below 8e-12"),
    Limit(name="rounding is up to this many envelopes", value=5.0, reason="no false alarm in 672 comparisons"),
)
SIZES = {
    Verdict.ROUNDING: (1e-7, 1e-15),
    Verdict.NOISE: (2e-5, 3e-5),
    Verdict.DESIGNED: (0.3, 0.3),
    Verdict.INCONCLUSIVE: (0.02, 1e-8),
    Verdict.DIFFERENT: (0.4, 0.4),
}


def configurations(scenarios: Sequence[str], backends: Sequence[str], devices: Sequence[int]) -> list[Configuration]:
    return [
        Configuration(
            scenario=scenario,
            environment=backend,
            strategy="single" if count == 1 else STRATEGIES[backend],
            devices=count,
        )
        for scenario in scenarios
        for backend in backends
        for count in devices
    ]


def quantity(name: str, metric: str, verdict: Verdict, tensor: str) -> Judged:
    """One quantity with numbers that fit its verdict: distances grow, the first one is exactly 0."""
    if verdict is Verdict.INVALID:
        why = Distances(quantity=name, bits=False, at=(), invalid=CAUSES[verdict])
        return Judged(quantity=name, verdict=verdict, cause=CAUSES[verdict], distances=why, limits={})
    same = verdict is Verdict.IDENTICAL
    plain, twin = SIZES.get(verdict, (0.0, 0.0))
    at = tuple(
        At(
            step=step,
            plain={metric: plain * (step - 1) / 19},
            envelope={metric: 4e-8 * step},
            twin={metric: twin * step / 20},
            twin_envelope={metric: 1e-16},
        )
        for step in STEPS
    )
    tensors = (
        TensorDistance(name=tensor, group="K", value=plain, ulp=0.0 if same else 7.5, bits=same),
        TensorDistance(name="dense/bias", group="P", value=2.0 * plain, ulp=0.0, bits=same),
    )
    return Judged(
        quantity=name,
        verdict=verdict,
        cause=CAUSES[verdict],
        distances=Distances(quantity=name, bits=same, at=at, tensors=tensors),
        limits={metric: 2e-7},
        worst_tensor=tensor,
        first_step=0 if same else 2,
    )


def quantities(verdict: Verdict, tensor: str = "conv/kernel") -> tuple[Judged, ...]:
    """None of what was not run; of others the weights decide, the moving means follow, predictions are identical."""
    if verdict is Verdict.NOT_RUN:
        return ()
    return (
        quantity("trainable weights", "train", verdict, tensor),
        quantity("moving statistics", "mean", min(verdict, Verdict.ROUNDING, key=lambda one: one.rank), "bn/moving_mean"),
        quantity("predictions", "pmax", Verdict.IDENTICAL, "predictions"),
    )


def pair(
    a: Configuration, b: Configuration, verdict: Verdict, cause: str | None = None, tensor: str = "conv/kernel"
) -> Pair:
    return Pair(
        scenario=a.scenario,
        a=f"{a.id}/plain",
        b=f"{b.id}/plain",
        verdict=verdict,
        cause=CAUSES[verdict] if cause is None else cause,
        quantities=quantities(verdict, tensor),
        side=f"{b.id}/plain" if verdict is Verdict.DIFFERENT else "",
    )


def view(
    one: Configuration,
    kind: str,
    verdict: Verdict,
    *,
    environment: str = "",
    form: str = "",
    cause: str | None = None,
) -> View:
    return View(
        run=f"{one.id}/plain",
        scenario=one.scenario,
        kind=kind,
        environment=environment or one.environment,
        verdict=verdict,
        cause=CAUSES[verdict] if cause is None else cause,
        form=form,
        replica=1 if kind == "replica" else 0,
        quantities=quantities(verdict),
    )


def row(one: Configuration, status: Status = Status.COMPLETE, variation: str = "plain") -> RunRow:
    complete = status is Status.COMPLETE
    return RunRow(
        run=Run(configuration=one, variation=variation),
        status=status,
        reason="" if complete else REASON,
        seconds=7.25 if complete else 3.125,
        reused=one.devices == 1 and complete,
        facts={"keras": "3.15.1", "backend": one.environment, "threads": "1"} if complete else {},
        log="" if complete else LOG,
    )


def assemble(
    rows: Sequence[RunRow],
    pairs: Sequence[Pair],
    views: Sequence[View],
    *,
    scenarios: Sequence[str] = SCENARIOS,
    environments: Sequence[Provisioned] = (),
    broken: Sequence[Broken] = (),
    findings: Sequence[Finding] = (),
    planned: int | None = None,
    said: str = "",
) -> Results:
    """Results with the exit code that the suite itself gives for them, and its answer too if none is given."""
    gate = Options().gate
    return Results(
        plan=Plan(
            runs=tuple(row.run for row in rows[:planned]),
            refused=(),
            options=Options(),
            digest="5e8a21794c37fe1814b3dc5f2d683602",
            command="parity compare --scenario small-cnn --scenario deep-mlp",
        ),
        answer=said or answer.sentence(pairs, views, rows, broken),
        exit_code=answer.exit_code(pairs, views, rows, broken, gate),
        generated="2026-11-24 14:00 UTC",
        environments=tuple(environments),
        scenarios=tuple(
            ScenarioRow(
                name=name,
                description=f"{name} on random clusters",
                source=f"scenarios/{name.replace('-', '_')}.py",
                digest="c83e410998913833",
                batch=32,
                steps=20,
                outputs="probabilities",
            )
            for name in scenarios
        ),
        broken=tuple(broken),
        runs=tuple(rows),
        pairs=tuple(pairs),
        views=tuple(views),
        findings=tuple(findings),
        limits=LIMITS,
    )


def provisioned(name: str, reason: str = "") -> Provisioned:
    packages = {} if reason else {"keras": "3.15.1", "numpy": "2.4.6", name: "2.21.0"}
    environment = Environment(name=name, backend=name, requirements=(f"{name}==2.21.0",), variables=(("THREADS", "1"),))
    return Provisioned(
        environment=environment, python=f"{name}/bin/python", digest="f76dae7d", packages=packages, reason=reason
    )


def sample(
    scenarios: Sequence[str] = SCENARIOS,
    tensor: str = "conv/kernel",
    reason: str = REASON,
    unsupported: str = "unsupported: no replicas",
) -> Results:
    """The sample; names and reasons can be given, to see what becomes of hostile ones."""
    found = configurations(scenarios, BACKENDS, DEVICES)
    failed = found[-1]
    rows = [row(one, Status.FAILED if one == failed else Status.COMPLETE) for one in found]
    rows = [dataclasses.replace(one, reason=reason, log=LOG + reason) if one.log else one for one in rows]
    rows.append(row(found[0], variation="permuted"))
    cycle = itertools.cycle([one for one in Verdict if one is not Verdict.NOT_RUN])

    def judged(a: Configuration, b: Configuration) -> Pair:
        if failed in (a, b):
            return pair(a, b, Verdict.NOT_RUN, f"failed: {reason}")
        verdict = next(cycle)
        return pair(a, b, verdict, reason if verdict is Verdict.DIFFERENT and reason != REASON else None, tensor)

    pairs = [judged(a, b) for a, b in itertools.combinations(found, 2) if a.scenario == b.scenario]
    return assemble(
        rows,
        pairs,
        _views([one for one in found if one != failed], unsupported),
        scenarios=scenarios,
        environments=[provisioned(name) for name in BACKENDS],
        broken=[BROKEN],
        findings=[_finding(verdict, pairs) for verdict in (Verdict.DIFFERENT, Verdict.INVALID, Verdict.DESIGNED)],
        planned=len(found),
        said=f"Not everywhere: {len(pairs)} pairs in {' and '.join(scenarios)}.",
    )


def _finding(verdict: Verdict, pairs: Sequence[Pair]) -> Finding:
    """In words of its own: a golden file should not change when `suite.explain` finds better ones."""
    found = [one for one in pairs if one.verdict is verdict]
    return Finding(
        verdict=verdict,
        cause=found[0].cause,
        claim=f"{len(found)} pairs in {found[0].scenario}: {found[0].cause}.",
        evidence=f"largest in trainable weights: {found[0].a} | {found[0].b}",
        isolating_check="none was run",
        pairs=tuple(f"{one.a} | {one.b}" for one in found),
    )


def _views(complete: Sequence[Configuration], unsupported: str) -> list[View]:
    found: list[View] = []
    for one in complete:
        many = one.devices > 1
        found.append(view(one, "saved", Verdict.IDENTICAL, form="model.keras"))
        found.append(view(one, "saved", Verdict.DIFFERENT if many else Verdict.IDENTICAL, form="model.weights.h5"))
        other = BACKENDS[(BACKENDS.index(one.environment) + 1) % 3]
        found.append(view(one, "reloaded", Verdict.ROUNDING, environment=other, form="model.keras"))
        if many:
            refused = one.environment == "jax"
            verdict = Verdict.NOT_RUN if refused else Verdict.IDENTICAL
            found.append(view(one, "replica", verdict, cause=unsupported if refused else None))
    return found
