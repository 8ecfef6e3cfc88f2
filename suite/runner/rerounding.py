"""Initial variables and inputs that are as far from the stored ones as rounding is: for reruns that show how large it
grows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suite.artifacts import rows
from suite.records import Run

Arrays = dict[str, np.ndarray]


def nudged(initial: Mapping[str, np.ndarray], run: Run, seed: int, double: bool) -> Arrays:
    """The initial variables with each number of a float32 array moved by one unit in the last place of what the run
    computes in (float32, or float64 if `double`), up or down at random; the result has that dtype. It re-rounds models
    whose rows must stay in their places."""
    random = np.random.default_rng([seed, run.index])
    nudged = {}
    for name, value in initial.items():
        towards = np.where(random.random(value.shape) < 0.5, -np.inf, np.inf)
        computed = np.float64 if double else np.float32
        nudged[name] = np.nextafter(value, towards, dtype=computed) if value.dtype == np.float32 else np.asarray(value)
    return nudged


def inputs(data: Mapping[str, np.ndarray], run: Run, seed: int) -> Arrays:
    """The data, where about every second number that goes into the model is farther from zero by float32's unit in its last
    place. What is no float stays, and so do arrays of whole numbers: they may be places in a table."""
    random = np.random.default_rng([seed, run.index])
    return {name: _rounded(value, random) if _goes_in(name) else np.asarray(value) for name, value in data.items()}


def _goes_in(name: str) -> bool:
    part = name.partition("/")[0]
    return part in (rows.PREDICT, *(rows.part_of(rows.X, purpose) for purpose in ("", rows.VALIDATION, rows.EVALUATE)))


def _rounded(value: np.ndarray, random: np.random.Generator) -> np.ndarray:
    finite = np.isfinite(value) if value.dtype.kind == "f" else np.zeros(value.shape, bool)
    if not finite.any() or np.array_equal(value[finite], np.round(value[finite])):
        return np.asarray(value)
    unit = np.spacing(np.abs(value).astype(np.float32)).astype(value.dtype)
    chosen = finite & (value != 0) & (random.random(value.shape) < 0.5)
    return np.asarray(np.where(chosen, value + np.copysign(unit, value), value))


PERTURBATION = 2.0**-21  # of each initial weight: eight units of float32's roundoff, for what a few layers leave together


def perturbed(initial: Mapping[str, np.ndarray], run: Run, seed: int) -> Arrays:
    """The initial variables in float64, each number of a float array moved by a share of itself, at random."""
    random = np.random.default_rng([seed, run.index])
    return {
        name: value.astype(np.float64) * (1.0 + PERTURBATION * random.uniform(-1.0, 1.0, value.shape))
        if value.dtype.kind == "f"
        else np.asarray(value)
        for name, value in initial.items()
    }
