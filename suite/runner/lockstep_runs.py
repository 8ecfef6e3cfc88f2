"""The lockstep of a strategy: three passes over the common states, through `model.fit`, with one model.

The production step gives loss, update, moving statistics and optimizer state. The same step with taps gives the layers' outputs;
it is accepted only if it leaves the same weights. A step with the optimizer SGD(1, momentum 0.5) and batch normalization momentum
0 gives the gradient (its slots are the negative one) and the batch statistics (they become the moving ones), whatever the
strategy does between the two.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from suite.records import Job, Manifest, Run, Scenario, Status
from suite.runner import facts, lockstep, models
from suite.runner.taps import Taps
from suite.store import Store

Arrays = dict[str, np.ndarray]


@dataclass(kw_only=True)
class State:
    """One state to start from, and what the passes have found there."""

    name: str
    values: Mapping[str, np.ndarray]
    slots: Mapping[str, np.ndarray]
    rows: np.ndarray
    after: Arrays
    found: Arrays


class Stepped:
    """A built and compiled model that takes single steps."""

    def __init__(
        self, job: Job, drive: Any, scenario: Scenario, store: Store, model: Any, data: Mapping[str, np.ndarray]
    ) -> None:
        self.job, self.drive, self.scenario, self.store, self.model, self.data = job, drive, scenario, store, model, data
        self.variables = models.variables(model)
        self.trained = [name for name, variable in self.variables.items() if variable.trainable]
        self.untrained = {name: variable for name, variable in self.variables.items() if not variable.trainable}
        self.probe = ""  # why layers' outputs are missing

    def states(self) -> list[State]:
        trajectory = self.store.run(self.job.trajectory)
        manifest = trajectory.manifest()
        if manifest is None or manifest.status is not Status.COMPLETE:
            raise ValueError(f"{self.job.trajectory} is not complete: lockstep has no states to start from")
        found = []
        for name in lockstep.states(manifest.steps):
            values, slots = lockstep.before(trajectory, name, manifest.tensors)
            rows = lockstep.batch(name, self.scenario, len(self.data["y"]))
            found.append(State(name=name, values=values, slots=slots, rows=rows, after={}, found={}))
        return found

    def step(self, state: State, slots: Mapping[str, np.ndarray] | None = None) -> float:
        """One step from the state, through fit; the loss that it reports, of all processes."""
        import keras

        keras.utils.set_random_seed(self.job.options.seed)
        with self.drive.scope():
            models.write(self.variables, state.values)
            if slots is not None:
                models.write(models.slots(self.model), slots)
        processes, rank = self.drive.processes, self.drive.rank
        mine = state.rows.reshape(processes, -1)[rank]
        history = self.model.fit(
            models.inputs(self.data, "x", mine),
            self.data["y"][mine],
            batch_size=len(mine),
            epochs=1,
            shuffle=False,
            verbose=0,
        )
        parts = self.drive.gather(f"loss-{state.name}", {"loss": np.array([history.history["loss"][-1]], np.float64)})
        return float(np.mean([part["loss"] for part in parts])) if parts else 0.0

    def replicated(self, name: str, variables: Mapping[str, Any]) -> dict[str, list[np.ndarray]]:
        """Each variable's value on every replica; in the leader only."""
        locals_ = self.drive.states(variables)
        gathered = [self.drive.gather(f"{name}-{index}", state) for index, state in enumerate(locals_)]
        everyone = [part for parts in gathered for part in parts]
        return {one: [state[one] for state in everyone] for one in variables} if everyone else {}


def record(stepped: Stepped) -> None:
    """Executes the job's one run and writes its artifact."""
    run, drive = stepped.job.runs[0], stepped.drive
    began, artifact = time.monotonic(), stepped.store.run(run)
    inputs = stepped.store.inputs(stepped.scenario.name).manifest()
    manifest = Manifest(
        run=run.id,
        status=Status.STARTED,
        digest=stepped.job.digest,
        tensors=inputs.tensors if inputs else (),
        slots=models.slot_tensors(stepped.model, inputs.tensors if inputs else ()),
        batch_norms=models.with_constants(inputs.batch_norms if inputs else (), stepped.model),
        random_layers=inputs.random_layers if inputs else (),
        replicas=drive.devices,
        roundoff=models.roundoff(stepped.model),
        optimizer_epsilon=float(getattr(stepped.model.optimizer, "epsilon", 0.0) or 0.0),
    )
    if drive.rank == 0:
        artifact.begin(manifest)
    states = stepped.states()
    for state in states:
        _produce(stepped, state)
    calls = _tap(stepped, states, run)
    _probe(stepped, states)
    if drive.rank:
        return
    for state in states:
        artifact.add(f"lockstep-{state.name}", state.found)
    gathered = facts.gather(stepped.model, stepped.job) | ({"probe": stepped.probe} if stepped.probe else {})
    artifact.finish(replace(manifest, status=Status.COMPLETE, seconds=time.monotonic() - began, calls=calls, facts=gathered))


