"""Two artifacts to a comparison: configurations, a run and its oracle, a model and its file, replicas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Complete
from suite.compare import metrics
from suite.compare.envelopes import (
    envelope,
    float64_envelope,
    perturbed_envelope,
    repeat_distance,
    replica_envelope,
    wider,
)
from suite.compare.measuring import Sides, apart_in_dtypes, distances_of, measure, mismatch, prediction_distances
from suite.compare.snapshots import (
    GROUPS_OF,
    OTHER,
    PREDICTIONS,
    STATISTICS,
    WEIGHTS,
    Snapshot,
    Subject,
    replica,
    trained,
)
from suite.records import JUDGED_STEP, NARROWED, QUANTITIES, RANDOM_PREDICTIONS, SEED, Comparison, Distances, Floats

SURELY_RANDOM = 1e-2  # between two predictions of the same rows, relative: a decade above what is called random at all


def pair(a: Subject, b: Subject) -> Comparison:
    """Two configurations of one scenario: every quantity at every stored step, with envelope and float64 runs."""
    steps = [step for step in a.plain[1].steps if step and step in b.plain[1].steps]
    both = (a.float64, b.float64) if a.float64 and b.float64 else None
    start = Snapshot(artifact=a.plain[0], manifest=a.plain[1], state=names.step(0))
    counted = _counted(a, b)
    distances = []
    for quantity in QUANTITIES:
        sides = [
            Sides(
                step=step,
                a=replace(trained(*a.plain, step), history=counted),
                b=replace(trained(*b.plain, step), history=counted),
                float64=_each(both, step, counted) if both else None,
                envelope=wider(envelope(a, quantity, step), envelope(b, quantity, step)),
                float64_envelope=wider(float64_envelope(a, quantity, step), float64_envelope(b, quantity, step)),
                perturbed=wider(perturbed_envelope(a, quantity, step), perturbed_envelope(b, quantity, step)),
            )
            for step in steps
        ]
        if found := distances_of(quantity, sides, start, a.outputs):
            distances.append(found)
    return Comparison(
        distances=tuple(distances),
        no_float64=a.no_float64 or b.no_float64,
        repeats=wider(repeat_distance(a), repeat_distance(b)),
        unrepeated=(_largest(repeat_distance(a)), _largest(repeat_distance(b))),
        random_streams=_random_streams(a.plain, b.plain),
        random_predictions=_predict_randomly(a.plain, b.plain),
        narrowed=_narrowed(distances, trained(*a.plain, steps[-1]), trained(*b.plain, steps[-1])) if steps else {},
        non_finite=(first_non_finite(a.plain), first_non_finite(b.plain)),
        roundoff=max(a.plain[1].roundoff, b.plain[1].roundoff),
        left_out=a.left_out or b.left_out,
    )


def _counted(a: Subject, b: Subject) -> frozenset[str] | None:
    """Which of an epoch's numbers count; None for all. On several devices only those that oracles emulate: of the others,
    nothing could say whether they differ by design."""
    if max(a.plain[1].replicas, b.plain[1].replicas) == 1:
        return None
    emulated = (trained(*one.oracle, one.oracle[1].steps[-1]).epochs_have() for one in (a, b) if one.oracle)
    return next((found for found in emulated if found), None)


def _each(both: tuple[Complete, Complete], step: int, counted: frozenset[str] | None) -> tuple[Snapshot, Snapshot]:
    first, second = (replace(trained(*run, step), history=counted) for run in both)
    return first, second


def _largest(distances: Floats) -> float:
    return max((value for metric, value in distances.items() if metrics.METRICS[metric].judged), default=0.0)


def first_non_finite(run: Complete) -> int | None:
    """The first step after which a loss or a stored state is NaN or infinite; None if none is."""
    artifact, manifest = run
    losses = artifact.arrays(names.LOSSES)[names.LOSSES] if names.has(manifest, names.LOSSES) else np.zeros(0)
    steps = [int(index) + 1 for index in np.flatnonzero(~np.isfinite(losses))[:1]]
    for step in manifest.steps:
        if not all(metrics.finite(value) for value in artifact.arrays(names.step(step)).values()):
            return min([step, *steps])
    return next(iter(steps), None)


def declared(subject: Subject) -> Comparison:
    """A configuration's float64 run against the oracle of its declaration: at every step, and each replica at the end."""
    assert subject.float64 and subject.oracle
    return float64_runs(subject, subject.float64, subject.oracle)


