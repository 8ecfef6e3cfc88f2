"""What `fit` says when it is given class weights and a validation split itself, written to the file that is given.

python -m tests.backends.inside.fitted FILE
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from suite.artifacts import arrays
from suite.runner import models
from tests.backends.kinds import kinds_of_recipes

INITIAL = "initial"  # the file beside it, with the weights to begin with


def main() -> None:
    scenario = kinds_of_recipes.scenario("plain_epochs")
    data, model = scenario.data(), scenario.model()
    file = Path(sys.argv[1])
    models.write(models.variables(model), arrays.mapped(file.parent / INITIAL))
    model.compile(optimizer=scenario.optimizer(), loss=scenario.loss, metrics=scenario.metrics, jit_compile=False)
    said = model.fit(
        data.x,
        data.y,
        batch_size=scenario.batch,
        epochs=scenario.epochs,
        shuffle=False,
        class_weight=scenario.class_weight,
        validation_split=scenario.validation_split,
        verbose=0,
    )
    arrays.write(file, {name: np.array(values, np.float64) for name, values in said.history.items()})


if __name__ == "__main__":
    main()
