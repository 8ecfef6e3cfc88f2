"""What environments predict from one file: read from artifacts, and turned into distances."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Arrays, Artifact
from suite.artifacts.reading import record as read_record
from suite.artifacts.store import Store
from suite.compare import metrics
from suite.records import DamagedArtifact, Manifest, Outcome, Status
from suite.records.files import (
    FileInEnvironment,
    FileMeasurement,
    FileQuestion,
    FileReading,
    PairOfPredictions,
)

SUM = 1e-3  # how far the sum of a row of probabilities may be from 1, also in 16 bits


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What an environment answered to one question."""

    reading: FileReading
    artifact: Artifact
    manifest: Manifest

    def part(self, name: str) -> Arrays:
        """Its arrays; none if it has no such part."""
        return self.artifact.arrays(name) if names.has(self.manifest, name) else {}


Answer = Answered | str  # or why there is none


def answer(store: Store, environment: str, precision: str, question: FileQuestion, outcome: Outcome | None) -> Answer:
    """The answer in the run folder. `outcome`: how the job ended, if it ran."""
    artifact = store.file(environment, precision, question.key)
    manifest = artifact.manifest()
    if manifest is not None and manifest.status is Status.COMPLETE:
        try:
            reading = read_record(artifact.file(names.FILE_READING), FileReading)
        except DamagedArtifact as error:
            return str(error)
        return Answered(reading=reading, artifact=artifact, manifest=manifest)
    if manifest is not None and manifest.status is Status.FAILED:
        return manifest.reason
    return outcome.reason if outcome is not None else "it was not run"


def measured(
    singles: Mapping[str, Answer],
    doubles: Mapping[str, Answer],
    dyadic: Mapping[str, Answer],
    packages: Mapping[str, Mapping[str, str]],
) -> FileMeasurement:
    """Distances of every pair of environments that loaded the file. `singles`, `doubles`, `dyadic`: the answers in float32,
    in float64, and in float64 with dyadic constants, by environment."""
    environments = tuple(_environment(name, singles[name], doubles[name], packages.get(name, {})) for name in singles)
    read = {name: one for name, one in singles.items() if isinstance(one, Answered)}
    pairs = tuple(_pair(a, b, singles, doubles, dyadic) for a, b in itertools.combinations(read, 2))
    readings = [one.reading for one in read.values()]
    both = [*readings, *(one.reading for one in doubles.values() if isinstance(one, Answered))]
    return FileMeasurement(
        environments=environments,
        pairs=pairs,
        other_rows=len({one.rows for one in both}) > 1,
        other_shapes=len({_shapes(one.part(names.predictions(0))) for one in read.values()}) > 1,
        weights=_unlike([one.weights for one in readings]),
        other_constants=_unlike([one.constants for one in readings]),
        missing=_all(one.missing for one in readings),
        not_finite=_all(one.not_finite for one in readings),
        drawing=_all(one.drawing for one in both),
        roundoff=max((one.roundoff for one in readings), default=2.0**-24),
    )


def _all(found: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(itertools.chain.from_iterable(found)))


def _unlike(found: Sequence[Mapping[str, object]]) -> tuple[str, ...]:
    """The names that all have, with different values."""
    shared = set.intersection(*(set(one) for one in found)) if found else set()
    return tuple(sorted(name for name in shared if len({one[name] for one in found}) > 1))


def _shapes(arrays: Arrays) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple(sorted((name, array.shape) for name, array in arrays.items()))


def _environment(name: str, single: Answer, double: Answer, packages: Mapping[str, str]) -> FileInEnvironment:
    if isinstance(single, str):
        return FileInEnvironment(name=name, reason=single, packages=packages)
    predicted = single.part(names.predictions(0))
    rows = {key: value[: len(predicted[key])] for key, value in single.part(names.REPEATED).items()}
    error = apart(predicted, double.part(names.predictions(0))) if isinstance(double, Answered) else None
    return FileInEnvironment(
        name=name,
        error=error,
        without_float64="" if isinstance(double, Answered) else double,
        not_finite=not_finite(predicted),
        repeat=apart(rows, {key: predicted[key][: len(value)] for key, value in rows.items()}),
        evaluation={key: float(value[0]) for key, value in single.part(names.EVALUATION).items() if value.size == 1},
        without_evaluation=single.reading.without_evaluation,
        seconds=single.manifest.seconds,
        packages=packages,
    )


