"""Models, targets and losses as people have them, one scenario each: made by `scenario(kind)`, for files that hold one
SCENARIO. Each must train in every variation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from suite.records import Data, Scenario

ROWS, TRAINED = 96, 64
Made = dict[str, Any]  # what a kind changes of the scenario


def rows(*shape: int, seed: int = 5) -> Any:
    return np.random.default_rng(seed).normal(size=(ROWS, *shape)).astype(np.float32)


X, Z = rows(6), rows(3, seed=6)
FIRST, SECOND = np.tanh(X[:TRAINED, :2]), X[:TRAINED, 2:3] ** 2
WEIGHT = np.random.default_rng(7).uniform(0.5, 2.0, TRAINED).astype(np.float32)


def simple(y: Any = FIRST, **parts: Any) -> Callable[[], Data]:
    return lambda: Data(**{"x": X[:TRAINED], "y": y, "predict": X[TRAINED:], **parts})


def chain(*layers: Any, outputs: int = 2) -> Any:
    import keras

    return keras.Sequential([keras.Input((6,)), *layers, keras.layers.Dense(outputs, name="output")], name="chain")


def body() -> tuple[Any, Any]:
    """An input, and a batch-normalized layer behind it."""
    import keras

    inputs = keras.Input((6,), name="features")
    hidden = keras.layers.Dense(8, use_bias=False, name="hidden")(inputs)
    return inputs, keras.layers.Activation("tanh", name="tanh")(keras.layers.BatchNormalization(name="norm")(hidden))


# ---------------------------------------------------------------- structures


def targets_in_a_dict() -> Made:
    def model() -> Any:
        import keras

        inputs, hidden = body()
        made = {name: keras.layers.Dense(units, name=name)(hidden) for name, units in (("first", 2), ("second", 1))}
        return keras.Model(inputs, made, name="two")

    return {
        "model": model,
        "data": simple({"second": SECOND, "first": FIRST}, sample_weight={"first": WEIGHT, "second": WEIGHT**2}),
        "loss": {"first": "mse", "second": "mae"},
    }


def inputs_in_a_list() -> Made:
    def model() -> Any:
        import keras

        first, second = keras.Input((6,), name="a"), keras.Input((3,), name="b")
        hidden = keras.layers.Dense(8, activation="tanh", name="hidden")(keras.layers.Concatenate()([first, second]))
        return keras.Model([first, second], [keras.layers.Dense(units, name=f"out{units}")(hidden) for units in (2, 1)])

    data = Data(x=[X[:TRAINED], Z[:TRAINED]], y=[FIRST, SECOND], predict=[X[TRAINED:], Z[TRAINED:]])
    return {"model": model, "data": lambda: data, "loss": ["mse", "mae"]}


def inputs_in_a_tuple() -> Made:
    """A subclassed model sees the structure as it is; its call knows no `training`."""

    def model() -> Any:
        import keras

        class Pair(keras.Model):  # type: ignore[misc]
            def __init__(self, **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.both, self.out = keras.layers.Dense(8, name="both"), keras.layers.Dense(2, name="out")

            def call(self, pair: Any) -> Any:
                features, (others,) = pair
                return self.out(keras.ops.tanh(self.both(keras.ops.concatenate([features, others["z"]], axis=-1))))

        keras.saving.register_keras_serializable("kinds")(Pair)
        return Pair(name="pair")

    x, predict = ((X[part], [{"z": Z[part]}]) for part in (slice(0, TRAINED), slice(TRAINED, ROWS)))
    return {"model": model, "data": simple(x=x, predict=predict), "loss": "mse"}


def weighted_rows() -> Made:
    return {"model": lambda: chain(), "data": simple(sample_weight=WEIGHT), "loss": "mae", "last_batch": 6}


def no_targets() -> Made:
    """The model makes its loss itself."""

    def model() -> Any:
        import keras

        class Distance(keras.layers.Layer):  # type: ignore[misc]
            def call(self, pair: Any) -> Any:
                original, made = pair
                self.add_loss(keras.ops.mean(keras.ops.square(original - made)))
                return made

        keras.saving.register_keras_serializable("kinds")(Distance)
        inputs, hidden = body()
        return keras.Model(inputs, Distance(name="distance")([inputs, keras.layers.Dense(6, name="back")(hidden)]))

    return {"model": model, "data": simple(None), "loss": lambda: None}


# ---------------------------------------------------------------- what is trained


def frozen() -> Made:
    def model() -> Any:
        import keras

        made = chain(keras.layers.Dense(5, name="hidden"), keras.layers.BatchNormalization(name="norm"))
        made.trainable = False
        return made

    return {"model": model}


def frozen_in_part() -> Made:
    def model() -> Any:
        import keras

        made = chain(keras.layers.Dense(5, name="hidden"), keras.layers.BatchNormalization(name="norm"))
        for layer in made.layers[:2]:
            layer.trainable = False
        return made

    return {"model": model}


def unused_layer() -> Made:
    def model() -> Any:
        import keras

        class Spare(keras.Model):  # type: ignore[misc]
            def __init__(self, **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.used, self.unused = keras.layers.Dense(2, name="used"), keras.layers.Dense(3, name="unused")

            def build(self, shape: Any) -> None:
                self.used.build(shape)
                self.unused.build(shape)
                self.built = True

            def call(self, x: Any) -> Any:
                return self.used(x)

        keras.saving.register_keras_serializable("kinds")(Spare)
        return Spare(name="spare")

    return {"model": model}


def only_in_a_loss() -> Made:
    """A layer whose weights reach no output: they are trained by a loss that it adds."""

    def model() -> Any:
        import keras

        class Side(keras.layers.Layer):  # type: ignore[misc]
            def __init__(self, **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.side = keras.layers.Dense(1, name="side")

            def build(self, shape: Any) -> None:
                self.side.build(shape)

            def call(self, x: Any) -> Any:
                self.add_loss(keras.ops.mean(keras.ops.square(self.side(x) - 1.0)))
                return x

        keras.saving.register_keras_serializable("kinds")(Side)
        return chain(Side(name="aside"))

    return {"model": model}


# ---------------------------------------------------------------- layers and models


def random_without_seeds() -> Made:
    def model() -> Any:
        import keras

        layers = keras.layers
        return chain(layers.GaussianNoise(0.1), layers.Dense(8, name="hidden"), layers.Dropout(0.3))

    return {"model": model}


def lambdas() -> Made:
    def model() -> Any:
        import keras

        return chain(keras.layers.Lambda(lambda x: x * 0.3), keras.layers.Dense(5, name="hidden"))

    return {"model": model}


def nested_and_shared() -> Made:
    def model() -> Any:
        import keras

        inner = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6, activation="tanh", name="dense")], name="inner")
        inputs = keras.Input((6,))
        dense = keras.layers.Dense(6, name="dense")
        hidden = keras.layers.Add()([inner(dense(inputs)), dense(inner(inputs))])
        return keras.Model(inputs, keras.layers.Dense(2, name="output")(hidden), name="outer")

    return {"model": model}


def one_filter() -> Made:
    def model() -> Any:
        import keras

        layers = keras.layers
        return keras.Sequential(
            [
                keras.Input((6, 6, 1)),
                layers.Conv2D(3, 3, padding="same", activation="tanh", name="in"),
                layers.Conv2DTranspose(1, 3, strides=2, padding="same", name="up"),
                layers.Conv2D(1, 3, strides=2, padding="same", name="out"),
            ]
        )

    images = rows(6, 6, 1)
    return {"model": model, "data": simple(images[:TRAINED], x=images[:TRAINED], predict=images[TRAINED:])}


def channels_first() -> Made:
    return _channels_first(4)


def channels_first_as_wide() -> Made:
    """As many filters as its rows are wide: Keras (3.15) takes the bias for channels_last on TensorFlow."""
    return _channels_first(6)


def _channels_first(filters: int) -> Made:
    def model() -> Any:
        import keras

        layers, first = keras.layers, {"data_format": "channels_first"}
        return keras.Sequential(
            [
                keras.Input((2, 6, 6)),
                layers.Conv2D(filters, 3, padding="same", activation="tanh", name="conv", **first),
                layers.AveragePooling2D(2, **first),
                layers.Conv2DTranspose(2, 3, strides=2, padding="same", name="up", **first),
                layers.BatchNormalization(axis=1, name="norm"),
                layers.GlobalAveragePooling2D(name="mean", **first),
                layers.Dense(2, name="out"),
            ]
        )

    images = rows(2, 6, 6)
    return {"model": model, "data": simple(x=images[:TRAINED], predict=images[TRAINED:])}


def unknown_class() -> Made:
    """Nothing registers its layer, and the scenario does not name it."""

    def model() -> Any:
        import keras

        class Doubled(keras.layers.Layer):  # type: ignore[misc]
            def call(self, x: Any) -> Any:
                return 2 * x

        return chain(Doubled(name="doubled"))

    return {"model": model}


def _metric(register: bool) -> Made:
    """A metric that `metrics()` defines."""

    def model() -> Any:
        import keras

        return chain(keras.layers.Dense(8, activation="relu", name="hidden"))

    def metrics() -> list[Any]:
        import keras

        class Near(keras.metrics.MeanMetricWrapper):  # type: ignore[misc]
            def __init__(self, name: str = "near", **kwargs: Any) -> None:
                super().__init__(lambda y, made: keras.ops.cast(keras.ops.abs(y - made) < 0.5, "float32"), name, **kwargs)

            def get_config(self) -> dict[str, Any]:
                return {"name": self.name}

        return [keras.saving.register_keras_serializable("kinds")(Near)() if register else Near()]

    return {"model": model, "metrics": metrics, "data": simple(evaluate=(X[TRAINED:], FIRST[: ROWS - TRAINED]))}


def registered_metric() -> Made:
    return _metric(register=True)


def unknown_metric() -> Made:
    """Nothing registers its metric, and the scenario does not name it: its file loads only without being compiled."""
    return _metric(register=False)


def not_a_number() -> Made:
    def model() -> Any:
        import keras

        return chain(keras.layers.Dense(8, activation="relu", name="hidden"))

    def optimizer() -> Any:
        import keras

        return keras.optimizers.SGD(1e25)

    return {"model": model, "optimizer": optimizer}


def train_step_of_its_own() -> Made:
    """And a loss of its own, which it scales."""

    def model() -> Any:
        import keras

        class Scaled(keras.Model):  # type: ignore[misc]
            def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
                return 0.25 * super().compute_loss(*args, **kwargs)

            def train_step(self, *args: Any, **kwargs: Any) -> Any:
                return super().train_step(*args, **kwargs)

        keras.saving.register_keras_serializable("kinds")(Scaled)
        inputs, hidden = body()
        return Scaled(inputs, keras.layers.Dense(2, name="output")(hidden), name="scaled")

    return {"model": model}


KINDS: tuple[Callable[[], Made], ...] = (
    targets_in_a_dict, inputs_in_a_list, inputs_in_a_tuple, weighted_rows, no_targets, frozen, frozen_in_part, unused_layer,
    only_in_a_loss, random_without_seeds, lambdas, nested_and_shared, one_filter, channels_first, channels_first_as_wide,
    unknown_class, registered_metric, unknown_metric, not_a_number, train_step_of_its_own,
)  # fmt: skip


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.125, momentum=0.5)


def scenario(kind: str) -> Scenario:
    made = next(one for one in KINDS if one.__name__ == kind)()
    given = {"data": simple(), "optimizer": optimizer, "loss": "mse", "outputs": "values", "batch": 16, "steps": 5, **made}
    return Scenario(name=kind.replace("_", "-"), description=kind, **given)
