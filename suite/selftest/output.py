"""A self-test as a table for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from suite.records import SelfTest
from suite.selftest import kept_rates
from suite.selftest.score import Score, Scored

GOALS = (("detected", 0.98), ("right cause", 0.90), ("right place", 0.90))


def rates(score: Score) -> dict[str, float]:
    """As reports quote them, once this is kept."""
    return SelfTest(
        injected=len(score.outcomes),
        detected=sum(one.detected for one in score.outcomes),
        right_cause=sum(one.right_cause for one in score.outcomes),
        right_place=sum(one.right_place for one in score.outcomes),
    ).rates


def passed(score: Score) -> bool:
    """Every goal is met, and no clean pair was said to differ. A self-test without faults or clean pairs does not pass."""
    reached = rates(score)
    if score.outcomes and any(reached[name] < goal for name, goal in GOALS):
        return False
    return bool(score.outcomes or score.clean_pairs) and not score.alarms


def table(score: Score) -> str:
    """A row for each injected fault, then what was missed and the rates."""
    rows = [("fault", "injected in", "found", "cause", "place")]
    rows += [
        (
            one.injected.fault,
            f"{one.injected.configuration.label} {one.injected.configuration.strategy}",
            _mark(one.detected),
            _mark(one.right_cause),
            _mark(one.right_place),
        )
        for one in score.outcomes
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", *_missed(score), *_summary(score)])


def _mark(right: bool) -> str:
    return "yes" if right else "NO"


def _missed(score: Score) -> Iterator[str]:
    for one in score.outcomes:
        if not (one.detected and one.right_cause and one.right_place):
            yield f"{one.injected.configuration.id}: {_why(one)}"
    yield from (f"false alarm: {alarm}" for alarm in score.alarms)


def _why(one: Scored) -> str:
    if one.note:
        return one.note
    if not one.detected:
        return "not detected"
    parts = []
    if not one.right_cause:
        parts.append(f"cause {_named(one)} in place of {one.expected_cause}")
    if not one.right_place:
        parts.append(f"place {one.place or 'unknown'} in place of {one.expected_place}")
    return "; ".join(parts)


def _named(one: Scored) -> str:
    return ", ".join(one.causes) or "unknown"


def _summary(score: Score) -> Iterator[str]:
    reached = rates(score)
    if score.outcomes:
        shares = ", ".join(f"{reached[name]:.1%} {name} (wanted {goal:.0%})" for name, goal in GOALS)
        yield f"{len(score.outcomes)} injected faults: {shares}"
    yield f"{score.clean_pairs} clean pairs: {len(score.alarms)} false alarms (wanted 0)"
    yield from (f"found, and not injected: {one}" for one in score.defects)


def as_json(score: Score) -> str:
    document = {
        "faults": [_row(one) for one in score.outcomes],
        "clean_pairs": score.clean_pairs,
        "false_alarms": len(score.alarms),
        "alarms": list(score.alarms),
        "defects": list(score.defects),
        "versions": dict(score.versions),
        "suite": msgspec.to_builtins(kept_rates.suite()),
    }
    return json.dumps(document, indent=1) + "\n"


def _row(one: Scored) -> dict[str, object]:
    configuration = one.injected.configuration
    return {
        "name": one.injected.fault,
        "strategy": configuration.strategy,
        "environment": configuration.environment,
        "devices": configuration.devices,
        "scenario": configuration.scenario,
        "detected": one.detected,
        "cause_expected": one.expected_cause,
        "cause_named": _named(one),
        "cause_right": one.right_cause,
        "place_expected": str(one.expected_place),
        "place_named": str(one.place) if one.place else "unknown",
        "place_right": one.right_place,
        "size": one.size,
        "note": one.note,
    }
