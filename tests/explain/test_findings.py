"""What a finding says of its pairs, and what it does not."""

from __future__ import annotations

from dataclasses import replace

from suite.explain import findings
from suite.records import Pair, Place, Verdict
from tests.report import sample

PLACE = Place(stage="loss", tensor="loss", state="19", size=0.1, ratio=1e9)


def test_what_did_not_run_begins_to_differ_nowhere() -> None:
    def place(pair: Pair) -> Place | None:
        return findings.group([pair], (), (), {(pair.a, pair.b): PLACE})[0].place

    pair = next(one for one in sample.results().pairs if one.verdict is Verdict.DIFFERENT)
    assert place(replace(pair, verdict=Verdict.BY_DESIGN)) == PLACE
    assert place(replace(pair, verdict=Verdict.NOT_RUN, quantities=())) is None
