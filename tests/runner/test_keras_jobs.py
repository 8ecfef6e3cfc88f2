"""What the jobs of a Keras environment leave alone."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.artifacts.store import Store
from suite.records import Data, Scenario
from suite.runner import keras_jobs


def test_what_loading_leaves_beside_the_file_does_not_touch_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras 3.4 unpacks model.weights.h5 beside the file that it loads, and deletes it afterwards."""
    saved, weights = tmp_path / "model.keras", tmp_path / "model.weights.h5"
    saved.write_text("the model")
    weights.write_text("the run's own")

    def load_model(path: Path, **_: Any) -> str:
        beside = Path(path).parent / "model.weights.h5"
        beside.write_text("unpacked")
        beside.unlink()
        return Path(path).read_text()

    counted: list[str] = []
    naming = SimpleNamespace(reset_uids=lambda: counted.append("anew"))
    monkeypatch.setitem(sys.modules, "keras.src.utils", SimpleNamespace(naming=naming))
    saving, backend = SimpleNamespace(load_model=load_model), SimpleNamespace(backend=lambda: "torch")
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(saving=saving, backend=backend))
    scenario = Scenario(
        name="s",
        description="",
        model=lambda: None,
        data=lambda: Data(x=np.zeros(1), y=np.zeros(1), predict=np.zeros(1)),
        optimizer=lambda: None,
        loss="mse",
    )
    assert keras_jobs._model_of(Store(tmp_path), saved, scenario, compiled=True) == "the model"
    assert weights.read_text() == "the run's own"
    assert counted == ["anew"], "layers without a name are named as in a process that loads nothing else"
