"""Recorded gradients against the derivatives of definitions, and the corners where a definition leaves a gradient open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from suite.explain import recorded_calls
from suite.explain.recorded_calls import Arrays
from suite.records import LOSS, OPERATION, Place, RecordedCall
from suite.referee import gradients, losses

SAME_GRADIENT = 1e-7  # central differences of a definition hold about nine digits
NOTHING = 1e-9  # of the largest gradient of a call: a gradient below that is looked at no more finely than float64 rounds
CERTAIN = 0.1  # of the gap: how much of it the uncertainty of the central difference may be
WIDE = 1e4  # the largest number that goes into an operation over the median: central differences say nothing from there on
NARROW_CORNER = 1e-3  # of half the range at a corner: backends take its ends or its middle


@dataclass(frozen=True, kw_only=True)
class Corner:
    """A derivative of one recorded call at a point where its definition has a corner (ReLU at 0, the maximum of two equal
    numbers): anything between the slopes on both sides is right. `along`: what this environment takes, along the direction
    of `suite.referee.gradients`; `width`: half of the range."""

    kind: str
    name: str
    of: str
    state: str
    tensor: str
    along: float
    width: float

    def is_of(self, tensor: str) -> bool:
        """Whether it is of a gradient of this variable of the layer."""
        kind, _, own = self.tensor.partition("/")
        return kind == "weight" and tensor == f"{self.name.partition('#')[0]}/{own}"

    def explains(self, place: Place) -> bool:
        """Whether two sides may part there because of it: a gradient is passed on to all layers before, and that of a
        penalty is its weight's alone. Where a layer calls an operation, that layer is where they part."""
        if place.stage != "gradient":
            return False
        if self.kind == "regularizer":
            return place.tensor == self.name
        inside, there = self.name.rpartition("/")[0], place.tensor.partition("#")[0]
        return self.kind != OPERATION or inside in ("", LOSS) or there == inside or there.startswith(f"{inside}/")

    def is_other(self, other: Corner) -> bool:
        """Whether the other one is of the same derivative, and takes another slope."""
        places = [(one.name, one.state, one.tensor) for one in (self, other)]
        return places[0] == places[1] and abs(self.along - other.along) > NARROW_CORNER * max(self.width, other.width)


@dataclass(frozen=True, kw_only=True)
class Derivative:
    """One recorded gradient of a call, and what its definition says along one direction of the same shape."""

    tensor: str
    gradient: np.ndarray
    direction: np.ndarray
    defined: gradients.Directional

    @property
    def along(self) -> float:
        return float(np.sum(self.gradient.astype(np.float64) * self.direction))


def of(call: RecordedCall, arrays: Mapping[str, Arrays]) -> Iterator[Derivative]:
    """Every recorded gradient that the call's definition has. Central differences are slow: ask once."""
    cotangents, made = recorded_calls.in_order(arrays.get("cotangent", {})), arrays.get("gradient", {})
    if not cotangents or not made or call.kind == "update" or not call.training:
        return
    if call.kind == "loss":
        found = losses.directional(recorded_calls.asked_loss(call, arrays), cotangents[0], seed=0)
        yield Derivative(tensor="loss", gradient=made["y_pred"], direction=found.directions["y_pred"], defined=found)
        return
    if call.kind == OPERATION and any(_is_wide(one) for one in arrays.get("input", {}).values()):
        return
    question = recorded_calls.asked(call, arrays)
    moving = gradients.parts_of(question)
    for name, gradient in made.items():
        if (part := _part(name)) in moving:
            found = gradients.directional(question, cotangents, seed=0, parts=(part,))
            yield Derivative(tensor=name, gradient=gradient, direction=found.directions[part], defined=found)


def _is_wide(values: np.ndarray) -> bool:
    """Whether a few numbers are so much larger than the others, as what stands for minus infinity in a mask, that no step is
    small for all of them."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)]) if values.dtype.kind == "f" else np.zeros(0)
    return bool(sizes.size) and float(sizes.max()) > WIDE * float(np.median(sizes))


def measured(call: RecordedCall, arrays: Mapping[str, Arrays], found: Iterable[Derivative]) -> Iterator[tuple[str, float]]:
    """How far each recorded gradient is from its definition, relative: (tensor, distance). Those of which central
    differences cannot say it are left out; one that is NaN, where its definition is a number, is 1 away. Of losses, only
    this is looked at: their gradients were recorded without the logits that TensorFlow takes them from in training."""
    least = NOTHING * max((float(np.linalg.norm(one)) for one in arrays.get("gradient", {}).values()), default=0.0)
    for one in found:
        if np.isfinite(one.defined.value) and np.isnan(one.gradient).any():
            yield one.tensor, 1.0
        if call.kind == "loss" or np.isnan(one.gradient).any():
            continue
        length = max(float(np.linalg.norm(one.gradient)), least)
        apart = abs(one.along - one.defined.value)
        size = apart / (length * float(np.linalg.norm(one.direction)) or abs(one.defined.value) or 1.0)
        if one.defined.uncertainty <= CERTAIN * apart or size < SAME_GRADIENT:
            yield one.tensor, size


def corners(call: RecordedCall, found: Iterable[Derivative]) -> Iterator[Corner]:
    """The derivatives of a call that its definition leaves open, where what was taken lies within that."""
    for one in found:
        least = SAME_GRADIENT * one.defined.scale
        if one.defined.kinks > least and abs(one.along - one.defined.value) <= one.defined.kinks + least:
            yield Corner(
                kind=call.kind,
                name=call.name,
                of=recorded_calls.class_of(call),
                state=call.state,
                tensor=one.tensor,
                along=one.along,
                width=one.defined.kinks,
            )


def _part(name: str) -> str:
    """What moves, as the referee names it, of a recorded gradient: "input/0", "weight/kernel"."""
    kind, _, rest = name.partition("/")
    return gradients.input_part(int(rest)) if kind == "input" else rest
