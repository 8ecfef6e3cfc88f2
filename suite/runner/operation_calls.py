"""Every call of a function of `keras.ops` by code that is not Keras's own, seen by one function: the only place that patches
`keras.ops`."""

from __future__ import annotations

import functools
import inspect
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, FunctionType, ModuleType
from typing import Any

from suite.runner.layer_calls import layer_calls

# (the function's name, the function, its arguments, its keyword arguments) -> what the call returns
Around = Callable[[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]

WIDE = "of_user"  # an attribute of a function of `keras.ops`: what it is for code of a user's in a float64 run
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
            if not _of_user(sys._getframe(1)):
                return original(*args, **kwargs)
            function = getattr(original, WIDE, original)
            if tracing.depth or (name in PLAIN and not _makes_integers(name, args, kwargs)):
                return function(*args, **kwargs)
            if name not in CALLING:
                return around(name, function, args, kwargs)
            with tracing.one():
                return function(*args, **kwargs)

        return call

    originals = _functions(keras.ops)
    for module, name, short, original in originals:
        setattr(module, name, seeing(short, original))
    try:
        yield
    finally:
        for module, name, _, original in originals:
            setattr(module, name, original)


def widen() -> None:
    """From now on in this process, functions of `keras.ops` that code of a user's asks for float32 give float64: casts, and
    whatever else takes a dtype. What computes in float32 in mixed precision does so in float64 in a float64 run."""
    import keras

    def wide(original: Callable[..., Any]) -> Callable[..., Any]:
        taken = inspect.signature(original)

        @functools.wraps(original)
        def widened(*args: Any, **kwargs: Any) -> Any:
            given = taken.bind(*args, **kwargs)
            if _is_float32(given.arguments.get("dtype")):
                given.arguments["dtype"] = "float64"
            return original(*given.args, **given.kwargs)

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            return (widened if _of_user(sys._getframe(1)) else original)(*args, **kwargs)

        setattr(call, WIDE, widened)
        return call

    for module, name, _, original in _functions(keras.ops):
        if "dtype" in inspect.signature(original).parameters:
            setattr(module, name, wide(original))


def _makes_integers(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether this is a cast to integers: what is out of their range wraps on one backend, and not on another."""
    dtype = kwargs.get("dtype", args[1] if len(args) > 1 else "")
    return name == "cast" and str(dtype).startswith(("int", "uint"))


def _is_float32(dtype: Any) -> bool:
    import keras

    try:
        return dtype is not None and bool(keras.backend.standardize_dtype(dtype) == "float32")
    except ValueError:  # the function says itself what is wrong with it
        return False


def _of_user(frame: FrameType) -> bool:
    return not str(frame.f_globals.get("__name__", "")).startswith("suite.")


def _functions(ops: ModuleType) -> list[tuple[ModuleType, str, str, Callable[..., Any]]]:
    """Every function of `keras.ops`: the module that has it, its name there, the shortest name of it, and itself."""
    modules = {"": ops} | {f"{part}.": getattr(ops, part) for part in PARTS if hasattr(ops, part)}
    return [
        (module, name, name if getattr(ops, name, None) is value else prefix + name, value)
        for prefix, module in modules.items()
        for name, value in vars(module).items()
        if isinstance(value, FunctionType)
    ]


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
