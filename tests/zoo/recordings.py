"""Recorded cases for tests: a layer that doubles its input, as a backend without or with a fault records it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from suite.records import Status
from suite.records.zoo import Case, Reading, Values
from suite.referee.definition import Answer, Call
from suite.zoo.sweep import Recorded

DOUBLE = Case(kind="layer", name="Double", inputs=(Values(shape=(2, 3)),))


def double(asked: Call) -> Answer:
    """2 x, and the state "count" of every call."""
    return Answer(outputs=(2.0 * asked.inputs[0],), state={"count": asked.weights["count"] + 1})


def recorded(environment: str = "torch", precision: str = "float64", case: Case = DOUBLE, **changes: Any) -> Recorded:
    """A call of Double as it should be recorded; `changes`: "status", "reason", "without_gradient" of the reading, and
    other arrays by name with "/" as "__"."""
    dtype = np.dtype(precision)
    x = np.arange(1.0, 7.0, dtype=dtype).reshape(2, 3)
    arrays = {
        "input/0": x,
        "output/0": 2 * x,
        "cotangent/0": np.ones((2, 3)),
        "weight/count": np.array([4.0], dtype),
        "state/count": np.array([5.0], dtype),
        "gradient/input/0": np.full((2, 3), 2.0, dtype),
    }
    about = {key: changes.pop(key) for key in ("status", "reason", "without_gradient", "config") if key in changes}
    reading = Reading(case=case.id, **{"status": Status.COMPLETE, "config": case.arguments, **about})
    arrays |= {name.replace("__", "/"): np.asarray(value) for name, value in changes.items()}
    return Recorded(case=case, environment=environment, precision=precision, reading=reading, arrays=arrays)


def loss(y_true: Any, y_pred: Any, value: Any, gradient: Any, environment: str = "torch") -> Recorded:
    """A call of MeanSquaredError."""
    case = Case(
        kind="loss", name="MeanSquaredError", inputs=(Values(shape=np.shape(y_true)), Values(shape=np.shape(y_pred)))
    )
    arrays = {"input/0": y_true, "input/1": y_pred, "output/0": value, "cotangent/0": 1.0, "gradient/input/1": gradient}
    config = json.dumps({"reduction": "sum_over_batch_size"})
    return Recorded(
        case=case,
        environment=environment,
        precision="float64",
        reading=Reading(case=case.id, status=Status.COMPLETE, config=config),
        arrays={name: np.asarray(array, np.float64) for name, array in arrays.items()},
    )


def sgd(moves: float, environment: str = "torch", rate: float = 0.5, config: dict[str, Any] | None = None) -> Recorded:
    """One update of SGD that moves a variable by `moves`; its gradient is 2, so that it should be -1."""
    case = Case(kind="optimizer", name="SGD", inputs=(Values(shape=(1,)),), call='{"updates": 1, "size": 1.0}')
    arrays = {
        "0/variable/kernel": [3.0],
        "0/gradient/kernel": [2.0],
        "0/slot/optimizer/iteration": 0.0,
        "0/after/variable/kernel": [3.0 + moves],
        "0/after/slot/optimizer/iteration": 1.0,
    }
    told = {"learning_rate": 0.5, "momentum": 0.0, "nesterov": False, **(config or {})}
    return Recorded(
        case=case,
        environment=environment,
        precision="float64",
        reading=Reading(case=case.id, status=Status.COMPLETE, config=json.dumps(told), rates=(rate,)),
        arrays={name: np.asarray(array, np.float64) for name, array in arrays.items()},
    )
