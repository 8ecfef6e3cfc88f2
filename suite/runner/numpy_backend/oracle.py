"""The oracle of the fake backend: its network in float64 without any defect, emulating what a declaration says."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from suite.artifacts.store import Artifact, Store
from suite.plan import discover
from suite.records import SINGLE_STEP, Emulation, Job, Manifest, Run, Scenario, Status
from suite.runner import precision
from suite.runner.numpy_backend import network, single_step, training
from suite.runner.oracle.jobs import reordered
from suite.runner.single_step.states import before_uneven
from suite.runner.training import batches, checkpoints, segments


class Oracle:
    """Weights and the moving statistics of each emulated replica, (replicas, channels)."""

    def __init__(self, scenario: Scenario, data: Mapping[str, np.ndarray], run: Run) -> None:
        self.scenario, self.data = scenario, data
        self.emulation, self.replicas = run.emulates or Emulation(), run.configuration.devices
        deviation = self.deviation = self.emulation.deviation
        self.semantics = deviation.semantics or self.emulation.semantics
        # Dyadic constants where float64 runs are looked at, the network's own where a float32 step is.
        constant = precision.dyadic if run.precision == "float64" else float
        rate, momentum, epsilon = map(constant, (training.RECIPE.rate, training.RECIPE.momentum, training.RECIPE.epsilon))
        self.recipe = network.Recipe(
            rate=rate * deviation.learning_rate,
            momentum=momentum if deviation.momentum is None else deviation.momentum,
            epsilon=epsilon if deviation.epsilon is None else deviation.epsilon,
            bessel=bool(deviation.bessel),
        )

    @property
    def groups(self) -> int:
        return self.replicas if self.semantics.batch_statistics == "per replica" else 1

    def begin(self, state: Mapping[str, np.ndarray]) -> None:
        self.weights = {name: np.asarray(value, np.float64) for name, value in state.items()}
        self.moving = {name: np.repeat(self.weights[name][None], self.groups, axis=0) for name in training.MOVING}

    def rows(self, part: str) -> np.ndarray:
        values = next(value for key, value in self.data.items() if key.split("/")[0] == part)
        return values.reshape(len(values), -1).astype(np.float64)

    def step(self, rows: np.ndarray) -> float:
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

    def state(self, replica: int = 0) -> network.Weights:
        return self.weights | {name: value[min(replica, self.groups - 1)] for name, value in self.moving.items()}

    def predict(self, live: bool) -> tuple[dict[str, np.ndarray], np.ndarray]:
        x, batch = self.rows("predict"), self.scenario.batch
        replica_of = np.tile(np.repeat(np.arange(self.replicas), batch // self.replicas), len(x) // batch)
        own = live and self.semantics.live_predictions == "own statistics of each replica"
        output = np.empty((len(x), len(self.weights["output/bias"])))
        for replica in range(self.replicas):
            state = self.state(replica if own else 0)
            output[replica_of == replica] = network.predict(state, x[replica_of == replica], self.recipe.epsilon)
        return {"output": output}, replica_of.astype(np.int32)


def train(job: Job) -> None:
    """Executes the job's runs."""
    assert job.source is not None
    scenario, store = discover.load_scenario(job.source), Store(job.run_folder)
    inputs = store.inputs(scenario.name)
    described = inputs.manifest()
    for run in job.runs:
        began, artifact = time.monotonic(), store.run(run)
        oracle = Oracle(scenario, inputs.arrays("data"), run)
        manifest = Manifest(
            run=run.id,
            status=Status.STARTED,
            digest=job.digest,
            died=job.died,
            tensors=described.tensors if described else (),
            batch_norms=(replace(training.NORM, epsilon=oracle.recipe.epsilon),),
            replicas=run.configuration.devices,
        )
        if run.variation == SINGLE_STEP:
            single_step.record(job, run, oracle)
            continue
        artifact.begin(manifest)
        other = oracle.deviation.initial
        oracle.begin(inputs.arrays("initial") if other == "stored" else store.run(other).arrays("step-0"))
        kept = _whole(oracle, artifact, job)
        artifact.finish(
            replace(
                manifest,
                status=Status.COMPLETE,
                seconds=time.monotonic() - began,
                steps=kept,
                predicted=segments(kept[-1]),
                facts={"backend": "fake", "numpy": np.__version__},
            )
        )


def _whole(oracle: Oracle, artifact: Artifact, job: Job) -> tuple[int, ...]:
    steps = job.options.steps or oracle.scenario.steps
    order = batches(oracle.scenario, len(oracle.data["y"]), steps)
    keep = {*checkpoints(steps), before_uneven(oracle.scenario, steps)}
    artifact.add("step-0", oracle.state())
    losses: list[float] = []
    for step, rows in enumerate(reordered(order, oracle.deviation.order), start=1):
        losses += [oracle.step(rows)] if len(rows) else []
        if step in keep:
            artifact.add(f"step-{step}", oracle.state())
        if step in segments(steps):
            predicted, replica = oracle.predict(live=True)
            artifact.add(f"predictions-{step}", {**predicted, "replica": replica})
    artifact.add("losses", {"losses": np.array(losses)})
    for replica_index in range(oracle.replicas):
        artifact.add(f"replica-{replica_index}", oracle.state(replica_index))
    artifact.add("saved", oracle.state())
    artifact.add("saved-predictions", oracle.predict(live=False)[0])
    return (0, *(step for step in range(1, steps + 1) if step in keep))
