"""Somebody's model file, loaded as far as it may be trusted; a failure as a sentence: what it is, and what to do."""

from __future__ import annotations

import contextlib
import inspect
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from suite.artifacts.store import Store
from suite.records import showing
from suite.records.files import FileQuestion
from suite.runner import building, keras_versions, models, outcome, references
from suite.runner.keras_files import configuration_of
from suite.runner.unloadable import is_newer

STAND_IN = 0.12345679  # of initial values: a variable that still holds nothing else was not in the file
LENGTH = 400  # characters of what Keras says


class NotLoaded(Exception):
    """The file cannot be loaded here; the message is a sentence."""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """`missing`: variables that the file does not hold."""

    model: Any
    missing: tuple[str, ...]


def load(question: FileQuestion, store: Store) -> Loaded:
    """The model of the file, with its weights, not compiled.

    Raises:
        NotLoaded: it cannot be loaded; the message says why.
    """
    try:
        custom = custom_objects(question)
        if not question.path:
            return Loaded(model=_built(question), missing=())
        with _scope(custom), _without_drawing(), _by_itself(question, store) as place:
            model = _built(question) if question.model else None
            if model is None:
                model = _whole(place, question, custom)
            else:
                model.load_weights(place)
    except NotLoaded:
        raise
    except Exception as error:
        raise NotLoaded(explained(error, question)) from error
    return Loaded(model=model, missing=tuple(_missing(model)))


def custom_objects(question: FileQuestion) -> Mapping[str, Any]:
    """Name -> object, of what the user gives: a mapping, a function that returns one, or a class.

    Raises:
        NotLoaded: it is none of these.
    """
    if not question.custom_objects:
        return {}
    try:
        given = references.of_user(question.custom_objects, question.folder)
        found = given() if callable(given) and not inspect.isclass(given) else given
    except Exception as error:
        raise NotLoaded(f"--custom-objects {question.custom_objects}: {said(error)}") from error
    if inspect.isclass(found):
        return {found.__name__: found}
    if found is None:  # it has registered them
        return {}
    if not isinstance(found, Mapping):
        raise NotLoaded(
            f"--custom-objects {question.custom_objects} gave a {type(found).__name__}, wanted a dict of names and classes"
        )
    return found


@contextlib.contextmanager
def _scope(custom: Mapping[str, Any]) -> Iterator[None]:
    import keras

    with keras.saving.custom_object_scope(dict(custom)):
        yield


@contextlib.contextmanager
def _by_itself(question: FileQuestion, store: Store) -> Iterator[Path]:
    """The file in a folder of its own, by a link: Keras 3.4 unpacks model.weights.h5 beside the file that it loads, and
    deletes it."""
    path = Path(question.path)
    with store.temporary() as folder:
        place = folder / path.name
        place.symlink_to(path)
        yield place


def _whole(place: Path, question: FileQuestion, custom: Mapping[str, Any]) -> Any:
    import keras

    safe = not question.trusted
    return keras.saving.load_model(place, custom_objects=dict(custom), compile=False, safe_mode=safe)


def _built(question: FileQuestion) -> Any:
    try:
        function = references.of_user(question.model, question.folder)
        model = function()
    except Exception as error:
        raise NotLoaded(f"--model {question.model}: {said(error)}") from error
    if not hasattr(model, "load_weights"):
        raise NotLoaded(f"--model {question.model} returned a {type(model).__name__}, wanted a Keras model")
    if not model.built or not (model.variables or models.is_built(model)):
        raise NotLoaded(f"--model {question.model} returned a model without variables: give it an Input, or call it once")
    return model


@contextlib.contextmanager
def _without_drawing() -> Iterator[None]:
    """Random initial values are one number: the file replaces them, and to draw them takes JAX longer than all the rest."""
    import keras

    def same(self: Any, shape: Any, dtype: Any = None) -> Any:
        dtype = str(dtype or keras.config.floatx())
        return keras.ops.convert_to_tensor(np.full(shape, STAND_IN, np.float32), dtype=dtype)

    own = [
        kind
        for kind in {value for value in vars(keras.initializers).values() if inspect.isclass(value)}
        if any(base.__name__ == "RandomInitializer" for base in kind.__mro__) and keras_versions.is_of_keras(kind)
    ]
    originals = [(kind, kind.__dict__["__call__"]) for kind in own if "__call__" in kind.__dict__]
    for kind, _ in originals:
        kind.__call__ = same
    try:
        yield
    finally:
        for kind, original in originals:
            kind.__call__ = original


