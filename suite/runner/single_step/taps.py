"""What layers return while a step trains, on every backend: each output is assigned to a variable of the model.

A variable is the one thing that eager torch, TensorFlow's graphs under a strategy and JAX's compiled steps all carry
out of a step. Taps may change which kernels are fused, so whoever uses them compares what the step leaves with an
untapped one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from suite.runner import keras_versions, models
from suite.runner.layer_calls import layer_calls, name_of_call
from suite.runner.operation_calls import MOST, calls_of_model

PREFIX = "parity_tap_"
SIXTEEN_BITS = ("float16", "bfloat16")  # kept as float32, which holds them exactly and every file format knows


class _Pass(threading.local):
    """One forward pass: how often each layer and each operation was called, and in how many loops it is now.
    MirroredStrategy traces each replica in a thread of its own, and goes from one to the other where layers exchange
    statistics."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.calls: dict[str, int] = {}
        self.operations = 0
        self.loops = 0

    def named(self, path: str) -> str:
        """The name of the next call of this path."""
        count = self.calls[path] = self.calls.get(path, 0) + 1
        return name_of_call(path, count)


class Taps:
    """Variables for the outputs of every layer call of a built model, by the layer's path, in the order of the calls; a
    second call of a layer is "<path>#2". Of a call that returns several tensors, the first of floating-point numbers is
    tapped, or else of integers, which some backend may return as floating-point numbers. No call is inside a recurrent
    layer, whose cell runs in a loop that no variable leaves. Of operations that the model itself calls, the first `MOST`
    are that return something for each row.

    `inputs`: arrays (1 or more, ...) as training takes them; `rows`: how many rows of a batch a replica gets, which is
    the first axis of a tap. A tap has the dtype of its output, float32 for one of 16 bits, and Keras's floatx for
    one of integers. Made inside the strategy's scope.
    """

    def __init__(self, model: Any, inputs: Any, rows: int) -> None:
        self._model, self._paths = model, models.layer_paths(model)
        self._pass = _Pass()
        shapes = self._shapes(inputs, rows)
        # Keras locks a model once it is built; private, and only here. Torch knows variables by their paths, without a dot.
        locked, model._tracker.locked = model._tracker.locked, False
        own, model.name = model.name, "tapped"
        self.variables: Mapping[str, Any] = {
            name: model.add_weight(shape=shape, dtype=dtype, initializer="zeros", trainable=False, name=f"{PREFIX}{index}")
            for index, (name, (shape, dtype)) in enumerate(shapes.items())
        }
        model.name = own
        model._tracker.locked = locked

    def _shapes(self, inputs: Any, rows: int) -> dict[str, tuple[tuple[int, ...], str]]:
        """The calls of a forward pass with their outputs' shapes and dtypes. Nothing is computed where a backend can
        avoid it. The pass is not in training mode, which synchronized layers refuse outside of a replica; shapes are
        the same."""
        import keras
        from keras.src import backend  # private: the one way to learn shapes that opens every layer and changes no state

        outputs: dict[str, tuple[tuple[int, ...], str]] = {}

        def note(name: str, output: Any, operation: bool) -> None:
            if operation and tuple(output.shape[:1]) != (rows,):  # what a replica computes of no rows is no part of a batch
                return
            dtype = dtype_of(output)
            kept = "float32" if dtype in SIXTEEN_BITS else dtype if "float" in dtype else keras.config.floatx()
            outputs[name] = (tuple(output.shape), kept)

        def spec(array: np.ndarray) -> Any:
            dtype = keras.config.floatx() if array.dtype.kind == "f" else str(array.dtype)
            return keras.KerasTensor((rows, *array.shape[1:]), dtype)

        with self._watched(note, restart=outputs.clear):
            backend.compute_output_spec(
                lambda x: self._model(x, training=False), keras_versions.tree().map_structure(spec, inputs)
            )
        return outputs

    @contextmanager
    def fitting(self, short: bool = False) -> Iterator[None]:
        """While a step is traced or run, outputs go to their taps. `short`: they have fewer rows than the taps, as
        those of an uneven batch have; they come first in a tap, and its other rows stay what they were."""
        import keras

        def assign(name: str, output: Any, _: bool) -> None:
            if name in self.variables:
                tap = self.variables[name]
                value = keras.ops.cast(keras.ops.stop_gradient(output), tap.dtype)
                if short and len(tap.shape):
                    rest = tap.value[keras.ops.shape(value)[0] :]
                    value = keras.ops.reshape(keras.ops.concatenate([value, rest]), tap.shape)
                with keras_versions.without_policy():
                    tap.assign(value)

        self._model.train_function = None
        try:
            with self._watched(assign):
                yield
        finally:
            self._model.train_function = None

    @contextmanager
    def _watched(self, tell: Callable[[str, Any, bool], None], restart: Callable[[], None] = lambda: None) -> Iterator[None]:
        import keras

        call_model = self._model.call

        def begin(*args: Any, **kwargs: Any) -> Any:
            self._pass.begin()
            restart()
            return call_model(*args, **kwargs)

        def called(layer: Any, proceed: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            current, loops = self._pass, int(isinstance(layer, keras.layers.RNN))
            current.loops += loops
            try:
                made = proceed(layer, *args, **kwargs)
            finally:
                current.loops -= loops
            path = self._paths.get(id(layer))
            model = isinstance(layer, keras.Model)
            if path and not current.loops and not model and (first := first_of(made)) is not None:
                tell(current.named(path), first, not isinstance(layer, keras.Layer))
            return made

        def computed(name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            current, made = self._pass, function(*args, **kwargs)
            if current.operations < MOST and (first := first_of(made)) is not None:
                current.operations += 1
                tell(current.named(name), first, True)
            return made

        with layer_calls(called):
            # JAX calls `call` itself. Straight into the instance: Keras tracks what is assigned to it.
            self._model.__dict__["call"] = begin
            try:
                with calls_of_model(self._model, computed):
                    yield
            finally:
                del self._model.__dict__["call"]


def first_of(made: Any) -> Any:
    """What a call returns; of several tensors, the first of floating-point numbers, or else of integers. None where there
    is none."""
    import keras

    tensors = [one for one in keras_versions.tree().flatten(made) if keras.ops.is_tensor(one)]
    return next((one for kind in ("float", "int") for one in tensors if kind in dtype_of(one)), None)


def dtype_of(value: Any) -> str:
    import keras

    name: str = keras.backend.standardize_dtype(value.dtype)
    return name
