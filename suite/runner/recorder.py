"""What a run records while `fit` trains: the losses that Keras reports, and the states that are kept."""

from __future__ import annotations

import itertools
import time
from collections.abc import Container
from typing import Any

import numpy as np

from suite.runner import models


def recorder(keep: Container[int], *, resets: bool) -> Any:
    """A callback that collects `losses`, one for each step, and `states` (step -> variables by name) after the steps to
    keep. `resets`: metrics begin anew before every batch, because Keras reports a running mean; else they are as users
    see them."""
    import keras

    class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.losses: list[float] = []
            self.states: dict[int, dict[str, np.ndarray]] = {}
            self.steps = 0
            self.begun = 0
            self.said: list[dict[str, float]] = []  # what Keras reported after each step that it took
            self.ends: list[tuple[int, float]] = []  # after how many steps, and when

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.begun = batch
            if resets:
                self.model.reset_metrics()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            together = batch - self.begun + 1
            if logs and "loss" in logs:  # a training step of the model's own may report anything
                self.losses += [float(logs["loss"])] * together
            self.said.append({name: float(value) for name, value in (logs or {}).items() if np.ndim(value) == 0})
            self.steps += together
            self.ends.append((self.steps, time.monotonic()))
            if self.steps in keep:
                # `self.model` and not `model`: on JAX it brings the variables up to date.
                self.states[self.steps] = models.read(models.variables(self.model))

        def ended(self, step: int) -> None:
            """`fit` has ended. Where fewer steps were made than asked for, the missing ones have no loss and change nothing;
            the last state is the one that `fit` leaves."""
            for index in (*range(self.steps + 1, step), step):
                if index in keep:
                    self.states[index] = models.read(models.variables(self.model))
            self.steps = step

        def seconds(self) -> float:
            """Of the fastest step after the first, so of one that nothing is compiled for; 0 if there is none."""
            pairs = itertools.pairwise(self.ends)
            return min(((ended - began) / (last - first) for (first, began), (last, ended) in pairs), default=0.0)

    return Recorder()
