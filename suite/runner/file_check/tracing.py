"""What every layer, and every operation in a functional model's graph, returns in one forward pass, as a sketch; and one
call of these, whole.

A sketch adds up the elements of an array in buckets, each with a random sign (the count sketch: Charikar, Chen and
Farach-Colton 2002). It is linear, so the sketch of a difference is the difference of the sketches, and its norm is that of
the array within some percent, whatever the array's size. So all layers of a model fit into a few megabytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.records import OPERATION, SEED, RecordedCall
from suite.records.files import LayerOutput
from suite.runner import keras_versions, models
from suite.runner.differentiation import array
from suite.runner.layer_calls import layer_calls, name_of_call
from suite.runner.layer_steps import config_of, drawn
from suite.runner.operation_calls import function_of
from suite.runner.operation_steps import operation_step

Arrays = dict[str, np.ndarray]

BUCKETS = 1024  # the norm of a sketch of 1024 is within 5 % of the array's
WHOLE = 1 << 18  # numbers of one call that are kept: fewer rows of a larger one


@dataclass(frozen=True, kw_only=True)
class Called:
    """One call that has ended. `given`: its arguments; `returned`: what came out."""

    layer: Any
    name: str
    given: tuple[Any, Mapping[str, Any]]
    returned: Any


def sketches(model: Any, x: Any) -> tuple[tuple[LayerOutput, ...], Arrays]:
    """Every call of a layer in one eager forward pass in inference, in the order in which calls end: "<place>|input" and
    "<place>|output", float64 (BUCKETS,) or as many as there are numbers."""
    layers: list[LayerOutput] = []
    arrays: Arrays = {}

    def noted(call: Called) -> None:
        inputs, outputs = _tensors(call.given), _tensors(call.returned)
        if inputs is None or outputs is None:
            return  # inside a compiled loop there are no numbers
        place = len(layers)
        arrays[f"{place}|input"], arrays[f"{place}|output"] = _sketch(inputs), _sketch(outputs)
        layers.append(
            LayerOutput(
                name=call.name,
                of=type(call.layer).__name__,
                own=keras_versions.is_of_keras(type(call.layer)),
                finite_inputs=all(bool(np.isfinite(one).all()) for one in inputs),
                finite_outputs=all(bool(np.isfinite(one).all()) for one in outputs),
            )
        )

    with _each(model, noted):
        model(x, training=False)
    return tuple(layers), arrays


def whole(model: Any, x: Any, name: str) -> tuple[RecordedCall, Arrays]:
    """The call of this name, with as many rows as are not too large: its arrays as `suite.artifacts.names.layerwise` has
    them.

    Raises:
        LookupError: no layer is called by this name.
    """
    found: list[tuple[RecordedCall, Arrays]] = []

    def noted(call: Called) -> None:
        if call.name == name and not found:
            found.append(_recorded(call))

    with _each(model, noted):
        model(x, training=False)
    if not found:
        raise LookupError(f"no layer is called {name} here")
    return found[0]


@contextmanager
def _each(model: Any, noted: Any) -> Iterator[None]:
    """Calls `noted` with every call of a layer that ends: those inside models and inside layers of the user's own, too, but
    not those inside layers of Keras."""
    import keras

    paths = models.layer_paths(model)
    counts: dict[str, int] = {}
    inside = 0  # of layers of Keras

    def called(layer: Any, proceed: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        nonlocal inside
        path = paths.get(id(layer))
        leaf = keras_versions.is_of_keras(type(layer)) and not isinstance(layer, keras.Model)
        if path is None or inside or isinstance(layer, keras.layers.InputLayer):
            return proceed(layer, *args, **kwargs)
        counts[path] = counts.get(path, 0) + 1
        name = name_of_call(path, counts[path])
        inside += leaf
        try:
            returned = proceed(layer, *args, **kwargs)
        finally:
            inside -= leaf
        if not isinstance(layer, keras.Model):
            noted(Called(layer=layer, name=name, given=(args, kwargs), returned=returned))
        return returned

    with keras_versions.as_in_fit(), layer_calls(called):
        yield


def _tensors(value: Any) -> list[np.ndarray] | None:
    """The numbers in any structure of tensors; None where a tensor has none, as while a loop is traced."""
    import keras

    leaves = [one for one in keras_versions.tree().flatten(value) if keras.ops.is_tensor(one) or isinstance(one, np.ndarray)]
    try:
        return [_detached(one) for one in leaves]
    except Exception:
        return None


def _detached(value: Any) -> np.ndarray:
    return array(value.detach() if hasattr(value, "detach") else value)


def _sketch(arrays: list[np.ndarray]) -> np.ndarray:
    """NaN and infinities count as 0: whether there are any is noted beside."""
    flat: np.ndarray = np.concatenate([np.asarray(one, np.float64).reshape(-1) for one in arrays] or [np.zeros(0)])
    flat[~np.isfinite(flat)] = 0.0
    if flat.size <= BUCKETS:
        return flat
    random = np.random.default_rng(flat.size)
    drawn = random.integers(0, 2 * BUCKETS, flat.size, dtype=np.int32)
    sketch: np.ndarray = np.bincount(drawn >> 1, weights=np.where(drawn & 1, flat, -flat), minlength=BUCKETS)
    return sketch


def _recorded(call: Called) -> tuple[RecordedCall, Arrays]:
    import keras

    if not isinstance(call.layer, keras.Layer):
        return _operation(call)
    args, kwargs = call.given
    tree = keras_versions.tree()
    leaves = [value for value in tree.flatten(args) if value is not None]
    masks = [getattr(value, "_keras_mask", None) for value in leaves]
    count = min((len(value) for value in leaves if getattr(value, "shape", ())), default=1)
    size = sum(int(np.prod(value.shape)) for value in [*leaves, *tree.flatten(call.returned)] if hasattr(value, "shape"))
    rows = max(1, min(count, count * WHOLE // max(size, 1)))

    def cut(value: Any) -> np.ndarray:
        values = _detached(value)
        return values[:rows] if values.ndim and len(values) == count else values

    arrays: Arrays = {f"input|{place}": cut(value) for place, value in enumerate(leaves) if hasattr(value, "shape")}
    arrays |= {f"mask|{place}": cut(mask) for place, mask in enumerate(masks) if mask is not None}
    arrays |= {f"output|{place}": cut(value) for place, value in enumerate(tree.flatten(call.returned)) if value is not None}
    arguments = {}
    for name, value in kwargs.items():
        if value is None or name in ("training", "mask"):
            continue
        if keras.ops.is_tensor(value):
            arrays[f"argument|{name}"] = cut(value)
        elif isinstance(value, str | int | float | bool):
            arguments[name] = value
    for name, variable in models.variables(call.layer).items():
        if not name.endswith(SEED):
            arrays[f"weight|{name}"] = _detached(variable.value)
    recorded = RecordedCall(
        state="0",
        kind="layer",
        name=call.name,
        of=type(call.layer).__name__,
        config=config_of(call.layer) if keras_versions.is_of_keras(type(call.layer)) else "{}",
        arguments=json.dumps(arguments, default=str, sort_keys=True),
        training=False,
        own=keras_versions.is_of_keras(type(call.layer)),
    )
    return recorded, {f"0|{name}": values for name, values in arrays.items()}


def _operation(call: Called) -> tuple[RecordedCall, Arrays]:
    """The call once more: of as many rows as are not too large."""
    import keras

    tree = keras_versions.tree()
    shapes = [leaf.shape for leaf in tree.flatten((call.given, call.returned)) if keras.ops.is_tensor(leaf)]
    rows = max(1, WHOLE // max(sum(int(np.prod(shape[1:])) for shape in shapes), 1))
    count = next((shape[0] for shape in shapes if len(shape)), 0)  # what has another length has no rows

    def cut(value: Any) -> Any:
        if not keras.ops.is_tensor(value):
            return value
        return _detached(value)[:rows] if tuple(value.shape[:1]) == (count,) else _detached(value)

    args, kwargs = tree.map_structure(cut, call.given)
    made = operation_step(call.layer, args, kwargs, cotangents=drawn(0))
    arrays = {f"input|{place}": value for place, value in enumerate(made.inputs)}
    arrays |= {f"output|{place}": value for place, value in enumerate(made.outputs)}
    recorded = RecordedCall(
        state="0",
        kind=OPERATION,
        name=call.name,
        of=function_of(call.layer),
        arguments=json.dumps(made.arguments, default=str, sort_keys=True),
        training=False,
    )
    return recorded, {f"0|{name}": values for name, values in arrays.items()}
