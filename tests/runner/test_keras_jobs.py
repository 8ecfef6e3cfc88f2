"""What is said of a file that does not load: the reason, and what to do."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.artifacts.store import Store
from suite.records import Configuration, Data, Environment, Job, Options, Scenario, Status, plain
from suite.runner import keras_jobs
from suite.runner.keras_jobs import why_it_does_not_load

RUN = plain(Configuration(scenario="s", environment="torch", strategy="single", devices=1))
JOB = Job(
    kind="reload", run_folder="/run", environment=Environment(name="old", backend="torch"), options=Options(), devices=1
)

AROUND = (
    "<class 'Sequential'> could not be deserialized properly.\n\nconfig={" + "x" * 5000 + "}.\n\nException encountered: "
)
UNKNOWN = (
    "Could not locate class 'MaskedMean'. Make sure custom classes and functions are decorated with "
    "`@keras.saving.register_keras_serializable()`. Full object config: {...}"
)


def test_the_reason_is_not_lost_behind_the_configuration() -> None:
    reason = why_it_does_not_load(TypeError(AROUND + AROUND + "__init__() got an unexpected keyword argument 'n'"))
    assert reason == "__init__() got an unexpected keyword argument 'n'"


def test_a_class_that_keras_does_not_know_is_named_and_so_is_the_cure() -> None:
    for error in (TypeError(UNKNOWN), TypeError(AROUND + UNKNOWN)):
        reason = why_it_does_not_load(error)
        assert reason.startswith("Keras does not know the class 'MaskedMean', which is in the file: give it in")
        assert "custom_objects" in reason and "register_keras_serializable" in reason and len(reason) < 300


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("Unknown layer: 'Absolute'. Please ensure you are using", "operations of keras.ops, as Absolute"),
        ("Unknown layer: 'Registered'. Please ensure", "class of a model that is registered, Registered here"),
        ("Unknown layer: 'Dense'. Please ensure", ""),
        ("Unknown layer: 'Mine'. Please ensure", ""),
        ("Could not locate class 'Absolute'", ""),
    ],
)
def test_what_the_old_format_cannot_hold_is_told_from_what_nobody_registered(
    monkeypatch: pytest.MonkeyPatch, message: str, why: str
) -> None:
    class Operation: ...

    class Layer(Operation): ...

    classes = [type("Absolute", (Operation,), {}), type("Dense", (Layer,), {})]
    registered = {"mine>Registered": type("Registered", (), {})}
    saving = SimpleNamespace(get_custom_objects=lambda: registered)
    fake = SimpleNamespace(Operation=Operation, layers=SimpleNamespace(Layer=Layer), saving=saving)
    monkeypatch.setitem(sys.modules, "keras", fake)
    assert [one.__name__ for one in classes] == ["Absolute", "Dense"]
    found = keras_jobs.missed_in_old_file(message)
    assert why in found and bool(found) == bool(why)


@pytest.mark.parametrize(
    ("version", "other", "newer"),
    [
        ("3.15.1", "3.6.0", True), ("3.6.0", "3.15.1", False), ("3.15.1", "3.15.0", True), ("3.15.1", "3.15.1", False),
        ("3.16.0.dev2026102704", "3.15.1", True), ("3.16.0.dev2026102704", "3.16.0", False), ("", "3.0.0", False),
    ],
)  # fmt: skip
def test_a_version_is_newer_by_its_numbers(version: str, other: str, newer: bool) -> None:
    assert keras_jobs.is_newer(version, other) is newer


def test_a_file_of_a_newer_keras_is_not_supported_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(__version__="3.6.0"))
    found = {}
    for saved_by in ("3.15.1", "3.6.0", "3.3.3"):
        store = Store(tmp_path / saved_by)
        keras_jobs._failed(store.run(RUN), JOB, RUN, TypeError("Unrecognized keyword arguments"), saved_by)
        manifest = store.run(RUN).manifest()
        assert manifest is not None
        found[saved_by] = manifest
    assert [one.status for one in found.values()] == [Status.UNSUPPORTED, Status.FAILED, Status.FAILED]
    assert "Keras 3.15.1 saved it, which is newer than this Keras 3.6.0: load files with the" in found["3.15.1"].reason
    assert found["3.15.1"].reason.endswith("Here it says: Unrecognized keyword arguments"), "it is not lost"
    keras_jobs._failed(store.run(RUN), JOB, RUN, TypeError(UNKNOWN), "3.15.1")
    manifest = store.run(RUN).manifest()
    assert manifest is not None and "custom_objects" not in manifest.reason, "the class is one of Keras's own"


def test_a_model_that_is_loaded_and_cannot_be_called_is_no_file_that_cannot_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(__version__="3.15.1"))
    error = keras_jobs.DoesNotPredict()
    error.__cause__ = AttributeError("'dict' object has no attribute 'ops'")
    store = Store(tmp_path)
    reasons = []
    for name, raised in (("called", error), ("loaded", error.__cause__)):
        artifact = store.reload(RUN, name, "model.keras")
        keras_jobs._failed(artifact, JOB, RUN, raised, "3.15.1")
        manifest = artifact.manifest()
        assert manifest is not None
        reasons.append(manifest.reason)
    why = "AttributeError: 'dict' object has no attribute 'ops'"
    assert reasons == [
        f"model.keras is loaded, and does not predict: {why}",
        f"model.keras cannot be loaded: {why}",
    ]


def test_any_other_reason_is_as_keras_gives_it() -> None:
    assert why_it_does_not_load(OSError("no\nsuch   file")) == "no such file"
    assert len(why_it_does_not_load(ValueError("y" * 2000))) == 500


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
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(saving=SimpleNamespace(load_model=load_model)))
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
