"""Distances: one function each, in float64 after exact upcast, in blocks: memory does not grow with a model.

Arrays may be memory-mapped, of any memory layout, and of any dtype that float64 holds exactly (bfloat16 too; integers
beyond 2^53 are rounded). A distance of 0 means equal, finite inputs below 1e300 give finite distances, and NaN or
infinity on a side never gives a finite one. Where a formula needs a reference, both sides give one and the larger is
taken: distance(a, b) == distance(b, a). Shapes or names that differ raise ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from suite.records import QUANTITIES, BatchNorm

Array = np.ndarray
Arrays = Mapping[str, np.ndarray]

BLOCK = 1 << 13  # elements: float64 blocks stay in the innermost caches, and OpenBLAS starts no threads for so few
TINY = float(np.finfo(np.float64).tiny)
FLUSHED = float(np.finfo(np.float32).tiny)  # smaller probabilities are 0 in some kernels: their logarithms say nothing


@dataclass(frozen=True, kw_only=True)
class Metric:
    """`judged` metrics decide verdicts; `floor` is the least envelope, and `why` the reason for that number."""

    formula: str
    quantity: str
    judged: bool = False
    floor: float = 0.0
    why: str = "reported, never judged: no floor"


def _judged(quantity: str, formula: str, floor: float) -> Metric:
    why = "measured on CPU between backends with equal semantics"
    return Metric(formula=formula, quantity=quantity, judged=True, floor=floor, why=why)


WEIGHTS, STATISTICS, OPTIMIZER, LOSS, PREDICTIONS, OTHER = QUANTITIES
METRICS: Mapping[str, Metric] = {
    "train": _judged(WEIGHTS, "‖a-b‖ / max(‖a-w0‖, ‖b-w0‖)", 2e-6),
    "tensor": Metric(quantity=WEIGHTS, formula="‖a-b‖ / max(‖a-w0‖, ‖b-w0‖, 1e-3 · travelled · sqrt(n))"),
    "ulp": Metric(quantity=WEIGHTS, formula="max |a-b| in units in the last place of the tensor's largest element"),
    "mean": _judged(STATISTICS, "max |Δμ| / sqrt(V + ε)", 1e-7),
    "var": _judged(STATISTICS, "max |ΔV| / (V + ε)", 3e-7),
    "folded": _judged(STATISTICS, "‖f(a)-f(b)‖ / max(‖f(a)‖, ‖f(b)‖), f folds BN into its kernel and bias", 1e-6),
    "slots": _judged(OPTIMIZER, "‖a-b‖ / max(‖a‖, ‖b‖), the worst kind of slot", 1e-6),
    "loss": _judged(LOSS, "max over steps of |a-b| / max(|a|, |b|)", 2e-7),
    "pmax": _judged(PREDICTIONS, "max |p-q|", 5e-7),
    "tv": _judged(PREDICTIONS, "mean over rows of Σ|p-q| / 2", 5e-7),
    "js": Metric(quantity=PREDICTIONS, formula="mean over rows of KL(p‖m)/2 + KL(q‖m)/2, m = (p+q)/2, in nats"),
    "churn": Metric(quantity=PREDICTIONS, formula="share of rows whose largest class changed"),
    "explained": Metric(
        quantity=PREDICTIONS, formula="share of changed rows with margin <= 2 max |Δ log p| over the unchanged rows"
    ),
    "values": _judged(PREDICTIONS, "‖a-b‖ / max(‖a‖, ‖b‖)", 1e-6),
    "max_abs": Metric(quantity=PREDICTIONS, formula="max |a-b|"),
    "state": _judged(OTHER, "‖a-b‖ / max(‖a‖, ‖b‖), the worst variable", 1e-6),
}


def _same_shape(*arrays: Array) -> None:
    if len({array.shape for array in arrays}) > 1:
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise ValueError(f"got arrays of shapes {shapes}, wanted equal shapes: compare tensors of one name only")


def _same_names(a: Arrays, *others: Arrays) -> None:
    if alone := sorted({name for other in others for name in a.keys() ^ other.keys()}):
        raise ValueError(f"got {alone[0]} on one side only, wanted the same names on all: choose what all sides have")


def _blocks(*arrays: Array, exact: bool = False) -> Iterator[tuple[Array, ...]]:
    """Arrays of one shape as flat blocks, row-major, in float64, or as stored where `exact`. Each overwrites the last.

    Raises:
        ValueError: the shapes differ, or float64 cannot hold a dtype's numbers.
    """
    _same_shape(*arrays)
    for array in arrays:
        if not exact and not np.can_cast(array.dtype, np.float64, "safe"):
            raise ValueError(f"got an array of {array.dtype}, wanted real numbers that float64 holds: convert it first")
    walk = np.nditer(
        arrays,
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=[["readonly"]] * len(arrays),
        op_dtypes=[None if exact else np.float64] * len(arrays),
        order="C",
        buffersize=BLOCK,
    )
    for found in walk:
        yield found if isinstance(found, tuple) else (found,)


@np.errstate(over="ignore")
def _norm(x: Array) -> float:
    """‖x‖ of one block; where squares would overflow or vanish, of the block scaled to its largest element."""
    squares = float(np.dot(x, x))
    if 1e-280 < squares < math.inf:
        return math.sqrt(squares)
    largest = float(np.abs(x).max(initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    x = x / largest
    return largest * math.sqrt(float(np.dot(x, x)))


def _peak(blocks: Iterable[Array]) -> float:
    """The largest magnitude; NaN if an element is, 0 without elements."""
    return float(np.fromiter((np.abs(x).max() for x in blocks), np.float64).max(initial=0.0))


def _norms(blocks: Iterable[tuple[Array, ...]]) -> tuple[float, float, float]:
    """‖a-b‖, ‖a-w0‖ and ‖b-w0‖ over blocks of (a, b, w0), in one pass; w0 = 0 over blocks of (a, b)."""
    apart = first = second = 0.0
    for x, y, *start in blocks:
        apart = math.hypot(apart, _norm(x - y))
        first = math.hypot(first, _norm(x - start[0] if start else x))
        second = math.hypot(second, _norm(y - start[0] if start else y))
    return apart, first, second


def _ratio(apart: float, *references: float) -> float:
    """apart / the largest reference, 0 only if apart is (triangle inequality); NaN if a reference is not finite."""
    if not all(map(math.isfinite, references)):
        return math.nan
    return apart / max(references) if apart else 0.0


def bits(a: Array, b: Array) -> bool:
    """Whether shape, dtype and every byte are equal: -0.0 is not 0.0, and NaN equals only the same NaN."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    pairs = ([np.ascontiguousarray(x).view(np.uint8) for x in block] for block in _blocks(a, b, exact=True))
    return all(np.array_equal(x, y) for x, y in pairs)


