"""The jobs of the NumPy backend other than training: the float64 probe, a scenario's inputs, and reloading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from suite.artifacts import arrays as files
from suite.artifacts import names
from suite.artifacts.rows import PREDICT, X, Y, names_of
from suite.artifacts.store import Store
from suite.records import Job, Tensor
from suite.runner import variant
from suite.runner.keras_jobs import PROBE_LIMIT, begun
from suite.runner.numpy_backend import after_saving
from suite.runner.numpy_backend import batch_norm_network as network
from suite.runner.numpy_backend.defects import defect
from suite.runner.numpy_backend.training import GROUPS, NORM, Training, logits, recipe
from suite.runner.outcome import Unsupported
from suite.runner.scenario_data import data_arrays
from suite.runner.training import scenario_of


def probe(job: Job) -> None:
    """The float64 probe: the dtype that "float64" really gives; a demoted one is half a decade of float32 away."""
    with Store(job.run_folder).probe(job.environment.name).recording(begun(job, job.id)) as recorded:
        dtype = np.float32 if defect("demoted") else np.float64
        difference = abs(float(dtype(1) / dtype(3)) - 1 / 3)
        recorded.add(names.DIFFERENCE, {names.DIFFERENCE: np.array([difference])})
        recorded.add(names.NONLINEARITY, {names.NONLINEARITY: np.array([1.0 if dtype is np.float32 else 0.0])})
        recorded.tell(facts={"limit": str(PROBE_LIMIT)})


def prepare(job: Job) -> None:
    """Data from the scenario, weights for the NumPy network."""
    scenario = scenario_of(job)
    with Store(job.run_folder).inputs(scenario.name).recording(begun(job, job.id)) as recorded:
        arrays = data_arrays(variant.data(scenario), scenario)
        _refuse_structures(arrays)
        x = next(value for key, value in arrays.items() if key.startswith("x"))
        features, classes = int(np.prod(x.shape[1:])), int(arrays["y"].max()) + 1
        recorded.add(names.DATA, arrays)
        for index in range(job.options.seeds + 1):
            recorded.add(names.initial(index), network.initial(features, classes, job.options.seed + index))
        initial = network.initial(features, classes, job.options.seed)
        tensors = tuple(
            Tensor(name=name, shape=value.shape, dtype="float32", group=GROUPS[name], layer=name.split("/")[0])
            for name, value in initial.items()
        )
        recorded.tell(tensors=tensors, batch_norms=(NORM,))


def _refuse_structures(arrays: Mapping[str, np.ndarray]) -> None:
    """The network has one input and one class number for each row.

    Raises:
        Unsupported: the scenario has more.
    """
    inputs, extra = names_of(arrays, X), arrays.keys() - {Y, *names_of(arrays, X), *names_of(arrays, PREDICT)}
    if len(inputs) != 1 or Y not in arrays or arrays[Y].ndim != 1 or extra:
        raise Unsupported(f"the fake backend takes one x and one class number for each row as y, and no {sorted(extra)}")


def reload(job: Job) -> None:
    """Loads each run's files and predicts on one device."""
    scenario = scenario_of(job)
    store = Store(job.run_folder)
    data = store.inputs(scenario.name).arrays(names.DATA)
    x: Any = next(value for key, value in data.items() if key.startswith("predict"))
    for run in job.runs:
        own = run.configuration.environment == job.environment.name
        saved = store.run(run).manifest()
        for form in names.forms(saved, own=own):
            with store.reload(run, job.environment.name, form).recording(begun(job, run.id)) as recorded:
                file = names.loaded_by(form)
                state = files.mapped(store.run(run).file(file))
                recorded.tell(loaded=saved.files[file] if saved else "")
                if defect("loaded"):
                    state["norm/gamma"] = 2 * state["norm/gamma"]
                recorded.add(names.step(0), state)
                flat = x.reshape(len(x), -1).astype(state["hidden/kernel"].dtype)
                epsilon = recipe(job.precision == "float64").epsilon
                recorded.add(names.predictions(0), {"output": network.predict(state, flat, epsilon, logits())})
                recorded.tell(steps=(0,), predicted=(0,))
                if own and form == names.KERAS_FILE and saved and names.has(saved, names.RESUMED):
                    loaded = Training(job, scenario, store)
                    loaded.begin(state)
                    after_saving.record(recorded, loaded, saved.steps[-1], loaded=True)


KINDS: dict[str, Callable[[Job], None]] = {"probe": probe, "prepare": prepare, "reload": reload}
