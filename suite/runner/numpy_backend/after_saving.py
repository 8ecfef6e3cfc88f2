"""What the NumPy backend leaves beyond the variables: what was compiled, and some training steps more."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Recording
from suite.artifacts.rows import count
from suite.runner.after_saving import STEPS, as_bytes
from suite.runner.numpy_backend.defects import defect

if TYPE_CHECKING:
    from suite.runner.numpy_backend.training import Training


def record(recorded: Recording, training: Training, done: int, *, loaded: bool = False) -> None:
    """Adds the parts that a Keras model leaves (`suite.runner.after_saving`) after `done` steps. `loaded`: from a file."""
    constants = training.constants
    rate = constants.rate * (2.0 if loaded and defect("recompiled") else 1.0)
    recorded.add(names.COMPILED, {"optimizer": as_bytes(json.dumps({"class": "SGD", "learning_rate": rate}))})
    if loaded and defect("restarted"):
        training.constants = training.recipe = replace(constants, rate=constants.rate / 2)
    batch = training.scenario.batch
    for step in range(done, done + STEPS):
        training.step(np.arange(step * batch, (step + 1) * batch) % count(training.data))
    recorded.add(names.RESUMED, training.state())