def finite(a: Array) -> bool:
    """Whether no element is NaN or infinite."""
    return a.dtype.kind in "biu" or all(bool(np.isfinite(x).all()) for (x,) in _blocks(a))


def relative_l2(a: Array, b: Array) -> float:
    """Arrays of one shape: ‖a-b‖ / max(‖a‖, ‖b‖), at most 2; 0 if both are 0."""
    return _ratio(*_norms(_blocks(a, b)))


values = relative_l2


def state(a: Arrays, b: Arrays) -> float:
    """Variables by name that are neither trained nor moving statistics (random seeds' counters, constants):
    ‖a-b‖ / max(‖a‖, ‖b‖), the worst variable.
    """
    _same_names(a, b)
    return float(np.max([relative_l2(a[name], b[name]) for name in a], initial=0.0))


def max_abs(a: Array, b: Array) -> float:
    """Arrays of one shape: max |a-b|; 0 for empty arrays."""
    return _peak(x - y for x, y in _blocks(a, b))


def ulp(a: Array, b: Array) -> float:
    """Arrays of one shape: max |a-b| in units in the last place of the tensor's largest element, of either side.

    Units of the arrays' own dtype, of the coarser if they differ; integers count as float64. In units of each element,
    rounding near 0 would look enormous.
    """
    return max_abs(a, b) / max(_unit(a), _unit(b))


