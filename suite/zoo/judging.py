"""What is said about a case: one verdict for each environment that ran it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from suite.artifacts import names
from suite.artifacts.artifact import Arrays
from suite.records import Status
from suite.records.zoo import Case, JudgedCase, Word, ZooVerdict
from suite.referee.definition import Undefined
from suite.zoo import asked, limits, measuring
from suite.zoo.distances import TINY, distances, largest
from suite.zoo.measuring import Gap
from suite.zoo.sweep import Recorded

SLOPED = "gradient"
UPDATES = ("schedule", "update", "slots")


def judge(case: Case, recorded: Sequence[Recorded]) -> JudgedCase:
    """The verdict of each environment, from its readings in both precisions: the worst of all stages."""
    said: dict[str, list[ZooVerdict]] = {}
    for one in recorded:
        said.setdefault(one.environment, []).extend(_refusals(one))
    complete = [one for one in recorded if one.reading.status is Status.COMPLETE]
    for one in complete:
        said[one.environment].extend(_lost_arguments(one))
    for verdict in _verdicts(complete):
        said[verdict.environment].append(verdict)
    verdicts = tuple(_worst(environment, found) for environment, found in said.items())
    return JudgedCase(case=case, verdicts=verdicts, alike=_alike(verdicts, complete))


# The first stage that is off says most: what follows is computed from it.
STAGES = ("", "process", "schedule", "forward", "state", "update", "slots", "gradient", "config")


def _worst(environment: str, found: Iterable[ZooVerdict]) -> ZooVerdict:
    """The worst word; of equal ones that in float64, of the first stage, with the largest distance."""
    none = ZooVerdict(environment=environment, word=Word.AGREES)
    return max(
        found,
        key=lambda one: (one.word.rank, one.precision == "float64", -STAGES.index(one.stage), one.distance),
        default=none,
    )


def _refusals(one: Recorded) -> Iterator[ZooVerdict]:
    refused = ZooVerdict(
        environment=one.environment, precision=one.precision, word=Word.UNSUPPORTED, detail=one.reading.reason
    )
    if one.reading.status is Status.FAILED:
        yield replace(refused, word=Word.DEPARTS, stage="process", distance=float("inf"))
    elif one.reading.status is not Status.COMPLETE:
        yield refused
    elif one.reading.without_gradient:
        yield replace(refused, stage=SLOPED, detail=one.reading.without_gradient)


def _lost_arguments(one: Recorded) -> Iterator[ZooVerdict]:
    for name in asked.lost(one):
        yield ZooVerdict(
            environment=one.environment,
            word=Word.DEPARTS,
            stage="config",
            part=name,
            precision=one.precision,
            distance=float("inf"),
            detail=f"its configuration has no {name}: saved and loaded, it is another one",
        )


def _verdicts(complete: Sequence[Recorded]) -> Iterator[ZooVerdict]:
    if not complete:
        return
    try:
        yield from _of_updates(complete) if complete[0].case.kind == "optimizer" else _of_calls(complete)
    except Undefined as error:
        yield from _without_definition(complete, str(error))
    except Exception as error:  # a definition that raises is a fault of its own, and no reason to lose the other cases
        detail = f"{type(error).__name__}: {error}"
        yield from (ZooVerdict(environment=one.environment, word=Word.FAULTY, detail=detail) for one in complete)


def _of_updates(complete: Sequence[Recorded]) -> Iterator[ZooVerdict]:
    for one in complete:
        yield _verdict(one, measuring.update_gaps(one))


def _of_calls(complete: Sequence[Recorded]) -> Iterator[ZooVerdict]:
    """All environments and precisions got the same values, so that the referee is asked once."""
    first = next((one for one in complete if one.precision == "float64"), complete[0])
    answer = measuring.expected(first)
    seen = answer.slope is not None and measuring.along(first.arrays, answer.slope).resolution <= limits.INSIDE
    usable = answer if seen else replace(answer, slope=None)
    for one in complete:
        verdict = _verdict(one, measuring.gaps(one, usable))
        yield _located(verdict, one) if verdict.stage == SLOPED and verdict.word is Word.DEPARTS else verdict
    yield from _float32_gradients(complete)
    reason = answer.without_slope or "the derivative has a kink near these values"
    yield from _gradients_apart(complete, defined=seen, reason=reason)


def _verdict(one: Recorded, gaps: Iterable[Gap]) -> ZooVerdict:
    """The worst gap of a reading in words."""
    return _worst(
        one.environment,
        (
            ZooVerdict(
                environment=one.environment,
                word=_word(gap, one.precision),
                stage=gap.stage,
                part=gap.part,
                precision=one.precision,
                distance=gap.distance,
            )
            for gap in gaps
        ),
    )


def _word(gap: Gap, precision: str) -> Word:
    if precision == "float32":
        allowed = limits.FLOAT32 + limits.FLOAT32_TERMS * gap.resolution
        return Word.AGREES if gap.distance <= allowed else Word.DEPARTS
    uncertain = limits.UNCERTAINTIES * gap.resolution
    if gap.distance <= (limits.SLOPE if gap.stage == SLOPED else limits.ROUNDING) + uncertain:
        return Word.AGREES
    inside = limits.INSIDE_UPDATES if gap.stage in UPDATES else limits.INSIDE
    return Word.INSIDE if gap.distance <= inside + uncertain else Word.DEPARTS


def _located(verdict: ZooVerdict, one: Recorded) -> ZooVerdict:
    """The same departure, with the input or weight whose gradient is farthest off."""
    if one.case.kind != "layer":
        return verdict
    part = max(measuring.by_part(one), key=lambda gap: gap.distance)
    return replace(verdict, part=part.part)


def _float32_gradients(complete: Sequence[Recorded]) -> Iterator[ZooVerdict]:
    """Gradients in float32 against the same environment's in float64."""
    double = {one.environment: _gradients(one) for one in complete if one.precision == "float64"}
    for one in complete:
        if one.precision == "float32" and one.environment in double and not one.reading.without_gradient:
            yield _verdict(one, _between(_gradients(one), double[one.environment], measuring.steepness(one)))


