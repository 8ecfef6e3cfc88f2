"""The jobs of a Keras environment other than training: the float64 probe, a scenario's inputs, and reloading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np

from suite.artifacts import names, rows
from suite.artifacts.artifact import Artifact, Recording
from suite.artifacts.store import Store
from suite.records import COMPILE_FALSE, JIT_KEPT, UNCOMPILED, Job, Manifest, Scenario, Status
from suite.runner import (
    after_saving,
    building,
    devices,
    evaluating,
    exact_constants,
    initializers,
    keras_versions,
    layer_attributes,
    layer_graph,
    models,
    optimizers,
    phases,
    precision,
    random_streams,
    unloadable,
    variant,
)
from suite.runner.exact_constants import constants_of
from suite.runner.numpy_backend import batch_norm_network as network
from suite.runner.outcome import Unsupported
from suite.runner.predicting import named
from suite.runner.scenario_data import data_arrays
from suite.runner.strategies import single
from suite.runner.training import inject_faults, scenario_of

Arrays = Mapping[str, np.ndarray]

PROBE_LIMIT = 1e-13
CHANGE = 1e-10  # of inputs: six decades above what float64 rounds, three below what float32 sees

OWN_COMPILE = (
    "compile is the model's own, and Keras does not compile such a model when it loads one: compile it, and its optimizers "
    "begin anew"
)


def probe(job: Job) -> None:
    """The float64 probe: one float64 step of Dense, BN, ReLU, Dense and cross-entropy.

    Leaves two arrays (1,). "difference": the largest relative difference of a gradient or statistic from NumPy's.
    "nonlinearity": how far the response to a change of 2e-10 in the inputs is from twice the response to 1e-10, over the
    response: about 1e-5 in float64, and 1 or more where anything on the way rounds to float32, whatever it computes.
    """
    with Store(job.run_folder).probe(job.environment.name).recording(begun(job, job.id)) as recorded:
        devices.claim(job)
        precision.adopt("float64", "float64")
        difference, nonlinearity = _probed()
        recorded.add(names.DIFFERENCE, {names.DIFFERENCE: np.array([difference])})
        recorded.add(names.NONLINEARITY, {names.NONLINEARITY: np.array([nonlinearity])})
        recorded.tell(facts={"limit": str(PROBE_LIMIT)})


def _probed() -> tuple[float, float]:
    """Difference and nonlinearity of the probe, computed in this process."""
    import keras

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
    jit = building.JIT[keras.backend.backend()]
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="sparse_categorical_crossentropy", jit_compile=jit)
    state = {"/".join(path.split("/")[-2:]): variable for path, variable in models.variables(model).items()}

    def after_a_step(inputs: np.ndarray) -> dict[str, np.ndarray]:
        models.write(state, weights)
        model.fit(inputs, y, batch_size=32, epochs=1, shuffle=False, verbose=0)
        return models.read(state)

    direction = CHANGE * random.normal(size=x.shape)
    start, once, twice = (after_a_step(x + count * direction) for count in range(3))
    gradients, moving, _ = network.step(weights, x, y, recipe)
    expected = network.updated(weights, gradients, 1.0) | {name: value[0] for name, value in moving.items()}
    # The bias before the batch normalization has a gradient of exactly zero: nothing to be relative to.
    difference = max(
        float(np.abs(start[name] - value).max() / max(np.abs(value).max(), 1e-3)) for name, value in expected.items()
    )
    return difference, _nonlinearity(start, once, twice)


def _nonlinearity(start: Arrays, once: Arrays, twice: Arrays) -> float:
    """‖(f(2δ) - f(0)) - 2 (f(δ) - f(0))‖ / ‖f(δ) - f(0)‖, the worst tensor; biases before the normalization have no
    response."""
    worst = 0.0
    for name in start:
        if name == "hidden/bias":
            continue
        first, second = once[name] - start[name], twice[name] - start[name]
        size = float(np.linalg.norm(first))
        worst = max(worst, float(np.linalg.norm(second - 2 * first)) / size if size else np.inf)
    return worst


def prepare(job: Job) -> None:
    """Makes a scenario's data and initial weights once: parts "data" and "initial", groups in the manifest."""
    scenario = scenario_of(job)
    with Store(job.run_folder).inputs(scenario.name).recording(begun(job, job.id)) as recorded:
        devices.claim(job)
        precision.adopt("float32", scenario.dtype_policy)
        arrays = data_arrays(variant.data(scenario), scenario)
        recorded.add(names.DATA, arrays)
        model = building.build(scenario, arrays, constants="own", seed=job.options.seed)
        recorded.add(names.initial(), models.read(models.variables(model)))
        tensors, batch_norms, drawing = _described(model, scenario, models.inputs(arrays, "x", slice(0, 1)))
        for index in range(1, job.options.seeds + 1):
            other = building.build(scenario, arrays, constants="own", seed=job.options.seed + index)
            recorded.add(names.initial(index), models.read(models.variables(other)))
        facts = {"environment": job.environment.name, "refused": "; ".join(job.refused)}
        recorded.tell(tensors=tensors, batch_norms=batch_norms, random_layers=drawing, facts=facts)


