"""Products with a kernel, tables of embeddings, and layers that act in training only."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from suite.records.zoo import Case
from suite.zoo.cases.families import layers, one
from suite.zoo.covering import Choice


def cases() -> Iterator[Case]:
    yield from _products()
    yield from _tables()
    yield from _training_only()
    yield from _categories()


def _products() -> Iterator[Case]:
    arguments = {
        "units": [3, 1],
        "activation": [None, "relu", "softmax", "gelu", "hard_sigmoid"],
        "use_bias": [None, False],
    }
    shapes = {"shape": [(2, 4), (2, 3, 4), (1, 2, 3, 1), (3, 3)]}
    yield from layers(["Dense"], lambda choice: one(*choice["shape"]), arguments=arguments, about=shapes)
    equations = [
        ("ab,bc->ac", 5, "c", (2, 3)),
        ("abc,cd->abd", [4, 5], "d", (2, 4, 3)),
        ("abc,cde->abde", [4, 2, 3], "de", (2, 4, 3)),
        ("...x,xy->...y", 4, "y", (2, 3, 5)),
        ("abc,bd->adc", [4, 3], "d", (2, 5, 3)),
        ("abcd,cde->abe", [3, 4], "e", (2, 3, 2, 3)),
    ]
    for equation, shape, bias, inputs in equations:
        table: dict[str, list[Any]] = {"equation": [equation], "output_shape": [shape]}
        table |= {"bias_axes": [None, bias], "activation": [None, "tanh"]}
        yield from layers(["EinsumDense"], partial(_shaped, inputs), arguments=table)


def _shaped(shape: tuple[int, ...], _: Choice) -> dict[str, Any]:
    return one(*shape)


def _tables() -> Iterator[Case]:
    def build(choice: Choice) -> dict[str, Any]:
        return one(*choice["shape"], holds=choice["holds"], below=5)

    arguments = {"input_dim": [5], "output_dim": [3, 1], "mask_zero": [None, True]}
    about = {"shape": [(2, 4), (3, 1), (2, 2, 3)], "holds": ["indices", "labels"]}
    yield from layers(["Embedding"], build, arguments=arguments, about=about)

    def reversible(choice: Choice) -> dict[str, Any]:
        if choice["reverse"]:
            return {**one(2, 4, 3), "call": '{"reverse": true}'}
        return one(2, 4, holds="indices", below=5)

    tied = {"input_dim": [5], "output_dim": [3], "tie_weights": [None, False], "logit_soft_cap": [None, 2.0]}
    yield from layers(["ReversibleEmbedding"], reversible, arguments=tied, about={"reverse": [False, True]})


def _training_only() -> Iterator[Case]:
    """In inference they return their input; in training they draw random numbers, which no definition covers."""
    rates = {"rate": [0.5, 0.25]}
    about = {"training": [False, True]}
    yield from layers(
        ["Dropout", "AlphaDropout", "GaussianDropout"], lambda choice: one(2, 3, 4), arguments=rates, about=about
    )
    yield from layers(["GaussianNoise"], lambda choice: one(2, 3, 4), arguments={"stddev": [0.5]}, about=about)
    for rank in (1, 2, 3):
        yield from layers([f"SpatialDropout{rank}D"], partial(_shaped, (2, *[3] * rank, 2)), arguments=rates, about=about)
    yield from layers(["Dropout"], lambda choice: one(2, 3, 4), arguments={"rate": [0.0]}, about={"training": [True]})
    yield from layers(
        ["ActivityRegularization"], lambda choice: one(2, 3), arguments={"l1": [0.5, None], "l2": [None, 0.25]}, about=about
    )


def _categories() -> Iterator[Case]:
    boundaries = {"bin_boundaries": [[-0.5, 0.0, 1.0]], "output_mode": [None, "one_hot", "multi_hot", "count"]}
    yield from layers(["Discretization"], lambda choice: one(2, 3), arguments=boundaries)
    encoding = {"num_tokens": [5], "output_mode": ["one_hot", "multi_hot", "count"]}
    yield from layers(
        ["CategoryEncoding"],
        lambda choice: one(*choice["shape"], holds="indices", below=5),
        arguments=encoding,
        about={"shape": [(3, 1), (2, 4)]},
        allowed=lambda choice: choice["output_mode"] != "one_hot" or choice["shape"][-1] == 1,
    )
