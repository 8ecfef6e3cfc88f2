"""Results of injected faults, put together by hand: pairs, checks and diagnoses, and what is scored of them."""

from __future__ import annotations

from dataclasses import replace

from suite.explain import diagnoses as diagnoses_of
from suite.explain import findings
from suite.records import (
    At,
    Cause,
    Code,
    Configuration,
    ConsistencyCheck,
    Diagnosis,
    Distances,
    Judged,
    Pair,
    Place,
    Results,
    Suspect,
    Verdict,
    plain,
)
from suite.selftest import score
from suite.selftest.catalogue import BY_NAME
from suite.selftest.plan import Expected, Injected
from tests.report import builder

CLEAN = Configuration(scenario="injected-adam", environment="torch", strategy="torch_ddp", devices=2)
FAULTY = replace(CLEAN, fault="bn-epsilon-small")


def of(name: str) -> Injected:
    """A fault of the catalogue in the configuration of these tests."""
    fault = BY_NAME[name]
    expected = Expected(causes=(fault.cause,), stage=fault.stage, tensor=fault.tensor)
    return Injected(fault=name, configuration=replace(CLEAN, fault=name), expected=expected)


INJECTED = of("bn-epsilon-small")
UNKNOWN = Cause(code=Code.UNKNOWN)
UNSTABLE = Cause(code=Code.UNSTABLE_KERNEL, subject="torch")
SAVED = of("variance-not-saved")


def judged(quantity: str, verdict: Verdict, float64: float = 0.25, code: str = "", tensor: str = "") -> Judged:
    at = At(step=1, plain={}, float64={"train": float64})
    found = Distances(quantity=quantity, bits=False, at=(at,))
    causes = (Cause(code=code),) if code else ()
    return Judged(quantity=quantity, verdict=verdict, causes=causes, distances=found, limits={}, worst_tensor=tensor)


def pair(verdict: Verdict, a: Configuration = CLEAN, b: Configuration = FAULTY, cause: Cause | None = None) -> Pair:
    quantities = () if verdict is Verdict.NOT_RUN else (judged("trainable weights", verdict),)
    return Pair(a=plain(a), b=plain(b), verdict=verdict, causes=(cause,) if cause else (), quantities=quantities)


def check(configuration: Configuration, *quantities: Judged) -> ConsistencyCheck:
    worst = max((one.verdict for one in quantities), key=lambda verdict: verdict.rank)
    return ConsistencyCheck(
        run=plain(configuration),
        kind="saved",
        environment="torch",
        verdict=worst,
        form="model.keras",
        quantities=quantities,
    )


def diagnosis(*suspects: tuple[str, float], distance: float | None = 0.25, place: Place | None = None) -> Diagnosis:
    return Diagnosis(
        run=plain(FAULTY),
        oracle=None,
        distance=distance,
        place=place,
        suspects=tuple(Suspect(name=name, distance=size, matches=size < 1e-10, whole=True) for name, size in suspects),
    )


def outcome(
    *pairs: Pair,
    checks: tuple[ConsistencyCheck, ...] = (),
    diagnoses: tuple[Diagnosis, ...] = (),
    injected: Injected = INJECTED,
) -> score.Scored:
    every = (*checks, *(declared(one) for one in diagnoses))
    results = replace(builder.assemble((), pairs, every), diagnoses=diagnoses)
    found = findings.group((*pairs, *every), diagnoses)
    return score.outcome(replace(results, findings=found), injected)


def declared(diagnosis: Diagnosis) -> ConsistencyCheck:
    """The check of a run against its oracle that goes with a diagnosis."""
    off = diagnosis.distance is not None and diagnosis.distance >= 1e-7
    quantities = (judged("trainable weights", Verdict.DIFFERENT if off else Verdict.ROUNDING, diagnosis.distance or 0.0),)
    verdict = quantities[0].verdict
    causes = (diagnoses_of.causes(diagnosis) or (Cause(code=Code.UNKNOWN, subject="torch"),)) if off else ()
    return ConsistencyCheck(
        run=diagnosis.run, kind="declared", environment="torch", verdict=verdict, causes=causes, quantities=quantities
    )


PLACE = Place(stage="forward", tensor="norm", state="0", size=0.1, ratio=1e9)


def results(*pairs: Pair, diagnoses: tuple[Diagnosis, ...] = ()) -> Results:
    checks = tuple(declared(one) for one in diagnoses)
    found = findings.group((*pairs, *checks), diagnoses)
    return replace(builder.assemble((), pairs, checks), diagnoses=diagnoses, findings=found)
