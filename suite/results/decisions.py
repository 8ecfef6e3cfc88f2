"""What a reader plans to do, and whether results stay the same: the one table that every format shows first.

Each pair and check belongs to exactly one plan. A plan is safe only if everything that it needs was compared and agrees.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from suite.plan import locations
from suite.records import Code, Environment, Finding, Member, Move, Pair, Results, Run, RunRow, Verdict

AGREE = (Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.NOISE)
CHANGED = (Verdict.BY_DESIGN, Verdict.DIFFERENT, Verdict.INVALID)


class Plan(enum.Enum):
    """What a reader plans to do, in the order of the table."""

    BACKEND = "change the backend"
    BACKEND_ON_SEVERAL = "change the backend on several devices"
    GPU = "go from CPU to GPU"
    UPGRADE = "upgrade"
    PRECISION = "change precision or kernels"
    DEVICES = "go from one device to several"
    SAVE = "save and reload"
    SAVE_ON_SEVERAL = "save and reload after several devices"
    STRATEGY = "change the strategy"
    SEVERAL = "change several of these at once"
    ALONE = "trust one run by itself"


ALWAYS = (Plan.BACKEND, Plan.GPU, Plan.UPGRADE, Plan.DEVICES, Plan.SAVE)  # asked by everybody: a gap is an answer


class Safety(enum.Enum):
    """The answer to a plan, from best to worst."""

    SAFE = "safe"
    EXCEPT = "safe, except"
    UNDECIDED = "undecided"
    CHANGES = "changes results"
    NOT_COMPARED = "not compared"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a plan is not simply safe: these of its members do not agree, or have no result, because of this finding; None
    where no finding covers them."""

    finding: Finding | None
    members: tuple[Member, ...]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One row. `environments`: whose it is, of plans that are about one; `devices`: how many the sides have, where that is
    not one. `lost`: configurations, jobs and scenarios that failed, that it needed, and that no member tells of. `moves`: of
    an upgrade that only a baseline shows, what is worse since."""

    plan: Plan
    safety: Safety
    environments: tuple[str, ...] = ()
    devices: tuple[int, ...] = ()
    members: tuple[Member, ...] = ()
    reasons: tuple[Reason, ...] = ()
    lost: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Table:
    """The decisions about some scenarios: the user's own, or those that are built in."""

    own: bool
    scenarios: tuple[str, ...]
    decisions: tuple[Decision, ...]

    @property
    def safe(self) -> bool:
        """Whether every plan that was looked at is safe."""
        return all(one.safety in (Safety.SAFE, Safety.NOT_COMPARED) for one in self.decisions)


def tables(results: Results) -> tuple[Table, ...]:
    """One for the user's own scenarios, then one for the built-in ones; of both kinds only those that were run."""
    built_in = {row.name for row in results.scenarios if is_built_in(row.source)}
    own = tuple(row.name for row in results.scenarios if row.name not in built_in)
    kinds = ((True, own), (False, tuple(row.name for row in results.scenarios if row.name in built_in)))
    found = [Table(own=mine, scenarios=names, decisions=_decisions(results, names)) for mine, names in kinds if names]
    return tuple(found) or (Table(own=False, scenarios=(), decisions=_decisions(results, ())),)


def is_built_in(source: str) -> bool:
    """Whether a scenario's file is one of those that the suite brings, in this checkout or another."""
    folder, _, file = source.replace("\\", "/").rpartition("/")
    return folder.rpartition("/")[2] in ("scenarios", "selftest") and any(
        (place / file).is_file() for place in (locations.SCENARIOS, locations.SCENARIOS / "selftest")
    )


def _decisions(results: Results, scenarios: Collection[str]) -> tuple[Decision, ...]:
    environments = {one.environment.name: one.environment for one in results.environments}
    packages = {one.environment.name: dict(one.packages) for one in results.environments}
    grouped: dict[tuple[Plan, str], list[Member]] = {(plan, ""): [] for plan in ALWAYS}
    for member in results.members:
        if member.scenario in scenarios:
            plan = plan_of(member, environments, packages)
            whose = member.runs[0].configuration.environment if plan is Plan.DEVICES else ""
            grouped.setdefault((plan, whose), []).append(member)
    if len(grouped) > len({plan for plan, _ in grouped}):
        grouped.pop((Plan.DEVICES, ""))
    order = list(Plan)
    found = [
        _decision(results, plan, members, scenarios)
        for (plan, _), members in sorted(grouped.items(), key=lambda entry: order.index(entry[0][0]))
    ]
    every = list(_merged(results, found))
    return tuple(sorted(every, key=_place) if any(one.members for one in every) else every)


