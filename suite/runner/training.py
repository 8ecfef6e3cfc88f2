"""Trains a configuration in its variations through `model.fit`, as users do, and writes one artifact for each."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from suite.artifacts import names, rows
from suite.artifacts.artifact import Recording
from suite.artifacts.store import Store
from suite.plan import discover
from suite.plan.batches import permuted, schedule, shard
from suite.records import ALTERED, EAGER, JUDGED_STEP, LAYERWISE, PREDICT_MOVES, SINGLE_STEP, Job, Run, Scenario
from suite.runner import (
    after_saving,
    building,
    epochs,
    evaluating,
    facts,
    formats,
    initializers,
    keras_files,
    keras_versions,
    lagging,
    layer_attributes,
    layerwise,
    memory,
    metric_state,
    models,
    optimizers,
    phases,
    precision,
    predicting,
    python_state,
    random_streams,
    rerounding,
)
from suite.runner import recorder as recording
from suite.runner.drive import Drive
from suite.runner.exact_constants import constants_of
from suite.runner.outcome import Unsupported, beside_training
from suite.runner.single_step import passes

Arrays = dict[str, np.ndarray]
EVERY_STATE = ("permuted-float64", "perturbed-float64", f"{EAGER}-float64")  # kinds of runs that keep all, beside plain ones


def scenario_of(job: Job) -> Scenario:
    """The job's scenario, loaded in this process, whose current folder is that of the scenario from now on.

    Raises:
        ValueError: the job has none.
    """
    if job.source is None:
        raise ValueError(f"{job.id} has no scenario source")
    if job.source.kind == "file":
        os.chdir(Path(job.source.location).parent)
    return discover.load_scenario(job.source)


def train(job: Job, drive: Drive) -> None:
    """Executes the job's runs one after another with one model, reset to the stored initial state before each."""
    scenario = scenario_of(job)
    eager = job.runs[0].variation == EAGER
    if eager:
        scenario = replace(scenario, run_eagerly=True)
    store = Store(job.run_folder)
    data, initial = store.inputs(scenario.name).arrays(names.DATA), store.inputs(scenario.name).arrays(names.initial())
    constants = constants_of(job.precision)
    precision.adopt(job.precision, scenario.dtype_policy)
    inject_faults(job, drive, scenario)
    with drive.scope():
        with initializers.drawn_by_numpy():
            model = building.build(scenario, data, constants=constants, seed=job.options.seed, rows=drive.devices)
        building.restore(model, initial)  # first: an optimizer may begin at what it trains
    phased = phases.Phases(
        model=model,
        scenario=scenario,
        constants=constants,
        precision=job.precision,
        scope=drive.scope,
        adapt=lambda: drive.adapt(model, scenario),
    )
    phased.begin()
    start = models.read(optimizers.slots(model))
    if job.precision == "float64":
        random_streams.share(drive.replica)
    if job.runs[0].variation == LAYERWISE:
        layerwise.record(job, phased, store, data)
        return
    if job.runs[0].variation == SINGLE_STEP:
        passes.record(passes.Stepped(job, drive, phased, store, data))
        return
    trainer = _Trainer(job, drive, phased, store, data, initial, start)
    with beside_training("it does not train with run_eagerly=True") if eager else contextlib.nullcontext():
        for run in job.runs:
            trainer.execute(run)


def inject_faults(job: Job, drive: Any, scenario: Scenario) -> None:
    """Injects the fault that the job's runs ask for, if it trains them, and the one that its environment has in this
    scenario. Faults are imported here only: a run without one must not depend on them."""
    asked = job.runs[0].configuration.fault if job.kind == "train" else ""
    for fault in (asked, job.environment.fault_in(scenario.name)):
        if fault:
            from suite.selftest import injection

            injection.inject(fault, job, drive, scenario)


