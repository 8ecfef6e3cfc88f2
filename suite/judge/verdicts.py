"""Distances to verdicts: the only place that decides. docs/judgement.md explains every rule."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from suite.compare.metrics import METRICS
from suite.judge import kernels
from suite.judge.equivalence import (
    ENVELOPE_FACTOR,
    OTHER_SEMANTICS,
    SAME_SEMANTICS,
    STATE,
    apart_of,
    differs,
    grown_at,
    reaches,
)
from suite.judge.limits import AMPLIFIED, NOISE_FACTOR
from suite.records import (
    JUDGED_STEP,
    Cause,
    Code,
    Comparison,
    Distances,
    Floats,
    Judged,
    Verdict,
    because,
)

NAMED = 3  # tensors that a cause names: more are read by nobody

Decision = tuple[Verdict, tuple[Cause, ...]]


def judge(comparison: Comparison) -> tuple[Judged, ...]:
    """Every quantity's verdict and causes."""
    return tuple(_judge(distances, comparison) for distances in comparison.distances)


def judge_saved(comparison: Comparison) -> tuple[Judged, ...]:
    """Live model against its file. A declaration may say that they predict with different statistics, and nothing else:
    weights, statistics and optimizer are in the file as they were. Where they are not, it is the file that is off."""
    judged = []
    for distances in comparison.distances:
        declared = comparison.declared if distances.quantity == "predictions" else {}
        found = _judge(distances, replace(comparison, declared=declared))
        unknown = [cause.code for cause in found.causes] == [Code.UNKNOWN]
        judged.append(replace(found, causes=comparison.off[1]) if unknown and comparison.off[1] else found)
    return tuple(judged)


def judge_declared(comparison: Comparison, causes: tuple[Cause, ...]) -> tuple[Judged, ...]:
    """Every quantity's verdict where a float64 run is compared with the oracle of its declaration; `causes` if it
    differs."""
    judged = []
    for distances in comparison.distances:
        verdict, why = _decide_declared(distances, comparison, causes)
        limits = {metric: SAME_SEMANTICS for at in distances.at for metric in at.float64 if METRICS[metric].judged}
        off = (at.step for at in distances.at if reaches(at.float64, SAME_SEMANTICS))
        first = next(off, 0) if verdict is Verdict.DIFFERENT else 0
        judged.append(_judged(distances, verdict, why, limits, first))
    return tuple(judged)


def worst(judged: Iterable[Judged]) -> Decision:
    """The worst verdict with all its causes; nothing to judge is invalid, never agreement."""
    every = list(judged)
    if not every:
        return Verdict.INVALID, (Cause(code=Code.NOTHING_COMPARED),)
    verdict = max((one.verdict for one in every), key=lambda one: one.rank)
    return verdict, united(one.causes for one in every if one.verdict is verdict)


def united(causes: Iterable[Iterable[Cause]]) -> tuple[Cause, ...]:
    """All of them, those of one kind once."""
    found: dict[Cause, Cause] = {}
    for some in causes:
        for cause in some:
            found.setdefault(cause.kind, cause)
    return tuple(found.values())


def _judge(distances: Distances, comparison: Comparison) -> Judged:
    verdict, causes = _decide(distances, comparison)
    explained = verdict in (Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.NOISE)
    first = _first_step(distances, explained, kernels.scale(comparison))
    return _judged(distances, verdict, causes, limits(distances, kernels.scale(comparison)), first)


def _judged(distances: Distances, verdict: Verdict, causes: tuple[Cause, ...], limits: Floats, first_step: int) -> Judged:
    return Judged(
        quantity=distances.quantity,
        verdict=verdict,
        causes=causes,
        distances=distances,
        limits=limits,
        worst_tensor=max(distances.tensors, key=lambda tensor: tensor.value).name if distances.tensors else "",
        first_step=first_step,
    )


def _only(verdict: Verdict, code: Code) -> Decision:
    return verdict, (Cause(code=code),)


def _trivial(distances: Distances) -> Decision | None:
    """Where there is nothing to weigh; else None."""
    if distances.invalid:
        return Verdict.INVALID, (because(Code.INVALID, distances.invalid),)
    return (Verdict.IDENTICAL, ()) if distances.bits else None


def _decide(distances: Distances, comparison: Comparison) -> Decision:
    if (trivial := _trivial(distances)) is not None:
        return trivial
    if comparison.no_float64:
        return Verdict.INCONCLUSIVE, (because(Code.NO_FLOAT64, comparison.no_float64),)
    apart = apart_of(distances, comparison)
    if apart is None:
        return _only(Verdict.INCONCLUSIVE, Code.NOTHING_COMPARED)
    if apart >= OTHER_SEMANTICS:
        return _other_semantics(distances, comparison)
    if (found := kernels.unstable(comparison)) is not None:
        return Verdict.DIFFERENT, (kernels.cause(comparison, found),)
    if differs(apart):
        return Verdict.DIFFERENT, _off(comparison) or (Cause(code=Code.CONSTANT),)
    return _same_semantics(distances, comparison)


def _other_semantics(distances: Distances, comparison: Comparison) -> Decision:
    """The float64 runs differ: by design if it is declared and each side was checked to do what it declares."""
    if lost := [tensor.name for tensor in distances.tensors if tensor.name in comparison.unsaved]:
        return Verdict.DIFFERENT, (Cause(code=Code.NOT_SAVED, detail=tuple(("tensor", name) for name in lost[:NAMED])),)
    declared = tuple(sorted(comparison.declared.items()))
    if off := off_sides(comparison):
        cancels = all(kernels.cancels(comparison, side) for side in off)
        environment = comparison.environments[off[0]] if len(off) == 1 else ""
        fallback = Cause(code=Code.UNSTABLE_KERNEL, subject=environment) if cancels else Cause(code=Code.UNKNOWN)
        return Verdict.DIFFERENT, _off(comparison) or (fallback,)
    if not declared:
        return _only(Verdict.DIFFERENT, Code.UNKNOWN)
    if None in comparison.oracles:
        return Verdict.DIFFERENT, (Cause(code=Code.BY_DESIGN_UNCHECKED, detail=declared),)
    evidence = tuple((side, distance or 0.0) for side, distance in zip(("a", "b"), comparison.oracles, strict=True))
    return Verdict.BY_DESIGN, (Cause(code=Code.BY_DESIGN, detail=declared, evidence=evidence),)


