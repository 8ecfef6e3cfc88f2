"""JAX data parallelism (`keras.distribution.DataParallel`): one program over N devices, arrays are global."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from suite.records import Job, Scenario
from suite.runner import devices, models, training
from suite.runner.outcome import Unsupported


def work(job: Job) -> None:
    """Executes the job's runs on its devices, in this process."""
    devices.claim(job)
    training.train(job, Drive(job))


class Drive:
    """One process with N devices."""

    processes = 1
    rank = 0
    leads = True
    global_rows = True
    given: Mapping[str, bool] = {}  # to `DataParallel`, beside the devices

    def __init__(self, job: Job) -> None:
        import jax
        import keras

        self.devices = job.devices
        self._devices = jax.devices()[: job.devices]
        distribution = keras.distribution.DataParallel(devices=self._devices, **self.given)
        keras.distribution.set_distribution(distribution)

    def scope(self) -> nullcontext[None]:
        return nullcontext()

    def adapt(self, model: Any, scenario: Scenario) -> None:
        """Statistics are global: nothing to synchronize.

        Raises:
            Unsupported: the last batch cannot be split.
        """
        if scenario.last_batch % self.devices:
            raise Unsupported(
                f"JAX shards a batch evenly or not at all (IndivisibleError): a last batch of "
                f"{scenario.last_batch} rows does not "
                f"divide by {self.devices} devices"
            )

    def states(self, state: Mapping[str, Any]) -> list[training.Arrays]:
        replicas: list[training.Arrays] = [{} for _ in range(self.devices)]
        for path, variable in state.items():
            copies = {shard.device: shard.data for shard in variable.value.addressable_shards}
            if len(copies) != self.devices:
                raise RuntimeError(
                    f"{path} is on {len(copies)} device(s), {self.devices} wanted: training was not distributed"
                )
            for device, replica in zip(self._devices, replicas, strict=True):
                replica[path] = models.stored(copies[device])
        return replicas

    def gather(self, name: str, arrays: training.Arrays) -> list[training.Arrays]:
        return [arrays]

    def replica(self) -> int:
        # Numbers are drawn for the global batch, whichever device computes them.
        return 0