class _Trainer:
    """One compiled model and what every run of it starts from: arrays by name of `data`, of the `initial` variables,
    and of the optimizer's variables at the `start`."""

    def __init__(
        self,
        job: Job,
        drive: Drive,
        phased: phases.Phases,
        store: Store,
        data: Mapping[str, np.ndarray],
        initial: Mapping[str, np.ndarray],
        start: Arrays,
    ) -> None:
        self.job, self.drive, self.phased, self.store = job, drive, phased, store
        self.scenario, self.model = phased.scenario, phased.model
        self.given, self.data, self.initial, self.start = data, data, initial, start
        self.in_python = python_state.held(self.model)
        self.outside = facts.outside(self.model)
        self.counted = metric_state.held(self.model)
        self.built = {name for name, one in optimizers.others(self.model).items() if one.built}
        self.leads = drive.leads
        self.schedule = schedule(self.scenario, rows.count(data), job.options.steps)
        self.inputs = store.inputs(self.scenario.name).manifest()
        self.random_layers = self.inputs.random_layers if self.inputs else ()
        self.tensors = self.inputs.tensors if self.inputs else ()
        self._refuse()

    def _refuse(self) -> None:
        """Refuses batches that cannot be split as they must be.

        Raises:
            Unsupported: there is one.
        """
        devices = self.drive.devices
        short = next((len(batch) for batch in self.schedule.batches if len(batch) % devices), 0)
        if self.random_layers and self.job.precision == "float64" and short:
            raise Unsupported(
                "no float64 run: random numbers belong to places in a batch, and those of an uneven last batch "
                "are not known "
                f"on {devices} devices: give last_batch a multiple of the devices, or leave out the random layers"
            )
        if self.scenario.epochs:
            validated = rows.names_of(self.data, rows.part_of(rows.X, rows.VALIDATION))
            left = rows.count(self.data, validated[0].partition("/")[0]) % self.scenario.batch if validated else 0
            epochs.refuse(short, left, devices, whole=self.drive.global_rows)

    def execute(self, run: Run) -> None:
        """One run, from the initial state to a finished artifact."""
        steps = self._steps(run)
        manifest = building.started(self.model, self.job, run, self.inputs, self.drive.devices)
        with self.store.run(run).recording(manifest, leads=self.leads) as recorded:
            self._reset(run)
            with epochs.folder_for_callbacks(self.store, self.scenario):
                kept, predicted = self._record(run, steps, recorded)
            at_a_time = self.scenario.batch // self.drive.processes
            told = facts.gather(self.model, self.job) | {evaluating.AT_A_TIME: str(at_a_time)} | self.measured
            recorded.tell(steps=kept, predicted=predicted, facts=told, **phases.manifest(self.phased, self.taken.phases))

    def _steps(self, run: Run) -> int:
        whole = self.schedule.steps
        return min(whole, JUDGED_STEP) if run.kind == "permuted" else whole

    def _reset(self, run: Run) -> None:
        import keras

        self.measured = dict(self.outside)
        self.computed = formats.Found()
        self.taken = self.schedule
        moved = python_state.moved(self.in_python)
        if moved:  # the steps of a compiled model hold what was there when they were compiled
            keras_versions.trace_anew()
        # After `compile`, Keras calls the model once before its first step: that draws from torch's own generator.
        drawn = bool(self.random_layers) and keras.backend.backend() == "torch"
        counted = metric_state.kept(self.model, self.counted)
        asks = optimizers.asks(self.model.optimizer)
        if moved or drawn or counted or asks or self.scenario.phases or optimizers.others(self.model):
            self.phased.begin(self.tensors)
            optimizers.renew(self.model, self.built)
            self.counted = metric_state.held(self.model)
        keras.utils.set_random_seed(self.job.options.seed)
        seed, nudged = self.job.options.seed, self._has_places() and run.variation == "permuted"
        self.data = rerounding.inputs(self.given, run, seed) if run.rounds_inputs else self.given
        with self.drive.scope():
            double = self.job.precision == "float64"
            initial = rerounding.nudged(self.initial, run, seed, double) if nudged else self.initial
            if run.variation == "perturbed":
                initial = rerounding.perturbed(self.initial, run, seed)
            if run.variation == "seed":
                initial = self.store.inputs(self.scenario.name).arrays(names.initial(run.index))
            models.write(models.variables(self.model), initial)
            memory.forget(models.layers_of(self.model))
            models.forget_gradients(self.model)
            models.write(optimizers.slots(self.model), optimizers.starting(self.start, self.initial, initial))

    def _record(self, run: Run, steps: int, recorded: Recording) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Trains, and adds what is to be kept; the steps whose states were kept, and those after which it predicted."""
        whole = run.variation == "plain"
        every = whole or run.kind in EVERY_STATE
        keep = self._kept(steps, every)
        recorder = recording.recorder(keep, resets=not self.schedule.epochs)
        recorded.add(names.step(0), models.read(models.variables(self.model)))
        held = layer_attributes.plain(self.model) if whole else {}
        predicted = []
        for done in self._trained(run, steps, recorder):
            keep.update(self._kept(steps, every))  # a phase that stopped early has moved the later ones
            if done in self.taken.segments(self._until(steps)):
                recorder.ended(done)
                predicted.append(done)
                with self._unmoved() as moved:
                    given = predicting.record(recorded, self.model, self.drive, self.data, self.scenario.batch, done)
                self.measured |= {PREDICT_MOVES: ", ".join(moved)} if moved else {}
                self.measured |= formats.facts(self.computed, given)
                if run.variation != "seed":  # of these, what they evaluate to is compared
                    recorded.add(names.optimizer(done), models.read(optimizers.slots(self.model)))
        for step, values in recorder.states.items():
            recorded.add(names.step(step), values)
        self._losses(recorded, recorder.losses)
        self.measured |= layer_attributes.altered(self.model, held) if whole else {}
        self._ended(run, recorded, recorder, predicted[-1])
        return (0, *sorted(recorder.states)), tuple(predicted)

    def _has_places(self) -> bool:
        """Whether rows are not to change places in a batch: random numbers, and states that are kept from one batch to the
        next, would fall on other rows."""
        return bool(self.random_layers or memory.keeping(models.layers_of(self.model)))

    def _unmoved(self) -> contextlib.AbstractContextManager[list[str]]:
        return models.unmoved(self.model, self.drive.scope)

    def _until(self, steps: int) -> int:
        """The last of so many steps: fewer where a callback has stopped a phase."""
        return min(steps, self.taken.steps)

    def _kept(self, steps: int, every: bool) -> set[int]:
        """The steps whose states are kept."""
        last = self._until(steps)
        return {*(self.taken.checkpoints(last) if every else (self.taken.together,)), *self.taken.segments(last)}

    def _trained(self, run: Run, steps: int, recorder: Any) -> Iterator[int]:
        """Trains so many steps, and says after each `fit` how many were made; at the end of a phase when the optimizer and
        the callbacks have had their last say."""
        ordered = replace(run, variation="plain") if self._has_places() else run
        batches = permuted(ordered, self.taken.batches, self.drive.devices, self.job.options.seed)
        done, callbacks, told = 0, None, list[epochs.Logs]()
        while done < self._until(steps):
            if done in (0, *self.taken.phases):
                callbacks = self._begin_phase(done, told)
            end = next(end for end in self.taken.fits(self._until(steps)) if end > done)
            last = end in (*self.taken.phases, self.taken.steps)
            goes_on = contextlib.nullcontext() if last and not callbacks else self._unfinished()
            with self.phased.named(), goes_on, formats.seen(self.model, self.computed):
                self._fit(np.concatenate(batches[done:end]), recorder, callbacks)
            if callbacks and (self.model.stop_training or last):
                self.taken, batches = self.taken.stopped(end), batches[:end] + batches[self.taken.phase_end(end) :]
                self._end_phase(callbacks)
            self.measured |= optimizers.separate(self.model)
            done = end
            yield done
        self.history = epochs.history(told, self.taken.epochs)

    def _unfinished(self) -> contextlib.AbstractContextManager[None]:
        return optimizers.unfinished(self.model.optimizer)

    def _begin_phase(self, done: int, told: list[epochs.Logs]) -> epochs.Callbacks | None:
        """Enters the phase that begins after so many steps, and its callbacks, which add to what is `told`."""
        if done:
            self.phased.reach(self.phased.entered + 1, self.tensors)
        if not self.schedule.epochs:
            return None
        callbacks = epochs.Callbacks(self.model, self.scenario, self.phased.entered, told)
        callbacks.begin()
        return callbacks

    def _end_phase(self, callbacks: epochs.Callbacks) -> None:
        with self.drive.scope():
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
            callbacks.end()

    def _ended(self, run: Run, recorded: Recording, recorder: Any, steps: int) -> None:
        """Adds what a run leaves at its end, beyond its variables."""
        whole = run.variation == "plain"
        every = whole or run.kind in EVERY_STATE
        if self.history:
            recorded.add(names.HISTORY, self.history)
        failed = ""
        self.measured |= memory.facts(models.layers_of(self.model), python_state.unmoved(self.in_python))
        if every:
            self._replicas(recorded)
        if every or run.variation == "seed":
            with self._unmoved():
                failed = self._evaluate(recorded)
            self.measured |= metric_state.facts(self.model, self.counted)
        if whole and (self.leads or self.drive.global_rows):  # saving makes variables, which are of all processes there
            keras_files.save(recorded, self.model)
            failed = failed or after_saving.tell_compiled(recorded, self.model)
            layer_attributes.tell(recorded, self.model)
        if whole and self.random_layers:
            random_streams.record(recorded, self.drive, self.job.options.seed)
        if whole and self.drive.devices == 1:
            if self.job.precision == "float32":
                with self._unmoved():
                    self.measured |= lagging.found(self.model, self.scenario, self.data, self.taken, recorder.said, steps)
            failed = failed or after_saving.record(
                recorded, self.model, self.scenario, self.data, steps, anew=ALTERED in self.measured
            )
        if whole and self.random_layers:
            batch = self.scenario.batch // self.drive.processes
            self.measured |= predicting.facts(self.model, self.data, batch, self._unmoved)
        recorded.tell(after_saving=failed, step_seconds=recorder.seconds())

    def _losses(self, recorded: Recording, losses: Sequence[float]) -> None:
        """The losses of all steps (steps,), float64. The mean of the replicas' means is what training descends, also
        where shares are unequal; TensorFlow reports it, too. An epoch ends with the loss that `fit` returns, by rows."""
        parts = self.drive.gather(names.LOSSES, {names.LOSSES: np.asarray(losses, np.float64)})
        steps = min((len(part[names.LOSSES]) for part in parts), default=0)
        if steps:
            taken = np.stack([part[names.LOSSES][:steps] for part in parts])
            weights = self.taken.counted(steps, self.drive.processes) if self.taken.epochs else np.ones_like(taken)
            found = np.average(taken, axis=0, weights=weights)
            if self.history and self.drive.processes == 1:  # after an uneven batch, MirroredStrategy shows another mean
                found[self.history["step"] - 1] = self.history["loss"]
            recorded.add(names.LOSSES, {names.LOSSES: found})

    def _shard(self, rows: np.ndarray) -> np.ndarray:
        return shard(rows, self.scenario.batch, self.drive.processes, self.drive.rank)

    def _fit(self, rows: np.ndarray, recorder: Any, callbacks: epochs.Callbacks | None) -> None:
        end = recorder.steps + -(-len(rows) // self.scenario.batch)
        whole = end in self.taken.epochs[: self.taken.whole]
        others = [callbacks.of_one_epoch(whole=whole)] if callbacks else []
        first = callbacks.epoch if callbacks else 0
        with memory.explained(models.layers_of(self.model)):
            self.model.fit(
                **models.training(self.data, self._shard(rows)),
                batch_size=self.scenario.batch // self.drive.processes,
                initial_epoch=first,
                epochs=first + 1,
                shuffle=False,
                verbose=0,
                callbacks=[recorder, *others],
                validation_data=self._validation() if callbacks and whole else None,
            )

    def _validation(self) -> tuple[Any, ...] | None:
        """The rows to validate on, as `fit` takes them: each process has its shard of every batch."""
        part = rows.part_of(rows.X, rows.VALIDATION)
        if not rows.names_of(self.data, part):
            return None
        mine = self._shard(np.arange(rows.count(self.data, part)))
        return tuple(models.training(self.data, mine, rows.VALIDATION).values())

    def _evaluate(self, recorded: Recording) -> str:
        """Adds what the live model evaluates to, each process on its shard of each batch. Why that is not there; else
        empty."""
        total = rows.count(self.data, rows.part_of(rows.X, rows.EVALUATE))
        batch = self.scenario.batch // self.drive.processes
        return evaluating.record(recorded, self.model, self.data, self._shard(np.arange(total)), batch)

    def _replicas(self, recorded: Recording) -> None:
        states = self.drive.states(models.variables(self.model))
        for local, state in enumerate(states):
            parts = self.drive.gather(names.replica(local), state)
            for rank, part in enumerate(parts):
                recorded.add(names.replica(max(local, rank)), part)
