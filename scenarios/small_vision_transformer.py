"""A small vision transformer: patches, positions, attention with a residual around it, and a mean over patches."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario

PATCHES, WIDTH = 16, 16


def model() -> Any:
    import keras

    class Positions(keras.layers.Layer):  # type: ignore[misc]
        """Adds a learned vector to each patch."""

        def build(self, shape: Any) -> None:
            self.positions = self.add_weight(shape=(1, *shape[1:]), initializer="random_normal", name="positions")

        def call(self, patches: Any) -> Any:
            return patches + self.positions

    keras.saving.register_keras_serializable("scenarios")(Positions)
    images = keras.Input((16, 16, 1), name="images")
    x = keras.layers.Conv2D(WIDTH, 4, strides=4, name="patches")(images)
    x = Positions(name="positions")(keras.layers.Reshape((PATCHES, WIDTH), name="sequence")(x))
    normal = keras.layers.LayerNormalization(name="before_attention")(x)
    x = keras.layers.Add(name="attended")([x, keras.layers.MultiHeadAttention(2, 8, name="attention")(normal, normal)])
    inner = keras.layers.LayerNormalization(name="before_dense")(x)
    inner = keras.layers.Dense(2 * WIDTH, activation="gelu", name="wide")(inner)
    x = keras.layers.Add(name="transformed")([x, keras.layers.Dense(WIDTH, name="narrow")(inner)])
    x = keras.layers.GlobalAveragePooling1D(name="mean")(x)
    return keras.Model(images, keras.layers.Dense(10, name="output")(x), name="transformer")


def data() -> Data:
    from scenarios._digits import images, split

    rows, labels, predict = split(*images(16))
    return Data(x=rows, y=labels, predict=predict)


def optimizer() -> Any:
    import keras

    return keras.optimizers.AdamW(0.003, weight_decay=0.01)


def loss() -> Any:
    import keras

    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


SCENARIO = Scenario(
    name="small-vision-transformer",
    description="Patches, learned positions, attention and a dense block with residuals; AdamW",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=loss,
    metrics=["accuracy"],
    outputs="logits",
)
