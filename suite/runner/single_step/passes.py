"""The single-step comparison of a strategy: three passes over the common states, through `model.fit`, with one model.

The production step gives loss, update, moving statistics and optimizer state. A step with the optimizer SGD(1, momentum 0.5)
and batch normalization momentum 0 gives the gradient (its slots are the negative one) and the batch statistics (they become
the moving ones), whatever the strategy does between the two. The production step once more, with taps, gives the layers'
outputs; it is accepted only if it leaves the weights that the untapped one left. It comes last: nothing else sees the taps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suite.artifacts import names
from suite.artifacts.rows import count
from suite.artifacts.store import Store
from suite.plan.batches import schedule
from suite.records import Job, Status, TensorGroup, shares
from suite.runner import building, facts, models, optimizers, python_state
from suite.runner.exact_constants import constants_of
from suite.runner.outcome import Unsupported
from suite.runner.phases import Phases
from suite.runner.single_step import starting_states
from suite.runner.single_step.taps import Taps

Arrays = dict[str, np.ndarray]

FLOAT64_LIMIT = 1e-13  # taps may change which kernels are fused; three decades below what is called a difference


@dataclass(kw_only=True)
class State:
    """One state to start from, and what the passes have found there.

    `values`, `slots`: variables of the model and of the optimizer by name. `rows` (rows of the batch,): indices of the
    batch that follows. `after`: the model's variables as the production step leaves them. `stages`: arrays
    "<stage>|<tensor>" in the shape and dtype of the tensor; batch and moving statistics with one more axis in front,
    the replicas; layers' outputs (rows, ...).
    """

    name: str
    values: Mapping[str, np.ndarray]
    slots: Mapping[str, np.ndarray]
    rows: np.ndarray
    after: Arrays = field(default_factory=dict)
    stages: Arrays = field(default_factory=dict)


class Stepped:
    """A built and compiled model that takes single steps."""

    def __init__(self, job: Job, drive: Any, phased: Phases, store: Store, data: Mapping[str, np.ndarray]) -> None:
        self.job, self.drive, self.phased, self.store, self.data = job, drive, phased, store, data
        self.scenario, self.model = phased.scenario, phased.model
        self.variables = models.variables(self.model)
        self.inputs = store.inputs(self.scenario.name).manifest()
        self.tensors = self.inputs.tensors if self.inputs else ()
        self.batch_norms = self.inputs.batch_norms if self.inputs else ()
        self.taps: Taps | None = None
        if optimizers.others(self.model):  # they are built as training goes on, and would all have to be put aside
            raise Unsupported("single steps of a model with several optimizers are not compared")
        self.enter(0)

    def enter(self, phase: int) -> None:
        """Goes on to a phase of the training; from the first to the first, or to a later one."""
        self.phased.reach(phase)
        trained = {id(variable) for variable in self.model.trainable_variables}
        self.trained = [name for name, variable in self.variables.items() if id(variable) in trained]
        self.untrained = {name: variable for name, variable in self.variables.items() if id(variable) not in trained}
        self.fresh = models.read(optimizers.slots(self.model))  # as the phase starts

    def states(self) -> dict[int, list[State]]:
        """Every state to start from, by its phase.

        Raises:
            ValueError: the trajectory is not complete, or holds no state with its optimizer.
        """
        trajectory = self.store.run(self.job.trajectory)
        manifest = trajectory.manifest() if self.job.trajectory else None
        complete = manifest is not None and manifest.status is Status.COMPLETE
        trained = schedule(self.scenario, count(self.data), self.job.options.steps)
        chosen: tuple[str, ...] = ()
        if manifest and complete:
            steps = starting_states.compiled(manifest, self.scenario)
            chosen = starting_states.states(steps, trained.uneven, manifest.phases)
        if not chosen or manifest is None:
            given = self.job.trajectory or "no run"
            raise ValueError(
                f"single-step comparison was given {given} to start from, and needs a complete run that stored its optimizer"
            )
        made = {}
        for name in chosen:
            values, slots = starting_states.before(trajectory, name, self.tensors)
            rows = starting_states.batch(name, trained)
            made[name] = State(name=name, values=values, slots=slots, rows=rows)
        found = starting_states.by_phase(chosen, manifest.phases)
        return {phase: [made[name] for name in of_phase] for phase, of_phase in found.items()}

    def step(self, state: State, slots: Mapping[str, np.ndarray]) -> float | None:
        """One step from the state, through fit; the loss that it reports, over all processes (in the leader). None where a
        training step of the model's own reports none."""
        import keras

        losses: list[Any] = []  # of the batch: what an epoch reports is weighted by rows
        keras.utils.set_random_seed(self.job.options.seed)
        with self.drive.scope():
            models.write(self.variables, state.values)
            state_of_optimizer = optimizers.slots(self.model)
            models.write(state_of_optimizer, self._wrapped(state_of_optimizer, slots))
        mine = np.split(state.rows, np.cumsum(shares(len(state.rows), self.drive.processes))[:-1])[self.drive.rank]
        as_built = _as_built(self.model) if len(state.rows) < self.scenario.batch else nullcontext()
        with as_built, optimizers.unfinished(self.model.optimizer):
            models.forget_gradients(self.model)
            begun = python_state.held(self.model)
            self.model.fit(
                **models.training(self.data, mine),
                batch_size=self.scenario.batch // self.drive.processes,
                epochs=1,
                shuffle=False,
                verbose=0,
                callbacks=[
                    keras.callbacks.LambdaCallback(
                        on_train_batch_end=lambda batch, logs: losses.append((logs or {}).get("loss"))
                    )
                ],
            )
            python_state.put_back(begun)
        if losses[-1] is None:
            return None
        parts = self.drive.gather(f"loss-{state.name}", {"loss": np.array([float(losses[-1])], np.float64)})
        # The mean over an epoch counts rows.
        weights = shares(len(state.rows), len(parts)) if self.scenario.epochs and parts else None
        return float(np.average([part["loss"].item() for part in parts], weights=weights)) if parts else 0.0

    def _wrapped(self, wanted: Mapping[str, Any], slots: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The slots, and what an optimizer that wraps another keeps for itself, as training starts: the trajectory has no
        such wrapper where a float16 run scales its loss and a float64 run does not."""
        own = {name for name in wanted if optimizers.of_a_wrapper(name)} & self.fresh.keys()
        return {name: self.fresh[name] for name in own} | dict(slots)

    def replicated(self, name: str, variables: Mapping[str, Any]) -> dict[str, list[np.ndarray]]:
        """Each variable's value on every replica, by name; empty in all processes but the leader."""
        gathered = [self.drive.gather(f"{name}-{index}", local) for index, local in enumerate(self.drive.states(variables))]
        everyone = [part for parts in gathered for part in parts]
        return {path: [part[path] for part in everyone] for path in variables} if everyone else {}


@contextmanager
def _as_built(model: Any) -> Iterator[None]:
    """Keras (3.15) builds a model again under MirroredStrategy, from the mean of the replicas' first batches, which fails
    where these have different numbers of rows. This one was built by a full batch."""
    model.__dict__["_maybe_symbolic_build"] = lambda *args, **kwargs: None
    try:
        yield
    finally:
        del model.__dict__["_maybe_symbolic_build"]


def record(stepped: Stepped) -> None:
    """Executes the job's one run and writes its artifact."""
    (run,) = stepped.job.runs
    manifest = building.started(stepped.model, stepped.job, run, stepped.inputs, stepped.drive.devices)
    with stepped.store.run(run).recording(manifest, leads=stepped.drive.leads) as recorded:
        by_phase = stepped.states()
        for phase, states in by_phase.items():
            stepped.enter(phase)
            for state in states:
                _produce(stepped, state)
            with _probing(stepped):
                _probe(stepped, states)
        calls, refused = _tap_all(stepped, by_phase)
        every = [state for states in by_phase.values() for state in states]
        for state in every:
            recorded.add(names.single_step(state.name), state.stages)
        said = {"states": ", ".join(state.name for state in every)} | ({"probe": refused} if refused else {})
        recorded.tell(calls=calls, facts=facts.gather(stepped.model, stepped.job) | said)


def _produce(stepped: Stepped, state: State) -> None:
    """The step as it trains."""
    loss = stepped.step(state, state.slots)
    state.after = models.read(stepped.variables)
    moving = stepped.replicated(f"moving-{state.name}", stepped.untrained)
    start = {name: np.asarray(state.values[name], state.after[name].dtype) for name in stepped.trained}
    state.stages |= {} if loss is None else {"loss|loss": np.array([loss])}
    state.stages |= {f"update|{name}": state.after[name] - value for name, value in start.items()}
    state.stages |= {f"moving statistics|{name}": _plain(np.stack(values)) for name, values in moving.items()}
    slots = models.read(optimizers.slots(stepped.model))
    state.stages |= {f"optimizer state|{name}": value for name, value in slots.items()}


def _plain(value: np.ndarray) -> np.ndarray:
    """Integers as int64: backends keep counters and seeds in integers of different widths."""
    return value.astype(np.int64) if value.dtype.kind in "iu" else value


# ---------------------------------------------------------------- gradients and batch statistics


@contextmanager
def _probing(stepped: Stepped) -> Iterator[None]:
    """The model with the probe's optimizer and without memory in its batch normalizations, and back."""
    model, norms = stepped.model, models.batch_norm_layers(stepped.model)
    momenta, optimizer = [layer.momentum for layer in norms], model.optimizer
    with stepped.drive.scope():
        for layer in norms:
            layer.momentum = 0.0
        building.compile_probe(model, stepped.scenario, constants=constants_of(stepped.job.precision))
    yield
    with stepped.drive.scope():
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
        arguments = building.compile_arguments(stepped.scenario, constants_of(stepped.job.precision))
        model.compile(optimizer=optimizer, **arguments)


def _probe(stepped: Stepped, states: list[State]) -> None:
    """The gradient that reaches the optimizer, and the batch statistics that reach the moving ones."""
    start = models.read(optimizers.slots(stepped.model))
    statistics = {
        name: stepped.untrained[name]
        for norm in stepped.batch_norms
        for name in (norm.mean, norm.variance)
        if name in stepped.untrained
    }
    for state in states:
        stepped.step(state, start)
        slots = models.read(optimizers.slots(stepped.model))
        moved = stepped.replicated(f"statistics-{state.name}", statistics)
        state.stages |= {
            f"gradient|{name}": -slots[f"{name}/momentum"] for name in stepped.trained if f"{name}/momentum" in slots
        }
        # What did not move on any replica was not updated, as where the layer is frozen: it holds no batch statistics.
        state.stages |= {
            f"batch statistics|{name}": np.stack(values)
            for name, values in moved.items()
            if not all(np.array_equal(value, np.asarray(state.values[name], value.dtype)) for value in values)
        }


# ---------------------------------------------------------------- layers' outputs


def _tap_all(stepped: Stepped, by_phase: Mapping[int, list[State]]) -> tuple[tuple[str, ...], str]:
    """The steps of every phase again, with taps; the layers' calls in order, and why outputs are missing."""
    if stepped.scenario.phases:
        stepped.phased.begin()
    calls: tuple[str, ...] = ()
    reasons: list[str] = []
    for phase, states in by_phase.items():
        stepped.enter(phase)
        calls, refused = _tap(stepped, states)
        reasons += [refused] if refused else []
    return calls, "; ".join(reasons)


def _tap(stepped: Stepped, states: list[State]) -> tuple[tuple[str, ...], str]:
    """The step again, with taps; outputs are kept where it leaves the same weights. The layers' calls in order, and why
    outputs are missing."""
    drive = stepped.drive
    try:
        with drive.scope():
            rows = stepped.scenario.batch // (1 if drive.global_rows else drive.devices)
            taps = stepped.taps or Taps(stepped.model, models.inputs(stepped.data, "x", slice(0, 1)), rows)
        stepped.taps = taps
        refused = []
        for short in (False, True):
            with taps.fitting(short):
                for state in states:
                    uneven = len(state.rows) < stepped.scenario.batch
                    if uneven == short and (reason := _tapped(stepped, state, taps)):
                        refused.append(f"state {state.name}: {reason}")
    except Exception as error:  # a model may do with its layers what no tap can follow: the other stages are still there
        return (), f"layers' outputs are left out: the model cannot be tapped ({type(error).__name__}: {error})"[:500]
    return tuple(taps.variables), f"layers' outputs are left out from {'; '.join(refused)}" if refused else ""


def _tapped(stepped: Stepped, state: State, taps: Taps) -> str:
    """Why this state's outputs are left out; empty if they were added."""
    stepped.step(state, state.slots)
    outputs = stepped.replicated(f"taps-{state.name}", taps.variables)
    silent = {tensor.name for tensor in stepped.tensors if tensor.group == TensorGroup.NEUTRAL_BIAS}
    reason = changed(models.read(stepped.variables), state.after, silent)
    if not reason:
        state.stages |= {f"forward|{name}": _rows(values, stepped, len(state.rows)) for name, values in outputs.items()}
    return reason


def _rows(values: list[np.ndarray], stepped: Stepped, rows: int) -> np.ndarray:
    """The outputs for the rows of a batch, from those of each replica; of an uneven one, taps hold more than replicas
    had."""
    drive, batch = stepped.drive, stepped.scenario.batch
    if not values[0].ndim:
        return values[0]
    if drive.global_rows:
        return values[0][: len(values[0]) * rows // batch]
    parts = zip(values, shares(rows, drive.devices), strict=True)
    return np.concatenate([value[: len(value) * share * drive.devices // batch] for value, share in parts])


def changed(tapped: Mapping[str, np.ndarray], plain: Mapping[str, np.ndarray], silent: set[str]) -> str:
    """Why a tapped step is not to be trusted; empty if it leaves what the untapped one left: bit by bit in float32, to
    1e-13 of the tensor in float64, where the gradients that are zero in exact arithmetic (`silent`) do not count."""
    for name, value in plain.items():
        limit = FLOAT64_LIMIT if value.dtype == np.float64 else 0.0
        if limit and name in silent:
            continue
        scale = float(np.abs(value).max(initial=0.0)) or 1.0
        apart = float(np.abs(tapped[name] - value).max(initial=0.0)) / scale
        if not apart <= limit:
            return f"a step with taps leaves a different {name} ({apart:.1e} of it) than one without"
    return ""
