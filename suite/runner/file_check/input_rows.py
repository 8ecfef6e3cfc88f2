"""The rows to predict: those of the user, or such as are drawn from what the model takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.records.files import FileQuestion
from suite.runner import layer_graph
from suite.runner.outcome import Unsupported

LENGTH, SIDE = 16, 64  # in place of a dimension that may have any size: of a sequence, of an image
PIXELS = 0.1  # a Rescaling by less than this takes pixels of 0 to 255
ARRAY_BYTES = 1 << 31  # of one array of the user's
# The attribute that says how many different integers a layer takes.
COUNTS = {"Embedding": "input_dim", "CategoryEncoding": "num_tokens", "ReversibleEmbedding": "input_dim"}


@dataclass(frozen=True, kw_only=True)
class Rows:
    """`x`: as `predict` takes it; `arrays`: the same by input, (rows, ...); `how`: (input, how it was drawn). `y`: the
    targets as `evaluate` takes them, or None; `weight`: of rows, or None."""

    x: Any
    arrays: Mapping[str, np.ndarray]
    how: tuple[tuple[str, str], ...]
    y: Any = None
    weight: np.ndarray | None = None

    @property
    def count(self) -> int:
        return len(next(iter(self.arrays.values())))

    @property
    def digest(self) -> str:
        """The sha256 of all inputs, with their names, shapes and dtypes."""
        digest = hashlib.sha256()
        for name, array in self.arrays.items():
            digest.update(f"{name} {array.shape} {array.dtype.name} ".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One input: its name, its shape without rows, its dtype."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    @property
    def filled(self) -> tuple[int, ...]:
        """The shape with a size for each dimension that has none."""
        free = SIDE if len(self.shape) == 3 else LENGTH
        return tuple(free if size is None else size for size in self.shape)


def rows_of(model: Any, question: FileQuestion) -> Rows:
    """The rows of the question's data; without data, drawn ones.

    Raises:
        Unsupported: the model does not say what it takes, or takes text; or the data does not fit it.
    """
    return _given(model, question) if question.data else _drawn(model, question)


def widened(rows: Any) -> Any:
    """The same rows with floats of float64."""
    if isinstance(rows, Mapping):
        return {name: widened(one) for name, one in rows.items()}
    if isinstance(rows, list):
        return [widened(one) for one in rows]
    return rows.astype(np.float64) if rows.dtype.kind == "f" else rows


def first(rows: Any, count: int) -> Any:
    """The first rows, in the same form."""
    if isinstance(rows, Mapping):
        return {name: first(one, count) for name, one in rows.items()}
    return [first(one, count) for one in rows] if isinstance(rows, list) else rows[:count]


# ---------------------------------------------------------------- what the model takes


def signatures(model: Any) -> list[Signature]:
    """The model's inputs, in the order in which it takes them.

    Raises:
        Unsupported: it does not say.
    """
    inputs = getattr(model, "inputs", None)
    if inputs:
        return [
            Signature(name=str(one.name), shape=tuple(one.shape[1:]), dtype=str(one.dtype or "float32")) for one in inputs
        ]
    built = (getattr(model, "get_build_config", dict)() or {}).get("input_shape")
    if isinstance(built, Sequence) and built and (built[0] is None or isinstance(built[0], int)):
        return [Signature(name="x", shape=tuple(built[1:]), dtype="float32")]
    raise Unsupported("the model does not say what it takes: give --data rows.npz")


def _as_taken(model: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The inputs in the form in which the model was built: one array, a list, or a dict."""
    structure = getattr(model, "_inputs_struct", None)  # private: of several inputs, Keras says their form nowhere else
    if isinstance(structure, Mapping):
        names = [str(structure[key].name) for key in structure]
        return dict(zip(structure, (arrays[name] for name in names), strict=True))
    return next(iter(arrays.values())) if len(arrays) == 1 else list(arrays.values())


# ---------------------------------------------------------------- drawn


def _drawn(model: Any, question: FileQuestion) -> Rows:
    wanted = signatures(model)
    if text := [one.name for one in wanted if one.dtype == "string"]:
        raise Unsupported(f"the input {text[0]} takes text, which is not drawn: give --data rows.npz")
    reached = _reached(model, wanted)
    arrays, how = {}, []
    for place, (one, layers) in enumerate(zip(wanted, reached, strict=True)):
        random = np.random.default_rng((question.seed, place))
        values, words = _values(one, layers, (question.rows, *one.filled), random)
        arrays[one.name] = values
        free = ", free sizes chosen" if None in one.shape else ""
        how.append((one.name, f"{words}, {tuple(one.filled)}{free}"))
    return Rows(x=_as_taken(model, arrays), arrays=arrays, how=tuple(how))


