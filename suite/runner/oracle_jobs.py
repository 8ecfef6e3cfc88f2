"""The runs of oracles: whole ones, which record what a training run records, and one step from each of several states."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from suite import discover
from suite.records import Emulation, Job, Manifest, Run, Scenario, Status
from suite.runner import facts, models, precision, streams
from suite.runner.oracle import Arrays, Oracle
from suite.runner.training import checkpoints, row_order, segments
from suite.store import Artifact, Store


def train(job: Job) -> None:
    """Executes the job's runs, all of one scenario, one after another with one model on one device."""
    scenario = discover.load_scenario(job.source) if job.source else None
    assert scenario is not None
    store = Store(job.run_folder)
    precision.adopt("float64", scenario.dtype_policy)
    # The scenario's own constants where a float32 run is looked at, dyadic ones where its twin is.
    twin = job.precision == "float64"
    data, initial = store.inputs(scenario.name).arrays("data"), store.inputs(scenario.name).arrays("initial")
    model = models.build(scenario, data, twin=twin, seed=job.options.seed)
    models.compile_model(model, scenario, twin=twin, double=True)
    models.write(models.variables(model), initial)
    oracle = Oracle(model, scenario, data)
    streams.share(lambda: oracle.executing)
    recorder = _Recorder(job, scenario, store, oracle, initial, models.read(models.slots(model)))
    for run in job.runs:
        recorder.execute(run)


class _Recorder:
    """One oracle, and what every run of it starts from."""

    def __init__(
        self, job: Job, scenario: Scenario, store: Store, oracle: Oracle, initial: Mapping[str, np.ndarray], slots: Arrays
    ) -> None:
        self.job, self.scenario, self.store, self.oracle = job, scenario, store, oracle
        self.initial, self.slots = initial, slots
        self.steps = job.options.steps or scenario.steps

    def execute(self, run: Run) -> None:
        began = time.monotonic()
        artifact = self.store.run(run)
        inputs = self.store.inputs(self.scenario.name).manifest()
        manifest = Manifest(
            run=run.id,
            status=Status.STARTED,
            digest=self.job.digest,
            tensors=inputs.tensors if inputs else (),
            slots=models.slot_tensors(self.oracle.model, inputs.tensors if inputs else ()),
            batch_norms=models.with_constants(inputs.batch_norms if inputs else (), self.oracle.model),
            random_layers=inputs.random_layers if inputs else (),
            replicas=run.configuration.devices,
            roundoff=models.ROUNDOFF["float64"],
        )
        artifact.begin(manifest)
        emulation = run.emulates or Emulation()
        other = emulation.departure.initial
        initial = self.initial if other == "stored" else self.store.run(other).arrays("step-0")
        self.oracle.start(emulation, run.configuration.devices, initial, self.slots)
        kept = self._whole(artifact)
        artifact.finish(
            replace(
                manifest,
                status=Status.COMPLETE,
                seconds=time.monotonic() - began,
                steps=kept,
                predicted=segments(self.steps),
                facts=facts.gather(self.oracle.model, self.job),
            )
        )

    def _whole(self, artifact: Artifact) -> tuple[int, ...]:
        """Every state of training at which a twin stores its own, and what is predicted and saved."""
        oracle, keep = self.oracle, set(checkpoints(self.steps))
        self._keep(artifact, 0)
        losses = []
        for step, rows in enumerate(self._batches(), start=1):
            losses.append(oracle.step(rows) if len(rows) else float("nan"))
            if step in keep:
                self._keep(artifact, step)
            if step in segments(self.steps):
                predicted, replica = oracle.predict(live=True)
                artifact.add(f"predictions-{step}", {**predicted, "replica": replica})
        artifact.add("losses", {"losses": np.asarray(losses)})
        for index in range(oracle.replicas):
            artifact.add(f"replica-{index}", oracle.state(index))
        artifact.add("saved", oracle.state())
        artifact.add("saved-predictions", oracle.predict(live=False)[0])
        return (0, *sorted(keep))

    def _keep(self, artifact: Artifact, step: int) -> None:
        artifact.add(f"step-{step}", self.oracle.state())
        artifact.add(f"optimizer-{step}", models.read(models.slots(self.oracle.model)))

    def _batches(self) -> list[np.ndarray]:
        """The rows of each step, as the departure orders them; none where a step is left out."""
        rows = len(self.oracle.data["y"])
        plain = Run(configuration=self.job.runs[0].configuration, variation="twin")
        order = row_order(plain, rows, self.scenario.batch, self.steps, 1, 0).reshape(self.steps, -1)
        return reordered(list(order), self.oracle.departure.order)


def reordered(batches: list[np.ndarray], order: str) -> list[np.ndarray]:
    """Batches of rows in another order, one of those of `records.Departure`."""
    if order == "first two swapped":
        return [*batches[1::-1], *batches[2:]]
    if order == "reversed rows":
        return [rows[::-1] for rows in batches]
    if order == "first repeated":
        return [batches[0], *batches[:-1]]
    return [*batches[:-1], batches[-1][:0]] if order == "last dropped" else batches
