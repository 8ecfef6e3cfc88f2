"""Every call of a Keras layer, and of an operation in a functional model's graph, seen by one function: the only place that
patches `Layer.__call__`."""

from __future__ import annotations

import threading
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
    operation = "symbolic_call" if symbolic else "__call__"
    places = [(keras.Layer, "__call__"), (_of_data(), "__call__"), (keras.Operation, operation)]
    originals = [(owner, name, getattr(owner, name)) for owner, name in places]
    seen = _Seen()
    for owner, name, original in originals:
        of_operation = owner is keras.Operation
        setattr(owner, name, _of_operation(around, original) if of_operation else _calling(around, original, seen))
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


class _Seen(threading.local):
    """The layer whose call is being made now. MirroredStrategy calls those of each replica in a thread of its own."""

    layer: Any = None


def _of_data() -> type:
    """The class of layers that prepare data. Its `__call__` converts what it is given, and then calls that of every layer:
    what it is given is looked at. The class of all layers where there is none."""
    import keras

    one = getattr(getattr(keras, "layers", None), "Rescaling", keras.Layer)
    found: type = next(kind for kind in one.__mro__ if "__call__" in vars(kind))
    return found


def _calling(around: Around, original: Proceed, seen: _Seen) -> Callable[..., Any]:
    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if seen.layer is layer:
            return original(layer, *args, **kwargs)
        before, seen.layer = seen.layer, layer
        try:
            return around(layer, original, args, kwargs)
        finally:
            seen.layer = before

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