def _decide_declared(distances: Distances, comparison: Comparison, causes: tuple[Cause, ...]) -> Decision:
    if (trivial := _trivial(distances)) is not None:
        return trivial
    apart = apart_of(distances, comparison)
    if comparison.no_float64:
        return Verdict.INCONCLUSIVE, (because(Code.NO_FLOAT64, comparison.no_float64),)
    if apart is None:
        return _only(Verdict.INCONCLUSIVE, Code.NOTHING_COMPARED)
    if differs(apart):
        return Verdict.DIFFERENT, causes or (Cause(code=Code.UNKNOWN),)
    grown = (Cause(code=Code.AMPLIFIED_ROUNDING),) if math.isfinite(grown_at(comparison)) else ()
    return Verdict.ROUNDING, grown


def _off(comparison: Comparison) -> tuple[Cause, ...]:
    """What is suspected of the sides that are off; empty if there is nothing for one of them."""
    suspected = [comparison.off[side] for side in off_sides(comparison)]
    return united(suspected) if all(suspected) else ()


def off_sides(comparison: Comparison) -> tuple[int, ...]:
    """The sides (0, 1) whose float64 run is not what the oracle of its declaration computes."""
    return tuple(side for side, distance in enumerate(comparison.oracles) if differs(distance))


def oracle_distance(comparison: Comparison) -> float | None:
    """The largest judged distance of a float64 run from its oracle, before its own rounding has grown; None without any.

    Where something cannot be compared, or nothing is known of weights or statistics, the rest may show that the float64
    run is off, and never that it is not.
    """
    if comparison.no_float64:
        return None
    apart = {one.quantity: apart_of(one, comparison) for one in comparison.distances}
    farthest = max((one for one in apart.values() if one is not None), default=None)
    whole = not any(one.invalid for one in comparison.distances) and all(apart.get(name, 0.0) is not None for name in STATE)
    return farthest if whole or differs(farthest) else None


def _same_semantics(distances: Distances, comparison: Comparison) -> Decision:
    """Equal in float64: what remains is rounding, unless it is too large for that."""
    if comparison.repeats and _within_repeats(distances, comparison.repeats):
        return _only(Verdict.NOISE, Code.REPEATS_DIFFER)
    if comparison.random_streams:
        return _only(Verdict.BY_DESIGN, Code.RANDOM_STREAMS)
    if beyond(distances, kernels.scale(comparison)):
        return Verdict.INCONCLUSIVE, (Cause(code=Code.BEYOND_ENVELOPE, evidence=kernels.steps_alike(comparison)),)
    grown = (Cause(code=Code.AMPLIFIED_ROUNDING),) if amplified(distances) else ()
    return Verdict.ROUNDING, grown


def limits(distances: Distances, scale: float = 1.0) -> Floats:
    """Metric -> the largest value that is rounding, at the judged step: 5 x max(envelope, floor x scale)."""
    found: dict[str, float] = {}
    for at in distances.at:
        if at.step <= JUDGED_STEP:
            for metric, value in at.envelope.items():
                found[metric] = ENVELOPE_FACTOR * max(value, scale * METRICS[metric].floor)
    return found


def beyond(distances: Distances, scale: float = 1.0, factor: float = ENVELOPE_FACTOR) -> tuple[int, str] | None:
    """The first judged step and metric outside `factor` envelopes, or None. A step without an envelope is not judged."""
    for at in distances.at:
        if at.step > JUDGED_STEP:
            continue
        for metric, envelope in at.envelope.items():
            judged = METRICS[metric].judged
            if judged and at.plain.get(metric, 0.0) > factor * max(envelope, scale * METRICS[metric].floor):
                return at.step, metric
    return None


def _within_repeats(distances: Distances, repeats: Floats) -> bool:
    last = distances.at[-1].plain
    judged = [metric for metric in last if METRICS[metric].judged]
    return bool(judged) and all(last[metric] <= NOISE_FACTOR * repeats.get(metric, 0.0) for metric in judged)


def amplified(distances: Distances) -> bool:
    """Whether the last step is much farther apart than the judged one."""
    early = [at for at in distances.at if at.envelope and at.step <= JUDGED_STEP]
    if not early or not distances.at:
        return False
    last = distances.at[-1].plain
    return any(
        last.get(metric, 0.0) > AMPLIFIED * max(value, METRICS[metric].floor) for metric, value in early[-1].plain.items()
    )


def _first_step(distances: Distances, explained: bool, scale: float) -> int:
    """First stored step that is not equal at all, or, for a difference, whose float64 runs differ or that leaves its
    envelope."""
    for at in distances.at:
        judged = {metric: value for metric, value in at.plain.items() if metric in METRICS and METRICS[metric].judged}
        if explained and any(judged.values()):
            return at.step
        float64_runs = any(value >= SAME_SEMANTICS for metric, value in at.float64.items() if METRICS[metric].judged)
        outside = beyond(Distances(quantity=distances.quantity, bits=False, at=(at,)), scale)
        if not explained and (float64_runs or outside):
            return at.step
    return 0
