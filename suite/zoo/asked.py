"""What a recorded case asks of the referee."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Arrays
from suite.referee.definition import Array, Call, LossCall, Update
from suite.zoo.sweep import Recorded


def double(value: Array) -> Array:
    """Floats as float64; everything else as it is."""
    return np.asarray(value, np.float64) if value.dtype.kind == "f" else np.asarray(value)


def below(arrays: Arrays, *prefix: str) -> dict[str, Array]:
    """The arrays whose names begin so, by the rest of their names."""
    start = "/".join(prefix) + "/"
    return {name.removeprefix(start): double(value) for name, value in arrays.items() if name.startswith(start)}


def numbered(arrays: Arrays, kind: str) -> tuple[Array, ...]:
    """Arrays "<kind>/0", "<kind>/1", ... in order."""
    found = {int(place): value for place, value in below(arrays, kind).items()}
    return tuple(found[place] for place in sorted(found))


def call(recorded: Recorded) -> Call:
    """The call of a layer, with the inputs and weights that the worker gave it."""
    inputs, masks = numbered(recorded.arrays, names.INPUT), below(recorded.arrays, names.MASK)
    return Call(
        layer=recorded.case.name,
        config=_config(recorded),
        inputs=inputs,
        weights=below(recorded.arrays, names.WEIGHT),
        training=recorded.case.training,
        masks=tuple(masks.get(str(place)) for place in range(len(inputs))) if masks else (),
        arguments=json.loads(recorded.case.call),
    )


def loss_call(recorded: Recorded) -> LossCall:
    y_true, y_pred, *weight = numbered(recorded.arrays, names.INPUT)
    return LossCall(
        loss=recorded.case.name,
        config=_config(recorded),
        y_true=y_true,
        y_pred=y_pred,
        sample_weight=weight[0] if weight else None,
        mask=below(recorded.arrays, names.MASK).get("0"),
    )


def update(recorded: Recorded, number: int) -> Update:
    """The update of this number, from the state that the backend had before it."""
    return Update(
        optimizer=recorded.case.name,
        config=_config(recorded),
        iteration=number,
        learning_rate=recorded.reading.rates[number],
        variables=below(recorded.arrays, str(number), names.VARIABLE),
        gradients=below(recorded.arrays, str(number), names.GRADIENT),
        slots=below(recorded.arrays, str(number), names.SLOT),
    )


def lost(recorded: Recorded) -> list[str]:
    """Arguments that the constructor got, and that its serialized configuration does not hold."""
    return sorted(json.loads(recorded.case.arguments).keys() - json.loads(recorded.reading.config).keys())


def _config(recorded: Recorded) -> Mapping[str, Any]:
    """The serialized configuration, with the arguments that it has lost."""
    arguments = json.loads(recorded.case.arguments)
    return {**json.loads(recorded.reading.config), **{name: arguments[name] for name in lost(recorded)}}
