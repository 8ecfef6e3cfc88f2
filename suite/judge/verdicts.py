"""Distances to verdicts: the only place that decides. docs/judgement.md explains every rule."""

from __future__ import annotations

import math
from collections.abc import Iterable

from suite.compare.metrics import METRICS
from suite.judge import envelopes, kernels, precision
from suite.judge.composing import Decision, composed, copied, united
from suite.judge.equivalence import (
    COMPUTED,
    OTHER_SEMANTICS,
    SAME_SEMANTICS,
    STATE,
    apart_of,
    differs,
    float32_inside,
    grown_at,
    is_random,
    reaches,
)
from suite.judge.limits import FAR_BEYOND, NEARLY, UNMEASURED, UNSTABLE_STATES
from suite.records import (
    Cause,
    Code,
    Comparison,
    Distances,
    Floats,
    Judged,
    Link,
    Verdict,
    because,
)

COMPILED = "compile configuration"  # text: different or not
SLOTS = "optimizer state"
FROM_WEIGHTS = ("loss", "predictions", "evaluation")  # quantities that a model computes from its weights


def judge(comparison: Comparison) -> tuple[Judged, ...]:
    """Every quantity's verdict and causes."""
    return tuple(_judge(distances, comparison) for distances in comparison.distances)


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


def _judge(distances: Distances, comparison: Comparison) -> Judged:
    verdict, causes = _decide(distances, comparison)
    explained = verdict in (Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.NOISE)
    first = _first_step(distances, explained, kernels.scale(comparison))
    return _judged(distances, verdict, causes, envelopes.limits(distances, kernels.scale(comparison)), first)


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


def _trivial(distances: Distances, comparison: Comparison) -> Decision | None:
    """Where there is nothing to weigh; else None."""
    if any(step is not None for step in comparison.non_finite):
        return _non_finite(comparison)
    if distances.quantity in comparison.narrowed:
        side, formats = comparison.narrowed[distances.quantity]
        narrowed = Cause(code=Code.NARROWED, subject=comparison.environments[side], detail=(("formats", formats),))
        return Verdict.DIFFERENT, (narrowed,)
    if distances.invalid and (slots := _without_slots(distances, comparison)):
        return Verdict.DIFFERENT, slots
    if distances.invalid:
        return Verdict.INVALID, (because(Code.INVALID, distances.invalid),)
    return (Verdict.IDENTICAL, ()) if distances.bits else None


def _without_slots(distances: Distances, comparison: Comparison) -> tuple[Cause, ...]:
    """That an optimizer comes back from a file without some of its slots, which is why its state cannot be compared."""
    parts = copied(distances, comparison) if distances.quantity == SLOTS else []
    return united([cause for cause in part.causes if cause.code == Code.SLOTS_NOT_SAVED] for part in parts)


def _non_finite(comparison: Comparison) -> Decision:
    """NaN or infinity. On both sides it is the scenario's: a step earlier or later is rounding that has grown. On one
    side alone it is a difference."""
    steps = [step for step in comparison.non_finite if step is not None]
    evidence = (("step", float(min(steps))),)
    if len(steps) == 2:
        return Verdict.INVALID, (Cause(code=Code.NON_FINITE, evidence=evidence),)
    subject = comparison.environments[comparison.non_finite.index(steps[0])]
    return Verdict.DIFFERENT, (Cause(code=Code.NON_FINITE, subject=subject, evidence=evidence),)


def _decide(distances: Distances, comparison: Comparison) -> Decision:
    """Where a side's own rounding was not measured, nothing that it could have shown to be a difference agrees."""
    verdict, causes = _weighed(distances, comparison)
    beside = [comparison.formats] if comparison.formats else []  # whatever else differs
    if comparison.shared_averages:
        beside.append(Cause(code=Code.SHARED_AVERAGES, subject=comparison.environments[0]))
    if beside and verdict is not Verdict.INVALID:
        return Verdict.DIFFERENT, united([beside, causes if verdict is Verdict.DIFFERENT else ()])
    if comparison.left_out and (verdict is Verdict.ROUNDING or _may_hide_a_kernel(verdict, distances, comparison)):
        return Verdict.INCONCLUSIVE, (because(Code.UNCHECKED, comparison.left_out),)
    return verdict, causes


def _may_hide_a_kernel(verdict: Verdict, distances: Distances, comparison: Comparison) -> bool:
    """Whether single steps could have shown an unstable kernel, which are asked for where rounding is large."""
    apart = None if comparison.random_streams else apart_of(distances, comparison)
    return verdict in (Verdict.NOISE, Verdict.BY_DESIGN) and apart is not None and apart < OTHER_SEMANTICS


