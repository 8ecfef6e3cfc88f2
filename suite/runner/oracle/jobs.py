"""The runs of oracles: whole ones, which record what a training run records, and one step from each of several states."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from suite.artifacts.store import Artifact, Store
from suite.plan import discover
from suite.records import SINGLE_STEP, Emulation, Job, Manifest, Run, Scenario, Status
from suite.runner import facts, models, precision, streams
from suite.runner.oracle.emulation import Arrays, Oracle
from suite.runner.single_step import states
from suite.runner.training import batches, checkpoints, segments


def train(job: Job) -> None:
    """Executes the job's runs, all of one scenario, one after another with one model on one device."""
    scenario = discover.load_scenario(job.source) if job.source else None
    assert scenario is not None
    store = Store(job.run_folder)
    precision.adopt("float64", scenario.dtype_policy)
    # The scenario's own constants where a float32 run is looked at, dyadic ones where its float64 run is.
    float64 = job.precision == "float64"
    data, initial = store.inputs(scenario.name).arrays("data"), store.inputs(scenario.name).arrays("initial")
    model = models.build(scenario, data, float64=float64, seed=job.options.seed)
    models.compile_model(model, scenario, float64=float64, double=True)
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
            died=self.job.died,
            tensors=inputs.tensors if inputs else (),
            slots=models.slot_tensors(self.oracle.model, inputs.tensors if inputs else ()),
            batch_norms=models.with_constants(inputs.batch_norms if inputs else (), self.oracle.model),
            random_layers=inputs.random_layers if inputs else (),
            replicas=run.configuration.devices,
            roundoff=models.ROUNDOFF["float64"],
            optimizer_epsilon=float(getattr(self.oracle.model.optimizer, "epsilon", 0.0) or 0.0),
        )
        artifact.begin(manifest)
        if run.variation == SINGLE_STEP:
            calls = self._single_step(run, artifact)
            seconds = time.monotonic() - began
            artifact.finish(replace(manifest, status=Status.COMPLETE, seconds=seconds, calls=calls, facts=self._facts()))
            return
        emulation = run.emulates or Emulation()
        other = emulation.deviation.initial
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
                facts=self._facts(),
            )
        )

    def _facts(self) -> dict[str, str]:
        return facts.gather(self.oracle.model, self.job)

    def _whole(self, artifact: Artifact) -> tuple[int, ...]:
        """Every state of training at which a float64 run stores its own, and what is predicted and saved."""
        oracle, keep = self.oracle, {*checkpoints(self.steps), states.before_uneven(self.scenario, self.steps)}
        self._keep(artifact, 0)
        losses = []
        for step, rows in enumerate(self._batches(), start=1):
            losses += [oracle.step(rows)] if len(rows) else []
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
        return (0, *(step for step in range(1, self.steps + 1) if step in keep))

    def _single_step(self, run: Run, artifact: Artifact) -> tuple[str, ...]:
        """One step from each of the trajectory's states, stage by stage: arrays "<stage>|<tensor>"; the layers' calls."""
        trajectory = self.store.run(self.job.trajectory)
        manifest = trajectory.manifest()
        assert manifest is not None
        calls: tuple[str, ...] = ()
        uneven = states.before_uneven(self.scenario, self.steps)
        for state in states.states(states.stored(manifest), uneven):
            before = states.before(trajectory, state, manifest.tensors)
            self.oracle.start(run.emulates or Emulation(), run.configuration.devices, *before)
            rows = states.batch(state, self.scenario, len(self.oracle.data["y"]), self.steps)
            with Outputs(self.oracle) as outputs:
                loss = self.oracle.step(ordered(rows, self.oracle.deviation.order))
            artifact.add(f"single-step-{state}", {**outputs.whole(), **self._stages(before[0], loss)})
            calls = outputs.calls
        return calls

    def _stages(self, before: Mapping[str, np.ndarray], loss: float) -> Arrays:
        from keras import ops

        oracle = self.oracle
        after, replicas = oracle.state(), [oracle.state(replica) for replica in range(oracle.replicas)]
        trained = {
            name: variable for name, variable in models.variables(oracle.model).items() if name not in oracle.untrained
        }
        by_variable = {id(variable): name for name, variable in trained.items()}
        gradients = zip(oracle.model.trainable_variables, oracle.gradients, strict=True)
        found: Arrays = {"loss|loss": np.array([loss])}
        for name, seen in oracle.statistics.items():
            last = np.stack([ops.convert_to_numpy(value) for value in seen]).reshape(oracle.groups, -1, *seen[0].shape)[
                :, -1
            ]
            found[f"batch statistics|{name}"] = np.repeat(last, oracle.replicas // oracle.groups, axis=0)
        found |= {f"gradient|{by_variable[id(variable)]}": ops.convert_to_numpy(value) for variable, value in gradients}
        found |= {f"update|{name}": after[name] - before[name] for name in trained}
        found |= {f"moving statistics|{name}": np.stack([state[name] for state in replicas]) for name in oracle.untrained}
        return found | {f"optimizer state|{name}": value for name, value in models.read(models.slots(oracle.model)).items()}

    def _keep(self, artifact: Artifact, step: int) -> None:
        artifact.add(f"step-{step}", self.oracle.state())
        artifact.add(f"optimizer-{step}", models.read(models.slots(self.oracle.model)))

    def _batches(self) -> list[np.ndarray]:
        """The rows of each step, as the deviation orders them; none where a step is left out."""
        order = batches(self.scenario, len(self.oracle.data["y"]), self.steps)
        return reordered(order, self.oracle.deviation.order)


class Outputs:
    """What every layer returns while this is entered, in the order of the calls; rows of all replicas together."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle, self._paths = oracle, models.layer_paths(oracle.model)
        self._seen: list[dict[str, np.ndarray]] = []

    def __enter__(self) -> Outputs:
        import keras

        self._call = keras.Layer.__call__

        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if layer is self._oracle.model:
                self._seen.append({})
            made = self._call(layer, *args, **kwargs)
            path = self._paths.get(id(layer))
            if path and not isinstance(layer, keras.Model) and keras.ops.is_tensor(made):
                calls = sum(name.partition("#")[0] == path for name in self._seen[-1])
                name = f"{path}#{calls + 1}" if calls else path
                self._seen[-1][name] = keras.ops.convert_to_numpy(keras.ops.stop_gradient(made))
            return made

        keras.Layer.__call__ = call
        return self

    def __exit__(self, *_: object) -> None:
        import keras

        keras.Layer.__call__ = self._call

    @property
    def calls(self) -> tuple[str, ...]:
        return tuple(self._seen[0])

    def whole(self) -> Arrays:
        return {f"forward|{name}": np.concatenate([seen[name] for seen in self._seen]) for name in self._seen[0]}


def reordered(given: list[np.ndarray], order: str) -> list[np.ndarray]:
    """Batches of rows in another order, one of those of `records.Deviation`."""
    if order == "first two swapped":
        return [*given[1::-1], *given[2:]]
    if order == "reversed rows":
        return [ordered(rows, order) for rows in given]
    if order == "first repeated":
        return [given[0], *given[:-1]]
    return [*given[:-1], given[-1][:0]] if order == "last dropped" else given


def ordered(rows: np.ndarray, order: str) -> np.ndarray:
    """The rows of one batch."""
    return rows[::-1] if order == "reversed rows" else rows
