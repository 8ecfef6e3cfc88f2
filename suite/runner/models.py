"""The variables of a Keras model and of its optimizer by name: read, written and described; its layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from suite.records import BatchNorm, Tensor, TensorGroup


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
    """Rows of the stored "x" or "predict": one array (rows, ...), or a dict of such arrays by input name."""
    if part in data:
        return data[part][rows]
    return {key.split("/", 1)[1]: value[rows] for key, value in data.items() if key.startswith(part + "/")}


def variables(model: Any) -> dict[str, Any]:
    """Variables by name: the names of the layers around it, below the model, and its own.

    Keras's own `path` does not do: it differs before saving and after loading.

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
    # A variable that no layer owns, because a subclassed model tracks it in a different way, keeps its path.
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
    """Optimizer variables by name: the model variable's name and the slot's. A variable of the optimizer as a whole is
    "optimizer/<name>", because Keras numbers optimizers as a process makes them (sgd, sgd_1)."""
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
    """A copy of the variables' values by name, in the shapes of the variables and in the dtypes of `stored`."""
    return {path: stored(variable.numpy()) for path, variable in state.items()}


def stored(value: Any) -> np.ndarray:
    """A copy: floats of 16 bits widened to float32, and integers (counters, seeds) to int64, because backends keep them in
    integers of different widths."""
    array = np.array(value, copy=True)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    return array.astype(np.float32) if array.dtype.itemsize == 2 else array


def write(state: Mapping[str, Any], values: Mapping[str, np.ndarray]) -> None:
    """Assigns values by name, each in the shape of its variable; they are cast to the dtype of the variable.

    Raises:
        ValueError: the names or a shape differ.
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
                group=owner.group if owner else TensorGroup.OTHER,
                layer=owner.layer if owner else "optimizer",
            )
        )
    return tuple(described)


def with_constants(batch_norms: tuple[BatchNorm, ...], model: Any) -> tuple[BatchNorm, ...]:
    """The recorded batch normalizations with this model's own epsilon (a float64 run's is dyadic)."""
    names = {id(variable): name for name, variable in variables(model).items()}
    epsilons = {names[id(layer.moving_variance)]: float(layer.epsilon) for layer in batch_norm_layers(model) if layer.built}
    return tuple(replace(norm, epsilon=epsilons.get(norm.variance, norm.epsilon)) for norm in batch_norms)
