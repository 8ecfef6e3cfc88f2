"""TensorFlow MirroredStrategy: N replicas in one process, gradients averaged, everything else its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from suite.records import Job, Scenario
from suite.runner import devices, models, training
from suite.runner.outcome import Unsupported


def work(job: Job) -> None:
    """Executes the job's runs on its devices, in this process.

    Raises:
        Unsupported: the optimizer updates on a condition, which Keras (3.15) cannot do under this strategy.
    """
    devices.claim(job)
    with refusing():
        training.train(job, Drive(job))


@contextmanager
def refusing() -> Iterator[None]:
    """
    Raises:
        Unsupported: the optimizer updates on a condition, which Keras (3.15) cannot do inside a replica.
    """
    try:
        yield
    except RuntimeError as error:
        if CONDITIONAL in str(error):
            raise Unsupported(UNSUPPORTED_CONDITIONAL) from error
        raise


CONDITIONAL = "`merge_call` called while defining a new graph"
UNSUPPORTED_CONDITIONAL = (
    "Keras cannot update on a condition under MirroredStrategy, which averages gradients inside the update: train without "
    "gradient_accumulation_steps and ema_overwrite_frequency"
)


class Drive:
    """One process with N logical devices."""

    processes = 1
    rank = 0
    leads = True
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
        return executing_replica()


def executing_replica() -> Any:
    """The index of the replica that executes, among all; 0 outside of any."""
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return context.replica_id_in_sync_group if context else 0
