"""Why a file that a run saved cannot be loaded: what Keras says in the end, and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suite.artifacts import names
from suite.artifacts.artifact import Artifact
from suite.records import Job, Manifest, Run, Status
from suite.runner import outcome
from suite.runner.keras_files import configuration_of

UNSUPPORTED_SYNCHRONIZED = (
    "Keras has BatchNormalization(synchronized=True) on TensorFlow only, and the file asks for it: "
    "save the model with synchronized=False to load it elsewhere"
)


# Of a .h5 file: a class that is no layer, one that is built or called otherwise than the layer of its name, other weights.
OLD_FAULTS = re.compile("Unknown layer|deserializing class|positional argument|Shape mismatch")


class DoesNotPredict(Exception):
    """A model was loaded, and calling it raised the cause."""


def why_it_does_not_load(error: BaseException) -> str:
    """What Keras says in the end: around it, it prints the configuration of everything that holds what it cannot load."""
    message = _last_of(error)
    if (found := re.search(r"Could not locate (class|function) '(.+?)'", message)) is None:
        return message[:500]
    kind, name = found.groups()
    return (
        f"Keras does not know the {kind} {name!r}, which is in the file: give it in the scenario's custom_objects, or put "
        f"@keras.saving.register_keras_serializable() on it where model() finds it"
    )


def why_it_does_not_compile(model: Any, path: Path) -> str:
    """Why `load_model` fails on a file that this model was loaded from with compile=False; empty if it would not, or if the
    file says nothing of how to compile."""
    saved = configuration_of(path).get("compile_config")
    if not saved:
        return ""
    try:
        model.compile_from_config(saved)
    except Exception as error:
        return f"{type(error).__name__}: {why_it_does_not_load(error)}"
    return ""


def missed_in_old_file(message: str) -> str:
    """Why Keras misses the class of a model as it loads a .h5 file, where it looks for its bare name; empty if the fault is
    not the format's."""
    import keras

    found = re.search(r"Unknown layer: '(\w+)'", message)
    if found is None or found[1] not in {getattr(one, "__name__", "") for one in keras.saving.get_custom_objects().values()}:
        return ""
    return (
        f"the old .h5 format does not find the class of a model that is registered, {found[1]} here: save the model as "
        ".keras, or give the class in custom_objects, too"
    )


def lost_in_old_file(message: str, saved: Artifact, file: str) -> str:
    """What of the model a .h5 file does not hold, so that it cannot be loaded; empty if the fault is not the format's."""
    if file != names.LEGACY_FILE or not OLD_FAULTS.search(message):
        return ""
    import h5py  # type: ignore[import-not-found]  # Keras brings it

    with h5py.File(saved.file(file)) as held:
        configuration = json.loads(held.attrs["model_config"])
    named = re.search(r"Unknown layer: '(\w+)'|deserializing class '(\w+)'", message)
    operations = [one for one in _operations(configuration) if not named or one in named.groups()]
    if operations and "Shape mismatch" not in message:
        return (
            f"the old .h5 format does not hold operations of keras.ops, as {operations[0]} here (known defect K-61): save "
            "the model as .keras"
        )
    layers = [name for name in _with_several_axes(configuration) if re.search(rf"\b{re.escape(name)}\b", message)]
    return (
        f"the old .h5 format loses the axis of {layers[0]}, a list of several (known defect K-59): save the model as .keras"
        if layers
        else ""
    )


def _operations(configuration: Any) -> Iterator[str]:
    """The classes of operations that a model's configuration holds as if they were layers. Those have a configuration, too,
    which says whether they are trained."""
    import keras

    known = {one.__name__ for one in _subclasses(keras.Operation) if not issubclass(one, keras.layers.Layer)}
    for node in _nodes(configuration):
        held = node.get("config")
        if node.get("class_name") in known and isinstance(held, dict) and "trainable" not in held:
            yield str(node["class_name"])


def _with_several_axes(configuration: Any) -> Iterator[str]:
    """The names of layers whose axis is a list of several, anywhere in the configuration of a model."""
    for node in _nodes(configuration):
        axis = node.get("axis")
        if isinstance(axis, list) and len(axis) > 1 and "name" in node:
            yield str(node["name"])


def _nodes(configuration: Any) -> Iterator[dict[str, Any]]:
    """Every dict in a configuration, the outer ones first."""
    if isinstance(configuration, dict):
        yield configuration
        configuration = list(configuration.values())
    if isinstance(configuration, list):
        for one in configuration:
            yield from _nodes(one)


def _subclasses(of: type) -> Iterator[type]:
    for one in of.__subclasses__():
        yield one
        yield from _subclasses(one)


def _last_of(error: BaseException) -> str:
    return " ".join(outcome.message(error).split())


def _saved_by(saved: Artifact) -> str:
    """The version of Keras that saved a run; empty if the run does not say."""
    manifest = saved.manifest()
    return manifest.facts.get("keras", "") if manifest else ""


def is_newer(version: str, other: str) -> bool:
    """Whether a version of Keras has a higher number than another; patches count, and what development versions add not."""
    first, second = ([int(part) for part in re.findall(r"\d+", one)[:3]] for one in (version, other))
    return first > second


def tell(artifact: Artifact, job: Job, run: Run, error: BaseException, saved: Artifact) -> None:
    """Ends the artifact of a file that a run saved, and that could not be loaded or does not predict, with the reason."""
    import keras

    what = "cannot be loaded"
    if isinstance(error, DoesNotPredict) and error.__cause__ is not None:
        what, error = "is loaded, and does not predict", error.__cause__
    message = " ".join(str(error).split())
    unsupported = "synchronized=True is only supported" in message
    reason = UNSUPPORTED_SYNCHRONIZED if unsupported else why_it_does_not_load(error)
    file, saved_by = artifact.folder.name, _saved_by(saved)  # in which form
    if lost := missed_in_old_file(message) or lost_in_old_file(message, saved, file):
        unsupported, reason = True, lost
    if is_newer(saved_by, keras.__version__):
        unsupported = True
        reason = (
            f"Keras {saved_by} saved it, which is newer than this Keras {keras.__version__}: load files with the version "
            f"that saved them, or with a newer one. Here it says: {_last_of(error)[:200]}"
        )
    artifact.finish(
        Manifest(
            run=run.id,
            status=Status.UNSUPPORTED if unsupported else Status.FAILED,
            reason=f"{file} {what}: {type(error).__name__}: {reason.rstrip('.')}",
            digest=job.digest,
        )
    )
