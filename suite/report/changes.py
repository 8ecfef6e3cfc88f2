"""What changed since a baseline, in words: one sentence, and lines for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from suite.records import Change, KnownDifference, Move, Verdict
from suite.results.baseline import GOALPOSTS, HOW

NAMED = 3  # of what is lost: the rest is counted
NOUNS = {
    "environment": ("fact of an environment", "facts of environments"),
    "limit": ("limit", "limits"),
    "option": ("option", "options"),
    "scenario": ("scenario", "scenarios"),
}


def sentence(change: Change) -> str:
    if change.incomparable:
        return f"What changed since {Path(change.baseline).name} is unknown: {change.incomparable}."
    members = [move for move in change.moves if move.about in ("verdict", "cause")]
    counted = Counter(move.how for move in members)
    in_both = change.same + sum(bool(move.before and move.now) for move in members)
    parts = [f"{counted[how]} {how if how != 'changed' else 'with a different cause'}" for how in HOW if counted[how]]
    lead = ", ".join(parts) if parts else "no verdict and no cause changed"
    what = f"{lead}; {change.same} of the {in_both} pairs and checks in both runs did not change"
    return f"Since {change.generated} (plan {change.plan[:12]}): {what}.{_only(change)}{_goalposts(change.moves)}"


def short(change: Change) -> str:
    """What moved, in a few words, for a line that has others."""
    if change.incomparable:
        return "the earlier run cannot be compared with"
    counted = Counter(move.how for move in change.moves if move.about in ("verdict", "cause"))
    parts = [f"{counted[how]} {how}" for how in HOW if counted[how]]
    return f"since {change.generated[:10]}: {', '.join(parts) if parts else 'no verdict changed'}"


def _only(change: Change) -> str:
    only = [
        f"{words} {listed(names)}"
        for words, names in (("the baseline has", change.only_before), ("this run has", change.only_now))
        if names
    ]
    return f" Only {', and only '.join(only)}." if only else ""


def listed(names: Iterable[str]) -> str:
    found = sorted(names)
    if not found:
        return "no scenario"
    return ", ".join(found) if len(found) <= 3 else f"{len(found)} scenarios ({', '.join(found[:3])}, ...)"


def _goalposts(moves: Iterable[Move]) -> str:
    """What verdicts rest on, where that moved: named if it is little, counted if it is much."""
    posts = [move for move in moves if move.about in GOALPOSTS and (move.about != "scenario" or move.how == "changed")]
    if not posts:
        return ""
    if len(posts) <= 3:
        return f" Their basis changed, too: {'; '.join(f'{move.about} {move.name}{arrow(move)}' for move in posts)}."
    counted = Counter(move.about for move in posts)
    parts = [f"{count} {NOUNS[about][count != 1]}" for about, count in counted.items()]
    return f" Their basis changed, too: {', '.join(parts)}."


def text(change: Change) -> Iterator[str]:
    """For a terminal: the sentence, then a line for everything that moved, what is worse first; one for all that has no
    result any more."""
    yield sentence(change)
    lost = [move.name for move in change.moves if _is_lost(move)]
    if lost:
        named = ", ".join(lost[:NAMED]) + (f" and {len(lost) - NAMED} more" if len(lost) > NAMED else "")
        yield f"  {len(lost)} not compared any more: {named}"
    for move in sorted(change.moves, key=lambda one: HOW.index(one.how)):
        if not _is_lost(move):
            yield f"  {move.how:8} {move.about:12} {move.name}{arrow(move)}"


def _is_lost(move: Move) -> bool:
    """Whether a pair or check had a result and has none."""
    return move.about == "verdict" and (move.how == "gone" or move.now == Verdict.NOT_RUN.value)


def arrow(move: Move) -> str:
    both = [words for words in (move.before, move.now) if words]
    return f": {' → '.join(both)}" if both else ""


def accepted(known: Iterable[KnownDifference]) -> Iterator[str]:
    """A sentence for each accepted difference that asks for something to be done."""
    for one in known:
        name = f"accepted difference {one.fingerprint} ({one.source}: {one.reason})"
        if one.state == "expired":
            yield f"{name} expired on {one.expires} and fails the gate again: fix it, or decide again"
        elif one.state == "gone":
            where = "no longer shows: remove it" if one.scenarios else "does not show in this run: remove it if it was fixed"
            yield f"{name} {where}"
