"""Which differences are accepted: those do not fail the gate until the day that was written down; the others do."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from suite.records import Finding, KnownDifference, Part, RunRow, Status


def mark(
    findings: Sequence[Finding], known: Sequence[KnownDifference], rows: Iterable[RunRow], today: datetime.date
) -> tuple[tuple[Finding, ...], tuple[KnownDifference, ...]]:
    """The findings with the reasons why they are accepted, and every known difference with its state.

    A known difference names a finding, or what it is in one scenario; a digest cut short counts if it begins like that.
    """
    run = _run(rows)
    states = tuple(replace(one, state=_state(one, findings, run, today)) for one in known)
    valid = [one for one in states if one.state == "shows"]
    return tuple(_marked(finding, valid) for finding in findings), states


def _run(rows: Iterable[RunRow]) -> Mapping[str, bool]:
    """Scenario -> whether every planned run of it has a result, or could not have one."""
    found: dict[str, bool] = {}
    for row in rows:
        scenario = row.run.configuration.scenario
        found[scenario] = found.get(scenario, True) and row.status in (Status.COMPLETE, Status.UNSUPPORTED)
    return found


def _state(one: KnownDifference, findings: Iterable[Finding], run: Mapping[str, bool], today: datetime.date) -> str:
    shown = any(
        fingerprint.startswith(one.fingerprint)
        for finding in findings
        for fingerprint in (finding.fingerprint, *(part.fingerprint for part in finding.parts))
    )
    if shown:
        return "shows" if today.isoformat() <= one.expires else "expired"
    return "gone" if all(run.get(scenario, False) for scenario in one.scenarios) else "not looked for"


def _marked(finding: Finding, valid: Sequence[KnownDifference]) -> Finding:
    whole = next((one.reason for one in valid if finding.fingerprint.startswith(one.fingerprint)), "")
    parts = tuple(replace(part, accepted=whole or _reason(part, valid)) for part in finding.parts)
    reasons = list(dict.fromkeys(part.accepted for part in parts))
    return replace(finding, parts=parts, accepted="; ".join(reasons) if parts and all(reasons) else "")


def _reason(part: Part, valid: Iterable[KnownDifference]) -> str:
    return next((one.reason for one in valid if part.fingerprint.startswith(one.fingerprint)), "")
