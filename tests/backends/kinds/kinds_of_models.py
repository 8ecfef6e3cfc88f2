"""Kinds of models that an oracle must emulate, one scenario each: made by `scenario(kind)`, for files that hold one
SCENARIO."""

from __future__ import annotations

from typing import Any

from suite.records import Data, Scenario

ROWS, FEATURES, CLASSES = 96, 12, 4


def data() -> Data:
    import numpy as np

    random = np.random.default_rng(5)
    y = random.integers(0, CLASSES, ROWS).astype(np.int32)
    x = (random.normal(size=(CLASSES, FEATURES))[y] + random.normal(size=(ROWS, FEATURES))).astype(np.float32)
    return Data(x=x[:64], y=y[:64], predict=x[64:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.125, momentum=0.5)


def subclassed() -> Any:
    import keras

    class Subclassed(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(name="subclassed")
            self.first = keras.layers.Dense(8, name="first")
            self.norm = keras.layers.BatchNormalization(name="norm")
            self.second = keras.layers.Dense(CLASSES, activation="softmax", name="second")

        def call(self, x: Any, training: bool = False) -> Any:
            return self.second(keras.ops.relu(self.norm(self.first(x), training=training)))

    keras.saving.register_keras_serializable(package="kinds")(Subclassed)
    return Subclassed()


def told_its_shape() -> Any:
    """A subclassed model that is called built, while its layers are not."""
    model = subclassed()
    model.build((None, FEATURES))
    return model


def nested() -> Any:
    import keras

    inner = keras.Sequential(
        [keras.Input((8,)), keras.layers.BatchNormalization(name="norm"), keras.layers.ReLU(name="relu")], name="inner"
    )
    outer = keras.Input((FEATURES,))
    hidden = inner(keras.layers.Dense(8, name="first")(outer))
    hidden = keras.layers.BatchNormalization(center=False, scale=False, name="plain")(hidden)
    return keras.Model(outer, keras.layers.Dense(CLASSES, activation="softmax", name="second")(hidden))


def shared() -> Any:
    import keras

    outer = keras.Input((FEATURES,))
    dense, norm = keras.layers.Dense(FEATURES, name="dense"), keras.layers.BatchNormalization(name="norm")
    hidden = norm(keras.layers.ReLU(name="relu")(norm(dense(outer))))
    return keras.Model(outer, keras.layers.Dense(CLASSES, activation="softmax", name="second")(hidden))


def renorm() -> Any:
    import keras

    norm = keras.layers.BatchNormalization(
        renorm=True,
        renorm_clipping={"rmax": 2.0, "rmin": 0.5, "dmax": 1.0},
        renorm_momentum=0.875,
        momentum=0.75,
        name="norm",
    )
    return _sequential(keras.layers.Dense(8, name="first"), norm)


def axis() -> Any:
    """Channels first, as many as are left: batch normalization over axis 1 of three."""
    import keras

    return _sequential(
        keras.layers.Reshape((3, 4), name="reshape"),
        keras.layers.BatchNormalization(axis=1, name="norm"),
        keras.layers.Flatten(name="flatten"),
    )


def penalized() -> Any:
    """Penalties of weights and activities: they count once, whatever the number of replicas."""
    import keras

    return _sequential(
        keras.layers.Dense(8, kernel_regularizer=keras.regularizers.L2(0.0625), activity_regularizer="l2", name="first"),
        keras.layers.BatchNormalization(gamma_regularizer="l2", name="norm"),
    )


def subclass_of_the_layer() -> Any:
    """A different class with the same semantics gives the same result."""
    import keras

    class Renamed(keras.layers.BatchNormalization):  # type: ignore[misc]
        def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
            return super().call(inputs, training=training, mask=mask)

    keras.saving.register_keras_serializable(package="kinds")(Renamed)
    return _sequential(keras.layers.Dense(8, name="first"), Renamed(name="norm"))


def _sequential(*layers: Any) -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((FEATURES,)),
            *layers,
            keras.layers.ReLU(name="relu"),
            keras.layers.Dense(CLASSES, activation="softmax", name="second"),
        ]
    )


KINDS = (subclassed, told_its_shape, nested, shared, renorm, axis, penalized, subclass_of_the_layer)


def scenario(kind: str) -> Scenario:
    model = next(one for one in KINDS if one.__name__ == kind)
    return Scenario(
        name=f"kind-{kind.replace('_', '-')}",
        description=kind,
        model=model,
        data=data,
        optimizer=optimizer,
        loss="sparse_categorical_crossentropy",
        batch=16,
        steps=5,
    )
