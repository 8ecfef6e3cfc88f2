"""How a script writes what the scenario compiles its model with."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from suite.records import ConfigurationError, Scenario, makes_losses

METRICS = ("metrics", "weighted_metrics")  # what a function may make
COMPILED = ("loss_weights", "auto_scale_loss", "run_eagerly", "steps_per_execution")  # numbers


def functions(scenario: Scenario) -> dict[str, object]:
    """The functions of the scenario that the script calls to compile, by the argument that they are for."""
    named = {name: getattr(scenario, name) for name in ("loss", *METRICS)}
    return {name: value for name, value in named.items() if callable(value)}


def loss(scenario: Scenario, names: Mapping[str, str], module: Path) -> str:
    """The expression for the loss. `names`: those of functions by argument.

    Raises:
        ConfigurationError: there is none.
    """
    if "loss" in names:
        return f"{names['loss']}()" if makes_losses(scenario.loss) else names["loss"]
    return _plain("loss", scenario.loss, module)


def arguments(scenario: Scenario, names: Mapping[str, str], module: Path) -> Iterator[str]:
    """The other arguments that are not as Keras has them, each with a comma before it."""
    for name in METRICS:
        if (value := getattr(scenario, name)) is not None:
            yield f", {name}={names[name]}()" if name in names else f", {name}={_plain(name, value, module)}"
    for name in COMPILED:
        if (value := getattr(scenario, name)) != getattr(Scenario, name):
            yield f", {name}={_plain(name, value, module)}"


def _plain(name: str, value: object, module: Path) -> str:
    """The value as Python writes it."""
    try:
        ast.literal_eval(repr(value))
    except (ValueError, SyntaxError):
        raise ConfigurationError(
            f"{module}: {name} is {str(value)[:80]}, which a script cannot show: let a function return it"
        ) from None
    return repr(value)
