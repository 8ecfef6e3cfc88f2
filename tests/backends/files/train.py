"""A user's script, as far as a check needs it: functions that build models, and a layer that no file can hold."""

from __future__ import annotations

from typing import Any

import keras


class Twice(keras.layers.Layer):  # type: ignore[misc]
    def call(self, x: Any) -> Any:
        return 2 * x


def build_model() -> Any:
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, activation="relu"), keras.layers.Dense(2)])


def with_own_layer() -> Any:
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), Twice(name="double"), keras.layers.Dense(2)])


def objects() -> dict[str, Any]:
    return {"Twice": Twice}
