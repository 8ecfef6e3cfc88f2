"""Fills the templates of the script and of the bug report."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from suite.artifacts.rows import PREDICT, WEIGHT, X, Y, names_of, restored
from suite.plan.environments import DEVICES
from suite.plan.validation import BACKENDS
from suite.records import SEED, ConfigurationError, ConsistencyCheck, Manifest, Results, Scenario, TensorGroup, showing
from suite.report import findings, markdown
from suite.report.findings import Worded
from suite.report.repro import compiling, numerics, source
from suite.report.repro.case import Case, measured

ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9.@-]*")  # a name, and of a variant what follows the @
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What every run of a scenario started from."""

    data: Mapping[str, np.ndarray]
    initial: Mapping[str, np.ndarray]
    manifest: Manifest


@dataclass(frozen=True, kw_only=True)
class Written:
    script: str
    report: str


def weights(manifest: Manifest) -> list[str]:
    """The names of a model's weights in the order of `model.weights`: counters of random seeds are none of them."""
    return [tensor.name for tensor in manifest.tensors if not tensor.name.endswith(SEED)]


def render(
    results: Results,
    case: Case,
    scenario: Scenario,
    module: Path,
    manifest: Manifest,
    *,
    parts: Sequence[str],
    predicted: int,
    files: tuple[str, str],
) -> Written:
    """`parts`: the names of the arrays; `predicted`: how many rows are predicted; `files`: script and arrays."""
    backends = {name: _backend(results, name) for name, _ in case.sides}
    _refuse_other_words(results, case, backends)
    fields = {
        **_words(results, case, backends),
        **_sides(case, backends),
        **_training(results, case, scenario),
        **_cure(case, scenario, manifest),
        **_recipe(scenario, module),
        **_inputs(manifest, parts),
        "predicted": predicted,
        "file": files[0],
        "arrays": files[1],
    }
    environment = _environment()
    script = environment.get_template("script.py.j2").render(fields)
    report = environment.get_template("report.md.j2").render(
        fields | _report(results, case, backends) | {"script": script.rstrip()}
    )
    return Written(script=script, report=report)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    environment.filters["text"] = json.dumps
    environment.filters["prose"] = prose
    environment.filters["plain"] = markdown.plain
    environment.filters["code"] = markdown.code
    return environment


def _refuse_other_words(results: Results, case: Case, backends: Mapping[str, str]) -> None:
    """What stands in a script as code, or in a command, is a name or a known word, whatever results.json says."""
    names = [name for name in backends if not ENVIRONMENT.fullmatch(name)]
    names += [backend for backend in backends.values() if backend not in BACKENDS]
    names += [device for device in (_device(results, case),) if device not in DEVICES]
    if names:
        raise ConfigurationError(f"{names[0][:80]!r} is no name of an environment, a backend or a device: was it edited?")


def prose(words: str) -> str:
    """For a docstring or a comment, which it cannot end: one paragraph without quotes and backslashes."""
    flat = " ".join(showing.visible(words).split())
    return flat.replace("\\", "/").replace('"', "'").replace("`", "'")


def _words(results: Results, case: Case, backends: Mapping[str, str]) -> dict[str, object]:
    """What the script says of itself."""
    why = f"Quantity: where a difference begins, {case.why}."
    return {
        "title": prose(_title(case, backends)),
        "found": textwrap.fill(
            prose(f"{_worded(results, case).claim} This is one case of it, in {case.member.scenario}."), 120
        ),
        "why": textwrap.fill(why, 118, initial_indent="# ", subsequent_indent="# "),
        "versions": prose(_versions(results, backends)),
    }