HISTOGRAM_BINS = 64  # a unit of float64 is 2^-52 of the largest element: nothing finite that is compared is farther apart


def ulp_histogram(a: Array, b: Array) -> tuple[int, ...]:
    """Arrays of one shape: how many elements differ by how many units, as `ulp` counts them, in powers of two.

    [0] exactly equal, [1] by less than one unit, [k] by 2^(k-2) up to 2^(k-1) units; farther ones are in the last bin.
    """
    unit = max(_unit(a), _unit(b))
    counts = np.zeros(HISTOGRAM_BINS, np.int64)
    for x, y in _blocks(a, b):
        apart = np.abs(x - y)
        equal = apart == 0
        bins = np.clip(np.floor(np.log2(apart[~equal] / unit)) + 2, 1, HISTOGRAM_BINS - 1).astype(np.int64)
        counts[0] += int(equal.sum())
        counts += np.bincount(bins, minlength=HISTOGRAM_BINS)
    return tuple(int(count) for count in counts)


def _unit(a: Array) -> float:
    largest = _peak(x for (x,) in _blocks(a))
    return float(np.spacing(np.asarray(largest).astype(np.float64 if a.dtype.kind in "biu" else a.dtype)))


# ---------------------------------------------------------------- weights, slots and losses


def train(a: Arrays, b: Arrays, start: Arrays) -> float:
    """Share of the distance travelled: ‖a-b‖ / max(‖a-w0‖, ‖b-w0‖), over all tensors together, w0 in `start`.

    At most 2. The larger of both journeys makes it symmetric, and defined wherever the sides differ: they cannot both
    be at w0 then. 0 if they are equal. The caller leaves out biases that feed only a batch normalization.
    """
    _same_names(a, b, start)
    return _ratio(*_norms(block for name in a for block in _blocks(a[name], b[name], start[name])))


def rms_travelled(a: Arrays, start: Arrays) -> float:
    """Root mean square of a - w0 over all elements of the tensors that both have; 0 without any."""
    names = [name for name in a if name in start]
    count = sum(a[name].size for name in names)
    total, _, _ = _norms(block for name in names for block in _blocks(a[name], start[name]))
    return total / math.sqrt(count) if count else 0.0


def tensor(a: Array, b: Array, start: Array, travelled: float) -> float:
    """One tensor of n elements: ‖a-b‖ / max(‖a-w0‖, ‖b-w0‖, 1e-3 · travelled · sqrt(n)).

    `travelled` is the rms over the whole model: a tensor that hardly moved is not judged by its rounding.
    """
    return _ratio(*_norms(_blocks(a, b, start)), 1e-3 * travelled * math.sqrt(a.size))


def slots(a: Arrays, b: Arrays) -> float:
    """Optimizer variables by name: ‖a-b‖ / max(‖a‖, ‖b‖), the worst kind of slot.

    The kind is the last part of the name (momentum, velocity, ...). Kinds have scales of their own (a square and its
    root), so one sum would hide the smaller; single slots are too noisy, where a gradient is nearly zero.
    """
    _same_names(a, b)
    kinds: dict[str, list[str]] = {}
    for name in a:
        kinds.setdefault(name.rpartition("/")[2], []).append(name)
    pairs = ((block for name in names for block in _blocks(a[name], b[name])) for names in kinds.values())
    return float(np.max([_ratio(*_norms(kind)) for kind in pairs], initial=0.0))


def loss(a: Sequence[float] | Array, b: Sequence[float] | Array) -> float:
    """Losses of the same steps: max over steps of |a-b| / max(|a|, |b|); 0 where both are 0."""
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape:
        raise ValueError(f"got losses of {first.size} and of {second.size} steps, wanted as many: cut the longer")
    larger = np.maximum(np.maximum(np.abs(first), np.abs(second)), TINY)
    return float((np.abs(first - second) / larger).max(initial=0.0))


# ---------------------------------------------------------------- batch normalization


