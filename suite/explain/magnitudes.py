"""How large a difference is in what a user sees, on a ladder: rounding, run to run, this difference, another seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from suite.records import At, Floats, Judged, Magnitude

SHOWN = ("pmax", "tv", "churn", "folded")  # what a user sees of a model: its predictions, and the function that is saved


def magnitudes(quantities: Iterable[Judged], repeats: Floats, seeds: Floats) -> tuple[Magnitude, ...]:
    """Of a pair, by its quantities, at the last step at which its rounding was measured.

    `repeats`: metric -> the largest difference between a side and its repeats, empty if every repeat is bit-equal;
    `seeds`: metric -> the median difference between runs from other initial weights, empty if none was run.
    """
    found = []
    for judged in quantities:
        measured = [at for at in judged.distances.at if at.envelope]
        if measured:
            found += [_magnitude(metric, measured[-1], repeats, seeds) for metric in SHOWN if metric in measured[-1].plain]
    return tuple(found)


def _magnitude(metric: str, at: At, repeats: Floats, seeds: Floats) -> Magnitude:
    rungs = [("rounding", at.envelope.get(metric, 0.0)), ("run to run", repeats.get(metric, 0.0))]
    if metric in seeds:
        rungs.append(("other seed", seeds[metric]))
    return Magnitude(metric=metric, value=at.plain[metric], rungs=tuple(rungs))


def medians(measured: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Metric -> the median over pairs of seeds."""
    return {
        metric: median(one[metric] for one in measured if metric in one)
        for metric in SHOWN
        if any(metric in one for one in measured)
    }
