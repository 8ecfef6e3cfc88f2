"""The NumPy backend: the whole pipeline in seconds without a framework, with defects to inject.

It trains `batch_norm_network` on a scenario's data, whatever the scenario's model is. An environment of this backend
chooses by variables: PARITY_FAKE_ORDER (a number: a different order of summation, hence different rounding) and
PARITY_FAKE_DEFECT (a name in DEFECTS).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from suite.artifacts import arrays as files
from suite.artifacts import names
from suite.artifacts.artifact import Recording
from suite.artifacts.rows import EVALUATE, VALIDATION, count
from suite.artifacts.store import Store
from suite.plan.batches import permuted, schedule
from suite.records import (
    JUDGED_STEP,
    LAYERWISE,
    SINGLE_STEP,
    BatchNorm,
    Job,
    Manifest,
    Run,
    Scenario,
    Status,
    TensorGroup,
    shares,
)
from suite.runner import exact_constants
from suite.runner.epochs import Numbers, history
from suite.runner.facts import asked, node, process
from suite.runner.numpy_backend import after_saving, evaluating, layerwise, single_step
from suite.runner.numpy_backend import batch_norm_network as network
from suite.runner.numpy_backend.defects import defect, operand_bits
from suite.runner.outcome import Unsupported
from suite.runner.training import scenario_of

RECIPE = network.Recipe(rate=0.1, momentum=0.99, epsilon=1e-3)
GROUPS = {
    "hidden/kernel": TensorGroup.KERNEL,
    "hidden/bias": TensorGroup.NEUTRAL_BIAS,
    "norm/gamma": TensorGroup.SCALE_OR_SHIFT,
    "norm/beta": TensorGroup.SCALE_OR_SHIFT,
    "norm/moving_mean": TensorGroup.MOVING_MEAN,
    "norm/moving_variance": TensorGroup.MOVING_VARIANCE,
    "output/kernel": TensorGroup.OUTPUT_LAYER,
    "output/bias": TensorGroup.OUTPUT_LAYER,
}
MOVING = ("norm/moving_mean", "norm/moving_variance")
NORM = BatchNorm(
    name="norm",
    mean="norm/moving_mean",
    variance="norm/moving_variance",
    gamma="norm/gamma",
    beta="norm/beta",
    kernel="hidden/kernel",
    bias="hidden/bias",
)

MOVED = 0.02  # beta starts at 0


def recipe(float64: bool) -> network.Recipe:
    """The constants of a run; a float64 run's are dyadic."""
    chosen = RECIPE
    if float64:
        rate, momentum, epsilon = map(exact_constants.dyadic, (chosen.rate, chosen.momentum, chosen.epsilon))
        chosen = replace(chosen, rate=rate, momentum=momentum, epsilon=epsilon)
    if defect("epsilon"):
        chosen = replace(chosen, epsilon=chosen.epsilon * 1.1)
    if defect("momentum"):
        chosen = replace(chosen, momentum=0.9)
    if defect("rate"):
        chosen = replace(chosen, rate=chosen.rate * 1.001)
    return replace(chosen, bessel=defect("bessel"), logits=logits())


def logits() -> float:
    """The factor on the last layer's logits, of runs and oracles alike."""
    return 1.001 if defect("layer") else 1.0


