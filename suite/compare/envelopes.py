"""A configuration against its own reruns: how far apart it is from itself."""

from __future__ import annotations

from itertools import combinations

from suite.artifacts import names
from suite.artifacts.artifact import Complete
from suite.compare import metrics
from suite.compare.measuring import measure
from suite.compare.snapshots import OPTIMIZER, PREDICTIONS, STATISTICS, WEIGHTS, Arrays, Subject, replica, trained
from suite.records import JUDGED_STEP, QUANTITIES, Floats


def envelope(subject: Subject, quantity: str, step: int) -> dict[str, float]:
    """Metric -> largest distance at `step` between the plain run and its reruns that stored that step. An optimizer's slots
    may be as far apart as float32 rounds its constants: that is the same in every rerun, and not on every backend."""
    key = f"{quantity}@{step}"
    if key not in subject.cache:
        widths = [
            measure(quantity, trained(*subject.plain, step), trained(*rerun, step), None, subject.outputs)
            for rerun in (*subject.repeats, *subject.permuted)
            if step in rerun[1].steps and (step in rerun[1].predicted or quantity not in (OPTIMIZER, PREDICTIONS))
        ]
        # Repeats of a deterministic run say nothing of rounding: without permuted runs there is no envelope.
        re_rounded = any(step in rerun[1].steps for rerun in subject.permuted)
        found = _travelled(subject.plain, quantity, step, wider(*widths)) if re_rounded else {}
        if quantity == OPTIMIZER:
            found = {metric: max(value, subject.plain[1].rounded_constants) for metric, value in found.items()}
        subject.cache[key] = found
    return subject.cache[key]  # type: ignore[return-value]


def _travelled(run: Complete, quantity: str, step: int, found: dict[str, float]) -> dict[str, float]:
    """An envelope of weights around a run that has not moved them, as while gradients are accumulated or a rate warms up
    from 0, is empty: reruns that begin elsewhere would be a whole journey of no length away."""
    begun, now = (trained(*run, one).arrays(WEIGHTS) for one in (0, step))
    return dict.fromkeys(found, 0.0) if quantity == WEIGHTS and bits(begun, now) else found


def seed_distances(subject: Subject) -> list[dict[str, float]]:
    """Metric -> distance at the judged step, of each two of the plain run and its runs from other initial weights."""
    runs = (subject.plain, *subject.seeds)
    step = min(JUDGED_STEP, subject.plain[1].steps[-1])
    snapshots = [trained(*run, step) for run in runs]
    return [
        measure(PREDICTIONS, a, b, None, subject.outputs) | measure(STATISTICS, a, b, None, subject.outputs)
        for a, b in combinations(snapshots, 2)
    ]


def float64_envelope(subject: Subject, quantity: str, step: int) -> dict[str, float]:
    """Metric -> largest distance at `step` between the float64 run and its reruns; empty where they were not asked for, and
    before the first step, where nothing was computed (models with random layers begin their reruns a unit in the last place
    away)."""
    if subject.float64 is None or not subject.float64_permuted or not step:
        return {}
    key = f"float64 {quantity}@{step}"
    if key not in subject.cache:
        float64, *reruns = (trained(*run, step) for run in (subject.float64, *subject.float64_permuted))
        widths = [measure(quantity, float64, rerun, None, subject.outputs) for rerun in reruns]
        subject.cache[key] = _travelled(subject.float64, quantity, step, wider(*widths))
    found: dict[str, float] = subject.cache[key]  # type: ignore[assignment]
    return found


def perturbed_envelope(subject: Subject, quantity: str, step: int) -> dict[str, float]:
    """Metric -> largest distance at `step` between the float64 run on one device and its reruns from initial weights that
    are as far away as float32 rounds; empty where these were not asked for."""
    if not subject.perturbed:
        return {}
    key = f"perturbed {quantity}@{step}"
    if key not in subject.cache:
        first, *reruns = (trained(*run, step) for run in subject.perturbed)
        widths = [measure(quantity, first, rerun, None, subject.outputs) for rerun in reruns]
        subject.cache[key] = _travelled(subject.perturbed[0], quantity, step, wider(*widths))
    found: dict[str, float] = subject.cache[key]  # type: ignore[assignment]
    return found


def replica_envelope(subject: Subject, quantity: str, index: int) -> dict[str, float]:
    """The same of one replica's state at the end: its statistics may be whitened by a variance of its own."""
    if subject.float64 is None:
        return {}
    float64, name = replica(*subject.float64, index), names.file_of(names.replica(index))
    reruns = [replica(*rerun, index) for rerun in subject.float64_permuted if name in rerun[1].files]
    return wider(*(measure(quantity, float64, rerun, None, subject.outputs) for rerun in reruns))


def repeat_distance(subject: Subject) -> dict[str, float]:
    """Metric -> largest distance at the last step between the plain run and its repeats; empty if all are bit-equal."""
    if "repeats" not in subject.cache:
        last = subject.plain[1].steps[-1]
        snapshots = [(trained(*subject.plain, last), trained(*rerun, last)) for rerun in subject.repeats]
        widths = [
            measure(quantity, live, again, None, subject.outputs)
            for quantity in QUANTITIES
            for live, again in snapshots
            if not bits(live.arrays(quantity), again.arrays(quantity))
        ]
        subject.cache["repeats"] = wider(*widths)
    found: dict[str, float] = subject.cache["repeats"]  # type: ignore[assignment]
    return found


def bits(a: Arrays | None, b: Arrays | None) -> bool:
    if not a or not b:
        return not a and not b
    return a.keys() == b.keys() and all(metrics.bits(value, b[name]) for name, value in a.items())


def wider(*widths: Floats) -> dict[str, float]:
    return {
        metric: max(width[metric] for width in widths if metric in width)
        for metric in dict.fromkeys(metric for width in widths for metric in width)
    }
