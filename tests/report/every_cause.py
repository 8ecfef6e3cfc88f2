"""Every cause: its verdict, its details, and results with a pair for each."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from suite.explain import findings as grouping
from suite.explain import fingerprint
from suite.records import Cause, Code, Diagnosis, Results, Suspect, Verdict, plain
from suite.results import baseline
from suite.selftest.plan import Expected, Injected
from tests.report import builder, sample

HYPOTHESES = ("gradients-summed", "learning-rate")
VERDICTS = {
    Code.BY_DESIGN: Verdict.BY_DESIGN,
    Code.UNDEFINED: Verdict.ROUNDING,
    Code.BELOW_FLOAT32: Verdict.ROUNDING,
    Code.FLOAT32_INSIDE: Verdict.ROUNDING,
    Code.UNCHECKED: Verdict.INCONCLUSIVE,
    Code.NON_FINITE: Verdict.INVALID,
    Code.RANDOM_STREAMS: Verdict.BY_DESIGN,
    Code.REPEATS_DIFFER: Verdict.NOISE,
    Code.AMPLIFIED_ROUNDING: Verdict.ROUNDING,
    Code.STEPS_ALIKE: Verdict.ROUNDING,
    Code.BEYOND_ENVELOPE: Verdict.INCONCLUSIVE,
    Code.NO_FLOAT64: Verdict.INCONCLUSIVE,
    Code.NOTHING_COMPARED: Verdict.INVALID,
    Code.INVALID: Verdict.INVALID,
    Code.NOT_RUN: Verdict.NOT_RUN,
    Code.UNSUPPORTED: Verdict.NOT_RUN,
}
DETAILS: dict[str, tuple[tuple[str, str], ...]] = {
    Code.BY_DESIGN: (("batch statistics", "per replica"),),
    Code.DEFINITION: (("what", "layer"), ("class", "Embedding"), ("name", "words"), ("stage", "gradient")),
    Code.UNDEFINED: (("layer", "custom"),),
    Code.ODD_ONE_OUT: (("others", "jax, tensorflow"), ("stage", "gradient"), ("tensor", "words")),
    Code.HALFWAY: (("layer", "resize (Resizing)"),),
    Code.CORNER: (("layer", "leaky (LeakyReLU)"), ("odd", "jax")),
    Code.FLOAT32_INSIDE: (("layer", "resize"),),
    Code.UNCHECKED: (("reason", "no oracle: it was killed"),),
    Code.RENEWED: (("tensor", "dropout/seed"),),
    Code.UNSEEDED: (("layer", "dropout"),),
    Code.DTYPE_DEMOTED: (("variant", "float32"),),
    Code.NOT_SAVED: (("tensor", "norm/gamma"),),
    Code.COMPILED_DIFFERENTLY: (("loss.delta", "0.25 -> 1.0"),),
    Code.LOADED_DIFFERENTLY: (("gain.factor", "2.5 -> 1.0"),),
    Code.METRIC_NOT_RESET: (("metric", "hits"),),
    Code.MOVES_IN_PREDICT: (("layer", "norm"),),
    Code.MEMORY_LOST: (("layer", "memory"),),
    Code.COMPILED_STEP: (("measured", "gate.sharpness 1.0 -> 8.0"),),
    Code.NARROWED: (("formats", "float32 for float64"),),
    Code.OTHER_FORMATS: (("layer", "out"), ("part", "given"), ("formats", "float32"), ("other formats", "bfloat16")),
    Code.SAVE_STALE: (("step", "5"),),
    Code.SAVE_WRONG_REPLICA: (("replica", "1"),),
    Code.SAVE_SWAPPED: (("norm/gamma", "norm/beta"),),
    Code.SAVE_ALTERED: (("tensor", "norm/gamma"), ("format", "float16")),
    Code.NO_FLOAT64: (("reason", "it was not planned"),),
    Code.INVALID: (("reason", "NaN in norm/gamma"),),
    Code.NOT_RUN: (("reason", "it ended with exit code 1"),),
    Code.UNSUPPORTED: (("status", "unsupported"), ("reason", "it cannot load it")),
}
EVERY = (*Code, *HYPOTHESES)


def cause(code: str) -> Cause:
    return Cause(code=code, subject="torch", detail=DETAILS.get(code, ()), evidence=(("a", 0.25), ("b", 0.5)))


def compared() -> tuple[Results, list[Injected]]:
    """A pair for every cause, with their checks, findings, diagnoses and injected faults."""
    one, two = (builder.configurations([name], builder.BACKENDS, [1, 2]) for name in sample.SCENARIOS)
    two = [replace(configuration, scenario="injected-adam") for configuration in two]
    faulty = [replace(configuration, fault="bn-epsilon-small") for configuration in two]
    sides = [*combinations(one, 2), *combinations(two, 2), *zip(two, faulty, strict=True), *combinations(faulty, 2)]
    assert len(sides) >= len(EVERY), "every cause has a pair"
    rows = [builder.row(configuration) for configuration in (*one, *two, *faulty)]
    pairs = [
        replace(
            sample.pair(a, b, verdict := VERDICTS.get(code, Verdict.DIFFERENT)),
            causes=(cause(code),),
            side=plain(b) if verdict is Verdict.DIFFERENT else None,
        )
        for (a, b), code in zip(sides, EVERY * 2, strict=False)
    ]
    checks = [
        replace(builder.check(configuration, "saved", Verdict.DIFFERENT, "model.keras"), causes=(cause(code),))
        for configuration, code in zip(one, (Code.SAVE_STALE, Code.SLOTS_NOT_SAVED, Code.LOADED_WRONGLY), strict=False)
    ]
    diagnoses = tuple(
        Diagnosis(
            run=plain(configuration),
            oracle=None,
            distance=0.25,
            suspects=(
                Suspect(name=name, distance=1e-15, matches=True, whole=True),
                Suspect(name="bn-epsilon", distance=1e-15, matches=True, whole=True),
            ),
            tried=20,
        )
        for configuration, name in zip(faulty, HYPOTHESES * 3, strict=True)
    )
    results = builder.assemble(rows, pairs, checks, scenarios=[sample.SCENARIOS[0], "injected-adam"])
    results = replace(
        results,
        diagnoses=diagnoses,
        findings=fingerprint.named(grouping.group(results.members, diagnoses)),
        change=baseline.since(sample.results(verdicts=(Verdict.IDENTICAL,)), results, "old.json"),
    )
    expected = Expected(causes=("bn-epsilon",), stage="forward")
    return results, [Injected(fault="bn-epsilon-small", configuration=one, expected=expected) for one in faulty]