class Training:
    """One run's state: weights by name, and each replica's own moving statistics, (replicas, channels), float32 or
    float64."""

    def __init__(self, job: Job, scenario: Scenario, store: Store) -> None:
        self.job, self.scenario, self.store = job, scenario, store
        self.data: Mapping[str, np.ndarray] = store.inputs(scenario.name).arrays(names.DATA)
        self.schedule = schedule(scenario, count(self.data), job.options.steps)
        self.groups = 1 if scenario.synchronized else job.devices
        self.dtype = np.float64 if job.precision == "float64" and not defect("demoted") else np.float32
        self.constants = self.recipe = replace(recipe(job.precision == "float64"), bits=operand_bits(job.environment))
        self.random = np.random.default_rng(int(os.environ.get("PARITY_FAKE_ORDER", "0")))

    def start(self, seed: int = 0) -> None:
        """From the stored initial weights; `seed`: the index of those of a different seed."""
        stored = dict(self.store.inputs(self.scenario.name).arrays(names.initial(seed)))
        if defect("initial"):
            stored["norm/beta"] = stored["norm/beta"] + 2.0**-6
        self.begin(stored)

    def begin(self, state: Mapping[str, np.ndarray]) -> None:
        """From this state, on every replica."""
        self.weights = {name: np.array(value, dtype=self.dtype) for name, value in state.items()}
        self.moving = {name: np.repeat(self.weights[name][None], self.groups, axis=0) for name in MOVING}
        self._choose()

    def _choose(self) -> None:
        """What the next step computes with: a kernel may be unstable in float32 only, and from a later state on."""
        late = self.dtype == np.float32 and np.abs(self.weights["norm/beta"]).max() > MOVED
        off = 0.5 * (defect("wide") - defect("narrow")) if late else 0.0
        self.recipe = replace(self.constants, epsilon=self.constants.epsilon * (1 + off))

    @property
    def replicas(self) -> int:
        return self.job.devices

    def rows(self, part: str) -> np.ndarray:
        """All rows of "x" or "predict", (rows, features), in the dtype that the run computes in."""
        values = next(value for key, value in self.data.items() if key.split("/")[0] == part)
        return values.reshape(len(values), -1).astype(self.dtype)

    def step(self, rows: np.ndarray) -> float:
        """One training step on the global batch of these row indices; its loss."""
        order = self._reordered(rows)
        x, y = self.rows("x")[order], self.data["y"][order].astype(int)
        held = self.weights | self.moving
        gradients, moving, loss = network.step(held, x, y, self.recipe, self.groups)
        if defect("unreduced"):
            first = slice(0, shares(len(x), self.groups)[0])
            gradients, _, _ = network.step(held, x[first], y[first], self.recipe)
        if defect("summed"):
            gradients = {name: value * self.groups for name, value in gradients.items()}
        self.gradients = gradients
        self.weights = network.updated(self.weights, gradients, self.recipe.rate)
        if not defect("skipped"):
            self.moving = {name: value.astype(self.dtype) for name, value in moving.items()}
        if defect("averaged"):
            self.moving = {name: np.repeat(value.mean(0)[None], self.groups, 0) for name, value in self.moving.items()}
        if defect("nan"):
            self.weights["output/bias"][0] = np.nan
        self._choose()
        return loss

    def _reordered(self, rows: np.ndarray) -> np.ndarray:
        """The same row indices in a different order inside each replica's share, as a different backend would sum them."""
        if defect("noise") and not self.job.environment.deterministic:
            self.random = np.random.default_rng()
        elif os.environ.get("PARITY_FAKE_ORDER", "0") == "0":
            return rows
        ends = np.cumsum(shares(len(rows), self.groups))[:-1]
        return np.concatenate([self.random.permutation(part) for part in np.split(rows, ends)])

    def state(self, replica: int = 0) -> network.Weights:
        """All variables by name as this replica has them."""
        return self.weights | {name: value[min(replica, self.groups - 1)] for name, value in self.moving.items()}

    def predictions(self) -> dict[str, np.ndarray]:
        """Each replica predicts its rows of each batch with its own statistics: "output" (rows, classes), "replica"
        (rows,)."""
        x, batch = self.rows("predict"), self.scenario.batch
        replica = np.tile(np.repeat(np.arange(self.job.devices), batch // self.job.devices), len(x) // batch)
        output = np.empty((len(x), len(self.weights["output/bias"])), self.dtype)
        for index in range(self.job.devices):
            state = self.state(index)
            own = x[replica == index]
            output[replica == index] = network.predict(state, own, self.constants.epsilon, self.constants.logits)
        return {"output": output, "replica": replica.astype(np.int32)}

    def evaluated(self, purpose: str = EVALUATE) -> dict[str, np.ndarray]:
        """What the live model evaluates to, each replica with its own statistics."""
        states = [self.state(index) for index in range(self.job.devices)]
        return evaluating.evaluated(states, self, purpose, self.constants)


def train(job: Job) -> None:
    """Executes the job's runs."""
    scenario = scenario_of(job)
    if scenario.phases:
        raise Unsupported("the NumPy backend has one network and one training: it has no phases")
    store = Store(job.run_folder)
    _misbehave()
    for run in job.runs:
        if run.variation == LAYERWISE:
            layerwise.record(job, run, Training(job, scenario, store))
        elif run.variation == SINGLE_STEP:
            single_step.record(job, run, Training(job, scenario, store))
        else:
            _execute(Training(job, scenario, store), run)


def _misbehave() -> None:
    if defect("raise"):
        raise RuntimeError("injected: training raises")
    if defect("hang"):
        time.sleep(3600)
    if defect("killed"):
        os.kill(os.getpid(), 9)


def _execute(training: Training, run: Run) -> None:
    job, scenario = training.job, training.scenario
    steps = training.schedule.steps
    steps = min(JUDGED_STEP, steps) if run.kind == "permuted" else steps
    inputs = training.store.inputs(scenario.name).manifest()
    manifest = Manifest(
        run=run.id,
        status=Status.STARTED,
        digest=job.digest,
        died=job.died,
        tensors=inputs.tensors if inputs else (),
        batch_norms=(replace(NORM, epsilon=training.constants.epsilon),),
        replicas=job.devices,
    )
    with training.store.run(run).recording(manifest) as recorded:
        _end_early(job, run, recorded)
        kept = _record(training, run, steps, recorded)
        facts = {
            "backend": "fake",
            "numpy": np.__version__,
            "defect": os.environ.get("PARITY_FAKE_DEFECT", "none"),
            "process": process(),
            **node(),
            **asked(job),
        }
        recorded.tell(steps=kept, predicted=training.schedule.segments(steps), facts=facts)


def _end_early(job: Job, run: Run, recorded: Recording) -> None:
    """The defects that end the process in the middle of an artifact."""
    if defect("crash") and not job.died and run.kind != "plain":
        recorded.add(names.step(0), {"left": np.zeros(1)})
        signal.raise_signal(signal.SIGSEGV)
    if defect("half"):
        recorded.add(names.step(0), {"half": np.zeros(1)})
        os._exit(1)


def _record(training: Training, run: Run, steps: int, recorded: Recording) -> tuple[int, ...]:
    """Trains, and adds what is to be kept; the steps whose states were kept."""
    training.start(run.index if run.variation == "seed" else 0)
    whole = run.variation == "plain"
    segments = training.schedule.segments(steps)
    keep = {*(training.schedule.checkpoints(steps) if whole else (training.schedule.together,)), *segments}
    recorded.add(names.step(0), training.state())
    losses = training.schedule.reported(_steps(training, run, steps, keep, recorded))
    recorded.add(names.LOSSES, {names.LOSSES: losses})
    if whole or run.kind == "permuted-float64":
        for index in range(training.replicas):
            recorded.add(names.replica(index), training.state(index))
    if whole or run.kind == "permuted-float64" or run.variation == "seed":
        recorded.add(names.EVALUATION, training.evaluated())
    if whole:
        _save(recorded, training.state())
    if whole and training.replicas == 1:
        after_saving.record(recorded, training, steps)
    return (0, *sorted(keep))


def _steps(training: Training, run: Run, steps: int, keep: set[int], recorded: Recording) -> list[float]:
    job = training.job
    order = permuted(run, training.schedule.batches[:steps], job.devices, job.options.seed)
    if defect("order") and steps > 2:
        order[:2] = order[1::-1]
    losses = []
    told = Numbers(training.schedule, lambda: training.evaluated(VALIDATION))
    for step, rows in enumerate(order, start=1):
        losses.append(training.step(rows))
        told.after(step, losses)
        if step in keep:
            recorded.add(names.step(step), training.state())
        if step in training.schedule.segments(steps):
            recorded.add(names.predictions(step), training.predictions())
    if numbers := history(told.history, training.schedule.epochs):
        recorded.add(names.HISTORY, numbers)
    return losses


def _save(recorded: Recording, state: network.Weights) -> None:
    saved = dict(state)
    if defect("unsaved"):
        saved["norm/moving_variance"] = np.ones_like(saved["norm/moving_variance"])
    if defect("swapped"):
        saved["norm/gamma"], saved["norm/beta"] = saved["norm/beta"], saved["norm/gamma"]
    for form in (names.KERAS_FILE, names.WEIGHTS_FILE):
        with recorded.placing(form) as path:
            files.write(path, saved)
