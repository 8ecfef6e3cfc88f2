"""What changed between two `Results`. It never says that nothing changed without having compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields

from suite.records import Change, Finding, Member, Move, Options, Pair, Results, Verdict
from suite.results.decisions import AGREE

HOW = ("worse", "new", "gone", "better", "changed")
GOALPOSTS = ("environment", "limit", "option", "scenario")
SETTLED = Verdict.BY_DESIGN.rank  # up to here, a verdict where there was none is good news
OPEN = (Verdict.INCONCLUSIVE, Verdict.NOT_RUN)  # why something is open changes from run to run, and decides nothing


def since(baseline: Results, now: Results, name: str) -> Change:
    """What moved from the baseline, called `name`, to now."""
    before, after = _members(baseline), _members(now)
    common = before.keys() & after.keys()
    if (before or after) and not common:
        return incomparable(name, _nothing_in_common(baseline, now))
    gate = Verdict(now.plan.options.gate)
    moves = (*_verdicts(before, after, gate), *_findings(baseline, now, gate), *_goalposts(baseline, now))
    moved = {move.name for move in moves if move.about in ("verdict", "cause")}
    was, is_now = ({row.name for row in results.scenarios} for results in (baseline, now))
    return Change(
        baseline=name,
        generated=baseline.generated,
        plan=baseline.plan.digest,
        moves=moves,
        same=len(common - moved),
        only_before=tuple(sorted(was - is_now)),
        only_now=tuple(sorted(is_now - was)),
    )


def incomparable(name: str, reason: str) -> Change:
    """Nothing was compared, for a reason that is a sentence part."""
    return Change(baseline=name, incomparable=reason)


def is_worse(change: Change, gate: str) -> bool:
    """Whether a pair or check is worse than it was, or new and as bad as the gate."""
    bad = {verdict.value for verdict in Verdict if verdict.rank >= Verdict(gate).rank}
    verdicts = [move for move in change.moves if move.about == "verdict"]
    return any(move.how == "worse" or (move.how == "new" and move.now in bad) for move in verdicts)


def _nothing_in_common(baseline: Results, now: Results) -> str:
    was, is_now = ({row.name for row in one.scenarios} for one in (baseline, now))
    if not was & is_now:
        return f"it compared {_list(was)}, and this run {_list(is_now)}: no scenario is in both"
    return "the two runs share no pair and no check, because their environments, strategies or numbers of devices differ"


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "no scenario"


# ---------------------------------------------------------------- verdicts and causes


def _members(results: Results) -> dict[str, Member]:
    """Pairs and checks by their name; a pair is the same whichever side comes first."""
    return {_name(member): member for member in results.members}


def _name(member: Member) -> str:
    return " | ".join(sorted(run.id for run in member.runs)) if isinstance(member, Pair) else member.id


def _verdicts(before: Mapping[str, Member], after: Mapping[str, Member], gate: Verdict) -> Iterator[Move]:
    for name in (*before, *(name for name in after if name not in before)):
        was, now = before.get(name), after.get(name)
        how = _how(was.verdict if was else None, now.verdict if now else None, gate)
        if how:
            words = (was.verdict.value if was else "", now.verdict.value if now else "")
            yield Move(about="verdict", name=name, how=how, before=words[0], now=words[1])
        elif was and now and now.verdict not in OPEN and _causes(was) != _causes(now):
            yield Move(about="cause", name=name, how="changed", before=_causes(was), now=_causes(now))


def _causes(member: Member | Finding) -> str:
    """What the causes are, without their numbers and without anybody's words."""
    return "; ".join(cause.identity for cause in member.causes)


def _how(was: Verdict | None, now: Verdict | None, gate: Verdict) -> str:
    """Empty: as it was, or equal in another way that the gate lets through. A result where there was none is better or new;
    none where there was one is worse."""
    if was is now or (was in AGREE and now in AGREE and now.rank < gate.rank):
        return ""
    if was is None or now is None:
        return "new" if was is None else "gone"
    if was is Verdict.NOT_RUN:
        return "better" if now.rank <= SETTLED else "new"
    return "worse" if now.rank > was.rank else "better"


