"""summary.md: the answer, why, what failed and every matrix, for a CI job's summary page."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from suite.records import Finding, Pair, Results, Verdict
from suite.report import summary

LONGEST = 200_000  # bytes: a fifth of what common CI servers show, and far more than anybody reads
CUT = "\nCut here: index.html and results.json hold the rest."


def text(results: Results) -> str:
    """At most LONGEST bytes: what matters most comes first."""
    lines: list[str] = []
    size = len(CUT.encode()) + 1
    for line in itertools.chain(_top(results), _why(results), _failed(results), _overview(results), _matrices(results)):
        size += len(line.encode()) + 1
        if size > LONGEST:
            lines.append(CUT)
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def _top(results: Results) -> Iterator[str]:
    yield f"# {_plain(results.answer)}"
    yield ""
    for noun, members in (("pairs", results.pairs), ("views", results.views)):
        counted = summary.counts(members)
        words = ", ".join(f"{verdict.mark} {count} {verdict.value}" for verdict, count in counted.items())
        yield f"{len(members)} {noun}" + (f": {words}" if words else "")
        yield ""
    yield f"{_plain(results.generated)}, plan {results.plan.digest[:12]}, exit code {results.exit_code}: `{_code(results.plan.command)}`"


def _why(results: Results) -> Iterator[str]:
    if results.findings:
        yield from ("", "## Why", "")
    for finding in results.findings:
        yield from _finding(finding)


def _finding(one: Finding) -> Iterator[str]:
    yield f"- **{one.verdict.mark} {one.verdict.value}**: {_plain(one.claim)}"
    yield f"  - Evidence: {_plain(one.evidence)}"
    yield f"  - Check: {_plain(one.isolating_check)}"


def _failed(results: Results) -> Iterator[str]:
    failed = summary.failed(results)
    if failed or results.broken:
        yield from ("", "## Failed and broken", "")
    for row in failed:
        yield f"- `{_code(row.run.id)}`: {row.status.value}: {_plain(row.reason)}"
    for one in results.broken:
        yield f"- broken `{_code(one.name)}` ({_plain(one.source)}): {_plain(one.reason)}"


def _overview(results: Results) -> Iterator[str]:
    yield from ("", "## The worst verdict of each group", "")
    yield from _table(["", *(row.name for row in results.scenarios)])
    for group in summary.overview(results):
        yield _row([group.name, *(one.mark if one else "" for one in group.worst.values())])
    yield ""
    yield "Key: " + "; ".join(f"{verdict.mark} {verdict.value}: {verdict.meaning}" for verdict in Verdict) + "."


def _matrices(results: Results) -> Iterator[str]:
    if results.pairs:
        yield from ("", "## Every run against every run")
    for scenario in results.scenarios:
        pairs = [pair for pair in results.pairs if pair.scenario == scenario.name]
        if pairs:
            yield from ("", f"### {_plain(scenario.name)}", "")
            yield from _matrix(summary.labels(results, scenario.name), pairs)


def _matrix(labels: dict[str, str], pairs: Sequence[Pair]) -> Iterator[str]:
    cells = {(pair.a, pair.b): pair.verdict.mark for pair in pairs}
    yield from _table(["", *labels.values()])
    for a, name in labels.items():
        yield _row([name, *(cells.get((a, b)) or cells.get((b, a), "") for b in labels)])


def _table(columns: Sequence[str]) -> Iterator[str]:
    yield _row(columns)
    yield "|---|" + ":-:|" * (len(columns) - 1)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(words: str) -> str:
    """Names come from plugins: nothing in them is markup."""
    flat = " ".join(words.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", flat)


def _code(words: str) -> str:
    """For between backticks, where nothing can be escaped."""
    return " ".join(words.split()).replace("`", "'")
