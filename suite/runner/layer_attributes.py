"""What layers hold beyond their variables: the attributes that a saved configuration is to bring back.

A live model and the one that is loaded from its file tell theirs. Where variables or plain attributes differ, the loaded
model predicts once more with the live model's put back: that shows whether they are why it predicts differently.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Artifact, Recording
from suite.records import ALTERED, SEED, DamagedArtifact, Manifest
from suite.runner import after_saving, keras_versions, models
from suite.runner.members import GENERATORS, common_to, is_plain, members
from suite.runner.predicting import named

Attributes = dict[str, Any]

LARGEST = 1 << 18  # bytes of an array that is stored, and can be put back; of a larger one, its hash is told
LENGTH = 500  # characters of the text of one attribute; of a longer one, its hash is told
SHOWN = 3  # attributes in one sentence
UNTOLD = object()  # what has variables or attributes of its own, which are told by themselves


def tell(recorded: Recording, model: Any) -> None:
    """Adds the part "layers": path of each layer -> its attributes as JSON, uint8 (bytes,). Those that are arrays are in the
    part "layer-arrays", too, as far as they are small."""
    told, layers = attributes(model), _layers(model)
    known = _known(model)
    texts = {path: json.dumps(one, sort_keys=True).encode() for path, one in told.items()}
    recorded.add(names.LAYERS, {path: np.frombuffer(text, np.uint8) for path, text in texts.items()})
    held = {
        f"{path}|{name}": array
        for path, one in told.items()
        for name, value in {each.name: each.now() for each in members(layers[path], (), known)}.items()
        if name in one and (array := _array(value)) is not None and array.nbytes <= LARGEST
    }
    if held:
        recorded.add(names.LAYER_ARRAYS, held)


def try_out(recorded: Recording, model: Any, saved: Artifact, inputs: Any, batch: int) -> None:
    """What a loaded model predicts with the variables of the live model that was saved (part "restored-predictions"), and
    with its plain attributes and arrays, too ("mended-predictions"); neither where all of them are equal."""
    described = saved.manifest()
    if described is None or not names.has(described, names.LAYERS):
        return
    try:
        state = saved.arrays(names.step(described.steps[-1]))
        live = _live(saved, described)
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


def _live(saved: Artifact, described: Manifest) -> dict[str, Attributes]:
    """The attributes of each layer of the live model; those that are stored as arrays are arrays."""
    told: dict[str, Attributes] = {path: json.loads(text.tobytes()) for path, text in saved.arrays(names.LAYERS).items()}
    if names.has(described, names.LAYER_ARRAYS):
        for key, value in saved.arrays(names.LAYER_ARRAYS).items():
            path, _, name = key.rpartition("|")
            told[path][name] = value
    return told


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
    """While this is entered, the model's plain attributes and arrays have the `wanted` values. Gives how many it changed."""
    layers, known = {path: layer for path, layer in _layers(model).items() if path in wanted}, _known(model)
    changes = [
        (one, one.now(), value)
        for path, layer in layers.items()
        for one in members(layer, (), known)
        if one.name in wanted[path] and (value := _as_held(one.now(), wanted[path][one.name])) is not UNTOLD
    ]
    try:
        for one, _, value in changes:
            one.put(value)
        model.predict_function = None  # it was compiled with the values of before
        yield len(changes)
    finally:
        for one, before, _ in changes:
            one.put(before)
        model.predict_function = None


def _as_held(held: Any, wanted: Any) -> Any:
    """The value that takes the place of what a layer holds; UNTOLD where it is equal, or cannot take it."""
    if is_plain(held) and is_plain(wanted):
        return UNTOLD if held == wanted and type(held) is type(wanted) else wanted
    if not isinstance(wanted, np.ndarray) or (now := _array(held)) is None:
        return UNTOLD
    if now.shape == wanted.shape and now.tobytes() == wanted.tobytes():
        return UNTOLD
    if isinstance(held, np.ndarray):
        return wanted

    import keras

    return keras.ops.convert_to_tensor(wanted)


