"""Which layers give another result for a row if other rows are missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suite.explain import own_rows
from tests.explain.run_folders import Folder, RecordedArrays, dense_call, layerwise


def called(name: str, apart: float | None) -> RecordedArrays:
    """A layer whose output for its first row alone is this share larger; None: it was not called with that row alone."""
    call, arrays = dense_call(name, own=False)
    return call, arrays if apart is None else arrays | {"alone|0": arrays["output|0"][:1] * (1.0 + apart)}


@pytest.mark.parametrize(("apart", "found"), [(0.1, ("center",)), (1e-12, ()), (None, ())])
def test_a_layer_whose_rows_depend_on_others_is_named(tmp_path: Path, apart: float | None, found: tuple[str, ...]) -> None:
    made = Folder(tmp_path, ["torch"])
    made.recorded("torch", [called("first", 0.0), called("center", apart), called("center#2", apart)])
    run = made.read().further(layerwise("torch"))
    assert not isinstance(run, str)
    assert own_rows.dependent(run, ()) == found
    assert own_rows.dependent(run, ("center/norm",)) == (), "it normalizes inside"
    assert own_rows.dependent(run, ("center_1",)) == found


def test_the_place_of_an_output_is_kept(tmp_path: Path) -> None:
    made = Folder(tmp_path, ["torch"])
    call, arrays = dense_call("split", own=False)
    second = {"output|1": np.ones((2, 3)), "alone|1": np.full((1, 3), 2.0)}
    made.recorded("torch", [(call, arrays | second)])
    run = made.read().further(layerwise("torch"))
    assert not isinstance(run, str)
    assert own_rows.dependent(run, ()) == ("split",)
