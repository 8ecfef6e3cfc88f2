"""Which layer computes another gradient in one of two environments: their recorded calls, each by itself.

A step shows a wrong gradient in the weights of all layers before. A call is recorded with what goes into it and with drawn
cotangents, so that it shows what the layer itself does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suite.artifacts.artifact import Complete
from suite.explain import recorded_calls
from suite.explain.recorded_calls import Arrays
from suite.judge.equivalence import SAME_SEMANTICS
from suite.records import Place

EQUAL = (*recorded_calls.WENT_IN, "cotangent", "output")  # where a gradient is to be looked at
NOTHING = 1e-5  # of the largest gradient of a call: what rounds in a smaller one is no difference


def apart(first: Complete, second: Complete) -> Place | None:
    """The last layer, in the order of the calls, whose gradients differ although all that goes into its call is equal, and
    what comes out (a random layer draws other numbers in each call), in the first common state that shows one; None if there
    is none. The tensor is the layer where the gradient of an input differs, else its weight."""
    mine = {(call.state, call.name): arrays for call, arrays in recorded_calls.layers(first)}
    found: dict[str, Place] = {}
    for call, arrays in recorded_calls.layers(second):
        other = mine.get((call.state, call.name))
        if other is None:
            continue
        sizes = gaps_of(other.get("gradient", {}), arrays.get("gradient", {}))
        least = max(SAME_SEMANTICS, recorded_calls.GROWS * recorded_calls.gap(other, arrays, EQUAL))
        if wide := {tensor: size for tensor, size in sizes.items() if size >= least}:
            found[call.state] = _place(call.state, call.name.partition("#")[0], wide)
    return next(iter(found.values()), None)


def _place(state: str, layer: str, wide: Mapping[str, float]) -> Place:
    tensor = max(wide, key=lambda name: wide[name])
    inputs = any(name.startswith("input/") for name in wide)
    weight = layer if inputs else f"{layer}/{tensor.removeprefix('weight/')}"
    return Place(stage="gradient", tensor=weight, state=state, size=wide[tensor], ratio=wide[tensor] / SAME_SEMANTICS)


def gaps_of(first: Arrays, second: Arrays) -> dict[str, float]:
    """How far each gradient of both calls is apart, relative to the larger of both; 1 where one alone is NaN or infinite."""
    shared = {name: (one, second[name]) for name, one in first.items() if name in second and one.shape == second[name].shape}
    norms = {name: max(_norm(one), _norm(other)) for name, (one, other) in shared.items()}
    least = NOTHING * max(norms.values(), default=0.0)
    return {
        name: _norm(one - other) / (max(norms[name], least) or 1.0)
        if np.array_equal(np.isfinite(one), np.isfinite(other))
        else 1.0
        for name, (one, other) in shared.items()
    }


def _norm(values: np.ndarray) -> float:
    """Of those that are finite."""
    return float(np.linalg.norm(values[np.isfinite(values)]))
