"""Arrays in files: safetensors, written from arrays of any memory layout, and read without loading them.

safetensors (0.8) copies an array's memory as it lies there: of an array that is not C-contiguous it stores the elements in
the wrong order. So this is the only place that writes arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from suite.artifacts import reading

KINDS = "fiub"  # floats, integers, booleans
WIDENED = "bfloat16"  # which NumPy has no name for: kept as float32, which holds it exactly


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Stores arrays by name, of any shape and memory layout: booleans, integers and floats in their own dtypes, and
    bfloat16 as float32.

    Raises:
        ValueError: an array has another dtype.
    """
    save_file({name: _plain(name, value) for name, value in arrays.items()}, path)


def _plain(name: str, value: Any) -> np.ndarray:
    """The same array, C-contiguous and in the machine's order of bytes."""
    array = np.asarray(value, order="C")
    if array.dtype.name == WIDENED:
        return array.astype(np.float32)
    if array.dtype.kind not in KINDS or array.dtype.itemsize > 8:
        raise ValueError(f"array {name} has the dtype {array.dtype}, wanted booleans, integers or floats of at most 64 bits")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def mapped(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name, mapped read-only: nothing is loaded until it is looked at.

    Raises:
        DamagedArtifact: there is no such file, or it was not written here.
    """
    return reading.arrays(path)


def loaded(path: Path) -> dict[str, np.ndarray]:
    """Copies of the arrays of a file by name, which stay what they are if the file is written again. Raises as `mapped`."""
    return {name: np.array(value) for name, value in mapped(path).items()}
