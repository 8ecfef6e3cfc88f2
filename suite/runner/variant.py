"""A scenario with one thing changed: its batch normalization, its last batch, the order of its rows, its initial weights.

Called by the modules that `suite.explain.claims` writes into a run folder, so a variant is a scenario like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from suite.plan import discover
from suite.records import Data, Scenario, Source
from suite.runner import models
from suite.runner.outcome import Unsupported


def vary(
    source: Source,
    *,
    name: str,
    description: str,
    normalization: str,
    last_batch: int = 0,
    order: int | None = None,
    rows: int = 0,
    seed: int | None = None,
) -> Scenario:
    """The scenario of `source`, varied.

    `normalization`: "per replica" (as each strategy does it), "synchronized" or "none" (the layers do nothing). `order`: the
    seed of another order of the first `rows` rows, those that a run uses. `seed`: of other initial weights.
    """
    base = discover.load_scenario(source)

    def model() -> Any:
        return _model(base, without=normalization == "none", seed=seed)

    def data() -> Data:
        return base.data() if order is None else _reordered(base.data(), order, rows)

    synchronized = normalization == "synchronized"
    return replace(
        base,
        name=name,
        description=description,
        model=model,
        data=data,
        synchronized=synchronized,
        last_batch=last_batch,
    )


def _model(base: Scenario, *, without: bool, seed: int | None) -> Any:
    import keras

    if seed is not None:
        keras.utils.set_random_seed(seed)
    model = base.model()
    return _without_batch_norm(model, base.name) if without else model


def _without_batch_norm(model: Any, name: str) -> Any:
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
        raise Unsupported(f"{name} cannot do without batch normalization: its model is subclassed, and only its author can")
    clone = keras.models.clone_model(model, clone_function=same, recursive=True)
    if left := models.batch_norm_layers(clone):
        raise Unsupported(f"{name} cannot do without batch normalization: {left[0].name} is inside a layer of its own")
    values = models.read(models.variables(model))
    wanted = models.variables(clone)
    models.write(wanted, {path: values[path] for path in wanted if path in values})
    return clone


def _reordered(data: Data, order: int, rows: int) -> Data:
    used = min(rows or len(data.y), len(data.y))
    index = np.concatenate([np.random.default_rng(order).permutation(used), np.arange(used, len(data.y))])
    x = {name: value[index] for name, value in data.x.items()} if isinstance(data.x, Mapping) else data.x[index]
    return replace(data, x=x, y=data.y[index])
