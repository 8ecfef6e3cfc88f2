"""A variant of a scenario, applied where its model and its data are made: `records.ScenarioVariant` says what is changed.

The other changes of a variant (synchronized statistics, a short last batch) are in its scenario already.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from suite.artifacts.rows import WEIGHT, X, Y, count, flattened, restored
from suite.records import Data, Scenario
from suite.runner import iterables, models
from suite.runner.outcome import Unsupported


def model(scenario: Scenario) -> Any:
    """The scenario's model, as its variant wants it: with different initial weights, or without batch normalization.

    Raises:
        Unsupported: batch normalizations cannot be taken out of it.
    """
    import keras

    variant = scenario.variant
    if variant is not None and variant.seed is not None:
        keras.utils.set_random_seed(variant.seed)
    made = scenario.model()
    return _without_batch_norm(made) if variant is not None and variant.normalization == "none" else made


def data(scenario: Scenario) -> Data:
    """The scenario's rows, in the order that its variant wants."""
    variant = scenario.variant
    made = iterables.arrays_of(scenario.data, scenario)
    if variant is None or variant.order is None:
        return made
    return _reordered(made, variant.order, variant.rows)


def _without_batch_norm(model: Any) -> Any:
    """The same model with an identity for each batch normalization, and the same weights elsewhere.

    Raises:
        Unsupported: the model is subclassed, or hides its batch normalization inside a custom layer.
    """
    import keras

    class Nothing(keras.layers.Layer):  # type: ignore[misc]
        """Takes what a batch normalization takes, as keras.layers.Identity does not: a clone calls it as it was called."""

        def __init__(self, name: str) -> None:
            super().__init__(name=name)
            self.supports_masking = True

        def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
            return inputs

    def same(layer: Any) -> Any:
        if isinstance(layer, keras.layers.BatchNormalization):
            return Nothing(name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    functional = isinstance(model, keras.Sequential) or hasattr(model, "_operations_by_depth")
    if not (functional and model.built):
        raise Unsupported("it cannot do without batch normalization: its model is subclassed, and only its author can")
    clone = keras.models.clone_model(model, clone_function=same, recursive=True)
    if left := models.batch_norm_layers(clone):
        raise Unsupported(f"it cannot do without batch normalization: {left[0].name} is inside a layer of its own")
    values = models.read(models.variables(model))
    wanted = models.variables(clone)
    models.write(wanted, {path: values[path] for path in wanted if path in values})
    return clone


def _reordered(data: Data, order: int, rows: int) -> Data:
    """The same data with the first `rows` rows to train on (0: all) in an order drawn from the seed `order`."""
    trained = {part: flattened(getattr(data, part), part) for part in (X, Y, WEIGHT) if getattr(data, part) is not None}
    total = count(trained[X])
    used = min(rows or total, total)
    index = np.concatenate([np.random.default_rng(order).permutation(used), np.arange(used, total)])
    moved = {part: restored(arrays, part, lambda array: np.asarray(array)[index]) for part, arrays in trained.items()}
    return replace(data, **moved)
