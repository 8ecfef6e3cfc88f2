"""A scenario's Keras model, built, compiled and set to the stored initial state; its variables by path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from suite.records import Scenario
from suite.runner import precision
from suite.runner.outcome import Unsupported

# What jit_compile="auto" means on one CPU, pinned so that devices and environments do not change it silently.
JIT = {"jax": True, "tensorflow": False, "torch": False}


def build(scenario: Scenario, data: Mapping[str, np.ndarray], *, twin: bool, seed: int, rows: int = 1) -> Any:
    """The scenario's model, built on `rows` rows; with dyadic batch normalization constants in a twin."""
    import keras

    keras.utils.set_random_seed(seed)
    model = scenario.model()
    if not model.built:
        model(inputs(data, "x", slice(0, rows)))
    if twin:
        precision.dyadic_batch_norms(batch_norm_layers(model))
    return model


def compile_model(model: Any, scenario: Scenario, *, twin: bool, double: bool) -> None:
    """Compiles with the scenario's optimizer and loss; refuses a twin that is not float64 throughout."""
    import keras

    if double and (left := precision.not_float64(model)):
        raise Unsupported(f"no float64 twin of {scenario.name}: {left[0]}")
    optimizer = keras.optimizers.get(scenario.optimizer())
    if twin:
        optimizer = precision.dyadic_optimizer(optimizer)
    loss = scenario.loss() if callable(scenario.loss) else scenario.loss
    model.compile(optimizer=optimizer, loss=loss, jit_compile=JIT[keras.backend.backend()])
    model.optimizer.build(model.trainable_variables)


def layers_of(model: Any) -> Iterable[Any]:
    """Every layer inside, however deep, each once."""
    return model._flatten_layers(include_self=False)


def batch_norm_layers(model: Any) -> list[Any]:
    import keras

    return [layer for layer in layers_of(model) if isinstance(layer, keras.layers.BatchNormalization)]


def inputs(data: Mapping[str, np.ndarray], part: str, rows: Any = slice(None)) -> Any:
    """Rows of the stored "x" or "predict": one array, or a dict by input name."""
    if part in data:
        return data[part][rows]
    return {key.split("/", 1)[1]: value[rows] for key, value in data.items() if key.startswith(part + "/")}


def variables(model: Any) -> dict[str, Any]:
    """Variables by path.

    Raises:
        ValueError: two of them have one path.
    """
    return _by_path(model.variables)


def slots(model: Any) -> dict[str, Any]:
    """Optimizer variables by path; nested optimizers (loss scaling) included."""
    return _by_path(model.optimizer.variables)


def _by_path(found: Iterable[Any]) -> dict[str, Any]:
    by_path: dict[str, Any] = {}
    for variable in found:
        if by_path.setdefault(variable.path, variable) is not variable:
            raise ValueError(f"two variables have the path {variable.path!r}: give their layers different names")
    return by_path


def read(state: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """A copy of the variables' values, in their own dtype (bfloat16 and float16 widened to float32)."""
    values = {}
    for path, variable in state.items():
        value = np.array(variable.numpy(), copy=True)
        values[path] = value.astype(np.float32) if value.dtype.itemsize == 2 and value.dtype.kind != "i" else value
    return values


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
