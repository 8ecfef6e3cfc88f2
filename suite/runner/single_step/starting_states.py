"""The states that single-step comparison starts from: which ones, what they hold, and the batch that follows.

Single-step comparison takes one training step from each of several common states. So two runs can be compared stage by
stage, without the differences that earlier steps have accumulated. Every run and every oracle of a scenario takes the
same states, from one trajectory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Artifact
from suite.plan.batches import Schedule
from suite.records import JUDGED_STEP, Manifest, Scenario, Tensor, TensorGroup
from suite.runner import phases

Arrays = dict[str, np.ndarray]
Before = tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]

SATURATED = "saturated"
HEAD = 10.0  # factor on the head's kernels: probabilities so near 0 and 1 that a clipped softmax shows


def stored(manifest: Manifest) -> tuple[int, ...]:
    """The steps of a trajectory at which it holds weights and optimizer, both."""
    return tuple(step for step in manifest.steps if names.has(manifest, names.optimizer(step)))


def compiled(manifest: Manifest, scenario: Scenario) -> tuple[int, ...]:
    """Those of them that lie in a phase that was compiled: what a step does in another depends on the steps before it."""
    return tuple(step for step in stored(manifest) if phases.compiled(scenario, manifest.phases, step))


def states(steps: Sequence[int], uneven: int | None = None, ends: Sequence[int] = ()) -> tuple[str, ...]:
    """Names of the states to start from, among those that a trajectory stored at these steps: the initial one, the first
    two, the judged one or the nearest before it, a middle one, the one before an `uneven` batch, the first and the last of
    each phase, which end at `ends`, and the last. The saturated one is made from the initial one."""
    if not steps:
        return ()
    last = max(steps)
    judged = max((step for step in steps if step <= JUDGED_STEP), default=last)
    middle = min(sorted(steps), key=lambda step: abs(step - last / 2))
    chosen = {step for step in steps if step in (0, 1, 2, judged, middle, uneven, last)}
    chosen |= {step for step in steps if step in ends or step - 1 in ends}
    return (*(str(step) for step in sorted(chosen)), *((SATURATED,) if 0 in chosen else ()))


def before(trajectory: Artifact, state: str, tensors: Sequence[Tensor]) -> Before:
    """Variables and optimizer slots of a state by name, in the shapes and dtypes of the trajectory."""
    step = "0" if state == SATURATED else state
    values = trajectory.arrays(names.step(step))
    return saturated(values, tensors) if state == SATURATED else values, trajectory.arrays(names.optimizer(step))


def saturated(values: Mapping[str, np.ndarray], tensors: Sequence[Tensor]) -> Arrays:
    """The same with the kernels of the head ten times as large."""
    head = {tensor.name for tensor in tensors if tensor.group == TensorGroup.OUTPUT_LAYER and len(tensor.shape) > 1}
    return {name: (value * HEAD).astype(value.dtype) if name in head else value for name, value in values.items()}


def batch(state: str, schedule: Schedule) -> np.ndarray:
    """The row indices (rows of the batch,) that a run takes in the step after this state. The saturated state is followed by
    a full batch."""
    if state == SATURATED and schedule.uneven == 0:
        return np.arange(schedule.batch) % schedule.rows
    return schedule.after(0 if state == SATURATED else int(state))


def by_phase(states: Sequence[str], ends: Sequence[int]) -> dict[int, list[str]]:
    """The states by the phase that a training is in there, in the order of the phases."""
    found: dict[int, list[str]] = {}
    for state in states:
        found.setdefault(phases.reached(ends, 0 if state == SATURATED else int(state)), []).append(state)
    return dict(sorted(found.items()))
