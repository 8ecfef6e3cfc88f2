"""One sentence that answers the question, from the same pairs and views that the matrix shows; and the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from suite.records import Broken, Pair, RunRow, Verdict, View

AGREE = (Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.NOISE)

FINE, DIFFERENCE, BROKEN_RUN, BROKEN_SCENARIO = 0, 1, 2, 3


def sentence(pairs: Sequence[Pair], views: Sequence[View], rows: Sequence[RunRow], broken: Sequence[Broken]) -> str:
    """The seed question's three parts, each counted: backends, devices, saved files."""
    compared = [pair for pair in pairs if pair.verdict is not Verdict.NOT_RUN]
    if not compared and not views:
        return "Nothing was compared: no two runs of one scenario have results."
    single = [pair for pair in compared if _devices(pair) == (1, 1)]
    many = [pair for pair in compared if _devices(pair) != (1, 1)]
    saved = [view for view in views if view.kind == "saved" and view.verdict is not Verdict.NOT_RUN]
    parts = [
        _part("one device, across backends", single, "pairs"),
        _part("several devices", many, "pairs"),
        _part("live model against its saved file", saved, "files"),
    ]
    lead = "Yes, up to rounding" if all(one.verdict in AGREE for one in (*compared, *saved)) else "Not everywhere"
    failed = len({row.run.configuration for row in rows if row.status.broken})
    trouble = f" {failed} configurations have runs that failed." if failed else ""
    trouble += f" {len(broken)} scenarios are broken." if broken else ""
    return f"{lead}: {'; '.join(part for part in parts if part)}.{trouble}"


def _devices(pair: Pair) -> tuple[int, int]:
    counts = [int(run.split("/")[2].rpartition("-x")[2]) for run in (pair.a, pair.b)]
    return counts[0], counts[1]


def _part(title: str, members: Sequence[Pair | View], noun: str) -> str:
    if not members:
        return ""
    agree = sum(one.verdict in AGREE for one in members)
    if agree == len(members):
        return f"{title}, all {agree} {noun} agree"
    return f"{title}, {agree} of {len(members)} {noun} agree"


def exit_code(
    pairs: Sequence[Pair], views: Sequence[View], rows: Iterable[RunRow], broken: Sequence[Broken], gate: str
) -> int:
    """0 nothing as bad as the gate, 1 a difference, 2 a run failed (or no pairs), 3 a broken scenario; the largest."""
    codes = [FINE]
    limit = Verdict(gate).rank
    for one in (*pairs, *views):
        if one.verdict is not Verdict.NOT_RUN and one.verdict.rank >= limit:
            codes.append(DIFFERENCE)
    failed_views = any(view.verdict is Verdict.NOT_RUN and not view.cause.startswith("unsupported") for view in views)
    if any(row.status.broken for row in rows) or failed_views or not pairs:
        codes.append(BROKEN_RUN)
    if broken:
        codes.append(BROKEN_SCENARIO)
    return max(codes)
