"""What is said of a file that does not load: the reason, and what to do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from suite.artifacts import names
from suite.artifacts.artifact import Artifact
from suite.artifacts.store import Store
from suite.records import Configuration, Environment, Job, Manifest, Options, Status, plain
from suite.runner import unloadable
from suite.runner.unloadable import why_it_does_not_load

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


def saved(store: Store, version: str) -> Artifact:
    """A run that this version of Keras saved."""
    artifact = store.run(plain(Configuration(scenario="s", environment="other", strategy="single", devices=1)))
    with artifact.recording(Manifest(run="s", status=Status.STARTED)) as recorded:
        recorded.tell(facts={"keras": version})
    return artifact


def test_the_reason_is_not_lost_behind_the_configuration() -> None:
    reason = why_it_does_not_load(TypeError(AROUND + AROUND + "__init__() got an unexpected keyword argument 'n'"))
    assert reason == "__init__() got an unexpected keyword argument 'n'"


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A Keras with an operation Absolute, an operation and a layer Dense, and one registered class."""

    class Operation: ...

    class Layer(Operation): ...

    classes = [type(name, (base,), {}) for name, base in (("Absolute", Operation), ("Dense", Operation), ("Dense", Layer))]
    saving = SimpleNamespace(get_custom_objects=lambda: {"mine>Registered": type("Registered", (), {})})
    layers = SimpleNamespace(Layer=Layer)
    fake = SimpleNamespace(Operation=Operation, layers=layers, saving=saving, kept=classes)
    monkeypatch.setitem(sys.modules, "keras", fake)
    return fake


