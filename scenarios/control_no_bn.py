"""The control: article-mlp without batch normalization. What differs there and not here, batch normalization causes."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(128, activation="relu", name="hidden"),
            keras.layers.Dense(10, activation="softmax", name="output"),
        ],
        name="mlp",
    )


def data() -> Data:
    from scenarios._digits import images, split

    x, y = images(28)
    rows, labels, predict = split(x.reshape(len(x), -1), y)
    return Data(x=rows, y=labels, predict=predict)


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam()


SCENARIO = Scenario(
    name="control-no-bn",
    description="784-128-10 with Adam: article-mlp without batch normalization, the control",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
)
