"""What a person is shown of both sides themselves: the rows whose predictions changed most, and the curves of training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from suite.compare import metrics
from suite.records import Curve, RowChange

ROWS = 5  # of a pair: the worst, for a look at what a difference does
POINTS = 25  # of a curve: as many as its picture can show; of more steps every n-th, and the last


def changed_rows(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray], outputs: str) -> tuple[RowChange, ...]:
    """Predictions (rows, ...) by output, finite and alike in shape; of logits, the probabilities. The worst first, and none
    that is equal."""
    found = [change for name in a for change in _of_output(name, a[name], b[name], outputs)]
    return tuple(sorted(found, key=lambda change: -abs(change.a - change.b))[:ROWS])


def _of_output(name: str, a: np.ndarray, b: np.ndarray, outputs: str) -> Iterator[RowChange]:
    if not a.size:
        return
    first, second = (side.reshape(len(side), -1) if side.ndim < 2 else side for side in (a, b))
    if outputs == "logits":
        first, second = metrics.softmax(first), metrics.softmax(second)
    first, second = first.reshape(len(a), -1), second.reshape(len(a), -1)
    apart = np.abs(first.astype(np.float64) - second)
    for row in np.argsort(-apart.max(axis=1), kind="stable")[:ROWS]:
        element = int(apart[row].argmax())
        if apart[row, element]:
            one, other = float(first[row, element]), float(second[row, element])
            yield RowChange(output=name, row=int(row), element=element, a=one, b=other)


def curves(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> tuple[Curve, ...]:
    """Numbers (steps,) by name, or (epochs,), finite and alike in shape; none of a single point."""
    found = []
    for name, values in a.items():
        if values.ndim == 1 and len(values) > 1:
            places = np.unique(np.linspace(0, len(values) - 1, min(len(values), POINTS)).round().astype(int))
            one, other = (tuple(float(side[place]) for place in places) for side in (values, b[name]))
            found.append(Curve(name=name, at=tuple(int(place) + 1 for place in places), a=one, b=other))
    return tuple(found)
