"""A self-test as a table for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from suite.records import GroundRates
from suite.selftest import kept_rates
from suite.selftest.plan import BUILT_IN, RANDOM
from suite.selftest.score import Score, Scored

# In models drawn at random, one of cause and place is asked for: nobody has tuned the judge on them.
GOALS: Mapping[str, tuple[tuple[str, float], ...]] = {
    BUILT_IN: (("detected", 0.98), ("right cause", 0.90), ("right place", 0.90)),
    RANDOM: (("detected", 0.97), ("right side", 0.90), ("right cause or place", 0.85)),
}


def rates(score: Score) -> dict[str, float]:
    """As reports quote them, once this is kept."""
    faults = score.faults
    return GroundRates(
        ground=score.ground,
        injected=len(faults),
        detected=sum(one.detected for one in faults),
        right_side=sum(one.side for one in faults),
        right_cause=sum(one.right_cause for one in faults),
        right_place=sum(one.right_place for one in faults),
        cause_or_place=sum(one.right_cause or one.right_place for one in faults),
    ).rates


def passed(score: Score) -> bool:
    """Every goal is met, and no clean pair was said to differ. A self-test without faults or clean pairs does not pass."""
    reached = rates(score)
    if score.faults and any(reached[name] < goal for name, goal in GOALS[score.ground]):
        return False
    return bool(score.faults or score.clean_pairs) and not score.alarms


def table(score: Score) -> str:
    """A row for each injected fault, then what was missed and the rates."""
    rows = [(f"{score.ground} ground: fault", "injected in", "found", "side", "cause", "place")]
    rows += [
        (
            one.injected.fault,
            f"{one.injected.configuration.label} {one.injected.configuration.strategy}",
            _mark(one.detected),
            _mark(one.side),
            _mark(one.right_cause),
            _mark(one.right_place),
        )
        for one in score.faults
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", *_missed(score), *_summary(score)])


def _mark(right: bool) -> str:
    return "yes" if right else "NO"


def _missed(score: Score) -> Iterator[str]:
    for one in score.faults:
        if not (one.detected and one.side and one.right_cause and one.right_place):
            yield f"{_name(one)}: {_why(one)}"
    yield from (f"without effect: {_name(one)}" for one in score.without_effect)
    yield from (f"not run: {_name(one)}: {one.note}" for one in score.not_run)
    yield from (f"false alarm: {alarm}" for alarm in score.alarms)


def _name(one: Scored) -> str:
    """The configuration, with the fault also where a whole environment has it."""
    of_backend = f" ({one.injected.fault} {one.injected.target})" if one.injected.original else ""
    return f"{one.injected.configuration.id}{of_backend}"


def _why(one: Scored) -> str:
    if one.note:
        return one.note
    if not one.detected:
        return "not detected" if one.effect is None else f"not detected, at a distance of {one.effect:.1e}"
    parts = [] if one.side else ["the side is not named"]
    if not one.right_cause:
        parts.append(f"cause {_named(one)} in place of {one.expected_cause}")
    if not one.right_place:
        parts.append(f"place {one.place or 'unknown'} in place of {one.expected_place}")
    return "; ".join(parts)


def _named(one: Scored) -> str:
    return ", ".join(one.causes) or "unknown"


def _summary(score: Score) -> Iterator[str]:
    reached, goals = rates(score), dict(GOALS[score.ground])
    if score.faults:
        wanted = {name: f" (wanted {goal:.0%})" for name, goal in goals.items()}
        shares = ", ".join(f"{rate:.1%} {name}{wanted.get(name, '')}" for name, rate in reached.items())
        yield f"{len(score.faults)} injected faults: {shares}"
    if score.without_effect:
        yield f"{len(score.without_effect)} more make no difference in exact arithmetic, and are not counted"
    if score.not_run:
        yield f"{len(score.not_run)} more are in configurations that do not run without a fault either, and are not counted"
    checks = f" and {score.clean_checks} clean checks" if score.clean_checks else ""
    open_ones = f"; {score.undecided} pairs undecided" if score.undecided else ""
    yield f"{score.clean_pairs} clean pairs{checks}: {len(score.alarms)} false alarms (wanted 0){open_ones}"
    yield from (f"found, and not injected: {one}" for one in score.defects)


def as_json(scores: Sequence[Score], others: Sequence[Mapping[str, object]] = ()) -> str:
    """Each ground that was measured, and what is kept of others."""
    measured = [_ground(score) for score in scores]
    grounds = sorted([*measured, *others], key=lambda one: str(one.get("ground", BUILT_IN)))
    return json.dumps({"grounds": grounds}, indent=1) + "\n"


def _ground(score: Score) -> dict[str, object]:
    return {
        "ground": score.ground,
        "faults": [_row(one) for one in score.faults],
        "without_effect": [_row(one) for one in score.without_effect],
        "not_run": [_row(one) for one in score.not_run],
        "clean_pairs": score.clean_pairs,
        "clean_checks": score.clean_checks,
        "undecided": score.undecided,
        "false_alarms": len(score.alarms),
        "alarms": list(score.alarms),
        "defects": list(score.defects),
        "versions": dict(score.versions),
        "suite": msgspec.to_builtins(kept_rates.suite()),
    }


def _row(one: Scored) -> dict[str, object]:
    injected, configuration = one.injected, one.injected.configuration
    return {
        "ground": injected.ground,
        "name": injected.fault,
        "target": injected.target,
        "strategy": configuration.strategy,
        "environment": configuration.environment,
        "devices": configuration.devices,
        "scenario": configuration.scenario,
        "detected": one.detected,
        "side_right": one.side,
        "cause_expected": one.expected_cause,
        "cause_named": _named(one),
        "cause_right": one.right_cause,
        "place_expected": str(one.expected_place),
        "place_named": str(one.place) if one.place else "unknown",
        "place_right": one.right_place,
        "size": one.size,
        "effect": one.effect,
        "note": one.note,
    }
