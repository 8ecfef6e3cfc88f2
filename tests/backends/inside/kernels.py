"""What replaces missing float64 kernels, against the ordinary kernel in float32. Writes distances to the file that is given.

python -m tests.backends.inside.kernels FILE
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from suite.artifacts import arrays
from suite.runner import precision
from suite.runner.oracle.gradients import value_and_gradients

Case = tuple[str, tuple[int, ...], Callable[[], Any]]


def cases() -> Iterator[Case]:
    """Name, shape of a row, and the layer: what fails without replacements on TensorFlow or torch."""
    import keras

    made = keras.layers
    for layout in ("channels_last", "channels_first"):
        for dimensions, (channels, filters) in product((1, 2, 3), ((4, 1), (1, 4))):
            spatial = (7,) * dimensions
            shape = (*spatial, channels) if layout == "channels_last" else (channels, *spatial)
            options = {"strides": 2, "data_format": layout, "padding": "same", "use_bias": False}
            for kind in ("Conv{}D", "Conv{}DTranspose"):
                layer = getattr(made, kind.format(dimensions))
                yield f"{layer.__name__} {layout} {channels}-{filters}", shape, partial(layer, filters, 3, **options)
        shape = (7, 6, 5, 2) if layout == "channels_last" else (2, 7, 6, 5)
        for layer, padding in product((made.MaxPooling3D, made.AveragePooling3D), ("valid", "same")):
            options = {"padding": padding, "data_format": layout}
            yield f"{layer.__name__} {padding} {layout}", shape, partial(layer, (2, 3, 2), strides=(1, 2, 3), **options)


def outputs(shape: tuple[int, ...], make: Callable[[], Any], dtype: str) -> list[np.ndarray]:
    """The layer's output, and what it passes back to its input and to its kernel."""
    import keras

    layer = make()
    inputs = keras.Variable(np.random.default_rng(1).normal(size=(2, *shape)), dtype=dtype)
    made = layer(inputs.value)
    for index, variable in enumerate(layer.trainable_variables):
        variable.assign(np.random.default_rng(index).normal(size=variable.shape))
    weights = np.random.default_rng(2).normal(size=tuple(made.shape))
    watched = [inputs, *layer.trainable_variables]
    *_, gradients = value_and_gradients(
        lambda _: (keras.ops.sum(layer(inputs.value) * keras.ops.cast(weights, dtype)), None), None, watched, []
    )
    return [np.asarray(keras.ops.convert_to_numpy(one), np.float64) for one in (layer(inputs.value), *gradients)]


def main(file: str) -> None:
    """Distances (outputs and gradients,), relative, by case."""
    ordinary = {name: outputs(shape, make, "float32") for name, shape, make in cases()}
    precision.adopt("float64", "float32")
    found = {}
    for name, shape, make in cases():
        replaced = outputs(shape, make, "float64")
        pairs = zip(replaced, ordinary[name], strict=True)
        found[name] = np.array([np.abs(one - other).max() / max(np.abs(other).max(), 1e-3) for one, other in pairs])
    arrays.write(Path(file), found)


if __name__ == "__main__":
    main(sys.argv[1])
