"""A published architecture: depthwise convolutions, relu6 and 52 batch normalizations in a row.

Two steps: each makes rounding a hundred times larger, in float64 too, and what that reaches can be told from nothing.
"""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    network = keras.applications.MobileNetV2(input_shape=(32, 32, 3), alpha=0.35, weights=None, classes=10)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.5  # with the default of 0.999, a few steps leave every prediction the same
    return network


def data() -> Data:
    from scenarios._digits import images, split

    rows, labels, predict = split(*images(32, channels=3), rows=320, predict=64)
    return Data(x=rows, y=labels, predict=predict)


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.01, momentum=0.9)


SCENARIO = Scenario(
    name="mobilenet-v2",
    description="keras.applications.MobileNetV2 (alpha 0.35, 32 x 32 x 3) from scratch",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=2,
)
