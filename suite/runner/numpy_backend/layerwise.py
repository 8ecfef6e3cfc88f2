"""One training step of the NumPy backend, call by call, to be held against independent definitions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from suite.artifacts import names
from suite.artifacts.rows import count
from suite.artifacts.store import Store
from suite.plan.batches import schedule
from suite.records import BETWEEN, Job, Manifest, RecordedCall, Run, Scenario, Status
from suite.runner import exact_constants
from suite.runner.numpy_backend import batch_norm_network as network
from suite.runner.single_step import starting_states

Arrays = dict[str, np.ndarray]


class Calls(Protocol):
    """What is called: the NumPy backend's training."""

    scenario: Scenario
    recipe: network.Recipe
    data: Mapping[str, np.ndarray]
    weights: network.Weights
    moving: network.Weights
    gradients: network.Weights

    def begin(self, state: Mapping[str, np.ndarray]) -> None: ...

    def rows(self, part: str) -> np.ndarray: ...

    def step(self, rows: np.ndarray) -> float: ...

    def state(self, replica: int = 0) -> network.Weights: ...


def record(job: Job, run: Run, training: Calls) -> None:
    """Writes the artifact of the run: one step from the initial state; of the states between, nothing."""
    store = Store(job.run_folder)
    with store.run(run).recording(Manifest(run=run.id, status=Status.STARTED, digest=job.digest)) as recorded:
        if run.index >= BETWEEN:
            return
        rows = starting_states.batch("0", schedule(training.scenario, count(training.data), job.options.steps))
        training.begin(store.inputs(training.scenario.name).arrays(names.initial()))
        before = training.state()
        outputs, _ = network.layers(training.weights | training.moving, training.rows("x")[rows], training.recipe, 1)
        loss = training.step(rows)
        calls = _calls(training, before, outputs, rows, loss)
        arrays = {f"{place}|{name}": value for place, (_, made) in enumerate(calls) for name, value in made.items()}
        recorded.add(names.layerwise("0"), arrays)
        recorded.tell(recorded=tuple(call for call, _ in calls), facts={"backend": "fake", "numpy": np.__version__})


def _calls(
    training: Calls, before: network.Weights, outputs: network.Weights, rows: np.ndarray, loss: float
) -> list[tuple[RecordedCall, Arrays]]:
    """The three layers, the loss and the update, each with its arrays "<what>|<name>"."""
    after = training.state()
    moving = ("moving_mean", "moving_variance")
    declared = _declared(training)
    normal = {"axis": -1, "momentum": declared.momentum, "epsilon": declared.epsilon}
    dense = {"units": network.HIDDEN, "activation": "linear", "use_bias": True}
    return [
        _layer("hidden", "Dense", dense, training.rows("x")[rows], outputs["hidden"], before),
        _layer(
            "norm",
            "BatchNormalization",
            normal | {"center": True, "scale": True, "trainable": True},
            outputs["hidden"],
            outputs["norm"],
            before,
            {f"state|{name}": after[f"norm/{name}"] for name in moving},
        ),
        _layer(
            "output", "Dense", dense | {"activation": "softmax"}, np.maximum(outputs["norm"], 0), outputs["output"], before
        ),
        (
            _call(
                "loss", "loss", "SparseCategoricalCrossentropy", {"reduction": "sum_over_batch_size", "from_logits": False}
            ),
            {
                "input|y_true": training.data["y"][rows],
                "input|y_pred": outputs["output"],
                "output|0": np.array(loss),
            },
        ),
        _update(training, before, after),
    ]


def _declared(training: Calls) -> network.Recipe:
    """The constants that the layer has, whatever the backend computes with: a float64 run's are dyadic."""
    constant = exact_constants.dyadic if training.weights["hidden/kernel"].dtype == np.float64 else float
    rate, momentum, epsilon = map(constant, (0.1, 0.99, 1e-3))
    return replace(training.recipe, rate=rate, momentum=momentum, epsilon=epsilon)


def _layer(
    name: str,
    of: str,
    config: Mapping[str, Any],
    given: np.ndarray,
    made: np.ndarray,
    weights: network.Weights,
    more: Mapping[str, np.ndarray] | None = None,
) -> tuple[RecordedCall, Arrays]:
    own = {f"weight|{key.partition('/')[2]}": value for key, value in weights.items() if key.startswith(f"{name}/")}
    return _call("layer", name, of, config), {"input|0": given, "output|0": made, **own, **(more or {})}


def _call(kind: str, name: str, of: str, config: Mapping[str, Any], rate: float = 0.0) -> RecordedCall:
    return RecordedCall(state="0", kind=kind, name=name, of=of, config=json.dumps(config), learning_rate=rate)


def _update(training: Calls, before: network.Weights, after: network.Weights) -> tuple[RecordedCall, Arrays]:
    arrays: Arrays = {}
    for name, gradient in training.gradients.items():
        arrays |= {f"input|{name}": before[name], f"gradient|{name}": gradient, f"output|{name}": after[name]}
    rate = _declared(training).rate
    return _call("update", "optimizer", "SGD", {"learning_rate": rate, "momentum": 0.0, "nesterov": False}, rate), arrays
