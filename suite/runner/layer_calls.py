"""Every call of a Keras layer, and of an operation in a functional model's graph, seen by one function: the only place that
patches `Layer.__call__`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Proceed = Callable[..., Any]
# (layer, proceed, its arguments, its keyword arguments) -> what the call returns; `proceed(layer, *args, **kwargs)`
# makes the call.
Around = Callable[[Any, Proceed, tuple[Any, ...], dict[str, Any]], Any]


@contextmanager
def layer_calls(around: Around, *, symbolic: bool = False) -> Iterator[None]:
    """While this is entered, `around` makes each call of every layer in this process, models and the layers inside them
    included, and of every operation that a functional model holds beside its layers, such as an addition of two outputs.

    `symbolic`: layers are called on symbolic tensors. Then it makes every call of an operation, also those inside layers.
    """
    import keras

    # An operation is called by `__call__` in a functional model only: `keras.ops.add` computes at once, or symbolically.
    patched = [(keras.Layer, "__call__"), (keras.Operation, "symbolic_call" if symbolic else "__call__")]
    originals = [(owner, name, getattr(owner, name)) for owner, name in patched]
    for owner, name, original in originals:
        of_layer = owner is keras.Layer
        setattr(owner, name, _calling(around, original) if of_layer else _of_operation(around, original))
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _calling(around: Around, original: Proceed) -> Callable[..., Any]:
    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return around(layer, original, args, kwargs)

    return call


def _of_operation(around: Around, original: Proceed) -> Callable[..., Any]:
    """Layers come here from their own `__call__`, in which they were seen."""
    import keras

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(operation, keras.Layer):
            return original(operation, *args, **kwargs)
        return around(operation, original, args, kwargs)

    return call


def name_of_call(path: str, count: int) -> str:
    """Names the first call of a layer in a forward pass by the layer's path, the second "<path>#2", and so on."""
    return path if count == 1 else f"{path}#{count}"
