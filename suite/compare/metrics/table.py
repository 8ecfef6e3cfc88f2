"""The registry: every distance with its formula, its quantity, and the least envelope of those that decide verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suite.records import QUANTITIES


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


WEIGHTS, STATISTICS, OPTIMIZER, LOSS, PREDICTIONS, OTHER, EVALUATION, COMPILED, HISTORY = QUANTITIES
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
    "evaluation": _judged(EVALUATION, "max over the loss and every metric of |a-b| / max(|a|, |b|)", 2e-7),
    "history": Metric(
        quantity=HISTORY,
        formula="max over epochs, and over the loss and every metric, of |a-b| / max(|a|, |b|)",
        judged=True,
        floor=5e-3,
        why="one row of 200 that is counted differently moves an accuracy by as much; float64 runs show what is less",
    ),
    "compiled": Metric(quantity=COMPILED, formula="how many arguments of `compile` are not the same"),
    "state": _judged(OTHER, "‖a-b‖ / max(‖a‖, ‖b‖), the worst variable; of integers 0 or 1", 1e-6),
}
