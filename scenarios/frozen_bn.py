"""Fine-tuning with batch normalization frozen: it must use its moving statistics and leave them alone, on any number of
devices."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    norm = keras.layers.BatchNormalization(
        moving_mean_initializer=keras.initializers.RandomNormal(stddev=0.1, seed=3),
        moving_variance_initializer=keras.initializers.RandomUniform(0.5, 1.5, seed=4),
        name="norm",
    )
    norm.trainable = False
    return keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(64, activation="relu", name="hidden"),
            norm,
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
    name="frozen-bn",
    description="fine-tuning with BN frozen (trainable=False): moving statistics are used and must not move",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
)