# ---------------------------------------------------------------- findings


def _findings(baseline: Results, now: Results, gate: Verdict) -> Iterator[Move]:
    """By fingerprint; those without one by their cause and what they cover. What is open in both is no news."""
    open_in_both = _open(baseline) & _open(now)
    before, after = (
        {_key(one): one for one in results.findings if not {_name(member) for member in one.members} <= open_in_both}
        for results in (baseline, now)
    )
    for name, one in before.items():
        if name not in after:
            yield Move(about="finding", name=name, how="gone", before=_causes(one))
        elif after[name].verdict is not one.verdict:
            verdicts = one.verdict, after[name].verdict
            if how := _how(*verdicts, gate):
                yield Move(about="finding", name=name, how=how, before=verdicts[0].value, now=verdicts[1].value)
    for name, one in after.items():
        if name not in before:
            yield Move(about="finding", name=name, how="new", now=_causes(one))


def _open(results: Results) -> set[str]:
    return {_name(member) for member in results.members if member.verdict in OPEN}


def _key(finding: Finding) -> str:
    first = min((member.id for member in finding.members), default="nothing")
    return finding.fingerprint or f"{_causes(finding) or finding.verdict.value} in {first}"


# ---------------------------------------------------------------- what the verdicts rest on


def _goalposts(baseline: Results, now: Results) -> Iterator[Move]:
    """Environments, limits, options and scenarios: a verdict may have moved because these did."""
    for about, of in READERS:
        before, after = of(baseline), of(now)
        for name in (*before, *(name for name in after if name not in before)):
            if before.get(name) != after.get(name):
                how = "new" if name not in before else "gone" if name not in after else "changed"
                yield Move(about=about, name=name, how=how, before=before.get(name, ""), now=after.get(name, ""))


def _environments(results: Results) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in results.environments:
        name = one.environment.name
        found[name] = f"unavailable: {one.reason}" if one.reason else "ready"
        found |= {f"{name}: {package}": version for package, version in one.packages.items()}
        found |= {f"{name}: variable {key}": value for key, value in one.environment.variables}
        found |= {f"{name}: {key}": str(getattr(one.environment, key)) for key in ("device", "precision", "deterministic")}
    return found | _facts(results)


def _facts(results: Results) -> dict[str, str]:
    """What the plain runs of an environment and strategy report of themselves, every value that occurs."""
    seen: dict[str, list[str]] = {}
    for row in results.runs:
        configuration = row.run.configuration
        for fact, value in row.facts.items() if row.run.kind == "plain" else ():
            if fact in PER_SCENARIO:
                continue
            name = f"{configuration.environment} {configuration.strategy} ×{configuration.devices}: {fact}"
            values = seen.setdefault(name, [])
            if value not in values:
                values.append(value)
    packages = {f"{one.environment.name}: {package}" for one in results.environments for package in one.packages}
    told = {name for name in seen if f"{name.split(' ')[0]}: {name.rpartition(': ')[2]}" in packages}
    return {name: ", ".join(sorted(values)) for name, values in seen.items() if name not in told}


PER_SCENARIO = ("optimizer", "dtype policy")  # a fact of the model and its recipe, which its digest tells


def _limits(results: Results) -> dict[str, str]:
    return {limit.name: f"{limit.value:g}" for limit in results.limits}


def _options(results: Results) -> dict[str, str]:
    options = results.plan.options
    return {one.name: str(getattr(options, one.name)) for one in fields(Options)}


def _scenarios(results: Results) -> dict[str, str]:
    return {row.name: row.digest[:12] for row in results.scenarios}


READERS: tuple[tuple[str, Callable[[Results], dict[str, str]]], ...] = (
    ("environment", _environments),
    ("limit", _limits),
    ("option", _options),
    ("scenario", _scenarios),
)