def _described(model: Any, scenario: Scenario, inputs: Any) -> tuple[Any, ...]:
    """The model's tensors, its batch normalizations, and its random layers, by what they do in any phase of training."""
    each = []
    for index, phase in enumerate(phases.of(scenario)):
        phases.prepare(model, phase, index)
        each.append(layer_graph.describe(model, inputs))
    tensors, batch_norms, drawing = zip(*each, strict=True)
    return phases.described(tensors), phases.normalizations(batch_norms), drawing[-1]


def reload(job: Job) -> None:
    """Loads each run's saved files in this fresh process, on one device, and predicts. What one device saved goes on
    training there."""
    scenario = scenario_of(job)
    store = Store(job.run_folder)
    data = store.inputs(scenario.name).arrays(names.DATA)
    devices.claim(job)
    precision.adopt(job.precision, scenario.dtype_policy)
    if job.precision == "float64":
        exact_constants.dyadic_defaults()
    inject_faults(job, single.Drive(), scenario)
    for run in job.runs:
        own = run.configuration.environment == job.environment.name
        for form in names.forms(store.run(run).manifest(), own=own):
            artifact = store.reload(run, job.environment.name, form)
            try:
                with artifact.recording(begun(job, run.id)) as recorded:
                    _load(recorded, store.run(run), scenario, job, data, form, own)
            except Exception as error:  # one file that does not load must not cost the others
                unloadable.tell(artifact, job, run, error, store.run(run))


def _load(recorded: Recording, saved: Artifact, scenario: Scenario, job: Job, data: Arrays, form: str, own: bool) -> None:
    import keras

    keras.utils.clear_session()
    precision.adopt(job.precision, scenario.dtype_policy)  # again: the session held the dtype policy
    described, uncompiled = saved.manifest(), ""
    if form in (names.WEIGHTS_FILE, names.UNBUILT):
        ends = described.phases if described else ()
        model = _with_weights(saved.file(names.WEIGHTS_FILE), scenario, job, data, ends, built=form == names.WEIGHTS_FILE)
    else:
        # A model compiled on torch loads elsewhere only with compile=False, and so does a legacy file whose loss is given
        # by its short name; at home the optimizer must come back too.
        compiled = own and form == names.KERAS_FILE
        # Its being trained on fails then, and says why; its predictions are still compared.
        without = compiled and described is not None and names.has(described, names.RESUMED)
        model, uncompiled = _loaded(Store(job.run_folder), saved.file(form), scenario, compiled=compiled, without=without)
        if job.precision == "float64":  # of layers that the model's own class makes, the file holds no constants
            exact_constants.dyadic_layers([model, *models.layers_of(model)])
    if not scenario.run_eagerly:
        model.jit_compile = building.JIT[keras.backend.backend()] if scenario.jit_compile is None else scenario.jit_compile
    renamed = models.take_names(model, described.tensors if described else ())
    facts = {"renamed layers": ", ".join(f"{name} is {loaded}" for loaded, name in renamed.items())} if renamed else {}
    facts |= precision.narrowed(model)
    recorded.tell(facts=facts)
    recorded.add(names.step(0), models.read(models.variables(model)))
    if own and form in (names.KERAS_FILE, names.WEIGHTS_FILE):
        if getattr(model, "optimizer", None) is None:
            reason = uncompiled or OWN_COMPILE
            recorded.tell(facts=facts | {UNCOMPILED: reason}, after_saving=reason)
        else:
            recorded.add(names.optimizer(0), models.read(optimizers.slots(model)))
    if form != names.UNBUILT:
        try:
            with models.unmoved(model):
                predicted = model.predict(models.inputs(data, "predict"), batch_size=scenario.batch, verbose=0)
        except Exception as error:
            raise unloadable.DoesNotPredict from error
        recorded.add(names.predictions(0), named(predicted))
    if not own and form == names.KERAS_FILE and job.precision == "float32":
        recorded.tell(facts=facts | _as_a_user_loads_it(model, saved.file(form), scenario, job))
    if own and form != names.UNBUILT:
        layer_attributes.tell(recorded, model)
        layer_attributes.try_out(recorded, model, saved, models.inputs(data, "predict"), scenario.batch)
    recorded.tell(steps=(0,), predicted=(0,), loaded=described.files[names.loaded_by(form)] if described else "")
    evaluated = own and form == names.KERAS_FILE and described and names.has(described, names.EVALUATION)
    if evaluated and described and not uncompiled:
        recorded.tell(after_saving=_go_on(recorded, model, scenario, job, data, described))


