"""The variables of a Keras model by name: read, written and described; its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from suite.artifacts import rows
from suite.records import SEED, BatchNorm, Tensor
from suite.runner import float64_kernels, keras_versions, memory


def layers_of(model: Any) -> Iterable[Any]:
    """Every layer inside, however deep, each once."""
    return list(model._flatten_layers(include_self=False))


def is_built(model: Any) -> bool:
    """Whether it has its variables. A subclassed model's own `build` builds none of its layers, and calls it built."""
    return all(one.built for one in [model, *layers_of(model)])


def batch_norm_layers(model: Any) -> list[Any]:
    import keras

    return [layer for layer in layers_of(model) if isinstance(layer, keras.layers.BatchNormalization)]


ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}


def roundoff(model: Any) -> float:
    """The unit roundoff of the coarsest dtype that a layer computes in."""
    return max((ROUNDOFF.get(str(layer.compute_dtype), 0.0) for layer in layers_of(model)), default=ROUNDOFF["float32"])


def inputs(data: Mapping[str, np.ndarray], part: str, index: Any = slice(None)) -> Any:
    """Rows of a stored part of the data, such as "x" or "predict": one array (rows, ...), or dicts, lists and tuples of
    such, as the scenario gave them; None if there is no such part."""
    return rows.restored(data, part, lambda array: float64_kernels.as_users_have_it(array[index]))


def cut(values: Any, begin: int, end: int) -> Any:
    """Rows begin..end of each array or tensor in a structure; None of none."""
    return None if values is None else keras_versions.tree().map_structure(lambda value: value[begin:end], values)


def training(data: Mapping[str, np.ndarray], index: Any, purpose: str = "") -> dict[str, Any]:
    """What `fit`, `evaluate` and `compute_loss` take of these rows: `x`, `y` and `sample_weight`, the last only if the data
    has it. `purpose`: of the rows to train on, or of those to validate or to evaluate on."""
    parts = {part: rows.part_of(part, purpose) for part in (rows.X, rows.Y, rows.WEIGHT)}
    weighted = bool(rows.names_of(data, parts[rows.WEIGHT]))
    return {part: inputs(data, name, index) for part, name in parts.items() if part != rows.WEIGHT or weighted}


