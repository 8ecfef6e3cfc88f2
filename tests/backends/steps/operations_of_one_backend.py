"""Run in an environment: calls of functions of `keras.ops`, written to a file of arrays. A call is named after its function,
with "#" and a number.

python operations_of_one_backend.py FILE.npz < {"add": 2, ...}: the functions, each with how many arrays it takes
"""

from __future__ import annotations

import json
import sys
from typing import Any

import keras
import numpy as np

from suite.runner import precision
from suite.runner.layer_steps import drawn
from suite.runner.operation_steps import operation_step

precision.adopt("float64", "float64")
random = np.random.default_rng(0)
X, Y = random.uniform(0.2, 0.9, (2, 3, 4)), random.uniform(0.2, 0.9, (2, 3, 4))
SHIFTED, TARGETS = Y - 0.5, X / X.sum(-1, keepdims=True)
VECTORS, SQUARE = random.normal(size=(2, 5, 3)), random.normal(size=(2, 4, 4))
CALLS: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "average": [((X,), {}), ((X,), {"axis": 1}), ((X, ), {"axis": 2, "weights": Y[0, 0]})],
    "binary_crossentropy": [((X, 4 * SHIFTED), {"from_logits": True})],
    "categorical_crossentropy": [((TARGETS, 4 * SHIFTED), {"from_logits": True}), ((X, 4 * SHIFTED), {"from_logits": True})],
    "broadcast_to": [((X[0], (2, 3, 4)), {})],
    "clip": [((X, 0.4, 0.6), {}), ((X,), {"x_min": 0.4, "x_max": 0.6})],
    "concatenate": [(([X, Y],), {}), (([X, Y],), {"axis": -1})],
    "cross": [((VECTORS, VECTORS[::-1]), {}), ((VECTORS, VECTORS[::-1]), {"axis": -1})],
    "cumprod": [((X,), {"axis": 1}), ((X,), {})],
    "diagonal": [((SQUARE,), {}), ((SQUARE,), {"offset": 1, "axis1": 1, "axis2": 2})],
    "diff": [((X,), {}), ((X,), {"n": 2, "axis": 1})],
    "einsum": [(("bij,bkj->bik", X, Y), {})],
    "expand_dims": [((X, 1), {}), ((X,), {"axis": (0, 2)})],
    "flip": [((X,), {}), ((X,), {"axis": 1})],
    "hstack": [(([X, Y],), {})],
    "logsumexp": [((X,), {}), ((X,), {"axis": (0, 2), "keepdims": True})],
    "matmul": [((X, SQUARE), {})],
    "moveaxis": [((X, 0, -1), {}), ((X, (0, 1), (1, 0)), {})],
    "norm": [((X,), {"axis": -1}), ((X,), {"ord": 1, "axis": 1, "keepdims": True}), ((X[0],), {})],
    "pad": [((X, ((0, 0), (1, 2), (2, 1))), {}), ((X, ((0, 0), (1, 1), (2, 0))), {"mode": "reflect"}),
            ((X, ((0, 0), (2, 2), (0, 0))), {"mode": "symmetric"}), ((X, ((1, 1), (0, 0), (0, 0))), {"constant_values": 3})],
    "repeat": [((X, 2), {"axis": 1}), ((X, 2), {})],
    "reshape": [((X, (2, -1)), {})],
    "roll": [((X, 1), {}), ((X, 2), {"axis": 1})],
    "rot90": [((X,), {}), ((X,), {"k": 3, "axes": (1, 2)})],
    "round": [((10 * X,), {}), ((X,), {"decimals": 1})],
    "softmax": [((X,), {}), ((X,), {"axis": 1})],
    "squeeze": [((X[:, :1],), {}), ((X[:, :1],), {"axis": 1})],
    "stack": [(([X, Y],), {}), (([X, Y],), {"axis": 2})],
    "sum": [((X,), {}), ((X,), {"axis": (0, 2)}), ((X, 1), {"keepdims": True})],
    "swapaxes": [((X, 0, 2), {})],
    "take": [((X, np.array([2, 0])), {"axis": 1}), ((X, np.array([5, 1])), {})],
    "take_along_axis": [((X, np.array([[[0, 1, 1, 0]]])), {"axis": 1})],
    "tensordot": [((X, Y), {"axes": ((0, 1), (0, 1))}), ((X[0], SQUARE[0]), {"axes": 1})],
    "tile": [((X, (2, 1, 1)), {}), ((X, 2), {})],
    "trace": [((SQUARE,), {"axis1": 1, "axis2": 2}), ((SQUARE[0],), {})],
    "transpose": [((X,), {}), ((X,), {"axes": (1, 0, 2)})],
    "tril": [((SQUARE,), {}), ((SQUARE,), {"k": 1})],
    "triu": [((SQUARE,), {}), ((SQUARE,), {"k": -1})],
    "var": [((X,), {}), ((X,), {"axis": 1})],
    "vstack": [(([X, Y],), {})],
    "where": [((X > 0.5, X, Y), {})],
    "det": [((SQUARE,), {})],
    "inv": [((SQUARE,), {})],
    "quantile": [((X, 0.3), {"axis": 1}), ((X, 0.55), {}), ((X, 0.3), {"axis": 2, "keepdims": True})],
    "scatter_update": [((X, np.array([[1], [0]]), Y), {}), ((X, np.array([[1, 2], [0, 1]]), Y[0, :2]), {}),
                       ((X, np.array([[1], [1]]), Y), {"reduction": "add"})],
    "segment_sum": [((X, np.array([1, 1])), {"num_segments": 3}), ((X, np.array([1, 0])), {"num_segments": 2})],
    "slice_update": [((X, (0, 1, 2), Y[:, :2, :2]), {})],
    "slogdet": [((SQUARE,), {})],
    "solve": [((SQUARE, X[:, :1, :].transpose(0, 2, 1)), {})],
    "dot": [((X[0], SQUARE[0]), {})],
    "inner": [((X[0], Y[0]), {})],
    "kron": [((X[0], Y[0]), {})],
    "outer": [((X[0, 0], Y[0, 1]), {})],
    "vdot": [((X[0, 0], Y[0, 1]), {})],
}  # fmt: skip


def calls(name: str, parameters: int) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    return CALLS.get(name) or [((X, Y)[:parameters] if name != "arccosh" else (X + 1,), {})]


def main(file: str) -> None:
    arrays: dict[str, np.ndarray] = {}
    for name, count in json.loads(sys.stdin.read()).items():
        for place, (inputs, arguments) in enumerate(calls(name, count)):
            made = operation_step(getattr(keras.ops, name), inputs, arguments, cotangents=drawn(1))
            key = f"{name}#{place}"
            arrays[f"{key}|arguments"] = np.array(json.dumps(made.arguments))
            arrays[f"{key}|reason"] = np.array(made.reason)
            for what, values in {"input": made.inputs, "output": made.outputs, "cotangent": made.cotangents}.items():
                arrays |= {f"{key}|{what}|{index}": value for index, value in enumerate(values)}
            arrays |= {f"{key}|gradient|{source}": value for source, value in made.gradients.items()}
    np.savez(file, **arrays)  # type: ignore[arg-type]


main(sys.argv[1])
