"""The single-step comparison of the NumPy backend and of its oracle: one step from each of a trajectory's states, stage
by stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np

from suite.artifacts import names
from suite.artifacts.store import Store
from suite.plan.batches import schedule
from suite.records import Job, Manifest, Run, Scenario, Status
from suite.runner.numpy_backend import batch_norm_network as network
from suite.runner.single_step import starting_states


class Steps(Protocol):
    """What takes the steps: the NumPy backend, or its oracle."""

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
    """Writes the artifact of one run of single steps."""
    store = Store(job.run_folder)
    trajectory = store.run(job.trajectory)
    described = trajectory.manifest() if job.trajectory else None
    if described is None or described.status is not Status.COMPLETE:
        raise ValueError(
            f"single-step comparison was given {job.trajectory or 'no run'} to start from, and needs a complete run"
        )
    manifest = Manifest(
        run=run.id,
        status=Status.STARTED,
        digest=job.digest,
        died=job.died,
        tensors=described.tensors,
        batch_norms=tuple(replace(norm, epsilon=steps.recipe.epsilon) for norm in described.batch_norms),
        replicas=steps.replicas,
    )
    with store.run(run).recording(manifest) as recorded:
        calls: tuple[str, ...] = ()
        trained = schedule(steps.scenario, len(steps.data["y"]), job.options.steps)
        # This network's optimizer has no memory: a state is its weights.
        chosen = starting_states.states(described.steps, trained.uneven)
        for name in chosen:
            values = trajectory.arrays(names.step(0 if name == starting_states.SATURATED else name))
            if name == starting_states.SATURATED:
                values = starting_states.saturated(values, described.tensors)
            rows = starting_states.batch(name, trained)
            stages = _step(steps, values, rows)
            recorded.add(names.single_step(name), stages)
            calls = tuple(key.partition("|")[2] for key in stages if key.startswith("forward|"))
        recorded.tell(calls=calls, facts={"backend": "fake", "numpy": np.__version__, "states": ", ".join(chosen)})


def _step(steps: Steps, values: Mapping[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    """One step from the state `values` on the batch of these row indices: arrays "<stage>|<tensor>" in the shape and
    dtype of the tensor; batch and moving statistics with one more axis in front, the replicas; layers' outputs (rows,
    ...)."""
    steps.begin(values)
    held = steps.weights | steps.moving
    outputs, statistics = network.layers(held, steps.rows("x")[rows], steps.recipe, steps.groups)
    loss = steps.step(rows)
    after, states = steps.state(), [steps.state(replica) for replica in range(steps.replicas)]
    moved = {name: np.stack([state[name] for state in states]) for name in steps.moving}
    still = all(np.array_equal(value, np.broadcast_to(values[name], value.shape)) for name, value in moved.items())
    stages = {f"forward|{name}": value for name, value in outputs.items()}
    if not still:
        repeat = steps.replicas // steps.groups
        stages |= {f"batch statistics|{name}": np.repeat(value, repeat, axis=0) for name, value in statistics.items()}
    stages["loss|loss"] = np.array([loss])
    stages |= {f"gradient|{name}": value for name, value in steps.gradients.items()}
    stages |= {f"update|{name}": after[name] - held[name] for name in steps.gradients}
    return stages | {f"moving statistics|{name}": value for name, value in moved.items()}
