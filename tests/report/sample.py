"""Results to render: a realistic sample with every verdict, and random ones. No number is from a real run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from hypothesis import strategies as st

from suite.records import (
    At,
    Broken,
    Cause,
    Change,
    Code,
    Configuration,
    ConsistencyCheck,
    Curve,
    Distances,
    Environment,
    Finding,
    GroundRates,
    Judged,
    KnownDifference,
    Limit,
    Magnitude,
    Move,
    Options,
    Outcome,
    Pair,
    Part,
    Place,
    Plan,
    Provisioned,
    Quality,
    QualityPair,
    Results,
    RowChange,
    RunRow,
    ScenarioRow,
    SelfTest,
    Status,
    Suite,
    TensorDistance,
    TensorGroup,
    Trend,
    Verdict,
    because,
    plain,
)
from tests.report.sample_diagnoses import diagnosis, oracle

ENVIRONMENTS = {
    "tensorflow": ("single", "tf_mirrored"),
    "jax": ("single", "jax_data_parallel"),
    "torch": ("single", "torch_ddp"),
}
SCENARIOS = ("article-mlp", "sync-bn")
METRICS = {
    "trainable weights": ("train",),
    "moving statistics": ("mean", "var", "folded"),
    "optimizer state": ("slots",),
    "loss": ("loss",),
    "predictions": ("pmax", "tv", "js", "churn", "explained"),
}
SIZES = {
    Verdict.IDENTICAL: 0.0,
    Verdict.ROUNDING: 4.2e-7,
    Verdict.NOISE: 3e-6,
    Verdict.BY_DESIGN: 0.04,
    Verdict.INCONCLUSIVE: 8e-5,
}
CAUSES: dict[Verdict, tuple[Cause, ...]] = {
    Verdict.NOISE: (Cause(code=Code.REPEATS_DIFFER),),
    Verdict.BY_DESIGN: (
        Cause(
            code=Code.BY_DESIGN,
            detail=(("batch statistics", "global or per replica"),),
            evidence=(("a", 1e-15), ("b", 2e-15)),
        ),
    ),
    Verdict.INCONCLUSIVE: (because(Code.NO_FLOAT64, "no float64 run: it was not planned"),),
    Verdict.DIFFERENT: (Cause(code=Code.UNKNOWN),),
    Verdict.INVALID: (because(Code.INVALID, "NaN in norm/moving_mean"),),
    Verdict.NOT_RUN: (because(Code.NOT_RUN, "torch ×2: it ended with exit code 1"),),
}
UNSUPPORTED = (Cause(code=Code.UNSUPPORTED, detail=(("status", "unsupported"), ("reason", "it cannot load it"))),)
FAILED = Configuration(scenario="sync-bn", environment="torch", strategy="torch_ddp", devices=2)
REFUSED = Configuration(scenario="sync-bn", environment="jax", strategy="jax_data_parallel", devices=2)
CRASHED = Configuration(scenario="sync-bn", environment="tensorflow", strategy="tf_mirrored", devices=2)
DIED = "the worker was killed by signal 11 (SIGSEGV), see logs/train__sync-bn__tensorflow__tf_mirrored-x2__plain.log"


FAILED_JOB = Outcome(job="reload/small-cnn/jax/float64", status=Status.FAILED, reason="it was killed", seconds=1.5, log="…")
KNOWN = tuple(
    KnownDifference(
        fingerprint=f"{place:08x}", reason="it is <known>", expires="2027-01-31", source="known.toml:2", state=state
    )
    for place, state in enumerate(("shows", "expired", "gone", "not looked for"))
)
CHANGE = Change(
    baseline="main/results.json",
    generated="2026-11-23 12:00 UTC",
    plan="0123456789ab" * 5,
    moves=(
        Move(about="verdict", name="a | b", how="worse", before="rounding", now="different"),
        Move(about="cause", name="a | c", how="changed", before="unknown", now="unstable-kernel torch"),
        Move(about="finding", name="0123456789ab", how="new", now="unstable-kernel torch"),
        Move(about="environment", name="torch: keras", how="changed", before="3.15.1", now="3.16.0"),
        Move(about="limit", name="float64 runs are equal below", how="changed", before="1e-10", now="1e-09"),
    ),
    same=52,
)
BUILT_IN_RATES = GroundRates(
    ground="built-in",
    injected=200,
    detected=199,
    right_cause=193,
    right_place=190,
    cause_or_place=198,
    clean_pairs=161,
    alarms=("injected-clip/jax/single-x1/plain | injected-clip/torch/single-x1/plain: it is <clean>",),
    versions={"keras": "3.15.1", "torch": "2.13.0"},
    suite=Suite(version="0.1.0", digest="ef56" * 16),
    apart=("measured with keras 3.15.1, and this run has keras 3.14.0",),
)
RANDOM_RATES = GroundRates(
    ground="random",
    injected=50,
    detected=49,
    right_side=48,
    right_cause=40,
    right_place=41,
    cause_or_place=47,
    without_effect=2,
    clean_pairs=90,
    clean_checks=300,
    undecided=1,
    alarms=(
        "random-1/jax/single-x1/plain | defined | jax: definition: a | b",
        "random-1/jax/single-x1/plain | saved model.keras | jax: unknown",
    ),
    versions={"keras": "3.14.0"},
    suite=Suite(version="0.2.0", digest="ef56" * 16),
)
SELF_TEST = SelfTest(grounds=(BUILT_IN_RATES, RANDOM_RATES))


ROWS = (RowChange(output="output", row=17, element=3, a=0.62, b=0.11),)
LOSSES = Curve(name="losses", at=(1, 5, 20), a=(2.0, 1.5, 0.5), b=(2.0, 1.25, 0.75))


def judged(quantity: str, verdict: Verdict, steps: tuple[int, ...] = (1, 5, 20)) -> Judged:
    """One quantity whose distances are such as its verdict has."""
    metrics = METRICS[quantity]
    size = SIZES.get(verdict, 0.04)
    alike = verdict in (Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.NOISE)
    at = tuple(
        At(
            step=step,
            plain=dict.fromkeys(metrics, size * step / steps[-1]),
            envelope=dict.fromkeys(metrics, 1e-06),
            float64=dict.fromkeys(metrics, 1e-15 if alike and size else size),
        )
        for step in steps
    )
    tensors = tuple(
        TensorDistance(
            name=f"block_{index}/norm/moving_mean",
            group=TensorGroup.NEUTRAL_BIAS if index == 6 else TensorGroup.MOVING_MEAN,
            value=size / index,
            ulp=2.0,
            bits=False,
        )
        for index in range(1, 7)
    )
    bits = verdict is Verdict.IDENTICAL
    invalid = CAUSES[verdict][0].reason if verdict is Verdict.INVALID else ""
    return Judged(
        quantity=quantity,
        verdict=verdict,
        causes=CAUSES.get(verdict, ()),
        distances=Distances(
            quantity=quantity,
            bits=bits,
            at=() if invalid else at,
            tensors=() if bits else tensors,
            invalid=invalid,
            layers={} if invalid or quantity == "loss" else {f"block_{index}/norm": size / index for index in range(1, 9)},
            histogram=() if invalid else (640,) if bits else (12, 300, 200, 100, 28),
            rows=ROWS if quantity == "predictions" and not invalid else (),
            curves=(LOSSES,) if quantity == "loss" and not invalid else (),
        ),
        limits=dict.fromkeys(metrics, 5e-06),
        worst_tensor="" if bits or invalid else tensors[0].name,
        first_step=0 if bits else 1,
    )


def configurations(scenario: str) -> list[Configuration]:
    return [
        Configuration(scenario=scenario, environment=name, strategy=strategy, devices=devices)
        for name, strategies in ENVIRONMENTS.items()
        for devices, strategy in enumerate(strategies, 1)
    ]


def row(configuration: Configuration) -> RunRow:
    status, reason = Status.COMPLETE, ""
    if configuration == FAILED:
        status, reason = Status.FAILED, "it ended with exit code 1"
    if configuration == REFUSED:
        status, reason = Status.UNSUPPORTED, "jax_data_parallel cannot do this"
    complete = status is Status.COMPLETE
    return RunRow(
        run=plain(configuration),
        status=status,
        reason=reason,
        seconds=1.25 if complete else 0.0,
        reused=configuration.devices == 1,
        facts={"backend": configuration.environment, "devices": f"{configuration.devices} x cpu", "jit": "True"}
        if complete
        else {},
        died=DIED if configuration == CRASHED else "",
        log="" if complete else "Traceback (most recent call last):\nRuntimeError: \x1b[31mboom\x1b[0m <b>&",
    )


def pair(a: Configuration, b: Configuration, verdict: Verdict) -> Pair:
    quantities = (
        ()
        if verdict is Verdict.NOT_RUN
        else tuple(judged(name, verdict if place < 2 else Verdict.IDENTICAL) for place, name in enumerate(METRICS))
    )
    return Pair(
        a=plain(a),
        b=plain(b),
        verdict=verdict,
        causes=UNSUPPORTED if REFUSED in (a, b) and FAILED not in (a, b) else CAUSES.get(verdict, ()),
        quantities=quantities,
        side=plain(b) if verdict is Verdict.DIFFERENT else None,
    )


def checks(one: Configuration, verdicts: Iterator[Verdict]) -> Iterator[ConsistencyCheck]:
    def check(kind: str, environment: str, form: str = "", replica: int = 0) -> ConsistencyCheck:
        verdict = next(verdicts)
        return ConsistencyCheck(
            run=plain(one),
            kind=kind,
            environment=environment,
            form=form,
            replica=replica,
            verdict=verdict,
            causes=UNSUPPORTED if verdict is Verdict.NOT_RUN else CAUSES.get(verdict, ()),
            quantities=() if verdict is Verdict.NOT_RUN else (judged("predictions", verdict, steps=(20,)),),
        )

    yield check("saved", one.environment, "model.keras")
    yield check("saved", one.environment, "model.weights.h5")
    yield from (check("reloaded", name, "model.keras") for name in ENVIRONMENTS if name != one.environment)
    yield check("declared", "torch")
    yield from (check("replica", one.environment, replica=index) for index in range(1, one.devices))


# Of no finding: what the page says of one is tested in test_trends.py.
TREND = Trend(
    fingerprint="feedfacefeed",
    since="2026-11-23 12:00 UTC",
    before="2026-11-20 12:00 UTC",
    moved=("jax: keras 3.15.0 → 3.15.1",),
    shown=2,
    looked=3,
    metric="tv",
    sizes=(("2026-11-23 12:00 UTC", 0.02), ("2026-11-24 12:00 UTC", 0.03)),
)


def results(
    names: tuple[str, ...] = SCENARIOS,
    *,
    verdicts: tuple[Verdict, ...] = tuple(Verdict),
    gate: str = "different",
    healthy: bool = False,
) -> Results:
    """Pairs and checks take the verdicts in turn; one run failed and one is unsupported unless `healthy`."""
    every = [one for name in names for one in configurations(name)]
    rows = tuple(row(one) for one in every if not healthy or one not in (FAILED, REFUSED))
    turn = iter(verdicts * 1000)
    there = {one.run.configuration for one in rows if one.status is Status.COMPLETE}
    pairs = tuple(
        pair(a, b, next(turn) if {a, b} <= there else Verdict.NOT_RUN)
        for name in names
        for a, b in combinations([one.run.configuration for one in rows if one.run.configuration.scenario == name], 2)
    )
    oracles = {(found := oracle(one.run.configuration)).run.id: found for one in rows if one.status is Status.COMPLETE}
    return Results(
        plan=Plan(
            runs=tuple(one.run for one in rows),
            refused=(),
            options=Options(gate=gate),
            digest="0123456789abcdef" * 4,
            command="parity compare --scenario article-mlp",
        ),
        exit_code=3,
        generated="2026-11-24 12:00 UTC",
        environments=tuple(provisioned(name) for name in ENVIRONMENTS),
        scenarios=tuple(scenario(name) for name in names),
        broken=(Broken(name="lost-plugin", source="plugins/lost.py:3", reason="ImportError: no module named lost"),),
        runs=(*rows, *oracles.values()),
        pairs=pairs,
        checks=tuple(check for one in every if one in there for check in checks(one, turn)),
        findings=tuple(finding(verdict, pairs) for verdict in list(Verdict)[::-1] if verdict.rank > 1),
        limits=(Limit(name="float64 runs are equal below", value=1e-10, reason="measured over 200 steps"),),
        jobs=(
            Outcome(job="reload/small-cnn/jax/float64", status=Status.FAILED, reason="it was killed", seconds=1.5, log="…"),
        ),
        known=KNOWN,
        quality=tuple(quality(one, which) for one, which in zip(pairs, Quality, strict=False)),
        change=CHANGE,
        self_test=SELF_TEST,
        trends=(TREND,),
        diagnoses=tuple(diagnosis(one) for one in rows if one.status is Status.COMPLETE),
    )


def quality(one: Pair, which: Quality) -> QualityPair:
    """An accuracy that differs by half a percentage point."""
    return QualityPair(
        a=one.a,
        b=one.b,
        metric="accuracy",
        quality=which,
        states=4,
        means=(0.9, 0.895),
        difference=0.005,
        interval=(0.001, 0.009),
        margin=0.005,
        needed=9 if which is Quality.UNDECIDED else 0,
    )


def provisioned(name: str) -> Provisioned:
    environment = Environment(
        name=name, backend=name, requirements=("keras==3.15.1",), variables=(("OMP_NUM_THREADS", "1"),)
    )
    reason = "no matching distribution\nfor torch" if name == "torch" else ""
    return Provisioned(
        environment=environment, python="python", digest="ab12", packages={"keras": "3.15.1", name: "1.0"}, reason=reason
    )


def scenario(name: str) -> ScenarioRow:
    return ScenarioRow(
        name=name,
        description="random clusters",
        source=f"scenarios/{name}.py",
        digest="cd34",
        batch=64,
        steps=20,
        outputs="probabilities",
        layers=("block_1/dense", "block_1/norm", "output"),
    )


def finding(verdict: Verdict, pairs: tuple[Pair, ...]) -> Finding:
    covered = tuple(pair for pair in pairs if pair.verdict is verdict)
    return Finding(
        verdict=verdict,
        causes=CAUSES[verdict],
        members=covered,
        parts=tuple(Part(scenario=name, fingerprint=f"{verdict.rank:08x}") for name in SCENARIOS),
        environment="torch" if verdict is Verdict.DIFFERENT else "",
        place=Place(stage="batch statistics", tensor="block_1/norm/moving_mean", state="0", size=0.04, ratio=8e3)
        if verdict.rank > Verdict.NOISE.rank
        else None,
        magnitudes=(Magnitude(metric="pmax", value=0.04, rungs=(("rounding", 1e-6), ("other seed", 0.3))),)
        if verdict in (Verdict.BY_DESIGN, Verdict.DIFFERENT)
        else (),
        fingerprint=f"{verdict.rank:016x}",
    )


NOTHING = results((), healthy=True)


@st.composite
def random_results(draw: st.DrawFn) -> Results:
    names = draw(st.sampled_from([(), ("one",), SCENARIOS]))
    one_for_all = st.sampled_from(list(Verdict)).map(lambda verdict: (verdict,))
    verdicts = draw(st.one_of(one_for_all, st.lists(st.sampled_from(list(Verdict)), min_size=1, max_size=40).map(tuple)))
    return results(names, verdicts=verdicts, healthy=draw(st.booleans()))
