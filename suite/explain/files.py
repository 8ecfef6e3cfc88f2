"""Where the predictions of a file part: the layer, from sketches of what every layer returns; and which side is off
there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from suite.artifacts import names
from suite.compare.files import Answer, Answered
from suite.explain import definitions, recorded_calls
from suite.judge.equivalence import SAME_SEMANTICS
from suite.judge.files import FLOOR
from suite.judge.limits import UNSTABLE_RATIO
from suite.records import Provisioned
from suite.records.files import LayerOutput, LayerPlace, Side

NARROW = 2e-6  # a kernel that computes in float32 shows as one or a few units of float32's roundoff, 6e-8
GROWS = 100.0  # a layer whose outputs are so many times farther apart than its inputs does more than pass a gap on
TINY = 1e-300


@dataclass(frozen=True, kw_only=True)
class _Parting:
    """One call that two environments share: how far its inputs and its outputs are apart, relative."""

    layer: LayerOutput
    inputs: float
    outputs: float


def first_parting(a: Answer, b: Answer) -> LayerPlace | None:
    """The first layer, in the order in which calls end, whose outputs are not equal in float64 although its inputs are;
    None if there is none. A gap that float32 explains is passed over where a wider one begins later."""
    shared = list(_shared(a, b))
    parting = [one for one in shared if one.outputs > SAME_SEMANTICS]
    if not parting:
        return None
    wide = [one for one in parting if one.outputs > NARROW and one.outputs > GROWS * one.inputs]
    first = parting[0] if parting[0].outputs > NARROW else (wide or parting)[0]
    return _place(first, narrow=not wide and first.outputs <= NARROW)


def _place(one: _Parting, *, narrow: bool) -> LayerPlace:
    """Where the inputs are apart already, what parts them is no layer."""
    if one.inputs > SAME_SEMANTICS and one.outputs <= GROWS * one.inputs:
        return LayerPlace(name="", of="", gap=one.inputs, before=one.layer.name, narrow=narrow)
    return LayerPlace(name=one.layer.name, of=one.layer.of, gap=one.outputs, narrow=narrow)


def first_inaccurate(single: Answer, double: Answer, other_single: Answer, other_double: Answer) -> LayerPlace | None:
    """The first layer whose float32 outputs are much farther from float64 than those of another environment."""
    others = {one.layer.name: one.outputs for one in _shared(other_single, other_double)}
    for one in _shared(single, double):
        limit = UNSTABLE_RATIO * max(others.get(one.layer.name, np.inf), FLOOR)
        if one.outputs > limit:
            return LayerPlace(name=one.layer.name, of=one.layer.of, gap=one.outputs)
    return None


def first_not_finite(found: Answer) -> LayerPlace | None:
    """The first layer that makes NaN or infinity of finite inputs."""
    layers = found.reading.layers if isinstance(found, Answered) else ()
    for one in layers:
        if not one.finite_outputs:
            if one.finite_inputs:
                return LayerPlace(name=one.name, of=one.of, gap=float("inf"))
            return LayerPlace(name="", of="", gap=float("inf"), before=one.name)
    return None


def _shared(a: Answer, b: Answer) -> Iterator[_Parting]:
    """The calls that both recorded, in the order of the first."""
    if isinstance(a, str) or isinstance(b, str):
        return
    first, second = a.part(names.SKETCHES), b.part(names.SKETCHES)
    places = {one.name: place for place, one in enumerate(b.reading.layers)}
    for place, layer in enumerate(a.reading.layers):
        if (other := places.get(layer.name)) is not None:
            gaps = [_gap(first[f"{place}|{what}"], second[f"{other}|{what}"]) for what in ("input", "output")]
            yield _Parting(layer=layer, inputs=gaps[0], outputs=gaps[1])


def _gap(a: np.ndarray, b: np.ndarray) -> float:
    if a.shape != b.shape:
        return float("inf")
    return float(np.linalg.norm(a - b)) / max(float(np.linalg.norm(a)), float(np.linalg.norm(b)), TINY)


def sides(answers: Mapping[str, Answer], environments: Mapping[str, Provisioned]) -> tuple[Side, ...]:
    """Each environment's call of the layer against its independent definition."""
    return tuple(_side(name, one, environments.get(name)) for name, one in answers.items())


def _side(name: str, answer: Answer, environment: Provisioned | None) -> Side:
    if isinstance(answer, str):
        return Side(environment=name, size=None, undefined=answer)
    for call, arrays in recorded_calls.calls((answer.artifact, answer.manifest)):
        found = definitions.forward(name, call, arrays, environment)
        if isinstance(found, str):
            return Side(environment=name, size=None, undefined=found)
        return Side(environment=name, size=found.size, known=found.known)
    return Side(environment=name, size=None, undefined="its call was not recorded")