def _deviation(variance: Array, epsilon: float) -> Array:
    """V + ε, with V clipped at 0: a one-pass variance can be negative. NaN where V is not finite."""
    variance = variance.astype(np.float64)
    positive: Array = np.where(np.isfinite(variance), np.maximum(np.maximum(variance, 0.0) + epsilon, TINY), np.nan)
    return positive


def mean(a: Array, b: Array, variance: Array, epsilon: float) -> float:
    """Moving or batch means (channels,): max |Δμ| / sqrt(V + ε), over channels, V clipped at 0.

    Symmetric if `variance` (channels,) is: the larger of both sides'.
    """
    _same_shape(a, b, variance)
    apart = np.abs(a.astype(np.float64) - b.astype(np.float64)) / np.sqrt(_deviation(variance, epsilon))
    return float(apart.max(initial=0.0))


def var(a: Array, b: Array, epsilon: float) -> float:
    """Moving or batch variances (channels,): max |ΔV| / (V + ε), over channels, V the larger side's, clipped at 0."""
    _same_shape(a, b)
    first, second = a.astype(np.float64), b.astype(np.float64)
    return float((np.abs(first - second) / _deviation(np.maximum(first, second), epsilon)).max(initial=0.0))


def folded(a: Arrays, b: Arrays, norms: Iterable[BatchNorm]) -> float:
    """All tensors by name: ‖f(a)-f(b)‖ / max(‖f(a)‖, ‖f(b)‖), f folds BN into its kernel and bias, of all BN together.

    s = γ / sqrt(V + ε); f is kernel · s along the kernel's channel axis, and (bias - μ) · s + β. Without a kernel, f is
    s and β - μ · s. Free of the bias before a batch normalization and of the scale that kernel and statistics trade.
    """
    return _ratio(*_norms(block for norm in norms for block in _folded(a, b, norm)))


def _folded(a: Arrays, b: Arrays, norm: BatchNorm) -> Iterator[tuple[Array, ...]]:
    (scale, shift), (other_scale, other_shift) = _fold(a, norm), _fold(b, norm)
    yield from _blocks(shift, other_shift)
    if not norm.kernel:
        yield from _blocks(scale, other_scale)
        return
    kernels = a[norm.kernel], b[norm.kernel]
    scales = [_along(s, kernel, norm) for s, kernel in zip((scale, other_scale), kernels, strict=True)]
    for x, y, s, t in _blocks(*kernels, *scales):
        yield x * s, y * t


def _along(scale: Array, kernel: Array, norm: BatchNorm) -> Array:
    """(channels,) seen with the kernel's shape, without a copy."""
    if not -kernel.ndim <= norm.axis < kernel.ndim or kernel.shape[norm.axis] != scale.size:
        raise ValueError(
            f"got {norm.kernel} of shape {kernel.shape} for the {scale.size} channels of {norm.name}, wanted as many "
            f"along axis {norm.axis}: name the kernel's channel axis, or no kernel"
        )
    shape = [1] * kernel.ndim
    shape[norm.axis] = scale.size
    return np.broadcast_to(scale.reshape(shape), kernel.shape)


def _fold(side: Arrays, norm: BatchNorm) -> tuple[Array, Array]:
    """Scale and shift (channels,), float64, of the batch normalization and the bias before it."""
    names = (norm.variance, norm.mean, norm.gamma, norm.beta, norm.bias)
    if missing := [name for name in (*names, norm.kernel) if name and name not in side]:
        raise ValueError(f"got no {missing[0]}, wanted every tensor of {norm.name}: pass all tensors of the model")
    _same_shape(*(side[name] for name in names if name))
    gamma, beta, bias = (side[name].astype(np.float64) if name else None for name in names[2:])
    scale: Array = (1.0 if gamma is None else gamma) / np.sqrt(_deviation(side[norm.variance], norm.epsilon))
    shift: Array = ((0.0 if bias is None else bias) - side[norm.mean].astype(np.float64)) * scale
    return scale, shift if beta is None else shift + beta


# ---------------------------------------------------------------- predictions: (rows, ..., classes)


