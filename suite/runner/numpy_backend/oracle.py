"""The oracle of the NumPy backend: its network in float64 without any defect, emulating what a declaration says."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Recording
from suite.artifacts.rows import EVALUATE, VALIDATION, count
from suite.artifacts.store import Store
from suite.plan.batches import schedule
from suite.records import SINGLE_STEP, Emulation, Job, Manifest, Run, Scenario, Status
from suite.runner import exact_constants
from suite.runner.epochs import Numbers
from suite.runner.numpy_backend import batch_norm_network as network
from suite.runner.numpy_backend import evaluating, single_step, training
from suite.runner.numpy_backend.defects import defect
from suite.runner.oracle.jobs import record_training
from suite.runner.training import scenario_of


class Oracle:
    """Weights by name, and the moving statistics of each emulated replica, (replicas, channels), all float64."""

    def __init__(self, scenario: Scenario, data: Mapping[str, np.ndarray], run: Run) -> None:
        self.scenario, self.data = scenario, data
        self.emulation, self.replicas = run.emulates or Emulation(), run.configuration.devices
        deviation = self.deviation = self.emulation.deviation
        self.semantics = deviation.semantics or self.emulation.semantics
        # Dyadic constants where float64 runs are looked at, the network's own where a float32 step is.
        constant = exact_constants.dyadic if run.precision == "float64" else float
        rate, momentum, epsilon = map(constant, (training.RECIPE.rate, training.RECIPE.momentum, training.RECIPE.epsilon))
        self.recipe = network.Recipe(
            rate=rate * deviation.learning_rate,
            momentum=momentum if deviation.momentum is None else deviation.momentum,
            epsilon=epsilon if deviation.epsilon is None else deviation.epsilon,
            bessel=bool(deviation.bessel),
            logits=training.logits(),
        )

    @property
    def groups(self) -> int:
        return self.replicas if self.semantics.batch_statistics == "per replica" else 1

    def begin(self, state: Mapping[str, np.ndarray]) -> None:
        """From this state, on every replica."""
        self.weights = {name: np.asarray(value, np.float64) for name, value in state.items()}
        self.moving = {name: np.repeat(self.weights[name][None], self.groups, axis=0) for name in training.MOVING}

    def rows(self, part: str) -> np.ndarray:
        """All rows of "x" or "predict", (rows, features), float64."""
        values = next(value for key, value in self.data.items() if key.split("/")[0] == part)
        return values.reshape(len(values), -1).astype(np.float64)

    def step(self, rows: np.ndarray) -> float:
        """One training step on the global batch of these row indices; its loss."""
        x, y = self.rows("x")[rows], self.data["y"][rows].astype(int)
        held = self.weights | self.moving
        gradients, _, loss = network.step(held, x, y, self.recipe, self.groups)
        for _ in range(self.deviation.moves):
            _, moved, _ = network.step(held | self.moving, x, y, self.recipe, self.groups)
            self.moving = dict(moved)
        if self.deviation.reduction == "first":
            first = slice(0, len(x) // self.groups)
            gradients, _, _ = network.step(held, x[first], y[first], self.recipe)
        scale = (self.groups if self.deviation.reduction == "sum" else 1) * self.deviation.gradient_scale
        self.gradients = {name: scale * value for name, value in gradients.items()}
        trained = {name: value for name, value in self.gradients.items() if name not in self.deviation.untrained}
        self.weights = network.updated(self.weights, trained, self.recipe.rate)
        if self.semantics.moving_statistics in ("averaged", "first replica"):
            shared = {name: value.mean(0) if self.semantics.moving_statistics == "averaged" else value[0]
                      for name, value in self.moving.items()}  # fmt: skip
            self.moving = {name: np.repeat(value[None], self.groups, 0) for name, value in shared.items()}
        return loss

    def finish(self) -> None:
        """Training has ended: SGD has nothing more to do."""

    def state(self, replica: int = 0) -> network.Weights:
        return self.weights | {name: value[min(replica, self.groups - 1)] for name, value in self.moving.items()}

    def keep(self, recorded: Recording, step: int) -> None:
        """This network's optimizer has no memory: its state is its weights."""
        recorded.add(names.step(step), self.state())

    def predict(self, live: bool) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Predictions "output" (rows, classes) of the live model or of the file, and which replica made each row, int32
        (rows,)."""
        x, batch = self.rows("predict"), self.scenario.batch
        replica_of = np.tile(np.repeat(np.arange(self.replicas), batch // self.replicas), len(x) // batch)
        own = live and self.semantics.live_predictions == "own statistics of each replica"
        output = np.empty((len(x), len(self.weights["output/bias"])))
        for replica in range(self.replicas):
            state = self.state(replica if own else 0)
            output[replica_of == replica] = network.predict(
                state, x[replica_of == replica], self.recipe.epsilon, self.recipe.logits
            )
        return {"output": output}, replica_of.astype(np.int32)

    def evaluate(self, live: bool, purpose: str = EVALUATE) -> dict[str, np.ndarray]:
        """What the live model or the file evaluates to: "loss" and "accuracy", float64 (1,)."""
        own = live and self.semantics.live_predictions == "own statistics of each replica"
        states = [self.state(replica if own else 0) for replica in range(self.replicas)]
        return evaluating.evaluated(states, self, purpose, self.recipe)


def train(job: Job) -> None:
    """Executes the job's runs."""
    if defect("unemulated"):
        os.kill(os.getpid(), signal.SIGKILL)
    scenario, store = scenario_of(job), Store(job.run_folder)
    inputs = store.inputs(scenario.name)
    described = inputs.manifest()
    for run in job.runs:
        oracle = Oracle(scenario, inputs.arrays(names.DATA), run)
        if run.variation == SINGLE_STEP:
            single_step.record(job, run, oracle)
            continue
        manifest = Manifest(
            run=run.id,
            status=Status.STARTED,
            digest=job.digest,
            died=job.died,
            tensors=described.tensors if described else (),
            batch_norms=(replace(training.NORM, epsilon=oracle.recipe.epsilon),),
            replicas=run.configuration.devices,
        )
        with store.run(run).recording(manifest) as recorded:
            start = oracle.deviation.initial
            stored = start == "stored"
            oracle.begin(inputs.arrays(names.initial()) if stored else store.run(start).arrays(names.step(0)))
            trained = schedule(scenario, count(oracle.data), job.options.steps)
            told = Numbers(trained, lambda: oracle.evaluate(True, VALIDATION)) if trained.epochs else None  # noqa: B023
            kept, predicted, _ = record_training(oracle, trained, recorded, oracle.keep, told)
            facts = {"backend": "fake", "numpy": np.__version__}
            recorded.tell(steps=kept, predicted=predicted, facts=facts)
