"""Which further runs would decide what is still open. Runs nothing: `__main__` hands them to the engine and asks again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from suite import judge
from suite.metrics import METRICS
from suite.plan import REPEATS
from suite.records import Comparison, Configuration, Run


FORWARD = ("mean", "var", "loss")  # after one step these show the forward pass; Adam makes any weight's rounding large


def further_runs(pairs: Mapping[tuple[Configuration, Configuration], Comparison]) -> list[Run]:
    """Runs in float64 with the scenario's own constants, where rounding alone looks too large to be sound; and more
    repeats, where a repeat is not bit-equal."""
    wanted: dict[Run, None] = {}
    for (a, b), comparison in pairs.items():
        for configuration in (a, b):
            if _looks_unstable(comparison):
                wanted[Run(configuration=configuration, variation="exact")] = None
            if comparison.repeats:
                for index in range(2, REPEATS + 1):
                    wanted[Run(configuration=configuration, variation="repeat", index=index)] = None
    return list(wanted)


def _looks_unstable(comparison: Comparison) -> bool:
    """Equal (or nearly) in float64, yet float32 leaves its envelope, or the envelope itself is wide after one step."""
    if comparison.no_twin or comparison.random_streams:
        return False
    for distances in comparison.distances:
        apart = judge.twin_distance(distances)
        if distances.bits or apart is None or apart >= judge.OTHER_SEMANTICS:
            continue
        if apart >= judge.SAME_SEMANTICS or judge.beyond(distances) or _wide(distances.at[:1]):
            return True
    return False


def _wide(first: Iterable[object]) -> bool:
    return any(
        metric in FORWARD and value > judge.UNSTABLE_FLOORS * METRICS[metric].floor
        for at in first
        for metric, value in at.envelope.items()  # type: ignore[attr-defined]
    )