def _place(decision: Decision) -> int:
    """What nothing was run for comes last: nobody has asked it. What lacks devices comes before what lacks environments."""
    return 0 if decision.members else 1 if decision.plan is Plan.DEVICES else 2


def plan_of(member: Member, environments: Mapping[str, Environment], packages: Mapping[str, Mapping[str, str]]) -> Plan:
    """The one plan that a pair or check is about. `packages`: environment -> package -> version."""
    if not isinstance(member, Pair):
        several = member.run.configuration.devices > 1
        if member.kind in ("saved", "resumed", "reloaded"):
            return Plan.SAVE_ON_SEVERAL if several else Plan.SAVE
        return Plan.DEVICES if several else Plan.ALONE
    a, b = (run.configuration for run in member.runs)
    first, second = (environments.get(one.environment, Environment(name=one.environment, backend="")) for one in (a, b))
    changes = [
        plan
        for plan, apart in (
            (Plan.BACKEND, (first.backend or first.name) != (second.backend or second.name)),
            (Plan.GPU, first.device != second.device),
            (Plan.DEVICES, a.devices != b.devices),
        )
        if apart
    ]
    if len(changes) > 1 or (changes == [Plan.DEVICES] and first.name != second.name):
        return Plan.SEVERAL
    if changes == [Plan.BACKEND] and a.devices > 1:
        return Plan.BACKEND_ON_SEVERAL
    if changes:
        return changes[0]
    if first.name == second.name:
        return Plan.STRATEGY
    moved = packages.get(first.name) != packages.get(second.name)
    return Plan.UPGRADE if moved or _numerics(first) == _numerics(second) else Plan.PRECISION


def _numerics(environment: Environment) -> tuple[str, bool]:
    return environment.precision, environment.deterministic


def _decision(results: Results, plan: Plan, members: Sequence[Member], scenarios: Collection[str]) -> Decision:
    runs = [run for member in members for run in member.runs]
    whose = tuple(dict.fromkeys(run.configuration.environment for run in runs))
    lost = _lost(results, plan, runs, scenarios)
    reasons = _reasons(results.findings, members)
    moves = _worse(results, scenarios) if plan is Plan.UPGRADE and not members else ()
    return Decision(
        plan=plan,
        safety=Safety.CHANGES if moves else _safety(members, reasons, lost),
        environments=whose if plan is Plan.DEVICES else (),
        devices=tuple(sorted({run.configuration.devices for run in runs} - {1})),
        members=tuple(members),
        reasons=reasons,
        lost=lost if members else (),
        moves=moves,
    )


def _worse(results: Results, scenarios: Collection[str]) -> tuple[Move, ...]:
    """What is worse than in a baseline of different packages. That nothing is, shows no upgrade to be safe: verdicts were
    compared, and no numbers."""
    change = results.change
    if change is None or not any(move.about == "environment" for move in change.moves):
        return ()
    worse = (move for move in change.moves if move.about == "verdict" and move.how == "worse")
    return tuple(move for move in worse if move.name.partition("/")[0] in scenarios)


# ---------------------------------------------------------------- what is needed, and is not there


def _lost(results: Results, plan: Plan, runs: Sequence[Run], scenarios: Collection[str]) -> tuple[str, ...]:
    """Configurations of which a run broke where a plan needs it, jobs, and scenarios that could not be read: what these
    would have shown is not known. A pair that lacks a side says so itself."""
    places = {(run.configuration.environment, run.configuration.devices) for run in runs}
    saves = plan in (Plan.SAVE, Plan.SAVE_ON_SEVERAL)
    found = [
        row.run.configuration.id
        for row in results.runs
        if _needs(row, places, saves, plan) and row.run.configuration.scenario in scenarios
    ]
    jobs = [one.job for one in results.jobs if one.status.broken]
    found += [job for job in jobs if saves or not job.startswith("reload/")]
    return tuple(dict.fromkeys([*found, *(one.name for one in results.broken)]))