def _values(
    one: Signature, layers: Iterable[Any], shape: tuple[int, ...], random: np.random.Generator
) -> tuple[np.ndarray, str]:
    """Values that the first layers behind the input can take, and what they are in words. All are exact in float32."""
    dtype = one.dtype if one.dtype not in ("bfloat16", "float64") else "float32"
    counts = [int(count) for layer in layers if (count := getattr(layer, COUNTS.get(type(layer).__name__, ""), None))]
    if counts:
        return random.integers(0, min(counts), shape).astype(dtype), f"whole numbers from 0 to {min(counts) - 1}"
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool), "true or false"
    if "int" in dtype:
        return random.integers(0, 10, shape).astype(dtype), "whole numbers from 0 to 9"
    scales = [layer.scale for layer in layers if type(layer).__name__ == "Rescaling"]
    if scales and float(np.max(np.abs(scales[0]))) < PIXELS:
        return random.integers(0, 256, shape).astype(dtype), "pixels from 0 to 255"
    normal = random.normal(size=shape)
    for layer in layers:
        if type(layer).__name__ == "Normalization" and not getattr(layer, "invert", False):
            mean, variance = (np.asarray(_array(value), np.float64) for value in (layer.mean, layer.variance))
            return (mean + np.sqrt(variance) * normal).astype(np.float32).astype(dtype), "numbers as the model normalizes"
    return normal.astype(np.float32).astype(dtype), "normal numbers"


def _array(value: Any) -> Any:
    import keras

    return keras.ops.convert_to_numpy(value)


def _reached(model: Any, wanted: Sequence[Signature]) -> list[list[Any]]:
    """For each input, the layers that it reaches without passing through a layer with weights."""
    arrays = {one.name: np.zeros((1, *one.filled), _numpy(one.dtype)) for one in wanted}
    symbols = layer_graph.symbolic(_as_taken(model, arrays))
    leaves = list(symbols.values()) if isinstance(symbols, Mapping) else symbols if isinstance(symbols, list) else [symbols]
    try:
        nodes, _ = layer_graph.walk_symbolic(model, symbols)
    except Exception as error:  # any model may refuse symbolic calls: its inputs are drawn without knowing what they reach
        print(f"the inputs' layers are not known ({type(error).__name__}: {error})")
        return [[] for _ in wanted]
    return [_behind(id(leaf), nodes) for leaf in leaves]


def _behind(begin: int, nodes: Sequence[layer_graph.Node]) -> list[Any]:
    reached, found = {begin}, []
    for node in nodes:
        if reached & set(node.inputs):
            found.append(node.layer)
            if not getattr(node.layer, "weights", ()) and type(node.layer).__name__ not in ("Rescaling", *COUNTS):
                reached |= set(node.outputs)
    return found


def _numpy(dtype: str) -> str:
    return "float32" if dtype == "bfloat16" else dtype


# ---------------------------------------------------------------- given


def _given(model: Any, question: FileQuestion) -> Rows:
    held = _read(question.data)
    y = {name: held.pop(name) for name in list(held) if name == "y" or name.startswith("y/")}
    weight = held.pop("sample_weight", None)
    arrays = _matched(model, held)
    rows = {len(array) for array in (*arrays.values(), *y.values(), *([] if weight is None else [weight]))}
    if len(rows) != 1 or 0 in rows:
        raise Unsupported(
            f"the arrays of the data have {sorted(rows)} rows, wanted the same number in all, and at least one"
        )
    how = tuple((name, f"of the data, {array.shape[1:]}") for name, array in arrays.items())
    targets = y.get("y") if "y" in y else {name.removeprefix("y/"): value for name, value in y.items()} or None
    return Rows(x=_as_taken(model, arrays), arrays=arrays, how=how, y=targets, weight=weight)


def _read(path: str) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            held = {name: archive[name] for name in archive.files}
    except Exception as error:
        raise Unsupported(f"the data cannot be read ({error}): write it with numpy.savez, without objects") from error
    if large := [name for name, array in held.items() if array.nbytes > ARRAY_BYTES]:
        raise Unsupported(f"the array {large[0]} of the data is larger than {ARRAY_BYTES >> 20} MiB: give fewer rows")
    return {name: array.astype(np.float32) if array.dtype == np.float64 else array for name, array in held.items()}


def _matched(model: Any, held: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays by the model's inputs: by their names, or the only one there is, or arr_0, arr_1 and so on in order."""
    try:
        wanted = signatures(model)
    except Unsupported:
        return dict(held)
    names = [one.name for one in wanted]
    if set(names) <= held.keys():
        arrays = {name: held[name] for name in names}
    elif len(held) == len(names):
        arrays = dict(zip(names, held.values(), strict=True))
    else:
        raise Unsupported(f"the data holds {sorted(held)}, wanted an array for each input of the model: {names}")
    for one in wanted:
        shape = arrays[one.name].shape[1:]
        fits = len(shape) == len(one.shape) and all(b in (None, a) for a, b in zip(shape, one.shape, strict=True))
        if not fits:
            raise Unsupported(f"the data of {one.name} has rows of shape {shape}, wanted {one.shape}")
    return arrays