def _as_a_user_loads_it(model: Any, path: Path, scenario: Scenario, job: Job) -> dict[str, str]:
    """The facts of a model that is compiled here as its file says, which was loaded with compile=False."""
    import keras

    with keras.saving.custom_object_scope(dict(scenario.custom_objects()) if scenario.custom_objects else {}):
        if unloadable.why_it_does_not_compile(model, path):
            _register(scenario)  # whatever was loaded before in this process
            if refused := unloadable.why_it_does_not_compile(model, path):
                return {COMPILE_FALSE: refused}
    backend = keras.backend.backend()
    known = (
        scenario.jit_compile is None
        and not scenario.run_eagerly
        and not (backend == "tensorflow" and job.options.device == "gpu")
    )
    kept = bool(model.jit_compile)
    return {JIT_KEPT: f"jit_compile={kept}"} if known and kept != building.JIT[backend] else {}


def _loaded(store: Store, path: Path, scenario: Scenario, *, compiled: bool, without: bool) -> tuple[Any, str]:
    """The model of a file, and why it could not be compiled; empty if it was, or was not to be. `without`: whether one that
    does not load compiled may be loaded without that."""
    try:
        return _model_of(store, path, scenario, compiled=compiled), ""
    except (TypeError, ValueError) as error:
        if not without:
            raise
        try:
            model = _model_of(store, path, scenario, compiled=False)
        except (TypeError, ValueError):
            raise error from None
        return model, f"it loads only with compile=False: {unloadable.why_it_does_not_load(error)}"


def _go_on(recorded: Recording, model: Any, scenario: Scenario, job: Job, data: Arrays, described: Manifest) -> str:
    """Evaluates what was loaded, as many rows at a time as a replica of the saved run did, and trains what one device saved.
    Why not; empty if it was done."""
    index = np.arange(rows.count(data, rows.part_of(rows.X, rows.EVALUATE)))
    at_a_time = int(described.facts.get(evaluating.AT_A_TIME, scenario.batch))
    with models.unmoved(model):
        failed = evaluating.record(recorded, model, data, index, at_a_time)
    failed = failed or after_saving.tell_compiled(recorded, model)
    if failed or not names.has(described, names.RESUMED):
        return failed
    if job.precision == "float64":
        exact_constants.double_schedules(model.optimizer)
    with _streams(job):
        return after_saving.record(recorded, model, scenario, data, described.steps[-1])


def _streams(job: Job) -> AbstractContextManager[None]:
    return random_streams.shared() if job.precision == "float64" else nullcontext()


def _with_weights(path: Path, scenario: Scenario, job: Job, data: Arrays, ends: Sequence[int], *, built: bool) -> Any:
    """The scenario's model with the weights of a file, in the phase of training that the run was in, whose phases had these
    `ends`. `built`: whether its optimizer has variables before it is loaded; one that has none begins anew, as Keras
    warns."""
    constants = constants_of(job.precision)
    with initializers.drawn_by_numpy():
        model = building.build(scenario, data, constants=constants, seed=job.options.seed)
    phased = phases.Phases(model=model, scenario=scenario, constants=constants, precision=job.precision)
    phased.reach(phases.reached(ends, ends[-1]) if ends else 0)
    if not built:
        model.compile(optimizer=phased.optimizer(), **building.compile_arguments(scenario, constants))
    model.load_weights(path)
    return model


def _model_of(store: Store, path: Path, scenario: Scenario, *, compiled: bool) -> Any:
    """The model of a .keras file. What the scenario's functions define and register as they run is known, too.

    safe_mode is off: the file was written by a run of this very scenario, whose code runs here anyway.
    """
    import keras

    custom = dict(scenario.custom_objects()) if scenario.custom_objects else None

    def load(place: Path) -> Any:
        # A class that gives no name to its configuration gets one by counting: as in a process that loads nothing else.
        keras_versions.count_names_anew()
        with initializers.drawn_by_numpy():
            return keras.saving.load_model(place, custom_objects=custom, compile=compiled, safe_mode=False)

    # From a folder of its own: Keras 3.4 unpacks model.weights.h5 beside the file that it loads, and deletes it.
    with store.temporary() as folder:
        place = folder / path.name
        place.symlink_to(path.resolve())
        try:
            return load(place)
        except (TypeError, ValueError):
            _register(scenario)
            return load(place)


def _register(scenario: Scenario) -> None:
    """Runs the scenario's functions: what they define, they register."""
    variant.model(scenario), scenario.optimizer()
    with suppress(Unsupported):  # here, though not where the file is from
        building.compile_arguments(scenario, "own")


def begun(job: Job, name: str) -> Manifest:
    """The manifest of an artifact that is not a training run's."""
    return Manifest(run=name, status=Status.STARTED, digest=job.digest)


KINDS: dict[str, Callable[[Job], None]] = {"probe": probe, "prepare": prepare, "reload": reload}
