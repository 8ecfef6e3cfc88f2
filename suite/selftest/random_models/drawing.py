"""A recipe from a seed: three to eight layers between the inputs and the output, with branches, whose shapes fit."""

from __future__ import annotations

import re
from dataclasses import replace

from suite.selftest.random_models import layers, steps, training
from suite.selftest.random_models.choices import SMOOTH, Draw, given
from suite.selftest.random_models.recipe import (
    INPUT,
    KEEP_MASKS,
    NORMALIZATIONS,
    OUTPUT,
    WEIGHTED,
    Inputs,
    Layer,
    Recipe,
    Shape,
    size,
    weighted,
)

NORMALIZED, TWICE = 0.5, 0.2  # of the models have at least one batch normalization; of these have two
BRANCHES = 0.15  # of the places where a layer follows
BRANCHED = frozenset(WEIGHTED - set(NORMALIZATIONS))  # what a branch is made of
SAME_SHAPE = ("Add", "Add", "Average", "Multiply", "Maximum", "Subtract")
TRIES = 20  # for a branch that keeps the shape


def draw(seed: int) -> Recipe:
    """The model of this seed; the same today and tomorrow."""
    drawn = Draw(seed)
    inputs = _inputs(drawn)
    stack = _Stack(drawn, inputs)
    count = drawn.between(3, 8)
    normalized = _normalized(drawn, count)
    for place in range(1, count):
        stack.grow(normalized=place in normalized, last=place >= count - 2)
    stack.end()
    aim = training.aim(drawn)
    stack.output(aim)
    steps, batch = drawn.between(6, 12), drawn.of(8, 16)
    return Recipe(
        seed=seed,
        inputs=inputs,
        layers=tuple(stack.layers),
        outputs=aim.outputs,
        targets=aim.targets,
        loss=aim.loss,
        optimizer=training.optimizer(drawn, steps, aim.loss),
        batch=batch,
        last_batch=drawn.of(0, 0, 0, 0, batch - 2),
        steps=steps,
    )


def _normalized(drawn: Draw, count: int) -> set[int]:
    """The places of batch normalizations. One right after the other would leave the first one nothing to learn."""
    if not drawn.chance(NORMALIZED):
        return set()
    first, second = drawn.between(1, count - 1), drawn.between(1, count - 1)
    return {first, second} if drawn.chance(TWICE) and abs(first - second) > 1 else {first}


def _inputs(drawn: Draw) -> Inputs:
    kind = drawn.weighted({"vectors": 4, "sequences": 2, "tokens": 2, "images": 3, "pixels": 1, "volumes": 0.7})
    steps, channels = drawn.of(5, 6, 8), drawn.of(1, 2, 3, 4)
    side = drawn.of(6, 7, 8)
    shapes: dict[str, Shape] = {
        "vectors": (drawn.of(4, 6, 8, 10),),
        "sequences": (steps, drawn.of(2, 3, 4)),
        "tokens": (steps,),
        "images": (side, drawn.of(side, side - 1), channels),
        "pixels": (side, side, 3),
        "volumes": (4, 5, 5, drawn.of(1, 2)),
    }
    return Inputs(kind=kind, shape=shapes[kind], vocabulary=drawn.of(11, 20) if kind == "tokens" else 0)