def holding(model: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every .h5 file holds this configuration."""

    class File(SimpleNamespace):
        def __enter__(self) -> Any:
            return self

        def __exit__(self, *raised: object) -> None: ...

    fake = SimpleNamespace(File=lambda *_: File(attrs={"model_config": json.dumps(model)}))
    monkeypatch.setitem(sys.modules, "h5py", fake)
    monkeypatch.setattr(Artifact, "file", lambda self, name: folder / name)


def test_a_class_that_keras_does_not_know_is_named_and_so_is_the_cure() -> None:
    for error in (TypeError(UNKNOWN), TypeError(AROUND + UNKNOWN)):
        reason = why_it_does_not_load(error)
        assert reason.startswith("Keras does not know the class 'MaskedMean', which is in the file: give it in")
        assert "custom_objects" in reason and "register_keras_serializable" in reason and len(reason) < 300


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("Unknown layer: 'Registered'. Please ensure", "class of a model that is registered, Registered here"),
        ("Unknown layer: 'Dense'. Please ensure", ""),
        ("Unknown layer: 'Mine'. Please ensure", ""),
        ("Could not locate class 'Absolute'", ""),
    ],
)
def test_a_registered_class_that_the_old_format_misses_is_told_from_what_nobody_registered(
    keras: SimpleNamespace, message: str, why: str
) -> None:
    found = unloadable.missed_in_old_file(message)
    assert why in found and bool(found) == bool(why)


@pytest.mark.parametrize(
    ("version", "other", "newer"),
    [
        ("3.15.1", "3.6.0", True), ("3.6.0", "3.15.1", False), ("3.15.1", "3.15.0", True), ("3.15.1", "3.15.1", False),
        ("3.16.0.dev2026102704", "3.15.1", True), ("3.16.0.dev2026102704", "3.16.0", False), ("", "3.0.0", False),
    ],
)  # fmt: skip
def test_a_version_is_newer_by_its_numbers(version: str, other: str, newer: bool) -> None:
    assert unloadable.is_newer(version, other) is newer


def test_a_file_of_a_newer_keras_is_not_supported_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(__version__="3.6.0"))
    found = {}
    for saved_by in ("3.15.1", "3.6.0", "3.3.3"):
        store = Store(tmp_path / saved_by)
        unloadable.tell(store.run(RUN), JOB, RUN, TypeError("Unrecognized keyword arguments"), saved(store, saved_by))
        manifest = store.run(RUN).manifest()
        assert manifest is not None
        found[saved_by] = manifest
    assert [one.status for one in found.values()] == [Status.UNSUPPORTED, Status.FAILED, Status.FAILED]
    assert "Keras 3.15.1 saved it, which is newer than this Keras 3.6.0: load files with the" in found["3.15.1"].reason
    assert found["3.15.1"].reason.endswith("Here it says: Unrecognized keyword arguments"), "it is not lost"
    unloadable.tell(store.run(RUN), JOB, RUN, TypeError(UNKNOWN), saved(store, "3.15.1"))
    manifest = store.run(RUN).manifest()
    assert manifest is not None and "custom_objects" not in manifest.reason, "the class is one of Keras's own"


def test_a_model_that_is_loaded_and_cannot_be_called_is_no_file_that_cannot_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(__version__="3.15.1"))
    error = unloadable.DoesNotPredict()
    error.__cause__ = AttributeError("'dict' object has no attribute 'ops'")
    store = Store(tmp_path)
    reasons = []
    for name, raised in (("called", error), ("loaded", error.__cause__)):
        artifact = store.reload(RUN, name, "model.keras")
        unloadable.tell(artifact, JOB, RUN, raised, saved(store, "3.15.1"))
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


@pytest.mark.parametrize(
    ("axis", "message", "form", "lost"),
    [
        ([1, 2], "Shape mismatch in layer #2 (named rows)for weight rows/gamma", names.LEGACY_FILE, True),
        ([2], "Shape mismatch in layer #2 (named rows)for weight rows/gamma", names.LEGACY_FILE, False),
        ([1, 2], "Shape mismatch in layer #2 (named rows_2)for weight rows_2/gamma", names.LEGACY_FILE, False),
        ([1, 2], "Shape mismatch in layer #2 (named rows)for weight rows/gamma", names.KERAS_FILE, False),
        ([1, 2], "the file rows is not there", names.LEGACY_FILE, False),
    ],
)
def test_an_axis_that_the_old_format_loses_is_why_shapes_differ(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keras: SimpleNamespace,
    axis: list[int],
    message: str,
    form: str,
    lost: bool,
) -> None:
    inner = {"class_name": "LayerNormalization", "config": {"name": "rows", "axis": axis}}
    model = {"class_name": "Sequential", "config": {"layers": [{"config": {"name": "deep", "layers": [inner]}}]}}

    holding(model, tmp_path, monkeypatch)
    said = unloadable.lost_in_old_file(message, Artifact(tmp_path), form)
    assert ("loses the axis of rows, a list of several (known defect K-59)" in said) is bool(said) is lost


@pytest.mark.parametrize(
    ("held", "message", "lost"),
    [
        ("Absolute", "Unknown layer: 'Absolute'. Please ensure", True),
        ("Dense", "too many positional arguments", True),  # the operation; a layer has this name, too
        ("Dense", "Only input tensors may be passed as positional arguments. The following", True),
        ("Dense", "Error when deserializing class 'Dense' using config={'name': 'dense'}", True),
        ("Dense", "Error when deserializing class 'Mine' using config={'name': 'mine'}", False),
        ("Absolute", "Unknown layer: 'Mine'. Please ensure", False),
        ("Mine", "Unknown layer: 'Mine'. Please ensure", False),
        ("Dense", "Shape mismatch in layer #2 (named dense)", False),
        ("Dense", "the file is not there", False),
    ],
)
@pytest.mark.parametrize("layer", [False, True])
def test_an_operation_that_the_old_format_takes_for_a_layer_is_why(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keras: SimpleNamespace,
    held: str,
    message: str,
    lost: bool,
    layer: bool,
) -> None:
    config = {"name": "one", "trainable": True} if layer else {"name": "one"}
    node = {"class_name": held, "config": config}
    holding({"class_name": "Functional", "config": {"layers": [node]}}, tmp_path, monkeypatch)
    said = unloadable.lost_in_old_file(message, Artifact(tmp_path), names.LEGACY_FILE)
    assert (f"operations of keras.ops, as {held} here (known defect K-61)" in said) is bool(said) is (lost and not layer)