def _weighed(distances: Distances, comparison: Comparison) -> Decision:
    if (trivial := _trivial(distances, comparison)) is not None:
        return trivial
    if is_random(distances.quantity, comparison):
        return _random(comparison)
    if distances.quantity == COMPILED:
        return Verdict.DIFFERENT, united(part.causes for part in copied(distances, comparison))
    if comparison.no_float64:
        return _by_steps(distances, comparison)
    apart = apart_of(distances, comparison)
    if apart is None:
        return _only(Verdict.INCONCLUSIVE, Code.NOTHING_COMPARED)
    if apart < OTHER_SEMANTICS:
        if (rounded := precision.decide(comparison, beyond=_is_no_rounding(distances, comparison))) is not None:
            return rounded
        if (found := kernels.unstable(comparison)) is not None:
            return Verdict.DIFFERENT, (kernels.cause(comparison, found),)
    if not differs(apart):
        return _same_semantics(distances, comparison)
    verdict, causes = composed(distances.quantity, apart, comparison)
    if verdict is Verdict.DIFFERENT and apart < OTHER_SEMANTICS:
        if comparison.random_streams:  # float32 runs are apart because of these
            return Verdict.BY_DESIGN, (_streams(comparison),)
        if not envelopes.beyond(distances, kernels.scale(comparison)):
            return _below_float32(apart)
    if verdict in (Verdict.BY_DESIGN, Verdict.DIFFERENT) and comparison.random_streams:
        causes = united([causes, (_streams(comparison),)])
    return verdict, causes


def _random(comparison: Comparison) -> Decision:
    """Predictions of a model that draws random numbers there. If it does so on one side only, that is a difference."""
    if all(comparison.random_predictions):
        return _only(Verdict.BY_DESIGN, Code.RANDOM_PREDICTIONS)
    drawing = comparison.environments[comparison.random_predictions.index(True)]
    return Verdict.DIFFERENT, (Cause(code=Code.DRAWS_IN_PREDICT, subject=drawing),)


def _is_no_rounding(distances: Distances, comparison: Comparison) -> bool:
    """Whether float32 runs differ by more than measured rounding; or by as much as a side's repeats, where these would hide
    that the products of one side only round their operands."""
    first, second = (one.format if one else "" for one in comparison.products)
    hidden = first != second and bool(comparison.repeats) and envelopes.within_repeats(distances, comparison.repeats)
    return hidden or envelopes.beyond(distances, kernels.scale(comparison)) is not None


def _below_float32(apart: float) -> Decision:
    """The float64 runs part by less than float32 rounds, as where a constant passes through it: no float32 run shows it."""
    return Verdict.ROUNDING, (Cause(code=Code.BELOW_FLOAT32, evidence=(("distance", apart),)),)


def _by_steps(distances: Distances, comparison: Comparison) -> Decision:
    """Without float64 runs: single float32 steps of both sides from common states, where nothing has grown. They can show
    a difference. They cannot show that there is none as finely as float64 runs do, and the cause says so."""
    because_of = because(Code.NO_FLOAT64, comparison.no_float64)
    # A file holds copies: whatever differs in them by a bit is a difference, in whatever precision.
    held = copied(distances, comparison)
    if held and distances.quantity not in COMPUTED:
        return Verdict.DIFFERENT, united(part.causes for part in held)
    if any(part.link is Link.DECLARATION and (part.missing or part.causes) for part in comparison.components):
        return Verdict.INCONCLUSIVE, (because_of,)  # steps may differ by design: only float64 runs tell by how much
    if len(comparison.apart_in_steps) >= UNSTABLE_STATES:
        known = united(part.causes for part in comparison.components if part.link is Link.BACKEND)
        evidence = (("states", float(len(comparison.apart_in_steps))), ("measured", float(comparison.stepped)))
        if not known and (rounded := precision.decide(comparison, beyond=True)) is not None:
            return rounded
        return Verdict.DIFFERENT, known or (Cause(code=Code.STEPS_APART, evidence=evidence),)
    if _computed_otherwise(distances, comparison):
        return Verdict.DIFFERENT, united(part.causes for part in comparison.components) or (Cause(code=Code.UNKNOWN),)
    within = comparison.stepped >= UNSTABLE_STATES and not comparison.apart_in_steps
    if within and not envelopes.beyond(distances, kernels.scale(comparison)):
        return Verdict.ROUNDING, (because_of,)
    return Verdict.INCONCLUSIVE, (because_of,)


def _computed_otherwise(distances: Distances, comparison: Comparison) -> bool:
    """Of what no rerun measures, as an evaluation: whether it is apart by more than rows that rounding moves across a limit
    could bring, and by far more than what it is computed from."""
    apart = envelopes.unmeasured(distances)
    beside = max((envelopes.farthest(one) for one in comparison.distances), default=0.0)
    return apart >= UNMEASURED and apart >= FAR_BEYOND * beside


