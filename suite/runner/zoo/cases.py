"""One case, run in this process: its reading and its arrays."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from suite.artifacts import names
from suite.records import SEED, Status
from suite.records.zoo import Case, Reading
from suite.runner import models
from suite.runner.differentiation import reason_of, tensor
from suite.runner.layer_steps import drawn, layer_step
from suite.runner.loss_steps import loss_step
from suite.runner.optimizer_steps import Gradient, OptimizerStep, Rows, optimizer_steps
from suite.runner.zoo import arrays, building

Array = np.ndarray
Recorded = tuple[Reading, dict[str, Array]]


def run(case: Case, dtype: str) -> Recorded:
    """The case in this dtype. What the backend refuses is a reading with the reason, whatever it raises."""
    began = time.monotonic()
    try:
        building.forget_names()
        reading, made = KINDS[case.kind](case, dtype)
    except Exception as error:
        reading, made = Reading(case=case.id, status=Status.UNSUPPORTED, reason=reason_of(error)), {}
    seconds = round(time.monotonic() - began, 4)
    return Reading(**{**vars(reading), "seconds": seconds}), made


def _inputs(case: Case, dtype: str) -> list[Array]:
    return [
        arrays.values(one, arrays.generator(case.seed, case.text, "input", place), dtype)
        for place, one in enumerate(case.inputs)
    ]


def _masks(case: Case, dtype: str) -> list[Array | None]:
    return [
        None if one is None else arrays.values(one, arrays.generator(case.seed, case.text, "mask", place), dtype)
        for place, one in enumerate(case.masks)
    ]


def _layer(case: Case, dtype: str) -> Recorded:
    layer = building.made("layer", case.name, json.loads(case.arguments))
    given = _inputs(case, dtype)
    passed: tuple[Any, ...] = {"each": tuple(given), "list": (given,), "states": (given[0], given[1:])}[case.passed]
    call = json.loads(case.call)
    building.build(layer, passed, call)
    _fill(layer, case, dtype)
    step = layer_step(
        layer,
        passed,
        cotangents=drawn(case.seed + 1),
        masks=_masks(case, dtype),
        arguments=call,
        training=case.training,
    )
    made = numbered(names.INPUT, step.inputs) | numbered(names.MASK, step.masks) | numbered(names.OUTPUT, step.outputs)
    made |= numbered(names.COTANGENT, step.cotangents)
    for kind, named in ((names.WEIGHT, step.weights), (names.STATE, step.state), (names.GRADIENT, step.gradients)):
        made |= {f"{kind}/{name}": value for name, value in named.items()}
    reading = Reading(case=case.id, status=Status.COMPLETE, config=step.config, without_gradient=step.reason)
    return reading, made


def numbered(kind: str, values: Sequence[Array | None]) -> dict[str, Array]:
    return {f"{kind}/{place}": value for place, value in enumerate(values) if value is not None}


def _fill(layer: Any, case: Case, dtype: str) -> None:
    """Gives every weight of floats a value that depends on its name only, but for states of seeds."""
    for name, variable in models.variables(layer).items():
        if not name.endswith(SEED) and "float" in str(variable.dtype):
            random = arrays.generator(case.seed, case.name, "weight", name)
            variable.assign(tensor(arrays.weight(name, tuple(variable.shape), random, dtype)))


def _loss(case: Case, dtype: str) -> Recorded:
    loss = building.made("loss", case.name, json.loads(case.arguments))
    y_true, y_pred, *weights = _inputs(case, dtype)
    (mask, *_) = [*_masks(case, dtype), None]
    weight = weights[0] if weights else None
    step = loss_step(loss, y_true, y_pred, cotangents=drawn(case.seed + 1), sample_weight=weight, mask=mask)
    made = numbered(names.INPUT, [y_true, y_pred, weight]) | numbered(names.MASK, [mask])
    made |= numbered(names.OUTPUT, [step.value]) | numbered(names.COTANGENT, [step.cotangent])
    made |= numbered(f"{names.GRADIENT}/{names.INPUT}", [None, step.gradient])
    reading = Reading(case=case.id, status=Status.COMPLETE, config=step.config, without_gradient=step.reason)
    return reading, made


def _optimizer(case: Case, dtype: str) -> Recorded:
    optimizer = building.made("optimizer", case.name, json.loads(case.arguments))
    chosen = json.loads(case.call)
    variables = {f"variable_{place}": value for place, value in enumerate(_inputs(case, dtype))}
    given = [_gradients(case, variables, update, chosen["size"], dtype) for update in range(chosen["updates"])]
    steps = optimizer_steps(optimizer, variables, given)
    made: dict[str, Array] = {}
    for step in steps:
        made |= _of_update(step)
    rates = tuple(step.learning_rate for step in steps)
    return Reading(case=case.id, status=Status.COMPLETE, config=steps[0].config, rates=rates), made


def _gradients(case: Case, variables: Mapping[str, Array], update: int, size: float, dtype: str) -> dict[str, Gradient]:
    gradients: dict[str, Gradient] = {}
    for (name, value), described in zip(variables.items(), case.inputs, strict=True):
        random = arrays.generator(case.seed, case.text, "gradient", name, update)
        dense = np.asarray(size * random.normal(size=value.shape), np.float32).astype(dtype)
        gradients[name] = _by_rows(dense, random) if described.holds == "rows" else dense
    return gradients


def _by_rows(dense: Array, random: np.random.Generator) -> Rows:
    """Rows 0, 1, 1 and 3: one occurs twice, others not at all."""
    indices = np.array([0, 1, 1, 3], np.int32) % len(dense)
    values = dense[: len(indices)]
    whole = np.zeros_like(dense)
    np.add.at(whole, indices, values)
    return Rows(indices=indices, values=values, dense=whole)


def _of_update(step: OptimizerStep) -> dict[str, Array]:
    parts = {
        names.VARIABLE: step.variables,
        names.GRADIENT: step.gradients,
        names.SLOT: step.slots,
        f"{names.AFTER}/{names.VARIABLE}": step.updated_variables,
        f"{names.AFTER}/{names.SLOT}": step.updated_slots,
    }
    return {
        f"{step.iteration}/{kind}/{name}": np.asarray(value)
        for kind, named in parts.items()
        for name, value in named.items()
    }


KINDS: Mapping[str, Callable[[Case, str], Recorded]] = {"layer": _layer, "loss": _loss, "optimizer": _optimizer}
