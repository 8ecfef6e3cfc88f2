"""The table of the first screen in words: what you plan, and what that does to results."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from suite.artifacts import names
from suite.records import Results, Verdict
from suite.report import answer, brief, effects, findings
from suite.results.decisions import Decision, Plan, Reason, Safety, Table, tables

# Composed of other plans, or no plan: shown only where they add a reason.
EXTRA = (Plan.BACKEND_ON_SEVERAL, Plan.SEVERAL, Plan.ALONE)
# What to do where nothing was compared.
TO_COMPARE = {
    Plan.BACKEND: "add environments",
    Plan.DEVICES: "give --devices 1,2",
    Plan.GPU: "add environments",
    Plan.UPGRADE: "add environments",
}
HIDDEN = "by less than float32 rounding"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One plan in words. `where`, `reason`, `effect`, `cure`: of its first reason; `finding`: that reason's number in the
    report, from 1, 0 if there is none; `numbers`: those of all its reasons; `more`: how many further reasons there are;
    `worse_behind`: whether one of these needs a decision, and the first does not."""

    decision: Decision
    plan: str
    where: str = ""
    reason: str = ""
    effect: str = ""
    cure: str = ""
    finding: int = 0
    numbers: tuple[int, ...] = ()
    more: int = 0
    worse_behind: bool = False

    @property
    def folded(self) -> bool:
        """Whether it may wait, because it is composed of other plans."""
        return self.decision.plan in EXTRA

    @property
    def decides(self) -> bool:
        """Whether something behind it needs a decision."""
        return any(map(_needs_decision, self.decision.reasons))

    @property
    def answer(self) -> str:
        return self.decision.safety.value

    @property
    def note(self) -> str:
        """Behind the answer: where, what it does to results, and the cure; where one is not known, what it is."""
        reason = self.reason.removeprefix(f"{self.where} ").removeprefix(f"{self.where}: ")
        said = "; ".join(filter(None, (self.effect or reason, self.cure or (reason if self.effect else ""))))
        return f"{self.where}: {said}" if self.where and said else self.where or said

    @property
    def words(self) -> str:
        """As one line."""
        more = f" (and {self.more} more{', needs a decision' if self.worse_behind else ''})" if self.more else ""
        return f"{self.plan}: {self.answer}{' ' if self.where else ': ' if self.note else ''}{self.note}{more}"


def rows(results: Results, table: Table) -> list[Row]:
    """What a reader needs: plans that only repeat the reasons of others are left out, and those that were not looked at
    share a row."""
    numbers = {id(finding): number for number, finding in enumerate(results.findings, 1)}
    said = {id(reason.finding) for one in table.decisions if one.plan not in EXTRA for reason in one.reasons}
    found: list[Row] = []
    for one in table.decisions:
        if one.plan in EXTRA and not _adds(one, said):
            continue
        row = _row(one, table, numbers)
        last = found[-1] if found else None
        if last and not one.members and not last.decision.members and row.note == last.note:
            found[-1] = replace(last, plan=f"{last.plan}, {row.plan}")
        else:
            found.append(row)
    return found


def _adds(decision: Decision, said: Collection[int]) -> bool:
    """Whether it is not safe for a reason that no other row gives."""
    return any(reason.finding is None or id(reason.finding) not in said for reason in decision.reasons)


def _row(decision: Decision, table: Table, numbers: dict[int, int]) -> Row:
    reasons = sorted(decision.reasons, key=lambda reason: _weight(reason, decision.safety))
    row = Row(
        decision=decision,
        plan=plan(decision, table),
        numbers=tuple(numbers[id(reason.finding)] for reason in reasons if reason.finding),
    )
    if not reasons:
        return replace(row, reason=_gap(decision) if table.scenarios else "")
    first = reasons[0]
    return replace(
        row,
        where=_where(first, table, decision),
        reason=_reason(first, decision.plan),
        effect=_effect(first) or _hidden(first),
        cure=brief.cure(first.finding) if first.finding else "",
        finding=numbers[id(first.finding)] if first.finding else 0,
        more=len(reasons) - 1 + bool(decision.lost),
        worse_behind=any(map(_needs_decision, reasons)) and not _needs_decision(first),
    )


def _needs_decision(reason: Reason) -> bool:
    return reason.finding is not None and answer.group(reason.finding) == "decision"


def _effect(reason: Reason) -> str:
    return effects.among(reason.members, reason.finding.verdict if reason.finding else None, short=True)


def _hidden(reason: Reason) -> str:
    different = reason.finding is None or reason.finding.verdict is Verdict.DIFFERENT
    return HIDDEN if different and findings.below_rounding(reason.members) else ""


