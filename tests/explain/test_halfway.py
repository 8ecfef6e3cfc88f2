"""Two backends round what is halfway between two integers to either, and are told from one that is off."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite.explain import halfway
from suite.records import Cause, Code, Place, RecordedCall
from tests.explain.run_folders import Folder, RecordedArrays, layerwise

CONFIG = {
    "height": 1, "width": 1, "interpolation": "bilinear", "antialias": True, "data_format": "channels_last",
    "fill_mode": "constant", "fill_value": 0.0,
}  # fmt: skip
IMAGES = np.array([[[1, 2]], [[3, 6]], [[7, 9]]], np.uint8)[..., None]  # 1.5, 4.5 and 8
CAUSE = Cause(code=Code.HALFWAY, detail=(("layer", "resize (Resizing)"),))


def resized(*made: int, images: np.ndarray = IMAGES, own: bool = True, training: bool = True) -> RecordedArrays:
    call = RecordedCall(
        state="0", kind="layer", name="resize", of="Resizing", config=json.dumps(CONFIG), own=own, training=training
    )
    return call, {"input|0": images, "output|0": np.array(made, np.uint8).reshape(3, 1, 1, 1)}


def place(stage: str = "forward", tensor: str = "resize") -> Place:
    return Place(stage=stage, tensor=tensor, state="0", size=1.0, ratio=1.0)


def said(made: Folder, at: Place | None) -> tuple[Cause, ...]:
    read = made.read()
    jax, torch = (read.further(layerwise(name)) for name in ("jax", "torch"))
    assert not isinstance(jax, str) and not isinstance(torch, str)
    return halfway.between(jax, torch, at)


@pytest.mark.parametrize(
    ("jax", "torch", "at", "found"),
    [
        (resized(2, 4, 8), resized(1, 5, 8), place(), True),
        (resized(2, 4, 8), resized(2, 4, 8), place(), False),
        (resized(2, 4, 8), resized(1, 4, 9), place(), False),  # one of them is not halfway
        (resized(2, 4, 8), resized(3, 4, 8), place(), False),  # not one of the two
        (resized(2, 4, 8), resized(1, 4, 8, images=IMAGES + np.uint8(2)), place(), False),
        (resized(2, 4, 8, own=False), resized(1, 4, 8, own=False), place(), False),
        (resized(2, 4, 8), resized(1, 4, 8), place(tensor="scale"), False),
        (resized(2, 4, 8), resized(1, 4, 8), place("gradient"), False),
        (resized(2, 4, 8), resized(1, 4, 8), None, False),
        (resized(2, 4, 8), resized(1, 4, 8), place("prediction"), False),
        (resized(2, 4, 8, training=False), resized(1, 4, 8, training=False), place("prediction"), True),
    ],
)
def test_integers_differ_by_one_and_only_where_their_definition_is_halfway(
    tmp_path: Path, jax: RecordedArrays, torch: RecordedArrays, at: Place | None, found: bool
) -> None:
    made = Folder(tmp_path, ["jax", "torch"])
    made.recorded("jax", [jax])
    made.recorded("torch", [torch])
    assert said(made, at) == ((CAUSE,) if found else ())


def test_a_layer_without_a_definition_is_not_called_halfway(tmp_path: Path) -> None:
    made = Folder(tmp_path, ["jax", "torch"])
    for name, outputs in (("jax", (2, 4, 8)), ("torch", (1, 4, 8))):
        call, arrays = resized(*outputs)
        made.recorded(name, [(replace(call, of="Unheard"), arrays)])
    assert said(made, place()) == ()
