"""Epochs of an oracle: the scenario's callbacks are told what `fit` would tell them, as far as it is emulated.

That is the loss of each batch and epoch, and the loss and every metric over the rows to validate on. Metrics over the rows
that are trained on are not emulated. A callback that watches one, or that sets what each replica has for itself, has no
oracle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from suite.artifacts import rows
from suite.plan.batches import Schedule
from suite.runner import epochs, models
from suite.runner.oracle.emulation import Oracle
from suite.runner.outcome import Unsupported


class Told(Protocol):
    """What is told of a training, step after step, and `history`: the numbers of each epoch."""

    history: list[epochs.Logs]
    schedule: Schedule

    def before(self, step: int) -> None: ...

    def after(self, step: int, losses: Sequence[float]) -> bool: ...

    def end(self) -> None: ...


class Epochs:
    """The callbacks of an oracle's scenario, phase after phase. `schedule`: what is trained, without what a callback has
    left out of a phase."""

    def __init__(self, oracle: Oracle, schedule: Schedule) -> None:
        self.oracle, self.schedule = oracle, schedule
        self.history: list[epochs.Logs] = []
        self.callbacks: epochs.Callbacks

    def before(self, step: int) -> None:
        """Before a training step: the first of a phase, the first of an epoch, any other."""
        if step - 1 in (0, *self.schedule.phases):
            index = sum(end < step for end in self.schedule.phases)
            self.callbacks = epochs.Callbacks(self.oracle.model, self.oracle.scenario, index, self.history)
            self.callbacks.begin()
        first = self._first(step)
        if step == first:
            self.callbacks.all.on_epoch_begin(self.callbacks.epoch)
        self.callbacks.all.on_train_batch_begin(step - first)

    def after(self, step: int, losses: Sequence[float]) -> bool:
        """After a step, with the losses of all; whether training stops here.

        Raises:
            Unsupported: a callback watches or sets what is not emulated.
        """
        first = self._first(step)
        # A training step of the model's own may report no loss.
        reported = {"loss": float(self.schedule.reported(losses)[-1])} if losses else {}
        self.callbacks.all.on_train_batch_end(step - first, dict(reported))
        if step in self.schedule.epochs[: self.schedule.whole]:
            logs = {**reported, **self._validated()}
            self._watched(logs)
            with _Own(self.oracle):
                self.callbacks.epoch_ends(self.callbacks.epoch, logs)
        return bool(self.oracle.model.stop_training)

    def end(self) -> None:
        """Training has ended, the optimizer's part included."""
        with _Own(self.oracle):
            self.callbacks.end()

    def _first(self, step: int) -> int:
        """The first step of the epoch of a step."""
        return max((end for end in self.schedule.epochs if end < step), default=0) + 1

    def _validated(self) -> epochs.Logs:
        if not rows.names_of(self.oracle.data, rows.part_of(rows.X, rows.VALIDATION)):
            return {}
        found = self.oracle.evaluate(live=True, purpose=rows.VALIDATION)
        return {f"val_{name}": float(value[0]) for name, value in found.items() if len(value) == 1}

    def _watched(self, logs: epochs.Logs) -> None:
        for callback in self.callbacks:
            watched = getattr(callback, "monitor", None)
            if isinstance(watched, str) and watched not in logs:
                raise Unsupported(
                    f"no oracle: {type(callback).__name__} watches {watched}, which is not emulated: it is unchecked"
                )


class _Own:
    """While this is entered, the model has the state of the first replica, and what is changed is every replica's."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle

    def __enter__(self) -> None:
        oracle = self.oracle
        models.write(oracle.untrained, oracle.states[0])
        self.before = models.read(oracle.untrained)

    def __exit__(self, *failed: object) -> None:
        oracle, after = self.oracle, models.read(self.oracle.untrained)
        if failed[0] is not None or all(np.array_equal(after[name], value) for name, value in self.before.items()):
            return
        if oracle.groups > 1:
            raise Unsupported("no oracle: a callback sets statistics that each replica has for itself: it is unchecked")
        oracle.states = [after] * oracle.replicas
