"""The runs of oracles: whole ones, which record what a training run records, and one step from each of several states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Recording
from suite.artifacts.rows import count
from suite.artifacts.store import Store
from suite.plan.batches import Schedule, schedule
from suite.records import SINGLE_STEP, Deviation, Emulation, Job, Run, Scenario, Tensor
from suite.runner import (
    building,
    epochs,
    facts,
    initializers,
    keras_versions,
    memory,
    models,
    optimizers,
    phases,
    precision,
    python_state,
    random_streams,
)
from suite.runner.exact_constants import constants_of
from suite.runner.layer_calls import layer_calls, name_of_call
from suite.runner.operation_calls import calls_of_model
from suite.runner.oracle.emulation import Arrays, Oracle
from suite.runner.oracle.epochs import Epochs, Told
from suite.runner.oracle.gradients import dense
from suite.runner.oracle.programs import Programs, programs_of
from suite.runner.outcome import Unsupported
from suite.runner.phases import Phases
from suite.runner.single_step import starting_states
from suite.runner.single_step.taps import dtype_of, first_of
from suite.runner.strategies import single
from suite.runner.training import inject_faults, scenario_of


def train(job: Job) -> None:
    """Executes the job's runs, all of one scenario, one after another with one model on one device."""
    scenario = scenario_of(job)
    store = Store(job.run_folder)
    precision.adopt("float64", scenario.dtype_policy)
    # The scenario's own constants where a float32 run is looked at, dyadic ones where its float64 run is.
    constants = constants_of(job.precision)
    data, initial = store.inputs(scenario.name).arrays(names.DATA), store.inputs(scenario.name).arrays(names.initial())
    inject_faults(job, single.Drive(), scenario)
    with initializers.drawn_by_numpy():
        model = building.build(scenario, data, constants=constants, seed=job.options.seed)
    building.restore(model, initial)  # first: an optimizer may begin at what it trains
    if kept := memory.keeping(models.layers_of(model)):
        raise Unsupported(f"{kept[0].name} keeps a state from one batch to the next, which none emulates")
    phased = Phases(model=model, scenario=scenario, constants=constants, precision="float64", settled=True)
    phased.begin()
    oracle = Oracle(model, scenario, data)
    random_streams.share(lambda: oracle.executing)
    recorder = _Recorder(job, phased, store, oracle, initial, models.read(optimizers.slots(model)))
    execute(job.runs, recorder.execute)


def execute(runs: Sequence[Run], one: Callable[[Run], None]) -> None:
    """Executes all: one deviation that cannot be emulated must not cost the others.

    Raises:
        Unsupported: the first that was refused, when the others are there.
    """
    refused: Unsupported | None = None
    for run in runs:
        try:
            one(run)
        except Unsupported as error:
            refused = refused or error
    if refused is not None:
        raise refused


