"""The exit code of a comparison, from the pairs, checks and runs that the report shows."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from suite.records import Broken, Code, Member, Outcome, RunRow, Verdict

FINE, DIFFERENCE, BROKEN_RUN, BROKEN_SCENARIO = 0, 1, 2, 3


def exit_code(
    members: Sequence[Member],
    rows: Iterable[RunRow],
    broken: Sequence[Broken],
    gate: Verdict,
    *,
    jobs: Sequence[Outcome] = (),
    excused: Container[str] = (),
) -> int:
    """0 nothing as bad as the gate, 1 a difference, 2 a run or a job failed (or no pairs), 3 a broken scenario; the largest.

    `jobs`: those that execute no run and did not complete: what they would have shown is not known. `excused`: ids of pairs
    and checks whose difference is accepted. What did not run is never excused.
    """
    codes = [FINE]
    compared = [member for member in members if member.verdict is not Verdict.NOT_RUN]
    if any(member.verdict.rank >= gate.rank and member.id not in excused for member in compared):
        codes.append(DIFFERENCE)
    pairs = [member for member in members if member.kind == "pair"]
    failed_checks = any(_failed(member) for member in members if member.kind != "pair")
    failed_jobs = any(outcome.status.broken for outcome in jobs)
    if any(row.status.broken for row in rows) or failed_checks or failed_jobs or not pairs:
        codes.append(BROKEN_RUN)
    if broken:
        codes.append(BROKEN_SCENARIO)
    return max(codes)


def _failed(member: Member) -> bool:
    """Whether it should have been compared and was not."""
    return member.verdict is Verdict.NOT_RUN and all(cause.code != Code.UNSUPPORTED for cause in member.causes)
