"""Fine-tuning as people do it: pre-train, freeze the body and train the head on, then train all of it with a small rate."""

from __future__ import annotations

from typing import Any

from suite import Data, Phase, Scenario


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv"),
            keras.layers.BatchNormalization(momentum=0.9, name="norm"),
            keras.layers.Activation("relu", name="relu"),
            keras.layers.AveragePooling2D(2, name="pool"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(10, activation="softmax", name="head"),
        ],
        name="tuned",
    )


def data() -> Data:
    from scenarios._digits import images

    pixels, labels = images(8)
    return Data(x=pixels[:640], y=labels[:640], validation=(pixels[640:896], labels[640:896]))


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


def gentle_optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.001, momentum=0.9)


def callbacks() -> list[Any]:
    import keras

    return [
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=0, min_delta=0.2),
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=1, min_delta=0.2),
    ]


def freeze(model: Any) -> None:
    for name in ("conv", "norm"):
        model.get_layer(name).trainable = False


def unfreeze(model: Any) -> None:
    for name in ("conv", "norm"):
        model.get_layer(name).trainable = True


SCENARIO = Scenario(
    name="fine-tuning-in-phases",
    description="Pre-train a CNN, freeze its body and train on with callbacks, then train all of it with a small rate",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
    shuffle=True,
    phases=(
        Phase(epochs=2),
        Phase(prepare=freeze, epochs=4, callbacks=callbacks),
        Phase(prepare=unfreeze, optimizer=gentle_optimizer, epochs=1),
    ),
)
