"""NumPy draws what initializers draw on JAX: other numbers of the same distribution, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.backends import inside_backends
from tests.backends.inside.initial_values import NAMES
from tests.backends.marks import REAL_BACKENDS

pytestmark = REAL_BACKENDS

DRAWN = [f"{name}|{seed}" for name in NAMES for seed in (3, None)]


def test_on_jax_the_numbers_are_others_and_the_distributions_are_the_same(tmp_path: Path) -> None:
    found = inside_backends.run("initial_values", "jax", tmp_path)
    for name in DRAWN:
        ours, own = found[f"numpy|{name}"], found[f"keras|{name}"]
        assert ours.dtype == own.dtype and not np.array_equal(ours, own), name
        assert ours.std() == pytest.approx(own.std(), rel=0.06) and abs(ours.mean() - own.mean()) < 0.08 * own.std(), name
        if name.startswith(("TruncatedNormal", "HeNormal", "RandomUniform", "GlorotUniform")):
            assert np.abs(ours).max() == pytest.approx(np.abs(own).max(), rel=0.05), f"{name} has a limit"
    identity = np.asarray(found["numpy|Orthogonal|3"]).T @ found["numpy|Orthogonal|3"]
    assert np.abs(identity - np.eye(len(identity))).max() < 1e-5
    assert np.isfinite(found["numpy|layer"]).all() and not np.array_equal(found["numpy|layer"], found["keras|layer"])
    for name in ("integer", "traced", "next", "next of its own"):
        assert np.array_equal(found[f"numpy|{name}"], found[f"keras|{name}"]), name


def test_elsewhere_keras_draws(tmp_path: Path) -> None:
    found = inside_backends.run("initial_values", "torch", tmp_path)
    for name in (*DRAWN, "layer", "integer", "next"):
        assert np.array_equal(found[f"numpy|{name}"], found[f"keras|{name}"]), name
