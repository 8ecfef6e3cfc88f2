"""One training step on one device that computes what several devices are declared to: the heart of every oracle.

Each replica is run in turn on its rows of the batch with its own copy of everything that is not trained, so whatever a layer
keeps or computes per replica is emulated, not only batch normalization. Where statistics are declared global, there is one
forward pass over the whole batch, and only the loss is split. Batch normalization is computed from its formula
(`batch_norm`), the gradient is reduced here, and the update is Keras's own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from suite.artifacts.rows import EVALUATE
from suite.records import Deviation, Emulation, Scenario, Semantics, shares
from suite.runner import models, optimizers
from suite.runner.oracle import batch_norm, evaluation, own_steps, passing, predicting, update
from suite.runner.oracle.gradients import changed, total
from suite.runner.oracle.programs import Programs
from suite.runner.oracle.scaled_losses import one_of
from suite.runner.oracle.update import Handed, Updated

Arrays = dict[str, np.ndarray]
_Whole = tuple[Arrays, Arrays]  # all variables of a replica, and the slots of its optimizer


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What a pass is over: row indices (rows of the pass,). `sizes`: of the consecutive parts whose losses are taken one by
    one."""

    replica: int
    rows: np.ndarray
    sizes: list[int]


@final
class Oracle:
    """A compiled float64 model that steps and predicts as `emulation` says, in place of so many `replicas`."""

    def __init__(self, model: Any, scenario: Scenario, data: Mapping[str, np.ndarray]) -> None:
        self.model, self.scenario, self.data = model, scenario, data
        self.emulation, self.replicas = Emulation(), 1
        self.executing: Any = 0  # the replica whose rows are computed now; while JAX compiles a program, its placeholder
        self.programs = Programs()
        self.entered, self.passed = 0, 0  # the replica of the last pass, and how many passes the last step has begun
        self.rows = 0  # of the last pass
        # Of the last step: moving variable -> replica -> what its layer has computed in its last call.
        self.statistics: dict[str, dict[int, Any]] = {}
        self.gradients: list[Any] = []  # of the last step, reduced, as the optimizer received them; None: of no variable
        self._steps_itself = models.has_own_train_step(model)
        self._variables = models.variables(model)
        self._names = {id(variable): name for name, variable in self._variables.items()}
        if self._steps_itself:
            own_steps.prepare(model, models.training(data, slice(0, 1)))
        for layer in models.batch_norm_layers(model):
            batch_norm.replace(layer, lambda: self.deviation, self._seen)

    @property
    def deviation(self) -> Deviation:
        return self.emulation.deviation

    @property
    def semantics(self) -> Semantics:
        return self.deviation.semantics or self.emulation.semantics

    @property
    def groups(self) -> int:
        """How many forward passes a step takes: one where batch statistics are global."""
        return self.replicas if self.semantics.batch_statistics == "per replica" else 1

    @property
    def shares(self) -> bool:
        """Whether replicas' losses and gradients are added up, as parts of one mean or of one sum."""
        return bool(self.semantics.gradients == "sum of replica shares")

    def scaled(self) -> contextlib.AbstractContextManager[None]:
        """While this is entered, losses are the parts of one mean, if the strategy takes them so."""
        return one_of(self.replicas, undivided=self.deviation.undivided) if self.shares else contextlib.nullcontext()

    @property
    def untrained(self) -> dict[str, Any]:
        """Variables that each replica has for itself: all that the optimizer does not move."""
        trained = {id(variable) for variable in self.model.trainable_variables}
        return {name: variable for name, variable in self._variables.items() if id(variable) not in trained}

    def start(
        self, emulation: Emulation, replicas: int, state: Mapping[str, np.ndarray], slots: Mapping[str, np.ndarray]
    ) -> None:
        """From here on `emulation` of so many replicas, all from this state: variables and optimizer slots by name."""
        self.emulation, self.replicas = emulation, replicas
        models.write(self._variables, state)
        models.write(optimizers.slots(self.model), slots)
        own = models.read(self.untrained)
        self.states: list[Arrays] = [own] * self.replicas
        self._gathered: dict[tuple[int, int], list[Any]] = {}  # replica that passes, update of a step -> gradients so far
        # Where replicas exchange nothing, each has all variables and slots for itself.
        self._whole: list[_Whole] = []
        if emulation.deviation.reduction == "none":
            self._whole = [(dict(state), dict(slots))] * replicas
        self._exchanged: dict[int, Any] = {}  # identity of a trained variable -> what replicas have agreed on for this step

    def proceed(self, enter: Callable[[], None]) -> None:
        """Goes on after `enter` has changed what is trained, or the optimizer: each replica keeps what it has for itself,
        and what was given other values has these on all."""
        optimizer, every = self.model.optimizer, [self.state(replica) for replica in range(self.replicas)]
        models.write(self._variables, every[0])
        enter()
        after = models.read(self._variables)
        changed = {name: value for name, value in after.items() if not np.array_equal(value, every[0][name], equal_nan=True)}
        self.states = [{name: (state | changed)[name] for name in self.untrained} for state in every]
        if self._whole:
            renewed = models.read(optimizers.slots(self.model))
            kept = self.model.optimizer is optimizer
            self._whole = [
                (state | changed, slots if kept else renewed) for state, (_, slots) in zip(every, self._whole, strict=True)
            ]

    def shards(self, rows: np.ndarray) -> list[np.ndarray]:
        """The row indices of each replica, contiguous, dealt as strategies deal them."""
        if self.deviation.shards == "strided":
            return [rows[replica :: self.replicas] for replica in range(self.replicas)]
        parts = np.split(rows, np.cumsum(shares(len(rows), self.replicas))[:-1])
        return [parts[0]] * self.replicas if self.deviation.shards == "first repeated" else parts

    # -- a step

    def step(self, rows: np.ndarray) -> float | None:
        """One training step on the global batch of these row indices (rows of the batch,); the loss as the strategy
        reports it, None where a step of the model's own reports none."""
        self.statistics, self.passed = {}, 0
        shards = self.shards(rows)
        if self._whole:
            return self._apart(shards)
        whole = np.concatenate(shards)
        split = [len(shard) for shard in shards] if self.semantics.gradients != "global batch" else [len(whole)]
        each = [_Part(replica=replica, rows=rows, sizes=[len(rows)]) for replica, rows in enumerate(shards)]
        passes = self._passes(each if self.groups > 1 else [_Part(replica=0, rows=whole, sizes=split)])
        self._exchange()
        reported = self._reported(passes, shards)
        return None if reported is None else self.deviation.reported_loss * reported

    def _passes(self, parts: Sequence[_Part]) -> list[passing.Pass]:
        """The passes of a step, and the updates that follow from them. A training step of the model's own is taken anew once
        an update is known, until it hands over no more: what it does between updates and after them is done then."""
        states, several = list(self.states), self._steps_itself or len(parts) > 1
        before = update.updated(self.model) if several else None
        updates: list[Updated] = []
        handed: list[Handed] = []
        while True:
            passes = self._round(parts, states, before, updates)
            given = [one.handed for one in passes if one.handed is not None]
            if given:
                place = parts[0].replica, len(handed)
                handed.append(self._update(given, [one.counted for one in passes], place))
            if not given or not self._steps_itself:
                self.gradients = update.in_order(self.model, handed)
                return passes
            updates.append(update.updated(self.model))

    def _round(
        self, parts: Sequence[_Part], states: Sequence[Arrays], before: Updated | None, updates: Sequence[Updated]
    ) -> list[passing.Pass]:
        """One pass over each part, from the states that replicas have for themselves, and from `before`, where there are
        several. What the first pass makes of this is kept."""
        passes, left = list[passing.Pass](), list[Updated]()
        for part in parts:
            if before is not None:
                update.restore(self.model, before)
            self.passed += 1
            self.executing = self.entered = part.replica
            self.rows = len(part.rows)
            models.write(self.untrained, states[part.replica])
            if self._steps_itself:
                passes.append(passing.by_own_step(self, part.rows, part.sizes, updates))
            else:
                passes.append(passing.by_keras(self, part.rows, part.sizes))
            self._leave(part.replica)
            if before is not None:
                left.append(update.updated(self.model))
        if left:
            update.restore(self.model, left[0])
        return passes

    def _update(self, given: Sequence[Handed], counts: Sequence[float], place: tuple[int, int]) -> Handed:
        """Updates what these gradients of replicas are of. Returns them as the optimizer received them."""
        gradients, first = [one.gradients for one in given], given[0]
        clipped = self._reduced(update.clipped(first.optimizer, gradients, self.deviation), counts)
        if self.deviation.accumulated:
            before = self._gathered.get(place, clipped)
            clipped = clipped if before is clipped else [total(both) for both in zip(before, clipped, strict=True)]
            self._gathered[place] = clipped
        if self._exchanged:
            pairs = zip(first.variables, clipped, strict=True)
            clipped = [self._exchanged.get(id(variable), own) for variable, own in pairs]
        received = self.deviation.accumulated or self._exchanged or self.deviation.clipping == "per replica, received"
        update.apply(self.model, replace(first, gradients=clipped), self.deviation, self.programs)
        return replace(first, gradients=clipped if received else self._reduced(gradients, counts))

    def _reported(self, passes: Sequence[passing.Pass], shards: Sequence[np.ndarray]) -> float | None:
        """The loss that the strategy reports, from its passes."""
        losses = [one.loss for one in passes if one.loss is not None]
        if not losses:
            return None
        if self.scenario.epochs and self._by_replica(len(losses)):  # counted by rows, as the mean over an epoch is
            scale = self.replicas if self.shares else 1
            of_replicas = losses if len(losses) > 1 else passes[0].parts
            return float(np.average(np.multiply(of_replicas, scale), weights=[len(shard) for shard in shards]))
        if self.shares:
            return float(np.sum(losses))
        whole = self.semantics.gradients == "global batch"
        return float(np.average(losses, weights=[one.counted for one in passes] if whole else None))

    def _by_replica(self, passes: int) -> bool:
        return passes > 1 or (self.replicas > 1 and self.semantics.gradients != "global batch")

    def _apart(self, shards: Sequence[np.ndarray]) -> float | None:
        """Every replica trains by itself, with the mean of the gradients that they do exchange; the first one's gradient is
        what the leader's optimizer received."""
        slots, losses, received, after = optimizers.slots(self.model), list[float](), list[list[Any]](), list[_Whole]()
        self._exchanged = {}
        if self.deviation.local:
            self._exchanged = self._mean([self._alone(*each)[1] for each in enumerate(shards)])
        for each in enumerate(shards):
            made, gradients = self._alone(*each)
            after.append((models.read(self._variables), models.read(slots)))
            losses += [] if made.loss is None else [made.loss]
            received.append(gradients)
        self._whole, self.gradients = after, received[0]
        models.write(slots, self._whole[0][1])
        return float(np.mean(losses)) if losses else None

    def _alone(self, replica: int, rows: np.ndarray) -> tuple[passing.Pass, list[Any]]:
        """One step of a replica that trains by itself, from its own state; its pass, and its gradients as the optimizer
        received them."""
        models.write(self._variables, self._whole[replica][0])
        models.write(optimizers.slots(self.model), self._whole[replica][1])
        self.states[replica] = models.read(self.untrained)
        made = self._passes([_Part(replica=replica, rows=rows, sizes=[len(rows)])])[0]
        return made, self.gradients

    def _mean(self, gradients: Sequence[Sequence[Any]]) -> dict[int, Any]:
        """Identity of a trained variable -> the mean of these gradients of replicas; without those that stay local."""
        local = {id(self._variables[name]) for name in self.deviation.local}
        exchanged = {}
        for variable, parts in zip(self.model.trainable_variables, zip(*gradients, strict=True), strict=True):
            if id(variable) not in local and (added := total(parts)) is not None:
                exchanged[id(variable)] = changed(added, lambda value: value / len(gradients))
        return exchanged

    def _leave(self, replica: int) -> None:
        state = models.read(self.untrained)
        if self.groups == 1:
            self.states = [state] * self.replicas
        else:
            self.states = [state if index == replica else other for index, other in enumerate(self.states)]

    def _reduced(self, gradients: Sequence[Sequence[Any]], counts: Sequence[float]) -> list[Any]:
        return update.reduced(gradients, counts, self.semantics, self.deviation)

    def _exchange(self) -> None:
        """What replicas tell each other of their moving statistics after a step."""
        if self.groups == 1:
            return
        if self.semantics.moving_statistics == "first replica":
            self.states = [self.states[0]] * self.replicas
        elif self.semantics.moving_statistics in ("averaged", "global"):
            self.states = [averaged(self.states)] * self.replicas

    def _seen(self, layer: Any, mean: Any, variance: Any) -> None:
        import keras

        for variable, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            value = keras.ops.stop_gradient(value)
            if isinstance(value, keras.KerasTensor):
                return
            self.statistics.setdefault(self._names[id(variable)], {})[self.entered] = value

    # -- what is left

    def finish(self) -> None:
        """Training has ended, and the optimizer has its last say: it may replace variables by their averages."""
        optimizer, trained = self.model.optimizer, self.model.trainable_variables
        if not self._whole:
            optimizer.finalize_variable_values(trained)
            return
        slots = optimizers.slots(self.model)
        for replica, (values, of_replica) in enumerate(self._whole):
            models.write(self._variables, values)
            models.write(slots, of_replica)
            optimizer.finalize_variable_values(trained)
            self._whole[replica] = models.read(self._variables), of_replica
        models.write(slots, self._whole[0][1])

    def state(self, replica: int = 0) -> Arrays:
        """All variables by name as this replica has them, float64."""
        if self._whole:
            return self._whole[replica][0]
        models.write(self.untrained, self.states[replica])
        return models.read(self._variables)

    def predict(self, live: bool) -> tuple[Arrays, np.ndarray]:
        """Predictions of the live model or of the file by output, (rows, ...), float64, and which replica made each
        row, int32 (rows,)."""
        return predicting.predict(self, live)

    def evaluate(self, live: bool, purpose: str = EVALUATE) -> Arrays:
        """The loss and every metric over the rows for this purpose, name -> float64 (numbers of the metric,): those of the
        live model as the strategy gives them, of the file as one device does. Empty where the model evaluates itself."""
        return evaluation.evaluate(self, live, purpose)

    def become(self, replica: int, live: bool, own: bool, *, evaluating: bool = False) -> None:
        """Has the state with which this replica predicts or evaluates, `own` or the first one's: of the live model or of the
        file."""
        if self._whole:
            models.write(self._variables, self._whole[replica if live else 0][0])
        else:
            predicts = self._predicts(evaluating)
            state = self.states[replica if own and predicts != "first replica" else 0]
            models.write(self.untrained, averaged(self.states) if predicts == "averaged statistics" else state)

    def predicts_as_training(self, live: bool, *, evaluating: bool = False) -> bool:
        return live and self._predicts(evaluating) == "training"

    def _predicts(self, evaluating: bool) -> str:
        as_declared = evaluating and self.deviation.evaluates == "as declared"
        return "inference" if as_declared else self.deviation.predicts


def averaged(states: Sequence[Arrays]) -> Arrays:
    """The mean over replicas of what is floating point; the first replica's of everything else."""
    return {
        name: np.mean([state[name] for state in states], axis=0) if value.dtype.kind == "f" else value
        for name, value in states[0].items()
    }
