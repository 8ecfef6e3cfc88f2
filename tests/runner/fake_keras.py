"""As much of Keras as names of optimizer variables need: variables with paths, and optimizers that keep lists of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np


class Variable:
    def __init__(self, path: str, value: Any = 0.0) -> None:
        self.path, self.name, self._value = path, path.rpartition("/")[2], np.array(value)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    def numpy(self) -> np.ndarray:
        return self._value

    def assign(self, value: Any) -> None:
        self._value = np.array(value)


class Optimizer:
    """`trained`: the variables that it was built for. Slots are added as attributes."""

    def __init__(self, name: str, trained: list[Variable]) -> None:
        self._trainable_variables = trained
        self._iterations, self._learning_rate = Variable(f"{name}/iteration"), Variable(f"{name}/learning_rate", 0.1)
        self._variables = [self._iterations, self._learning_rate]

    def keep(self, attribute: str, slots: list[Variable | None]) -> None:
        setattr(self, attribute, slots)
        self._variables += [one for one in slots if one is not None]


class LearningRateSchedule:
    pass


class Model:
    """A model whose variables have the names of its layers."""

    def __init__(self, variables: list[Variable], optimizer: Optimizer) -> None:
        self.variables, self.optimizer = variables, optimizer
        self._trainable_variables: list[Variable] = []
        self._non_trainable_variables: list[Variable] = []
        self._seed_generators: list[Any] = []
        self._layers: list[Any] = []


KERAS = SimpleNamespace(
    Variable=Variable,
    optimizers=SimpleNamespace(Optimizer=Optimizer, schedules=SimpleNamespace(LearningRateSchedule=LearningRateSchedule)),
)
