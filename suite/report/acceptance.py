"""The entry of known_differences.toml that accepts a finding, to be copied and completed."""

from __future__ import annotations

import datetime
import json

from suite.records import Finding, Verdict

DAYS = 90  # long enough for a release of a framework, short enough to look again
REASON = "write here why it is accepted"


def entry(finding: Finding, generated: str) -> str:
    """Empty where there is nothing to accept: it agrees, it has no result, it is accepted already, or it cannot be named.
    `generated`: when the report was made; its last day is counted from there."""
    if finding.accepted or not finding.fingerprint or finding.verdict is Verdict.NOT_RUN:
        return ""
    if finding.verdict.rank < Verdict.BY_DESIGN.rank or not finding.members:
        return ""
    try:
        day = datetime.date.fromisoformat(generated[:10]) + datetime.timedelta(days=DAYS)
    except ValueError:
        return ""
    scenarios = sorted({member.scenario for member in finding.members})
    lines = (
        "[[known]]",
        f"fingerprint = {json.dumps(finding.fingerprint)}",
        f"reason = {json.dumps(REASON)}",
        f"expires = {day.isoformat()}",
        f"scenarios = {json.dumps(scenarios)}",
    )
    return "\n".join(lines) + "\n"
