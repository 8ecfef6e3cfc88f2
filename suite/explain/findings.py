"""Groups what differs by its cause: one finding for each, with the numbers that support it and the check that was run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from suite.explain import causes
from suite.explain.declarations import OTHERWISE
from suite.explain.diagnoses import GROWN
from suite.judge import equivalence, verdicts
from suite.records import ConsistencyCheck, Diagnosis, Finding, Judged, Magnitude, Pair, Place, Suspect, Verdict
from suite.records.formatting import number

ORDER = (Verdict.DIFFERENT, Verdict.INVALID, Verdict.INCONCLUSIVE, Verdict.NOT_RUN, Verdict.BY_DESIGN, Verdict.NOISE)
NOUNS = {
    "pair": ("pair", "pairs"),
    "saved": ("saved file", "saved files"),
    "reloaded": ("reloaded file", "reloaded files"),
    "replica": ("replica", "replicas"),
    "declared": ("run", "runs"),
}

Member = Pair | ConsistencyCheck
Places = Mapping[tuple[str, str], Place]


def group(
    pairs: Sequence[Pair],
    checks: Sequence[ConsistencyCheck],
    diagnoses: Sequence[Diagnosis],
    places: Places | None = None,
    sizes: Mapping[str, tuple[Magnitude, ...]] | None = None,
    steps: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Findings, the worst first and then those that explain most. What is identical or rounding needs none.

    `places`: (a, b) -> where the oracles of two runs, named by their plain runs' ids, first differ; `sizes`: pair -> how large
    it is; `steps`: pair -> what single float32 steps say of its cause.
    """
    known = {one.run: one for one in diagnoses}
    grouped: dict[tuple[Verdict, str, str], list[Member]] = {}
    members: list[Member] = [*pairs, *checks]
    for one in members:
        if one.verdict.rank >= Verdict.NOISE.rank:
            kind = one.kind if isinstance(one, ConsistencyCheck) else "pair"
            grouped.setdefault((one.verdict, _common(one), kind), []).append(one)
    found = [
        replace(
            _finding(verdict, cause, kind, alike, known, places or {}),
            evidence=_evidence(alike, steps or {}),
            magnitudes=_largest_of(alike, sizes or {}),
        )
        for (verdict, cause, kind), alike in grouped.items()
    ]
    return tuple(sorted(found, key=_urgency))


def _urgency(one: Finding) -> tuple[int, int]:
    """The worst first; what was never meant to give a result last."""
    unsupported = one.verdict is Verdict.NOT_RUN and one.cause.startswith("unsupported")
    return len(ORDER) if unsupported else ORDER.index(one.verdict), -len(one.pairs)


def identity(one: Member) -> str:
    """How a finding names a pair or a check."""
    return one.id


def _common(one: Member) -> str:
    """The cause that a group shares: an unstable kernel by the environment that has it."""
    if isinstance(one, Pair) and one.side and one.cause == verdicts.UNSTABLE:
        return f"{verdicts.UNSTABLE} in {one.side.split('/')[1]}"
    return one.cause


def _finding(
    verdict: Verdict, cause: str, kind: str, members: Sequence[Member], known: Mapping[str, Diagnosis], places: Places
) -> Finding:
    """Without its evidence and its size."""
    scenarios = sorted({one.scenario for one in members})
    where = f"in {scenarios[0]}" if len(scenarios) == 1 else f"in {len(scenarios)} scenarios"
    what = f"{len(members)} {NOUNS[kind][len(members) != 1]}"
    said = causes.said(what, where, cause, verdict.value)
    if cause.startswith(OTHERWISE):
        said = replace(said, check=_oracle_check(members, known))
    off = [known[run] for run in _runs(members) if run in known and known[run].suspects]
    side = _side(members, known)
    if cause == verdicts.UNKNOWN and off:
        said = replace(said, check=f"{causes.FLOAT64_RUNS}; {_nearest(off)}")
    if cause == verdicts.UNKNOWN and side:
        environment = side.split("/")[1] if "/" in side else side
        words = f"{environment} does not do what its strategy declares {where} ({what}): cause not known."
        said = replace(said, claim=words)
    return Finding(
        verdict=verdict,
        cause=cause,
        claim=said.claim,
        evidence="",
        experiment=said.check,
        pairs=tuple(identity(one) for one in members),
        side=side,
        place=None if verdict is Verdict.NOT_RUN else _place(members, known, places),
        advice=said.advice,
        link=said.link,
    )


def _largest_of(members: Sequence[Member], sizes: Mapping[str, tuple[Magnitude, ...]]) -> tuple[Magnitude, ...]:
    """Of the pair whose first magnitude is largest."""
    found = [sizes[name] for one in members if (name := identity(one)) in sizes and sizes[name]]
    return max(found, key=lambda one: one[0].value, default=())