def _weight(reason: Reason, safety: Safety) -> tuple[bool, bool, bool, bool, int]:
    """What changes results first, then what was not decided, then what is accepted or did not run; in each, what needs a
    decision first, and what shows in further training alone last, which counts more where results change anyway; then what
    covers most. A file that is lost is no aside."""
    verdicts = [reason.finding.verdict] if reason.finding else [member.verdict for member in reason.members]
    worst = max(verdicts, key=lambda verdict: verdict.rank)
    aside = bool(reason.finding and reason.finding.accepted) or (worst is Verdict.NOT_RUN and not _is_lost(reason))
    expected = worst not in answer.NEEDS_DECISION
    trained_on = all(member.kind == "resumed" for member in reason.members)
    further = trained_on or _effect(reason) == effects.ONLY_FURTHER
    first, second = (further, expected) if safety is Safety.CHANGES else (expected, further)
    return aside, worst is Verdict.INCONCLUSIVE, first, second, -len(reason.members)


def _is_lost(reason: Reason) -> bool:
    """Whether the file that `save` wrote cannot be loaded even where it was saved."""
    of_file = any(member.kind == "saved" and getattr(member, "form", "") == names.KERAS_FILE for member in reason.members)
    causes = reason.finding.causes if reason.finding else ()
    return of_file and any(brief.CANNOT_BE_LOADED in cause.reason for cause in causes)


def _reason(reason: Reason, of: Plan) -> str:
    """What it is; of an upgrade, with the environment that is off: whether that is the old one decides."""
    if reason.finding is None:
        return f"{len(reason.members)} in no finding"
    what, off = brief.what(reason.finding), reason.finding.environment if of is Plan.UPGRADE else ""
    side = f"{off}: " if off and off not in what else ""
    return f"{'accepted, ' if reason.finding.accepted else ''}{side}{what}"


def _where(reason: Reason, table: Table, decision: Decision) -> str:
    """What a plan that is safe otherwise excepts: files that are loaded elsewhere than they were saved, scenarios, or the
    environment that is off."""
    if decision.safety is not Safety.EXCEPT:
        return ""
    if all(member.kind == "reloaded" for member in reason.members):
        elsewhere = {getattr(member, "environment", "") for member in reason.members}
        return f"loaded in {elsewhere.pop()}" if len(elsewhere) == 1 else "loaded elsewhere"
    found = sorted({member.scenario for member in reason.members})
    if len(found) < len(table.scenarios):
        return found[0] if len(found) == 1 else f"{len(found)} of {len(table.scenarios)} scenarios"
    return reason.finding.environment if reason.finding else ""


def _gap(decision: Decision) -> str:
    """Why a plan without a reason among its members is not safe, or was not compared."""
    if decision.lost:
        return answer.failures(len(decision.lost))
    if decision.moves:
        return f"verdicts that are worse than in the earlier run: {len(decision.moves)}"
    return TO_COMPARE.get(decision.plan, "") if decision.safety is Safety.NOT_COMPARED else ""


def plan(decision: Decision, table: Table) -> str:
    """What is planned, with whose environments and how many devices."""
    devices = " or ".join(str(count) for count in decision.devices)
    others = {one.plan for one in table.decisions}
    if decision.plan is Plan.DEVICES and decision.devices:
        return f"1 → {devices} devices on {answer.listed(decision.environments, 'or')}"
    return {
        Plan.BACKEND: "change the backend" + (", one device" if Plan.BACKEND_ON_SEVERAL in others else ""),
        Plan.BACKEND_ON_SEVERAL: f"change the backend, {devices} devices",
        Plan.SAVE: "save and reload" + (", one device" if Plan.SAVE_ON_SEVERAL in others else ""),
        Plan.SAVE_ON_SEVERAL: f"save and reload, {devices} devices",
        Plan.DEVICES: "more devices",
        Plan.GPU: "CPU → GPU",
    }.get(decision.plan, decision.plan.value)


def title(table: Table) -> str:
    """Whose scenarios a table is about."""
    count = len(table.scenarios)
    if table.own:
        return "Your scenario" if count == 1 else f"Your {count} scenarios"
    return "The built-in scenario" if count == 1 else f"The {count} built-in scenarios"


def document(results: Results) -> dict[str, object]:
    """The first screen as values of JSON. `finding`: its number, from 1; 0 if there is none."""
    return {
        "question": answer.question(results),
        "answer": answer.sentence(results),
        "plans": [
            {
                "scenarios": "own" if table.own else "built-in",
                **{name: getattr(row, name) for name in ("plan", "answer", "note", "finding")},
            }
            for table in tables(results)
            for row in rows(results, table)
        ],
        "counts": answer.counts(results).by_group,
    }


def lines(results: Results) -> Iterator[str]:
    """The first screen as text."""
    yield answer.question(results)
    yield answer.sentence(results)
    found: Sequence[Table] = tables(results)
    for table in found:
        if len(found) > 1:
            yield f"{title(table)}:"
        yield from (f"  {row.words}" for row in rows(results, table))
    yield answer.counted(results)
    yield answer.compared(results)
