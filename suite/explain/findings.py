"""Groups what differs by its cause: one finding for each, with the numbers that support it and the check that was run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from suite import judge
from suite.explain.declarations import OTHERWISE
from suite.records import Finding, Judged, Pair, RunRow, Verdict, View

ORDER = (Verdict.DIFFERENT, Verdict.INVALID, Verdict.INCONCLUSIVE, Verdict.NOT_RUN, Verdict.DESIGNED, Verdict.NOISE)
TWINS = "the float64 twins of both sides differ as well, so it is not rounding"
NO_ORACLE = "that each side computes what it declares is not checked yet"

Member = Pair | View


def group(pairs: Sequence[Pair], views: Sequence[View], rows: Sequence[RunRow]) -> tuple[Finding, ...]:
    """Findings, the worst first and then those that explain most. What is identical or rounding needs none."""
    grouped: dict[tuple[Verdict, str, str], list[Member]] = {}
    members: list[Member] = [*pairs, *views]
    for one in members:
        if one.verdict.rank >= Verdict.NOISE.rank:
            kind = one.kind if isinstance(one, View) else "pair"
            grouped.setdefault((one.verdict, _common(one), kind), []).append(one)
    found = [_finding(verdict, cause, kind, alike) for (verdict, cause, kind), alike in grouped.items()]
    return tuple(sorted(found, key=lambda one: (ORDER.index(one.verdict), -len(one.pairs))))


def identity(one: Member) -> str:
    """How a finding names a pair or a view."""
    return one.id


def _common(one: Member) -> str:
    """The cause that a group shares: an unstable kernel by the environment that has it."""
    if isinstance(one, Pair) and one.side:
        return f"{judge.UNSTABLE} in {one.side.split('/')[1]}"
    return one.cause


def _finding(verdict: Verdict, cause: str, kind: str, members: Sequence[Member]) -> Finding:
    scenarios = sorted({one.scenario for one in members})
    where = f"in {_listed(scenarios)}"
    noun = {"pair": "pair", "saved": "saved file", "reloaded": "reloaded file", "replica": "replica"}[kind]
    what = f"{len(members)} {noun}{'s' if len(members) != 1 else ''}"
    claim, check = next(
        (say(what, where, cause) for start, say in CAUSES if cause.startswith(start)),
        (f"{what} {where}: {cause or verdict.value}.", "none was run"),
    )
    return Finding(
        verdict=verdict,
        cause=cause,
        claim=claim,
        evidence=_evidence(members),
        isolating_check=check,
        pairs=tuple(identity(one) for one in members),
    )


def _declared(what: str, where: str, cause: str) -> tuple[str, str]:
    check = f"{TWINS}; {NO_ORACLE}"
    if "live model" in cause:
        return (
            f"{what} {where} hold the first replica's moving statistics only; the live model predicts with every replica's own.",
            check,
        )
    if cause == f"{OTHERWISE} (moving statistics: per replica)":
        return f"{what} {where} have moving statistics of their own: nothing keeps replicas equal.", check
    if "batch statistics: global or per replica" in cause:
        return (
            f"{what} {where} compare batch normalization over the whole batch with batch normalization over each replica's "
            "part of it, as their strategies declare.",
            check,
        )
    return (
        f"{what} {where} compute different things, as their strategies declare: {cause.partition('(')[2].rstrip(')')}.",
        check,
    )


def _unstable(what: str, where: str, cause: str) -> tuple[str, str]:
    side = cause.removeprefix(f"{judge.UNSTABLE} in ")
    return (
        f"{side} is off {where} ({what}): after one step its float32 result is far from float64, and the other side's is not.",
        "one step of each side was run in float64 with the same constants, and each float32 run measured against its own",
    )


def _random(what: str, where: str, cause: str) -> tuple[str, str]:
    return (
        f"{what} {where} draw different random numbers: backends turn one seed into different streams.",
        "both sides drew from one seed and got other numbers; given one shared stream, their float64 twins are equal",
    )


def _unsaved(what: str, where: str, cause: str) -> tuple[str, str]:
    return (
        f"{what} {where} do not hold {cause.removeprefix(judge.UNSAVED + ': ')}: loading brings back its initial value.",
        "the loaded value is bit-equal to the value before training, and training had changed it",
    )


def _unknown(what: str, where: str, cause: str) -> tuple[str, str]:
    return (
        f"{what} {where} differ though their strategies declare the same: cause not known.",
        f"{TWINS}; nothing else was checked",
    )


def _constant(what: str, where: str, cause: str) -> tuple[str, str]:
    return (
        f"{what} {where} differ by about what float32 does to a constant.",
        "the float64 twins differ by it; which constant is not checked",
    )


CAUSES: tuple[tuple[str, Callable[[str, str, str], tuple[str, str]]], ...] = (
    (OTHERWISE, _declared),
    (judge.UNSTABLE, _unstable),
    (judge.RANDOM_STREAMS, _random),
    (judge.UNSAVED, _unsaved),
    (judge.UNKNOWN, _unknown),
    (judge.CONSTANT, _constant),
)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} scenarios"


def _evidence(members: Iterable[Member]) -> str:
    """The largest difference among the members: quantity, metric, step, tensor, float32 and float64 size."""
    worst: tuple[float, str] = (-1.0, "no numbers: see the reasons given")
    for one in members:
        for judged in one.quantities:
            if judged.verdict is one.verdict:
                worst = max(worst, _largest(judged, identity(one)), key=lambda entry: entry[0])
    return worst[1]


def _largest(judged: Judged, name: str) -> tuple[float, str]:
    twin = judge.twin_distance(judged.distances)
    numbers = judged.distances.at[-1].plain if judged.distances.at else {}
    shown = ", ".join(f"{metric} {value:.1e}" for metric, value in list(numbers.items())[:3])
    first = f", first at step {judged.first_step}" if judged.first_step else ""
    where = f", most in {judged.worst_tensor}" if judged.worst_tensor else ""
    double = f"; float64 twins {twin:.1e} apart" if twin is not None else ""
    return twin if twin is not None else 0.0, f"largest in {judged.quantity}: {shown}{where}{first}{double} ({name})"
