"""Which layer computes another gradient in one of two environments: their recorded calls, each by itself.

A step shows a wrong gradient in the weights of all layers before. A call is recorded with what goes into it and with drawn
cotangents, so that it shows what the layer itself does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suite.artifacts.artifact import Complete
from suite.compare import metrics
from suite.explain import recorded_calls
from suite.explain.recorded_calls import Arrays
from suite.judge.equivalence import SAME_SEMANTICS
from suite.records import Place

EQUAL = ("input", "weight", "mask", "argument", "cotangent", "output")  # where a gradient is to be looked at
GROWS = 100.0  # a gradient so many times farther apart than these is the layer's own
NOTHING = 1e-5  # of the largest gradient of a call: what rounds in a smaller one is no difference


def apart(first: Complete, second: Complete) -> Place | None:
    """The last layer, in the order of the calls, whose gradients differ although all that goes into its call is equal, and
    what comes out (a random layer draws other numbers in each call), in the first common state that shows one; None if there
    is none. The tensor is the layer where the gradient of an input differs, else its weight."""
    mine = {(call.state, call.name): arrays for call, arrays in recorded_calls.calls(first) if call.kind == "layer"}
    found: dict[str, Place] = {}
    for call, arrays in recorded_calls.calls(second):
        other = mine.get((call.state, call.name)) if call.kind == "layer" else None
        if other is None:
            continue
        sizes = _sizes(other.get("gradient", {}), arrays.get("gradient", {}))
        least = max(SAME_SEMANTICS, GROWS * _gap(other, arrays))
        if wide := {tensor: size for tensor, size in sizes.items() if size >= least}:
            found[call.state] = _place(call.state, call.name.partition("#")[0], wide)
    return next(iter(found.values()), None)


def _place(state: str, layer: str, wide: Mapping[str, float]) -> Place:
    tensor = max(wide, key=lambda name: wide[name])
    inputs = any(name.startswith("input/") for name in wide)
    weight = layer if inputs else f"{layer}/{tensor.removeprefix('weight/')}"
    return Place(stage="gradient", tensor=weight, state=state, size=wide[tensor], ratio=wide[tensor] / SAME_SEMANTICS)


def _gap(first: Mapping[str, Arrays], second: Mapping[str, Arrays]) -> float:
    """How far what goes into both calls and comes out is apart, relative; infinite where it is not of one shape."""
    pairs = [(value, second.get(what, {}).get(name)) for what in EQUAL for name, value in first.get(what, {}).items()]
    return max((_of_arrays(one, other) for one, other in pairs), default=0.0)


def _of_arrays(one: np.ndarray, other: np.ndarray | None) -> float:
    if other is None or one.shape != other.shape:
        return np.inf
    return 0.0 if metrics.bits(one, other) else metrics.relative_l2(one, other)


def _sizes(first: Arrays, second: Arrays) -> dict[str, float]:
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
