"""The jobs of a Keras environment other than training: the float64 run self-test, a scenario's inputs, and reloading."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from suite.artifacts.store import MODEL_FILES, Artifact, Store
from suite.plan import discover
from suite.records import Data, Job, Manifest, Run, Scenario, Status
from suite.runner import devices, graph, models, precision
from suite.runner.numpy_backend import network
from suite.runner.training import named

Arrays = Mapping[str, np.ndarray]

PROBE_LIMIT = 1e-13
CHANGE = 1e-10  # of inputs: six decades above what float64 rounds, three below what float32 sees

UNSUPPORTED_SYNCHRONIZED = (
    "Keras has BatchNormalization(synchronized=True) on TensorFlow only, and the file asks for it: "
    "save the model with synchronized=False to load it elsewhere"
)


def probe(job: Job) -> None:
    """The float64 probe: one float64 step of Dense, BN, ReLU, Dense and cross-entropy.

    Leaves two arrays (1,). "difference": the largest relative difference of a gradient or statistic from NumPy's.
    "nonlinearity": how far the response to a change of 2e-10 in the inputs is from twice the response to 1e-10, over the
    response: about 1e-5 in float64, and 1 or more where anything on the way rounds to float32, whatever it computes.
    """
    import keras

    artifact = _begun(Store(job.run_folder).probe(job.environment.name), job, f"probe/{job.environment.name}")
    devices.claim(job)
    precision.adopt("float64", "float64")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(32, 8)), random.integers(0, 4, 32)
    recipe = network.Recipe(rate=1.0)
    weights = {name: value.astype(np.float64) for name, value in network.initial(8, 4, seed=0).items()}
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(network.HIDDEN, name="hidden"),
            keras.layers.BatchNormalization(momentum=recipe.momentum, epsilon=recipe.epsilon, name="norm"),
            keras.layers.ReLU(),
            keras.layers.Dense(4, activation="softmax", name="output"),
        ]
    )
    jit = models.JIT[keras.backend.backend()]
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="sparse_categorical_crossentropy", jit_compile=jit)
    state = {"/".join(path.split("/")[-2:]): variable for path, variable in models.variables(model).items()}

    def after_a_step(inputs: np.ndarray) -> dict[str, np.ndarray]:
        models.write(state, weights)
        model.fit(inputs, y, batch_size=32, epochs=1, shuffle=False, verbose=0)
        return models.read(state)

    direction = CHANGE * random.normal(size=x.shape)
    found, once, twice = (after_a_step(x + count * direction) for count in range(3))
    gradients, moving, _ = network.step(weights, x, y, recipe)
    expected = network.updated(weights, gradients, 1.0) | {name: value[0] for name, value in moving.items()}
    # The bias before the batch normalization has a gradient of exactly zero: nothing to be relative to.
    difference = max(
        float(np.abs(found[name] - value).max() / max(np.abs(value).max(), 1e-3)) for name, value in expected.items()
    )
    artifact.add("difference", {"difference": np.array([difference])})
    artifact.add("nonlinearity", {"nonlinearity": np.array([_nonlinearity(found, once, twice)])})
    _finish(artifact, job, f"probe/{job.environment.name}", facts={"limit": str(PROBE_LIMIT)})


def _nonlinearity(start: Arrays, once: Arrays, twice: Arrays) -> float:
    """‖(f(2δ) - f(0)) - 2 (f(δ) - f(0))‖ / ‖f(δ) - f(0)‖, the worst tensor; biases before the normalization have no response."""
    worst = 0.0
    for name in start:
        if name == "hidden/bias":
            continue
        first, second = once[name] - start[name], twice[name] - start[name]
        size = float(np.linalg.norm(first))
        worst = max(worst, float(np.linalg.norm(second - 2 * first)) / size if size else np.inf)
    return worst


def prepare(job: Job) -> None:
    """Makes a scenario's data and initial weights once: arrays "data" and "initial", groups in the manifest."""
    scenario = _scenario(job)
    artifact = _begun(Store(job.run_folder).inputs(scenario.name), job, f"prepare/{scenario.name}")
    devices.claim(job)
    precision.adopt("float32", scenario.dtype_policy)
    arrays = data_arrays(scenario.data(), scenario, job.options.devices)
    artifact.add("data", arrays)
    model = models.build(scenario, arrays, float64=False, seed=job.options.seed)
    artifact.add("initial", models.read(models.variables(model)))
    tensors, batch_norms, drawing = graph.describe(model)
    for index in range(1, job.options.seeds + 1):
        other = models.build(scenario, arrays, float64=False, seed=job.options.seed + index)
        artifact.add(f"initial-{index}", models.read(models.variables(other)))
    _finish(artifact, job, f"prepare/{scenario.name}", tensors=tensors, batch_norms=batch_norms, random_layers=drawing)