def _between(single: Arrays, double: Arrays, steepness: float) -> Iterator[Gap]:
    """Sums that cancel lose as many digits as they are smaller than their terms."""
    for part, far in distances(single, double).items():
        lost = measuring.ROUNDOFF["float32"] * steepness / max(largest(double[part]), TINY)
        yield Gap(stage=SLOPED, part=part, distance=far, resolution=lost)


def _gradients(one: Recorded) -> Arrays:
    return {name: value for name, value in one.arrays.items() if name.startswith(names.GRADIENT)}


def _gradients_apart(complete: Sequence[Recorded], *, defined: bool, reason: str) -> Iterator[ZooVerdict]:
    """Gradients of environments against each other: where the referee's derivative is too coarse to see a gap, or where it
    has none."""
    double = [one for one in complete if one.precision == "float64" and not one.reading.without_gradient]
    for environment, measured in measuring.apart(double, names.GRADIENT).items():
        for part, far in measured.items():
            if far > limits.INSIDE and not defined:
                yield _apart(environment, Word.DIFFERS, SLOPED, part, far, reason)
            elif limits.ROUNDING < far <= limits.INSIDE and len(double) > 2:
                yield _apart(environment, Word.INSIDE, SLOPED, part, far, "")


def _apart(environment: str, word: Word, stage: str, part: str, far: float, detail: str) -> ZooVerdict:
    return ZooVerdict(
        environment=environment, word=word, stage=stage, part=part, precision="float64", distance=far, detail=detail
    )


def _without_definition(complete: Sequence[Recorded], reason: str) -> Iterator[ZooVerdict]:
    """Without a definition, environments are compared with each other."""
    for one in complete:
        yield ZooVerdict(environment=one.environment, word=Word.UNDEFINED, precision=one.precision, detail=reason)
    double = [one for one in complete if one.precision == "float64"]
    for stage, kind in (("forward", names.OUTPUT), ("state", names.STATE), (SLOPED, names.GRADIENT)):
        for environment, measured in measuring.apart(double, kind).items():
            for part, far in measured.items():
                if far > limits.ROUNDING:
                    word = Word.INSIDE if far <= limits.INSIDE else Word.DIFFERS
                    yield _apart(environment, word, stage, part, far, reason)


def _alike(verdicts: Sequence[ZooVerdict], complete: Sequence[Recorded]) -> bool:
    """Whether several environments depart, and their outputs or updates are equal: then the definition may be wrong."""
    departing = {one.environment for one in verdicts if one.word is Word.DEPARTS}
    stages = {(one.stage, one.part) for one in verdicts if one.word is Word.DEPARTS}
    same = [one for one in complete if one.environment in departing]
    if len(departing) < 2 or len({stage for stage, _ in stages}) > 1:
        return False
    precision = "float64" if len([one for one in same if one.precision == "float64"]) > 1 else "float32"
    part = next(iter(stages))[1]
    measured = measuring.apart([one for one in same if one.precision == precision], part)
    return all(far <= limits.INSIDE for found in measured.values() for name, far in found.items() if name == part)