def _missing(model: Any) -> Iterator[str]:
    """The variables that hold nothing but stand-ins."""
    for name, variable in models.variables(model).items():
        if "float" in str(variable.dtype) and variable.shape:
            values = models.stored(variable.numpy())
            stand_in = np.full(1, STAND_IN, np.float32)
            if values.size > 1 and np.abs(values / stand_in - 1.0).max() < 2.0**-8 and np.ptp(values) == 0.0:
                yield name


# ---------------------------------------------------------------- evaluation


def compile_as_saved(model: Any, question: FileQuestion) -> str:
    """Gives the model the loss and the metrics that it was compiled with. Why it has none; empty if it has."""
    import keras

    if not getattr(model, "compiled", False):
        saved = configuration_of(Path(question.path)).get("compile_config")
        if not isinstance(saved, Mapping) or not saved:
            return "the file holds no loss or metrics, or it has the legacy format"
        try:
            with _scope(custom_objects(question)):
                # Evaluation needs no optimizer, and that of a file saved on torch is known there only.
                model.compile_from_config({**saved, "optimizer": "sgd"})
        except Exception as error:
            return f"it cannot be compiled here: {said(error)}"
    if not model.run_eagerly:
        model.jit_compile = building.JIT[keras.backend.backend()]
    return ""


# ---------------------------------------------------------------- what is wrong


def explained(error: BaseException, question: FileQuestion) -> str:
    """A sentence on why the file does not load, and what to do."""
    import keras

    text = " ".join(showing.visible(str(error)).split())
    configuration = configuration_of(Path(question.path))
    saved_by = str(configuration.get("keras_version", ""))
    if (found := re.search(r"[Cc]ould not locate (class|function) '(.+?)'", text)) or (
        found := re.search(r"Unknown (\w+): '(.+?)'", text)
    ):
        return _unknown(found[1], found[2], configuration)
    if "Lambda" in text and ("safe_mode" in text or "unsafe" in text):
        named = ", ".join(_names_of("Lambda", configuration)) or "one"
        return (
            f"its Lambda layer ({named}) is code inside of the file, which runs when it is loaded: if you trust whoever "
            "wrote the file, give --trust"
        )
    if saved_by and is_newer(saved_by, keras.__version__):
        return (
            f"Keras {saved_by} saved it, which is newer than this Keras {keras.__version__}: load it with that version or a "
            f"newer one ({said(error)})"
        )
    if isinstance(error, zipfile.BadZipFile | OSError | EOFError) or "Unable to" in text:
        return f"it is damaged, or not the file that Keras wrote ({said(error)}): save or copy it again"
    if question.model:
        return f"its weights do not fit the model of {question.model}: {said(error)}"
    return said(error)


def _unknown(kind: str, name: str, configuration: Mapping[str, Any]) -> str:
    short = name.rpartition(">")[2]
    layers = _names_of(short, configuration)
    where = f" (layer {', '.join(layers)})" if layers else ""
    return (
        f"Keras does not know the {kind} {short!r} that is in the file{where}: give --custom-objects module:function, "
        f'a function that returns {{"{short}": {short}}}'
    )


def _names_of(kind: str, configuration: Any) -> list[str]:
    """The names of the objects of a class in a configuration, however deep."""
    found: list[str] = []
    todo = [configuration]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo += value
        elif isinstance(value, Mapping):
            config = value.get("config")
            if value.get("class_name") == kind and isinstance(config, Mapping) and config.get("name"):
                found.append(str(config["name"])[:100])
            todo += value.values()
    return sorted(set(found))


def compiled_with(model: Any, question: FileQuestion) -> Mapping[str, Any]:
    """What the model was compiled with, as Keras serializes it; empty if it was not, or if that cannot be serialized."""
    if getattr(model, "compiled", False):
        try:
            return dict(model.get_compile_config() or {})
        except Exception as error:  # a user's loss may refuse: then the scenario has a usual one
            print(f"what the model was compiled with is not known: {said(error)}")
            return {}
    found = configuration_of(Path(question.path)).get("compile_config") if question.path else None
    return found if isinstance(found, Mapping) else {}


def said(error: BaseException) -> str:
    """The innermost message, in one line, without configurations."""
    text = " ".join(outcome.message(error).split())
    text = re.split(r" Full object config: | config=\{|\. Expected: \[", text)[0]
    return f"{type(error).__name__}: {text}"[:LENGTH].rstrip(" :")