def data_arrays(data: Data, scenario: Scenario, counts: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The rows as arrays by name ("x" or "x/<input>", "y", "predict" or "predict/<input>").

    Raises:
        ValueError: not finite, of unequal length, or not divisible by the batch or the batch by the devices.
    """
    arrays: dict[str, np.ndarray] = {"y": np.asarray(data.y)}
    for part, rows in (("x", data.x), ("predict", data.predict)):
        named = rows if isinstance(rows, Mapping) else {"": rows}
        arrays |= {f"{part}/{name}".rstrip("/"): np.asarray(value) for name, value in named.items()}
    for name, value in arrays.items():
        if not len(value) or not np.isfinite(value).all():
            raise ValueError(f"{scenario.name}: data {name} is empty or holds NaN or infinity")
        wanted = len(arrays["y"]) if not name.startswith("predict") else None
        if wanted is not None and len(value) != wanted:
            raise ValueError(f"{scenario.name}: data {name} has {len(value)} rows, y has {wanted}")
        if name.startswith("predict") and len(value) % scenario.batch:
            raise ValueError(
                f"{scenario.name}: {len(value)} rows to predict on do not divide into batches of {scenario.batch}"
            )
    return arrays


def reload(job: Job) -> None:
    """Loads each run's saved files in this fresh process, on one device, and predicts."""
    scenario = _scenario(job)
    store = Store(job.run_folder)
    data = store.inputs(scenario.name).arrays("data")
    devices.claim(job)
    precision.adopt(job.precision, scenario.dtype_policy)
    for run in job.runs:
        own = run.configuration.environment == job.environment.name
        for form in MODEL_FILES if own else MODEL_FILES[:1]:
            artifact = store.reload(run, job.environment.name, form)
            _begun(artifact, job, f"{run.id}/reload/{job.environment.name}/{form}")
            try:
                _load(artifact, store.run(run), scenario, job, data, form, own)
            except Exception as error:  # one file that does not load must not cost the others
                _failed(artifact, job, run, error)


def _load(artifact: Artifact, saved: Artifact, scenario: Scenario, job: Job, data: Any, form: str, own: bool) -> None:
    import keras

    began = time.monotonic()
    custom = dict(scenario.custom_objects()) if scenario.custom_objects else None
    keras.utils.clear_session()
    if form == MODEL_FILES[0]:
        # A model compiled on torch loads elsewhere only with compile=False; at home the optimizer must come back too.
        model = keras.saving.load_model(saved.place(form), custom_objects=custom, compile=own, safe_mode=True)
    else:
        model = models.build(scenario, data, float64=job.precision == "float64", seed=job.options.seed)
        models.compile_model(model, scenario, float64=job.precision == "float64", double=False)
        model.load_weights(saved.place(form))
    model.jit_compile = models.JIT[keras.backend.backend()]
    artifact.add("step-0", models.read(models.variables(model)))
    if own:
        artifact.add("optimizer-0", models.read(models.slots(model)))
    predicted = model.predict(models.inputs(data, "predict"), batch_size=scenario.batch, verbose=0)
    artifact.add("predictions-0", named(predicted))
    _finish(artifact, job, artifact.folder.name, seconds=time.monotonic() - began, steps=(0,), predicted=(0,))


def _failed(artifact: Artifact, job: Job, run: Run, error: Exception) -> None:
    words = " ".join(str(error).split())
    unsupported = "synchronized=True is only supported" in words
    reason = UNSUPPORTED_SYNCHRONIZED if unsupported else words[:500]
    artifact.finish(
        Manifest(
            run=run.id,
            status=Status.UNSUPPORTED if unsupported else Status.FAILED,
            reason=f"{job.environment.name} cannot load it: {type(error).__name__}: {reason}",
            digest=job.digest,
        )
    )


def _scenario(job: Job) -> Scenario:
    if job.source is None:
        raise ValueError(f"{job.id} has no scenario source")
    return discover.load_scenario(job.source)


def _begun(artifact: Artifact, job: Job, name: str) -> Artifact:
    artifact.begin(Manifest(run=name, status=Status.STARTED, digest=job.digest))
    return artifact


def _finish(artifact: Artifact, job: Job, name: str, **fields: Any) -> None:
    artifact.finish(replace(Manifest(run=name, status=Status.COMPLETE, digest=job.digest), **fields))


KINDS: dict[str, Callable[[Job], None]] = {"probe": probe, "prepare": prepare, "reload": reload}
