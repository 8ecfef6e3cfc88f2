"""A scenario's Keras model, built, compiled and set to the stored initial state; its variables by path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from suite.records import BatchNorm, Scenario, Tensor
from suite.runner import precision
from suite.runner.outcome import Unsupported

# What jit_compile="auto" means on one CPU, pinned so that devices and environments do not change it silently.
JIT = {"jax": True, "tensorflow": False, "torch": False}


def build(scenario: Scenario, data: Mapping[str, np.ndarray], *, float64: bool, seed: int, rows: int = 1) -> Any:
    """The scenario's model, built on `rows` rows; its constants dyadic in a float64 run."""
    import keras

    keras.utils.set_random_seed(seed)
    model = scenario.model()
    if not model.built:
        model(inputs(data, "x", slice(0, rows)))
    if float64:
        precision.dyadic_layers(list(layers_of(model)))
    return model


def compile_model(model: Any, scenario: Scenario, *, float64: bool, double: bool) -> None:
    """Compiles with the scenario's optimizer and loss; refuses a float64 run that is not float64 throughout."""
    import keras

    if double and (left := precision.not_float64(model)):
        raise Unsupported(f"no float64 run of {scenario.name}: {left[0]}")
    optimizer = keras.optimizers.get(scenario.optimizer())
    if float64:
        optimizer = precision.dyadic_optimizer(optimizer)
    if double:
        precision.double_schedule(optimizer)
    loss = scenario.loss() if callable(scenario.loss) else scenario.loss
    model.compile(optimizer=optimizer, loss=loss, jit_compile=JIT[keras.backend.backend()])
    model.optimizer.build(model.trainable_variables)


def compile_probe(model: Any, scenario: Scenario) -> None:
    """Compiles anew so that after one step from zero slots each slot `momentum` is the negative gradient."""
    import keras

    loss = scenario.loss() if callable(scenario.loss) else scenario.loss
    optimizer = keras.optimizers.SGD(1.0, momentum=0.5)
    model.compile(optimizer=optimizer, loss=loss, jit_compile=JIT[keras.backend.backend()])
    model.optimizer.build(model.trainable_variables)


def layers_of(model: Any) -> Iterable[Any]:
    """Every layer inside, however deep, each once."""
    return list(model._flatten_layers(include_self=False))


def batch_norm_layers(model: Any) -> list[Any]:
    import keras

    return [layer for layer in layers_of(model) if isinstance(layer, keras.layers.BatchNormalization)]


ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}


def roundoff(model: Any) -> float:
    """The unit roundoff of the coarsest dtype that a layer computes in."""
    return max((ROUNDOFF.get(str(layer.compute_dtype), 0.0) for layer in layers_of(model)), default=ROUNDOFF["float32"])


def inputs(data: Mapping[str, np.ndarray], part: str, rows: Any = slice(None)) -> Any:
    """Rows of the stored "x" or "predict": one array, or a dict by input name."""
    if part in data:
        return data[part][rows]
    return {key.split("/", 1)[1]: value[rows] for key, value in data.items() if key.startswith(part + "/")}


def variables(model: Any) -> dict[str, Any]:
    """Variables by name: the names of the layers around it, below the model, and its own.

    Not Keras's `path`, which is another before saving and after loading.

    Raises:
        ValueError: two of them have one name.
    """
    named: dict[str, Any] = {}
    seen: set[int] = set()
    for name, variable in _walk(model, "", set()):
        if id(variable) in seen:
            continue
        seen.add(id(variable))
        if name in named:
            raise ValueError(f"two variables have the name {name!r}: give their layers different names")
        named[name] = variable
    # What no layer owns (a variable that a subclassed model tracks in another way) keeps its path.
    return named | {variable.path: variable for variable in model.variables if id(variable) not in seen}


