"""A float64 run computes what a float32 run computes, where backends lack kernels, and wherever constants are decimal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.backends import inside_backends
from tests.backends.marks import REAL_BACKENDS

pytestmark = REAL_BACKENDS


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_what_replaces_a_missing_kernel_computes_what_the_ordinary_one_does(tmp_path: Path, backend: str) -> None:
    found = inside_backends.run("kernels", backend, tmp_path)
    assert len(found) == 32
    assert {name: apart for name, apart in found.items() if not np.all(apart < 1e-5)} == {}


def test_constants_are_the_same_on_every_backend(tmp_path: Path) -> None:
    first, *others = (inside_backends.run("constants", backend, tmp_path) for backend in inside_backends.BACKENDS)
    for other in others:
        found = inside_backends.farthest(first, other)
        assert len(found) > 18 and {name: apart for name, apart in found.items() if apart > 1e-13} == {}
