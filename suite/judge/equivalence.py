"""Whether two float64 runs compute the same, as far as their own rounding lets one see."""

from __future__ import annotations

import math
from collections.abc import Iterable

from suite.compare.metrics import METRICS
from suite.records import QUANTITIES, At, Comparison, Distances, Floats

SAME_SEMANTICS = 1e-10
OTHER_SEMANTICS = 1e-7
ENVELOPE_FACTOR = 5.0
FAR = 100.0  # envelopes
STATE = QUANTITIES[:2]  # weights and statistics: what everything else is computed from
COMPUTED = ("predictions", "evaluation")  # by the trained model, anew from a file; all else is copied


def differs(distance: float | None) -> bool:
    """Whether a distance between two float64 runs is more than rounding. What was not compared does not differ."""
    return distance is not None and distance >= SAME_SEMANTICS


def differ(comparison: Comparison) -> bool:
    """Whether two float64 runs differ in anything by more than rounding."""
    return any(differs(apart_of(one, comparison)) for one in comparison.distances)


def is_random(quantity: str, comparison: Comparison) -> bool:
    """Whether it is computed by a model that draws random numbers to predict, on either side."""
    return any(comparison.random_predictions) and quantity in COMPUTED


def apart_of(distances: Distances, comparison: Comparison) -> float | None:
    """The largest judged metric between the float64 runs in one quantity, before their own rounding has grown. Of what
    is stored only later, what is far beyond that rounding counts where weights and statistics are still within it: it
    does not come from them. So does what is far beyond it after the first step, which begins from equal states, and at any
    step where weights or statistics were another model's before. What a model predicts with random numbers is not
    compared."""
    if is_random(distances.quantity, comparison):
        return None
    grown = grown_at(comparison)
    found = float64_distance(distances, grown)
    if found is not None:
        return found
    within = {*_steps_within(comparison), 1}
    before = [float64_distance(one, grown) for one in comparison.distances if one.quantity in STATE]
    other = any(value is not None and value >= OTHER_SEMANTICS for value in before)
    far = [
        value
        for at, metric in _judged([distances])
        if (other or at.step in within) and _is_far(value := at.float64[metric], at.float64_envelope.get(metric, math.inf))
    ]
    return max(far, default=None)


def _is_far(value: float, envelope: float) -> bool:
    """Whether a distance is far beyond what reruns differ by: by 1e-7 at least where their rounding has grown in this
    quantity, too, and by more than rounding where it has not."""
    return value > FAR * envelope and value >= (OTHER_SEMANTICS if envelope >= SAME_SEMANTICS else SAME_SEMANTICS)


def _steps_within(comparison: Comparison) -> set[int]:
    """The steps after which the float64 runs' weights and statistics differ by no more than their own rounding."""
    state = _judged(one for one in comparison.distances if one.quantity in STATE)
    left = {at.step for at, metric in state if at.float64[metric] >= SAME_SEMANTICS and not _excused(at, metric)}
    return {at.step for at, _ in state} - left


def _judged(found: Iterable[Distances]) -> list[tuple[At, str]]:
    """Every judged metric between float64 runs, with its step."""
    return [(at, metric) for one in found for at in one.at for metric in at.float64 if METRICS[metric].judged]


def float64_distance(distances: Distances, before: float = math.inf) -> float | None:
    """The largest judged metric between the float64 runs at steps earlier than `before`; None if that is not known.

    What a float64 run's own reruns with permuted rows differ by is rounding in float64 as in float32: a distance that
    would be called one, and is within 5 of their envelopes, is left out (`excused` says whether there is any). What
    there is from step `before` on alone is compared if all of it is within them, and says nothing otherwise. That two runs
    start from equal states says nothing of what they compute.
    """
    judged = _judged([distances])
    judged = [(at, metric) for at, metric in judged if at.step or differs(at.float64[metric])] or judged
    early = [one for one in judged if one[0].step < before]
    open_ones = [at.float64[metric] for at, metric in early or judged if not _excused(at, metric)]
    compared = bool(early) or (bool(judged) and max(open_ones, default=0.0) < SAME_SEMANTICS)
    return max(open_ones, default=0.0) if compared else None


def _excused(at: At, metric: str) -> bool:
    width = max(at.float64_envelope.get(metric, 0.0), at.perturbed.get(metric, 0.0))
    return SAME_SEMANTICS <= at.float64[metric] <= ENVELOPE_FACTOR * width


def excused(comparison: Comparison) -> bool:
    """Whether a judged distance between the float64 runs was left out because their own rounding has grown as far."""
    grown = grown_at(comparison)
    late = any(at.step >= grown for distances in comparison.distances for at in distances.at)
    return late or any(_excused(at, metric) for at, metric in _judged(comparison.distances))


def float32_inside(distances: Distances) -> bool:
    """Whether a distance between the float64 runs was left out because a layer computes in float32 in one of them."""
    judged = _judged([distances])
    return any(
        SAME_SEMANTICS <= at.float64[metric] <= ENVELOPE_FACTOR * at.perturbed.get(metric, 0.0) for at, metric in judged
    )


def grown_at(comparison: Comparison) -> float:
    """The first step after which a float64 run's own reruns, with permuted rows, are not equal any more; infinity if none.

    Some models amplify rounding by decades per step, in float64 too. From then on a distance between float64 runs says
    nothing: a fault that begins later is not seen in them. (These reruns are made where float64 runs are equal after
    the first step only.)
    """
    steps = [
        at.step
        for distances in comparison.distances
        for at in distances.at
        for metric, value in at.float64_envelope.items()
        if METRICS[metric].judged and value >= SAME_SEMANTICS
    ]
    return min(steps, default=math.inf)


def begin_equal(comparison: Comparison) -> bool:
    """Whether the float64 runs are equal, in everything that was stored, up to the first step. The folded function is left
    out: it holds biases before a normalization, whose gradients are rounding, and of which some optimizers (Lion, Adam)
    make whole steps at once. What else may be off in it is in weights or statistics."""
    first = min((at.step for distances in comparison.distances for at in distances.at if at.step), default=0)
    early = [at for distances in comparison.distances for at in distances.at if at.step <= first and at.float64]
    compared = [{metric: value for metric, value in at.float64.items() if metric != "folded"} for at in early]
    return bool(early) and not any(reaches(values, SAME_SEMANTICS) for values in compared)


def reaches(values: Floats, limit: float) -> bool:
    return any(value >= limit for metric, value in values.items() if METRICS[metric].judged)
