"""What was reported where nothing is injected: clean pairs and checks, alarms, and known defects of backends."""

from __future__ import annotations

from collections.abc import Iterator

from suite.judge.composing import EXPECTED
from suite.records import Cause, Code, ConsistencyCheck, Member, Pair, Results, Run, Verdict
from suite.selftest.catalogue import BY_NAME
from suite.selftest.defects import known_defect

OFF = (Verdict.DIFFERENT, Verdict.INVALID)


class Clean:
    """What was reported for the runs in which nothing is injected, or something that is no fault."""

    def __init__(self, results: Results) -> None:
        self.pairs, self.checks = list[Pair](), list[ConsistencyCheck]()
        alarms, defects = list[str](), list[str]()
        for member in results.members:
            if member.verdict is Verdict.NOT_RUN or not is_clean(results, member):
                continue
            unknown = unexplained(member, results) if member.verdict in OFF else ()
            if member.verdict in OFF and not unknown:
                defects += _defects(member, results)
                continue
            alarms += [f"{member.id}: {'; '.join(cause.identity for cause in unknown)}"] if unknown else []
            if isinstance(member, Pair):
                self.pairs.append(member)
            else:
                self.checks.append(member)
        self.alarms, self.defects = tuple(alarms), tuple(dict.fromkeys(defects))


def is_clean(results: Results, member: Member) -> bool:
    """Whether no fault is injected in any of its runs, or in what an environment computes for them."""
    faulty = {(scenario, one.environment.name) for one in results.environments for scenario, _ in one.environment.faults}
    environments = {run.configuration.environment for run in member.runs}
    environments |= {member.environment} if isinstance(member, ConsistencyCheck) else set()
    return all(_clean(run) for run in member.runs) and not any((member.scenario, name) in faulty for name in environments)


def _clean(run: Run) -> bool:
    return run.configuration.fault.partition("@")[0] not in BY_NAME


def unexplained(member: Member, results: Results) -> tuple[Cause, ...]:
    """The causes of a difference that are no known defect of a backend, and that nobody declared; all of them where none is
    a known defect, because what is declared is no difference."""
    causes = member.causes or (Cause(code=Code.UNKNOWN),)
    known = [cause for cause in causes if known_defect(cause, member, results)]
    rest = [cause for cause in causes if cause.code not in EXPECTED and cause not in known]
    return tuple(rest) if known else causes


def _defects(member: Member, results: Results) -> Iterator[str]:
    for cause in member.causes:
        if defect := known_defect(cause, member, results):
            yield f"{member.scenario}: {defect}"
