"""Normalizations, in training and in inference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suite.records.zoo import Case
from suite.zoo.cases.families import layers, nested, one, padding
from suite.zoo.covering import Choice

SHAPES = [(4, 6), (3, 5, 4), (2, 4, 3, 6), (5, 2, 2, 3, 4)]
HOLDS = ["normal", "large mean"]


def cases() -> Iterator[Case]:
    yield from _batch()
    yield from _of_rows()
    yield from _groups()
    yield from _fixed()
    yield from _spectral()


def _build(choice: Choice) -> dict[str, Any]:
    fields = one(*choice["shape"], holds=choice.get("holds", "normal"))
    if choice.get("masked"):
        fields["masks"] = (padding(*choice["shape"][:2]),)
    return fields


def _fits(choice: Choice) -> bool:
    axis = choice.get("axis")
    axes = axis if isinstance(axis, list) else [-1 if axis is None else axis]
    return all(-len(choice["shape"]) < one < len(choice["shape"]) for one in axes)


def _batch() -> Iterator[Case]:
    arguments = {
        "axis": [None, 1, 2],
        "momentum": [None, 0.5],
        "epsilon": [None, 0.1],
        "center": [None, False],
        "scale": [None, False],
    }
    about = {"training": [False, True], "masked": [False, True], "shape": SHAPES, "holds": HOLDS}

    def allowed(choice: Choice) -> bool:
        return _fits(choice) and (not choice["masked"] or (len(choice["shape"]) == 3 and choice["axis"] in (None, 2)))

    yield from layers(["BatchNormalization"], _build, arguments=arguments, about=about, allowed=allowed)
    renormalized = {"renorm": [True], "renorm_clipping": [None, {"rmax": 1.5, "rmin": 0.7, "dmax": 0.5}], "axis": [None, 1]}
    yield from layers(
        ["BatchNormalization"], _build, arguments=renormalized, about={"training": [True, False], "shape": SHAPES[:2]}
    )


def _of_rows() -> Iterator[Case]:
    about = {"shape": SHAPES, "holds": HOLDS}
    arguments = {
        "axis": [None, 1, [1, 2], [-1, -2]],
        "epsilon": [None, 0.1],
        "center": [None, False],
        "scale": [None, False],
    }
    yield from layers(["LayerNormalization"], _build, arguments=arguments, about=about, allowed=_fits)
    yield from layers(
        ["RMSNormalization"],
        _build,
        arguments={"axis": [None, 1, [1, 2]], "epsilon": [None, 0.1]},
        about=about,
        allowed=_fits,
    )
    yield from layers(
        ["UnitNormalization"], _build, arguments={"axis": [None, 1, [1, 2]]}, about={"shape": SHAPES}, allowed=_fits
    )


def _groups() -> Iterator[Case]:
    arguments = {
        "groups": [2, 1, -1, 3],
        "axis": [None, 1],
        "epsilon": [None, 0.1],
        "center": [None, False],
        "scale": [None, False],
    }

    def allowed(choice: Choice) -> bool:
        channels = choice["shape"][-1 if choice["axis"] is None else choice["axis"]]
        return bool(choice["groups"] == -1 or channels % choice["groups"] == 0)

    about = {"shape": [(4, 6), (2, 6, 6), (2, 4, 3, 6)], "holds": HOLDS}
    yield from layers(["GroupNormalization"], _build, arguments=arguments, about=about, allowed=allowed)


def _fixed() -> Iterator[Case]:
    """Statistics that are given, and not learnt."""
    arguments = {"axis": [None, 1, -1], "mean": [[0.5]], "variance": [[2.0]], "invert": [None, True]}
    yield from layers(["Normalization"], _build, arguments=arguments, about={"shape": [(4, 1), (3, 1, 1)]})
    several = {"mean": [[1.0, -2.0, 0.5, 3.0]], "variance": [[1.0, 4.0, 0.25, 9.0]], "invert": [None, True]}
    yield from layers(["Normalization"], _build, arguments=several, about={"shape": [(4, 4), (3, 5, 4)]})


def _spectral() -> Iterator[Case]:
    inner = [nested("Dense", units=3), nested("Conv2D", filters=2, kernel_size=2), nested("Dense", units=3, use_bias=False)]

    def build(choice: Choice) -> dict[str, Any]:
        return one(2, 5, 4, 3) if choice["layer"]["class_name"] == "Conv2D" else one(4, 6)

    yield from layers(
        ["SpectralNormalization"],
        build,
        arguments={"layer": inner, "power_iterations": [None, 3]},
        about={"training": [False, True]},
    )
