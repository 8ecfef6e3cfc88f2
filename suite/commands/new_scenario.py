"""parity new-scenario: writes a scenario to start from."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import numpy as np

from suite.commands import scenario_from
from suite.commands.options import NewScenarioOptions
from suite.commands.streams import say
from suite.plan import locations
from suite.plan.discover import NAME
from suite.records import ConfigurationError

TEMPLATE = '''"""What question does this model ask?"""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(32, activation="relu", name="hidden"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dense(10, activation="softmax", name="output"),
        ],
        name="mlp",
    )


def data() -> Data:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x, y = (x / 16.0).astype("float32"), y.astype("int32")
    return Data(x=x[:1280], y=y[:1280], predict=x[1280:1536])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam()


SCENARIO = Scenario(
    name="{name}",
    description="a small MLP with batch normalization, on digits",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=64,
    steps=20,
)
'''


def run(options: NewScenarioOptions) -> int:
    path = write_from(options) if options.source else write(options.name, options.folder)
    say(str(path))
    # Built-in scenarios are always looked for: one that is written beside them needs no path.
    where = "" if path.parent.resolve() == locations.SCENARIOS else f" --scenario-path {shlex.quote(str(path.parent))}"
    say(f"run it: parity compare{where} --scenario {options.name}")
    return 0


def write(name: str, folder: Path) -> Path:
    """Writes <folder>/<name with underscores>.py, a scenario that runs as it is.

    Raises:
        ConfigurationError: the name is not one, or the file exists.
    """
    path = place_of(name, folder)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.replace("{name}", name))
    return path


def write_from(options: NewScenarioOptions) -> Path:
    """Writes the scenario of a model that exists, and beside it the rows, unless they are given.

    Raises:
        ConfigurationError: as `write`; or no environment can load the model.
    """
    path = place_of(options.name, options.folder)
    found = scenario_from.described(options)
    options.folder.mkdir(parents=True, exist_ok=True)
    rows = options.data.resolve() if options.data else path.with_suffix(".npz").resolve()
    if options.data is None:
        with rows.open("wb") as stream:
            np.savez(stream, **scenario_from.rows_of(found, seed=0))  # type: ignore[arg-type]
    path.write_text(scenario_from.text(options, found, rows, drawn=options.data is None))
    return path


def place_of(name: str, folder: Path) -> Path:
    """Where the scenario of this name is written.

    Raises:
        ConfigurationError: the name is not one, or the file exists.
    """
    if not NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no scenario name: use lower case, digits and hyphens, such as my-model")
    path = folder / f"{name.replace('-', '_').replace('.', '_')}.py"
    if os.path.lexists(path):
        raise ConfigurationError(f"{path} exists: choose another name, or edit it")
    return path
