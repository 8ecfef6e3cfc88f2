"""parity new-scenario: writes a scenario to start from."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from suite.commands.execution import say
from suite.commands.options import NewScenarioOptions
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
    path = write(options.name, options.folder)
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
    if not NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no scenario name: use lower case, digits and hyphens, such as my-model")
    path = folder / f"{name.replace('-', '_').replace('.', '_')}.py"
    if os.path.lexists(path):
        raise ConfigurationError(f"{path} exists: choose another name, or edit it")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.replace("{name}", name))
    return path