def _decide_declared(distances: Distances, comparison: Comparison, causes: tuple[Cause, ...]) -> Decision:
    if comparison.no_float64:
        return Verdict.INCONCLUSIVE, (because(Code.NO_FLOAT64, comparison.no_float64),)
    run, oracle = comparison.non_finite
    if run is None and oracle is not None:  # a compiler may remove what makes it
        reason = f"its emulation, not compiled as the run is, reaches NaN or infinity at step {oracle}; the run does not"
        return Verdict.INCONCLUSIVE, (because(Code.UNCHECKED, reason, comparison.environments[0]),)
    if (trivial := _trivial(distances, comparison)) is not None:
        return trivial
    if is_random(distances.quantity, comparison):
        return _random(comparison)
    apart = apart_of(distances, comparison)
    if apart is None:
        return _only(Verdict.INCONCLUSIVE, Code.NOTHING_COMPARED)
    if differs(apart):
        return (
            _below_float32(apart) if apart < OTHER_SEMANTICS else (Verdict.DIFFERENT, causes or (Cause(code=Code.UNKNOWN),))
        )
    grown = (Cause(code=Code.AMPLIFIED_ROUNDING),) if math.isfinite(grown_at(comparison)) else ()
    return Verdict.ROUNDING, grown


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
    if comparison.repeats and envelopes.within_repeats(distances, comparison.repeats):
        return Verdict.NOISE, (_not_repeated(comparison),)
    if comparison.random_streams:
        return Verdict.BY_DESIGN, (_streams(comparison),)
    if envelopes.beyond(distances, kernels.scale(comparison)):
        # Constants of a float64 run are dyadic: what a file has rounded of one shows in float32 alone.
        held = united(part.causes for part in copied(distances, comparison))
        if held and all(cause.code != Code.UNKNOWN for cause in held):
            return Verdict.DIFFERENT, held
        near = not envelopes.beyond(distances, kernels.scale(comparison), NEARLY)
        nearly = (near or _follows_weights(distances, comparison)) and kernels.no_step_is_far(comparison)
        verdict, code = (Verdict.ROUNDING, Code.STEPS_ALIKE) if nearly else (Verdict.INCONCLUSIVE, Code.BEYOND_ENVELOPE)
        return verdict, (Cause(code=code, evidence=kernels.steps_alike(comparison)),)
    return Verdict.ROUNDING, tuple(
        Cause(code=code)
        for code, holds in (
            (Code.AMPLIFIED_ROUNDING, envelopes.amplified(distances)),
            (Code.FLOAT32_INSIDE, float32_inside(distances)),
        )
        if holds
    )


def _follows_weights(distances: Distances, comparison: Comparison) -> bool:
    """Whether what the model computes is no farther apart than the weights that it computes it from, where these are within
    rounding: a constant that a backend rounds moves weights by as much in every rerun, and all that comes of them."""
    weights = next((one for one in comparison.distances if one.quantity == STATE[0]), None)
    if weights is None or distances.quantity not in FROM_WEIGHTS or envelopes.beyond(weights, kernels.scale(comparison)):
        return False
    return envelopes.farthest(distances) <= envelopes.farthest(weights)


def _streams(comparison: Comparison) -> Cause:
    detail = (("drawn by", "replicas"),) if comparison.random_streams == "replicas" else ()
    return Cause(code=Code.RANDOM_STREAMS, detail=detail)


def _not_repeated(comparison: Comparison) -> Cause:
    """Which side does not repeat itself, by how much, and which deterministic variant of it does, if one was tried."""
    off = [side for side in (0, 1) if comparison.unrepeated[side]]
    subject = comparison.environments[off[0]] if len(off) == 1 else ""
    steady = dict.fromkeys(comparison.steady[side] for side in off if comparison.steady[side])
    return Cause(
        code=Code.REPEATS_DIFFER,
        subject=subject,
        detail=tuple(("steady", name) for name in steady),
        evidence=tuple((name, comparison.unrepeated[side]) for side, name in enumerate(("a", "b"))),
    )


def _first_step(distances: Distances, explained: bool, scale: float) -> int:
    """First stored step that is not equal at all, or, for a difference, whose float64 runs differ or that leaves its
    envelope."""
    for at in distances.at:
        judged = {metric: value for metric, value in at.plain.items() if metric in METRICS and METRICS[metric].judged}
        if explained and any(judged.values()):
            return at.step
        float64_runs = any(value >= SAME_SEMANTICS for metric, value in at.float64.items() if METRICS[metric].judged)
        outside = envelopes.beyond(Distances(quantity=distances.quantity, bits=False, at=(at,)), scale)
        if not explained and (float64_runs or outside):
            return at.step
    return 0
