"""What an oracle predicts: as the live model of its strategy does, each replica on its rows, or as the saved file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from suite.artifacts.rows import PREDICT, count
from suite.runner import keras_versions, models
from suite.runner.predicting import Arrays, named

if TYPE_CHECKING:  # the oracle calls what is here
    from suite.runner.oracle.emulation import Oracle


def predict(oracle: Oracle, live: bool) -> tuple[Arrays, np.ndarray]:
    """Predictions of the live model or of the file by output, (rows, ...), float64, and which replica made each row, int32
    (rows,)."""
    total = count(oracle.data, PREDICT)
    batches = np.arange(total).reshape(-1, oracle.scenario.batch)
    own = live and oracle.semantics.live_predictions == "own statistics of each replica"
    shards = [np.array_split(batches, oracle.replicas, axis=1)[replica].ravel() for replica in range(oracle.replicas)]
    replica_of = np.empty(total, np.int32)
    for replica, rows in enumerate(shards):
        replica_of[rows] = replica
    training = oracle.predicts_as_training(live) and oracle.groups > 1
    whole: Arrays = {}
    parts = shards if own or training else [np.arange(total)]
    for replica, rows in enumerate(parts):
        oracle.become(replica, live, own)
        for name, value in _outputs(oracle, rows, live, -(-oracle.scenario.batch // len(parts))).items():
            whole.setdefault(name, np.empty((total, *value.shape[1:]), value.dtype))[rows] = value
    return whole, replica_of


def _outputs(oracle: Oracle, rows: np.ndarray, live: bool, batch: int) -> Arrays:
    """Predictions of these rows, so many at a time: a model may count its calls, or expect so many."""
    import keras

    x = models.inputs(oracle.data, PREDICT, rows)
    if not oracle.predicts_as_training(live):
        return named(oracle.model.predict(x, batch_size=batch, verbose=0))
    size = oracle.scenario.batch // oracle.groups
    predicted = [oracle.model(models.cut(x, begin, begin + size), training=True) for begin in range(0, len(rows), size)]
    parts = [named(keras_versions.tree().map_structure(keras.ops.convert_to_numpy, part)) for part in predicted]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
