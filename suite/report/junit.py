"""junit.xml: a test case for every run, pair and check, so that a CI server shows which one changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from suite.records import Code, ConsistencyCheck, Member, Outcome, Results, RunRow, Status, Verdict
from suite.report import causes

COUNTS = {"failure": "failures", "error": "errors", "skipped": "skipped"}
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0; logs of terminals have them


def text(results: Results) -> str:
    """A verdict at the gate or worse = failure; a run that broke, or its pair = error; unsupported = skipped;
    an accepted difference that would fail = skipped, with the reason why it is accepted."""
    known = results.excused
    gate = Verdict(results.plan.options.gate).rank
    root = ElementTree.Element("testsuites", name="keras-parity")
    for name, cases in (
        ("runs", [_run(row) for row in results.runs]),
        ("jobs", [_job(job) for job in results.jobs]),
        ("pairs", [_compared(pair, " – ".join(run.id for run in pair.runs), gate, known) for pair in results.pairs]),
        ("checks", [_check(check, gate, known) for check in results.checks]),
        ("broken", [_case(one.source, one.name, "error", f"{one.source}: {one.reason}") for one in results.broken]),
    ):
        suite = ElementTree.SubElement(root, "testsuite", name=name, tests=str(len(cases)))
        for kind, plural in COUNTS.items():
            suite.set(plural, str(sum(case.find(kind) is not None for case in cases)))
        suite.extend(cases)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _run(row: RunRow) -> ElementTree.Element:
    case = _ended(row.run.configuration.scenario, row.run.id, row)
    case.set("time", f"{row.seconds:.3f}")
    return case


def _job(job: Outcome) -> ElementTree.Element:
    return _ended("jobs", job.job, job)


def _ended(group: str, name: str, one: RunRow | Outcome) -> ElementTree.Element:
    """How a run or job ended, and how its first attempt died, if it had two."""
    kind = "" if one.status is Status.COMPLETE else "error" if one.status.broken else "skipped"
    case = _case(group, name, kind, f"{one.status.value}: {one.reason}" if kind else "", one.log)
    if one.died:
        ElementTree.SubElement(case, "system-out").text = _legal(f"the first attempt died: {one.died}")
    return case


def _check(check: ConsistencyCheck, gate: int, accepted: Mapping[str, str]) -> ElementTree.Element:
    last = f"replica {check.replica}" if check.kind == "replica" else f"{check.environment} {check.form}"
    return _compared(check, f"{check.run.id}: {check.kind}, {last}", gate, accepted)


def _compared(member: Member, name: str, gate: int, accepted: Mapping[str, str]) -> ElementTree.Element:
    reason = accepted.get(member.id, "")
    if member.verdict is Verdict.NOT_RUN:
        kind = "skipped" if any(cause.code == Code.UNSUPPORTED for cause in member.causes) else "error"
    else:
        kind = "" if member.verdict.rank < gate else "skipped" if reason else "failure"
    known = f"accepted ({reason})" if kind == "skipped" and reason else ""
    message = ": ".join(part for part in (known, member.verdict.value, causes.words(member.causes)) if part)
    return _case(member.scenario, name, kind, message if kind else "")


def _case(group: str, name: str, kind: str, message: str, body: str = "") -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=_legal(group), name=_legal(name))
    if kind:
        ElementTree.SubElement(case, kind, message=_legal(message)).text = _legal(body)
    return case


def _legal(words: str) -> str:
    return FORBIDDEN.sub("", words)
