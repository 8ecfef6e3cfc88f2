"""One sentence that answers the question, from the same pairs and checks that the matrix shows; and the exit code."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from suite.judge import verdicts
from suite.records import Broken, ConsistencyCheck, Pair, RunRow, Verdict

AGREE = (Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.NOISE)

FINE, DIFFERENCE, BROKEN_RUN, BROKEN_SCENARIO = 0, 1, 2, 3

Member = Pair | ConsistencyCheck


def sentence(
    pairs: Sequence[Pair], checks: Sequence[ConsistencyCheck], rows: Sequence[RunRow], broken: Sequence[Broken]
) -> str:
    """The seed question's three parts, each counted: backends, devices, saved files; and whether the causes are known."""
    compared = [pair for pair in pairs if pair.verdict is not Verdict.NOT_RUN]
    if not compared and not checks:
        return f"Nothing was compared: no two runs of one scenario have results.{_trouble(rows, broken)}"
    single = [pair for pair in compared if _devices(pair) == (1, 1)]
    many = [pair for pair in compared if _devices(pair) != (1, 1)]
    seen = [check for check in checks if check.verdict is not Verdict.NOT_RUN]
    saved = [check for check in seen if check.kind == "saved"]
    parts = [
        _part("across backends on one device", single, "pairs agree"),
        _part("with several devices", many, "pairs agree"),
        _part("after saving", saved, "files equal the live model"),
    ]
    return f"{_lead([*compared, *seen])}: {'; '.join(part for part in parts if part)}.{_trouble(rows, broken)}"


def _lead(members: Sequence[Member]) -> str:
    """Yes or no, and what is known of why not."""
    apart = [one for one in members if one.verdict not in AGREE]
    if not apart:
        return "Yes, up to rounding"
    unexplained = [one for one in apart if one.verdict is not Verdict.BY_DESIGN]
    if not unexplained:
        return "Not everywhere, and every difference is by design and was checked"
    open_ones = sum(unknown(one) for one in unexplained)
    if open_ones:
        have = "has" if open_ones == 1 else "have"
        return f"Not everywhere, and {open_ones} of {len(apart)} differences {have} no known cause"
    return f"Not everywhere; every difference has a named cause, and {len(unexplained)} of {len(apart)} are not by design"


def unknown(one: Member) -> bool:
    """Whether nothing is known of why the two sides differ."""
    return one.verdict is Verdict.INCONCLUSIVE or (
        one.verdict is Verdict.DIFFERENT and verdicts.UNKNOWN in one.cause.split("; ")
    )


def _trouble(rows: Iterable[RunRow], broken: Sequence[Broken]) -> str:
    failed = len({row.run.configuration for row in rows if row.status.broken})
    words = f" {failed} {'configuration has' if failed == 1 else 'configurations have'} runs that failed." if failed else ""
    return words + (f" {len(broken)} {'scenario is' if len(broken) == 1 else 'scenarios are'} broken." if broken else "")


def _devices(pair: Pair) -> tuple[int, int]:
    counts = [int(run.split("/")[2].rpartition("-x")[2]) for run in (pair.a, pair.b)]
    return counts[0], counts[1]


def _part(title: str, members: Sequence[Member], agreement: str) -> str:
    if not members:
        return ""
    agree = sum(one.verdict in AGREE for one in members)
    designed = sum(one.verdict is Verdict.BY_DESIGN for one in members)
    words = f"{title}, {'all ' if agree == len(members) else f'{agree} of '}{len(members)} {agreement}"
    return f"{words} and {designed} differ by design" if designed else words


def exit_code(
    pairs: Sequence[Pair],
    checks: Sequence[ConsistencyCheck],
    rows: Iterable[RunRow],
    broken: Sequence[Broken],
    gate: str,
    *,
    excused: Container[str] = (),
) -> int:
    """0 nothing as bad as the gate, 1 a difference, 2 a run failed (or no pairs), 3 a broken scenario; the largest.

    `excused`: pairs and checks whose difference is known, as findings name them. What did not run is never excused.
    """
    codes = [FINE]
    limit = Verdict(gate).rank
    members: list[Pair | ConsistencyCheck] = [*pairs, *checks]
    if any(one.verdict is not Verdict.NOT_RUN and one.verdict.rank >= limit and one.id not in excused for one in members):
        codes.append(DIFFERENCE)
    failed_checks = any(check.verdict is Verdict.NOT_RUN and not check.cause.startswith("unsupported") for check in checks)
    if any(row.status.broken for row in rows) or failed_checks or not pairs:
        codes.append(BROKEN_RUN)
    if broken:
        codes.append(BROKEN_SCENARIO)
    return max(codes)