def _sides(case: Case, backends: Mapping[str, str]) -> dict[str, object]:
    """Who is compared with whom, and in what."""
    strategies = _strategies(case)
    return {
        "kind": case.kind,
        "a": case.sides[0][0],
        "b": case.sides[-1][0],
        "backends": backends,
        "strategies": strategies if case.kind != "reloaded" else strategies[:1],
        "ddp": "torch_ddp" in strategies,
        "tasks": ["load"] if case.kind in ("saved", "reloaded") else [],
        "replica": case.member.replica if isinstance(case.member, ConsistencyCheck) else 0,
        "limits": case.limits,
    }


def _training(results: Results, case: Case, scenario: Scenario) -> dict[str, object]:
    """How every side trains.

    Raises:
        ConfigurationError: in phases.
    """
    if scenario.phases:
        raise ConfigurationError(
            f"{scenario.name} trains in phases, and a script shows one training only: compare it with steps in their place"
        )
    return {
        "devices": case.devices,
        "device": _device(results, case),
        "numerics": numerics.variables(results, dict(case.sides)),
        "batch": scenario.batch,
        "steps": case.steps,
        "callbacks": scenario.callbacks is not None,
        "seed": results.plan.options.seed,
        "policy": scenario.dtype_policy,
        "outputs": scenario.outputs,
    }


def _cure(case: Case, scenario: Scenario, manifest: Manifest) -> dict[str, object]:
    """Whether batch statistics are taken over all devices, and whether they could be."""
    several = any(strategy in ("tf_mirrored", "torch_ddp") for strategy in _strategies(case))
    can = several and any(tensor.group == TensorGroup.MOVING_MEAN for tensor in manifest.tensors)
    return {
        "synchronized": scenario.synchronized and several,
        "can_synchronize": can,
        "cure": can and not scenario.synchronized,
    }


def _recipe(scenario: Scenario, module: Path) -> dict[str, object]:
    """The scenario's own code, and how the script calls it."""
    wanted: dict[str, object] = {"model": scenario.model, "optimizer": scenario.optimizer}
    wanted |= compiling.functions(scenario)
    wanted |= {"custom_objects": scenario.custom_objects} if scenario.custom_objects else {}
    names = {key: _name(key, value, module) for key, value in wanted.items()}
    return {
        "recipe": source.recipe(module, list(names.values())),
        "model": names["model"],
        "optimizer": names["optimizer"],
        "loss": compiling.loss(scenario, names, module),
        "metrics": "".join(compiling.arguments(scenario, names, module)),
        "load": f", custom_objects={names['custom_objects']}()" if "custom_objects" in names else "",
    }


def _inputs(manifest: Manifest, parts: Sequence[str]) -> dict[str, object]:
    """What of the arrays is no evidence, and the expressions for rows of them."""
    neutral = {tensor.name for tensor in manifest.tensors if tensor.group == TensorGroup.NEUTRAL_BIAS}
    return {
        "neutral": [f"start {index:03} {name}" for index, name in enumerate(weights(manifest)) if name in neutral],
        "some_rows": lambda rows: _rows(parts, X, rows),
        "trained_rows": lambda rows: _trained(parts, rows),
        "predict_rows": lambda rows: _rows(parts, PREDICT, rows),
    }


def _strategies(case: Case) -> list[str]:
    return [strategy for _, strategy in case.sides]


def _worded(results: Results, case: Case) -> Worded:
    return next(worded for worded in findings.worded(results) if worded.finding is case.finding)


def _report(results: Results, case: Case, backends: Mapping[str, str]) -> dict[str, object]:
    finding = _worded(results, case)
    return {
        "evidence": finding.evidence.rstrip("."),
        "numbers": [
            (quantity, metric, f"{value:.2e}", f"{limit:.2e}" if limit is not None else "")
            for quantity, metric, value, limit in measured(case)
        ],
        "place": case.finding.place,
        "check": finding.experiment.rstrip("."),
        "expected": EXPECTED[case.kind],
        "packages": [
            (one.environment.name, package, version)
            for one in results.environments
            if one.environment.name in backends
            for package, version in one.packages.items()
            if package not in ("safetensors", "msgspec")
        ],
        "machine": _machine(results, case),
        "advice": finding.advice,
        "link": finding.link,
    }


