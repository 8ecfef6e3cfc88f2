"""The model of the article that asks the question: does it train to the same weights everywhere, and survive saving?"""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(128, activation="relu", name="hidden"),
            keras.layers.BatchNormalization(name="norm"),
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
    name="article-mlp",
    description="784-128-BN-10 with Adam, on digits: the model that the question is asked about",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
)
