"""What changed, in words: accepted differences that ask for something."""

from __future__ import annotations

from suite.records import KnownDifference
from suite.report import changes


def test_a_sentence_for_each_accepted_difference_that_asks_for_something() -> None:
    def one(state: str, *scenarios: str) -> KnownDifference:
        return KnownDifference(
            fingerprint="01234567", reason="why", expires="2027-01-31", source="k.toml:2", state=state, scenarios=scenarios
        )

    assert not list(changes.accepted([one("shows"), one("not looked for", "a")]))
    assert list(changes.accepted([one("expired"), one("gone"), one("gone", "a")])) == [
        "accepted difference 01234567 (k.toml:2: why) expired on 2027-01-31 and fails the gate again: fix it, "
        "or decide again",
        "accepted difference 01234567 (k.toml:2: why) does not show in this run: remove it if it was fixed",
        "accepted difference 01234567 (k.toml:2: why) no longer shows: remove it",
    ]
