"""The files that a model is saved to, and what a .keras file says of it beside the weights."""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suite.artifacts import names
from suite.artifacts.artifact import Recording

CONFIGURATION_BYTES = 1 << 26  # of config.json: the largest model of keras.applications has 1 MB


def save(recorded: Recording, model: Any) -> None:
    """Adds a file of each kind that can hold the model."""
    with recorded.placing(names.KERAS_FILE) as path:
        model.save(path)
    with recorded.placing(names.WEIGHTS_FILE) as path:
        model.save_weights(path)
    with contextlib.suppress(NotImplementedError, ValueError, TypeError), recorded.placing(names.LEGACY_FILE) as path:
        model.save(path)  # of functional and sequential models only, and of some layers not


def configuration_of(path: Path) -> Mapping[str, Any]:
    """config.json and metadata.json; empty if the file has none that can be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {**_json(archive, "metadata.json"), **_json(archive, "config.json")}
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, RecursionError, EOFError):
        return {}


def _json(archive: zipfile.ZipFile, name: str) -> Mapping[str, Any]:
    with archive.open(name) as stream:
        found = json.loads(stream.read(CONFIGURATION_BYTES))
    return found if isinstance(found, Mapping) else {}