def _walk(layer: Any, prefix: str, visited: set[int]) -> Iterable[tuple[str, Any]]:
    if id(layer) in visited:
        return
    visited.add(id(layer))
    for variable in (*layer._trainable_variables, *layer._non_trainable_variables):
        yield prefix + variable.name, variable
    for generator in layer._seed_generators:
        yield f"{prefix}{generator.state.name}", generator.state
    for child in layer._layers:
        yield from _walk(child, f"{prefix}{child.name}/", visited)


def layer_paths(model: Any) -> dict[int, str]:
    """Identity of a layer -> the names of the layers around it, below the model, and its own."""
    paths: dict[int, str] = {}

    def walk(layer: Any, prefix: str) -> None:
        for child in layer._layers:
            if id(child) not in paths:
                paths[id(child)] = prefix + child.name
                walk(child, f"{prefix}{child.name}/")

    walk(model, "")
    return paths


def slots(model: Any) -> dict[str, Any]:
    """Optimizer variables by name: the model variable's name and the slot's; what is the optimizer's own is "optimizer/...",
    because Keras numbers optimizers as a process makes them (sgd, sgd_1)."""
    owners = {variable.path.replace("/", "_"): name for name, variable in variables(model).items() if variable.trainable}
    longest_first = sorted(owners, key=len, reverse=True)
    named = {}
    for variable in model.optimizer.variables:
        key = next((key for key in longest_first if key in variable.path), None)
        rest = variable.path.partition(key)[2].strip("_") if key else ""
        own = variable.path.rpartition("/")[2]
        named[f"{owners[key]}/{rest}" if key else f"optimizer/{own}"] = variable
    if len(named) != len(model.optimizer.variables):
        raise ValueError("two optimizer variables have one name: give the layers different names")
    return named


def read(state: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """A copy of the variables' values, as they are stored."""
    return {path: stored(variable.numpy()) for path, variable in state.items()}


def stored(value: Any) -> np.ndarray:
    """A copy: floats of 16 bits widened to float32, and integers (counters, seeds) to int64, because backends keep them in
    integers of different widths."""
    array = np.array(value, copy=True)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    return array.astype(np.float32) if array.dtype.itemsize == 2 else array


def write(state: Mapping[str, Any], values: Mapping[str, np.ndarray]) -> None:
    """Assigns values by path.

    Raises:
        ValueError: the paths or a shape differ.
    """
    import keras

    missing, unknown = sorted(state.keys() - values.keys()), sorted(values.keys() - state.keys())
    if missing or unknown:
        raise ValueError(
            f"the model's variables are not the stored ones: it alone has {missing[:3]}, the store alone has "
            f"{unknown[:3]}; a scenario's model() must name its layers alike on every backend"
        )
    for path, variable in state.items():
        if tuple(variable.shape) != values[path].shape:
            raise ValueError(f"{path} has shape {tuple(variable.shape)}, the stored one {values[path].shape}")
        variable.assign(keras.ops.convert_to_tensor(values[path], dtype=variable.dtype))


def slot_tensors(model: Any, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The optimizer's variables, each in the group of the model variable it belongs to."""
    owners = {tensor.name: tensor for tensor in tensors}
    described = []
    for name, variable in slots(model).items():
        owner = owners.get(name.rpartition("/")[0])
        described.append(
            Tensor(
                name=name,
                shape=tuple(variable.shape),
                dtype=str(variable.dtype),
                group=owner.group if owner else "O",
                layer=owner.layer if owner else "optimizer",
            )
        )
    return tuple(described)


def with_constants(batch_norms: tuple[BatchNorm, ...], model: Any) -> tuple[BatchNorm, ...]:
    """The recorded batch normalizations with this model's own epsilon (a float64 run's is dyadic)."""
    names = {id(variable): name for name, variable in variables(model).items()}
    epsilons = {names[id(layer.moving_variance)]: float(layer.epsilon) for layer in batch_norm_layers(model) if layer.built}
    return tuple(replace(norm, epsilon=epsilons.get(norm.variance, norm.epsilon)) for norm in batch_norms)
