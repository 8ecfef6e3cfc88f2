"""Distances: one function each, in float64 after exact upcast, in blocks: memory does not grow with a model.

Arrays may be memory-mapped, of any memory layout, and of any dtype that float64 holds exactly (bfloat16 too; integers
beyond 2^53 are rounded). A distance of 0 means equal, finite inputs below 1e300 give finite distances, and NaN or
infinity on a side never gives a finite one. Where a formula needs a reference, both sides give one and the larger is
taken: distance(a, b) == distance(b, a). Shapes or names that differ raise ValueError.
"""

from suite.compare.metrics.batch_norm import folded, mean, var
from suite.compare.metrics.blocks import BLOCK
from suite.compare.metrics.elements import bits, finite, max_abs, relative_l2, state, ulp, ulp_histogram, values
from suite.compare.metrics.predictions import churn, js, pmax, softmax, tv
from suite.compare.metrics.table import METRICS, Metric
from suite.compare.metrics.training import compiled, evaluation, history, loss, rms_travelled, slots, tensor, train, updates

__all__ = [
    "BLOCK",
    "METRICS",
    "Metric",
    "bits",
    "churn",
    "compiled",
    "evaluation",
    "finite",
    "folded",
    "history",
    "js",
    "loss",
    "max_abs",
    "mean",
    "pmax",
    "relative_l2",
    "rms_travelled",
    "slots",
    "softmax",
    "state",
    "tensor",
    "train",
    "tv",
    "ulp",
    "ulp_histogram",
    "updates",
    "values",
    "var",
]
