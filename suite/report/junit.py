"""junit.xml: a test case for every run, pair and view, so that a CI server shows which one changed."""

from __future__ import annotations

from xml.etree import ElementTree

from suite.records import Pair, Results, RunRow, Status, Verdict, View
from suite.report.summary import label


def text(results: Results) -> str:
    """Difference at or beyond the gate = failure, a run that broke = error, unsupported = skipped."""
    gate = Verdict(results.plan.options.gate).rank
    root = ElementTree.Element("testsuites", name="keras-parity")
    for name, cases in (
        ("runs", [_run(row) for row in results.runs]),
        ("pairs", [_compared(pair, f"{label(pair.a)} – {label(pair.b)}", gate) for pair in results.pairs]),
        ("views", [_compared(view, _name(view), gate) for view in results.views]),
        ("scenarios", [_case("broken", one.name, "error", f"{one.source}: {one.reason}") for one in results.broken]),
    ):
        suite = ElementTree.SubElement(root, "testsuite", name=name, tests=str(len(cases)))
        for kind in ("failure", "error", "skipped"):
            found = sum(case.find(kind) is not None for case in cases)
            suite.set({"failure": "failures", "error": "errors", "skipped": "skipped"}[kind], str(found))
        suite.extend(cases)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _name(view: View) -> str:
    last = f"replica {view.replica}" if view.kind == "replica" else f"{view.environment} {view.form}"
    return f"{label(view.run)}: {view.kind}, {last}"


def _run(row: RunRow) -> ElementTree.Element:
    kind = "" if row.status is Status.COMPLETE else "skipped" if row.status is Status.UNSUPPORTED else "error"
    message = f"{row.status.value}: {row.reason}" if kind else ""
    case = _case(row.run.configuration.scenario, row.run.id, kind, message, row.log)
    case.set("time", f"{row.seconds:.3f}")
    return case


def _compared(one: Pair | View, name: str, gate: int) -> ElementTree.Element:
    kind = "failure" if one.verdict.rank >= gate else ""
    if one.verdict is Verdict.NOT_RUN:
        kind = "skipped" if one.cause.startswith(Status.UNSUPPORTED.value) else "error"
    return _case(one.scenario, name, kind, f"{one.verdict.value}: {one.cause}" if kind else "")


def _case(group: str, name: str, kind: str, message: str, body: str = "") -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=_legal(group), name=_legal(name))
    if kind:
        ElementTree.SubElement(case, kind, message=_legal(message)).text = _legal(body)
    return case


def _legal(words: str) -> str:
    """Without the control characters that XML forbids and terminals print."""
    return "".join(letter for letter in words if letter in "\t\n" or ord(letter) >= 32)
