"""Two artifacts to a comparison: configurations, a run and its oracle, a model and its file, replicas."""

from __future__ import annotations

from dataclasses import replace

from suite import metrics
from suite.compare.envelopes import (
    bits,
    envelope,
    repeat_distance,
    replica_envelope,
    twin_envelope,
    wider,
)
from suite.compare.measuring import distances_of, measure, mismatch, prediction_distances
from suite.compare.moments import (
    GROUPS_OF,
    PREDICTIONS,
    STATISTICS,
    WEIGHTS,
    Moment,
    Subject,
    emulated_file,
    replica,
    trained,
)
from suite.records import JUDGED_STEP, QUANTITIES, Comparison, Distances
from suite.store import Complete

HELD = (WEIGHTS, STATISTICS, PREDICTIONS)  # what a file is asked for: other state may not be in it, and is named by itself


def pair(a: Subject, b: Subject, *, declared: str) -> Comparison:
    """Two configurations of one scenario: every quantity at every stored step, with envelope and twins."""
    steps = [step for step in a.plain[1].steps if step and step in b.plain[1].steps]
    twins = (a.twin, b.twin) if a.twin and b.twin else None
    start = Moment(artifact=a.plain[0], manifest=a.plain[1], state="step-0")
    distances = []
    for quantity in QUANTITIES:
        moments = [(trained(*a.plain, step), trained(*b.plain, step), step) for step in steps]
        doubles = {step: (trained(*twins[0], step), trained(*twins[1], step)) for step in steps} if twins else {}
        envelopes = {step: wider(envelope(a, quantity, step), envelope(b, quantity, step)) for step in steps}
        widths = {step: wider(twin_envelope(a, quantity, step), twin_envelope(b, quantity, step)) for step in steps}
        if found := distances_of(quantity, moments, doubles, envelopes, start, a.outputs, widths):
            distances.append(found)
    return Comparison(
        distances=tuple(distances),
        declared=declared,
        no_twin=a.no_twin or b.no_twin,
        repeats=wider(repeat_distance(a), repeat_distance(b)),
        random_streams=_random_streams(a.plain, b.plain),
        roundoff=max(a.plain[1].roundoff, b.plain[1].roundoff),
    )


def declared(subject: Subject) -> Comparison:
    """A configuration's float64 twin against the oracle of its declaration: at every step, and each replica at the end.

    The distances between the two are `plain` and `twin` alike: there is no float32 here.
    """
    assert subject.twin and subject.oracle
    twin, oracle = subject.twin, subject.oracle
    start = Moment(artifact=twin[0], manifest=twin[1], state="step-0")
    steps = [step for step in twin[1].steps if step in oracle[1].steps]
    moments = [(_stored(trained(*twin, step), step), _stored(trained(*oracle, step), step), step) for step in steps]
    distances = []
    for quantity in QUANTITIES:
        widths = {step: twin_envelope(subject, quantity, step) for step in steps}
        found = distances_of(quantity, moments, {}, {}, start, subject.outputs, widths)
        for index in range(1, twin[1].replicas):
            both = [(replica(*twin, index), replica(*oracle, index), steps[-1])]
            width = {steps[-1]: replica_envelope(subject, quantity, index)}
            other = distances_of(quantity, both, {}, {}, start, subject.outputs, width)
            if found and other:
                bits, invalid = found.bits and other.bits, found.invalid or other.invalid
                found = replace(found, at=(*found.at, *other.at), bits=bits, invalid=invalid)
        if found:
            distances.append(replace(found, at=tuple(replace(one, twin=one.plain) for one in found.at)))
    return Comparison(distances=tuple(distances), no_twin=subject.no_twin)


def _stored(moment: Moment, step: int) -> Moment:
    """Without what only some steps have: a twin keeps optimizer and predictions at fewer steps than an oracle."""
    if step in moment.manifest.predicted:
        return moment
    return replace(moment, slots="", predictions="", losses=0)


def view(
    plain: tuple[Moment, Moment], twins: tuple[Moment, Moment] | None, subject: Subject, *, declared: str
) -> Comparison:
    """Two moments of one configuration (live and saved, saved and reloaded, two replicas), with its own envelope."""
    last = subject.plain[1].steps[-1]
    start = Moment(artifact=subject.plain[0], manifest=subject.plain[1], state="step-0")
    judged = min(JUDGED_STEP, last)
    distances = []
    for quantity in QUANTITIES:
        width = envelope(subject, quantity, judged)
        doubles = {judged: twins} if twins else {}
        found = distances_of(quantity, [(*plain, judged)], doubles, {judged: width}, start, subject.outputs)
        if found:
            distances.append(found)
    return Comparison(
        distances=tuple(distances),
        declared=declared,
        no_twin=(subject.no_twin or "the twin was not loaded again") if twins is None else "",
        unsaved=_unsaved(start, *plain),
        roundoff=subject.plain[1].roundoff,
    )


def file_distances(loaded: Moment, oracle: Complete, outputs: str) -> tuple[Distances, ...]:
    """A twin's file, loaded again, against what the oracle says that it holds and predicts."""
    start = Moment(artifact=oracle[0], manifest=oracle[1], state="step-0")
    moments = [(replace(loaded, slots=""), emulated_file(*oracle), 0)]
    found = (distances_of(quantity, moments, {}, {}, start, outputs) for quantity in HELD)
    return tuple(replace(one, at=tuple(replace(at, twin=at.plain) for at in one.at)) for one in found if one)


def first_replica_distance(loaded: Moment, live: Complete, outputs: str) -> float | None:
    """How far a file, loaded again, is from the live model's first replica: its state, and its predictions for the rows that
    this replica computed. Nothing has grown in between, however chaotic the training was. None if they cannot be compared."""
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


def _unsaved(start: Moment, live: Moment, loaded: Moment) -> tuple[str, ...]:
    """Tensors that training changed and that are bit-equal to the initial ones after loading."""
    names = []
    for quantity in GROUPS_OF:
        begun, now, after = (moment.arrays(quantity) or {} for moment in (start, live, loaded))
        names += [
            name
            for name in sorted(begun.keys() & now.keys() & after.keys())
            if metrics.bits(after[name], begun[name]) and not metrics.bits(now[name], begun[name])
        ]
    return tuple(names)


def _random_streams(a: Complete, b: Complete) -> bool:
    if not (a[1].random_layers or b[1].random_layers):
        return False
    drawn = [side[0].arrays("stream") for side in (a, b) if "stream.safetensors" in side[1].files]
    return len(drawn) == 2 and not bits(drawn[0], drawn[1])
