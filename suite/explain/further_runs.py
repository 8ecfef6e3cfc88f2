"""Which further runs would decide what is still open. Runs nothing: `__main__` hands them to the engine and asks again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from suite.compare.metrics import METRICS
from suite.judge import envelopes, equivalence, kernels, limits
from suite.plan.planning import REPEATS
from suite.records import LAYERWISE, PERMUTED, SINGLE_STEP, Comparison, Configuration, Distances, Run

FORWARD = ("mean", "var", "loss")  # after one step these show the forward pass; Adam makes any weight's rounding large
MORE = 5


def further_runs(
    pairs: Mapping[tuple[Configuration, Configuration], Comparison | str],
    declared: Mapping[Configuration, Comparison],
) -> list[Run]:
    """For both sides of every pair that is open, and for every run that is not what it declares, what would decide it; each
    run once."""
    open_ones: list[tuple[tuple[Configuration, ...], str, str, int]] = [
        (sides, *asked)
        for sides, found in pairs.items()
        if not isinstance(found, str)
        for asked in _asked(found, checked=all(side in declared for side in sides))
    ]
    wanted = [
        Run(configuration=configuration, variation=variation, precision=precision, index=index)
        for sides, variation, precision, index in open_ones
        for configuration in sides
    ]
    wanted += [run for configuration, found in declared.items() if _drifts(found) for run in permuted_float64(configuration)]
    return list(dict.fromkeys(wanted))


def _asked(comparison: Comparison, *, checked: bool) -> Iterator[tuple[str, str, int]]:
    """Variations, precisions and indices. `checked`: both sides have an oracle, which their float32 steps can be
    measured against."""
    if _drifts(comparison):
        yield from (("permuted", "float64", index + 1) for index in range(PERMUTED))
    noisy = bool(comparison.repeats) and not comparison.no_float64 and not comparison.random_streams
    if (checked and (_looks_unstable(comparison) or noisy)) or (comparison.no_float64 and not _equal(comparison)):
        yield SINGLE_STEP, "float32", 1
    if _nearly_rounding(comparison) or _beyond_rounding(comparison):
        yield from (("permuted", "float32", PERMUTED + 1 + index) for index in range(MORE))
    if comparison.repeats:
        yield from (("repeat", "float32", index) for index in range(2, REPEATS + 1))


def permuted_float64(configuration: Configuration) -> list[Run]:
    """The reruns that show how far a float64 run's own rounding grows."""
    return [
        Run(configuration=configuration, variation="permuted", precision="float64", index=index + 1)
        for index in range(PERMUTED)
    ]


def layerwise(configuration: Configuration, index: int = 1) -> Run:
    """The recorded calls of a configuration on one device. `index`: as in a `Run`."""
    return Run(configuration=configuration, variation=LAYERWISE, precision="float64", index=index)


def _equal(comparison: Comparison) -> bool:
    return all(distances.bits for distances in comparison.distances)


def settled(comparison: Comparison) -> bool:
    """Whether it is known if the float64 runs' own rounding grew, where they begin equal and come apart: before, nobody
    is off."""
    measured = any(at.float64_envelope for distances in comparison.distances for at in distances.at)
    return measured or not _drifts(comparison)


def _drifts(comparison: Comparison) -> bool:
    """The float64 runs are equal after the first step and not equal later: is it their own rounding that grows?"""
    return equivalence.differ(comparison) and equivalence.begin_equal(comparison)


def _looks_unstable(comparison: Comparison) -> bool:
    """Equal (or nearly) in float64, yet float32 leaves its envelope, or grows after it was measured, or the envelope
    itself is wide after one step: is one side's kernel off?"""
    if comparison.no_float64 or comparison.random_streams:
        return False
    scale = kernels.scale(comparison)
    for distances in comparison.distances:
        apart = equivalence.apart_of(distances, comparison)
        if distances.bits or (apart is not None and apart >= equivalence.OTHER_SEMANTICS):
            continue
        left = envelopes.beyond(distances, scale) or envelopes.amplified(distances)
        if equivalence.differs(apart) or left or _wide(distances, scale):
            return True
    return False


def _nearly_rounding(comparison: Comparison) -> bool:
    """Outside its envelope by little: was the envelope measured too narrow?"""
    if comparison.no_float64 or comparison.random_streams:
        return False
    scale = kernels.scale(comparison)
    open_ones = [one for one in comparison.distances if not one.bits and envelopes.beyond(one, scale)]
    return bool(open_ones) and not any(envelopes.beyond(one, scale, limits.NEARLY) for one in open_ones)


def _beyond_rounding(comparison: Comparison) -> bool:
    """Outside its envelope, equal in float64, and no single step is far from float64: do inputs that are rounded otherwise
    take the model as far?"""
    apart = [equivalence.apart_of(one, comparison) for one in comparison.distances]
    if comparison.no_float64 or comparison.random_streams or any(one is None or equivalence.differs(one) for one in apart):
        return False
    scale = kernels.scale(comparison)
    beyond = any(not one.bits and envelopes.beyond(one, scale) for one in comparison.distances)
    return beyond and kernels.no_step_is_far(comparison)


def _wide(distances: Distances, scale: float) -> bool:
    """Whether reruns differ by far more than rounding after the first step, in what the forward pass computes."""
    return any(
        metric in FORWARD and value > limits.UNSTABLE_FLOORS * scale * METRICS[metric].floor
        for at in distances.at[:1]
        for metric, value in at.envelope.items()
    )
