"""Unstable kernels: single float32 steps of one side that are much farther from float64 than the other side's."""

from __future__ import annotations

import math
from dataclasses import replace

from suite.compare import single_step
from suite.judge.equivalence import OTHER_SEMANTICS
from suite.judge.limits import STEP_FLOORS, UNSTABLE_BELOW, UNSTABLE_FLOORS, UNSTABLE_RATIO, UNSTABLE_STATES
from suite.records import FLOAT32, Cause, Code, Comparison, Numbers, Place, StepErrors, Unstable


def scale(comparison: Comparison) -> float:
    """Floors are float32's: a model that computes in bfloat16 rounds 2^16 times more coarsely."""
    return max(1.0, comparison.roundoff / FLOAT32)


def unstable(comparison: Comparison) -> Unstable | None:
    """The side whose float32 steps are much farther from float64 than the other's; None if neither's are, or not
    measured."""
    found = [one for side in (0, 1) if (one := _unstable(comparison, side)) is not None]
    return max(found, key=lambda one: one.states, default=None)


def _unstable(comparison: Comparison, side: int) -> Unstable | None:
    """Of this side: from how many states, and where it begins. Not the median over states: a kernel that is stable
    until training has moved its inputs is unstable in the later states only."""
    places = _far_places(comparison, side)
    if len(places) < UNSTABLE_STATES:
        return None
    first = places[0]
    sizes = next(one.sides for one in judged_steps(comparison) if (one.state, one.tensor) == (first.state, first.tensor))
    place = replace(first, size=sizes[side])
    return Unstable(side=side, states=len(places), measured=len(_states(comparison)), place=place, sizes=sizes)


def _far_places(comparison: Comparison, side: int) -> list[Place]:
    """Where a float32 step of this side is first much farther from float64 than the other side's, for each state with
    such a step."""
    others: dict[tuple[str, str], float] = {}
    for one in judged_steps(comparison):
        key = one.stage, one.tensor
        # From any state: a scalar such as the loss can be nearly right by chance, but not every time.
        others[key] = max(others.get(key, 0.0), one.sides[1 - side])
    places = []
    for state, steps in _states(comparison).items():
        limits = [_step_limit(one.stage, others[one.stage, one.tensor], scale(comparison)) for one in steps]
        ratios = [
            single_step.StageDistance(stage=one.stage, tensor=one.tensor, value=one.sides[side] / limit)
            for one, limit in zip(steps, limits, strict=True)
        ]
        if (place := single_step.first({state: ratios}, 1.0)) is not None:
            places.append(place)
    return places


def _states(comparison: Comparison) -> dict[str, list[StepErrors]]:
    states: dict[str, list[StepErrors]] = {}
    for one in judged_steps(comparison):
        states.setdefault(one.state, []).append(one)
    return states


def no_step_is_far(comparison: Comparison) -> bool:
    """Whether single float32 steps were measured from enough common states, and none of either side is much farther from
    float64 than the other side's."""
    measured = len(_states(comparison)) >= UNSTABLE_STATES
    return measured and not any(_far_places(comparison, side) for side in (0, 1))


def cause(comparison: Comparison, found: Unstable) -> Cause:
    """That the kernel is unstable; where outputs are off by more than rounding can be, only that the steps are apart."""
    of_statistics = found.place.stage in single_step.PER_DEVICE
    if not of_statistics and found.sizes[found.side] >= UNSTABLE_BELOW:
        return Cause(code=Code.STEPS_APART)
    return Cause(
        code=Code.UNSTABLE_KERNEL,
        subject=comparison.environments[found.side],
        evidence=(
            ("measured", float(found.measured)),
            ("states", float(found.states)),
            ("a", found.sizes[0]),
            ("b", found.sizes[1]),
            *((("batch statistics", 1.0),) if of_statistics else ()),
        ),
    )


def cancels(comparison: Comparison, side: int, distance: float) -> bool:
    """Whether a float64 distance of this side is what an unstable kernel does in float64: its float32 steps are far from
    float64, too, whatever the other side's are."""
    far = {
        one.state for one in judged_steps(comparison) if one.sides[side] >= _step_limit(one.stage, 0.0, scale(comparison))
    }
    return distance < OTHER_SEMANTICS and len(far) >= UNSTABLE_STATES


def is_far(comparison: Comparison, side: int) -> bool:
    """Whether a float32 step of this side is farther from float64 than float32 rounds, whatever the other side's are."""
    width = scale(comparison)
    return any(one.sides[side] >= _step_limit(one.stage, 0.0, width) for one in judged_steps(comparison))


def steps_alike(comparison: Comparison) -> Numbers:
    """How far single float32 steps of both sides are from float64: from how many common states that was measured, the
    farthest of each side, and the largest ratio of the two in one state. Empty if they were not run."""
    farthest: dict[str, tuple[float, float]] = {}
    for one in judged_steps(comparison):
        before = farthest.get(one.state, (0.0, 0.0))
        farthest[one.state] = max(before[0], one.sides[0]), max(before[1], one.sides[1])
    both = [sizes for sizes in farthest.values() if min(sizes) > 0.0]
    if not both:
        return ()
    a, b = (max(sizes[side] for sizes in both) for side in (0, 1))
    return ("measured", float(len(both))), ("a", a), ("b", b), ("ratio", max(max(sizes) / min(sizes) for sizes in both))


def judged_steps(comparison: Comparison) -> list[StepErrors]:
    """The errors that say something of a kernel. A tensor with a different shape or a NaN on one side is not compared."""
    return [one for one in comparison.steps if one.stage in STEP_FLOORS and math.isfinite(max(one.sides))]


def _step_limit(stage: str, other: float, scale: float) -> float:
    """From here on a side is unstable, where the other's error is `other`."""
    return max(UNSTABLE_FLOORS * scale * STEP_FLOORS[stage], UNSTABLE_RATIO * other)
