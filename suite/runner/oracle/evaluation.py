"""What an oracle evaluates to, step by step: as several replicas do, each on its rows of every batch, or as one device."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from suite.runner import evaluating, keras_versions
from suite.runner.evaluating import Arrays


def evaluates_itself(model: Any) -> bool:
    """Whether its class brings an evaluation step in place of Keras's, which no oracle emulates."""
    return any("test_step" in vars(kind) for kind in type(model).__mro__ if not kind.__module__.startswith("keras."))


def begin(model: Any) -> None:
    """Forgets what metrics have counted before."""
    model.reset_metrics()


def add(model: Any, given: dict[str, Any], *, training: bool, scale: float) -> None:
    """Counts some rows, given as `evaluate` takes them. `training`: whether the model predicts as in training; `scale`: by
    what the loss is multiplied."""
    given = _tensors(given)
    with _untaped():
        predicted = model(given["x"], training=training)
        loss = keras_versions.compute_loss(model, training=False, **given, y_pred=predicted)
        size = len(keras_versions.tree().flatten(given["x"])[0])
        model._loss_tracker.update_state(scale * loss, sample_weight=size)  # private: as Keras's own step counts it
        model.compute_metrics(given["x"], given["y"], predicted, sample_weight=given.get("sample_weight"))


def _tensors(given: dict[str, Any]) -> dict[str, Any]:
    """The arrays as tensors, as `evaluate` hands them to losses and metrics: a user's own may compute with operators, which
    not every backend has for an array and a tensor."""
    import keras

    def tensor(value: Any) -> Any:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
            return value
        return keras.ops.convert_to_tensor(value, dtype=keras.config.floatx() if value.dtype.kind == "f" else None)

    return {name: keras_versions.tree().map_structure(tensor, value) for name, value in given.items()}


def result(model: Any) -> Arrays:
    """What was counted, as `evaluate` gives it: name -> float64 (numbers of the metric,)."""
    import keras

    found = keras_versions.tree().map_structure(keras.ops.convert_to_numpy, model.get_metrics_result())
    return evaluating.numbers(found)


def _untaped() -> AbstractContextManager[Any]:
    """While this is entered, nothing is recorded for a gradient."""
    import keras

    if keras.backend.backend() != "torch":
        return nullcontext()
    import torch

    return torch.no_grad()  # type: ignore[no-any-return]
