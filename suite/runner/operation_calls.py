"""Every call of a function of `keras.ops` by code that is not Keras's own, seen by one function: the only place that patches
`keras.ops`."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from suite.runner.layer_calls import layer_calls

# (the function's name, the function, its arguments, its keyword arguments) -> what the call returns
Around = Callable[[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]

MOST = 200  # calls of one pass that are looked at: a layer may loop
PARTS = ("image", "linalg", "nn", "numpy")  # modules of keras.ops; most of their functions are there as well
# They call functions of the user's, which may be traced: what is called inside is not seen.
CALLING = ("associative_scan", "cond", "custom_gradient", "fori_loop", "jvp", "map", "scan", "switch", "vectorize",
           "vectorized_map", "while_loop")  # fmt: skip
# They compute nothing, or what they return is no function of numbers.
PLAIN = ("cast", "convert_to_numpy", "convert_to_tensor", "dtype", "is_tensor", "ndim", "saturate_cast", "shape", "size",
         "stop_gradient")  # fmt: skip


@contextmanager
def operation_calls(around: Around) -> Iterator[None]:
    """While this is entered, `around` makes each call of a function of `keras.ops` through the module, as `ops.cross(a, b)`:
    Keras itself calls the functions by other names. Neither calls of the suite nor functions that were imported by
    themselves are seen."""
    import keras

    tracing = _Entered()  # functions that call others

    def seeing(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            caller = str(sys._getframe(1).f_globals.get("__name__", ""))
            if tracing.depth or name in PLAIN or caller.startswith("suite."):
                return original(*args, **kwargs)
            if name not in CALLING:
                return around(name, original, args, kwargs)
            with tracing.one():
                return original(*args, **kwargs)

        return call

    modules = {"": keras.ops} | {f"{part}.": getattr(keras.ops, part) for part in PARTS if hasattr(keras.ops, part)}
    originals = [
        (module, name, name if getattr(keras.ops, name, None) is value else prefix + name, value)
        for prefix, module in modules.items()
        for name, value in vars(module).items()
        if isinstance(value, FunctionType)
    ]
    for module, name, short, original in originals:
        setattr(module, name, seeing(short, original))
    try:
        yield
    finally:
        for module, name, _, original in originals:
            setattr(module, name, original)


@contextmanager
def calls_of_model(model: Any, around: Around) -> Iterator[None]:
    """The same of those calls alone that a model makes itself in its `call`, outside of its layers."""
    import keras

    models, layers = _Entered(), _Entered()
    patched = model.__dict__.get("call")
    call_model = model.call

    def begin(*args: Any, **kwargs: Any) -> Any:
        with models.one():
            return call_model(*args, **kwargs)

    def called(layer: Any, proceed: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(layer, keras.Model):
            return proceed(layer, *args, **kwargs)
        with layers.one():
            return proceed(layer, *args, **kwargs)

    def computed(name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if models.depth and not layers.depth:
            return around(name, function, args, kwargs)
        return function(*args, **kwargs)

    with layer_calls(called), operation_calls(computed):
        # JAX calls `call` itself. Straight into the instance: Keras tracks what is assigned to it.
        model.__dict__["call"] = begin
        try:
            yield
        finally:
            if patched is None:
                del model.__dict__["call"]
            else:
                model.__dict__["call"] = patched


class _Entered(threading.local):
    """How many of a kind are entered now: MirroredStrategy traces each replica in a thread of its own."""

    depth = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1


def function_of(operation: Any) -> str:
    """The name of the function of `keras.ops` that an operation in a model's graph computes: Keras names their classes like
    the functions."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(operation).__name__).lower()
