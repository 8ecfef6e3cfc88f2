"""A pass of a replica over its rows, with its gradients: by Keras's training step, or by one of the model's own."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from suite.runner import keras_versions, masks, models
from suite.runner.oracle import own_steps
from suite.runner.oracle.cross_entropy import unclipped
from suite.runner.oracle.gradients import changed, value_and_gradients
from suite.runner.oracle.update import Handed, Updated

if TYPE_CHECKING:  # the oracle calls what is here
    from suite.runner.oracle.emulation import Oracle


@dataclass(frozen=True, kw_only=True)
class Pass:
    """`parts`: the loss of each replica in it. `counted`: how many predictions the loss is a mean of. `handed`: what reaches
    an optimizer; None where a training step of the model's own was taken to its end. It may report no loss."""

    loss: float | None
    parts: Sequence[float]
    counted: float
    handed: Handed | None


def by_keras(oracle: Oracle, rows: np.ndarray, sizes: Sequence[int]) -> Pass:
    """The loss of these rows and its gradients, as the replica that is entered computes them. `sizes`: of the consecutive
    parts of the rows whose losses are taken one by one."""

    def loss(given: Any) -> tuple[Any, Any]:
        return _loss(oracle, _begin(oracle, given), sizes)

    given = {"data": models.training(oracle.data, rows), "replica": oracle.executing}
    variables, untrained = list(oracle.model.trainable_variables), list(oracle.untrained.values())
    with _executing(oracle):
        value, (parts, counted), gradients = value_and_gradients(
            loss, given, variables, untrained, programs=oracle.programs, key=_key(oracle, sizes)
        )
    handed = Handed(optimizer=oracle.model.optimizer, variables=variables, gradients=gradients)
    return Pass(loss=float(value), parts=[float(part) for part in parts], counted=float(counted), handed=handed)


def by_own_step(oracle: Oracle, rows: np.ndarray, sizes: Sequence[int], updates: Sequence[Updated]) -> Pass:
    """By the step of the model's own, which scales its loss itself. `updates`: what those came to that are known."""
    deviation, shares = oracle.deviation, oracle.shares and oracle.replicas > 1
    own_steps.refuse(oracle.model, deviation, split=len(sizes) > 1, shares=shares)
    given = {"data": models.tensors(models.training(oracle.data, rows)), "replica": oracle.executing}
    scaling = own_steps.as_replica_of(oracle.replicas) if shares else nullcontext()
    with _executing(oracle), oracle.scaled(), scaling:
        loss, handed = own_steps.taken(
            oracle.model, given, partial(_begin, oracle), oracle.programs, _key(oracle, sizes), updates
        )
    # What it reports is a mean over its rows, which the oracle takes for a share where losses are shares.
    share = deviation.loss_scale / (oracle.replicas if shares else 1)
    parts = [] if loss is None else [share * float(loss)]
    if handed is not None:
        scaled = [changed(one, lambda value: deviation.loss_scale * value) for one in handed.gradients]
        handed = replace(handed, gradients=scaled)
    return Pass(loss=next(iter(parts), None), parts=parts, counted=float(sum(sizes)), handed=handed)


def _begin(oracle: Oracle, given: Mapping[str, Any]) -> Any:
    oracle.executing = given["replica"]
    return given["data"]


@contextmanager
def _executing(oracle: Oracle) -> Iterator[None]:
    """While this is entered, the replica that is executing may be the placeholder of a program."""
    replica = oracle.executing
    try:
        yield
    finally:
        oracle.executing = replica


def _key(oracle: Oracle, sizes: Sequence[int]) -> Hashable:
    """Everything that the program of a pass is compiled for."""
    layers = tuple(layer.trainable for layer in models.layers_of(oracle.model))
    return oracle.emulation, oracle.replicas, tuple(sizes), layers, tuple(map(id, oracle.model.trainable_variables))


def _loss(oracle: Oracle, given: Mapping[str, Any], sizes: Sequence[int]) -> tuple[Any, tuple[list[Any], Any]]:
    """The mean over `sizes` consecutive parts of their own mean losses, penalties count once; the parts' losses, and how
    many predictions were counted. `given`: `x`, `y` and `sample_weight` of the rows."""
    model, deviation = oracle.model, oracle.deviation
    predicted = model(given["x"], training=True)
    bounds = np.cumsum([0, *sizes])
    with unclipped() if deviation.unclipped else nullcontext(), oracle.scaled():
        losses = [
            keras_versions.compute_loss(
                model,
                **{name: models.cut(part, begin, end) for name, part in given.items()},
                y_pred=_part(predicted, begin, end),
            )
            for begin, end in pairwise(bounds)
        ]
    loss = losses[0] if deviation.reduction == "first" else sum(losses[1:], losses[0])
    if deviation.reduction == "mean" and not oracle.shares:
        loss = loss / len(losses)
    if deviation.regularization != 1.0 and model.losses:
        penalty = sum(model.losses) / (oracle.replicas if oracle.shares else 1)
        loss = loss + (deviation.regularization - 1.0) * penalty
    return deviation.loss_scale * loss, (losses, _counted(predicted, sum(sizes)))


def _counted(predicted: Any, rows: int) -> Any:
    """How many predictions the loss is a mean of: those that no mask leaves out."""
    import keras

    carried = [getattr(value, "_keras_mask", None) for value in keras_versions.tree().flatten(predicted)]
    return rows if carried[0] is None else keras.ops.sum(keras.ops.cast(carried[0], "float64"))


def _part(predicted: Any, begin: int, end: int) -> Any:
    """Rows begin..end of every output, with the mask that Keras hung on it."""

    def cut(value: Any) -> Any:
        part = value[begin:end]
        mask = getattr(value, "_keras_mask", None)
        if mask is not None:
            masks.carry(part, mask[begin:end])
        return part

    return keras_versions.tree().map_structure(cut, predicted)
