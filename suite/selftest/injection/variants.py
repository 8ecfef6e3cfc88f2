"""What is injected like a fault and is none: other ways to compute the same."""

from __future__ import annotations

from typing import Any

from suite.runner import building
from suite.selftest.injection import batch_norm
from suite.selftest.injection.site import Injection, Site


def _threads(site: Site) -> None:
    """Two threads reduce in a different order than one."""
    if site.backend == "torch":
        import torch

        torch.set_num_threads(2)
    elif site.backend == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(2)


def _functional(site: Site) -> None:
    """The layers of a Sequential model, called one after another."""
    build = building.build

    def built(*args: Any, **kwargs: Any) -> Any:
        import keras

        sequential = build(*args, **kwargs)
        inputs = outputs = keras.Input(sequential.input_shape[1:])
        for layer in sequential.layers:
            outputs = layer(outputs)
        return keras.Model(inputs, outputs, name=sequential.name)

    building.build = built


INJECTIONS: dict[str, Injection] = {
    "variant-layer": lambda site: batch_norm.inject(batch_norm.Wrong(by_formula=True)),
    "variant-functional": _functional,
    "variant-threads": _threads,
}
