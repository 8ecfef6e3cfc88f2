"""One function of tensors and variables, run eagerly on any backend, and its vector-Jacobian product."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suite.runner.outcome import shortened

Array = np.ndarray
Function = Callable[[list[Any]], list[Any]]  # tensors -> tensors, in any order of either; None is allowed among the latter
Cotangents = Callable[[Sequence[tuple[int, ...]]], Sequence[Array]]  # the outputs' shapes -> an array of each shape


@dataclass(frozen=True, kw_only=True)
class Differentiated:
    """`outputs`: as the backend returned them. `of_inputs`: the gradient by each input of floats, by its place.
    `of_variables`: by each trained variable, by its name. `state`: all variables after the call. `reason`: why there
    are no gradients; empty if there are."""

    outputs: tuple[Array, ...]
    state: Mapping[str, Array]
    of_inputs: Mapping[int, Array] = field(default_factory=dict)
    of_variables: Mapping[str, Array] = field(default_factory=dict)
    cotangents: tuple[Array, ...] = ()
    reason: str = ""


def differentiate(
    function: Function,
    inputs: Sequence[Array],
    trained: Mapping[str, Any],
    others: Mapping[str, Any],
    cotangents: Cotangents,
) -> Differentiated:
    """Calls `function` once, and pulls the cotangents back to every input of floats and every trained variable.

    `trained`, `others`: Keras variables by name that `function` uses; they keep what it assigns to them. Where an output
    does not depend on a source, the gradient is zero. Outputs of integers or booleans have cotangents that are not used.

    Raises:
        Exception: whatever the call itself raises. An error of the gradient alone is a `reason`.
    """
    import keras

    backends = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
    return backends[keras.backend.backend()](function, inputs, trained, others, cotangents)


def tensor(value: Any) -> Any:
    """The value as a tensor of the same dtype."""
    import keras

    return keras.ops.convert_to_tensor(value, dtype=str(value.dtype))


def array(value: Any) -> Array:
    """The tensor's values as an array of their own: floats of 16 bits are widened to float32."""
    import keras

    copied = np.array(keras.ops.convert_to_numpy(value), copy=True)
    return copied.astype(np.float32) if copied.dtype.itemsize == 2 and copied.dtype.kind in "fV" else copied


def arrays(variables: Mapping[str, Any]) -> dict[str, Array]:
    return {name: array(variable.value) for name, variable in variables.items()}


def is_float(value: Any) -> bool:
    """Of an array, a tensor or a variable: whether it holds floating-point numbers."""
    return value is not None and "float" in str(value.dtype)


