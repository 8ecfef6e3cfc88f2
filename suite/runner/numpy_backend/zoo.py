"""The zoo of the NumPy backend: Dense, MeanSquaredError and SGD, with defects to inject. Everything else it refuses.

An environment chooses one by the variable PARITY_FAKE_ZOO (a name in DEFECTS).
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping

import numpy as np

from suite.artifacts import names
from suite.records import Job, Status
from suite.records.zoo import Case, Reading
from suite.runner.outcome import Unsupported
from suite.runner.zoo import arrays, jobs

DEFECTS = {
    "forward": "Dense adds its bias twice",
    "gradient": "the gradient of Dense by its input is doubled",
    "config": "the configuration of Dense does not hold use_bias",
    "crash": "Dense with one unit crashes",
    "refuse": "Dense with one unit is refused",
}


def zoo(job: Job) -> None:
    """Runs the job's cases."""
    jobs.record(job, lambda case: run(case, job.precision))


def run(case: Case, dtype: str) -> tuple[Reading, dict[str, np.ndarray]]:
    try:
        return KINDS[case.name](case, dtype)
    except KeyError:
        return Reading(case=case.id, status=Status.UNSUPPORTED, reason=f"NumPy has no {case.name}"), {}
    except Unsupported as error:
        return Reading(case=case.id, status=Status.UNSUPPORTED, reason=str(error)), {}


def _defect(name: str) -> bool:
    assert name in DEFECTS
    return os.environ.get("PARITY_FAKE_ZOO", "") == name


def _input(case: Case, place: int, dtype: str) -> np.ndarray:
    return arrays.values(case.inputs[place], arrays.generator(case.seed, case.text, "input", place), dtype)


def _dense(case: Case, dtype: str) -> tuple[Reading, dict[str, np.ndarray]]:
    given = {"use_bias": True, "activation": "linear", **json.loads(case.arguments)}
    if given["units"] == 1 and _defect("crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if given["units"] == 1 and _defect("refuse"):
        raise Unsupported("one unit is too few")
    if given["activation"] != "linear":
        raise Unsupported(f"NumPy has no activation {given['activation']}")
    random, x = arrays.generator(case.seed, "weights"), _input(case, 0, dtype)
    kernel = arrays.weight("kernel", (x.shape[-1], given["units"]), random, dtype)
    weights = {
        "kernel": kernel,
        **({"bias": arrays.weight("bias", kernel.shape[1:], random, dtype)} if given["use_bias"] else {}),
    }
    bias = weights.get("bias", np.zeros(kernel.shape[1:], dtype))
    output = x @ kernel + bias * (2 if _defect("forward") else 1)
    cotangent = np.ones_like(output)
    gradients = {"kernel": x.reshape(-1, x.shape[-1]).T @ cotangent.reshape(-1, cotangent.shape[-1])}
    gradients |= {"bias": cotangent.reshape(-1, cotangent.shape[-1]).sum(0)} if given["use_bias"] else {}
    made = {f"{names.INPUT}/0": x, f"{names.OUTPUT}/0": output, f"{names.COTANGENT}/0": cotangent}
    made |= {f"{names.WEIGHT}/{name}": value for name, value in weights.items()}
    made |= {f"{names.GRADIENT}/{names.WEIGHT}/{name}": value for name, value in gradients.items()}
    made[f"{names.GRADIENT}/{names.INPUT}/0"] = (cotangent @ kernel.T) * (2 if _defect("gradient") else 1)
    if _defect("config"):
        del given["use_bias"]
    return Reading(case=case.id, status=Status.COMPLETE, config=json.dumps(given)), made


def _mean_squared_error(case: Case, dtype: str) -> tuple[Reading, dict[str, np.ndarray]]:
    if json.loads(case.arguments) or case.masks or len(case.inputs) > 2:
        raise Unsupported("NumPy's MeanSquaredError has no arguments, masks or weights")
    y_true, y_pred = _input(case, 0, dtype), _input(case, 1, dtype)
    made = {
        f"{names.INPUT}/0": y_true,
        f"{names.INPUT}/1": y_pred,
        f"{names.OUTPUT}/0": np.mean((y_pred - y_true) ** 2),
        f"{names.COTANGENT}/0": np.ones(()),
        f"{names.GRADIENT}/{names.INPUT}/1": 2 * (y_pred - y_true) / y_pred.size,
    }
    return Reading(case=case.id, status=Status.COMPLETE, config='{"reduction": "sum_over_batch_size"}'), made


def _sgd(case: Case, dtype: str) -> tuple[Reading, dict[str, np.ndarray]]:
    given = {"momentum": 0.0, "nesterov": False, **json.loads(case.arguments)}
    if (
        given.keys() != {"momentum", "nesterov", "learning_rate"}
        or given["momentum"]
        or not isinstance(given["learning_rate"], float)
    ):
        raise Unsupported("NumPy's SGD has a constant learning rate and nothing else")
    made: dict[str, np.ndarray] = {}
    count, rate = json.loads(case.call)["updates"], given["learning_rate"]
    for place in range(len(case.inputs)):
        value, name = _input(case, place, dtype), f"variable_{place}"
        for update in range(count):
            gradient = arrays.generator(case.seed, name, update).normal(size=value.shape).astype(dtype)
            made |= {f"{update}/{names.VARIABLE}/{name}": value, f"{update}/{names.GRADIENT}/{name}": gradient}
            value = value - np.asarray(rate, dtype) * gradient
            made[f"{update}/{names.AFTER}/{names.VARIABLE}/{name}"] = value
    return Reading(case=case.id, status=Status.COMPLETE, config=json.dumps(given), rates=(rate,) * count), made


KINDS: Mapping[str, Callable[[Case, str], tuple[Reading, dict[str, np.ndarray]]]] = {
    "Dense": _dense,
    "MeanSquaredError": _mean_squared_error,
    "SGD": _sgd,
}
