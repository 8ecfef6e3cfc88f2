"""TensorFlow MirroredStrategy: N replicas in one process, gradients averaged, everything else its own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from suite.records import Job, Scenario
from suite.runner import devices, models, training


def work(job: Job) -> None:
    """Executes the job's runs on its devices, in this process."""
    devices.claim(job)
    training.train(job, Drive(job))


class Drive:
    """One process with N logical devices."""

    processes = 1
    rank = 0
    global_rows = False

    def __init__(self, job: Job) -> None:
        import tensorflow as tf

        kind = "GPU" if job.options.device == "gpu" else "CPU"
        self.devices = job.devices
        self._strategy = tf.distribute.MirroredStrategy([f"{kind}:{index}" for index in range(job.devices)])

    def scope(self) -> AbstractContextManager[Any]:
        return self._strategy.scope()  # type: ignore[no-any-return]

    def adapt(self, model: Any, scenario: Scenario) -> None:
        """Keras synchronizes where the layer says so; the layer reads the attribute at every call."""
        if scenario.synchronized:
            for layer in models.batch_norm_layers(model):
                layer.synchronized = True

    def states(self, state: Mapping[str, Any]) -> list[training.Arrays]:
        replicas: list[training.Arrays] = [{} for _ in range(self.devices)]
        for path, variable in state.items():
            copies = self._strategy.experimental_local_results(variable.value)
            for index, replica in enumerate(replicas):
                # A variable outside the strategy has one copy, which every replica shares.
                replica[path] = models.stored(copies[index % len(copies)])
        return replicas

    def gather(self, name: str, arrays: training.Arrays) -> list[training.Arrays]:
        return [arrays]

    def replica(self) -> Any:
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        return context.replica_id_in_sync_group if context else 0
