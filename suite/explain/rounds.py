"""The search for deviations that explain where a run begins to differ, in rounds: each round applies those of the earlier
ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from suite import compare
from suite.artifacts.writing import digest_of
from suite.compare import metrics, single_step
from suite.explain.hypotheses import HYPOTHESES, START, WHOLE, Hypothesis
from suite.explain.observations import Observations
from suite.judge import equivalence
from suite.records import Comparison, Deviation, Distances, Emulation, Place, Run

MOST_ROUNDS = 4  # of deviations on top of each other; more are not told apart from a coincidence


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A hypothesis made definite: `detail` tells it from others of the same name."""

    hypothesis: Hypothesis
    detail: str
    emulation: Emulation


@dataclass(frozen=True, kw_only=True)
class Round:
    """What is known with the deviations of `base` applied. `place`: where the run begins to differ from it. `by_steps`:
    whether a single step shows that; otherwise only whole runs can be compared. `matching`: the candidates that explain the
    place."""

    base: Emulation
    place: Place
    by_steps: bool
    candidates: tuple[Candidate, ...]
    matching: tuple[Candidate, ...]


@dataclass(frozen=True, kw_only=True)
class Matched:
    """What explained one round: the names of the hypotheses, and the whole run of the emulation with it applied."""

    names: frozenset[str]
    run: Run


def search(known: Observations) -> tuple[Round, ...]:
    """The rounds, as far as their runs are there."""
    found: list[Round] = []
    base = known.emulation
    while len(found) < MOST_ROUNDS:
        one = _round(known, base)
        if one is None:
            break
        found.append(one)
        if not one.matching or one.place.stage in WHOLE or _is_open(known, one):
            break
        base = one.matching[0].emulation
    return tuple(found)


def _is_open(known: Observations, found: Round) -> bool:
    """Whether single steps do not tell apart what matches, and whole runs may do so yet."""
    return len(found.matching) > 1 and not all(known.folder.asked(known.whole(one.emulation)) for one in found.matching)


def _round(known: Observations, base: Emulation) -> Round | None:
    """None if the run does not differ from it, or if that is not known yet."""
    place = place_of(known, base)
    if place is None:
        return None
    by_steps = place.stage not in (*WHOLE, START)
    candidates = tuple(_candidates(known, base, place))
    if place.stage == START:
        matching = list(candidates)  # with the run's own start, it is gone: what else differs is another cause
    elif by_steps:
        # Clipping may not act in any of the steps that are looked at: what a whole run confirms is applied first.
        matching = sorted(_explaining(known, base, candidates), key=lambda one: not _whole_matches(known, one))
    else:
        matching = [one for one in candidates if _whole_matches(known, one)]
    return Round(base=base, place=place, by_steps=by_steps, candidates=candidates, matching=tuple(matching))


def place_of(known: Observations, base: Emulation) -> Place | None:
    """Where the run begins to differ from this emulation; None if it does not, or if that is not known yet."""
    if base == known.emulation and known.other_start:
        name = known.other_start[0]
        size = known.start_distance(name)
        return Place(stage=START, tensor=name, state="0", size=size, ratio=size / equivalence.SAME_SEMANTICS)
    stages = known.stages(base)
    if stages is None:
        return None
    if (first := single_step.first(stages, equivalence.SAME_SEMANTICS)) is not None:
        return first
    found = known.found if base == known.emulation else known.whole_comparison(base)
    off = _off(found) if found is not None else []
    return whole_place(off) if off else None


def _candidates(known: Observations, base: Emulation, place: Place) -> Iterator[Candidate]:
    """What could begin where this run begins to differ, made definite by what its steps show, on top of `base`."""
    evidence = known.evidence(base)
    if evidence is None:
        return
    evidence = replace(evidence, only_predictions=place.stage == "prediction")
    for hypothesis in HYPOTHESES:
        if place.stage not in hypothesis.stages or (hypothesis.of_batch_norm and not evidence.batch_norms):
            continue
        for detail, deviation in hypothesis.candidates(evidence):
            if (both := combined(base.deviation, deviation)) is not None:
                name = _name(hypothesis, detail, deviation)
                name = f"{base.name}+{name}" if base.name else name
                emulation = replace(known.emulation, deviation=both, name=name)
                yield Candidate(hypothesis=hypothesis, detail=detail, emulation=emulation)