EXPECTED = {
    "pair": "The same weights, statistics and predictions up to rounding: both sides start from the same weights "
    "and see the "
    "same batches in the same order.",
    "saved": "A model predicts the same before it is saved and after it is loaded.",
    "reloaded": "A saved model is the same model, whichever backend loads it.",
    "replica": "Every replica holds the same model.",
    "unstable": "One training step in float32 gives what it gives in float64, to about six digits.",
}


def _title(case: Case, backends: Mapping[str, str]) -> str:
    (a, first), (b, second) = case.sides[0], case.sides[-1]
    devices = {"single": "on one device"}
    where = [
        f"{name} {devices.get(strategy, f'on {case.devices} devices ({strategy})')}"
        for name, strategy in ((a, first), (b, second))
    ]
    return {
        "pair": f"{where[0]} and {where[1]} train different models from the same start",
        "saved": f"A model trained with {where[0]} is not the same after saving and loading",
        "reloaded": f"A model saved by {a} is not the same when {b} loads it",
        "replica": f"Replicas differ after training with {where[0]}",
        "unstable": f"{a}: one training step in float32 is far from the same step in float64",
    }[case.kind]


def _name(key: str, value: object, module: Path) -> str:
    name = getattr(value, "__name__", "")
    if not inspect.isfunction(value) or not name.isidentifier():
        raise ConfigurationError(
            f"{module}: {key} is not a function of its own, so a script cannot show it: write it with def"
        )
    return str(name)


def _backend(results: Results, name: str) -> str:
    return next((one.environment.backend for one in results.environments if one.environment.name == name), "")


def _device(results: Results, case: Case) -> str:
    """Where the side with several devices runs; the last one, if none has."""
    several = [name for name, strategy in case.sides if strategy != "single"] or [case.sides[-1][0]]
    device = next((one.environment.device for one in results.environments if one.environment.name == several[-1]), "")
    return device or results.plan.options.device


def _rows(parts: Sequence[str], part: str, rows: str) -> str:
    """The expression for some rows of a part: one array, or dicts, lists and tuples of such, as the scenario has them."""
    chosen = f"[{rows}]" if rows else ""
    return _expression(restored({name: f"ARRAYS[{json.dumps(name)}]{chosen}" for name in parts}, part))


def _expression(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)}: {_expression(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_expression, value)) + "]"
    if isinstance(value, tuple):
        return "(" + "".join(f"{_expression(one)}, " for one in value) + ")"
    return str(value)


def _trained(parts: Sequence[str], rows: str) -> str:
    """The arguments of `fit` that hold rows."""
    weight = f", sample_weight={_rows(parts, WEIGHT, rows)}" if names_of(dict.fromkeys(parts), WEIGHT) else ""
    return f"{_rows(parts, X, rows)}, {_rows(parts, Y, rows)}{weight}"


def _versions(results: Results, backends: Mapping[str, str]) -> str:
    """ "keras 3.15.1, tensorflow-cpu 2.21.0", for each side."""
    found = []
    for one in results.environments:
        if one.environment.name in backends:
            backend = one.environment.backend
            shown = [
                f"{name} {version}" for name, version in one.packages.items() if name == "keras" or name.startswith(backend)
            ]
            found.append(f"{', '.join(shown)}" if len(backends) == 1 else f"{one.environment.name}: {', '.join(shown)}")
    return "; ".join(found)


def _machine(results: Results, case: Case) -> str:
    """What the runs say of the machine and the settings they ran with."""
    facts = [row.facts for row in results.runs if row.run in case.member.runs]
    lines = []
    for key in ("machine", "devices", "threads", "jit", "tf32", "dtype policy"):
        values = list(dict.fromkeys(one[key] for one in facts if key in one))
        if values:
            lines.append(f"{key}: {' / '.join(values)}")
    return "; ".join(lines)
