"""comparisons.csv, tensors.csv and findings.csv: the same rows as the page, for spreadsheets and notebooks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from suite.records import Pair, Results
from suite.report import answer, causes, findings, payload

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is computed by a spreadsheet: names come from plugins

COMPARISONS = ("id", "kind", "scenario", "a", "b", "verdict", "decided by", "codes", "cause")
TENSORS = ("comparison", "quantity", "tensor", "group", "distance", "ulp at the first step", "bits equal")
FINDINGS = (
    "number",
    "group",
    "verdict",
    "what",
    "how much",
    "what to do",
    "off",
    "covers",
    "fingerprint",
    "accepted",
    "command",
)


def comparisons(results: Results) -> str:
    """One row for each pair and check."""
    rows = []
    for member in results.members:
        a, b = (run.id for run in member.runs) if isinstance(member, Pair) else (member.run.id, member.environment)
        codes = " ".join(cause.code for cause in member.causes)
        words = causes.words(member.causes)
        rows.append(
            (member.id, member.kind, member.scenario, a, b, member.verdict.value, payload.decided(member), codes, words)
        )
    return _text(COMPARISONS, rows)


def tensors(results: Results) -> str:
    """One row for each tensor that is not bit-equal, of each quantity of each pair and check, as far as they are kept."""
    return _text(
        TENSORS,
        (
            (member.id, judged.quantity, one.name, one.group or "", f"{one.value:.4g}", f"{one.ulp:.4g}", one.bits)
            for member in results.members
            for judged in member.quantities
            for one in judged.distances.tensors
            if not one.bits
        ),
    )


def causes_found(results: Results) -> str:
    """One row for each finding, in its three lines."""
    rows = []
    for number, one in enumerate(findings.worded(results), 1):
        finding = one.finding
        said = (one.claim, one.effect, one.advice, one.off, len(finding.members), finding.fingerprint, finding.accepted)
        rows.append((number, answer.group(finding), finding.verdict.value, *said, one.repeat))
    return _text(FINDINGS, rows)


def _text(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    """Text that no spreadsheet takes for a formula."""
    words = str(value)
    return f"'{words}" if words.startswith(FORMULA) else words
