"""What layers return while a step trains, on every backend: each output is assigned to a variable of the model.

A variable is the one thing that eager torch, TensorFlow's graphs under a strategy and JAX's compiled steps all carry out of a
step. Taps may change which kernels are fused, so whoever uses them compares what the step leaves with an untapped one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from suite.runner import graph, models

PREFIX = "parity_tap_"


class Taps:
    """Variables for the outputs of every layer call of a built model, in the order of the calls; `rows`: of one replica.
    Made inside the strategy's scope."""

    def __init__(self, model: Any, rows: int) -> None:
        import keras

        self._model, self._paths = model, models.layer_paths(model)
        self.variables: dict[str, Any] = {}
        self._counts: dict[str, int] = {}
        # Keras locks a model once it is built; private, and only here.
        model._tracker.unlock()
        with self._watched(self._make):
            model.call(graph.symbolic_inputs(model, rows))
        model._tracker.lock()
        self._keras = keras

    def _make(self, name: str, output: Any) -> None:
        self.variables[name] = self._model.add_weight(
            shape=output.shape,
            dtype=output.dtype,
            initializer="zeros",
            trainable=False,
            name=f"{PREFIX}{len(self.variables)}",
        )

    def _assign(self, name: str, output: Any) -> None:
        import keras

        if name in self.variables:
            self.variables[name].assign(keras.ops.stop_gradient(output))

    @contextmanager
    def fitting(self) -> Iterator[None]:
        """While a step is traced or run: outputs go to their taps."""
        self._model.train_function = None
        with self._watched(self._assign):
            yield
        self._model.train_function = None

    @contextmanager
    def _watched(self, tell: Any) -> Iterator[None]:
        import keras

        call_layer = keras.Layer.__call__

        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if layer is self._model:
                self._counts = {}
            made = call_layer(layer, *args, **kwargs)
            path = self._paths.get(id(layer))
            if path and not isinstance(layer, keras.Model) and _floating(made):
                count = self._counts[path] = self._counts.get(path, 0) + 1
                tell(path if count == 1 else f"{path}#{count}", made)
            return made

        keras.Layer.__call__ = call
        try:
            yield
        finally:
            keras.Layer.__call__ = call_layer
            self._counts = {}


def _floating(value: Any) -> bool:
    import keras

    tensor = isinstance(value, keras.KerasTensor) or keras.ops.is_tensor(value)
    return tensor and "float" in keras.backend.standardize_dtype(value.dtype)