def _array(value: Any) -> np.ndarray | None:
    """The values of an array or a tensor of numbers with at least one axis; None of anything else: a module has a shape,
    too."""
    import keras

    if not hasattr(value, "shape") or isinstance(value, keras.Variable):
        return None
    try:
        array = np.ascontiguousarray(keras.ops.convert_to_numpy(value))
    except Exception:  # as in `_described`
        return None
    return array if array.ndim and array.dtype.kind in "biuf" and array.dtype.itemsize <= 8 else None


def attributes(model: Any) -> dict[str, Attributes]:
    """Path of each layer -> its attributes, as JSON can hold them, without those that every layer or model has."""
    known = _known(model)
    return {path: _told(layer, common_to(layer), known) for path, layer in _layers(model).items()}


def plain(model: Any) -> dict[str, Any]:
    """The numbers, strings and flags that layers hold as attributes, by the layer's path and the attribute's name; without
    private ones."""
    return {
        f"{path}.{name}": value
        for path, one in attributes(model).items()
        for name, value in one.items()
        if is_plain(value) and name[0] != "_"
    }


def altered(model: Any, before: Mapping[str, Any]) -> dict[str, str]:
    """The fact of a run after which some of these are others. What is trained is not among them."""
    now = plain(model)
    moved = [f"{name} {before[name]} -> {now[name]}" for name in before if name in now and before[name] != now[name]]
    more = f" and {len(moved) - SHOWN} more" if len(moved) > SHOWN else ""
    return {ALTERED: ", ".join(moved[:SHOWN]) + more} if moved else {}


def _layers(model: Any) -> dict[str, Any]:
    """Every layer by its path, and a model of a class that is not Keras's by the empty path."""
    paths = models.layer_paths(model)
    layers = {paths[id(layer)]: layer for layer in models.layers_of(model) if id(layer) in paths}
    return layers if keras_versions.is_of_keras(type(model)) else {"": model, **layers}


def _known(model: Any) -> set[int]:
    """The identities of the variables that the model knows of."""
    return {id(variable) for variable in models.variables(model).values()}


def _told(layer: Any, common: Collection[str], known: set[int]) -> Attributes:
    import keras

    hidden = isinstance(layer, keras.Model)  # Keras keeps its own notes in a model's private attributes
    shown = {one.name: one.now() for one in members(layer, common, known) if not (hidden and one.name[0] == "_")}
    told = {name: described for name, value in shown.items() if (described := _described(value)) is not UNTOLD}
    return told | {"trainable": bool(layer.trainable), "dtype": str(layer.compute_dtype)}


def _described(value: Any) -> Any:
    """As `after_saving.described`, with the bytes of an array; a long text by its hash."""
    import keras

    owners = (keras.layers.Layer, keras.Variable, keras.KerasTensor, keras.metrics.Metric, keras.random.SeedGenerator)
    try:
        if any(isinstance(one, owners) for one in keras_versions.tree().flatten(value)):
            return UNTOLD
        if isinstance(value, GENERATORS):
            return {"class": type(value).__name__, "state": _hash(pickle.dumps(value))}
        if (array := _array(value)) is not None:
            return {"shape": list(array.shape), "sha256": _hash(array.tobytes())}
        if hasattr(value, "shape") and (number := np.asarray(keras.ops.convert_to_numpy(value))).dtype.kind in "biuf":
            return number.item() if number.ndim == 0 else UNTOLD
        described = after_saving.described(value)
        text = json.dumps(described, sort_keys=True)
    except Exception:  # an object of the user's may do anything when it is looked at
        return UNTOLD
    return described if len(text) <= LENGTH else _hash(text.encode())


def _hash(whole: bytes) -> str:
    return hashlib.sha256(whole).hexdigest()[:16]
