"""parity diff: says what is worse, better, new and gone between two results.json."""

from __future__ import annotations

from suite.commands import conclusion, listing
from suite.commands.options import DiffOptions
from suite.report import changes, results_json
from suite.results import baseline


def run(options: DiffOptions) -> int:
    """0 nothing is worse, 1 something is, or is new and fails the gate, 2 the two cannot be compared."""
    later = results_json.read(options.now)
    change = conclusion.since(options.before, conclusion.earlier(options.before), later)
    listing.say_all(changes.text(change))
    if change.incomparable:
        return 2
    return 1 if baseline.is_worse(change, later.plan.options.gate) else 0
