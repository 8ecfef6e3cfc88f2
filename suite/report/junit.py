"""junit.xml: a test case for every run, pair and check, so that a CI server shows which one changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from suite.records import ConsistencyCheck, Pair, Results, RunRow, Status, Verdict
from suite.report import summary

COUNTS = {"failure": "failures", "error": "errors", "skipped": "skipped"}
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0; logs of terminals have them


def text(results: Results) -> str:
    """A verdict at the gate or worse = failure; a run that broke, or its pair = error; unsupported = skipped;
    a known difference that would fail = skipped, with the reason why it is accepted."""
    known = summary.known(results)
    gate = Verdict(results.plan.options.gate).rank
    statuses = {row.run.id: row.status for row in results.runs}
    root = ElementTree.Element("testsuites", name="keras-parity")
    for name, cases in (
        ("runs", [_run(row) for row in results.runs]),
        ("pairs", [_pair(pair, gate, statuses, known) for pair in results.pairs]),
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
    kind = "" if row.status is Status.COMPLETE else "error" if row.status.broken else "skipped"
    message = f"{row.status.value}: {row.reason}" if kind else ""
    case = _case(row.run.configuration.scenario, row.run.id, kind, message, row.log)
    case.set("time", f"{row.seconds:.3f}")
    if row.died:
        ElementTree.SubElement(case, "system-out").text = _legal(f"the first attempt died: {row.died}")
    return case


def _pair(pair: Pair, gate: int, statuses: Mapping[str, Status], known: Mapping[str, str]) -> ElementTree.Element:
    """A pair is skipped only if nothing but missing support is in its way."""
    sides = {statuses.get(run, Status.PLANNED) for run in (pair.a, pair.b)}
    refused = Status.UNSUPPORTED in sides and not any(status.broken for status in sides)
    return _compared(pair, f"{pair.a} – {pair.b}", gate, unsupported=refused, reason=known.get(pair.id, ""))


def _check(check: ConsistencyCheck, gate: int, known: Mapping[str, str]) -> ElementTree.Element:
    last = f"replica {check.replica}" if check.kind == "replica" else f"{check.environment} {check.form}"
    refused = check.cause.startswith(Status.UNSUPPORTED.value)
    return _compared(check, f"{check.run}: {check.kind}, {last}", gate, unsupported=refused, reason=known.get(check.id, ""))


def _compared(one: Pair | ConsistencyCheck, name: str, gate: int, *, unsupported: bool, reason: str) -> ElementTree.Element:
    if one.verdict is Verdict.NOT_RUN:
        kind = "skipped" if unsupported else "error"
    else:
        kind = "" if one.verdict.rank < gate else "skipped" if reason else "failure"
    known = f"known ({reason})" if kind == "skipped" and reason else ""
    message = ": ".join(part for part in (known, one.verdict.value, summary.cause(one.cause)) if part)
    return _case(one.scenario, name, kind, message if kind else "")


def _case(group: str, name: str, kind: str, message: str, body: str = "") -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=_legal(group), name=_legal(name))
    if kind:
        ElementTree.SubElement(case, kind, message=_legal(message)).text = _legal(body)
    return case


def _legal(words: str) -> str:
    return FORBIDDEN.sub("", words)
