"""The single-step comparison of the fake backend and of its oracle: one step from each of a trajectory's states, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np

from suite.artifacts.store import Store
from suite.records import Job, Manifest, Run, Scenario, Status
from suite.runner.numpy_backend import network
from suite.runner.single_step import states


class Steps(Protocol):
    """What takes the steps: the fake backend, or its oracle."""

    scenario: Scenario
    recipe: network.Recipe
    data: Mapping[str, np.ndarray]
    weights: network.Weights
    moving: network.Weights
    gradients: network.Weights

    @property
    def groups(self) -> int: ...

    @property
    def replicas(self) -> int: ...

    def begin(self, state: Mapping[str, np.ndarray]) -> None: ...

    def rows(self, part: str) -> np.ndarray: ...

    def step(self, rows: np.ndarray) -> float: ...

    def state(self, replica: int = 0) -> network.Weights: ...


def record(job: Job, run: Run, steps: Steps) -> None:
    """Writes the artifact of one single-step comparison run."""
    store, began = Store(job.run_folder), time.monotonic()
    trajectory, artifact = store.run(job.trajectory), store.run(run)
    described = trajectory.manifest() if job.trajectory else None
    if described is None or described.status is not Status.COMPLETE:
        raise ValueError(
            f"single-step comparison was given {job.trajectory or 'no run'} to start from, and needs a complete run"
        )
    norms = tuple(replace(norm, epsilon=steps.recipe.epsilon) for norm in described.batch_norms)
    manifest = Manifest(
        run=run.id,
        status=Status.STARTED,
        digest=job.digest,
        died=job.died,
        tensors=described.tensors,
        batch_norms=norms,
        replicas=steps.replicas,
    )
    artifact.begin(manifest)
    calls: tuple[str, ...] = ()
    whole = job.options.steps or steps.scenario.steps
    names = states.states(
        described.steps, states.before_uneven(steps.scenario, whole)
    )  # this network's optimizer has no memory: a state is its weights
    for name in names:
        values = trajectory.arrays("step-0" if name == states.SATURATED else f"step-{name}")
        if name == states.SATURATED:
            values = states.saturated(values, described.tensors)
        found = _step(steps, values, states.batch(name, steps.scenario, len(steps.data["y"]), whole))
        artifact.add(f"single-step-{name}", found)
        calls = tuple(key.partition("|")[2] for key in found if key.startswith("forward|"))
    facts = {"backend": "fake", "numpy": np.__version__, "states": ", ".join(names)}
    seconds = time.monotonic() - began
    artifact.finish(replace(manifest, status=Status.COMPLETE, seconds=seconds, calls=calls, facts=facts))


def _step(steps: Steps, values: Mapping[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    steps.begin(values)
    held = steps.weights | steps.moving
    outputs, statistics = network.layers(held, steps.rows("x")[rows], steps.recipe, steps.groups)
    loss = steps.step(rows)
    after, states = steps.state(), [steps.state(replica) for replica in range(steps.replicas)]
    moved = {name: np.stack([state[name] for state in states]) for name in steps.moving}
    still = all(np.array_equal(value, np.broadcast_to(values[name], value.shape)) for name, value in moved.items())
    found = {f"forward|{name}": value for name, value in outputs.items()}
    if not still:
        repeat = steps.replicas // steps.groups
        found |= {f"batch statistics|{name}": np.repeat(value, repeat, axis=0) for name, value in statistics.items()}
    found["loss|loss"] = np.array([loss])
    found |= {f"gradient|{name}": value for name, value in steps.gradients.items()}
    found |= {f"update|{name}": after[name] - held[name] for name in steps.gradients}
    return found | {f"moving statistics|{name}": value for name, value in moved.items()}
