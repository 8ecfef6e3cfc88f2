"""A scenario's rows, checked: what they must be for every backend to take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite.artifacts.rows import EVALUATE, PREDICT, VALIDATION, WEIGHT, X, Y, count, flattened, names_of, part_of
from suite.records import Data, Scenario

KINDS = "fiub"  # floats, integers and booleans; bfloat16 has a kind of its own
EVALUATED_BATCHES = 4  # of the rows to train on, or to predict on, where none are given for that


def data_arrays(data: Data, scenario: Scenario) -> dict[str, np.ndarray]:
    """The rows as arrays (rows, ...) by name, in their own dtypes: "x", "y" and "sample_weight" to train on, the same with
    "validation_" and "evaluate_" before them, and "predict"; or, of several, "x/<input>" and so on, as
    `suite.artifacts.rows` names them.

    Rows to evaluate are cut to whole batches, which every strategy can split. Where there are none, those to validate on are
    evaluated; else the first batches to train on. Where there are none to predict on, it is the inputs of those.

    Raises:
        ValueError: an array is no array of numbers, is empty or not finite; parts that belong together have different
        numbers of rows; or there are too few to evaluate, or to predict on in whole batches.
    """
    if not isinstance(data, Data):
        raise ValueError(f"{scenario.name}: data() returned a {type(data).__name__}, wanted a suite.Data")
    arrays = _numbered({X: data.x, Y: data.y, WEIGHT: data.sample_weight}, scenario)
    for purpose in (VALIDATION, EVALUATE):
        arrays |= _numbered(_other_rows(getattr(data, purpose), purpose, scenario), scenario)
    arrays = _weighted(_split(arrays, scenario), scenario)
    arrays |= _evaluated(arrays, scenario)
    arrays |= _numbered({PREDICT: data.predict}, scenario) or _predicted(arrays, scenario)
    for name in names_of(arrays, PREDICT):
        if len(arrays[name]) % scenario.batch:
            wanted = f"wanted whole batches of {scenario.batch}"
            raise ValueError(f"{scenario.name}: data {name} has {len(arrays[name])} rows to predict on, {wanted}")
    return arrays


def _split(arrays: dict[str, np.ndarray], scenario: Scenario) -> dict[str, np.ndarray]:
    """With the last rows as those to validate on, where the scenario says so: as `fit` splits them (Keras rounds the rows to
    train on down).

    Raises:
        ValueError: there are rows to validate on already, or one part would have none.
    """
    if not scenario.validation_split:
        return arrays
    if names_of(arrays, part_of(X, VALIDATION)):
        raise ValueError(f"{scenario.name}: it has validation_split and data validation: leave out one")
    total = count(arrays)
    kept = int(np.floor(total * (1.0 - scenario.validation_split)))
    if not 0 < kept < total:
        share = f"validation_split {scenario.validation_split} of {total} rows"
        raise ValueError(f"{scenario.name}: {share} leaves one part empty")
    found = dict(arrays)
    for part in (X, Y, WEIGHT):
        for name in names_of(arrays, part):
            found[name.replace(part, part_of(part, VALIDATION), 1)] = arrays[name][kept:]
            found[name] = arrays[name][:kept]
    return found


def _weighted(arrays: dict[str, np.ndarray], scenario: Scenario) -> dict[str, np.ndarray]:
    """With the weight of each row's class as its weight, as `fit` makes them of `class_weight`: the class is the target,
    rounded, or the largest of several; one that has no weight counts 1. Rows to validate on have none.

    Raises:
        ValueError: rows have weights already, or there is not one target.
    """
    if scenario.class_weight is None:
        return arrays
    if names_of(arrays, WEIGHT):
        raise ValueError(f"{scenario.name}: it has class_weight and data sample_weight: multiply them in data()")
    if Y not in arrays:
        raise ValueError(f"{scenario.name}: class_weight needs one target, and y has {len(names_of(arrays, Y))} entries")
    y = arrays[Y]
    if y.ndim > 1:
        y = y.argmax(axis=-1) if y.shape[-1] != 1 else y[..., 0]
    if y.ndim != 1:
        raise ValueError(f"{scenario.name}: class_weight needs one class for each row, and y has shape {arrays[Y].shape}")
    classes = np.round(y).astype(np.int64)
    weights = np.array([scenario.class_weight.get(int(one), 1.0) for one in classes], np.float32)
    return {**arrays, WEIGHT: weights}


def _other_rows(given: Any, purpose: str, scenario: Scenario) -> dict[str, Any]:
    """The parts of rows that are given as `fit` takes `validation_data`."""
    if given is None:
        return {}
    if not isinstance(given, tuple) or not 1 <= len(given) <= 3:
        wanted = "wanted (x, y) or (x, y, sample_weight)"
        raise ValueError(f"{scenario.name}: data {purpose} is a {type(given).__name__} of {_length(given)}, {wanted}")
    return {part_of(part, purpose): value for part, value in zip((X, Y, WEIGHT), given, strict=False)}


def _length(value: Any) -> str:
    return f"{len(value)} entries" if hasattr(value, "__len__") else "no length"


def _numbered(parts: dict[str, Any], scenario: Scenario) -> dict[str, np.ndarray]:
    """The parts of some rows as arrays by name: all have as many rows. None is no part."""
    arrays = {
        name: _numbers(value, f"{scenario.name}: data {name}")
        for part, given in parts.items()
        if given is not None
        for name, value in flattened(given, part).items()
    }
    if empty := [part for part in parts if (part.endswith(X) or part == PREDICT) and not names_of(arrays, part)]:
        if parts[empty[0]] is None and empty[0] == PREDICT:
            return {}
        raise ValueError(f"{scenario.name}: data {empty[0]} holds no array")
    for name, value in arrays.items():
        if len(value) != len(arrays[first := next(iter(arrays))]):
            raise ValueError(f"{scenario.name}: data {name} has {len(value)} rows, {first} has {len(arrays[first])}")
    return arrays


def _evaluated(arrays: dict[str, np.ndarray], scenario: Scenario) -> dict[str, np.ndarray]:
    """The rows to evaluate, in whole batches.

    Raises:
        ValueError: they are fewer than one.
    """
    batch = scenario.batch
    for purpose in (EVALUATE, VALIDATION):
        if not names_of(arrays, part_of(X, purpose)):
            continue
        total = count(arrays, part_of(X, purpose))
        if total < batch:
            raise ValueError(f"{scenario.name}: data {purpose} has {total} rows, wanted at least a batch of {batch}")
        return _taken(arrays, purpose, np.arange(total - total % batch))
    total = count(arrays)
    return _taken(arrays, "", np.arange(batch * max(1, min(EVALUATED_BATCHES, total // batch))) % total)


def _taken(arrays: dict[str, np.ndarray], purpose: str, index: np.ndarray) -> dict[str, np.ndarray]:
    """Some of the rows for one purpose, as rows to evaluate."""
    parts = {part_of(part, purpose): part_of(part, EVALUATE) for part in (X, Y, WEIGHT)}
    return {
        name.replace(part, new, 1): arrays[name][index] for part, new in parts.items() for name in names_of(arrays, part)
    }


def _predicted(arrays: dict[str, np.ndarray], scenario: Scenario) -> dict[str, np.ndarray]:
    """The inputs of the first rows to evaluate, as rows to predict on."""
    part = part_of(X, EVALUATE)
    most = scenario.batch * EVALUATED_BATCHES
    return {name.replace(part, PREDICT, 1): arrays[name][:most] for name in names_of(arrays, part)}


def _numbers(value: Any, what: str) -> np.ndarray:
    """`value` as an array of at least one row."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{what} is no array of one shape ({error}): pad its rows to one length") from None
    if array.dtype.kind not in KINDS and array.dtype.name != "bfloat16":
        raise ValueError(f"{what} holds {array.dtype}, wanted numbers: encode text, dates and objects in data()")
    if not array.ndim:
        raise ValueError(f"{what} is a single value, wanted an array (rows, ...)")
    if not len(array) or not np.isfinite(array).all():
        raise ValueError(f"{what} is empty or holds NaN or infinity")
    return array
