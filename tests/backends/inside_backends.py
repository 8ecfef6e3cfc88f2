"""Runs a module of `tests.backends.inside` in the environment of each backend, and reads what it wrote."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np

from suite.artifacts import arrays
from suite.engine import provision
from suite.plan.environments import environments
from suite.plan.locations import ROOT

BACKENDS = ("tensorflow", "jax", "torch")


def run(module: str, backend: str, folder: Path) -> dict[str, np.ndarray]:
    """The arrays that `python -m tests.backends.inside.<module> FILE` writes on this backend."""
    ready = provision.provision(environments(), folder=ROOT / ".environments", device="cpu")
    variables = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    file = folder / f"{module}-{backend}"
    command = [ready[backend].python, "-m", f"tests.backends.inside.{module}", str(file)]
    done = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return arrays.mapped(file)


def farthest(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> dict[str, float]:
    """Case: the largest difference in any of its arrays "<case>|<name>", relative to the array's largest element."""
    assert a.keys() == b.keys(), a.keys() ^ b.keys()
    found: dict[str, float] = {}
    for name in a:
        apart = float(np.abs(a[name] - b[name]).max()) / (float(np.abs(b[name]).max()) or 1.0)
        case = name.partition("|")[0]
        found[case] = max(found.get(case, 0.0), apart)
    return found
