"""A scenario's rows, checked: what they must be for every backend to take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite.artifacts.rows import PREDICT, WEIGHT, X, Y, flattened
from suite.records import Data, Scenario

KINDS = "fiub"  # floats, integers and booleans; bfloat16 has a kind of its own


def data_arrays(data: Data, scenario: Scenario) -> dict[str, np.ndarray]:
    """The rows as arrays (rows, ...) by name, in their own dtypes: "x", "y", "predict" and "sample_weight", or, of several,
    "x/<input>" and so on, as `suite.artifacts.rows` names them.

    Raises:
        ValueError: an array is no array of numbers, is empty or not finite; parts to train on have different numbers of
        rows; or the rows of "predict" do not divide into batches.
    """
    if not isinstance(data, Data):
        raise ValueError(f"{scenario.name}: data() returned a {type(data).__name__}, wanted a suite.Data")
    arrays = {
        name: _numbers(value, f"{scenario.name}: data {name}")
        for part in (X, Y, WEIGHT, PREDICT)
        if part in (X, PREDICT) or getattr(data, part) is not None
        for name, value in flattened(getattr(data, part), part).items()
    }
    for part in (X, PREDICT):
        if not any(name.partition("/")[0] == part for name in arrays):
            raise ValueError(f"{scenario.name}: data {part} holds no array")
    first = next(iter(arrays))
    for name, value in arrays.items():
        if name.partition("/")[0] == PREDICT:
            if len(value) % scenario.batch:
                wanted = f"wanted whole batches of {scenario.batch}"
                raise ValueError(f"{scenario.name}: data {name} has {len(value)} rows to predict on, {wanted}")
        elif len(value) != len(arrays[first]):
            raise ValueError(f"{scenario.name}: data {name} has {len(value)} rows, {first} has {len(arrays[first])}")
    return arrays


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