def softmax(logits: Array) -> Array:
    """Probabilities, float64, of logits along the last axis: exp(z - max z) / Σ exp(z - max z).

    One column z stands for two classes (0, z), whose probabilities are two columns.
    """
    if logits.shape[-1:] == (1,):
        logits = np.concatenate([np.zeros_like(logits), logits], axis=-1)
    result = np.empty(logits.shape)
    done = 0
    for (x,) in _rows(logits):
        powers = np.exp(x - x.max(axis=1, keepdims=True))
        result.reshape(-1, logits.shape[-1])[done : done + len(x)] = powers / powers.sum(axis=1, keepdims=True)
        done += len(x)
    return result


def _rows(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Predictions as float64 blocks (rows, classes). One column p stands for two classes, (1-p, p).

    Raises:
        ValueError: the shapes differ, or are not (rows, ..., classes).
    """
    _same_shape(*arrays)
    shape = arrays[0].shape
    if len(shape) < 2 or not shape[-1]:
        raise ValueError(f"got predictions of shape {shape}, wanted (rows, classes): declare others as values")
    flat = [array.reshape(-1, shape[-1]) for array in arrays]
    step = max(1, BLOCK // shape[-1])
    for start in range(0, len(flat[0]), step):
        block = tuple(one[start : start + step].astype(np.float64) for one in flat)
        yield block if shape[-1] > 1 else tuple(np.concatenate([1.0 - x, x], axis=1) for x in block)


def pmax(p: Array, q: Array) -> float:
    """Probabilities (rows, ..., classes): max |p-q|, over rows and classes."""
    return max_abs(p, q)


def tv(p: Array, q: Array) -> float:
    """Probabilities (rows, ..., classes): mean over rows of Σ|p-q| / 2, the total variation distance."""
    count, total = 0, 0.0
    for x, y in _rows(p, q):
        count, total = count + len(x), total + float(np.abs(x - y).sum()) / 2
    return total / count if count else 0.0


def js(p: Array, q: Array) -> float:
    """Probabilities (rows, ..., classes): mean over rows of KL(p‖m)/2 + KL(q‖m)/2, m = (p+q)/2, in nats; at most ln 2.

    As Σ m (u artanh u + ln(1-u²)/2) with u = (p-q)/(p+q): the same, and it keeps its digits where p and q nearly agree.
    """
    count, total = 0, 0.0
    for x, y in _rows(p, q):
        both = x + y
        u = np.clip((x - y) / np.maximum(both, TINY), -1.0 + 2.0**-53, 1.0 - 2.0**-53)
        count, total = count + len(x), total + float((both / 2 * (u * np.arctanh(u) + np.log1p(-u * u) / 2)).sum())
    return total / count if count else 0.0


def churn(p: Array, q: Array) -> tuple[float, float]:
    """Probabilities (rows, ..., classes): two shares; NaN if an element is not finite, (0, 1) without rows.

    First: share of rows whose largest class changed. Second, "explained" in METRICS:
    share of changed rows with margin <= 2 max |Δ log p| over the unchanged rows. The margin is the larger of the two
    sides' log p of their largest class minus log p of the other's. Measured by the changed row itself it would always
    hold. Log-probabilities stand for logits, which differ from them by a constant per row.
    """
    rows, reach, margins = 0, 0.0, [np.empty(0)]
    for x, y in _rows(p, q):
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            return math.nan, math.nan
        first, second = np.log(np.maximum(x, FLUSHED)), np.log(np.maximum(y, FLUSHED))
        before, after, each = x.argmax(axis=1), y.argmax(axis=1), np.arange(len(x))
        margin = np.maximum(first[each, before] - first[each, after], second[each, after] - second[each, before])
        margins.append(margin[before != after])
        reach = max(reach, float(np.abs(first - second)[before == after].max(initial=0.0)))
        rows += len(x)
    changed = np.concatenate(margins)
    explained = float((changed <= 2 * reach).mean()) if changed.size else 1.0
    return (changed.size / rows if rows else 0.0), explained
