"""What layers hold beyond their variables: the attributes that a saved configuration is to bring back.

A live model and the one that is loaded from its file tell theirs. Where variables or plain attributes differ, the loaded
model predicts once more with the live model's put back: that shows whether they are why it predicts differently.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from suite.artifacts import names
from suite.artifacts.store import Artifact, Recording
from suite.records import SEED, DamagedArtifact
from suite.runner import after_saving, models
from suite.runner.predicting import named

Attributes = dict[str, Any]

LENGTH = 500  # characters of the text of one attribute; of a longer one, its hash is told
UNTOLD = object()  # what has variables or attributes of its own, which are told by themselves
OF_TRAINING = frozenset({"history", "optimizer", "loss", "stop_training"})  # attributes of a model that `fit` leaves behind


def tell(recorded: Recording, model: Any) -> None:
    """Adds the part "layers": path of each layer -> its attributes as JSON, uint8 (bytes,)."""
    recorded.add(
        names.LAYERS,
        {path: np.frombuffer(json.dumps(one, sort_keys=True).encode(), np.uint8) for path, one in attributes(model).items()},
    )


def try_out(recorded: Recording, model: Any, saved: Artifact, inputs: Any, batch: int) -> None:
    """What a loaded model predicts with the variables of the live model that was saved (part "restored-predictions"), and
    with its plain attributes, too ("mended-predictions"); neither where all of them are equal."""
    described = saved.manifest()
    if described is None or not names.has(described, names.LAYERS):
        return
    try:
        state = saved.arrays(names.step(described.steps[-1]))
        live = {path: json.loads(text.tobytes()) for path, text in saved.arrays(names.LAYERS).items()}
    except (DamagedArtifact, ValueError):
        return
    predicted = {}
    with suppress(Exception), restored(model, state) as variables:  # a user's model may refuse any value
        if variables:
            predicted[names.RESTORED] = _predicted(model, inputs, batch)
        with put_back(model, live) as changed:
            if changed:
                predicted[names.MENDED] = _predicted(model, inputs, batch)
    for part, arrays in predicted.items():
        recorded.add(part, arrays)


def _predicted(model: Any, inputs: Any, batch: int) -> dict[str, np.ndarray]:
    with models.unmoved(model):
        return named(model.predict(inputs, batch_size=batch, verbose=0))


@contextmanager
def restored(model: Any, wanted: Mapping[str, np.ndarray]) -> Iterator[int]:
    """While this is entered, the model's variables have the `wanted` values, but for seeds. Gives how many it changed."""
    variables = models.variables(model)
    before = models.read(variables)
    apart = [
        name
        for name in before.keys() & wanted.keys()
        if not name.endswith(SEED)
        and before[name].shape == wanted[name].shape
        and before[name].tobytes() != wanted[name].tobytes()
    ]
    changed = {name: variables[name] for name in apart}
    try:
        models.write(changed, {name: wanted[name] for name in changed})
        yield len(changed)
    finally:
        models.write(changed, {name: before[name] for name in changed})


@contextmanager
def put_back(model: Any, wanted: Mapping[str, Attributes]) -> Iterator[int]:
    """While this is entered, the model's plain attributes have the `wanted` values. Gives how many it changed."""
    held = attributes(model)
    layers = {path: layer for path, layer in _layers(model).items() if path in wanted}
    changes = [
        (layer, name, vars(layer)[name], value)
        for path, layer in layers.items()
        for name, value in wanted[path].items()
        if name in vars(layer) and held[path].get(name) != value and is_plain(value) and is_plain(vars(layer)[name])
    ]
    try:
        for layer, name, _, value in changes:
            setattr(layer, name, value)
        model.predict_function = None  # it was compiled with the values of before
        yield len(changes)
    finally:
        for layer, name, before, _ in changes:
            setattr(layer, name, before)
        model.predict_function = None


def attributes(model: Any) -> dict[str, Attributes]:
    """Path of each layer -> its attributes, as JSON can hold them, without those that every layer has."""
    import keras

    common = {*vars(keras.layers.Layer()), *OF_TRAINING}
    return {path: _told(layer, common) for path, layer in _layers(model).items()}


def is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _layers(model: Any) -> dict[str, Any]:
    """Every layer by its path, and a model of a class that is not Keras's by the empty path."""
    paths = models.layer_paths(model)
    layers = {paths[id(layer)]: layer for layer in models.layers_of(model) if id(layer) in paths}
    return layers if type(model).__module__.startswith("keras.") else {"": model, **layers}


def _told(layer: Any, common: set[str]) -> Attributes:
    import keras

    hidden = isinstance(layer, keras.Model)  # Keras keeps its own notes in a model's private attributes
    shown = {name: value for name, value in vars(layer).items() if name not in common and not (hidden and name[0] == "_")}
    told = {name: described for name, value in shown.items() if (described := _described(value)) is not UNTOLD}
    return told | {"trainable": bool(layer.trainable), "dtype": str(layer.compute_dtype)}


def _described(value: Any) -> Any:
    """As `after_saving.described`, with the bytes of an array; a long text by its hash."""
    import keras

    owners = (keras.layers.Layer, keras.Variable, keras.KerasTensor, keras.metrics.Metric, keras.random.SeedGenerator)
    try:
        if any(isinstance(one, owners) for one in keras.tree.flatten(value)):
            return UNTOLD
        if hasattr(value, "shape"):
            array = np.ascontiguousarray(keras.ops.convert_to_numpy(value))
            return array.item() if array.ndim == 0 else {"shape": list(array.shape), "sha256": _hash(array.tobytes())}
        described = after_saving.described(value)
        text = json.dumps(described, sort_keys=True)
    except Exception:  # an object of the user's may do anything when it is looked at
        return UNTOLD
    return described if len(text) <= LENGTH else _hash(text.encode())


def _hash(whole: bytes) -> str:
    return hashlib.sha256(whole).hexdigest()[:16]