def _produce(stepped: Stepped, state: State) -> None:
    """The step as it trains."""
    loss = stepped.step(state, state.slots)
    state.after = models.read(stepped.variables)
    moving = stepped.replicated(f"moving-{state.name}", stepped.untrained)
    start = {name: np.asarray(state.values[name], state.after[name].dtype) for name in stepped.trained}
    state.found |= {"loss|loss": np.array([loss])}
    state.found |= {f"update|{name}": state.after[name] - value for name, value in start.items()}
    state.found |= {f"moving statistics|{name}": np.stack(values) for name, values in moving.items()}
    slots = models.read(models.slots(stepped.model))
    state.found |= {f"optimizer state|{name}": value for name, value in slots.items()}


def _tap(stepped: Stepped, states: list[State], run: Run) -> tuple[str, ...]:
    """The step again, with taps; outputs are kept where it leaves the same weights. The layers' calls in order."""
    drive, model = stepped.drive, stepped.model
    local = 1 if drive.processes > 1 or drive.global_rows else drive.devices
    try:
        with drive.scope():
            taps = Taps(model, stepped.scenario.batch // drive.processes // local)
    except Exception as error:  # any model may refuse symbolic calls: then there are no outputs, and the reason is kept
        stepped.probe = (
            f"layers have no outputs here: the model cannot be called symbolically ({type(error).__name__}: {error})"
        )
        return ()
    with taps.fitting():
        for state in states:
            stepped.step(state, state.slots)
            outputs = stepped.replicated(f"taps-{state.name}", taps.variables)
            if reason := _changed(models.read(stepped.variables), state.after, float64=run.variation == "lockstep"):
                stepped.probe = f"layers' outputs are left out from state {state.name}: {reason}"
                continue
            joined = {
                f"forward|{name}": values[0] if drive.global_rows else np.concatenate(values)
                for name, values in outputs.items()
            }
            state.found |= joined
    return tuple(taps.variables)


def _changed(tapped: Arrays, plain: Arrays, *, float64: bool) -> str:
    """Why a tapped step is not to be trusted; empty if it leaves what the untapped one leaves."""
    limit = lockstep.FLOAT64_PROBE if float64 else 0.0
    for name, value in plain.items():
        scale = float(np.abs(value).max(initial=0.0)) or 1.0
        apart = float(np.abs(tapped[name] - value).max(initial=0.0)) / scale
        if not apart <= limit:
            return f"a step with taps leaves another {name} ({apart:.1e} of it) than one without"
    return ""


def _probe(stepped: Stepped, states: list[State]) -> None:
    """The gradient that reaches the optimizer, and the batch statistics, by another optimizer and momentum."""
    model = stepped.model
    norms = [layer for layer in models.batch_norm_layers(model) if layer.built]
    momenta = [layer.momentum for layer in norms]
    with stepped.drive.scope():
        for layer in norms:
            layer.momentum = 0.0
        models.compile_probe(model, stepped.scenario)
        slots = models.slots(model)
        start = models.read(slots)
    statistics = {
        name: variable
        for name, variable in stepped.untrained.items()
        if any(variable is one for layer in norms for one in (layer.moving_mean, layer.moving_variance))
    }
    for state in states:
        stepped.step(state, start)
        gradients = models.read(slots)
        moved = stepped.replicated(f"statistics-{state.name}", statistics)
        state.found |= {f"gradient|{name}": -gradients[f"{name}/momentum"] for name in stepped.trained}
        # What did not move was not updated: it holds no batch statistics.
        state.found |= {
            f"batch statistics|{name}": np.stack(values)
            for name, values in moved.items()
            if not all(np.array_equal(value, np.asarray(state.values[name], value.dtype)) for value in values)
        }
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
