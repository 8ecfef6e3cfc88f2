"""summary.md: the answer, what differs and what failed, for a CI job's summary page (at most 200 kB)."""

from __future__ import annotations

from collections.abc import Iterator

from suite.records import Results, Verdict
from suite.report import summary

LONGEST = 200_000  # bytes: half of what a common CI server shows, and far more than anybody reads


def text(results: Results) -> str:
    lines: list[str] = []
    size = 0
    for line in _lines(results):
        size += len(line.encode()) + 1
        if size > LONGEST:
            lines.append("\nCut here: index.html and results.json hold the rest.")
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def _lines(results: Results) -> Iterator[str]:
    yield f"# {_plain(results.answer)}"
    yield ""
    for noun, members in (("pairs", results.pairs), ("views", results.views)):
        counted = summary.counts(members)
        yield f"{len(members)} {noun}: " + ", ".join(
            f"{verdict.mark} {count} {verdict.value}" for verdict, count in counted.items()
        )
        yield ""
    if results.findings:
        yield "## Why"
        yield ""
    for finding in results.findings:
        yield f"- **{finding.verdict.mark} {finding.verdict.value}** {_plain(finding.claim)}"
        yield f"  Evidence: {_plain(finding.evidence)}."
        yield f"  Check: {_plain(finding.isolating_check)}."
    if failed := summary.failed(results):
        yield ""
        yield "## Failed runs"
        yield ""
    for row in failed:
        yield f"- `{row.run.configuration.id}`: {row.status.value}: {_plain(row.reason)}"
    for one in results.broken:
        yield f"- broken scenario `{_plain(one.name)}` ({_plain(one.source)}): {_plain(one.reason)}"
    yield ""
    yield "## Overview: the worst verdict of each group"
    yield ""
    yield "| | " + " | ".join(row.name for row in results.scenarios) + " |"
    yield "|---|" + "---|" * len(results.scenarios)
    for group in summary.overview(results):
        cells = [verdict.mark if verdict else "" for verdict in group.worst.values()]
        yield f"| {_plain(group.name)} | " + " | ".join(cells) + " |"
    yield ""
    yield "Key: " + "; ".join(f"{verdict.mark} {verdict.value}" for verdict in Verdict) + "."
    yield ""
    yield f"{results.generated}, plan {results.plan.digest[:12]}, `{_plain(results.plan.command)}`"


def _plain(words: str) -> str:
    """Names come from plugins: nothing in them is markup."""
    return " ".join(words.split()).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
