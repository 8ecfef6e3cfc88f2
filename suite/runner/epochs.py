"""Epochs as users train them: `fit` is called once for each, with rows in an order that is the same on every backend, and
the scenario's callbacks see one training."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from suite.artifacts.store import Store
from suite.plan.batches import Schedule
from suite.records import Scenario, shares
from suite.runner.outcome import Unsupported

Logs = dict[str, float]
Validate = Callable[[], Mapping[str, np.ndarray]]


def callbacks_of(scenario: Scenario, index: int) -> Callable[[], Sequence[Any]] | None:
    """What makes the callbacks of a phase: its own function, or that of the scenario; None if neither has one."""
    own = scenario.phases[index].callbacks if scenario.phases else None
    return own or scenario.callbacks


def _has_callbacks(scenario: Scenario) -> bool:
    """Whether any phase has callbacks."""
    return any(callbacks_of(scenario, index) for index in range(max(1, len(scenario.phases))))


class Callbacks:
    """The callbacks of one phase, made anew for it, over the whole of its training. `history`: what each epoch ended with,
    as `fit` returns it, those of earlier phases first."""

    def __init__(self, model: Any, scenario: Scenario, index: int, history: list[Logs]) -> None:
        import keras

        class Kept(keras.callbacks.Callback):  # type: ignore[misc]
            """The last one, which sees what others add, such as the learning rate."""

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                history.append({name: float(value) for name, value in (logs or {}).items() if np.ndim(value) == 0})

        make = callbacks_of(scenario, index)
        self.model, self.history, self.earlier = model, history, len(history)
        count = scenario.phases[index].epochs if scenario.phases else scenario.epochs
        self.all = keras.callbacks.CallbackList([*(make() if make else ()), Kept()], model=model, epochs=count, verbose=0)

    @property
    def epoch(self) -> int:
        """How many epochs of the phase are over: the number of the next one."""
        return len(self.history) - self.earlier

    def __iter__(self) -> Iterator[Any]:
        return iter(self.all.callbacks)

    def begin(self) -> None:
        self.model.stop_training = False
        self.all.on_train_begin()

    def epoch_ends(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Tells the callbacks what an epoch ended with."""
        self.all.on_epoch_end(epoch, dict(logs))

    def end(self) -> None:
        """Training has ended, the optimizer's part included."""
        self.all.on_train_end(dict(self.history[-1]) if self.history else None)

    def of_one_epoch(self, *, whole: bool) -> Any:
        """A callback for the `fit` of one epoch, which tells the others all but that training begins or ends. `whole`:
        whether the epoch has all its batches; the end of one that is cut is no epoch's end."""
        import keras

        others = self

        class Epoch(keras.callbacks.Callback):  # type: ignore[misc]
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                others.all.on_epoch_begin(epoch, logs)

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                if whole:
                    others.epoch_ends(epoch, logs or {})

        for name in BATCHES:
            setattr(Epoch, name, _passing(self.all, name))
        return Epoch()


BATCHES = (
    "on_train_batch_begin", "on_train_batch_end", "on_test_begin", "on_test_end", "on_test_batch_begin",
    "on_test_batch_end",
)  # fmt: skip


def _passing(callbacks: Any, name: str) -> Any:
    """A method of a callback that tells others."""

    def told(_: Any, *args: Any, **kwargs: Any) -> None:
        getattr(callbacks, name)(*args, **kwargs)

    return told


class Numbers:
    """What is told of a training without callbacks: for the NumPy backend and its oracle. `validate` gives the loss and the
    metrics over the rows to validate on, by name."""

    def __init__(self, schedule: Schedule, validate: Validate) -> None:
        self.schedule, self.validate = schedule, validate
        self.history: list[Logs] = []

    def before(self, step: int) -> None:
        """Nothing is told."""

    def after(self, step: int, losses: Sequence[float]) -> bool:
        """After a step, with the losses of all; it never stops."""
        if step in self.schedule.epochs[: self.schedule.whole]:
            validated = {f"val_{name}": float(value[0]) for name, value in self.validate().items()}
            self.history.append({"loss": float(self.schedule.reported(losses)[-1]), **validated})
        return False

    def end(self) -> None:
        """Nothing is told."""


def refuse(short: int, left: int, devices: int, *, whole: bool) -> None:
    """Refuses an uneven last batch of an epoch (`short` rows; 0 for none) or of validation (`left`) where devices cannot
    share it. `whole`: where arrays are global.

    Raises:
        Unsupported: they cannot.
    """
    for rows, what in ((short, "last batch of an epoch"), (left, "last batch to validate on")):
        if whole and rows % devices:
            raise Unsupported(
                f"JAX shards a batch evenly or not at all (IndivisibleError): a {what} of {rows} rows does not divide by "
                f"{devices} devices"
            )
        if rows and not all(shares(rows, devices)):
            raise Unsupported(f"a {what} of {rows} rows leaves one of {devices} devices without any: backends crash or hang")


def history(epochs: Sequence[Logs], ends: Sequence[int]) -> dict[str, np.ndarray]:
    """The numbers that every epoch has, (epochs,) float64 each, and "step": after which each ended."""
    shared = [name for name in epochs[0] if all(name in one for one in epochs)] if epochs else []
    numbers = {name: np.array([one[name] for one in epochs], np.float64) for name in shared}
    return {**numbers, "step": np.array(ends[: len(epochs)], np.int64)} if numbers else {}


@contextlib.contextmanager
def folder_for_callbacks(store: Store, scenario: Scenario) -> Iterator[None]:
    """While this is entered, the current folder is a new one if the scenario has callbacks: these write files, and many runs
    train at once."""
    if not _has_callbacks(scenario):
        yield
        return
    before = Path.cwd()
    with store.temporary() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
