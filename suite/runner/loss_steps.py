"""One call of a loss: its value, and its gradient by the predictions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from suite.runner import masks
from suite.runner.differentiation import Array, Cotangents, differentiate, tensor


@dataclass(frozen=True, kw_only=True)
class LossStep:
    """One call, in NumPy. `loss`: the name of its class. `config`: JSON of its `get_config()`. `value`: a number, or one
    for each row and place where nothing is reduced. `gradient`: of the sum of `value` times `cotangent`, by `y_pred`; None
    where `reason` says why."""

    loss: str
    config: str
    y_true: Array
    y_pred: Array
    sample_weight: Array | None
    mask: Array | None
    value: Array
    cotangent: Array | None = None
    gradient: Array | None = None
    reason: str = ""


def wrapped(loss: Any) -> dict[str, Any]:
    """What a loss or metric that wraps a function gives to it, by name: its configuration may leave that out."""
    return dict(vars(loss).get("_fn_kwargs") or {})  # private: there is no other place that holds it


def loss_step(
    loss: Any,
    y_true: Array,
    y_pred: Array,
    *,
    cotangents: Cotangents,
    sample_weight: Array | None = None,
    mask: Array | None = None,
) -> LossStep:
    """Calls `loss(y_true, y_pred, sample_weight)` once, eagerly, and pulls the cotangent of its value back to `y_pred`.

    `mask`: what `y_pred` carries, as after a layer that masks. Raises whatever the call raises.
    """
    import keras

    def function(tensors: list[Any]) -> list[Any]:
        if mask is not None:
            masks.carry(tensors[0], tensor(mask))
        weight = None if sample_weight is None else tensor(sample_weight)
        return [loss(tensor(y_true), tensors[0], sample_weight=weight)]

    done = differentiate(function, [y_pred], {}, {}, cotangents)
    return LossStep(
        loss=type(loss).__name__,
        config=json.dumps(keras.saving.serialize_keras_object(loss)["config"], sort_keys=True),
        y_true=y_true,
        y_pred=y_pred,
        sample_weight=sample_weight,
        mask=mask,
        value=done.outputs[0],
        cotangent=done.cotangents[0] if done.cotangents else None,
        gradient=done.of_inputs.get(0),
        reason=done.reason,
    )
