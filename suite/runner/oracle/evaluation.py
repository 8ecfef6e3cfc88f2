"""What an oracle evaluates to, step by step: as several replicas do, each on its rows of every batch, or as one device."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from suite.artifacts.rows import EVALUATE, X, count, part_of
from suite.records import shares
from suite.runner import evaluating, keras_versions, models
from suite.runner.evaluating import Arrays

if TYPE_CHECKING:  # the oracle calls what is here
    from suite.runner.oracle.emulation import Oracle


def evaluates_itself(model: Any) -> bool:
    """Whether its class brings an evaluation step in place of Keras's, which no oracle emulates."""
    return any("test_step" in vars(kind) for kind in type(model).__mro__ if not keras_versions.is_of_keras(kind))


def evaluate(oracle: Oracle, live: bool, purpose: str = EVALUATE) -> Arrays:
    """The loss and every metric over the rows for this purpose, name -> float64 (numbers of the metric,): those of the live
    model as the strategy gives them, of the file as one device does. Empty where the model evaluates itself."""
    if evaluates_itself(oracle.model):
        return {}
    total = count(oracle.data, part_of(X, purpose))
    at_a_time = oracle.scenario.batch if live else oracle.scenario.batch // _processes(oracle)
    batches = np.split(np.arange(total), range(at_a_time, total, at_a_time))
    apart = live and oracle.semantics.gradients != "global batch"
    parts = oracle.replicas if apart else 1
    own = live and oracle.semantics.live_predictions == "own statistics of each replica"
    training = oracle.predicts_as_training(live, evaluating=True) and oracle.groups > 1
    deviation = oracle.deviation
    penalties = deviation.regularization if deviation.evaluates == "as it predicts" else 1.0
    oracle.model.reset_metrics()  # of what was counted before
    with oracle.scaled() if apart else nullcontext():
        for replica in range(parts):
            oracle.become(replica, live, own, evaluating=True)
            for batch in batches:
                rows = np.split(batch, np.cumsum(shares(len(batch), parts))[:-1])[replica]
                given = models.training(oracle.data, rows, purpose)
                _add(oracle.model, given, training=training, scale=float(parts if oracle.shares else 1), penalties=penalties)
    return _result(oracle.model)


def _processes(oracle: Oracle) -> int:
    """In how many processes the replicas are. What is loaded from their file is evaluated by as many rows as one of them
    takes: a loss over the rows of a batch depends on it."""
    import keras

    return oracle.replicas if keras.backend.backend() == "torch" else 1


def _add(model: Any, given: dict[str, Any], *, training: bool, scale: float, penalties: float) -> None:
    """Counts some rows, given as `evaluate` takes them. `training`: whether the model predicts as in training; `scale`,
    `penalties`: by what the loss, and the penalties in it, are multiplied."""
    given = models.tensors(given)
    with _untaped():
        predicted = model(given["x"], training=True) if training else keras_versions.evaluated(model, given["x"])
        loss = keras_versions.compute_loss(model, training=False, **given, y_pred=predicted)
        if penalties != 1.0 and model.losses:
            loss = loss + (penalties - 1.0) * sum(model.losses)
        size = len(keras_versions.tree().flatten(given["x"])[0])
        model._loss_tracker.update_state(scale * loss, sample_weight=size)  # private: as Keras's own step counts it
        model.compute_metrics(given["x"], given["y"], predicted, sample_weight=given.get("sample_weight"))


def _result(model: Any) -> Arrays:
    """What was counted, as `evaluate` gives it: name -> float64 (numbers of the metric,)."""
    import keras

    found = keras_versions.tree().map_structure(keras.ops.convert_to_numpy, model.get_metrics_result())
    return evaluating.numbers(found)


def _untaped() -> AbstractContextManager[Any]:
    """While this is entered, nothing is recorded for a gradient."""
    import keras

    if keras.backend.backend() != "torch":
        return nullcontext()
    import torch

    return torch.no_grad()  # type: ignore[no-any-return]
