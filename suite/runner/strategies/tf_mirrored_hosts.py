"""TensorFlow MultiWorkerMirroredStrategy: MirroredStrategy over hosts. Here every host is a process of one machine, with one
device. All processes are given all rows; TensorFlow takes those of each.

`fit` and `evaluate` of Keras 3.15 fail there (keras#20585), in two places: they build the metrics from the mean of the
hosts' first batches, and they average a batch's numbers over an axis that these do not have. So the metrics are built
from this host's batch, and the function that trains one batch is replaced by a loop of our own, with the model's own
`train_step` in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from suite.records import Job, Scenario
from suite.runner import devices, keras_versions, models, ranks, training
from suite.runner.strategies import tf_mirrored


def work(job: Job) -> None:
    """Executes the job's runs in as many processes as it has devices.

    Raises:
        Unsupported: the optimizer updates on a condition, which Keras (3.15) cannot do under this strategy.
    """
    addresses = ranks.addresses(job.devices)
    ranks.work(job, lambda job, meeting: _rank(job, meeting, addresses), "MultiWorkerMirroredStrategy")


def _rank(job: Job, meeting: ranks.Meeting, addresses: list[str]) -> None:
    task = {"type": "worker", "index": meeting.rank}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
    devices.claim(ranks.alone(job, meeting.rank))
    with tf_mirrored.refusing():
        training.train(job, Drive(job, meeting))


class Drive:
    """One of N processes with one device each, which is given all rows."""

    processes = 1
    rank = 0
    global_rows = False

    def __init__(self, job: Job, meeting: ranks.Meeting) -> None:
        import tensorflow as tf

        self.devices, self.leads, self._meeting = job.devices, meeting.rank == 0, meeting
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy()

    def scope(self) -> AbstractContextManager[Any]:
        return self._strategy.scope()  # type: ignore[no-any-return]

    def adapt(self, model: Any, scenario: Scenario) -> None:
        if scenario.synchronized:
            for layer in models.batch_norm_layers(model):
                layer.synchronized = True
        # Straight into the instance, as a training step of our own. Keras makes the functions anew after each `compile`.
        model.__dict__["_maybe_symbolic_build"] = self._building(model)
        model.__dict__["make_train_function"] = self._making(model, "train_function", model.train_step)
        model.__dict__["make_test_function"] = self._making(model, "test_function", model.test_step)

    def states(self, state: Mapping[str, Any]) -> list[training.Arrays]:
        return self._meeting.gather("states", models.read(state))

    def gather(self, name: str, arrays: training.Arrays) -> list[training.Arrays]:
        return [arrays]

    def replica(self) -> Any:
        return tf_mirrored.executing_replica()

    def _building(self, model: Any) -> Callable[..., None]:
        """Builds the metrics from this host's part of the first batch."""

        def build(iterator: Any = None, data_batch: Any = None) -> None:
            batches = (next(several) for _, _, several in iterator) if iterator is not None else iter([data_batch])
            first = keras_versions.tree().map_structure(self._here, next(batches))
            with self._strategy.scope():
                model._symbolic_build(data_batch=first)

        return build

    def _here(self, value: Any) -> Any:
        return self._strategy.experimental_local_results(value)[0]

    def _making(self, model: Any, name: str, step: Callable[[Any], Any]) -> Callable[..., Any]:
        """As Keras makes a function: where there is none, or where one is wanted anew."""

        def make(force: bool = False) -> Any:
            if force or getattr(model, name) is None:
                setattr(model, name, self._over_hosts(model, step))
            return getattr(model, name)

        return make

    def _over_hosts(self, model: Any, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A function of an iterator over the hosts' batches, as `fit` and `evaluate` call it: one step on the next batch of
        each, or several. Returns the numbers of the last, each the mean over the hosts."""
        import tensorflow as tf

        def of_a_batch(data: Any) -> Any:
            outputs = self._strategy.run(step, args=(data,))
            return {name: self._strategy.reduce("MEAN", value, axis=None) for name, value in outputs.items()}

        taken = of_a_batch
        if not model.run_eagerly:
            taken = tf.function(of_a_batch, reduce_retracing=True, jit_compile=model.jit_compile)

        def of_an_iterator(iterator: Any) -> Any:
            outputs = taken(next(iterator))
            for _ in range(model.steps_per_execution - 1):
                try:
                    outputs = taken(next(iterator))
                except (StopIteration, tf.errors.OutOfRangeError):  # an epoch that ends within an execution
                    break
            return outputs

        return of_an_iterator