def tensors(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays as tensors, as `fit` and `evaluate` hand them to losses and metrics: a user's own may compute with
    operators, which not every backend has for an array and a tensor."""
    import keras

    def tensor(value: Any) -> Any:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
            return value
        return keras.ops.convert_to_tensor(value, dtype=keras.config.floatx() if value.dtype.kind == "f" else None)

    return {name: keras_versions.tree().map_structure(tensor, value) for name, value in given.items()}


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
    for state in seed_states(layer):
        yield prefix + state.name, state
    for child in layer._layers:
        yield from _walk(child, f"{prefix}{child.name}/", visited)


def take_names(model: Any, saved: Sequence[Tensor]) -> dict[str, str]:
    """Names the layers of a loaded model as they were named when it was saved, where its variables are the same ones, by
    their order, shapes and own names. A class whose configuration has no name gets another one when it is loaded. What was
    renamed: the name that it was loaded with -> that with which it was saved; empty if nothing was, or if the variables are
    not the same ones."""
    found = variables(model)
    if found.keys() == {one.name for one in saved} or len(found) != len(saved):
        return {}
    names: dict[str, str] = {}  # the layers around a variable, as loaded -> the name of the innermost, as saved
    for (own, variable), one in zip(found.items(), saved, strict=True):
        loaded, before = own.split("/"), one.name.split("/")
        if tuple(variable.shape) != tuple(one.shape) or len(loaded) != len(before) or loaded[-1] != before[-1]:
            return {}
        for depth in range(1, len(loaded)):
            path = "/".join(loaded[:depth])
            if names.setdefault(path, before[depth - 1]) != before[depth - 1]:
                return {}
    return dict(_rename(model, "", names, set()))


def _rename(layer: Any, prefix: str, names: Mapping[str, str], visited: set[int]) -> Iterable[tuple[str, str]]:
    if id(layer) in visited:
        return
    visited.add(id(layer))
    for child in layer._layers:
        path = prefix + child.name
        yield from _rename(child, f"{path}/", names, visited)
        if (name := names.get(path, child.name)) != child.name:
            yield child.name, name
            child.name = name


def seed_states(layer: Any) -> list[Any]:
    """The seed and the counter of each random stream that this layer has for itself."""
    return [generator.state for generator in layer._seed_generators]  # private: Keras lists them nowhere else


def has_own_train_step(model: Any) -> bool:
    """Whether its class brings a training step in place of Keras's."""
    return any("train_step" in vars(kind) for kind in type(model).__mro__ if not keras_versions.is_of_keras(kind))


def layer_paths(model: Any) -> dict[int, str]:
    """Identity of a layer, or of an operation in the graph of a functional model -> the names of the layers around it, below
    the model, and its own."""
    import keras

    paths: dict[int, str] = {}

    def walk(layer: Any, prefix: str) -> None:
        operations = [one for one in getattr(layer, "_operations", ()) if isinstance(one, keras.Operation)]  # private
        for child in (*getattr(layer, "_layers", ()), *operations):
            if id(child) not in paths:
                paths[id(child)] = prefix + child.name
                walk(child, f"{prefix}{child.name}/")

    walk(model, "")
    return paths


def read(state: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """A copy of the variables' values by name, in the shapes of the variables and in the dtypes of `stored`."""
    return {path: stored(variable.numpy()) for path, variable in state.items()}


def stored(value: Any) -> np.ndarray:
    """A copy in C order: floats of 16 bits widened to float32, and integers (counters, seeds) to int64, because backends
    keep them in integers of different widths."""
    array = np.array(value, copy=True, order="C")
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


def copies(variable: Any) -> tuple[Any, ...]:
    """What a variable is on each replica of this process: TensorFlow keeps one for each, and these may differ. Elsewhere,
    the variable itself."""
    held = getattr(variable.value, "values", None)  # of a torch tensor, a method
    return held if isinstance(held, tuple) else (variable,)


def forget_gradients(model: Any) -> None:
    """As in a process that has not trained yet. torch keeps gradients with variables, and adds to them where a training step
    does not clear them."""
    for variable in model.trainable_variables:
        if getattr(variable.value, "grad", None) is not None:
            variable.value.grad = None


@contextmanager
def unmoved(model: Any, scope: Callable[[], AbstractContextManager[Any]] = nullcontext) -> Iterator[list[str]]:
    """While this is entered, the model may predict, evaluate, and be called as in training; afterwards its variables have
    their values of before. A layer may count its calls, also in a trained variable, and what the suite asks of a model is no
    part of its training. Only what random layers draw from moves on: two predictions of a model that draws are not to be the
    same. What layers keep from one batch to the next begins anew, as in a model that was loaded. What is entered lists
    afterwards which variables had moved. `scope`: in which variables are assigned."""
    held = {name: one for name, one in variables(model).items() if not name.endswith(SEED)}
    layers = layers_of(model)
    kept = {f"{layer.name}/{place}": one for layer in layers for place, one in enumerate(memory.states(layer))}
    before, remembered = _read_copies(held), _read_copies(kept)
    with scope():
        memory.forget(layers)
    moved: list[str] = []
    yield moved
    after = _read_copies(held)
    moved += [name for name, values in after.items() if any(map(_differs, values, before[name]))]
    with scope():
        _write_copies({name: held[name] for name in moved}, before)
        _write_copies(kept, remembered)


def _read_copies(state: Mapping[str, Any]) -> dict[str, list[np.ndarray]]:
    return {name: [stored(one.numpy()) for one in copies(variable)] for name, variable in state.items()}


def _write_copies(state: Mapping[str, Any], values: Mapping[str, list[np.ndarray]]) -> None:
    import keras

    for name, variable in state.items():
        for one, value in zip(copies(variable), values[name], strict=True):
            one.assign(keras.ops.convert_to_tensor(value, dtype=variable.dtype))


def _differs(a: np.ndarray, b: np.ndarray) -> bool:
    return a.tobytes() != b.tobytes()


def with_constants(batch_norms: tuple[BatchNorm, ...], model: Any) -> tuple[BatchNorm, ...]:
    """The recorded batch normalizations with this model's own epsilon (a float64 run's is dyadic)."""
    names = {id(variable): name for name, variable in variables(model).items()}
    epsilons = {names[id(layer.moving_variance)]: float(layer.epsilon) for layer in batch_norm_layers(model) if layer.built}
    return tuple(replace(norm, epsilon=epsilons.get(norm.variance, norm.epsilon)) for norm in batch_norms)
