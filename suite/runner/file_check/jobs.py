"""The job of `parity check`: one file, in one precision, in this environment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Recording
from suite.artifacts.store import Store
from suite.artifacts.writing import write_record
from suite.records import SEED, Job, Manifest, Status
from suite.records.files import CALL, DESCRIBED, DYADIC, LAYERS, FileQuestion, FileReading, ModelDescription
from suite.runner import building, devices, evaluating, exact_constants, keras_versions, models, precision
from suite.runner.file_check import input_rows, loading, tracing
from suite.runner.keras_jobs import begun
from suite.runner.outcome import Unsupported
from suite.runner.predicting import named

BATCH = 32  # rows at a time; also how many are predicted a second time


def check(job: Job) -> None:
    """Answers `job.file`. A file that does not load, or does not take the rows, is a failed artifact with a sentence; the
    job itself is complete."""
    question = job.file
    assert question is not None
    store = Store(job.run_folder)
    artifact = store.file(job.environment.name, job.precision, question.key)
    devices.claim(job)
    precision.adopt(job.precision, "float32")
    try:
        with artifact.recording(begun(job, job.id)) as recorded:
            reading = _answered(recorded, question, job, store)
            with recorded.placing(names.FILE_READING) as path:
                write_record(path, reading)
    except (loading.NotLoaded, Unsupported) as error:
        failed = Manifest(run=job.id, status=Status.FAILED, reason=str(error), digest=job.digest)
        artifact.finish(failed)


def _answered(recorded: Recording, question: FileQuestion, job: Job, store: Store) -> FileReading:
    import keras

    loaded = loading.load(question, store)
    model = loaded.model
    if job.precision == "float64" and (left := precision.not_float64(model)):
        raise Unsupported(f"it does not compute in float64: {left[0]}")
    constants = _constants(model)
    if question.constants == DYADIC:
        exact_constants.dyadic_defaults()
        exact_constants.dyadic_layers([model, *models.layers_of(model)])
    rows = input_rows.rows_of(model, question)
    x = input_rows.widened(rows.x) if job.precision == "float64" else rows.x
    reading = FileReading(
        inputs=rows.how,
        rows=rows.digest,
        count=rows.count,
        weights=_digests(model) if job.precision == "float32" else {},
        constants=constants,
        missing=loaded.missing,
        not_finite=tuple(name for name, value in _held(model).items() if not np.isfinite(value).all()),
        roundoff=models.roundoff(model),
    )
    if not getattr(model, "run_eagerly", False):
        model.jit_compile = building.JIT[keras.backend.backend()]
    try:
        if question.part == LAYERS:
            layers, arrays = tracing.sketches(model, _tensors(x))
            recorded.add(names.SKETCHES, arrays)
            return replace(reading, layers=layers)
        if question.part == CALL:
            call, arrays = tracing.whole(model, _tensors(x), question.layer)
            recorded.add(names.layerwise("0"), arrays)
            recorded.tell(recorded=(call,))
            return reading
        if question.part == DESCRIBED:
            recorded.add(names.DATA, rows.arrays)
            recorded.add(names.predictions(0), named(model.predict(x, batch_size=BATCH, verbose=0)))
            return replace(reading, described=_described(model, rows, question))
        return _predicted(recorded, model, x, rows, reading, question, job.precision)
    except (loading.NotLoaded, Unsupported):
        raise
    except Exception as error:
        raise loading.NotLoaded(f"it loads, and does not predict: {loading.said(error)}") from error


def _predicted(
    recorded: Recording,
    model: Any,
    x: Any,
    rows: input_rows.Rows,
    reading: FileReading,
    question: FileQuestion,
    computing: str,
) -> FileReading:
    before = _seeds(model)
    predicted = named(model.predict(x, batch_size=BATCH, verbose=0))
    recorded.add(names.predictions(0), predicted)
    if computing == "float32":
        again = model.predict(input_rows.first(x, BATCH), batch_size=BATCH, verbose=0)
        recorded.add(names.REPEATED, named(again))
    drawing = tuple(sorted(name for name, value in _seeds(model).items() if not np.array_equal(value, before[name])))
    without = ""
    if rows.y is not None:
        without = _evaluated(recorded, model, x, rows, question, double=computing == "float64")
    return replace(reading, drawing=drawing, without_evaluation=without)


def _evaluated(
    recorded: Recording, model: Any, x: Any, rows: input_rows.Rows, question: FileQuestion, *, double: bool
) -> str:
    """Adds the loss and every metric over the rows. Why it does not; empty if it does."""
    if reason := loading.compile_as_saved(model, question):
        return reason
    y = input_rows.widened(rows.y) if double else rows.y
    weighted = {} if rows.weight is None else {"sample_weight": rows.weight}
    try:
        found = model.evaluate(x, y, batch_size=BATCH, verbose=0, return_dict=True, **weighted)
    except Exception as error:  # what a user's loss does here must not cost the predictions
        return loading.said(error)
    recorded.add(names.EVALUATION, evaluating.numbers(found))
    return ""


def _described(model: Any, rows: input_rows.Rows, question: FileQuestion) -> ModelDescription:
    return ModelDescription(
        inputs=tuple(rows.arrays),
        form="dict" if isinstance(rows.x, Mapping) else "list",
        keys=tuple(rows.x) if isinstance(rows.x, Mapping) else (),
        compiled=json.dumps(loading.compiled_with(model, question), default=str),
    )


def _tensors(x: Any) -> Any:
    import keras

    return keras_versions.tree().map_structure(keras.ops.convert_to_tensor, x)


def _digests(model: Any) -> dict[str, str]:
    """Variable -> the sha256 of its values, but for the states of random streams, which no file fixes."""
    held = _held(model).items()
    return {name: hashlib.sha256(np.ascontiguousarray(value).data).hexdigest() for name, value in held}


def _held(model: Any) -> dict[str, np.ndarray]:
    held = models.read(models.variables(model))
    return {name: value for name, value in held.items() if not name.endswith(SEED)}


def _seeds(model: Any) -> Mapping[str, np.ndarray]:
    """The states of the random streams, by the path of their layer."""
    paths = models.layer_paths(model)
    return {
        paths.get(id(layer), layer.name): np.concatenate(states)
        for layer in models.layers_of(model)
        if (states := [models.stored(state.numpy()).reshape(-1) for state in models.seed_states(layer)])
    }


def _constants(model: Any) -> dict[str, float]:
    """The floats that the layers hold as settings: "<layer>/<attribute>" -> the value."""
    paths = models.layer_paths(model)
    return {
        f"{paths.get(id(layer), layer.name)}/{name}": value
        for layer in models.layers_of(model)
        for name, value in vars(layer).items()
        if isinstance(value, float)
    }
