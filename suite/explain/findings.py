"""Groups what differs by its cause: one finding for each, with the numbers that support it and the check that was run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from suite import judge
from suite.records import Finding, Judged, Pair, RunRow, Verdict, View

NOT_CHECKED = "not checked yet: that each side computes exactly what it declares (an oracle would)"


def group(pairs: Sequence[Pair], views: Sequence[View], rows: Sequence[RunRow]) -> tuple[Finding, ...]:
    """Findings, those that explain most first. What is identical or rounding needs none."""
    grouped: dict[tuple[Verdict, str, str], list[Pair | View]] = {}
    for one in (*pairs, *views):
        if one.verdict.rank >= Verdict.NOISE.rank:
            kind = one.kind if isinstance(one, View) else "pair"
            grouped.setdefault((one.verdict, _common(one), kind), []).append(one)
    found = [_finding(verdict, cause, kind, members) for (verdict, cause, kind), members in grouped.items()]
    order = {verdict: index for index, verdict in enumerate((Verdict.DIFFERENT, Verdict.INVALID, Verdict.INCONCLUSIVE))}
    return tuple(sorted(found, key=lambda one: (order.get(one.verdict, 9), -len(one.pairs))))


def _common(one: Pair | View) -> str:
    """The cause as a group: an unstable kernel by the environment that has it, a pair that did not run as such."""
    if one.verdict is Verdict.NOT_RUN:
        return "no result"
    if isinstance(one, Pair) and one.side:
        return f"{judge.UNSTABLE} in {one.side.split('/')[1]}"
    return one.cause


def _finding(verdict: Verdict, cause: str, kind: str, members: Sequence[Pair | View]) -> Finding:
    claim, check = _claim(verdict, cause, kind, members)
    return Finding(
        verdict=verdict,
        cause=cause,
        claim=claim,
        evidence=_evidence(members),
        isolating_check=check,
        pairs=tuple(identity(one) for one in members),
    )


def identity(one: Pair | View) -> str:
    if isinstance(one, Pair):
        return f"{one.a} | {one.b}"
    last = f"replica {one.replica}" if one.kind == "replica" else one.environment
    return f"{one.run} | {one.kind} {one.form}".rstrip() + f" | {last}"


def _claim(verdict: Verdict, cause: str, kind: str, members: Sequence[Pair | View]) -> tuple[str, str]:
    scenarios = _listed(sorted({one.scenario for one in members}))
    what = {
        "pair": f"{len(members)} pairs of runs",
        "saved": f"{len(members)} live models and their saved files",
        "reloaded": f"{len(members)} saved files reloaded elsewhere",
        "replica": f"{len(members)} replicas and the first replica of their run",
    }[kind]
    twins = "the float64 twins of the two sides differ as well, so this is not rounding"
    if cause.startswith("declared otherwise"):
        return (
            f"{what} compute different things, as their strategies declare, in {scenarios}: {cause[20:-1]}.",
            f"{twins}; {NOT_CHECKED}",
        )
    if cause.startswith(judge.UNSTABLE):
        side = cause.removeprefix(f"{judge.UNSTABLE} in ")
        return (
            f"{side} is off in {scenarios}: its float32 result is far from float64 where the other side's is not ({what}).",
            "one step of each side was repeated in float64 with the same constants: see the distances",
        )
    if cause == judge.RANDOM_STREAMS:
        return (
            f"{what} draw different random numbers in {scenarios}: backends turn one seed into different streams.",
            "both sides drew from one seed and got other numbers; given one shared stream, the float64 twins are equal",
        )
    if cause == judge.UNKNOWN:
        return (
            f"{what} differ in {scenarios}, and their strategies declare the same: a bug, or a cause without a name.",
            f"{twins}; no further check was run: cause not known",
        )
    if cause == judge.CONSTANT:
        return f"{what} differ in {scenarios} by about a float32 rounding of a constant.", "the float64 twins differ by it"
    return f"{what} in {scenarios}: {cause or verdict.value}.", "no check was run to isolate this"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _evidence(members: Iterable[Pair | View]) -> str:
    """The largest difference among the members: quantity, metric, step, tensor, float32 and float64 size."""
    worst: tuple[float, str] = (-1.0, "")
    for one in members:
        for judged in one.quantities:
            if judged.verdict is one.verdict and (text := _largest(judged, identity(one)))[0] > worst[0]:
                worst = text
    return worst[1] or "no numbers: see the reasons given"


def _largest(judged: Judged, name: str) -> tuple[float, str]:
    twin = judge.twin_distance(judged.distances)
    numbers = {metric: value for metric, value in judged.distances.at[-1].plain.items()} if judged.distances.at else {}
    shown = ", ".join(f"{metric} {value:.1e}" for metric, value in list(numbers.items())[:3])
    first = f"; first at step {judged.first_step}" if judged.first_step else ""
    where = f", most in {judged.worst_tensor}" if judged.worst_tensor else ""
    size = twin if twin is not None else max(numbers.values(), default=0.0)
    double = f"; float64 twins {twin:.1e} apart" if twin is not None else ""
    return size, f"largest: {judged.quantity}, {shown}{where}{first}{double} ({name})"
