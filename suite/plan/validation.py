"""What is accepted as a scenario and as a strategy, and what is wrong with anything else, in one sentence."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from suite.records import JUDGED_STEP, SCENARIO_APIS, BrokenPlugin, Phase, Scenario, Strategy

NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
NAME_LENGTH = 80  # characters: files of a run folder have several names in theirs, and file systems take 255 bytes
REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
OUTPUTS = ("probabilities", "logits", "values")
STEPS = 20  # of a scenario that says nothing of them
BACKENDS = ("tensorflow", "jax", "torch", "fake")


def valid_scenario(scenario: Any) -> Scenario:
    """The same, if every field is what a scenario needs; with the steps or epochs of its phases added up.

    Raises:
        BrokenPlugin: it is none, or some fields are wrong: all of them are named.
    """
    if not isinstance(scenario, Scenario):
        raise BrokenPlugin(f"SCENARIO is a {type(scenario).__name__}, wanted a suite.records.Scenario")
    _refuse(_wrong_in_phases(scenario))
    whole = _whole(scenario)
    _refuse(_wrong(whole))
    return whole


def _wrong(scenario: Scenario) -> Iterable[tuple[bool, str]]:
    """Of each field, whether it is wrong, and the words for that."""
    loss = scenario.loss
    return [
        (scenario.api not in SCENARIO_APIS, f"api is {scenario.api!r}, this version reads {_listed(SCENARIO_APIS)}"),
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
        (not _is_loss(loss), f"loss is {loss!r}, wanted a name, a dict or list of names by output, a function, or None"),
        *_wrong_in_compile(scenario),
        *_wrong_in_fit(scenario),
        *(
            (not _is_texts(getattr(scenario, name)), f"{name} is {getattr(scenario, name)!r}, wanted a tuple of texts")
            for name in ("files", "requirements")
        ),
        (
            not _is_margins(scenario.margins),
            f"margins is {scenario.margins!r}, wanted a dict of positive numbers by metric, under the names of evaluate",
        ),
        *_no_functions(scenario, "model", "data", "optimizer"),
        *_no_functions(scenario, *(("custom_objects",) if scenario.custom_objects is not None else ())),
    ]


def _wrong_in_compile(scenario: Scenario) -> Iterator[tuple[bool, str]]:
    """Of each other argument of `compile`, whether it is wrong, and the words for that."""
    for name in ("metrics", "weighted_metrics"):
        value = getattr(scenario, name)
        names = "names, in a list or a dict by output, or a function that returns metrics"
        yield not (value is None or callable(value) or _is_names(value)), f"{name} is {value!r}, wanted {names}"
    weights = scenario.loss_weights
    yield not _is_weights(weights), f"loss_weights is {weights!r}, wanted a list or a dict of numbers by output"
    for name in ("auto_scale_loss", "run_eagerly"):
        value = getattr(scenario, name)
        yield type(value) is not bool, f"{name} is {value!r}, wanted True or False"
    jit, steps = scenario.jit_compile, scenario.steps_per_execution
    yield jit is not None and type(jit) is not bool, f"jit_compile is {jit!r}, wanted True, False, or None for the default"
    yield not _is_count(steps), f"steps_per_execution is {steps!r}, wanted a whole number of at least 1"
    if _is_count(steps) and _is_count(scenario.steps):
        judged = min(JUDGED_STEP, scenario.steps)
        yield (
            bool(judged % steps or scenario.steps % steps),
            f"steps_per_execution is {steps!r}, wanted one that divides steps and {JUDGED_STEP}, the step that is judged",
        )


def _wrong_in_fit(scenario: Scenario) -> Iterator[tuple[bool, str]]:
    """Of each argument of `fit`, whether it is wrong, and the words for that."""
    epochs, weights, split = scenario.epochs, scenario.class_weight, scenario.validation_split
    counted = type(epochs) is int and epochs >= 0
    yield not counted, f"epochs is {epochs!r}, wanted a whole number, or 0 to count steps"
    yield type(scenario.shuffle) is not bool, f"shuffle is {scenario.shuffle!r}, wanted True or False"
    yield not _is_class_weight(weights), f"class_weight is {weights!r}, wanted a dict of numbers by class"
    share = type(split) in (int, float) and 0.0 <= split < 1.0
    yield not share, f"validation_split is {split!r}, wanted a share of at least 0 and below 1"
    if scenario.callbacks is not None:
        yield from _no_functions(scenario, "callbacks")
    if epochs == 0:
        for name, unset in (("shuffle", False), ("callbacks", None)):
            yield getattr(scenario, name) != unset, f"{name} needs epochs, and the scenario counts steps: give it epochs"
        return
    yield scenario.last_batch != 0, "last_batch goes with steps, and the scenario has epochs: leave it out"
    yield scenario.steps_per_execution != 1, "steps_per_execution goes with steps, and the scenario has epochs: leave it out"


def _whole(scenario: Scenario) -> Scenario:
    """The scenario with what its phases train together."""
    epochs, steps = (sum(getattr(phase, unit) for phase in scenario.phases) for unit in ("epochs", "steps"))
    return replace(scenario, epochs=epochs, steps=steps or scenario.steps) if scenario.phases else scenario


def _wrong_in_phases(scenario: Scenario) -> Iterator[tuple[bool, str]]:
    """Of the phases and of what they exclude, whether it is wrong, and the words for that."""
    phases = scenario.phases
    if not isinstance(phases, tuple) or not all(isinstance(phase, Phase) for phase in phases):
        yield True, f"phases is {phases!r}, wanted a tuple of suite.Phase"
        return
    if not phases:
        return
    for number, phase in enumerate(phases, start=1):
        yield from _wrong_in_phase(phase, f"phase {number}")
    yield not phases[0].compile, "phase 1 has compile=False, and nothing has compiled the model before: leave it out"
    units = {bool(phase.epochs) for phase in phases}
    yield len(units) > 1, "some phases have steps and others epochs, wanted one of the two in all of them"
    for name, unset in (("epochs", 0), ("steps", STEPS)):
        given, total = (
            getattr(scenario, name),
            sum(getattr(phase, name) for phase in phases if _is_count(getattr(phase, name))),
        )
        yield given not in (unset, total), f"{name} is {given!r} beside phases, which have their own: leave it out"
    for name, unset in (("last_batch", 0), ("steps_per_execution", 1)):
        yield getattr(scenario, name) != unset, f"{name} does not go with phases: leave out one of the two"


def _wrong_in_phase(phase: Phase, name: str) -> Iterator[tuple[bool, str]]:
    """Of each field of one phase, whether it is wrong, and the words for that."""
    counts = (phase.steps, phase.epochs)
    one = any(_is_count(mine) and other == 0 for mine, other in (counts, counts[::-1]))
    yield not one, f"{name} has steps {phase.steps!r} and epochs {phase.epochs!r}, wanted a whole number for one of them"
    yield type(phase.compile) is not bool, f"{name} has compile={phase.compile!r}, wanted True or False"
    for field in ("prepare", "optimizer", "callbacks"):
        value = getattr(phase, field)
        yield not (value is None or callable(value)), f"{name} has {field} {value!r}, wanted a function, or None"
    unused = phase.optimizer is not None and phase.compile is False
    yield unused, f"{name} has an optimizer and compile=False, which goes on with the one before: leave out one of the two"
    yield (
        bool(phase.steps) and phase.callbacks is not None,
        f"{name} counts steps, and callbacks need epochs: give it epochs",
    )


def _is_class_weight(value: object) -> bool:
    if value is None:
        return True
    numbers = isinstance(value, Mapping) and all(type(one) in (int, float) for one in value.values())
    return numbers and bool(value) and all(type(key) is int for key in value)  # type: ignore[attr-defined]


def _is_margins(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and type(margin) in (int, float) and 0.0 < margin < math.inf for name, margin in value.items()
    )


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
        return bool(value) and all(isinstance(key, str) for key in value) and all(map(_is_one_loss, value.values()))
    if isinstance(value, list | tuple):
        return bool(value) and all(map(_is_one_loss, value))
    return _is_one_loss(value)


def _is_one_loss(value: object) -> bool:
    """None: nothing is lost by an output, or the model adds all its losses itself."""
    return value is None or isinstance(value, str) or callable(value)


def _is_names(value: object) -> bool:
    """Whether it is made of names and functions: metrics as `compile` takes them."""
    if isinstance(value, Mapping):
        return bool(value) and all(isinstance(key, str) for key in value) and all(map(_is_names, value.values()))
    if isinstance(value, list | tuple):
        return bool(value) and all(map(_is_names, value))
    return _is_one_loss(value)


def _is_texts(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) and one for one in value)


def _is_weights(value: object) -> bool:
    numbers = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return value is None or (bool(numbers) and all(type(one) in (int, float) for one in numbers))


def _listed(numbers: Iterable[int]) -> str:
    return " and ".join(map(str, numbers))


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