class _Recorder:
    """One oracle, and what every run of it starts from."""

    def __init__(
        self, job: Job, phased: Phases, store: Store, oracle: Oracle, initial: Mapping[str, np.ndarray], slots: Arrays
    ) -> None:
        self.job, self.phased, self.store, self.oracle = job, phased, store, oracle
        self.scenario, self.initial, self.slots = phased.scenario, initial, slots
        self.inputs = store.inputs(self.scenario.name).manifest()
        self.schedule = schedule(self.scenario, count(oracle.data), job.options.steps)
        self.programs = programs_of(oracle.model)
        self.in_python = python_state.held(oracle.model)

    def execute(self, run: Run) -> None:
        """One run, from its initial state to a finished artifact."""
        model = self.oracle.model
        manifest = building.started(model, self.job, run, self.inputs, run.configuration.devices)
        recording = self.store.run(run).recording(replace(manifest, roundoff=models.ROUNDOFF["float64"]))
        python_state.put_back(self.in_python)
        with recording as recorded, _emulated(model):
            if run.variation == SINGLE_STEP:  # whose layers' outputs are looked at while it runs
                self.oracle.programs = Programs()
                recorded.tell(calls=self._single_step(run, recorded))
            else:
                self.oracle.programs = self.programs
                with epochs.folder_for_callbacks(self.store, self.scenario):
                    kept, predicted = self._whole(run, recorded)
                recorded.tell(steps=kept, predicted=predicted)
            recorded.tell(facts=facts.gather(model, self.job))

    def _whole(self, run: Run, recorded: Recording) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Every state of training at which a float64 run stores its own, and what is predicted and saved; the steps of
        the states, and of the predictions."""
        emulation, oracle = run.emulates or Emulation(), self.oracle
        self._begin(emulation)
        start = emulation.deviation.initial
        initial = self.initial if start == "stored" else self.store.run(start).arrays(names.step(0))
        slots = optimizers.starting(self.slots, self.initial, initial)
        oracle.start(emulation, run.configuration.devices, initial, slots)
        told = Epochs(oracle, self.schedule) if self.schedule.epochs else None
        kept, predicted, ends = record_training(oracle, self.schedule, recorded, self._keep, told, self._go_on)
        recorded.tell(**phases.manifest(self.phased, ends))
        return kept, predicted

    def _begin(self, emulation: Emulation) -> None:
        """Enters the first phase of the training, as the emulation reads what is trained."""
        if self.scenario.phases:
            self.phased.settled = emulation.deviation.trained == "when compiled"
            self.phased.begin(self._tensors())

    def _go_on(self) -> None:
        """Enters the next one."""
        self.oracle.proceed(lambda: self.phased.reach(self.phased.entered + 1, self._tensors()))

    def _tensors(self) -> tuple[Tensor, ...]:
        return self.inputs.tensors if self.inputs else ()

    def _single_step(self, run: Run, recorded: Recording) -> tuple[str, ...]:
        """One step from each of the trajectory's states, stage by stage: arrays "<stage>|<tensor>"; the layers' calls."""
        trajectory = self.store.run(self.job.trajectory)
        manifest = trajectory.manifest()
        assert manifest is not None
        if optimizers.others(self.oracle.model):
            raise Unsupported("single steps of a model with several optimizers are not compared")
        calls: tuple[str, ...] = ()
        emulation = run.emulates or Emulation()
        self._begin(emulation)
        steps = starting_states.compiled(manifest, self.scenario)
        chosen = starting_states.states(steps, self.schedule.uneven, manifest.phases)
        places = starting_states.by_phase(chosen, manifest.phases)
        for phase, state in ((phase, state) for phase, states in places.items() for state in states):
            self.phased.reach(phase)
            values, slots = starting_states.before(trajectory, state, manifest.tensors)
            self.oracle.start(emulation, run.configuration.devices, values, slots)
            rows = starting_states.batch(state, self.schedule)
            begun = python_state.held(self.oracle.model)
            with outputs_of(self.oracle) as passes:
                loss = self.oracle.step(ordered(rows, self.oracle.deviation.order))
            python_state.put_back(begun)
            calls = tuple(passes[0])
            outputs = {f"forward|{name}": np.concatenate([made[name] for made in passes.values()]) for name in calls}
            recorded.add(names.single_step(state), {**outputs, **self._stages(values, loss)})
        return calls

    def _stages(self, before: Mapping[str, np.ndarray], loss: float | None) -> Arrays:
        """What the last step of the oracle gave, but for the layers' outputs: float64 arrays "<stage>|<tensor>" in the
        shape of the tensor; batch and moving statistics with one more axis in front, the replicas."""
        from keras import ops

        oracle = self.oracle
        after, replicas = oracle.state(), [oracle.state(replica) for replica in range(oracle.replicas)]
        trained = {
            name: variable for name, variable in models.variables(oracle.model).items() if name not in oracle.untrained
        }
        by_variable = {id(variable): name for name, variable in trained.items()}
        stages: Arrays = {} if loss is None else {"loss|loss": np.array([loss])}
        for name, seen in oracle.statistics.items():
            of_groups = np.stack([ops.convert_to_numpy(value) for value in seen.values()])
            stages[f"batch statistics|{name}"] = np.repeat(of_groups, oracle.replicas // oracle.groups, axis=0)
        for variable, value in zip(oracle.model.trainable_variables, oracle.gradients, strict=True):
            gradient = np.zeros(variable.shape) if value is None else ops.convert_to_numpy(dense(value))
            stages[f"gradient|{by_variable[id(variable)]}"] = gradient
        stages |= {f"update|{name}": after[name] - before[name] for name in trained}
        stages |= {f"moving statistics|{name}": np.stack([state[name] for state in replicas]) for name in oracle.untrained}
        slots = models.read(optimizers.slots(oracle.model))
        return stages | {f"optimizer state|{name}": value for name, value in slots.items()}

    def _keep(self, recorded: Recording, step: int) -> None:
        recorded.add(names.step(step), self.oracle.state())
        recorded.add(names.optimizer(step), models.read(optimizers.slots(self.oracle.model)))


@contextmanager
def _emulated(model: Any) -> Iterator[None]:
    """While a model is emulated: a training step of its own may do what only `fit` can.

    Raises:
        Unsupported: it does.
    """
    try:
        with keras_versions.as_in_fit():
            yield
    except Unsupported:
        raise
    except Exception as error:
        if not models.has_own_train_step(model):
            raise
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        words = "the model has a training step of its own, which fails where an oracle takes it"
        raise Unsupported(f"{words} ({reason}): this is not emulated") from error


class Trainable(Protocol):
    """What is trained: the oracle of a Keras model, or that of the NumPy backend."""

    scenario: Scenario
    data: Mapping[str, np.ndarray]
    replicas: int

    @property
    def deviation(self) -> Deviation: ...

    def step(self, rows: np.ndarray) -> float | None: ...

    def finish(self) -> None: ...

    def state(self, replica: int = 0) -> Mapping[str, np.ndarray]: ...

    def predict(self, live: bool) -> tuple[Mapping[str, np.ndarray], np.ndarray]: ...

    def evaluate(self, live: bool) -> Mapping[str, np.ndarray]: ...


def record_training(
    oracle: Trainable,
    schedule: Schedule,
    recorded: Recording,
    keep: Callable[[Recording, int], None],
    told: Told | None = None,
    go_on: Callable[[], None] = lambda: None,
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Trains an oracle that stands at its initial state, and records what a float64 run records: losses, predictions,
    replicas, what is saved, and, with `keep`, its state after some of the steps, 0 among them. Those are returned, the steps
    after which it predicted, and those after which phases ended. `told`: who is told of epochs, and may end a phase early;
    `go_on` enters the next phase."""
    losses: list[float] = []
    stored, predicted = [0], []
    keep(recorded, 0)
    batches = reordered(list(schedule.batches), oracle.deviation.order)
    step = 0
    while step < schedule.steps:
        rows, step = batches[step], step + 1
        if told:
            told.before(step)
        loss = oracle.step(rows) if len(rows) else None  # none where the deviation leaves the step out
        losses += [] if loss is None else [loss]
        if told and told.after(step, losses):
            batches[step : schedule.phase_end(step)] = []
            schedule = told.schedule = schedule.stopped(step)
        ends = step in (*schedule.phases, schedule.steps)
        if ends:
            _end(oracle, told)
        if step in (*schedule.checkpoints(schedule.steps), schedule.uneven):
            keep(recorded, step)
            stored.append(step)
        if step in schedule.segments(schedule.steps):
            found, replica = oracle.predict(live=True)
            recorded.add(names.predictions(step), {**found, "replica": replica})
            predicted.append(step)
        if ends and step < schedule.steps:
            go_on()
    if losses:
        recorded.add(names.LOSSES, {names.LOSSES: schedule.reported(losses)})
    if told and (numbers := epochs.history(told.history, schedule.epochs)):
        recorded.add(names.HISTORY, numbers)
    for index in range(oracle.replicas):
        recorded.add(names.replica(index), oracle.state(index))
    recorded.add(names.SAVED, oracle.state())
    recorded.add(names.SAVED_PREDICTIONS, oracle.predict(live=False)[0])
    _evaluated(oracle, recorded)
    return tuple(stored), tuple(predicted), schedule.phases


