"""`parity check` of the NumPy backend: a .keras file is a zip of the network's arrays, as numpy.savez writes it."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Recording
from suite.artifacts.store import Store
from suite.artifacts.writing import write_record
from suite.records import Job, Manifest, RecordedCall, Status
from suite.records.files import CALL, DYADIC, LAYERS, FileQuestion, FileReading, LayerOutput
from suite.runner.file_check.input_rows import Rows
from suite.runner.keras_jobs import begun
from suite.runner.numpy_backend import batch_norm_network as network
from suite.runner.numpy_backend.defects import defect
from suite.runner.numpy_backend.training import logits, recipe
from suite.runner.outcome import Unsupported

Arrays = dict[str, np.ndarray]

CLASSES = {"hidden": "Dense", "norm": "BatchNormalization", "output": "Dense"}
EPSILON, OFF = 1e-3, 1.1e-3  # of the network, and with the defect of this name


def check(job: Job) -> None:
    """Answers `job.file`."""
    question = job.file
    assert question is not None
    artifact = Store(job.run_folder).file(job.environment.name, job.precision, question.key)
    try:
        with artifact.recording(begun(job, job.id)) as recorded:
            _die(job.precision)
            reading = _answered(recorded, question, job.precision)
            with recorded.placing(names.FILE_READING) as path:
                write_record(path, reading)
    except Unsupported as error:
        artifact.finish(Manifest(run=job.id, status=Status.FAILED, reason=str(error), digest=job.digest))


def _die(precision: str) -> None:
    """If it is to: in both precisions, or in float64 only, in the middle of the artifact."""
    if defect("killed") or (defect("half") and precision == "float64"):
        os.kill(os.getpid(), 9)


def _answered(recorded: Recording, question: FileQuestion, precision: str) -> FileReading:
    weights = {name: value.astype(precision) for name, value in _held(question.path).items()}
    if defect("loaded"):
        weights["hidden/kernel"] = weights["hidden/kernel"][::-1].copy()
    rows = _rows(question, weights["hidden/kernel"].shape[0])
    epsilon = recipe(question.constants == DYADIC).epsilon if question.constants == DYADIC else EPSILON
    epsilon = OFF if defect("epsilon") else epsilon
    x = rows.x.astype(precision)
    outputs = _layers(weights, x, epsilon)
    if question.part == CALL:
        call, arrays = _call(question.layer, weights, x, outputs)
        recorded.add(names.layerwise("0"), arrays)
        recorded.tell(recorded=(call,))
    elif question.part == LAYERS:
        recorded.add(names.SKETCHES, _sketches(x, outputs))
    else:
        _predict(recorded, outputs["output"], rows)
    return FileReading(
        inputs=rows.how,
        rows=rows.digest,
        count=rows.count,
        weights={name: hashlib.sha256(value.tobytes()).hexdigest() for name, value in weights.items()},
        constants={"norm/epsilon": EPSILON},
        drawing=("output",) if defect("noise") else (),
        layers=_described(x, outputs) if question.part == LAYERS else (),
    )


def _held(path: str) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise Unsupported(f"it is damaged, or not the file that NumPy wrote ({error}): save or copy it again") from error


def _rows(question: FileQuestion, features: int) -> Rows:
    if question.data:
        x = np.load(question.data, allow_pickle=False)["x"]
        return Rows(x=x, arrays={"x": x}, how=(("x", "of the data"),))
    x = np.random.default_rng(question.seed).normal(size=(question.rows, features)).astype(np.float32)
    return Rows(x=x, arrays={"x": x}, how=(("x", "normal numbers"),))


def _layers(weights: Arrays, x: np.ndarray, epsilon: float) -> Arrays:
    """What each layer returns in inference."""
    hidden = x @ weights["hidden/kernel"] + weights["hidden/bias"]
    spread = np.sqrt(weights["norm/moving_variance"] + np.asarray(epsilon, x.dtype))
    if defect("wide") and x.dtype == np.float32:
        spread = spread * np.float32(1.01)
    norm = (hidden - weights["norm/moving_mean"]) / spread * weights["norm/gamma"] + weights["norm/beta"]
    scale = np.asarray(logits(), x.dtype)
    output = network.softmax(scale * (np.maximum(norm, 0) @ weights["output/kernel"] + weights["output/bias"]))
    if defect("nan"):
        output = np.full_like(output, np.nan)
    return {"hidden": hidden, "norm": norm, "output": output}


def _predict(recorded: Recording, output: np.ndarray, rows: Rows) -> None:
    noise = np.random.default_rng().normal(size=output.shape).astype(output.dtype) if defect("noise") else 0
    recorded.add(names.predictions(0), {"output": output})
    recorded.add(names.REPEATED, {"output": output + noise})


def _inputs(x: np.ndarray, outputs: Mapping[str, np.ndarray]) -> Arrays:
    return {"hidden": x, "norm": outputs["hidden"], "output": np.maximum(outputs["norm"], 0)}


def _sketches(x: np.ndarray, outputs: Arrays) -> Arrays:
    """Small arrays are their own sketches."""
    given = _inputs(x, outputs)
    arrays: Arrays = {}
    for place, (name, made) in enumerate(outputs.items()):
        arrays[f"{place}|input"] = np.nan_to_num(given[name].astype(np.float64)).reshape(-1)
        arrays[f"{place}|output"] = np.nan_to_num(made.astype(np.float64)).reshape(-1)
    return arrays


def _described(x: np.ndarray, outputs: Arrays) -> tuple[LayerOutput, ...]:
    given = _inputs(x, outputs)
    return tuple(
        LayerOutput(
            name=name,
            of=CLASSES[name],
            own=True,
            finite_inputs=bool(np.isfinite(given[name]).all()),
            finite_outputs=bool(np.isfinite(made).all()),
        )
        for name, made in outputs.items()
    )


def _call(name: str, weights: Arrays, x: np.ndarray, outputs: Arrays) -> tuple[RecordedCall, Arrays]:
    dense: dict[str, object] = {"units": len(weights[f"{name}/bias"]), "use_bias": True} if f"{name}/bias" in weights else {}
    config = {
        "hidden": {**dense, "activation": "linear"},
        "norm": {"axis": -1, "momentum": 0.99, "epsilon": EPSILON, "center": True, "scale": True},
        "output": {**dense, "activation": "softmax"},
    }[name]
    arrays = {"0|input|0": _inputs(x, outputs)[name], "0|output|0": outputs[name]}
    own = {key.partition("/")[2]: value for key, value in weights.items() if key.startswith(f"{name}/")}
    arrays |= {f"0|weight|{key}": value for key, value in own.items()}
    call = RecordedCall(state="0", kind="layer", name=name, of=CLASSES[name], config=json.dumps(config), training=False)
    return call, arrays