def _needs(row: RunRow, places: Collection[tuple[str, int]], saves: bool, plan: Plan) -> bool:
    """Whether a plan misses the run: it broke, and either no pair shows that or it has no file to look at."""
    if not row.status.broken:
        return False
    one = row.run.configuration
    if saves and row.run.kind == "plain":
        return (one.devices > 1) == (plan is Plan.SAVE_ON_SEVERAL)
    return row.run.kind != "plain" and (one.environment, one.devices) in places


# ---------------------------------------------------------------- the answer


def _reasons(findings: Iterable[Finding], members: Sequence[Member]) -> tuple[Reason, ...]:
    """The findings that cover what does not agree, in their order; last, what none covers."""
    apart = {member.id: member for member in members if member.verdict not in AGREE}
    found = []
    for finding in findings:
        covered = [apart[member.id] for member in finding.members if member.id in apart]
        if covered:
            found.append(Reason(finding=finding, members=tuple(covered)))
    named = {member.id for reason in found for member in reason.members}
    if left := [member for name, member in apart.items() if name not in named]:
        found.append(Reason(finding=None, members=tuple(left)))
    return tuple(found)


def _safety(members: Sequence[Member], reasons: Sequence[Reason], lost: Sequence[str]) -> Safety:
    """By scenarios: "except" says that fewer of them change, or stay open, than agree."""
    if all(member.verdict is Verdict.NOT_RUN for member in members):
        return Safety.NOT_COMPARED
    if not reasons and not lost:
        return Safety.SAFE
    off = {member.id: _off(reason) for reason in reversed(reasons) for member in reason.members}  # the worst reason counts
    states = [
        _state([member for member in members if member.scenario == name], off)
        for name in dict.fromkeys(member.scenario for member in members)
    ]
    agreed = states.count("sound") + states.count("partly")
    if states.count("changed") > agreed:
        return Safety.CHANGES
    return Safety.UNDECIDED if states.count("open") > agreed else Safety.EXCEPT


def _off(reason: Reason) -> str:
    """The environment that is off; empty if none was shown to be."""
    return reason.finding.environment if reason.finding and reason.finding.verdict in CHANGED else ""


def _state(members: Sequence[Member], off: Mapping[str, str]) -> str:
    """Of one scenario: "sound", "changed", "partly" (one environment is off, or something is not supported, and the others
    agree; or files hold what was trained, and give something else elsewhere) or "open"."""
    apart = [member for member in members if member.verdict not in AGREE]
    if not apart:
        return "sound"
    if len(apart) < len(members) and all(_is_unsupported(member) for member in apart):
        return "partly"
    if all(member.kind == "reloaded" for member in apart) and any(member.kind != "reloaded" for member in members):
        return "partly"
    wrong = {off.get(member.id, "") for member in apart}
    others = [member for member in members if wrong.isdisjoint(_environments(member))]
    if "" not in wrong and others and all(member.verdict in AGREE for member in others):
        return "partly"
    return "changed" if any(member.verdict in CHANGED for member in apart) else "open"


def _environments(member: Member) -> set[str]:
    """Where it ran, and where its file was loaded."""
    loaded = set() if isinstance(member, Pair) else {member.environment}
    return loaded | {run.configuration.environment for run in member.runs}


def _is_unsupported(member: Member) -> bool:
    return member.verdict is Verdict.NOT_RUN and any(cause.code == Code.UNSUPPORTED for cause in member.causes)


def _merged(results: Results, decisions: Iterable[Decision]) -> Iterator[Decision]:
    """Environments that have one answer share a row."""
    found: dict[object, list[Decision]] = {}
    for one in decisions:
        found.setdefault((one.plan, one.safety, one.devices), []).append(one)
    for alike in found.values():
        members = tuple(member for one in alike for member in one.members)
        environments = tuple(dict.fromkeys(name for one in alike for name in one.environments))
        lost = tuple(dict.fromkeys(name for one in alike for name in one.lost))
        reasons = _reasons(results.findings, members)
        yield replace(alike[0], environments=environments, members=members, reasons=reasons, lost=lost)