def _end(oracle: Trainable, told: Told | None) -> None:
    """The optimizer has its last say, and then who is told."""
    oracle.finish()
    if told:
        told.end()


def _evaluated(oracle: Trainable, recorded: Recording) -> None:
    """Adds what the live model and the file evaluate to, if that can be emulated; else why not."""
    for part, live in ((names.EVALUATION, True), (names.SAVED_EVALUATION, False)):
        try:
            found = oracle.evaluate(live)
        except Exception as error:  # whatever a user's model does here must not cost what is known of it already
            recorded.tell(after_saving=f"{type(error).__name__}: {error}"[:500])
            return
        if found:
            recorded.add(part, found)


@contextmanager
def outputs_of(oracle: Oracle) -> Iterator[dict[int, Arrays]]:
    """While this is entered: of the last pass of each replica, the first output (rows of the pass, ...) of every call of a
    layer, or of an operation that the model itself calls and that returns something for each row, by its name, in the order
    of the calls. No call is inside of a recurrent layer, whose cell runs in a loop."""
    import keras

    paths = models.layer_paths(oracle.model)
    passes: dict[int, Arrays] = {}
    counts: Counter[str] = Counter()
    begun = loops = 0

    def noted(path: str | None, made: Any, operation: bool) -> Any:
        nonlocal begun
        if begun != oracle.passed:
            begun, passes[oracle.entered] = oracle.passed, {}
            counts.clear()
        outputs, first = passes.get(oracle.entered), first_of(made)
        if outputs is None or not path or first is None or loops:
            return made
        counts[path] += 1
        if not operation or tuple(first.shape[:1]) == (oracle.rows,):
            with suppress(Exception):  # what a layer traces inside of it, as for each step of a sequence, holds no numbers
                kept = first if "float" in dtype_of(first) else keras.ops.cast(first, keras.config.floatx())
                outputs[name_of_call(path, counts[path])] = keras.ops.convert_to_numpy(keras.ops.stop_gradient(kept))
        return made

    def called(layer: Any, proceed: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        nonlocal loops
        inside = int(isinstance(layer, keras.layers.RNN))
        loops += inside
        try:
            made = proceed(layer, *args, **kwargs)
        finally:
            loops -= inside
        if isinstance(layer, keras.Model):
            return made
        return noted(paths.get(id(layer)), made, not isinstance(layer, keras.Layer))

    def computed(name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return noted(name, function(*args, **kwargs), True)

    with layer_calls(called), calls_of_model(oracle.model, computed):
        yield passes


def reordered(given: list[np.ndarray], order: str) -> list[np.ndarray]:
    """The batches, a list of row indices (rows of the batch,) each, in one of the orders of `records.Deviation`."""
    if order == "first two swapped":
        return [*given[1::-1], *given[2:]]
    if order == "reversed rows":
        return [ordered(rows, order) for rows in given]
    if order == "first repeated":
        return [given[0], *given[:-1]]
    return [*given[:-1], given[-1][:0]] if order == "last dropped" else given


def ordered(rows: np.ndarray, order: str) -> np.ndarray:
    """The row indices (rows of the batch,) of one batch in this order."""
    return rows[::-1] if order == "reversed rows" else rows