def float64_runs(subject: Subject, float64: Complete, oracle: Complete) -> Comparison:
    """Two runs that compute in float64, the second of them an oracle: at every step, and each replica at the end.

    The distances between the two are `plain` and `float64` alike: there is no float32 here. Their envelopes are those of
    the subject's float64 run.
    """
    start = Snapshot(artifact=float64[0], manifest=float64[1], state=names.step(0))
    steps = [step for step in float64[1].steps if step in oracle[1].steps]
    emulated = trained(*oracle, oracle[1].steps[-1]).epochs_have()
    distances = []
    for quantity in QUANTITIES:
        sides = [
            Sides(
                step=step,
                a=replace(_stored(trained(*float64, step), step), history=emulated),
                b=_stored(trained(*oracle, step), step),
                float64_envelope=float64_envelope(subject, quantity, step),
                perturbed=perturbed_envelope(subject, quantity, step),
            )
            for step in steps
        ]
        found = distances_of(quantity, sides, start, subject.outputs)
        for index in range(1, min(float64[1].replicas, oracle[1].replicas)):
            of_replica = Sides(
                step=steps[-1],
                a=replica(*float64, index),
                b=replica(*oracle, index),
                float64_envelope=replica_envelope(subject, quantity, index),
            )
            other = distances_of(quantity, [of_replica], start, subject.outputs)
            if found and other:
                bits, invalid = found.bits and other.bits, found.invalid or other.invalid
                found = replace(found, at=(*found.at, *other.at), bits=bits, invalid=invalid)
        if found:
            distances.append(_as_float64(found))
    non_finite = first_non_finite(float64), first_non_finite(oracle)
    return Comparison(
        distances=tuple(distances),
        no_float64=subject.no_float64,
        non_finite=non_finite,
        random_predictions=_predict_randomly(subject.plain, subject.plain),  # nobody looked at an oracle's
    )


def _as_float64(distances: Distances) -> Distances:
    """Both sides are float64 runs: their distances are `plain` and `float64` alike."""
    return replace(distances, at=tuple(replace(at, float64=at.plain) for at in distances.at))


def _stored(snapshot: Snapshot, step: int) -> Snapshot:
    """Without what only some steps have: a float64 run keeps optimizer and predictions at fewer steps than an oracle."""
    if step in snapshot.manifest.predicted:
        return snapshot
    return replace(snapshot, slots="", predictions="", losses=0)


def check(
    plain: tuple[Snapshot, Snapshot],
    float64_runs: tuple[Snapshot, Snapshot] | None,
    subject: Subject,
) -> Comparison:
    """Two snapshots of one configuration (live and saved, saved and reloaded, two replicas), with its own envelope."""
    idle = idle_seeds(subject.plain)
    plain = _without(plain, idle)
    float64_runs = _without(float64_runs, idle) if float64_runs else None
    last = subject.plain[1].steps[-1]
    start = Snapshot(artifact=subject.plain[0], manifest=subject.plain[1], state=names.step(0))
    judged = min(JUDGED_STEP, last)
    distances = []
    for quantity in QUANTITIES:
        sides = Sides(
            step=judged,
            a=plain[0],
            b=plain[1],
            float64=float64_runs,
            envelope=envelope(subject, quantity, judged),
            perturbed=perturbed_envelope(subject, quantity, last),
        )
        if found := distances_of(quantity, [sides], start, subject.outputs):
            distances.append(found)
    return Comparison(
        distances=tuple(distances),
        no_float64=(subject.no_float64 or "the float64 run was not loaded again") if float64_runs is None else "",
        unsaved=unsaved(start, *plain),
        renewed=renewed(start, *plain),
        random_predictions=_predict_randomly(subject.plain, subject.plain),
        narrowed=_narrowed(distances, *plain),
        roundoff=subject.plain[1].roundoff,
        left_out=subject.left_out,
    )


def judged(quantity: str, a: Snapshot, b: Snapshot, outputs: str) -> float | None:
    """The largest judged distance of one quantity between two snapshots; None if they cannot be compared."""
    found = measure(quantity, a, b, None, outputs)
    return max((value for metric, value in found.items() if metrics.METRICS[metric].judged), default=None)