class _Stack:
    """The layers so far, and where the next one follows."""

    def __init__(self, drawn: Draw, inputs: Inputs) -> None:
        self.drawn, self.layers = drawn, list[Layer]()
        self.at, self.shape, self.masked = INPUT, inputs.shape, False
        self._counts: dict[str, int] = {}
        if inputs.kind == "tokens":
            self._embed(inputs)
        elif inputs.kind == "pixels":
            scale = 1.0 / 255 if drawn.chance(0.5) else 1.0 / 256
            self._add(steps.alike("Rescaling", self.shape, scale=scale))

    def grow(self, *, normalized: bool, last: bool) -> None:
        """One layer more, or two branches that come together again."""
        if normalized:
            step = layers.batch_normalization(self.drawn, self.shape)
            assert step is not None
            self._add(step)
        elif last and len(self.shape) > 1 and self.drawn.chance(0.5):
            self._add(layers.to_vector(self.drawn, self.shape))
        elif not self.masked and self.drawn.chance(BRANCHES):
            self._branch()
        else:
            self._follow()

    def _follow(self) -> None:
        """Any layer that fits; what has no mean is not pooled over all places, which would leave nothing."""
        step = layers.following(self.drawn, self.shape)
        while step.kind == "UnitNormalization" and not self._is_smooth():
            step = layers.following(self.drawn, self.shape)
        self._add(step)
        if step.kind == "GroupNormalization":
            self._add(steps.alike("Activation", self.shape, activation=self.drawn.of("relu", "tanh", "elu", "sigmoid")))

    def _is_smooth(self) -> bool:
        """Whether what comes in is hardly ever a row of zeros, which have no unit and, in Keras, no finite gradient."""
        last = self.layers[-1] if self.layers else None
        return last is not None and not self.masked and weighted(last) and last.argument("activation") in SMOOTH

    def end(self) -> None:
        """Vectors are what an output is made of."""
        if len(self.shape) > 1:
            self._add(layers.to_vector(self.drawn, self.shape))

    def output(self, aim: training.Aim) -> None:
        self._append(
            Layer(
                name=OUTPUT,
                kind="Dense",
                arguments=given(units=aim.units, activation=aim.activation),
                inputs=(self.at,),
                shape=(aim.units,),
            )
        )

    # -- one layer

    def _embed(self, inputs: Inputs) -> None:
        width, masked = self.drawn.of(3, 4, 6), self.drawn.chance(0.3)
        arguments = given(input_dim=inputs.vocabulary, output_dim=width, mask_zero=True if masked else None)
        self._add(steps.Step(kind="Embedding", arguments=arguments, shape=(*self.shape, width)))
        self.masked = masked
        self.layers[-1] = replace(self.layers[-1], masked=masked)

    def _add(self, step: steps.Step) -> None:
        repeated = {"one": 1, "each": 2, "list": 2}[step.passed]
        masked = self.masked and step.kind in KEEP_MASKS and len(step.shape) > 1
        self._append(
            Layer(
                name=self._name(step.kind),
                kind=step.kind,
                arguments=step.arguments,
                inputs=(self.at,) * repeated,
                passed=step.passed,
                shape=step.shape,
                masked=masked,
            )
        )

    def _append(self, layer: Layer) -> None:
        self.layers.append(layer)
        self.at, self.shape, self.masked = layer.name, layer.shape, layer.masked

    def _name(self, kind: str) -> str:
        """The class in lower case with a number: conv2d_1, batch_normalization_2."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()
        self._counts[words] = self._counts.get(words, 0) + 1
        return f"{words}_{self._counts[words]}"

    # -- branches

    def _branch(self) -> None:
        """Past some layers and back: added to what came in where the shape is the same, else beside it."""
        begun, before = self.at, self.shape
        for _ in range(self.drawn.between(1, 2)):
            step = self._keeping()
            if step is None:
                break
            self._add(step)
        if self.at == begun:
            return
        if self.shape == before:
            self._merge(self.drawn.of(*SAME_SHAPE), begun, self.shape)
        else:
            width = self.shape[-1] + before[-1]
            self._merge("Concatenate", begun, (*self.shape[:-1], width))

    def _keeping(self) -> steps.Step | None:
        """A layer with weights, mostly, that keeps the places."""
        for _ in range(TRIES):
            step = layers.following(self.drawn, self.shape)
            kept = step.shape[:-1] == self.shape[:-1] and len(step.shape) == len(self.shape)
            if kept and step.kind in BRANCHED and size(step.shape) + size(self.shape) <= steps.MOST:
                return step
        return None

    def _merge(self, kind: str, other: str, shape: Shape) -> None:
        self._append(Layer(name=self._name(kind), kind=kind, inputs=(self.at, other), passed="list", shape=shape))