def _runs(members: Iterable[Member]) -> list[str]:
    """The plain runs that are compared."""
    return list(dict.fromkeys(run for one in members for run in ((one.a, one.b) if isinstance(one, Pair) else (one.run,))))


def _oracle_check(members: Sequence[Member], known: Mapping[str, Diagnosis]) -> str:
    """That each side equals its own oracle, with the largest distance; or why that is not known."""
    runs = _runs(members)
    measured = [known[run].distance or 0.0 for run in runs if run in known and known[run].distance is not None]
    if len(measured) < len(runs):
        return f"{causes.FLOAT64_RUNS}; that each side computes what it declares was checked for {len(measured)} of {len(runs)} runs"
    grown = sum(known[run].reason == GROWN for run in runs)
    where = f" ({grown} of them amplify rounding: where it grows, within 5 times their own, or not judged)" if grown else ""
    return (
        f"each side's float64 run equals the oracle of its own declaration, emulated on one device: {len(measured)} runs, at "
        f"most {number(max(measured))} apart{where}; the difference is what the declarations say"
    )


def _nearest(off: Sequence[Diagnosis]) -> str:
    """How many hypotheses were tried in vain, and how near the nearest came."""
    nearest: Suspect = min((suspect for one in off for suspect in one.suspects), key=lambda one: one.distance)
    tried = max(one.tried for one in off)
    return (
        f"{tried} hypotheses were tried, none predicts it; the nearest, {nearest.words}, is {number(nearest.distance)} away"
    )


def _side(members: Sequence[Member], known: Mapping[str, Diagnosis]) -> str:
    """The run, or the environment, that is off in all of them; empty if none is, or not the same one."""
    sides = [_off(one, known) for one in members]
    common = set.intersection(*sides) if sides else set()
    if len(common) == 1:
        return common.pop()
    environments = [{run.split("/")[1] for run in runs} for runs in sides]
    shared = set.intersection(*environments) if environments else set()
    return shared.pop() if len(shared) == 1 else ""


def _off(one: Member, known: Mapping[str, Diagnosis]) -> set[str]:
    """The runs that are off: by their distance from float64, or from their oracle."""
    if isinstance(one, Pair) and one.side:
        return {one.side}
    found = {run: known[run].distance for run in _runs([one]) if run in known}
    return {run for run, distance in found.items() if distance is not None and distance >= equivalence.SAME_SEMANTICS}


def _place(members: Sequence[Member], known: Mapping[str, Diagnosis], places: Places) -> Place | None:
    """Where the first of them begins to differ, that is known."""
    for one in members:
        found = [known[run].place for run in _runs([one]) if run in known]
        if isinstance(one, Pair):
            found.append(places.get((one.a, one.b)))
        if any(found):
            return next(place for place in found if place)
    return None


def _evidence(members: Iterable[Member], steps: Mapping[str, str]) -> str:
    """The largest difference among the members: quantity, metric, step, tensor, float32 and float64 size, and which two; then
    what single float32 steps say of it."""
    worst: tuple[float, str] = (-1.0, "no numbers: see the reasons given")
    for one in members:
        said = steps.get(identity(one), "")
        for judged in one.quantities:
            if judged.verdict is one.verdict:
                size, numbers = _largest(judged, _sides(one))
                worst = max(worst, (size, f"{numbers}; {said}" if said else numbers), key=lambda entry: entry[0])
    return worst[1]


def _largest(judged: Judged, sides: str) -> tuple[float, str]:
    float64 = equivalence.float64_distance(judged.distances)
    numbers = judged.distances.at[-1].plain if judged.distances.at else {}
    shown = ", ".join(f"{metric} {number(value)}" for metric, value in list(numbers.items())[:3])
    first = f", first at step {judged.first_step}" if judged.first_step else ""
    where = f", most in {judged.worst_tensor}" if judged.worst_tensor else ""
    double = f"; float64 runs {number(float64)} apart" if float64 is not None else ""
    return float64 if float64 is not None else 0.0, f"largest in {judged.quantity}: {shown}{where}{first}{double} ({sides})"


def _sides(one: Member) -> str:
    """Which two, as a person calls them."""
    if isinstance(one, Pair):
        return f"{one.scenario}, {label(one.a)} against {label(one.b)}"
    what = {
        "saved": f"live against {one.form}",
        "reloaded": f"{one.form} loaded on {one.environment}",
        "replica": f"replica {one.replica} against replica 0",
        "declared": "against the oracle of what it declares",
    }
    return f"{one.scenario}, {label(one.run)}, {what[one.kind]}"


def label(run: str) -> str:
    """As a person calls a run."""
    _, environment, driven, _ = run.rsplit("/", 3)
    return f"{environment} ×{driven.rpartition('-x')[2]}"
