"""What a live model predicts, on one device and on several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from suite.artifacts import names, rows
from suite.artifacts.artifact import Recording
from suite.plan.batches import shard
from suite.records import RANDOM_PREDICTIONS
from suite.runner import formats, models

if TYPE_CHECKING:
    from suite.runner.drive import Drive

Arrays = dict[str, np.ndarray]

REPEATED = 1e-3  # of the largest prediction: far more than kernels round that do not repeat themselves


def record(
    recorded: Recording, model: Any, drive: Drive, data: Mapping[str, np.ndarray], batch: int, step: int
) -> list[str]:
    """Adds the live model's predictions (rows, ...) after a step; each process predicts its own shard of each batch, as it
    trains. The formats that they come in."""
    processes, total = drive.processes, rows.count(data, rows.PREDICT)
    mine = shard(np.arange(total), batch, processes, drive.rank)
    predicted = model.predict(models.inputs(data, rows.PREDICT, mine), batch_size=batch // processes, verbose=0)
    parts = drive.gather(names.predictions(step), named(predicted))
    if not parts:
        return formats.of(predicted)
    whole = {
        name: np.stack([part[name].reshape(-1, batch // processes, *part[name].shape[1:]) for part in parts], 1)
        .reshape(total, *parts[0][name].shape[1:])
        for name in parts[0]
    }  # fmt: skip
    replica = np.tile(np.repeat(np.arange(drive.devices), batch // drive.devices), total // batch)
    recorded.add(names.predictions(step), {**whole, "replica": replica.astype(np.int32)})
    return formats.of(predicted)


def facts(
    model: Any, data: Mapping[str, np.ndarray], batch: int, unmoved: Callable[[], AbstractContextManager[Any]]
) -> dict[str, str]:
    """The fact of a model that draws random numbers in `predict`, also where its layers keep no seed: how far two
    predictions of the same rows are apart, relative. None of one that repeats itself. `unmoved`: see `models.unmoved`."""
    given = models.inputs(data, rows.PREDICT, slice(0, batch))
    made = []
    for _ in range(2):
        with unmoved():
            made.append(named(model.predict(given, batch_size=batch, verbose=0)))
    first, second = made
    apart = max(float(np.max(np.abs(first[name] - second[name]), initial=0.0)) for name in first)
    largest = max(float(np.max(np.abs(value), initial=0.0)) for value in first.values())
    return {RANDOM_PREDICTIONS: f"{apart / largest:.2g}"} if apart > REPEATED * largest else {}


def named(predicted: Any) -> Arrays:
    """Predictions (rows, ...) by output: "output" for a single one, else "output/<name or index>"; what is neither
    float32 nor float64 is converted to float32, which widens 16 bits."""

    def wide(value: Any) -> np.ndarray:
        array: np.ndarray = np.asarray(value)
        return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)

    if isinstance(predicted, Mapping):
        return {f"output/{name}": wide(value) for name, value in predicted.items()}
    if isinstance(predicted, list | tuple):
        return {f"output/{index}": wide(value) for index, value in enumerate(predicted)}
    return {"output": wide(predicted)}