def _explaining(known: Observations, base: Emulation, candidates: tuple[Candidate, ...]) -> list[Candidate]:
    """Those with which the run's step does not differ any more; else the one with which it comes farthest, if that is
    farther than without. Nothing before all of them were tried."""
    tried = {one.emulation: known.observed(one.emulation) for one in candidates}
    if any(stages is None for emulation, stages in tried.items() if not known.folder.asked(known.step_of(emulation))):
        return []
    reached = {
        one.emulation: single_step.position(stages, equivalence.SAME_SEMANTICS)
        for one in candidates
        if (stages := tried[one.emulation]) is not None
    }
    whole = [one for one in candidates if one.emulation in reached and reached[one.emulation] is None]
    if whole:
        return whole
    before = single_step.position(known.observed(base) or {}, equivalence.SAME_SEMANTICS)
    farther = [one for one in candidates if before is not None and (reached.get(one.emulation) or before) > before]
    return sorted(farther, key=lambda one: reached[one.emulation] or before or (0, 0), reverse=True)[:1]


def _whole_matches(known: Observations, candidate: Candidate) -> bool:
    distance = known.whole_distance(candidate.emulation)
    return distance is not None and not equivalence.differs(distance)


def combined(base: Deviation, more: Deviation) -> Deviation | None:
    """Both at once; None if they contradict each other, or if the second adds nothing."""
    default = Deviation()
    changes = {}
    for field in fields(Deviation):
        added = getattr(more, field.name)
        if added == getattr(default, field.name):
            continue
        if getattr(base, field.name) != getattr(default, field.name):
            return None
        changes[field.name] = added
    return replace(base, **changes) if changes else None


def _off(found: Comparison) -> list[Distances]:
    return [one for one in found.distances if equivalence.differs(equivalence.apart_of(one, found))]


def earliest_place(found: Comparison) -> Place | None:
    """Where two runs come apart whose single steps do not: at the earliest stored step, and in what nobody trains before
    weights, which follow. None if they do not come apart."""
    apart = sorted(_off(found), key=lambda one: (_first_step(one), one.quantity != compare.OTHER))
    return whole_place(apart) if apart else None


def _first_step(distances: Distances) -> int:
    apart = [
        at.step
        for at in distances.at
        for metric, value in at.float64.items()
        if metrics.METRICS[metric].judged and equivalence.differs(value)
    ]
    return min(apart, default=0)


def whole_place(off: list[Distances]) -> Place:
    """Of a difference that no single step shows: its largest quantity, at the first stored step that has it. Layers that
    draw random numbers count what they draw, so that only predictions may be off, and other state."""
    quantities = {one.quantity for one in off}
    only_predictions = compare.PREDICTIONS in quantities and quantities <= {compare.PREDICTIONS, compare.OTHER}
    stage = "prediction" if only_predictions else "trajectory"
    for distances in off:
        for at in distances.at:
            size = max((value for metric, value in at.float64.items() if metrics.METRICS[metric].judged), default=None)
            if size is not None and equivalence.differs(size):
                tensor = distances.tensors[0].name if distances.tensors else distances.quantity
                return Place(
                    stage=stage, tensor=tensor, state=str(at.step), size=size, ratio=size / equivalence.SAME_SEMANTICS
                )
    return Place(stage=stage, tensor="", state="", size=0.0, ratio=0.0)


def _name(hypothesis: Hypothesis, detail: str, deviation: Deviation) -> str:
    """Names the emulation in run ids, hence in folders; two that are not the same have other names."""
    words = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in detail)[:40]
    return f"{hypothesis.name}={words}-{digest_of(deviation)[:6]}" if words else hypothesis.name
