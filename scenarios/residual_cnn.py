"""What people train: residual blocks, momentum, weight decay and a schedule. Biases before BN have zero gradient here."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def _block(x: Any, filters: int, stride: int, name: str) -> Any:
    import keras

    layers = keras.layers
    short = x
    for index, step in enumerate((stride, 1)):
        x = layers.Conv2D(filters, 3, strides=step, padding="same", name=f"{name}_conv{index}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm{index}")(x)
        if index == 0:
            x = layers.ReLU(name=f"{name}_relu{index}")(x)
    if stride > 1:
        short = layers.Conv2D(filters, 1, strides=stride, name=f"{name}_project")(short)
        short = layers.BatchNormalization(momentum=0.9, name=f"{name}_project_norm")(short)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, short]))


def model() -> Any:
    import keras

    inputs = keras.Input((16, 16, 1), name="image")
    x = keras.layers.Conv2D(8, 3, padding="same", name="stem_conv")(inputs)
    x = keras.layers.ReLU(name="stem_relu")(keras.layers.BatchNormalization(momentum=0.9, name="stem_norm")(x))
    x = _block(x, 8, 1, "block1")
    x = _block(x, 16, 2, "block2")
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax", name="output")(x), name="resnet")


def data() -> Data:
    from scenarios._digits import images, split

    rows, labels, predict = split(*images(16))
    return Data(x=rows, y=labels, predict=predict)


def optimizer() -> Any:
    import keras

    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([8, 16], [0.05, 0.02, 0.005])
    return keras.optimizers.SGD(schedule, momentum=0.9, weight_decay=1e-4)


SCENARIO = Scenario(
    name="residual-cnn",
    description="a small ResNet, SGD with momentum, weight decay and a learning-rate schedule",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
)
