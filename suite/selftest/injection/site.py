"""Where a fault is injected: one training process, before its model is built; and what replicas can tell each other
there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.records import SINGLE_STEP, Job, Scenario

Injection = Callable[["Site"], None]


@dataclass(frozen=True, kw_only=True)
class Site:
    """A job's process. `drive` is its `training.Drive`; patches may stay: the process ends with the job. `target`: the layer
    or tensor that the fault is about; "" for the one of the self-test's own scenarios."""

    job: Job
    drive: Any
    scenario: Scenario
    target: str = ""

    @property
    def backend(self) -> str:
        return self.job.environment.backend

    @property
    def replicas(self) -> int:
        return int(self.drive.devices)

    @property
    def single_step(self) -> bool:
        return self.job.runs[0].variation == SINGLE_STEP

    @staticmethod
    def is_named(variable: Any, name: str) -> bool:
        """Whether it is the variable of this name, below its model."""
        return f"/{variable.path}".endswith(f"/{name}")

    def everyone(self, value: Any) -> list[Any]:
        """What every process of the job gives, by rank: NumPy arrays in a structure."""
        processes = self.drive.processes
        if processes == 1:
            return [value]
        if self.backend == "jax":
            from jax.experimental import multihost_utils
            from keras import tree

            stacked = multihost_utils.process_allgather(value)
            return [tree.map_structure(lambda one, rank=rank: np.asarray(one[rank]), stacked) for rank in range(processes)]
        import torch.distributed as dist

        parts: list[Any] = [None] * processes
        dist.all_gather_object(parts, value)
        return parts

    # -- collectives on detached values: a replica's own value in, the same shape out; in JAX, arrays are global already

    def total(self, value: Any) -> Any:
        """The sum over replicas."""
        return self._summed(value) if self._apart(value) else value

    def mean(self, value: Any) -> Any:
        """The mean over replicas."""
        return self._summed(value) / self.replicas if self._apart(value) else value

    def first(self, value: Any) -> Any:
        """The first replica's."""
        return self._summed(value * self._is_first(value)) if self._apart(value) else value

    def other(self, value: Any) -> Any:
        """What the other of two replicas has."""
        return self._summed(value) - value if self._apart(value) else value

    def _apart(self, value: Any) -> bool:
        """Whether this is one of several replicas that compute now: not on JAX, not while shapes are inferred."""
        if self.replicas == 1 or self.backend == "jax":
            return False
        if self.backend == "torch":
            return bool(value.device.type != "meta")
        import tensorflow as tf

        return tf.distribute.get_replica_context() is not None and tf.distribute.get_strategy().num_replicas_in_sync > 1

    def _is_first(self, value: Any) -> Any:
        import keras

        return (
            keras.ops.cast(self.drive.replica() == 0, value.dtype) if self.backend == "tensorflow" else self.drive.rank == 0
        )

    def _summed(self, value: Any) -> Any:
        if self.backend == "tensorflow":
            import tensorflow as tf

            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.stop_gradient(value))
        import torch.distributed as dist

        summed = value.detach().clone()
        dist.all_reduce(summed)
        return summed
