"""Losses: arguments, reductions, weights and masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from suite.records.zoo import Case, Values
from suite.zoo.cases.families import NONE, Table, family, padding
from suite.zoo.covering import Choice

REDUCTIONS = [None, "sum", NONE, "none", "mean", "mean_with_sample_weight"]
ROWS: Table = {"shape": [(4, 3), (2, 3, 4), (5, 1)]}
WEIGHTS: Table = {"weights": ["", "rows", "places"], "masked": [False, True]}
REGRESSION = (
    "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError",
    "CosineSimilarity", "Huber", "LogCosh", "Poisson",
)  # fmt: skip
POSITIVE = ("MeanSquaredLogarithmicError", "Poisson")
OF_REGRESSION: Mapping[str, Table] = {
    "Huber": {"delta": [None, 0.3]},
    "CosineSimilarity": {"axis": [None, 1]},
}


def cases() -> Iterator[Case]:
    for name in REGRESSION:
        holds = "positive" if name in POSITIVE else "normal"
        yield from _family(name, holds, holds, OF_REGRESSION.get(name, {}))
    for name in ("Hinge", "SquaredHinge"):
        yield from _family(name, "signs", "normal", {})
    yield from _family("CategoricalHinge", "one-hot", "normal", {})
    # Rows of one element are 1, where the loss is cut off: there it has no gradient.
    yield from _family("KLDivergence", "distribution", "distribution", {}, shape=[(4, 3), (2, 3, 4), (5, 2)])
    yield from _binary()
    yield from _categorical()
    yield from _regions()
    yield from _sequences()


def _family(name: str, truth: str, predicted: str, arguments: Mapping[str, Sequence[Any]], **tables: Any) -> Iterator[Case]:
    def build(choice: Choice) -> dict[str, Any]:
        shape = choice["shape"]
        holds = choice.get("holds", predicted)
        return _call(choice, Values(shape=shape, holds=truth), Values(shape=shape, holds=holds))

    yield from family(
        "loss",
        name,
        build,
        arguments={"reduction": REDUCTIONS, **arguments},
        about={**ROWS, **WEIGHTS, **tables},
        allowed=_last_axis,
    )


def _last_axis(choice: Choice) -> bool:
    """Weights and masks fit the last axis. A loss along a different one is tried without any."""
    return choice.get("axis") is None or not bool(choice["weights"] or choice["masked"])


def _call(choice: Choice, truth: Values, predicted: Values, *, places: int | None = None) -> dict[str, Any]:
    """`places`: how many leading dimensions of the predictions have a loss of their own; all but the last without it."""
    leading = predicted.shape[: len(predicted.shape) - 1 if places is None else places]
    rows = (leading[0], *(1 for _ in leading[1:]))
    weight = {"": (), "rows": (rows,), "places": (leading,)}[choice.get("weights", "")]
    inputs = (truth, predicted, *(Values(shape=shape, holds="positive") for shape in weight))
    masks = (padding(*leading),) if choice.get("masked") else ()
    return {"inputs": inputs, "masks": masks}


def _binary() -> Iterator[Case]:
    arguments: Table = {"from_logits": [None, True], "label_smoothing": [None, 0.1], "axis": [None, 1]}
    # The focal losses subtract probabilities from 1, which cancels where they are saturated, on every backend.
    about: Table = {"holds": ["unit", "normal"]}

    def build(choice: Choice) -> dict[str, Any]:
        shape = choice["shape"]
        return _call(choice, Values(shape=shape, holds="binary"), Values(shape=shape, holds=choice["holds"]))

    def allowed(choice: Choice) -> bool:
        return bool(choice["from_logits"]) == (choice["holds"] != "unit") and _last_axis(choice)

    focal: Table = {"gamma": [None, 1.0], "alpha": [None, 0.5], "apply_class_balancing": [None, True]}
    for name, more in (("BinaryCrossentropy", {}), ("BinaryFocalCrossentropy", focal)):
        yield from family(
            "loss",
            name,
            build,
            arguments={"reduction": REDUCTIONS, **arguments, **more},
            about={**ROWS, **WEIGHTS, **about},
            allowed=allowed,
        )
    saturated: Table = {**ROWS, **WEIGHTS, "holds": ["saturated"]}
    logits: Table = {"from_logits": [True], "label_smoothing": [None, 0.1]}
    yield from family("loss", "BinaryCrossentropy", build, arguments=logits, about=saturated)


def _categorical() -> Iterator[Case]:
    def allowed(choice: Choice) -> bool:
        return bool(choice["from_logits"]) == bool(choice["holds"] != "distribution")

    about: Table = {"holds": ["distribution", "normal", "saturated"], "shape": [(4, 3), (2, 3, 4), (1, 5)]}

    def whole(choice: Choice) -> dict[str, Any]:
        shape = choice["shape"]
        return _call(choice, Values(shape=shape, holds="one-hot"), Values(shape=shape, holds=choice["holds"]))

    arguments: Table = {"reduction": REDUCTIONS, "from_logits": [None, True], "label_smoothing": [None, 0.1]}
    focal: Table = {"gamma": [None, 1.0], "alpha": [None, 0.5]}
    for name, more in (("CategoricalCrossentropy", {}), ("CategoricalFocalCrossentropy", focal)):
        table = {**arguments, **more}
        yield from family("loss", name, whole, arguments=table, about={**WEIGHTS, **about}, allowed=allowed)

    def sparse(choice: Choice) -> dict[str, Any]:
        shape = choice["shape"]
        places = (*shape[:-1], 1) if choice["column"] else shape[:-1]
        truth = Values(shape=places, holds=choice["targets"], below=shape[-1])
        return _call(choice, truth, Values(shape=shape, holds=choice["holds"]))

    yield from family(
        "loss",
        "SparseCategoricalCrossentropy",
        sparse,
        arguments={"reduction": REDUCTIONS, "from_logits": [None, True], "ignore_class": [None, 0]},
        about={**WEIGHTS, **about, "targets": ["indices", "labels"], "column": [False, True]},
        allowed=allowed,
    )


def _regions() -> Iterator[Case]:
    """Losses over whole regions: masks and weights of places have no meaning for them."""

    def build(choice: Choice) -> dict[str, Any]:
        shape = choice["shape"]
        return _call(choice, Values(shape=shape, holds="binary"), Values(shape=shape, holds="unit"))

    about: Table = {"shape": [(2, 3, 3, 1), (3, 4)]}
    reductions: Table = {"reduction": [None, "sum", NONE]}
    yield from family("loss", "Dice", build, arguments={**reductions, "axis": [None, [1]]}, about=about)
    tversky: Table = {**reductions, "alpha": [None, 0.3], "beta": [None, 0.7], "axis": [None, [1]]}
    yield from family("loss", "Tversky", build, arguments=tversky, about=about)

    def embeddings(choice: Choice) -> dict[str, Any]:
        rows, width = choice["shape"]
        return {"inputs": (Values(shape=(rows,), holds="indices", below=3), Values(shape=(rows, width)))}

    circle: Table = {**reductions, "gamma": [None, 8.0], "margin": [None, 0.25], "remove_diagonal": [None, False]}
    yield from family("loss", "Circle", embeddings, arguments=circle, about={"shape": [(6, 4), (9, 2)]})
    generalized: Table = {**reductions, "q": [None, 0.25, 0.75]}
    yield from family(
        "loss",
        "CategoricalGeneralizedCrossEntropy",
        lambda choice: {
            "inputs": (Values(shape=(4,), holds="indices", below=3), Values(shape=(4, 3), holds="distribution"))
        },
        arguments=generalized,
    )


def _sequences() -> Iterator[Case]:
    def build(choice: Choice) -> dict[str, Any]:
        rows, steps, classes = choice["shape"]
        truth = Values(shape=(rows, choice["labels"]), holds="classes", below=classes)
        return {"inputs": (truth, Values(shape=(rows, steps, classes)))}

    about: Table = {"shape": [(2, 6, 4), (1, 5, 3)], "labels": [2, 1]}
    yield from family("loss", "CTC", build, arguments={"reduction": [None, "sum", NONE]}, about=about)
