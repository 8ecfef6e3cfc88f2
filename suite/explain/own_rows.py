"""Which layers give another result for a row if they are given fewer other rows, as a replica gives them."""

from __future__ import annotations

from collections.abc import Collection

from suite.artifacts.artifact import Complete
from suite.compare import metrics
from suite.explain import recorded_calls
from suite.judge import equivalence


def dependent(found: Complete, normalizing: Collection[str]) -> tuple[str, ...]:
    """The layers of a user's whose recorded output for the first rows differs from their output for these rows alone.
    Without those that have a batch normalization inside: `normalizing` has the names of these."""
    names = []
    for call, arrays in recorded_calls.layers(found):
        layer = call.name.partition("#")[0]
        alone = {place: (value, arrays["output"][place]) for place, value in arrays.get(recorded_calls.ALONE, {}).items()}
        apart = [metrics.relative_l2(value, whole[: len(value)]) for value, whole in alone.values()]
        inside = any(norm == layer or norm.startswith(f"{layer}/") for norm in normalizing)
        if not inside and max(apart, default=0.0) >= equivalence.OTHER_SEMANTICS:
            names.append(layer)
    return tuple(dict.fromkeys(names))
