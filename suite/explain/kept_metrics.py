"""Metrics that Keras cannot reset: what a live model evaluates to holds what training counted, and no file does."""

from __future__ import annotations

from collections.abc import Collection

from suite import compare
from suite.judge import equivalence
from suite.records import COUNTS_ON, Cause, Code, Comparison, Manifest


def causes(run: Manifest, numbers: Collection[str]) -> tuple[Cause, ...]:
    """The cause where all of these numbers of `fit` or `evaluate` are of such metrics of the run; empty if one is not, or if
    there is none. "val", and an output's name, come before that of a metric."""
    names = [name for name in run.facts.get(COUNTS_ON, "").split(", ") if name]
    kept = [name for name in names if any(_is_of(one, name) for one in numbers)]
    if not numbers or not all(any(_is_of(one, name) for name in kept) for one in numbers):
        return ()
    return (Cause(code=Code.METRIC_NOT_RESET, detail=tuple(("metric", name) for name in kept)),)


def of_run(run: Manifest, declared: Comparison) -> tuple[Cause, ...]:
    """The same of a run that differs from its oracle in what `fit` and `evaluate` say of these metrics, and in nothing
    else."""
    apart = [one for one in declared.distances if equivalence.differs(equivalence.float64_distance(one))]
    if not {one.quantity for one in apart} <= {compare.EVALUATION, compare.HISTORY}:
        return ()
    return causes(run, [number.name for one in apart for number in one.tensors if equivalence.differs(number.value)])


def _is_of(number: str, metric: str) -> bool:
    return number == metric or number.endswith(f"_{metric}")
