"""Distances against what reruns of the same configuration are apart: is it rounding, noise, or has rounding grown?"""

from __future__ import annotations

from suite.compare.metrics import METRICS
from suite.judge.equivalence import ENVELOPE_FACTOR
from suite.judge.limits import AMPLIFIED, NOISE_FACTOR
from suite.records import JUDGED_STEP, Distances, Floats


def limits(distances: Distances, scale: float = 1.0) -> Floats:
    """Metric -> the largest value that is rounding, at the judged step: 5 x max(envelope, floor x scale)."""
    found: dict[str, float] = {}
    for at in distances.at:
        if at.step <= JUDGED_STEP:
            for metric, value in at.envelope.items():
                found[metric] = ENVELOPE_FACTOR * max(value, scale * METRICS[metric].floor)
    return found


def beyond(distances: Distances, scale: float = 1.0, factor: float = ENVELOPE_FACTOR) -> tuple[int, str] | None:
    """The first judged step and metric outside `factor` envelopes, or None. A step without an envelope is not judged."""
    for at in distances.at:
        if at.step > JUDGED_STEP:
            continue
        for metric, envelope in at.envelope.items():
            judged = METRICS[metric].judged
            if judged and at.plain.get(metric, 0.0) > factor * max(envelope, scale * METRICS[metric].floor):
                return at.step, metric
    return None


def farthest(distances: Distances) -> float:
    """The largest value of a judged metric at a judged step that has an envelope."""
    judged = (at for at in distances.at if at.step <= JUDGED_STEP)
    values = (at.plain.get(metric, 0.0) for at in judged for metric in at.envelope if METRICS[metric].judged)
    return max(values, default=0.0)


def unmeasured(distances: Distances) -> float:
    """The largest judged metric at the last step, of a quantity that has no envelope at any; 0 where one has."""
    if not distances.at or any(at.envelope for at in distances.at):
        return 0.0
    return max((value for metric, value in distances.at[-1].plain.items() if METRICS[metric].judged), default=0.0)


def within_repeats(distances: Distances, repeats: Floats) -> bool:
    last = distances.at[-1].plain
    judged = [metric for metric in last if METRICS[metric].judged]
    return bool(judged) and all(last[metric] <= NOISE_FACTOR * repeats.get(metric, 0.0) for metric in judged)


def amplified(distances: Distances) -> bool:
    """Whether the last step is much farther apart than the judged one."""
    early = [at for at in distances.at if at.envelope and at.step <= JUDGED_STEP]
    if not early or not distances.at:
        return False
    last = distances.at[-1].plain
    return any(
        last.get(metric, 0.0) > AMPLIFIED * max(value, METRICS[metric].floor) for metric, value in early[-1].plain.items()
    )
