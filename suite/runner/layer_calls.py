"""Every call of a Keras layer, seen by one function: the only place that patches `Layer.__call__`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Proceed = Callable[..., Any]
# (layer, proceed, its arguments, its keyword arguments) -> what the call returns; `proceed(layer, *args, **kwargs)`
# makes the call.
Around = Callable[[Any, Proceed, tuple[Any, ...], dict[str, Any]], Any]


@contextmanager
def layer_calls(around: Around, *, operations: bool = False) -> Iterator[None]:
    """While this is entered, `around` makes each call of every layer in this process, models and the layers inside them
    included.

    `operations`: also each symbolic call of an operation, such as an addition: a layer is called through its own `__call__`,
    an operation is symbolic only.
    """
    import keras
    from keras.src.ops.operation import Operation  # private, as `symbolic_call` is

    patched = [(keras.Layer, "__call__"), *([(Operation, "symbolic_call")] if operations else [])]
    originals = [(owner, name, getattr(owner, name)) for owner, name in patched]
    for owner, name, original in originals:
        setattr(owner, name, _calling(around, original))
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _calling(around: Around, original: Proceed) -> Callable[..., Any]:
    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return around(layer, original, args, kwargs)

    return call


def name_of_call(path: str, count: int) -> str:
    """Names the first call of a layer in a forward pass by the layer's path, the second "<path>#2", and so on."""
    return path if count == 1 else f"{path}#{count}"
