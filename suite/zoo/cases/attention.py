"""Attention layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suite.records.zoo import Case, Values
from suite.zoo.cases.families import layers, padding
from suite.zoo.covering import Choice

ROWS = 2
LENGTHS = [(4, 3), (3, 3), (1, 5)]  # of query, and of value


def cases() -> Iterator[Case]:
    yield from _plain()
    yield from _heads()
    yield from _grouped()


def _inputs(choice: Choice, width: int, value_width: int) -> list[Values]:
    query, value = choice["lengths"]
    tensors = [Values(shape=(ROWS, query, width)), Values(shape=(ROWS, value, value_width))]
    return [*tensors, Values(shape=(ROWS, value, width))] if choice["key"] else tensors


def _masks(choice: Choice) -> tuple[Values | None, ...]:
    query, value = choice["lengths"]
    chosen = {
        "": (),
        "value": (None, padding(ROWS, value)),
        "query": (padding(ROWS, query), None),
        "both": (padding(ROWS, query), padding(ROWS, value)),
    }[choice["masks"]]
    return (*chosen, None) if chosen and choice["key"] else chosen


def _plain() -> Iterator[Case]:
    """Attention and AdditiveAttention take one list."""

    def build(choice: Choice) -> dict[str, Any]:
        call = {key: True for key in ("use_causal_mask", "return_attention_scores") if choice[key]}
        return {
            "inputs": tuple(_inputs(choice, 4, 4 if not choice["key"] else 5)),
            "passed": "list",
            "masks": _masks(choice),
            "call": _json(call),
        }

    about = {
        "lengths": LENGTHS,
        "key": [False, True],
        "masks": ["", "value", "query", "both"],
        "use_causal_mask": [False, True],
        "return_attention_scores": [False, True],
        "training": [False, True],
    }
    arguments = {"use_scale": [None, True], "score_mode": [None, "concat"]}
    yield from layers(["Attention"], build, arguments=arguments, about=about)
    yield from layers(["AdditiveAttention"], build, arguments={"use_scale": [None, False]}, about=about)


def _json(call: dict[str, Any]) -> str:
    return "{" + ", ".join(f'"{key}": true' for key in sorted(call)) + "}"


def _heads() -> Iterator[Case]:
    def build(choice: Choice) -> dict[str, Any]:
        call = {key: True for key in ("use_causal_mask", "return_attention_scores") if choice[key]}
        return {"inputs": tuple(_inputs(choice, 4, 4)), "masks": _masks(choice), "call": _json(call)}

    arguments = {
        "num_heads": [2, 1],
        "key_dim": [3, 2],
        "value_dim": [None, 4],
        "use_bias": [None, False],
        "output_shape": [None, 5],
        "flash_attention": [None, False],
    }
    about = {
        "lengths": LENGTHS,
        "key": [False, True],
        "masks": ["", "value", "query", "both"],
        "use_causal_mask": [False, True],
        "return_attention_scores": [False, True],
        "training": [False, True],
    }
    yield from layers(["MultiHeadAttention"], build, arguments=arguments, about=about)

    def planes(choice: Choice) -> dict[str, Any]:
        return {"inputs": (Values(shape=(1, 2, 3, 4)), Values(shape=(1, 2, 3, 4)))}

    yield from layers(
        ["MultiHeadAttention"],
        planes,
        arguments={"num_heads": [2], "key_dim": [2], "attention_axes": [None, [1], [2], [1, 2]]},
    )


def _grouped() -> Iterator[Case]:
    def build(choice: Choice) -> dict[str, Any]:
        call = {key: True for key in ("use_causal_mask", "return_attention_scores") if choice[key]}
        return {"inputs": tuple(_inputs(choice, 4, 4)), "masks": _masks(choice), "call": _json(call)}

    arguments = {
        "head_dim": [3, 2],
        "num_query_heads": [4, 2],
        "num_key_value_heads": [2, 1],
        "use_bias": [None, False],
        "use_gate": [None, True],
    }
    about = {
        "lengths": LENGTHS,
        "key": [False, True],
        "masks": ["", "value", "query", "both"],
        "use_causal_mask": [False, True],
        "return_attention_scores": [False, True],
    }
    yield from layers(["GroupQueryAttention"], build, arguments=arguments, about=about)
