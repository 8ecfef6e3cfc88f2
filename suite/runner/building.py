"""A scenario's Keras model, built and compiled; what its manifest says before its first step."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from suite.records import Job, Manifest, Run, Scenario, Status, makes_losses
from suite.runner import exact_constants, models, optimizers, variant
from suite.runner.exact_constants import Constants
from suite.runner.outcome import Unsupported
from suite.runner.precision import not_float64

# What jit_compile="auto" means on one CPU, pinned so that devices and environments do not change it silently.
JIT = {"jax": True, "tensorflow": False, "torch": False}


def build(scenario: Scenario, data: Mapping[str, np.ndarray], *, constants: Constants, seed: int, rows: int = 1) -> Any:
    """The scenario's model, built on `rows` rows. `constants`: the scenario's "own", or "dyadic" ones in place of those."""
    import keras

    keras.utils.set_random_seed(seed)
    model = variant.model(scenario)
    if not models.is_built(model):
        model(models.inputs(data, "x", slice(0, rows)))
    if constants == "dyadic":
        exact_constants.dyadic_defaults()
        exact_constants.dyadic_layers([model, *models.layers_of(model)])
    return model


def restore(model: Any, values: Mapping[str, np.ndarray]) -> None:
    """Gives a built model these variables, by name; Normalization layers keep tensors made of theirs, and make them anew."""
    import keras

    models.write(models.variables(model), values)
    for layer in models.layers_of(model):
        if isinstance(layer, keras.layers.Normalization) and layer.built:
            layer.finalize_state()


def compile_model(
    model: Any, scenario: Scenario, *, constants: Constants, precision: str, optimizer: Callable[[], Any] | None = None
) -> None:
    """Compiles with the scenario's loss, and with its optimizer or one of a phase's own. `precision`: what this process
    computes in, "float32" or "float64".

    Raises:
        Unsupported: a float64 run is not float64 throughout.
    """
    import keras

    double = precision == "float64"
    if double and (left := not_float64(model)):
        raise Unsupported(f"no float64 run of {scenario.name}: {left[0]}")
    chosen = keras.optimizers.get((optimizer or scenario.optimizer)())
    if constants == "dyadic":
        exact_constants.dyadic_optimizer(chosen)
    if double:
        exact_constants.double_schedules(chosen)
    _compile(model, scenario, constants, chosen)
    for beside in optimizers.others(model).values():
        if constants == "dyadic":
            exact_constants.dyadic_optimizer(beside)
        if double:
            exact_constants.double_schedules(beside)


def _compile(model: Any, scenario: Scenario, constants: Constants, optimizer: Any) -> None:

    model.compile(optimizer=optimizer, **compile_arguments(scenario, constants))
    model.optimizer.build(model.trainable_variables)


def compile_arguments(scenario: Scenario, constants: Constants) -> dict[str, Any]:
    """What `compile` takes, but for the optimizer. What has its default is left out where old versions may lack it.

    Raises:
        Unsupported: this backend cannot be told one of them.
    """
    import keras

    backend = keras.backend.backend()
    if backend == "torch" and scenario.steps_per_execution > 1:
        raise Unsupported("Keras trains one step at a time on torch: leave out steps_per_execution to compare it")
    weights = scenario.loss_weights
    settled = exact_constants.dyadic_value(weights) if constants == "dyadic" else weights
    chosen = {
        "loss_weights": settled,
        "weighted_metrics": made(scenario.weighted_metrics),
        "auto_scale_loss": None if scenario.auto_scale_loss else False,
        "run_eagerly": scenario.run_eagerly or None,
        "steps_per_execution": scenario.steps_per_execution if scenario.steps_per_execution > 1 else None,
    }
    jit = JIT[backend] if scenario.jit_compile is None else scenario.jit_compile
    return {
        "loss": loss_of(scenario, constants),
        "metrics": made(scenario.metrics),
        "jit_compile": jit and not scenario.run_eagerly,  # eager steps are not compiled: Keras refuses both
        **{name: value for name, value in chosen.items() if value is not None},
    }


def made(metrics: Any) -> Any:
    """The metrics as `compile` takes them, made anew if a function makes them; None for none."""
    return metrics() if callable(metrics) else copy.deepcopy(metrics)


def loss_of(scenario: Scenario, constants: Constants) -> Any:
    """The scenario's loss as `compile` takes it."""
    loss = scenario.loss
    if makes_losses(loss):
        loss = loss()  # type: ignore[operator, misc]
    return exact_constants.dyadic_loss(loss) if constants == "dyadic" else loss


def compile_probe(model: Any, scenario: Scenario, *, constants: Constants) -> None:
    """Compiles anew so that after one step from zero slots each slot `momentum` is the negative gradient."""
    import keras

    _compile(model, scenario, constants, keras.optimizers.SGD(1.0, momentum=0.5))


def started(model: Any, job: Job, run: Run, inputs: Manifest | None, replicas: int) -> Manifest:
    """What the manifest of a run of this compiled model says before its first step. `inputs`: that of the scenario's
    inputs."""
    tensors = inputs.tensors if inputs else ()
    return Manifest(
        run=run.id,
        status=Status.STARTED,
        digest=job.digest,
        died=job.died,
        tensors=tensors,
        slots=optimizers.slot_tensors(model, tensors),
        batch_norms=models.with_constants(inputs.batch_norms if inputs else (), model),
        random_layers=inputs.random_layers if inputs else (),
        replicas=replicas,
        roundoff=models.roundoff(model),
        optimizer_epsilon=max(float(getattr(one, "epsilon", 0.0) or 0.0) for one in optimizers.leaves(model.optimizer)),
        rounded_constants=max(optimizers.rounded_constants(one) for one in optimizers.leaves(model.optimizer)),
    )
