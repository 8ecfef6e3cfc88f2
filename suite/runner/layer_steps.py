"""One call of a built layer: what goes in, what comes out, what the call changes, and its vector-Jacobian product."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suite.records import SEED
from suite.runner import keras_versions, models, structures
from suite.runner import masks as carried
from suite.runner.differentiation import Array, Cotangents, Differentiated, array, differentiate, is_float, tensor

ARGUMENT = "argument/"


@dataclass(frozen=True, kw_only=True)
class LayerStep:
    """One call, in NumPy. Floats have the dtype that the backend computed in; 16 bits are widened to float32.

    `layer`: the name of its class. `config`: JSON of `keras.saving.serialize_keras_object(layer)["config"]`. `inputs`: the
    positional arguments, flattened. `masks`: one for each input, or None. `arguments`: the other arguments as JSON holds
    them; `tensors`: those of them that are arrays, by name ("initial_state/0"). `weights`: every variable before the call,
    but for states of seeds, by the names of the layers below this one and its own. `outputs`: flattened, and after them
    the losses that a layer of a user's adds. `state`: after the call, the weights that are not trained, and those
    trained ones that the call changes. `cotangents`: one for each output. `gradients`: of the sum of outputs times
    cotangents: "input/<place>", "argument/<name>", "weight/<name>". `reason`: why there are none; empty if there are.
    """

    layer: str
    config: str
    training: bool
    inputs: tuple[Array, ...]
    masks: tuple[Array | None, ...]
    arguments: Mapping[str, Any]
    tensors: Mapping[str, Array]
    weights: Mapping[str, Array]
    outputs: tuple[Array, ...]
    state: Mapping[str, Array]
    cotangents: tuple[Array, ...] = ()
    gradients: Mapping[str, Array] = field(default_factory=dict)
    reason: str = ""


def layer_step(
    layer: Any,
    inputs: Sequence[Any],
    *,
    cotangents: Cotangents,
    masks: Sequence[Array | None] = (),
    arguments: Mapping[str, Any] | None = None,
    training: bool = False,
) -> LayerStep:
    """Calls `layer(*inputs, **arguments)` once, eagerly, and pulls the cotangents back. The layer keeps its values.

    `layer`: built. `inputs`: the positional arguments, arrays or nested structures of them, in the dtypes that the layer is
    to get. `masks`: what each input carries from the layer before, in the order in which `structures.leaves` finds them;
    none if empty. Keras decides what the layer gets of them, as it does in a model. `arguments`: by name: arrays, nested
    structures of them, or what JSON holds. `cotangents`: makes one array for each output, of its shape, when the shapes
    are known; `drawn` does.

    Raises:
        ValueError: there are masks, but not one for each input.
        Exception: whatever the call raises. If only the gradient cannot be computed, `reason` says why.
    """
    inputs, arguments = tuple(inputs), dict(arguments or {})
    named = models.variables(layer)
    before = {name: array(variable.value) for name, variable in named.items()}
    trainable = {id(variable) for variable in layer.trainable_variables}
    trained = {name: one for name, one in named.items() if id(one) in trainable and is_float(one)}
    others = {name: one for name, one in named.items() if name not in trained}
    given = dict(structures.leaves(inputs))
    extra = _tensors(arguments)
    if masks and len(masks) != len(given):
        raise ValueError(f"got {len(masks)} masks for {len(given)} inputs: give one for each input, or None")

    try:
        function = _of_tensors(layer, inputs, arguments, masks, training)
        with keras_versions.as_in_fit():
            done = differentiate(function, [*given.values(), *extra.values()], trained, others, cotangents)
    finally:
        _restore(named, before)
    return LayerStep(
        layer=type(layer).__name__,
        config=config_of(layer),
        training=training,
        inputs=tuple(given.values()),
        masks=tuple(masks) or (None,) * len(given),
        arguments=_plain(arguments),
        tensors=extra,
        weights={name: value for name, value in before.items() if not name.endswith(SEED)},
        outputs=done.outputs,
        state={
            name: value
            for name, value in done.state.items()
            if not name.endswith(SEED) and (name in others or not np.array_equal(value, before[name]))
        },
        cotangents=done.cotangents,
        gradients=_named_gradients(done, len(given), list(extra)),
        reason=done.reason,
    )


def _of_tensors(
    layer: Any, inputs: tuple[Any, ...], arguments: Mapping[str, Any], masks: Sequence[Array | None], training: bool
) -> Callable[[list[Any]], list[Any]]:
    """The call as a function of the tensors alone: of the inputs, and of those among the arguments."""
    places = [*dict(structures.leaves(inputs)), *(ARGUMENT + name for name in _tensors(arguments))]

    def function(tensors: list[Any]) -> list[Any]:
        for value, mask in zip(tensors, masks, strict=False):
            if mask is not None:
                carried.carry(value, tensor(mask))
        placed = dict(zip(places, tensors, strict=True))
        args = structures.replaced(inputs, lambda path, leaf: placed[path])
        kwargs = structures.replaced(arguments, lambda path, leaf: placed.get(ARGUMENT + path, leaf))
        with _added_losses(layer) as added:
            outputs = layer(*args, **kwargs, training=training)
        return [*(leaf for _, leaf in structures.leaves(outputs)), *added]

    return function


@contextmanager
def _added_losses(layer: Any) -> Iterator[list[Any]]:
    """The losses that the layer, and what it calls, add to the model's meanwhile. What a layer of Keras itself adds is no
    part of its definition: of that, none."""
    import keras

    original, added = keras.Layer.add_loss, list[Any]()

    def add(self: Any, loss: Any) -> None:
        original(self, loss)
        added.extend(keras_versions.tree().flatten(loss))

    if keras_versions.is_of_keras(type(layer)):
        yield added
        return
    keras.Layer.add_loss = add
    try:
        yield added
    finally:
        keras.Layer.add_loss = original


def drawn(seed: int) -> Cotangents:
    """Cotangents of float32 values from a normal distribution, the same on every backend."""

    def draw(shapes: Sequence[tuple[int, ...]]) -> list[Array]:
        random = np.random.default_rng(seed)
        return [random.normal(size=shape).astype(np.float32).astype(np.float64) for shape in shapes]

    return draw


def config_of(layer: Any) -> str:
    """JSON of the layer's serialized configuration, nested objects included, with the numbers that the layer holds now:
    where a class has no `get_config` of its own, Keras gives what its constructor got. Nor does the name of an activation
    say what it takes by default, which is another number in a float64 run."""
    import keras

    config = dict(keras.saving.serialize_keras_object(layer)["config"])
    held = {name: getattr(layer, name, None) for name, value in config.items() if isinstance(value, float)}
    config |= {name: float(value) for name, value in held.items() if isinstance(value, float)}
    # The only default of an activation that has to change.
    slope = inspect.signature(keras.activations.leaky_relu).parameters["negative_slope"].default
    return json.dumps(_with_slope(config, slope), sort_keys=True)


def _with_slope(config: Any, slope: float) -> Any:
    """A configuration with the slope of each leaky ReLU that has only a name there."""
    if isinstance(config, list):
        return [_with_slope(one, slope) for one in config]
    if not isinstance(config, dict):
        return config
    named = {"class_name": "LeakyReLU", "config": {"negative_slope": slope}}
    return {
        name: named if name.endswith("activation") and _is_leaky_relu(value) else _with_slope(value, slope)
        for name, value in config.items()
    }


def _is_leaky_relu(value: Any) -> bool:
    return value == "leaky_relu" or (
        isinstance(value, dict) and (value.get("class_name"), value.get("config")) == ("function", "leaky_relu")
    )


def _restore(named: Mapping[str, Any], before: Mapping[str, Array]) -> None:
    import keras

    for name, variable in named.items():
        variable.assign(keras.ops.convert_to_tensor(before[name], dtype=variable.dtype))


def _tensors(arguments: Mapping[str, Any]) -> dict[str, Array]:
    """Those leaves of the arguments that are arrays, by path."""
    return {path: leaf for path, leaf in structures.leaves(arguments) if isinstance(leaf, np.ndarray)}


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those arguments that hold no arrays."""
    holding = {path.partition("/")[0] for path in _tensors(arguments)}
    return {name: value for name, value in arguments.items() if name not in holding}


def _named_gradients(done: Differentiated, inputs: int, extra: list[str]) -> dict[str, Array]:
    named = {f"input/{place}": value for place, value in done.of_inputs.items() if place < inputs}
    named |= {ARGUMENT + extra[place - inputs]: value for place, value in done.of_inputs.items() if place >= inputs}
    return named | {f"weight/{name}": value for name, value in done.of_variables.items()}