def _pair(
    a: str, b: str, singles: Mapping[str, Answer], doubles: Mapping[str, Answer], dyadic: Mapping[str, Answer]
) -> PairOfPredictions:
    def between(answers: Mapping[str, Answer], part: str) -> tuple[Arrays, Arrays] | None:
        first, second = answers.get(a), answers.get(b)
        both = isinstance(first, Answered) and isinstance(second, Answered)
        return (first.part(part), second.part(part)) if both else None  # type: ignore[union-attr]

    single = between(singles, names.predictions(0))
    double = between(doubles, names.predictions(0))
    exact = between(dyadic, names.predictions(0))
    evaluated = between(doubles, names.EVALUATION)
    assert single is not None
    return PairOfPredictions(
        a=a,
        b=b,
        float32=apart(*single),
        float64=apart(*double) if double else None,
        dyadic=apart(*exact) if exact else None,
        largest=largest(*single),
        changed=changed(*single),
        evaluation=_evaluations(*evaluated) if evaluated and all(evaluated) else None,
    )


def apart(a: Arrays, b: Arrays) -> float:
    """The relative L2 distance of the worst output; infinite where names, shapes, or the places of NaN and infinity differ,
    and of the finite numbers elsewhere."""
    if _shapes(a) != _shapes(b):
        return math.inf
    return max((_apart(a[name], b[name]) for name in a), default=0.0)


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    finite = np.isfinite(a)
    if not np.array_equal(finite, np.isfinite(b)):
        return math.inf
    return metrics.relative_l2(np.where(finite, a, 0.0), np.where(finite, b, 0.0))


def largest(a: Arrays, b: Arrays) -> float:
    """The largest change of a number; infinite where shapes differ or only one is finite."""
    if math.isinf(apart(a, b)):
        return math.inf
    both = ((np.nan_to_num(a[name]), np.nan_to_num(b[name])) for name in a)
    return max((metrics.max_abs(x, y) for x, y in both), default=0.0)


def changed(a: Arrays, b: Arrays) -> float | None:
    """The share of rows whose class changes, of the worst output; None where no output holds probabilities."""
    if _shapes(a) != _shapes(b):
        return None
    shares = [_changed(a[name], b[name]) for name in a if are_probabilities(a[name])]
    return max(shares, default=None)


def _changed(a: np.ndarray, b: np.ndarray) -> float:
    if a.shape[-1] == 1:
        return float(((a > 0.5) != (b > 0.5)).mean())
    return float((a.argmax(-1) != b.argmax(-1)).mean())


def are_probabilities(values: np.ndarray) -> bool:
    """Whether predictions (rows, ..., classes) are probabilities, by their numbers."""
    if values.ndim < 2 or not np.isfinite(values).all() or values.min() < 0 or values.max() > 1 + SUM:
        return False
    return values.shape[-1] == 1 or bool(np.abs(values.sum(-1, dtype=np.float64) - 1).max() < SUM)


def not_finite(outputs: Arrays) -> float:
    """The share of rows with NaN or infinity, in the worst output."""
    shares = [float((~np.isfinite(value.reshape(len(value), -1))).any(1).mean()) for value in outputs.values() if value.size]
    return max(shares, default=0.0)


def alike(answer: Answer) -> bool:
    """Whether several rows were predicted, and all have the same predictions."""
    if isinstance(answer, str) or answer.reading.count < 2:
        return False
    outputs = answer.part(names.predictions(0)).values()
    return bool(outputs) and all(len(one) > 1 and bool(np.ptp(one, axis=0).max(initial=0.0) == 0.0) for one in outputs)


def _evaluations(a: Arrays, b: Arrays) -> float:
    """The largest relative difference of the loss and the metrics that both have."""
    found = [
        abs(float(x) - float(y)) / max(abs(float(x)), abs(float(y)))
        for name in a.keys() & b.keys()
        for x, y in zip(a[name], b[name], strict=False)
        if float(x) != float(y) and math.isfinite(float(x)) and math.isfinite(float(y))
    ]
    return max(found, default=0.0)
