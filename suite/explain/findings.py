"""Groups what differs by its causes: one finding for each set of causes, with the side and the place that all its
members share. One defect is one finding, in whatever it takes part: a pair of which each side has a defect of its own is
in the findings of both, and a declared difference that comes with it in some pairs, or in another quantity of a check, has
a finding of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from suite.explain import diagnoses
from suite.judge import composing, equivalence
from suite.judge.composing import EXPECTED
from suite.records import Cause, Code, Diagnosis, Finding, Magnitude, Member, Pair, Place, Run, Verdict

ORDER = (Verdict.DIFFERENT, Verdict.INVALID, Verdict.INCONCLUSIVE, Verdict.NOT_RUN, Verdict.BY_DESIGN, Verdict.NOISE)

# What may be the cause where no hypothesis predicts the run.
UNEXPLAINED = {Code.UNKNOWN, Code.UNSTABLE_KERNEL, Code.DEFINITION}
PREDICTING = ("forward", "prediction", "evaluation")  # stages that a loaded file comes to
OF_FILES = ("saved", "resumed")  # checks of a run against its own file
Known = Mapping[Run, Diagnosis]
Causes = tuple[Cause, ...]
Key = tuple[Verdict, frozenset[Cause], tuple[str, ...]]


def group(members: Iterable[Member], known: Iterable[Diagnosis]) -> tuple[Finding, ...]:
    """Findings, the worst first and then those that explain most. What is identical or rounding needs none."""
    of_run = {diagnosis.run: diagnosis for diagnosis in known}
    grouped: dict[Key, list[tuple[Member, Causes]]] = {}
    for member in members:
        for verdict, causes in _said_of(member):
            grouped.setdefault(_key(member, of_run, verdict, causes), []).append((member, causes))
    joining = _joining(grouped)
    found = [
        _finding(
            key[0],
            _named_by_all([causes for _, causes in alike]),
            [member for member, _ in alike],
            [member for one, parts in joining.items() if key in parts for member, _ in grouped[one]],
            of_run,
        )
        for key, alike in grouped.items()
        if key not in joining
    ]
    return tuple(sorted(found, key=_urgency))


def _key(member: Member, known: Known, verdict: Verdict, causes: Causes) -> Key:
    """What all members of one finding have in common. A backend that reaches NaN on both sides of a pair, and others do not,
    reaches it as where it is one of two."""
    kinds = frozenset(cause.topic for cause in causes)
    if verdict is Verdict.INVALID and causes and all(one.code == Code.NON_FINITE and one.subject for one in causes):
        verdict = Verdict.DIFFERENT
    return verdict, kinds, _belonging(member, known, verdict, kinds)


def _joining(grouped: Collection[Key]) -> dict[Key, set[Key]]:
    """Differences with several causes, all of which have findings without the others -> these findings."""
    found: dict[Key, set[Key]] = {}
    things = [key for key in grouped if key[0] is Verdict.DIFFERENT and _is_one_thing(*key[:2])]
    for key in sorted(things, key=lambda one: len(one[1])):
        parts = {other for other in things if other not in found and other[1] < key[1] and set(other[2]) <= set(key[2])}
        largest = {one for one in parts if not any(one[1] < other[1] for other in parts)}
        if frozenset[Cause]().union(*(kinds for _, kinds, _ in largest)) == key[1]:
            found[key] = largest
    return found


def _said_of(member: Member) -> Iterator[tuple[Verdict, Causes]]:
    """Its verdict with the causes that decide; and of a check that is worse, what is by design in another quantity: what a
    file holds and what it predicts are two things. The quantities of a pair come from one training."""
    if member.verdict.rank >= Verdict.NOISE.rank:
        yield member.verdict, _deciding(member)
    if isinstance(member, Pair) or member.verdict.rank <= Verdict.BY_DESIGN.rank:
        return
    expected = composing.united(one.causes for one in member.quantities if one.verdict is Verdict.BY_DESIGN)
    if expected:
        yield Verdict.BY_DESIGN, expected


def _belonging(member: Member, known: Known, verdict: Verdict, causes: frozenset[Cause]) -> tuple[str, ...]:
    """What members have in common, beside their causes, where they are one thing. Models that reach NaN do so each for
    itself."""
    if not _is_one_thing(verdict, causes):
        return member.kind, *_origin(member, known)
    return (member.scenario,) if any(cause.code == Code.NON_FINITE for cause in causes) else ()


def _origin(member: Member, known: Known) -> tuple[str, ...]:
    """The environment that is off and the stage where it begins, as far as they are known: what is unknown is one thing only
    where they are the same. Files are files in every environment."""
    if member.verdict is not Verdict.DIFFERENT or member.kind in OF_FILES:
        return ()
    causes = _deciding(member)
    known = _explaining(known, causes)
    _, environment = _side([member], known, causes)
    place = _place([member], known, causes)
    return environment, place.stage if place else ""


def _deciding(member: Member) -> Causes:
    """Of a difference, the causes that nobody declared."""
    if member.verdict is not Verdict.DIFFERENT:
        return member.causes
    return tuple(cause for cause in member.causes if cause.code not in EXPECTED) or member.causes


def _named_by_all(every: Sequence[Causes]) -> Causes:
    """The causes of the first member, with every seed, every side without a result, every layer with the same known defect
    and where NaN is made, that one of the members names."""
    named: dict[Cause, dict[tuple[str, str], None]] = {}
    for cause in (cause for causes in every for cause in causes):
        named.setdefault(cause.topic, {}).update(dict.fromkeys(cause.detail))
    return tuple(
        cause if named[cause.topic].keys() == set(cause.detail) else replace(cause, detail=tuple(sorted(named[cause.topic])))
        for cause in every[0]
    )


def _is_one_thing(verdict: Verdict, causes: frozenset[Cause]) -> bool:
    """Whether it is the same in pairs and in checks of every kind; what is unknown may be two things."""
    if verdict is Verdict.INCONCLUSIVE:
        return any(cause.code == Code.UNCHECKED for cause in causes)
    if verdict is Verdict.NOT_RUN:
        return any(cause.reason for cause in causes)  # one sentence, of whatever it is said
    named = bool(causes) and all(cause.code not in (Code.UNKNOWN, Code.INVALID) for cause in causes)
    return named and verdict in (Verdict.DIFFERENT, Verdict.INVALID, Verdict.BY_DESIGN)


def _urgency(finding: Finding) -> tuple[int, int]:
    """The worst first; what was never meant to give a result last."""
    unsupported = finding.verdict is Verdict.NOT_RUN and finding.unsupported
    return len(ORDER) if unsupported else ORDER.index(finding.verdict), -len(finding.members)


def _finding(
    verdict: Verdict, causes: Causes, members: Sequence[Member], joining: Sequence[Member], known: Known
) -> Finding:
    """`joining`: those that have other causes as well. They are members, and show neither side nor place."""
    known = _explaining(known, causes) if verdict is Verdict.DIFFERENT else {}
    alone = members if verdict is Verdict.BY_DESIGN else _without_declared(members)
    side, environment = _side(members, known, causes)
    return Finding(
        verdict=verdict,
        causes=causes,
        members=(*members, *joining),
        side=side,
        environment=environment,
        place=None if verdict is Verdict.NOT_RUN else _place(alone, known, causes),
        magnitudes=_largest_of(alone),
    )


def _without_declared(members: Sequence[Member]) -> Sequence[Member]:
    """Those that show nothing but this: where a declared difference comes with it, place and sizes may be that one's. All,
    where it always does."""
    undeclared = [member for member in members if not any(cause.code in EXPECTED for cause in member.causes)]
    return undeclared or members


def _explaining(known: Known, causes: Sequence[Cause]) -> Known:
    return {run: one for run, one in known.items() if _explains(one, causes)}


def _explains(diagnosis: Diagnosis, causes: Sequence[Cause]) -> bool:
    """Whether one of these causes is why the run is not what its strategy declares."""
    suspected = {cause.code for cause in diagnoses.causes(diagnosis)} or UNEXPLAINED
    return equivalence.differs(diagnosis.distance) and not suspected.isdisjoint(cause.code for cause in causes)


def _largest_of(members: Iterable[Member]) -> tuple[Magnitude, ...]:
    """Of the pair whose first magnitude is largest."""
    measured = [member.magnitudes for member in members if isinstance(member, Pair) and member.magnitudes]
    return max(measured, key=lambda sizes: sizes[0].value, default=())


def _side(members: Sequence[Member], known: Known, causes: Causes) -> tuple[Run | None, str]:
    """The run that is off in all of them, and its environment; only the environment where it is not the same run; None
    and "" where neither is shown. What the causes are about is off: no run of another environment is."""
    run, environment = _shown(members, known)
    named = {cause.subject for cause in causes if cause.code != Code.UNKNOWN} - {""}
    if len(named) != 1 or environment in named:
        return run, environment or _only({cause.subject for cause in causes} - {""})
    return None, named.pop()


def _only(names: set[str]) -> str:
    return names.pop() if len(names) == 1 else ""


def _shown(members: Sequence[Member], known: Known) -> tuple[Run | None, str]:
    """The same by what the members show. A file that predicts differently elsewhere shows nobody by itself."""
    showing = [member for member in members if member.kind != "reloaded"] or members
    sides = [_off(member, known) for member in showing]
    common = set.intersection(*sides) if sides else set()
    if len(common) == 1:
        run = common.pop()
        return run, run.configuration.environment
    environments = [{run.configuration.environment for run in runs} for runs in sides]
    shared = set.intersection(*environments) if environments else set()
    return None, _only(shared)


def _off(member: Member, known: Known) -> set[Run]:
    """The runs that are off: by their distance from float64, or from their oracle, or from their own file."""
    if isinstance(member, Pair) and member.side:
        return {member.side}
    if member.kind in OF_FILES:
        return set(member.runs)
    return {run for run in member.runs if run in known}


def _place(members: Iterable[Member], known: Known, causes: Causes) -> Place | None:
    """Where the first of them begins to differ, that is known. Where a run leaves what it declares says so of pairs and of
    that run alone, if no cause names another place; of what a loaded file predicts, only if it is how it predicts."""
    defined = any(cause.code == Code.DEFINITION for cause in causes)
    for member in members:
        places = [member.place] if isinstance(member, Pair) else []
        if member.kind == "declared" or not defined:
            left = [known[run].place for run in member.runs if run in known]
            places += [one for one in left if member.kind != "reloaded" or (one and one.stage in PREDICTING)]
        if any(places):
            return next(place for place in places if place)
    return None
