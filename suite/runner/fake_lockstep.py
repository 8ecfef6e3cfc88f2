"""The lockstep of the fake backend: its network's step, with what it computes on the way. A defect shows in its own stage."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np

from suite.records import Manifest, Run, Status
from suite.runner import fake, lockstep, network

Arrays = dict[str, np.ndarray]
CALLS = ("hidden", "norm", "output")


def record(training: fake.Training, run: Run) -> None:
    """One step from each of the trajectory's states, and the artifact."""
    began, job, scenario = time.monotonic(), training.job, training.scenario
    artifact, inputs = training.store.run(run), training.store.inputs(scenario.name).manifest()
    trajectory = training.store.run(job.trajectory)
    found = trajectory.manifest() if job.trajectory else None
    manifest = Manifest(
        run=run.id,
        status=Status.STARTED,
        digest=job.digest,
        tensors=inputs.tensors if inputs else (),
        batch_norms=(replace(fake.NORM, epsilon=training.recipe.epsilon),),
        replicas=job.devices,
        calls=CALLS,
    )
    artifact.begin(manifest)
    # This network's optimizer has no memory: a state is its weights.
    names = lockstep.states(found.steps) if found and found.status is Status.COMPLETE else ()
    if not names:
        raise ValueError(f"lockstep was given {job.trajectory or 'no run'} to start from, and needs a complete run")
    for name in names:
        values = trajectory.arrays("step-0" if name == lockstep.SATURATED else f"step-{name}")
        if name == lockstep.SATURATED:
            values = lockstep.saturated(values, manifest.tensors)
        training.enter(values)
        artifact.add(f"lockstep-{name}", _step(training, lockstep.batch(name, scenario, len(training.data["y"]))))
    artifact.finish(
        replace(
            manifest,
            status=Status.COMPLETE,
            seconds=time.monotonic() - began,
            facts={
                "backend": "fake",
                "numpy": np.__version__,
                "states": ", ".join(names),
                "defect": os.environ.get("PARITY_FAKE_DEFECT", "none"),
            },
        )
    )


def _step(training: fake.Training, rows: np.ndarray) -> Arrays:
    before, moving, held = dict(training.weights), dict(training.moving), training.weights | training.moving
    x = training.rows("x")[rows]
    outputs = network.forward(held, x, training.recipe, training.groups)
    loss = training.step(rows)
    each = training.job.devices // training.groups
    devices = {name: np.repeat(value, each, axis=0) for name, value in training.moving.items()}
    return {
        **{f"forward|{name}": value for name, value in outputs.items()},
        **_batch_statistics(training, moving, each),
        "loss|loss": np.array([loss]),
        **{f"gradient|{name}": value for name, value in training.gradients.items()},
        **{f"update|{name}": np.subtract(training.weights[name], before[name]) for name in training.gradients},
        **{f"moving statistics|{name}": value for name, value in devices.items()},
    }


def _batch_statistics(training: fake.Training, before: Arrays, each: int) -> Arrays:
    """What the moving statistics moved towards; nothing where they did not move. Solved from the step, as its memory is known."""
    keep = training.recipe.momentum
    if all(np.array_equal(training.moving[name], before[name]) for name in fake.MOVING):
        return {}
    return {
        f"batch statistics|{name}": np.repeat(
            np.subtract(training.moving[name], keep * before[name]) / (1 - keep), each, axis=0
        )
        for name in fake.MOVING
    }
