"""What every format shows of the same results: counts, groups, names and numbers. The one place that counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from suite.records import Judged, Pair, Results, RunRow, Status, Verdict, View


@dataclass(frozen=True, kw_only=True)
class Group:
    """One row of the overview: scenario -> the members' worst verdict (None: no members) and how many have it."""

    name: str
    worst: Mapping[str, Verdict | None]
    members: Mapping[str, int]


def counts(members: Iterable[Pair | View]) -> dict[Verdict, int]:
    """Verdict -> number of members, in order from best to worst; verdicts that do not occur are left out."""
    found = [one.verdict for one in members]
    return {verdict: found.count(verdict) for verdict in Verdict if verdict in found}


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    return max(verdicts, key=lambda verdict: verdict.rank, default=None)


def side(run: str) -> tuple[str, str, int]:
    """(environment, strategy, devices) of a run id."""
    _, environment, driven, _ = run.split("/", 3)
    strategy, _, devices = driven.rpartition("-x")
    return environment, strategy, int(devices)


def label(run: str) -> str:
    """A run as a person calls it: "torch x2"."""
    environment, _, devices = side(run)
    return f"{environment} ×{devices}"


def labels(results: Results, scenario: str) -> list[str]:
    """The configurations of a scenario as run ids, in the plan's order: environment by environment, few devices first."""
    found = dict.fromkeys(
        row.run.configuration.id + "/plain" for row in results.runs if row.run.configuration.scenario == scenario
    )
    return list(found)


def pair_group(pair: Pair) -> str:
    (first, _, one), (second, _, other) = side(pair.a), side(pair.b)
    if first == second:
        return f"{first}: devices"
    return f"{first} – {second}, " + ("one device" if (one, other) == (1, 1) else "several devices")


VIEW_GROUPS = {"saved": "live – saved", "reloaded": "saved – reloaded elsewhere", "replica": "replica – first replica"}


def overview(results: Results) -> list[Group]:
    """Groups of pairs and views by scenario, each with its worst verdict."""
    grouped: dict[str, dict[str, list[Verdict]]] = {}
    named = [(pair_group(pair), pair) for pair in results.pairs]
    for name, one in [
        *sorted(named, key=lambda entry: _order(entry[0])),
        *((VIEW_GROUPS[v.kind], v) for v in results.views),
    ]:
        grouped.setdefault(name, {}).setdefault(one.scenario, []).append(one.verdict)
    scenarios = [row.name for row in results.scenarios]
    return [
        Group(
            name=name,
            worst={scenario: worst(members.get(scenario, [])) for scenario in scenarios},
            members={scenario: len(members.get(scenario, [])) for scenario in scenarios},
        )
        for name, members in grouped.items()
    ]


def _order(name: str) -> tuple[int, str]:
    return (0 if name.endswith("one device") else 1 if name.endswith(": devices") else 2), name


def failed(results: Results) -> list[RunRow]:
    """Runs that should have given a result and did not, one for each configuration and reason."""
    found: dict[tuple[str, str], RunRow] = {}
    for row in results.runs:
        if row.status.broken:
            found.setdefault((row.run.configuration.id, row.reason), row)
    return list(found.values())


def unsupported(results: Results) -> int:
    return sum(row.status is Status.UNSUPPORTED for row in results.runs)


def number(value: float) -> str:
    """A distance for a person: 0 is exactly 0; everything else has two digits."""
    if value == 0.0:
        return "0"
    if 0.01 <= abs(value) < 1000:
        return f"{value:.3g}"
    return f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e")


def main_metric(judged: Judged) -> str:
    """The metric that speaks for a quantity: the judged one that is largest against its limit at the last step."""
    if not judged.distances.at:
        return ""
    last = judged.distances.at[-1].plain
    known = [metric for metric in last if metric in judged.limits and judged.limits[metric] > 0.0] or list(last)
    return max(known, key=lambda metric: last[metric] / judged.limits.get(metric, 1.0), default="")


def share(part: int, whole: Sequence[object] | int) -> str:
    total = whole if isinstance(whole, int) else len(whole)
    return f"{part} of {total}"
