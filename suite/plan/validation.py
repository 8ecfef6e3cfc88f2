"""What is accepted as a scenario and as a strategy, and what is wrong with anything else, in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from suite.records import SCENARIO_API, BrokenPlugin, Scenario, Strategy

NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
NAME_LENGTH = 80  # characters: files of a run folder have several names in theirs, and file systems take 255 bytes
REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
OUTPUTS = ("probabilities", "logits", "values")
BACKENDS = ("tensorflow", "jax", "torch", "fake")


def valid_scenario(scenario: Any) -> Scenario:
    """The same, if every field is what a scenario needs.

    Raises:
        BrokenPlugin: it is none, or some fields are wrong: all of them are named.
    """
    if not isinstance(scenario, Scenario):
        raise BrokenPlugin(f"SCENARIO is a {type(scenario).__name__}, wanted a suite.records.Scenario")
    loss = scenario.loss
    wrong = [
        (scenario.api != SCENARIO_API, f"api is {scenario.api!r}, this version reads {SCENARIO_API}"),
        (
            not is_name(scenario.name),
            f"name is {scenario.name!r}, wanted at most {NAME_LENGTH} of lower case, digits, dots and hyphens",
        ),
        (not _is_line(scenario.description), f"description is {scenario.description!r}, wanted one line of words"),
        (not _is_count(scenario.batch), f"batch is {scenario.batch!r}, wanted a whole number of at least 1"),
        (not _is_count(scenario.steps), f"steps is {scenario.steps!r}, wanted a whole number of at least 1"),
        (
            not _is_part(scenario.last_batch, scenario.batch),
            f"last_batch is {scenario.last_batch!r}, wanted 0 or at most batch",
        ),
        (scenario.outputs not in OUTPUTS, f"outputs is {scenario.outputs!r}, wanted one of {', '.join(OUTPUTS)}"),
        (not _is_loss(loss), f"loss is {loss!r}, wanted a name, a dict or list of names by output, or a function"),
        *_no_functions(scenario, "model", "data", "optimizer"),
        *_no_functions(scenario, *(name for name in ("metrics", "custom_objects") if getattr(scenario, name) is not None)),
    ]
    _refuse(wrong)
    return scenario


def is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= NAME_LENGTH and NAME.fullmatch(value) is not None


def _is_line(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\n" not in value


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 1


def _is_part(value: object, batch: object) -> bool:
    return type(value) is int and value >= 0 and not (type(batch) is int and 0 < batch < value)


def _is_loss(value: object) -> bool:
    """A function is written where losses are objects: those are made anew in each process."""
    if isinstance(value, Mapping):
        return bool(value) and all(isinstance(one, str) for one in (*value.keys(), *value.values()))
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(one, str) for one in value)
    return isinstance(value, str) or callable(value)


def valid_strategy(strategy: Any) -> Strategy:
    """The same, if every field is what a strategy needs. Its worker is not imported.

    Raises:
        BrokenPlugin: it is none, or some fields are wrong: all of them are named.
    """
    if not isinstance(strategy, Strategy):
        raise BrokenPlugin(f"STRATEGY is a {type(strategy).__name__}, wanted a suite.records.Strategy")
    name, worker, backends = strategy.name, strategy.worker, strategy.backends
    wrong = [
        (not _is_strategy_name(name), f"name is {name!r}, wanted lower case, digits and underscores"),
        (not _is_backends(backends), f"backends is {backends!r}, wanted a frozenset of {', '.join(BACKENDS)}"),
        (not _is_reference(worker), f'worker is {worker!r}, wanted a reference "package.module:function"'),
        *_no_functions(strategy, "refuse", "semantics"),
    ]
    _refuse(wrong)
    return strategy


def _is_strategy_name(value: object) -> bool:
    return isinstance(value, str) and is_name(value.replace("_", "-"))


def _is_backends(value: object) -> bool:
    return isinstance(value, frozenset) and value <= frozenset(BACKENDS)


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and REFERENCE.fullmatch(value) is not None


def _no_functions(plugin: Scenario | Strategy, *fields: str) -> Iterator[tuple[bool, str]]:
    """For each field, whether it is something else than a function, and the words for that."""
    for field in fields:
        value = getattr(plugin, field)
        yield not callable(value), f"{field} is {value!r}, wanted a function"


def _refuse(wrong: Iterable[tuple[bool, str]]) -> None:
    if words := [words for is_wrong, words in wrong if is_wrong]:
        raise BrokenPlugin("; ".join(words))
