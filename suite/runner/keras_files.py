"""What a .keras file says of its model, beside the weights."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CONFIGURATION_BYTES = 1 << 26  # of config.json: the largest model of keras.applications has 1 MB


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
