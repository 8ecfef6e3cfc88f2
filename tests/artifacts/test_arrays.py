"""Whatever lies in memory in whatever way comes back as the same array."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from suite.artifacts import arrays
from suite.plan.locations import SUITE

GRID = np.arange(24.0).reshape(4, 6)
SAME = {
    "C order": GRID,
    "Fortran order": np.asfortranarray(GRID),
    "transposed": GRID.T,
    "axes moved": np.arange(60, dtype=np.float32).reshape(3, 4, 5).transpose(1, 2, 0),
    "strided": GRID[::2, 1::3],
    "negative strides": GRID[::-1, ::-2],
    "broadcast": np.broadcast_to(np.float32(3.0), (2, 3)),
    "0-d": np.float64(7.0),
    "0-d array": np.array(7, np.int64),
    "empty": np.empty((0, 3), np.float32),
    "empty Fortran order": np.empty((3, 0), np.float32, order="F"),
    "big endian": GRID.astype(">f4"),
    "float16": GRID.astype(np.float16).T,
    "booleans": (GRID > 3).T,
    "bytes": GRID.astype(np.uint8)[::-1],
    "negative zero and NaN": np.array([-0.0, np.nan, np.inf])[::-1],
}


def through_a_file(folder: Path, value: object) -> np.ndarray:
    arrays.write(folder / "part", {"value": value})  # type: ignore[dict-item]
    return arrays.mapped(folder / "part")["value"]


@pytest.mark.parametrize("value", SAME.values(), ids=SAME)
def test_an_array_of_any_memory_layout_is_stored_as_it_reads(tmp_path: Path, value: np.ndarray) -> None:
    stored = through_a_file(tmp_path, value)
    wanted = np.asarray(value)
    assert (stored.shape, stored.dtype) == (wanted.shape, wanted.dtype.newbyteorder("="))
    assert np.ascontiguousarray(stored).tobytes() == np.ascontiguousarray(wanted.astype(stored.dtype)).tobytes()


def test_bfloat16_is_kept_exactly_as_float32(tmp_path: Path) -> None:
    value = np.array([[1.0, 3.140625, -1e30], [0.0, np.inf, 2.0**-130]]).astype(ml_dtypes.bfloat16).T
    stored = through_a_file(tmp_path, value)
    assert stored.dtype == np.float32 and np.array_equal(stored, value.astype(np.float32))


@pytest.mark.parametrize("value", [np.array(["a"]), np.array([None]), np.array([1j]), np.zeros(1, np.longdouble)])
def test_an_array_that_no_file_holds_is_refused_by_name(tmp_path: Path, value: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"array value has the dtype .*, wanted booleans, integers or floats"):
        through_a_file(tmp_path, value)


def test_loaded_arrays_survive_the_file_that_they_came_from(tmp_path: Path) -> None:
    arrays.write(tmp_path / "part", {"value": GRID})
    loaded = arrays.loaded(tmp_path / "part")["value"]
    arrays.write(tmp_path / "part", {"value": -GRID})
    assert np.array_equal(loaded, GRID)


def test_nothing_else_of_the_suite_writes_arrays() -> None:
    naming = [
        path.name for path in SUITE.rglob("*.py") if "safetensors" in path.read_text() and "import save" in path.read_text()
    ]
    assert naming == ["arrays.py"]
