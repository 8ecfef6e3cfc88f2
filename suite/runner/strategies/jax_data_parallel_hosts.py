"""JAX data parallelism over hosts: `jax.distributed` makes one program of N processes, whose arrays are global. Here every
host is a process of one machine, with one device.

`fit` and `evaluate` take the rows of each process. `predict` (Keras 3.15) fails there: it reads rows that are on other
hosts. So it is given those of its own host only.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from suite.records import Job, Scenario
from suite.runner import devices, keras_versions, models, ranks, training
from suite.runner.strategies import jax_data_parallel


def work(job: Job) -> None:
    """Executes the job's runs in as many processes as it has devices."""
    [address] = ranks.addresses(1)
    ranks.work(job, lambda job, meeting: _rank(job, meeting, address), "JAX data parallelism over hosts")


def _rank(job: Job, meeting: ranks.Meeting, address: str) -> None:
    import jax

    devices.claim(ranks.alone(job, meeting.rank))
    if job.options.device == "cpu":
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(coordinator_address=address, num_processes=job.devices, process_id=meeting.rank)
    training.train(job, Drive(job, meeting))
    jax.distributed.shutdown()


class Drive(jax_data_parallel.Drive):
    """One of N processes with one device each; every array is on all of them."""

    given: Mapping[str, bool] = {"auto_shard_dataset": False}

    def __init__(self, job: Job, meeting: ranks.Meeting) -> None:
        super().__init__(job)
        self.processes, self.rank, self.leads = job.devices, meeting.rank, meeting.rank == 0
        self.gather = meeting.gather  # type: ignore[method-assign]

    def adapt(self, model: Any, scenario: Scenario) -> None:
        super().adapt(model, scenario)
        together, model.steps_per_execution = model.steps_per_execution, 1
        model.make_predict_function()
        model.predict_function, model.steps_per_execution = _of_this_host(model.predict_function, together), together

    def states(self, state: Mapping[str, Any]) -> list[training.Arrays]:
        return [{path: models.stored(_here(variable.value)) for path, variable in state.items()}]


def _of_this_host(predict: Callable[..., Any], together: int) -> Callable[..., Any]:
    """A function that predicts so many batches, of an iterator, or of a list in older versions of Keras. It returns the
    rows of this host. `predict`: Keras's own, of one batch."""
    tree = keras_versions.tree()

    def predicted(state: Any, batches: Any) -> Any:
        parts = []
        for batch in itertools.islice(batches, together):
            outputs, state = predict(state, [batch] if isinstance(batches, list) else iter([batch]))
            parts.append(tree.map_structure(_here, outputs))
        if not parts:
            raise StopIteration
        return tree.map_structure(lambda *rows: np.concatenate(rows), *parts), state

    return predicted


def _here(value: Any) -> np.ndarray:
    """The part of a global array that is on the device of this host."""
    [shard] = value.addressable_shards
    here: np.ndarray = np.asarray(shard.data)
    return here
