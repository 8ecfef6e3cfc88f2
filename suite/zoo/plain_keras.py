"""A case as lines of plain Keras: what a person would type to see the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from suite.records.zoo import Case, Values

MODULES = {"layer": "layers", "loss": "losses", "optimizer": "optimizers"}
MADE = {
    "normal": "np.random.normal(size={shape})",
    "rows": "np.random.normal(size={shape})",
    "positive": "np.random.uniform(0.1, 2, {shape})",
    "unit": "np.random.uniform(0.05, 0.95, {shape})",
    "large mean": "100 + np.random.normal(size={shape})",
    "saturated": "30 * np.random.normal(size={shape})",
    "pixels": "np.random.uniform(0, 255, {shape})",
    "distribution": "softmax(np.random.normal(size={shape}))",
    "one-hot": "one_hot({shape})",
    "binary": "np.random.randint(0, 2, {shape}).astype(float)",
    "signs": "2.0 * np.random.randint(0, 2, {shape}) - 1",
    "indices": "np.random.randint(0, {below}, {shape})",
    "labels": "np.random.randint(0, {below}, {shape}).astype(float)",
    "classes": "np.random.randint(1, {below}, {shape})",
    "padding": "padding_mask({shape})",
    "booleans": "np.random.randint(0, 2, {shape}).astype(bool)",
}


def line(case: Case) -> str:
    """One line: the constructor and the call."""
    made = f"keras.{MODULES[case.kind]}.{case.name}({_arguments(json.loads(case.arguments))})"
    if case.kind == "optimizer":
        call = json.loads(case.call)
        shapes = ", ".join(f"{one.shape}{' by rows' if one.holds == 'rows' else ''}" for one in case.inputs)
        return f"{made}  # {call['updates']} updates of variables {shapes}, gradients of size {call['size']:g}"
    return f"{made}({', '.join(_call(case))})"


def _call(case: Case) -> list[str]:
    arrays = [_array(one) for one in case.inputs]
    if case.kind == "loss":
        return [*arrays[:2], *(f"sample_weight={one}" for one in arrays[2:]), *_masks(case)]
    passed = {
        "each": arrays,
        "list": [f"[{', '.join(arrays)}]"],
        "states": [*arrays[:1], f"[{', '.join(arrays[1:])}]"],
    }[case.passed]
    call = [f"{name}={value!r}" for name, value in json.loads(case.call).items()]
    return [*passed, *_masks(case), *call, *(["training=True"] if case.training else [])]


def _masks(case: Case) -> list[str]:
    if not any(case.masks):
        return []
    masks = [_array(one) if one else "None" for one in case.masks]
    return [f"mask={masks[0]}" if len(masks) == 1 else f"mask=[{', '.join(masks)}]"]


def _array(one: Values) -> str:
    return MADE[one.holds].format(shape=one.shape, below=one.below)


def _arguments(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in given.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and "class_name" in value:
        return f"{value['class_name']}({_arguments(value['config'])})"
    if isinstance(value, list):
        return f"[{', '.join(_value(one) for one in value)}]"
    return repr(value)
