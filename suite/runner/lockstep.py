"""One training step from each of several common states, recorded stage by stage, through the path that trains.

Three passes over the states, with one model: the production step (loss, update, moving statistics, optimizer state); the same
with taps on the layers (their outputs), accepted only if the weights it leaves are the untapped ones'; and a step with the
optimizer SGD(1, momentum 0.5) and batch normalization momentum 0, whose slots are the negative gradient and whose moving
statistics are the batch statistics, whatever the strategy does in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from suite.records import JUDGED_STEP, Scenario, Tensor
from suite.store import Artifact

Arrays = dict[str, np.ndarray]
Before = tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]

SATURATED = "saturated"
HEAD = 10.0  # factor on the head's kernels: probabilities so near 0 and 1 that a clipped softmax shows
FLOAT64_PROBE = 1e-13  # taps may fuse kernels otherwise; three decades below what is called a difference


def states(steps: Sequence[int]) -> tuple[str, ...]:
    """Names of the states to start from, of those that a trajectory stored at these steps: the initial one, the first, the
    judged one, a middle one, the last, and the saturated one."""
    if not steps:
        return ()
    last = max(steps)
    wanted = (
        0,
        1,
        max(step for step in steps if step <= JUDGED_STEP),
        min(steps, key=lambda step: abs(step - last / 2)),
        last,
    )
    return (*(str(step) for step in sorted(set(wanted) & set(steps))), SATURATED)


def before(trajectory: Artifact, state: str, tensors: Sequence[Tensor]) -> Before:
    """Variables and optimizer slots of a state, by name."""
    step = "0" if state == SATURATED else state
    values, slots = trajectory.arrays(f"step-{step}"), trajectory.arrays(f"optimizer-{step}")
    if state == SATURATED:
        head = {tensor.name for tensor in tensors if tensor.group == "H" and len(tensor.shape) > 1}
        values = {name: HEAD * value if name in head else value for name, value in values.items()}
    return values, slots


def batch(state: str, scenario: Scenario, rows: int) -> np.ndarray:
    """The rows that a run takes in the step after this state."""
    done = 0 if state == SATURATED else int(state)
    return (done * scenario.batch + np.arange(scenario.batch)) % rows