def first_replica_distance(loaded: Snapshot, live: Complete, outputs: str) -> float | None:
    """How far a file, loaded again, is from the live model's first replica: its state, and its predictions for the rows that
    this replica computed. Nothing has grown in between, however chaotic the training was. None if they cannot be
    compared."""
    last = live[1].steps[-1]
    mine = trained(*live, last)
    values = [
        value
        for quantity in (WEIGHTS, STATISTICS)
        for metric, value in measure(quantity, mine, loaded, None, outputs).items()
        if metrics.METRICS[metric].judged
    ]
    stored = live[0].arrays(mine.predictions)
    rows, predicted = stored["replica"] == 0, loaded.arrays(PREDICTIONS)
    if not predicted or predicted.keys() != stored.keys() - {"replica"}:
        return None
    for name, value in predicted.items():
        if mismatch({name: stored[name]}, {name: value}):
            return None
        found = prediction_distances(stored[name][rows], value[rows], outputs)
        values += [one for metric, one in found.items() if metrics.METRICS[metric].judged]
    return max(values, default=None)


def idle_seeds(run: Complete) -> frozenset[str]:
    """The names of seeds that nothing was drawn from in a whole run: those of recurrent layers without dropout, for one. No
    file holds them, and nothing would come of it if one did."""
    artifact, manifest = run
    begun, ended = (artifact.arrays(names.step(step)) for step in (0, manifest.steps[-1]))
    return frozenset(
        name for name in begun if name.endswith(SEED) and name in ended and metrics.bits(begun[name], ended[name])
    )


def drawing_elsewhere(run: Complete) -> tuple[str, ...]:
    """The random layers that drew nothing from their own seeds in a whole run: they draw from the backend's own generator,
    as dropout without a seed does on torch."""
    idle = {name.rpartition("/")[0] for name in idle_seeds(run)}
    return tuple(layer for layer in run[1].random_layers if layer in idle)


def _without(sides: tuple[Snapshot, Snapshot], idle: frozenset[str]) -> tuple[Snapshot, Snapshot]:
    """The same without these variables."""
    if not idle:
        return sides
    first, second = (
        replace(side, manifest=replace(side.manifest, tensors=tuple(t for t in side.manifest.tensors if t.name not in idle)))
        for side in sides
    )
    return first, second


def unsaved(start: Snapshot, live: Snapshot, loaded: Snapshot) -> tuple[str, ...]:
    """The names of tensors that training changed and that are bit-equal to the initial ones after loading."""
    names = []
    for quantity in GROUPS_OF:
        begun, now, after = (snapshot.arrays(quantity) or {} for snapshot in (start, live, loaded))
        names += [
            name
            for name in sorted(begun.keys() & now.keys() & after.keys())
            if metrics.bits(after[name], begun[name]) and not metrics.bits(now[name], begun[name])
        ]
    return tuple(names)


def renewed(start: Snapshot, live: Snapshot, loaded: Snapshot) -> tuple[str, ...]:
    """The names of integers (seeds, counters) that are neither as they were saved nor as they were before training; but for
    seeds that nothing was drawn from."""
    begun, now, after = (snapshot.arrays(OTHER) or {} for snapshot in (start, live, loaded))
    return tuple(
        name
        for name in sorted(begun.keys() & now.keys() & after.keys())
        if after[name].dtype.kind in "iu"
        and not metrics.bits(after[name], now[name])
        and not metrics.bits(after[name], begun[name])
        and not (name.endswith(SEED) and metrics.bits(now[name], begun[name]))
    )


def _narrowed(distances: Sequence[Distances], a: Snapshot, b: Snapshot) -> dict[str, tuple[int, str]]:
    """As `Comparison.narrowed` says it."""
    told = [side.manifest.facts.get(NARROWED, "") for side in (a, b)]
    if all(told) or not any(told):
        return {}
    side = 0 if told[0] else 1
    invalid = [one.quantity for one in distances if one.invalid]
    return {name: (side, told[side]) for name in invalid if apart_in_dtypes(a.arrays(name), b.arrays(name))}


def _random_streams(a: Complete, b: Complete) -> str:
    """Why both draw other random numbers, as `Comparison.random_streams` says it."""
    if not (a[1].random_layers or b[1].random_layers):
        return ""
    drawn = [side[0].arrays(names.STREAM) for side in (a, b) if names.has(side[1], names.STREAM)]
    for what in ("backends", "replicas") if len(drawn) == 2 else ():
        if not metrics.bits(*(one[what] for one in drawn)):
            return what
    return ""


def _predict_randomly(a: Complete, b: Complete) -> tuple[bool, bool]:
    """Which side draws random numbers where it predicts; both, where one draws numbers so small that the other's may only
    not have shown."""
    first, second = (float(manifest.facts.get(RANDOM_PREDICTIONS, 0.0)) for _, manifest in (a, b))
    if max(first, second) < SURELY_RANDOM:
        return first + second > 0.0, first + second > 0.0
    return first > 0.0, second > 0.0