def reason_of(error: Exception) -> str:
    """One line: what kind of error, and what it says, without the colours that Keras adds."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    return shortened(f"{type(error).__name__}: {' '.join(plain.split())}")


def _torch(
    function: Function,
    inputs: Sequence[Array],
    trained: Mapping[str, Any],
    others: Mapping[str, Any],
    cotangents: Cotangents,
) -> Differentiated:
    import torch

    tensors = [tensor(value) for value in inputs]
    sources = {index: tensors[index].requires_grad_() for index, value in enumerate(inputs) if is_float(value)}
    values = {name: variable.value for name, variable in trained.items()}
    outputs = [value for value in function(tensors) if value is not None]
    found = tuple(array(value.detach()) for value in outputs)
    directions = tuple(cotangents([one.shape for one in found]))
    tied = [place for place, value in enumerate(outputs) if is_float(value) and value.requires_grad]
    wanted = [*sources.values(), *values.values()]
    try:
        gradients = (
            torch.autograd.grad(
                [outputs[place] for place in tied],
                wanted,
                [torch.as_tensor(directions[place]).to(outputs[place]) for place in tied],
                allow_unused=True,
            )
            if tied and wanted
            else [None] * len(wanted)
        )
    except Exception as error:
        return Differentiated(outputs=found, state=arrays({**others, **trained}), reason=reason_of(error))
    filled = [np.zeros(source.shape) if one is None else array(one) for source, one in zip(wanted, gradients, strict=True)]
    return _with_gradients(found, {**others, **trained}, directions, sources, values, filled)


def _tensorflow(
    function: Function,
    inputs: Sequence[Array],
    trained: Mapping[str, Any],
    others: Mapping[str, Any],
    cotangents: Cotangents,
) -> Differentiated:
    import tensorflow as tf

    tensors = [tensor(value) for value in inputs]
    sources = {index: tensors[index] for index, value in enumerate(inputs) if is_float(value)}
    values = {name: variable.value for name, variable in trained.items()}
    wanted = [*sources.values(), *values.values()]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        for source in wanted:
            tape.watch(source)
        outputs = [value for value in function(tensors) if value is not None]
    found = tuple(array(value) for value in outputs)
    directions = tuple(cotangents([one.shape for one in found]))
    floats = [place for place, value in enumerate(outputs) if is_float(value)]
    try:
        gradients = tape.gradient(
            [outputs[place] for place in floats],
            wanted,
            output_gradients=[tf.cast(tf.constant(directions[place]), outputs[place].dtype) for place in floats],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        # The gradient by rows of a table (tf.IndexedSlices) becomes dense: rows that occur twice are added.
        filled = [array(tf.convert_to_tensor(one)) for one in gradients]
    except Exception as error:
        return Differentiated(outputs=found, state=arrays({**others, **trained}), reason=reason_of(error))
    return _with_gradients(found, {**others, **trained}, directions, sources, values, filled)


def _jax(
    function: Function,
    inputs: Sequence[Array],
    trained: Mapping[str, Any],
    others: Mapping[str, Any],
    cotangents: Cotangents,
) -> Differentiated:
    """Compiled as a whole, as Keras runs JAX; operation by operation, each would be compiled alone."""
    import jax

    tensors = dict(enumerate(tensor(value) for value in inputs))
    sources = {index: one for index, one in tensors.items() if is_float(one)}
    rest = {index: one for index, one in tensors.items() if index not in sources}
    values = {name: variable.value for name, variable in trained.items()}
    states = {name: variable.value for name, variable in others.items()}

    def call(sources: Mapping[int, Any], values: Mapping[str, Any], rest: Any, states: Any) -> Any:
        merged = {**rest, **sources}
        return _stateless(function, [merged[index] for index in range(len(inputs))], values, states, trained, others)

    shapes = [one.shape for one in jax.eval_shape(call, sources, values, rest, states)[0]]
    directions = tuple(cotangents(shapes))

    def pulled(sources: Any, values: Any, rest: Any, states: Any) -> Any:
        def floats(sources: Any, values: Any) -> Any:
            outputs, after = call(sources, values, rest, states)
            return [value for value in outputs if is_float(value)], (outputs, after)

        primal, pull_back, kept = jax.vjp(floats, sources, values, has_aux=True)
        places = [place for place, value in enumerate(kept[0]) if is_float(value)]
        weights = [jax.numpy.asarray(directions[at], dtype=one.dtype) for at, one in zip(places, primal, strict=True)]
        return pull_back(weights), kept

    reason = ""
    try:
        (of_sources, of_values), (outputs, after) = jax.jit(pulled)(sources, values, rest, states)
    except Exception as error:
        reason = reason_of(error)
        outputs, after = jax.jit(call)(sources, values, rest, states)
    for name, variable in {**others, **trained}.items():
        variable.assign(after[name])
    found = tuple(array(value) for value in outputs)
    if reason:
        return Differentiated(outputs=found, state=arrays({**others, **trained}), reason=reason)
    filled = [array(of_sources[index]) for index in sources] + [array(of_values[name]) for name in values]
    return _with_gradients(found, {**others, **trained}, directions, sources, values, filled)


def _stateless(
    function: Function,
    tensors: list[Any],
    values: Mapping[str, Any],
    states: Mapping[str, Any],
    trained: Mapping[str, Any],
    others: Mapping[str, Any],
) -> tuple[list[Any], dict[str, Any]]:
    """The outputs, and the values of all variables after the call, without an assignment: as JAX differentiates it."""
    import keras

    mapping = [(variable, values[name]) for name, variable in trained.items()]
    mapping += [(variable, states[name]) for name, variable in others.items()]
    with keras.StatelessScope(state_mapping=mapping) as scope:
        outputs = [value for value in function(tensors) if value is not None]
    return outputs, {name: scope.get_current_value(variable) for name, variable in {**others, **trained}.items()}


def _with_gradients(
    outputs: tuple[Array, ...],
    variables: Mapping[str, Any],
    cotangents: tuple[Array, ...],
    sources: Mapping[int, Any],
    values: Mapping[str, Any],
    gradients: Sequence[Array],
) -> Differentiated:
    return Differentiated(
        outputs=outputs,
        state=arrays(variables),
        of_inputs=dict(zip(sources, gradients[: len(sources)], strict=True)),
        of_variables=dict(zip(values, gradients[len(sources) :], strict=True)),
        cotangents=cotangents,
    )
